package api

import (
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// command is the body of an action on a ticket. Each action uses the fields it needs.
type command struct {
	Assignment    int                 `json:"assignment" validate:"min=0,max=1000"` // the viewer's own when left out and there is one
	Unit          string              `json:"unit" validate:"max=64"`
	Units         []string            `json:"units" validate:"max=20,dive,required,max=64"`
	Reason        string              `json:"reason" validate:"max=64"`                             // a code of /reasons
	Other         string              `json:"other" validate:"max=32"`                              // number of the other ticket
	Relation      string              `json:"relation" validate:"omitempty,oneof=related distinct"` // link: what the two are to each other
	Amount        int                 `json:"amount" validate:"min=0,max=1000"`
	LimitUnit     string              `json:"limit_unit" validate:"omitempty,oneof=minutes hours natural_days working_days working_hours"`
	Until         time.Time           `json:"until"`
	LastResort    bool                `json:"last_resort"`             // arbitrate: to the district of the place
	Order         string              `json:"order" validate:"max=40"` // reply: number of the supervise order
	Outcome       string              `json:"outcome" validate:"omitempty,oneof=reached refused no_answer wrong_number appointed"`
	Media         []attachment        `json:"media" validate:"max=10,dive"` // files handed over before
	Reached       *bool               `json:"reached"`
	Solved        *bool               `json:"solved"`
	Satisfaction  ticket.Satisfaction `json:"satisfaction" validate:"omitempty,oneof=satisfied acceptable dissatisfied"`
	Type          ticket.RequestType  `json:"type" validate:"omitempty,oneof=consult help complaint report suggest praise other"`
	Urgency       ticket.Urgency      `json:"urgency" validate:"omitempty,oneof=normal urgent emergency"`
	Category      string              `json:"category" validate:"max=64"`
	Region        string              `json:"region" validate:"max=64"`
	Confidential  *bool               `json:"confidential"`
	Public        *bool               `json:"public"`
	PublicSummary string              `json:"public_summary" validate:"max=200"`
	ForeignNumber string              `json:"foreign_number" validate:"max=64"`
	Tags          []string            `json:"tags" validate:"max=20,dive,required,max=32"`
	Fields        []string            `json:"fields" validate:"max=10,dive,oneof=appellant filed_by other_party place text"` // reveal
	Title         string              `json:"title" validate:"max=100"`
	Text          string              `json:"text" validate:"max=20000"`
	Note          string              `json:"note" validate:"max=20000"`
	PublicReply   string              `json:"public_reply" validate:"max=20000"`
	Appellant     *party              `json:"appellant"`
	OtherParty    *party              `json:"other_party"`
	Place         *place              `json:"place"`
}

// party is a person named in a body.
type party struct {
	Name      string `json:"name" validate:"max=100"`
	Phone     string `json:"phone" validate:"max=64"`
	Contact   string `json:"contact" validate:"max=100"`
	IDNumber  string `json:"id_number" validate:"max=32"`
	Company   string `json:"company" validate:"max=100"`
	Anonymous bool   `json:"anonymous"`
}

// place is a place named in a body. Coordinates come together or not at all.
type place struct {
	Address string   `json:"address" validate:"max=500"`
	Lng     *float64 `json:"lng"`
	Lat     *float64 `json:"lat"`
	Datum   string   `json:"datum" validate:"omitempty,oneof=wgs84 gcj02 bd09"`
	Grid    string   `json:"grid" validate:"max=64"`
}

// byHand are the actions people take; the others are the gateway's own.
var byHand = slices.DeleteFunc(slices.Clone(ticket.Actions), func(a ticket.Action) bool {
	return slices.Contains([]ticket.Action{ticket.Register, ticket.Escalate, ticket.Recalendar, ticket.Repeat, ticket.Restate, ticket.Expire}, a)
})

// commandOf makes a body the domain's command.
func (a *API) commandOf(k *call, action ticket.Action, b *command) (ticket.Command, error) {
	if !slices.Contains(byHand, action) {
		return ticket.Command{}, ticket.Errorf(ticket.NotFound, "ticket.action.unknown", "没有这种操作")
	}
	cmd := ticket.Command{Action: action, Cause: ticket.Cause{Reason: b.Reason}, Details: ticket.Details{
		Assignment: b.Assignment, Unit: b.Unit, Units: b.Units, Relation: b.Relation, Amount: b.Amount, LimitUnit: b.LimitUnit, Until: b.Until, LastResort: b.LastResort,
		Order: strings.ToUpper(b.Order), Outcome: b.Outcome, Reached: b.Reached, Solved: b.Solved,
		Satisfaction: b.Satisfaction, Type: b.Type, Urgency: b.Urgency, Category: b.Category, Region: b.Region, Confidential: b.Confidential, Public: b.Public,
		PublicSummary: b.PublicSummary, ForeignNumber: b.ForeignNumber, Tags: b.Tags, Fields: b.Fields,
	}}
	if b.Other != "" {
		id, err := a.Desk.TicketID(k.UserContext(), k.viewer, strings.ToUpper(b.Other))
		if err != nil {
			return cmd, err
		}
		cmd.Details.Other = id
	}
	var err error
	p := ticket.Private{Title: clean(b.Title), Text: clean(b.Text), Note: clean(b.Note), PublicReply: clean(b.PublicReply)}
	area := a.Live.Get().AreaCode
	p.Appellant, p.OtherParty = b.Appellant.party(area), b.OtherParty.party(area)
	at, wrong := b.Place.place("place")
	if wrong != nil {
		return cmd, &ticket.Error{Kind: ticket.Invalid, Code: "body.invalid", Message: "请按提示修改", Fields: wrong}
	}
	p.Place = at
	if p.Media, err = a.attachments(k, b.Media); err != nil {
		return cmd, err
	}
	if p.Media != nil || !p.Appellant.IsZero() || !p.OtherParty.IsZero() || p.Place != (ticket.Place{}) || p.Title+p.Text+p.Note+p.PublicReply != "" {
		cmd.Private = &p
	}
	return cmd, nil
}

func (p *party) party(areaCode string) ticket.Party {
	if p == nil {
		return ticket.Party{}
	}
	phone, _ := wire.Phone(p.Phone, areaCode)
	return ticket.Party{Name: clean(p.Name), Phone: phone, Contact: clean(p.Contact), IDNumber: clean(p.IDNumber), Company: clean(p.Company), Anonymous: p.Anonymous}
}

func (p *place) place(path string) (ticket.Place, []ticket.Field) {
	if p == nil {
		return ticket.Place{}, nil
	}
	at := ticket.Place{Address: clean(p.Address), Grid: clean(p.Grid)}
	wrong := wire.Coordinates(&at, p.Lng, p.Lat, p.Datum, ticket.GCJ02, path)
	return at, wrong
}

// clean trims a text and replaces U+0000, which no store keeps.
func clean(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\x00", "\uFFFD")) }
