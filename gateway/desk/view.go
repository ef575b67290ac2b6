package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Named is an id with the name people know it by.
type Named struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Summary is a ticket as lists show it. Times are in the city's zone.
type Summary struct {
	Number       string          `json:"number"`
	Version      int64           `json:"version"`
	State        ticket.State    `json:"state"`
	StateTitle   string          `json:"state_title"`
	Title        string          `json:"title,omitempty"`
	Type         Named           `json:"type"`
	Urgency      Named           `json:"urgency"`
	Category     *Named          `json:"category,omitempty"`
	Region       *Named          `json:"region,omitempty"`
	Channel      Named           `json:"channel"`
	Source       string          `json:"source"`
	Unit         *Named          `json:"unit,omitempty"` // answerable now
	Level        string          `json:"level,omitempty"`
	LevelTitle   string          `json:"level_title,omitempty"`
	Due          time.Time       `json:"due,omitzero"` // the citizen's deadline
	Overdue      bool            `json:"overdue,omitempty"`
	Provisional  bool            `json:"provisional,omitempty"` // rests on a year without a published calendar
	RegisteredAt time.Time       `json:"registered_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
	Confidential bool            `json:"confidential,omitempty"`
	Historic     bool            `json:"historic,omitempty"`
	Unrated      bool            `json:"unrated,omitempty"`  // outside the public rates
	Training     bool            `json:"training,omitempty"` // 演练
	Quarantined  bool            `json:"quarantined,omitempty"`
	Counters     ticket.Counters `json:"counters,omitzero"`
}

// View is one ticket as a viewer may see it.
type View struct {
	Summary
	Kind          string         `json:"kind"`
	Policy        *Named         `json:"policy,omitempty"`
	Tags          []string       `json:"tags,omitempty"`
	Public        bool           `json:"public,omitempty"`
	Held          bool           `json:"held,omitempty"`
	Ended         []string       `json:"ended,omitempty"` // classes of data that were kept as long as they may be
	PublicSummary string         `json:"public_summary,omitempty"`
	NoCallback    bool           `json:"no_callback,omitempty"`
	CallID        string         `json:"call_id,omitempty"`
	ForeignNumber string         `json:"foreign_number,omitempty"`
	HappenedAt    time.Time      `json:"happened_at,omitzero"`
	ReceivedAt    time.Time      `json:"received_at"`
	ResolvedAt    time.Time      `json:"resolved_at,omitzero"`
	ClosedAt      time.Time      `json:"closed_at,omitzero"`
	Sight         string         `json:"sight"`              // none, masked or full
	Revealed      []string       `json:"revealed,omitempty"` // shown in full beyond it, this once
	Text          string         `json:"text,omitempty"`
	Appellant     *Party         `json:"appellant,omitempty"`
	FiledBy       *Party         `json:"filed_by,omitempty"`
	OtherParty    *Party         `json:"other_party,omitempty"`
	Place         *Place         `json:"place,omitempty"`
	TrackCode     string         `json:"track_code,omitempty"` // only in full sight
	PublicReply   string         `json:"public_reply,omitempty"`
	Media         []Media        `json:"media,omitempty"`
	Assignments   []Assignment   `json:"assignments,omitempty"`
	Extension     *Extension     `json:"extension,omitempty"`
	Dispute       *Dispute       `json:"dispute,omitempty"`
	Termination   *Termination   `json:"termination,omitempty"`
	Orders        []Order        `json:"orders,omitempty"` // supervise orders not answered yet
	Clocks        []Clock        `json:"clocks,omitempty"`
	Why           []Why          `json:"why,omitempty"`
	Suggestions   []Suggestion   `json:"suggestions,omitempty"` // of the classifier, while the ticket has no category
	Outcome       ticket.Outcome `json:"outcome,omitzero"`
	Events        []Event        `json:"events"`
	Actions       []Legal        `json:"actions,omitempty"`
	Links         []Link         `json:"links,omitempty"`
}

// Assignment is one unit's share of a ticket.
type Assignment struct {
	No          int                    `json:"no"`
	Unit        Named                  `json:"unit"`
	Role        string                 `json:"role"`
	RoleTitle   string                 `json:"role_title"`
	Parent      int                    `json:"parent,omitempty"`
	State       ticket.AssignmentState `json:"state"`
	StateTitle  string                 `json:"state_title"`
	Forced      bool                   `json:"forced,omitempty"`
	Reason      string                 `json:"reason,omitempty"`
	PauseAsked  *PauseAsk              `json:"pause_asked,omitempty"`
	OfferedAt   time.Time              `json:"offered_at"`
	SignedAt    time.Time              `json:"signed_at,omitzero"`
	ContactedAt time.Time              `json:"contacted_at,omitzero"`
	EndedAt     time.Time              `json:"ended_at,omitzero"`
}

// Extension is an extension that was asked for and waits for its answer.
type Extension struct {
	Assignment int    `json:"assignment"`
	Amount     int    `json:"amount"`
	LimitUnit  string `json:"limit_unit"`
	Reason     string `json:"reason"`
}

// Clock is a deadline and where it stands.
type Clock struct {
	sla.Clock
	Title     string `json:"title"`
	UnitTitle string `json:"unit_title,omitempty"`
	Words     string `json:"words"` // 还剩 3小时20分
}

// Why says what decided one field of a ticket.
type Why struct {
	Field  string   `json:"field"`
	Title  string   `json:"title"` // 承办单位 …
	Values []string `json:"values"`
	Stage  string   `json:"stage"`
	Rule   string   `json:"rule"`
	Words  string   `json:"words,omitempty"`  // title of the rule
	Source string   `json:"source,omitempty"` // file:line in the pack
}

// Suggestion is a category that the ticket may be of, the likeliest first.
type Suggestion struct {
	Category   Named   `json:"category"`
	Confidence float64 `json:"confidence"` // 0 … 1
}

// Event is one change of the ticket in plain words.
type Event struct {
	Seq         int64         `json:"seq"`
	At          time.Time     `json:"at"`
	Action      ticket.Action `json:"action"`
	Words       string        `json:"words"`
	Actor       ticket.Actor  `json:"actor"`
	Rule        string        `json:"rule,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Basis       string        `json:"basis,omitempty"`
	Order       string        `json:"order,omitempty"` // number of an urge or supervise order
	Text        string        `json:"text,omitempty"`  // a supplement's words
	Note        string        `json:"note,omitempty"`
	PublicReply string        `json:"public_reply,omitempty"`
}

