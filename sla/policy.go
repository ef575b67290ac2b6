package sla

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	if len(r.Ladder) > maxLadder {
		v.wrong("clock %s: a ladder has at most %d steps, got %d", name, maxLadder, len(r.Ladder))
	}
	seen := map[string]bool{}
	for i, s := range r.Ladder {
		at := fmt.Sprintf("clock %s: step %d %q", name, i+1, s.ID)
		if s.ID == "" || seen[s.ID] {
			v.wrong("%s: needs an id of its own in the ladder", at)
		}
		seen[s.ID] = true
		v.step(at, s, r.Limit)
		if i > 0 {
			v.order(at, r.Ladder[i-1], s)
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

// order holds a ladder to its direction: a step is neither earlier nor milder than the one ahead.
func (v *validator) order(at string, ahead, s Step) {
	if sign(s) < sign(ahead) || sign(s) == sign(ahead) && earlier(s, ahead) {
		v.wrong("%s: falls due earlier than step %q ahead of it; write the ladder in the order of time", at, ahead.ID)
	}
	if slices.Index(ticket.Levels, s.Level) < slices.Index(ticket.Levels, ahead.Level) {
		v.wrong("%s: level %s is milder than %s of step %q ahead of it", at, s.Level, ahead.Level, ahead.ID)
	}
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

// PolicySet holds the policies of a city with their calendars. It does not change.
type PolicySet struct {
	byKey  map[string]entry
	latest map[string]entry
}

type entry struct {
	policy   Policy
	calendar *Calendar
}

// New checks the policies and joins each with its calendar: the one it names by id (the latest
// version) or by id@version (pinned), or the only one when it names none. The error joins every
// problem of every policy.
func New(policies []Policy, calendars []*Calendar) (*PolicySet, error) {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf("sla: "+format, args...)) }
	known, ids := map[string]*Calendar{}, map[string]*Calendar{}
	for _, c := range calendars {
		if known[c.Key()] != nil {
			wrong("calendar %s: stands twice", c.Key())
		}
		known[c.Key()] = c
		if old := ids[c.id]; old == nil || old.version < c.version {
			ids[c.id] = c
		}
	}
	set := &PolicySet{byKey: map[string]entry{}, latest: map[string]entry{}}
	for _, p := range policies {
		if err := p.Validate(); err != nil {
			problems = append(problems, err)
		}
		if _, twice := set.byKey[p.Key()]; twice {
			wrong("policy %s: stands twice", p.Key())
		}
		e := entry{policy: p, calendar: known[p.Calendar]}
		switch {
		case e.calendar != nil:
		case p.Calendar == "" && len(ids) == 1:
			for _, only := range ids {
				e.calendar = only
			}
		case ids[p.Calendar] != nil:
			e.calendar = ids[p.Calendar]
		case p.Calendar == "":
			wrong("policy %s: names no calendar, and there are %d to choose from", p.Key(), len(ids))
		default:
			wrong("policy %s: calendar %q: is not known", p.Key(), p.Calendar)
		}
		set.byKey[p.Key()] = e
		if old, ok := set.latest[p.ID]; !ok || old.policy.Version < p.Version {
			set.latest[p.ID] = e
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return set, nil
}

// Lookup finds the policy a ticket is pinned to by its key, id@version, with its calendar.
func (s *PolicySet) Lookup(key string) (Policy, *Calendar, bool) {
	e, ok := s.byKey[key]
	return e.policy, e.calendar, ok
}

// Latest is the highest version of a policy: the one a new ticket is pinned to.
func (s *PolicySet) Latest(id string) (Policy, bool) {
	e, ok := s.latest[id]
	return e.policy, ok
}
