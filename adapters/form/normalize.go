package form

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// Stable codes of this channel's errors.
const (
	codeFormat  = "form.format"  // the body cannot be read
	codeInvalid = "form.invalid" // fields are wrong; they are named
)

// maxPhotos bounds the files of one report, those sent along and those uploaded before together.
const maxPhotos = 9

// Normalize makes exactly one request of a report. Errors: ticket.Invalid, with the fields.
func (f *form) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	r, err := read(in)
	if err != nil {
		return nil, err
	}
	r.clean()
	r.Reporter.Type = cmp.Or(r.Reporter.Type, f.settings.Reporters[0])
	header := strings.TrimSpace(in.Header.Get("Idempotency-Key"))
	given := r.ClientReportID
	r.ClientReportID = cmp.Or(given, header)
	wrong := f.check(r, in)
	if header != "" && given != "" && header != given {
		wrong = append(wrong, ticket.Field{Name: "clientReportId", Message: "与请求头 Idempotency-Key 不一致"})
	}
	req, more := f.request(r, in)
	if wrong = append(wrong, more...); len(wrong) > 0 {
		return nil, invalid(wrong...)
	}
	return []ticket.Request{req}, nil
}

func invalid(fields ...ticket.Field) error {
	e := ticket.Errorf(ticket.Invalid, codeInvalid, "提交内容有误，请按提示修改后重新提交")
	e.Fields = fields
	return e
}

// clean makes every text fit for storage, and drops the white space around what is not prose.
func (r *report) clean() {
	texts := []*string{
		&r.ClientReportID, &r.Kind, &r.Type, &r.Urgency, &r.Category, &r.CategoryCode, &r.Region, &r.Title, &r.Description, &r.OccurredAt,
		&r.Reporter.Type, &r.Reporter.ID, &r.Reporter.GridCode, &r.Location.CRS, &r.Location.Address, &r.TicketNumber, &r.ForeignNumber, &r.Unit,
	}
	who := &r.Reporter
	texts = append(texts, &who.Name, &who.Phone, &who.Contact, &who.IDNumber, &who.Company)
	for _, p := range []*person{r.Appellant, r.OtherParty} {
		if p != nil {
			texts = append(texts, &p.Name, &p.Phone, &p.Contact, &p.IDNumber, &p.Company)
		}
	}
	for i := range r.Photos {
		texts = append(texts, &r.Photos[i])
	}
	for _, s := range texts {
		*s, _ = text.Clean(strings.TrimSpace(*s), 0)
	}
}

// check applies the limits of the wire structs and the rules that span several fields.
func (f *form) check(r report, in adapters.Inbound) []ticket.Field {
	var wrong []ticket.Field
	add := func(name, message string) { wrong = append(wrong, ticket.Field{Name: name, Message: message}) }

	var failed validator.ValidationErrors
	if err := f.validate.Struct(r); errors.As(err, &failed) {
		for _, e := range failed {
			_, path, _ := strings.Cut(e.Namespace(), ".")
			add(path, wire.Complaint(e.Tag(), e.Param(), e.Kind()))
		}
	}
	who := r.Reporter.Type
	if !slices.Contains(f.settings.Reporters, who) && slices.Contains(allReporters, who) {
		add("reporter.type", "此渠道只接受："+strings.Join(f.settings.Reporters, " "))
	}
	if r.Unit != "" && who != agent {
		add("unit", "不能由提交人指定承办单位")
	}
	if r.ForeignNumber != "" && !f.settings.Historic {
		add("foreignNumber", "此渠道不接受旧编号")
	}
	if f.settings.ConsentRequired && !r.Consent {
		add("consent", "请先同意个人信息处理说明")
	}
	if n := len(r.Photos) + len(in.Media); n > maxPhotos && len(r.Photos) <= maxPhotos {
		add("photos", fmt.Sprintf("最多 %d 个附件", maxPhotos))
	}
	if r.TicketNumber != "" && !ticket.ValidNumber(strings.ToUpper(r.TicketNumber)) {
		add("ticketNumber", "工单号不正确，请核对")
	}
	return wrong
}