// Legal is an action the viewer may take now.
type Legal struct {
	Action      ticket.Action `json:"action"`
	Title       string        `json:"title"`
	Assignments []int         `json:"assignments,omitempty"` // it can be done to these
}

// Link ties the ticket to another one that the viewer sees.
type Link struct {
	Kind   string `json:"kind"`
	Number string `json:"number"`
}

// summary shows a ticket in one line.
func (d *Desk) summary(c *city.City, item *store.Item, sight Sight, now time.Time) Summary {
	t := &item.Ticket
	s := Summary{
		Number: t.Number, Version: t.Version, State: t.State, StateTitle: StateTitle(t.State), Title: sight.words(&t.Private, t.Private.Title),
		Type: Named{string(t.Type), typeTitles[t.Type]}, Urgency: Named{string(t.Urgency), urgencyTitles[t.Urgency]},
		Category: named(t.Category, categoryTitle(c, t.Category)), Region: named(t.Region, regionTitle(c, t.Region)),
		Channel: Named{t.Channel, channelTitle(c, t.Channel)}, Source: string(t.Source),
		Level: t.Level, LevelTitle: LevelTitle(t.Level), Provisional: item.Provisional, Due: local(c, item.Due),
		RegisteredAt: local(c, t.RegisteredAt), UpdatedAt: local(c, t.UpdatedAt),
		Confidential: t.Confidential, Historic: t.Historic, Unrated: c.Unrated(t), Training: t.Training, Quarantined: t.Quarantined, Counters: t.Counters,
	}
	if u := t.LeadUnit(); u != "" {
		s.Unit = named(u, c.UnitTitle(u))
	}
	s.Overdue = !item.Due.IsZero() && t.State.Open() && t.State != ticket.StateResolved && now.After(item.Due)
	return s
}

