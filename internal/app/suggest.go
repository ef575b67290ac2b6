package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Suggestion is a rule or catalogue row whose tickets came back.
type Suggestion struct {
	Stage    string         `json:"stage"`
	Rule     string         `json:"rule"`
	Where    string         `json:"where,omitempty"` // file and line in the pack in force
	Decided  int            `json:"decided"`         // tickets it gave an owner
	Returned int            `json:"returned"`        // of which the owner gave back, and the desk sent elsewhere
	To       map[string]int `json:"to"`              // where they went in the end
	Reasons  map[string]int `json:"reasons"`         // the units' reason codes
}

// returned is a ticket that the owner gave back and the desk sent to another: the desk agreed that the rules
// were wrong.
type returned struct {
	origin     ticket.Origin
	reason, to string
	history    []ticket.Event
	number     string
	names      []string // of those the ticket names
}

// namesOf are the names and contacts that a ticket knows of.
func namesOf(t *ticket.Ticket) (names []string) {
	p := &t.Private
	for _, party := range []ticket.Party{p.Appellant, p.FiledBy, p.OtherParty} {
		names = append(names, party.Name, party.Contact, party.Company)
	}
	return names
}

// suggestReader is what suggestions are read from.
type suggestReader interface {
	recorded
	Tickets(ctx context.Context, f store.Filter) (store.Page, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
}

// Suggest lists the rules and catalogue rows whose tickets came back, the most returned first, and with cases writes
// a test of the pack for each such ticket into a new file, for a person to review: nothing changes by itself.
func Suggest(ctx context.Context, where Where, since time.Duration, cases string, asJSON bool, out io.Writer) (err error) {
	rows, end, err := where.peek(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	reader, ok := rows.(suggestReader)
	if !ok {
		return errors.New("this data cannot be read by rows")
	}
	pack, err := activePack(ctx, rows)
	if err != nil {
		return err
	}
	var from time.Time
	if since > 0 {
		now, err := where.now()
		if err != nil {
			return err
		}
		from = now.Add(-since)
	}
	decided, back, err := takenBack(ctx, reader, from)
	if err != nil {
		return err
	}
	list := suggestions(pack, decided, back)
	if cases != "" {
		if err := writeCases(cases, pack, back); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(out).Encode(list)
	}
	for _, s := range list {
		fmt.Fprintf(out, "%3d / %d  %s %s %s → %s（%s）\n", s.Returned, s.Decided, s.Stage, s.Rule, s.Where, ranked(pack, s.To, true), ranked(pack, s.Reasons, false))
	}
	fmt.Fprintf(out, "rules=%d returned=%d\n", len(list), len(back))
	return nil
}

// takenBack reads the tickets registered since a time: how many each rule or row decided, and those that came back.
func takenBack(ctx context.Context, r suggestReader, from time.Time) (decided map[ticket.Origin]int, back []returned, err error) {
	decided = map[ticket.Origin]int{}
	filter := store.Filter{From: from, Limit: 500, HideConfidential: true} // what is confidential becomes no example
	for {
		page, err := r.Tickets(ctx, filter)
		if err != nil {
			return nil, nil, err
		}
		for i := range page.Items {
			t := &page.Items[i].Ticket
			if t.Quarantined {
				continue
			}
			if t.Counters.Returns == 0 {
				decided[t.Decision.Origins["unit"]]++
				continue
			}
			history, err := r.History(ctx, t.ID)
			if err != nil {
				return nil, nil, err
			}
			one, agreed := agreedReturn(history)
			decided[one.origin]++
			if agreed {
				one.number, one.history, one.names = t.Number, history, namesOf(t)
				back = append(back, one)
			}
		}
		if filter.Cursor = page.Next; page.Next == "" {
			return decided, back, ctx.Err()
		}
	}
}

// agreedReturn finds the return of what the rules had decided, and to whom a person sent it then. agreed is false when
// somebody had sent it elsewhere before, it went back to the same unit, or nobody has sent it on yet.
func agreedReturn(history []ticket.Event) (r returned, agreed bool) {
	var t ticket.Ticket
	if len(history) > 0 {
		t.ID = history[0].Ticket
	}
	unit, given := "", false
	for i := range history {
		e := &history[i]
		if t.Apply(*e) != nil {
			return r, false
		}
		switch d := e.Details.Decision; {
		case d != nil && r.reason == "":
			r.origin, unit = d.Origins["unit"], d.Unit
		case (e.Action == ticket.Dispatch || e.Action == ticket.Arbitrate) && r.reason == "":
			given = given || e.Details.Unit != unit // by a person, who did not wait for the unit's word
		case e.Action == ticket.Return && r.reason == "":
			a, _ := t.Assignment(e.Details.Assignment)
			if given || a.Unit != unit || a.Role != ticket.Lead || a.Parent != 0 {
				return r, false // not what the rules had said
			}
			r.reason = e.Cause.Reason
		case r.reason != "" && (e.Action == ticket.Dispatch || e.Action == ticket.Arbitrate):
			r.to = e.Details.Unit
			return r, r.to != unit && r.origin.Stage != "" && r.origin.Stage != "hand"
		}
	}
	return r, false
}

func suggestions(pack *config.Pack, decided map[ticket.Origin]int, back []returned) []Suggestion {
	byOrigin := map[ticket.Origin]*Suggestion{}
	for _, b := range back {
		s := byOrigin[b.origin]
		if s == nil {
			s = &Suggestion{Stage: b.origin.Stage, Rule: b.origin.Rule, Decided: decided[b.origin], To: map[string]int{}, Reasons: map[string]int{}}
			if rule, ok := pack.Ruleset.Rule(b.origin.Rule); ok {
				s.Where = fmt.Sprintf("%s:%d", rule.Source.File, rule.Source.Line)
			} else if row, ok := pack.Ruleset.Row(b.origin.Rule); ok {
				s.Where = fmt.Sprintf("%s:%d", row.Source.File, row.Source.Line)
			}
			byOrigin[b.origin] = s
		}
		s.Returned++
		s.To[b.to]++
		s.Reasons[b.reason]++
	}
	list := make([]Suggestion, 0, len(byOrigin))
	for _, s := range byOrigin {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Returned, a.Returned), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Rule, b.Rule))
	})
	return list
}

