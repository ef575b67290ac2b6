package sla

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// maxLadder is how many steps a ladder may have; Evaluate keeps the recorded ones in one word.
const maxLadder = 64

func policyKey(id string, version int) string { return id + "@" + strconv.Itoa(version) }

// Validate checks a policy by itself and joins every problem, each naming the policy, the clock
// and the step.
func (p Policy) Validate() error {
	v := validator{where: "sla: policy " + p.Key()}
	if p.ID == "" || strings.Contains(p.ID, "@") {
		v.wrong("id %q: must be given and hold no @", p.ID)
	}
	if p.Version < 1 {
		v.wrong("version %d: must be 1 or more", p.Version)
	}
	if p.Title == "" {
		v.wrong("title: is missing")
	}
	if _, err := p.since(time.UTC); err != nil {
		v.wrong("%w", err)
	}
	if len(p.Clocks) == 0 {
		v.wrong("clocks: names none of %v", Clocks)
	}
	for _, name := range sortedClocks(p.Clocks) {
		if !slices.Contains(Clocks, name) {
			v.wrong("clock %q: is not known; write one of %v", name, Clocks)
			continue
		}
		v.clock(name, p.Clocks[name])
	}
	v.between(p.Clocks)
	v.budget(p.Budget)
	if resolve := p.Clocks[ClockResolve].Limit; !p.Budget.AskBefore.IsZero() && longer(p.Budget.AskBefore, resolve) {
		v.wrong("budget: ask_before: %s before the deadline can never be met: the limit is only %s", p.Budget.AskBefore, resolve)
	}
	if p.RedoOn != "" && p.RedoOn != RedoDissatisfied {
		v.wrong("redo_on %q: is not known; write %s, or leave it out", p.RedoOn, RedoDissatisfied)
	}
	return errors.Join(v.problems...)
}

type validator struct {
	where    string
	problems []error
}

func (v *validator) wrong(format string, args ...any) {
	v.problems = append(v.problems, fmt.Errorf("%s: %w", v.where, fmt.Errorf(format, args...)))
}

func (v *validator) limit(what string, l Limit) {
	if err := l.Validate(); err != nil {
		v.wrong("%s: %w", what, err)
	}
}

func (v *validator) clock(name ClockName, r ClockRule) {
	v.limit(fmt.Sprintf("clock %s: limit", name), r.Limit)
	if n := rungs(r.Ladder); n > maxLadder {
		v.wrong("clock %s: a ladder has at most %d steps with their repeats, got %d", name, maxLadder, n)
	}
	seen := map[string]bool{}
	for i, s := range r.Ladder {
		at := fmt.Sprintf("clock %s: step %d %q", name, i+1, s.ID)
		if s.ID == "" || seen[s.ID] {
			v.wrong("%s: needs an id of its own in the ladder", at)
		}
		if strings.Contains(s.ID, repeatMark) {
			v.wrong("%s: the id may not hold %s, which marks repeats", at, repeatMark)
		}
		seen[s.ID] = true
		v.step(at, s, r.Limit)
		v.repeat(at, s)
		v.until(at, name, s.Until)
		for _, ahead := range r.Ladder[:i] {
			if !v.order(at, ahead, s) {
				break
			}
		}
	}
}

func (v *validator) step(at string, s Step, limit Limit) {
	if !slices.Contains(ticket.Levels, s.Level) {
		v.wrong("%s: level %q: is not known; write one of %v", at, s.Level, ticket.Levels)
	}
	if len(s.To) == 0 {
		v.wrong("%s: to: names nobody", at)
	}
	switch {
	case s.Before < 0 || s.After < 0 || s.Before > 0 && s.After > 0:
		v.wrong("%s: before %d, after %d: give one of the two, 1 or more, or neither for the deadline itself", at, s.Before, s.After)
	case s.Before == 0 && s.After == 0 && s.Unit != "":
		v.wrong("%s: unit %q: is for before or after; leave it out at the deadline itself", at, s.Unit)
	case s.Before != 0 || s.After != 0:
		offset := Limit{Amount: s.Before + s.After, Unit: s.Unit}
		v.limit(at, offset)
		if s.Before > 0 && longer(offset, limit) {
			v.wrong("%s: %s before the deadline can never be met: the limit is only %s", at, offset, limit)
		}
	}
}

// repeat holds what is said again to what can be said.
func (v *validator) repeat(at string, s Step) {
	r := s.Repeat
	if r.IsZero() {
		return
	}
	if r.Times < 1 {
		v.wrong("%s: repeat: times %d: must be 1 or more", at, r.Times)
	}
	if err := (Limit{Amount: r.Every, Unit: r.Unit}).Validate(); err != nil {
		v.wrong("%s: repeat: every: %w", at, err)
	}
}

