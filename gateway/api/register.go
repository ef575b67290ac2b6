package api

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// registration is the agent's form: a request taken down by hand, on the channel it came by.
type registration struct {
	Channel       string             `json:"channel" validate:"required,max=64"`
	Key           string             `json:"key" validate:"omitempty,max=128,printascii"` // the header Idempotency-Key will do
	CallID        string             `json:"call_id" validate:"max=128"`
	Line          string             `json:"line" validate:"max=64"`
	Type          ticket.RequestType `json:"type" validate:"omitempty,oneof=consult help complaint report suggest praise other"`
	Urgency       ticket.Urgency     `json:"urgency" validate:"omitempty,oneof=normal urgent emergency"`
	Category      string             `json:"category" validate:"max=64"`
	Region        string             `json:"region" validate:"max=64"`
	Title         string             `json:"title" validate:"max=100"`
	Text          string             `json:"text" validate:"required,max=20000"`
	HappenedAt    time.Time          `json:"happened_at"`
	Appellant     *party             `json:"appellant"`
	OtherParty    *party             `json:"other_party"`
	Place         *place             `json:"place"`
	TicketNumber  string             `json:"ticket_number" validate:"max=32"` // a ticket the citizen has: this adds to it
	ForeignNumber string             `json:"foreign_number" validate:"max=64"`
	Confidential  bool               `json:"confidential"`
	Public        bool               `json:"public"`
	AnswerWanted  *bool              `json:"answer_wanted"`               // nil means yes
	Answer        string             `json:"answer" validate:"max=20000"` // given on the spot: 直接答复
	Unit          string             `json:"unit" validate:"max=64"`      // dispatched by hand
	Training      bool               `json:"training"`                    // 演练: for those with the right
}

// registered is the answer to a registration.
type registered struct {
	Status    string `json:"status"` // accepted, duplicate
	Receipt   string `json:"receipt,omitempty"`
	Number    string `json:"number,omitempty"`
	Code      string `json:"code,omitempty"`
	Unit      string `json:"unit,omitempty"`
	Joined    bool   `json:"joined,omitempty"` // it was added to a ticket there was already
	Emergency bool   `json:"emergency,omitempty"`
	Text      string `json:"text,omitempty"` // what to tell the citizen
}

// postTicket takes an agent's form the way every delivery goes: kept raw, recognised, routed, committed.
func (a *API) postTicket(k *call) error {
	var form registration
	if err := a.body(k, &form); err != nil {
		return err
	}
	if header := clean(k.Get("Idempotency-Key")); form.Key == "" && header != "" {
		if len(header) > 128 {
			return fieldError("body.invalid", "Idempotency-Key", "最多 128 个字")
		}
		form.Key = header
	}
	if form.Key == "" {
		form.Key = randomKey()
	}
	if form.Training && !k.viewer.Can(desk.RightTraining) {
		return ticket.Errorf(ticket.Forbidden, "access.denied", "您的岗位无权登记演练工单（training）")
	}
	c := a.Live.Get()
	ch, err := a.checkForm(c, &form)
	if err != nil {
		return err
	}
	taken := takenDown{Agent: k.viewer.Login, AreaCode: c.AreaCode, Form: form}
	raw, err := json.Marshal(taken)
	if err != nil {
		return err
	}
	in := adapters.Inbound{
		Channel: ch.ID, Method: http.MethodPost, Path: Prefix + "/tickets", URL: a.PublicURL.String() + Prefix + "/tickets",
		Header: http.Header{"Content-Type": {"application/json"}}, Body: raw, RemoteIP: a.clientIP(k), ReceivedAt: a.Now(),
	}
	byHand := *ch
	byHand.Adapter, byHand.Spec.OwnsKeys = takenDown{}, true
	return a.sendOutcome(k, a.Intake.Deliver(k.UserContext(), &byHand, in, in))
}

func (a *API) clientIP(k *call) netip.Addr { return a.ClientIP(k.Ctx) }

