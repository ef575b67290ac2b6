package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Row is one line of the table: a scene and what became of it.
type Row struct {
	Scene     string   `json:"scene"`
	Channel   string   `json:"channel"`
	Number    string   `json:"number,omitempty"`
	State     string   `json:"state,omitempty"`
	Owner     string   `json:"owner,omitempty"`
	Rule      string   `json:"rule,omitempty"`      // what decided the owner
	Deadlines []string `json:"deadlines,omitempty"` // ladder steps so far
	Note      string   `json:"note,omitempty"`
	OK        bool     `json:"ok"`
	Problems  []string `json:"problems,omitempty"`
}

// record is a row in the making, with what must still hold at the end of the day.
type record struct {
	Row
	code     string // of the track
	received time.Time
	expected []expectation
	others   []string // further tickets of the scene
}

// expectation is something that must be true of the scene's ticket when it is read back.
type expectation struct {
	what       string
	holds      func(v *view) bool
	unit, rule string // when it is about the owner, so that it can be held against the pack beforehand
}

func (r *record) fail(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// must notes a problem unless ok.
func (r *record) must(ok bool, format string, args ...any) bool {
	if !ok {
		r.fail(format, args...)
	}
	return ok
}

func (r *record) note(format string, args ...any) { r.Note = fmt.Sprintf(format, args...) }

func (r *record) expect(list ...expectation) { r.expected = append(r.expected, list...) }

// took notes the ticket that a channel answered with.
func (r *record) took(a answer) bool {
	if a.http/100 != 2 || a.Number == "" {
		r.fail("answered %d %s %s, without a ticket", a.http, a.Code, a.Text)
		for _, e := range a.Errors {
			r.fail("%s: %s", e.Name, e.Message)
		}
		return false
	}
	r.Number, r.code = a.Number, a.Code
	return true
}

// quoted notes the ticket named in words for the citizen.
func (r *record) quoted(words string) {
	numbers := ticket.FindNumbers(words)
	if r.must(len(numbers) > 0, "the reply %q names no ticket", words) {
		r.Number = numbers[0]
	}
}

// titled is an id with its name.
type titled struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// somebody is a person as far as the viewer may see.
type somebody struct {
	Name    string `json:"name"`
	Phone   string `json:"phone"`
	Company string `json:"company"`
}

// view is what the demo reads of a ticket.
type view struct {
	Number       string `json:"number"`
	Version      int64  `json:"version"`
	State        string `json:"state"`
	StateTitle   string `json:"state_title"`
	Urgency      titled `json:"urgency"`
	Unit         titled `json:"unit"`
	Level        string `json:"level"`
	Confidential bool   `json:"confidential"`
	Quarantined  bool   `json:"quarantined"`
	Foreign      string `json:"foreign_number"`
	Text         string `json:"text"`
	PublicReply  string `json:"public_reply"`
	Policy       titled `json:"policy"`
	Region       titled `json:"region"`
	Counters     struct {
		Urges       int `json:"urges"`
		Supplements int `json:"supplements"`
		Repeats     int `json:"repeats"`
	} `json:"counters"`
	Appellant   somebody  `json:"appellant"`
	FiledBy     somebody  `json:"filed_by"`
	ReceivedAt  time.Time `json:"received_at"`
	Assignments []struct {
		No    int    `json:"no"`
		Unit  titled `json:"unit"`
		Role  string `json:"role"`
		State string `json:"state"`
	} `json:"assignments"`
	Clocks []struct {
		Name       string `json:"name"`
		Assignment int    `json:"assignment"`
		State      string `json:"state"`
		Overdue    bool   `json:"overdue"`
	} `json:"clocks"`
	Why []struct {
		Field string `json:"field"`
		Stage string `json:"stage"`
		Rule  string `json:"rule"`
		Words string `json:"words"`
	} `json:"why"`
	Events []struct {
		At     time.Time `json:"at"`
		Action string    `json:"action"`
		Words  string    `json:"words"`
	} `json:"events"`
	Links []struct {
		Kind   string `json:"kind"`
		Number string `json:"number"`
	} `json:"links"`
	Media []struct {
		SHA256 string `json:"sha256"`
	} `json:"media"`
}

// fill puts what was read back into the row.
func (r *Row) fill(v *view) {
	r.State, r.Owner = v.StateTitle, v.Unit.Title
	for _, w := range v.Why {
		if w.Field == "unit" || w.Field == "triage" && r.Rule == "" {
			r.Rule = strings.TrimSpace(cmp.Or(w.Rule, w.Stage) + " " + w.Words)
		}
	}
	r.Deadlines = nil
	for _, e := range v.Events {
		if e.Action == string(ticket.Escalate) {
			step, _, _ := strings.Cut(e.Words, "，")
			if !slices.Contains(r.Deadlines, step) {
				r.Deadlines = append(r.Deadlines, step)
			}
		}
	}
}

// judge checks the expectations.
func (r *record) judge(v *view) {
	for _, e := range r.expected {
		if !e.holds(v) {
			r.fail("不符：%s", e.what)
		}
	}
}

// The expectations in the office's words.

func ownedBy(unit string) expectation {
	return expectation{what: "由 " + unit + " 主办", unit: unit, holds: func(v *view) bool { return v.Unit.ID == unit }}
}

func decidedBy(rule string) expectation {
	return expectation{what: "依据 " + rule, rule: rule, holds: func(v *view) bool {
		for _, w := range v.Why {
			if w.Field == "unit" {
				return w.Rule == rule
			}
		}
		return false
	}}
}

func underPolicy(policy string) expectation {
	return expectation{what: "时限政策 " + policy, holds: func(v *view) bool { return strings.HasPrefix(v.Policy.ID, policy+"@") }}
}

func is(urgency ticket.Urgency) expectation {
	return expectation{what: "紧急程度 " + string(urgency), holds: func(v *view) bool { return v.Urgency.ID == string(urgency) }}
}

func stands(state ticket.State) expectation {
	return expectation{what: "状态 " + string(state), holds: func(v *view) bool { return v.State == string(state) }}
}

// handedTo: each unit holds an assignment and its own system has acknowledged it.
func handedTo(units ...string) expectation {
	return expectation{what: "已交 " + strings.Join(units, "、") + " 并签收", holds: func(v *view) bool {
		for _, u := range units {
			signed := false
			for _, a := range v.Assignments {
				signed = signed || a.Unit.ID == u && a.State != string(ticket.Offered)
			}
			if !signed {
				return false
			}
		}
		return true
	}}
}

// spares: none of the units has anything to do with it.
func spares(units ...string) expectation {
	return expectation{what: "不惊动 " + strings.Join(units, "、"), holds: func(v *view) bool {
		for _, a := range v.Assignments {
			if slices.Contains(units, a.Unit.ID) {
				return false
			}
		}
		return true
	}}
}

func linked(kind, number string) expectation {
	return expectation{what: kind + " " + number, holds: func(v *view) bool {
		for _, l := range v.Links {
			if l.Kind == kind && l.Number == number {
				return true
			}
		}
		return false
	}}
}

func that(what string, holds func(v *view) bool) expectation {
	return expectation{what: what, holds: holds}
}