// ranked lists counted names, the most frequent first.
func ranked(pack *config.Pack, counts map[string]int, units bool) string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for i, name := range names {
		said := name
		if units {
			said = pack.Ruleset.UnitName(name)
		}
		names[i] = fmt.Sprintf("%s %d", said, counts[name])
	}
	return strings.Join(names, "、")
}

// proposed is a test as it is written for review.
type proposed struct {
	Name  string `yaml:"name"`
	Facts struct {
		Channel  string `yaml:"channel,omitempty"`
		Text     string `yaml:"text"`
		Category string `yaml:"category,omitempty"`
		Region   string `yaml:"region,omitempty"`
		Type     string `yaml:"type,omitempty"`
	} `yaml:"facts"`
	Want struct {
		Unit string `yaml:"unit"`
	} `yaml:"want"`
}

// masked hides in a text what is known to name somebody, and what looks like the number of a person.
func masked(s string, names []string) string {
	return text.MaskPersonal(text.ReplaceNames(strings.TrimSpace(s), func(string) string { return "某某" }, names...))
}

// writeCases writes a test of the pack for each ticket that came back. The words are the citizen's with the
// numbers of persons and the names that the ticket knows masked: whoever reviews them takes out what else names somebody.
func writeCases(path string, pack *config.Pack, back []returned) error {
	list := make([]proposed, 0, len(back))
	for _, b := range back {
		f, err := intake.DecidedFacts(b.history[:1])
		if err != nil {
			return err
		}
		if strings.TrimSpace(f.Text) == "" {
			continue // kept long enough, and ended
		}
		// What the pack in force no longer has was decided by an older one.
		if _, known := pack.Ruleset.Category(f.Category); !known {
			f.Category = ""
		}
		if _, known := pack.Ruleset.Region(f.Region); !known {
			f.Region = ""
		}
		if !slices.ContainsFunc(pack.Channels, func(c config.Channel) bool { return c.ID == f.Channel }) {
			f.Channel = ""
		}
		var p proposed
		p.Name = fmt.Sprintf("退单改派%s——%s（%s）", pack.Ruleset.UnitName(b.to), b.reason, b.number)
		p.Facts.Channel, p.Facts.Text, p.Facts.Category, p.Facts.Region, p.Facts.Type = f.Channel, masked(f.Text, b.names), f.Category, f.Region, string(f.Type)
		p.Want.Unit = b.to
		list = append(list, p)
	}
	body, err := yaml.Marshal(list)
	if err != nil {
		return fmt.Errorf("cases: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's own argument
	if err != nil {
		return fmt.Errorf("--cases: %w; name a new file", err)
	}
	_, err = file.WriteString("# 由退单产生的候选用例，请逐条审阅：删去个人信息，确认承办单位，再移入城市包的 tests/。\n" + string(body))
	return errors.Join(err, file.Close())
}
