package phone

import (
	"cmp"
	"errors"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// Stable codes of this channel's errors.
const (
	codeFormat  = "phone.format"  // the agent's form cannot be read
	codeInvalid = "phone.invalid" // fields of it are wrong; they are named
	codePath    = "phone.path"    // nothing is taken at this path
)

// ticket makes one case of an agent's form. It carries no ThreadKey: one call may hold several
// matters, and each is a ticket of its own. Errors: ticket.Invalid, with the fields.
func (p *phone) ticket(in adapters.Inbound) ([]ticket.Request, error) {
	var f form
	if err := wire.JSONOf(in.Body, in.Header, &f); err != nil {
		return nil, wire.Correctable(err, codeFormat)
	}
	f.clean()
	f.ClientReportID = cmp.Or(f.ClientReportID, clean(in.Header.Get("Idempotency-Key")))
	wrong := p.check(f)
	q := ticket.Request{
		Key:          f.ClientReportID,
		Kind:         ticket.KindCase,
		Source:       p.channel.Source,
		Type:         ticket.RequestType(f.Type),
		Urgency:      ticket.Urgency(f.Urgency),
		Category:     f.Category,
		Region:       f.Region,
		Title:        f.Title,
		Text:         f.Text,
		Appellant:    p.party(f.Appellant),
		OtherParty:   p.party(f.OtherParty),
		TicketNumber: strings.ToUpper(f.TicketNumber),
		Confidential: f.Confidential,
		Public:       f.Public,
		NoCallback:   f.AnswerWanted != nil && !*f.AnswerWanted,
		Answer:       f.Answer,
		Unit:         f.Unit,
	}
	if f.CallID != "" {
		q.Call = &ticket.CallFact{CallID: f.CallID, Line: cmp.Or(f.Line, p.channel.Line), Agent: f.Agent}
	} else {
		q.Attributes = map[string]string{"agent": f.Agent}
	}
	// Who calls for a neighbour leaves the neighbour's number and can be reached himself.
	switch number, _ := wire.Phone(f.Caller, p.settings.AreaCode); {
	case q.Appellant.Phone == "":
		q.Appellant.Phone = number
	case q.Appellant.Phone != number && q.Appellant.Contact == "":
		q.Appellant.Contact = number
	}
	happened, bad := wire.Occurred(string(f.OccurredAt), p.channel.Zone, in.ReceivedAt, "occurredAt")
	q.HappenedAt = happened
	wrong = append(wrong, bad...)
	q.Place = ticket.Place{Address: f.Place.Address, Grid: f.Place.Grid}
	wrong = append(wrong, wire.Coordinates(&q.Place, f.Place.Lng, f.Place.Lat, f.Place.CRS, p.channel.Datum, "place")...)
	if len(wrong) > 0 {
		e := ticket.Errorf(ticket.Invalid, codeInvalid, "工单内容有误，请按提示修改")
		e.Fields = wrong
		return nil, e
	}
	return []ticket.Request{q}, nil
}

func (f *form) clean() {
	texts := []*string{
		&f.ClientReportID, &f.CallID, &f.Agent, &f.Type, &f.Urgency, &f.Category, &f.Region, &f.Title, &f.Text, &f.Line, &f.Caller,
		&f.Place.Address, &f.Place.CRS, &f.Place.Grid, &f.TicketNumber, &f.Answer, &f.Unit,
	}
	for _, p := range []*person{&f.Appellant, &f.OtherParty} {
		texts = append(texts, &p.Name, &p.Phone, &p.Contact, &p.IDNumber, &p.Company)
	}
	for _, s := range texts {
		*s = clean(*s)
	}
}

func (p *phone) check(f form) []ticket.Field {
	var wrong []ticket.Field
	var failed validator.ValidationErrors
	if err := p.validate.Struct(f); errors.As(err, &failed) {
		for _, e := range failed {
			_, path, _ := strings.Cut(e.Namespace(), ".")
			wrong = append(wrong, ticket.Field{Name: path, Message: wire.Complaint(e.Tag(), e.Param(), e.Kind())})
		}
	}
	if f.Answer != "" && f.Unit != "" {
		wrong = append(wrong, ticket.Field{Name: "unit", Message: "直接答复的诉求不再派单，请二选一"})
	}
	if f.TicketNumber != "" && !ticket.ValidNumber(strings.ToUpper(f.TicketNumber)) {
		wrong = append(wrong, ticket.Field{Name: "ticketNumber", Message: "工单号不正确，请核对"})
	}
	return wrong
}

func (p *phone) party(w person) ticket.Party {
	number, _ := wire.Phone(w.Phone, p.settings.AreaCode)
	return ticket.Party{Name: w.Name, Phone: number, Contact: w.Contact, IDNumber: w.IDNumber, Company: w.Company, Anonymous: w.Anonymous}
}