// view shows a ticket as far as sight allows.
func (d *Desk) view(ctx context.Context, c *city.City, v Viewer, item store.Item, history []ticket.Event, sight Sight, now time.Time) (View, error) {
	t := &item.Ticket
	p := &t.Private
	view := View{
		Summary: d.summary(c, &item, sight, now), Kind: string(t.Kind), Tags: t.Tags, Public: t.Public, Held: t.Held, Ended: t.Ended, PublicSummary: t.PublicSummary,
		NoCallback: t.NoCallback, CallID: t.CallID, ForeignNumber: t.ForeignNumber,
		HappenedAt: local(c, t.HappenedAt), ReceivedAt: local(c, t.ReceivedAt), ResolvedAt: local(c, t.ResolvedAt), ClosedAt: local(c, t.ClosedAt),
		Policy: named(t.Policy, policyTitle(c, t.Policy)), Sight: sight.String(), Text: sight.words(p, p.Text), Appellant: sight.party(p.Appellant),
		FiledBy: sight.party(p.FiledBy), OtherParty: sight.party(p.OtherParty), Place: sight.place(p.Place), Media: sight.media(p),
		PublicReply: sight.words(p, p.PublicReply), Assignments: assignments(c, t), Clocks: clocks(c, t, history, now), Why: why(c, t), Suggestions: suggestions(c, t),
		Outcome: t.Outcome, Dispute: dispute(c, t), Termination: termination(c, t), Orders: orders(c, t, now), Events: events(c, t, history, sight), Actions: actions(c, v, t),
	}
	if sight == SightFull {
		view.TrackCode = p.TrackCode
	}
	if x := t.Extension; x != nil {
		view.Extension = &Extension{Assignment: x.Assignment, Amount: x.Amount, LimitUnit: x.Unit, Reason: reasonTitle(c, x.Reason)}
	}
	var err error
	view.Links, err = d.links(ctx, c, v, t)
	return view, err
}

// revealable are the parts of a ticket that a reveal may show.
var revealable = []string{"appellant", "filed_by", "other_party", "place", "text"}

// reveal shows parts of a view in full.
func (v *View) reveal(p *ticket.Private, fields []string) {
	v.Revealed = fields
	for _, f := range fields {
		switch f {
		case "appellant":
			v.Appellant = SightFull.party(p.Appellant)
		case "filed_by":
			v.FiledBy = SightFull.party(p.FiledBy)
		case "other_party":
			v.OtherParty = SightFull.party(p.OtherParty)
		case "place":
			v.Place = SightFull.place(p.Place)
		case "text":
			v.Title, v.Text = p.Title, p.Text
		}
	}
}

// links names the linked tickets that lie in the viewer's scope.
func (d *Desk) links(ctx context.Context, c *city.City, v Viewer, t *ticket.Ticket) ([]Link, error) {
	if len(t.Links) == 0 {
		return nil, nil
	}
	var ids []ticket.ID
	for _, l := range t.Links[:min(len(t.Links), 500)] {
		if !slices.Contains(ids, l.To) {
			ids = append(ids, l.To)
		}
	}
	page, err := d.Store.Tickets(ctx, store.Filter{IDs: ids, Limit: len(ids)})
	if err != nil {
		return nil, err
	}
	numbers := map[ticket.ID]string{}
	for i := range page.Items {
		if other := &page.Items[i].Ticket; v.sees(c, other) {
			numbers[other.ID] = other.Number
		}
	}
	var links []Link
	for _, l := range t.Links {
		if number, ok := numbers[l.To]; ok {
			links = append(links, Link{Kind: l.Kind, Number: number})
		}
	}
	return links, nil
}

func assignments(c *city.City, t *ticket.Ticket) []Assignment {
	var list []Assignment
	for _, a := range t.Assignments {
		row := Assignment{
			No: a.No, Unit: Named{a.Unit, c.UnitTitle(a.Unit)}, Role: string(a.Role), RoleTitle: roleTitles[a.Role], Parent: a.Parent,
			State: a.State, StateTitle: assignmentTitles[a.State], Forced: a.Forced, OfferedAt: local(c, a.OfferedAt), SignedAt: local(c, a.SignedAt),
			ContactedAt: local(c, a.ContactedAt), EndedAt: local(c, a.EndedAt), PauseAsked: pauseAsk(c, a.PauseAsked),
		}
		if a.Reason != "" {
			row.Reason = reasonTitle(c, a.Reason)
		}
		list = append(list, row)
	}
	return list
}

func clocks(c *city.City, t *ticket.Ticket, history []ticket.Event, now time.Time) []Clock {
	all, _ := c.Clocks(t, history, now)
	list := make([]Clock, 0, len(all))
	for _, k := range all {
		row := Clock{Clock: k, Title: clockTitles[k.Name], Words: clockWords(k, now)}
		row.StartedAt, row.DueAt, row.StoppedAt = local(c, k.StartedAt), local(c, k.DueAt), local(c, k.StoppedAt)
		row.Appointed = local(c, k.Appointed)
		row.HeldUntil, row.NextStep = local(c, k.HeldUntil), local(c, k.NextStep)
		if k.Unit != "" {
			row.UnitTitle = c.UnitTitle(k.Unit)
		}
		list = append(list, row)
	}
	return list
}