// request maps the report. Its problems are those of values that have to be read to be checked.
func (f *form) request(r report, in adapters.Inbound) (ticket.Request, []ticket.Field) {
	ch := f.channel
	q := ticket.Request{
		Key:           r.ClientReportID,
		Kind:          ticket.KindCase,
		Source:        ch.Source,
		Type:          ticket.RequestType(r.Type),
		Urgency:       ticket.Urgency(r.Urgency),
		Category:      cmp.Or(r.Category, r.CategoryCode),
		Region:        r.Region,
		Title:         r.Title,
		Text:          r.Description,
		TicketNumber:  strings.ToUpper(r.TicketNumber),
		Historic:      f.settings.Historic,
		ForeignNumber: r.ForeignNumber,
		Unit:          r.Unit,
		Confidential:  r.Confidential,
		Public:        r.Public,
		NoCallback:    r.AnswerWanted != nil && !*r.AnswerWanted,
		Media:         attachments(r.Photos, in.Media),
		Attributes:    map[string]string{"reporter": r.Reporter.Type},
	}
	if q.TicketNumber != "" {
		q.Kind = ticket.KindUpdate
	}
	if r.Kind != "" {
		q.Attributes["kind"] = r.Kind
	}
	if r.OfflineQueued {
		q.Attributes["offline"] = "true"
	}
	f.parties(&q, r)

	happened, wrong := f.occurred(r.OccurredAt, in.ReceivedAt)
	q.HappenedAt = happened
	q.Place = ticket.Place{Address: r.Location.Address, Grid: r.Reporter.GridCode}
	wrong = append(wrong, wire.Coordinates(&q.Place, r.Location.Lng, r.Location.Lat, r.Location.CRS, ch.Datum, "location")...)
	if q.Place.HasPoint() {
		q.Place.Accuracy = r.Location.Accuracy
	}
	return q, wrong
}

// oldest is the first year an archive may speak of. What is older is a slip of the pen, or the empty
// date of a spreadsheet, which counts from the last day of 1899.
const oldest = 1900

// occurred reads when the matter happened. An archive may be older than a live source may claim.
func (f *form) occurred(s string, receivedAt time.Time) (time.Time, []ticket.Field) {
	const path = "occurredAt"
	if !f.settings.Historic || s == "" {
		return wire.Occurred(s, f.channel.Zone, receivedAt, path)
	}
	at, err := wire.Time(s, f.channel.Zone)
	switch {
	case err != nil:
		return time.Time{}, []ticket.Field{{Name: path, Message: "应为时间，例如 2019-12-03 08:05"}}
	case at.Year() < oldest, at.After(receivedAt):
		return time.Time{}, []ticket.Field{{Name: path, Message: fmt.Sprintf("应在 %d 年之后，且不晚于现在", oldest)}}
	}
	return at, nil
}

// parties tells who filed from who is concerned. A citizen who names nobody else is both. Everybody
// else files for an appellant, who may be unknown: an observer without a citizen's telephone number
// is valid.
func (f *form) parties(q *ticket.Request, r report) {
	who := r.Reporter
	filer := f.party(&person{Name: who.Name, Phone: who.Phone, Contact: who.Contact, IDNumber: who.IDNumber, Company: who.Company, Anonymous: who.Anonymous})
	filer.ChannelID = who.ID
	q.Appellant, q.OtherParty = f.party(r.Appellant), f.party(r.OtherParty)
	if r.Reporter.Type == citizen && q.Appellant.IsZero() {
		q.Appellant = filer
		return
	}
	q.FiledBy = filer
}

func (f *form) party(p *person) ticket.Party {
	if p == nil {
		return ticket.Party{}
	}
	number, _ := wire.Phone(p.Phone, f.settings.AreaCode)
	return ticket.Party{Name: p.Name, Phone: number, Contact: p.Contact, IDNumber: p.IDNumber, Company: p.Company, Anonymous: p.Anonymous}
}

// attachments are the uploads named in the report, then the files that came with it.
func attachments(uploaded []string, files []adapters.Upload) []ticket.MediaRef {
	list := make([]ticket.MediaRef, 0, len(uploaded)+len(files))
	for _, ref := range uploaded {
		list = append(list, ticket.MediaRef{Ref: ref, Role: "photo"})
	}
	for _, u := range files {
		m := u.MediaRef
		m.Role = role(m.MIME)
		m.Name, _ = text.Clean(m.Name, 200)
		list = append(list, m)
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// role follows from the type that was sniffed.
func role(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	switch kind {
	case "image":
		return "photo"
	case "video":
		return "video"
	case "audio":
		return "voice"
	}
	return "file"
}