// until refuses a stop condition that always or never holds while the clock runs.
func (v *validator) until(at string, name ClockName, u Until) {
	switch {
	case u == "":
	case !slices.Contains(Untils, u):
		v.wrong("%s: until %q: is not known; write one of %v", at, u, Untils)
	case name == ClockCallback:
		v.wrong("%s: until %s: has come before a callback is owed, so the step could never be due; leave it out", at, u)
	case name == ClockDispatch && u != UntilReplied:
		v.wrong("%s: until %s: cannot come before the clock stops at the dispatch; leave it out", at, u)
	}
}

// between holds the clocks to one another: what must come first may not have longer than what ends all.
func (v *validator) between(clocks map[ClockName]ClockRule) {
	resolve, ok := clocks[ClockResolve]
	if !ok || resolve.Limit.Validate() != nil {
		return
	}
	for _, name := range []ClockName{ClockDispatch, ClockSign, ClockContact} {
		r, ok := clocks[name]
		if ok && r.Limit.Validate() == nil && longer(r.Limit, resolve.Limit) {
			v.wrong("clock %s: %s can never matter: clock resolve ends after %s; shorten one or lengthen the other", name, r.Limit, resolve.Limit)
		}
	}
}

// order holds a ladder to its direction: a step is neither earlier nor milder than any ahead of it.
func (v *validator) order(at string, ahead, s Step) bool {
	n := len(v.problems)
	if sign(s) < sign(ahead) || sign(s) == sign(ahead) && earlier(s, ahead) {
		v.wrong("%s: falls due earlier than step %q ahead of it; write the ladder in the order of time", at, ahead.ID)
	}
	if slices.Index(ticket.Levels, s.Level) < slices.Index(ticket.Levels, ahead.Level) {
		v.wrong("%s: level %s is milder than %s of step %q ahead of it", at, s.Level, ahead.Level, ahead.ID)
	}
	return len(v.problems) == n
}

// sign says on which side of the deadline a step lies.
func sign(s Step) int {
	switch {
	case s.Before > 0:
		return -1
	case s.After > 0:
		return 1
	default:
		return 0
	}
}

func earlier(s, ahead Step) bool {
	if sign(s) < 0 {
		return longer(Limit{Amount: s.Before, Unit: s.Unit}, Limit{Amount: ahead.Before, Unit: ahead.Unit})
	}
	return longer(Limit{Amount: ahead.After, Unit: ahead.Unit}, Limit{Amount: s.After, Unit: s.Unit})
}

// longer reports whether a is certainly longer than b. Wall time compares with wall time and
// working time with working time, a working day having at most 24 working hours; so many working
// units last at least as long by the wall. Where it depends on the calendar the answer is no.
func longer(a, b Limit) bool {
	if b.Unit.working() && !a.Unit.working() {
		return false
	}
	if a.Unit == WorkingDays && b.Unit == WorkingHours {
		return false
	}
	most := int64(b.Amount) * b.Unit.size()
	if b.Unit.inDays() && !a.Unit.inDays() {
		most += dayMS // the rest of the first day
	}
	return int64(a.Amount)*a.Unit.size() > most
}

func (v *validator) budget(b Budget) {
	for _, n := range []struct {
		what string
		n    int
	}{{"pauses", b.Pauses}, {"extensions", b.Extensions}, {"hops", b.Hops}, {"callback_attempts", b.CallbackAttempts}} {
		if n.n < 0 {
			v.wrong("budget: %s %d: must be 0 or more", n.what, n.n)
		}
	}
	for _, l := range []struct {
		what, per string
		limit     Limit
		n         int
	}{
		{"pause_total", "pauses", b.PauseTotal, b.Pauses},
		{"extension_most", "extensions", b.ExtensionMost, b.Extensions},
	} {
		switch {
		case l.limit.IsZero() && l.n > 0:
			v.wrong("budget: %s: is missing; say how much all %s together may add", l.what, l.per)
		case !l.limit.IsZero():
			v.limit("budget: "+l.what, l.limit)
			if l.limit.CountFrom != "" || l.limit.DueAt != "" {
				v.wrong("budget: %s: is an amount; leave out count_from and due_at", l.what)
			}
		}
	}
	if !b.AskBefore.IsZero() {
		v.limit("budget: ask_before", b.AskBefore)
		if b.AskBefore.CountFrom != "" || b.AskBefore.DueAt != "" {
			v.wrong("budget: ask_before: is an amount; leave out count_from and due_at")
		}
	}
	if !b.ReturnWithin.IsZero() {
		v.limit("budget: return_within", b.ReturnWithin)
	}
}

func sortedClocks(m map[ClockName]ClockRule) []ClockName {
	names := make([]ClockName, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