// why says what decided the fields of the ticket, the owner first.
func why(c *city.City, t *ticket.Ticket) []Why {
	d := t.Decision
	list := whyCategory(c, t)
	for _, f := range []struct {
		name   string
		values []string
	}{
		{"unit", titles(c.UnitTitle, d.Unit)},
		{"triage", titles(func(r string) string { return reasonTitle(c, r) }, d.Triage)},
		{"assist", titles(c.UnitTitle, d.Assist...)},
		{"urgency", titles(func(u string) string { return urgencyTitles[ticket.Urgency(u)] }, string(d.Urgency))},
		{"policy", titles(func(string) string { return policyTitle(c, t.Policy) }, d.Policy)},
		{"tags", d.Tags},
	} {
		o, ok := d.Origins[f.name]
		if !ok {
			continue
		}
		w := Why{Field: f.name, Title: fieldTitles[f.name], Values: f.values, Stage: o.Stage, Rule: o.Rule}
		w.Words, w.Source = ruleWords(c, o)
		list = append(list, w)
	}
	return list
}

// whyCategory says which grams made the classifier fill the category in, as long as nobody has set another.
func whyCategory(c *city.City, t *ticket.Ticket) []Why {
	said := t.Decision.Classified
	if said == nil || said.Category == "" || said.Category != t.Category {
		return nil
	}
	return []Why{{
		Field: "category", Title: fieldTitles["category"], Values: titles(func(id string) string { return categoryTitle(c, id) }, said.Category),
		Stage: "classifier", Rule: said.Model, Words: classifiedWords(said),
	}}
}

// suggestions are the classifier's, while the ticket has no category.
func suggestions(c *city.City, t *ticket.Ticket) []Suggestion {
	if t.Decision.Classified == nil || t.Category != "" {
		return nil
	}
	var list []Suggestion
	for _, s := range t.Decision.Classified.Suggestions {
		list = append(list, Suggestion{Category: Named{s.Category, categoryTitle(c, s.Category)}, Confidence: s.Confidence})
	}
	return list
}

func titles(of func(string) string, ids ...string) []string {
	list := []string{}
	for _, id := range ids {
		if id != "" {
			list = append(list, of(id))
		}
	}
	return list
}

// events tells a ticket's history; each event is told in the state it met.
func events(c *city.City, t *ticket.Ticket, history []ticket.Event, sight Sight) []Event {
	list := make([]Event, 0, len(history))
	var before ticket.Ticket
	if len(history) > 0 {
		before.ID = history[0].Ticket
	}
	for i := range history {
		e := &history[i]
		row := Event{Seq: e.Seq, At: local(c, e.At), Action: e.Action, Words: eventWords(c, e, &before), Actor: e.Actor, Rule: e.Cause.Rule, Basis: e.Cause.Basis, Order: e.Details.Order}
		if e.Cause.Reason != "" {
			row.Reason = reasonTitle(c, e.Cause.Reason)
		}
		if p := e.Private; p != nil {
			row.Note, row.PublicReply = sight.words(&t.Private, p.Note), sight.words(&t.Private, p.PublicReply)
			if e.Action != ticket.Register && e.Action != ticket.Restate {
				row.Text = sight.words(&t.Private, strings.TrimSpace(p.Title+"\n"+p.Text))
			}
		}
		list = append(list, row)
		if before.Apply(*e) != nil {
			before = ticket.Ticket{ID: e.Ticket, Version: e.Seq} // told without the state: better than not at all
		}
	}
	return list
}

// actions lists what the viewer may do to the ticket now.
func actions(c *city.City, v Viewer, t *ticket.Ticket) []Legal {
	on := map[ticket.Action][]int{}
	for _, a := range t.Assignments {
		if v.holds(c, a) {
			for _, action := range t.LegalOn(a.No) {
				if v.part(c, t, a, action) {
					on[action] = append(on[action], a.No)
				}
			}
		}
	}
	var list []Legal
	for _, a := range t.Legal() {
		if v.mayDo(c, a) && (a.OnAssignment() && len(on[a]) > 0 || !a.OnAssignment() && v.part(c, t, ticket.Assignment{}, a)) {
			list = append(list, Legal{Action: a, Title: ActionTitle(a), Assignments: on[a]})
		}
	}
	return list
}

func named(id, title string) *Named {
	if id == "" {
		return nil
	}
	return &Named{id, title}
}

// local shows a time in the city's zone.
func local(c *city.City, at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.In(c.Zone)
}