// checkForm checks what only the pack can say of a form.
func (a *API) checkForm(c *city.City, f *registration) (*city.Channel, error) {
	var wrong []ticket.Field
	complain := func(ok bool, name, message string) {
		if !ok {
			wrong = append(wrong, ticket.Field{Name: name, Message: message})
		}
	}
	ch, known := c.Channels[f.Channel]
	complain(known, "channel", "没有这个渠道")
	if f.Category != "" {
		_, known = c.Rules.Category(f.Category)
		complain(known, "category", "没有这个诉求分类")
	}
	if f.Region != "" {
		_, known = c.Rules.Region(f.Region)
		complain(known, "region", "没有这个区划")
	}
	if f.Unit != "" {
		u, known := c.Rules.Unit(f.Unit)
		complain(known && u.Retired == "", "unit", "承办单位不存在或已撤销")
		complain(f.Answer == "", "unit", "直接答复的诉求不再派单，请二选一")
	}
	f.TicketNumber = strings.ToUpper(clean(f.TicketNumber))
	complain(f.TicketNumber == "" || ticket.ValidNumber(f.TicketNumber), "ticket_number", "工单号不正确，请核对")
	complain(f.HappenedAt.IsZero() || wire.Plausible(f.HappenedAt, a.Now()), "happened_at", "应在 2000 年之后，且不晚于明天")
	complain(clean(f.Text) != "", "text", "不能为空")
	_, bad := f.Place.place("place")
	if wrong = append(wrong, bad...); wrong != nil {
		return nil, &ticket.Error{Kind: ticket.Invalid, Code: "body.invalid", Message: "请按提示修改", Fields: wrong}
	}
	return ch, nil
}

// takenDown is a form with who took it down: the delivery that is kept. As an adapter it reads itself.
type takenDown struct {
	Agent    string       `json:"agent"`
	AreaCode string       `json:"area_code"`
	Form     registration `json:"form"`
}

// Normalize implements [adapters.Adapter]. The form was checked before.
func (takenDown) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	var t takenDown
	if err := decode(in.Body, &t); err != nil {
		return nil, err
	}
	f := t.Form
	at, wrong := f.Place.place("place")
	if wrong != nil {
		return nil, &ticket.Error{Kind: ticket.Invalid, Code: "body.invalid", Message: "请按提示修改", Fields: wrong}
	}
	r := ticket.Request{
		Key: "desk:" + t.Agent + ":" + f.Key, Kind: ticket.KindCase, Type: f.Type, Urgency: f.Urgency, Category: f.Category, Region: f.Region,
		Title: clean(f.Title), Text: clean(f.Text), HappenedAt: f.HappenedAt.UTC(), Appellant: f.Appellant.party(t.AreaCode), OtherParty: f.OtherParty.party(t.AreaCode),
		Place: at, TicketNumber: f.TicketNumber, ForeignNumber: clean(f.ForeignNumber), Confidential: f.Confidential, Public: f.Public,
		NoCallback: f.AnswerWanted != nil && !*f.AnswerWanted, Answer: clean(f.Answer), Unit: f.Unit, Training: f.Training, Attributes: map[string]string{"agent": t.Agent},
	}
	if f.HappenedAt.IsZero() {
		r.HappenedAt = time.Time{}
	}
	if f.CallID != "" {
		r.Call = &ticket.CallFact{CallID: f.CallID, Line: f.Line, Agent: t.Agent}
	}
	return []ticket.Request{r}, nil
}

// sendOutcome answers an agent with what became of a form.
func (a *API) sendOutcome(k *call, out adapters.Outcome) error {
	status := http.StatusCreated
	switch out.Result {
	case adapters.Accepted:
	case adapters.Repeated:
		status = http.StatusOK
	case adapters.Conflicting:
		return ticket.Errorf(ticket.Conflict, "request.conflict", "此编号（Idempotency-Key）已用于另一份内容；若是新的诉求，请换一个编号")
	case adapters.Rejected:
		return &ticket.Error{Kind: ticket.Invalid, Code: out.Code, Message: out.Text, Fields: out.Errors}
	default:
		e := ticket.Errorf(ticket.Unavailable, out.Code, "内容尚未保存，请稍后重试")
		e.RetryAfter = out.RetryAfter
		return e
	}
	answer := registered{Status: string(out.Result), Receipt: out.Delivery, Text: out.Text}
	if len(out.Tickets) > 0 {
		t := out.Tickets[0]
		answer.Number, answer.Code, answer.Unit, answer.Joined, answer.Emergency = t.Number, t.Code, t.Unit, t.Joined, t.Emergency
		k.Set(fiber.HeaderLocation, Prefix+"/tickets/"+t.Number)
	}
	return k.Status(status).JSON(answer)
}
