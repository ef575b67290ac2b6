package sla

import (
	"cmp"
	"slices"
	"time"
)

// Tally counts what becomes of deadlines when other terms hold.
type Tally struct {
	Tickets  int `json:"tickets"`            // with at least one clock that changes
	Earlier  int `json:"earlier,omitempty"`  // deadlines that move forward
	Later    int `json:"later,omitempty"`    // deadlines that move back
	Added    int `json:"added,omitempty"`    // clocks that there were not
	Dropped  int `json:"dropped,omitempty"`  // clocks that are no more
	Overdue  int `json:"overdue,omitempty"`  // clocks that go on and become overdue
	Relieved int `json:"relieved,omitempty"` // clocks that go on and are not overdue any more
	Missed   int `json:"missed,omitempty"`   // ended clocks that were in time and now count as late
	Met      int `json:"met,omitempty"`      // ended clocks that were late and now count as in time
	Steps    int `json:"steps,omitempty"`    // ladder steps that would fall due at once
}

// Moved is how many deadlines move.
func (t Tally) Moved() int { return t.Earlier + t.Later }

func (t *Tally) add(o Tally) {
	t.Tickets += o.Tickets
	t.Earlier += o.Earlier
	t.Later += o.Later
	t.Added += o.Added
	t.Dropped += o.Dropped
	t.Overdue += o.Overdue
	t.Relieved += o.Relieved
	t.Missed += o.Missed
	t.Met += o.Met
	t.Steps += o.Steps
}

// PolicyTally is a Tally of the tickets that go by one policy version, and would by another.
type PolicyTally struct {
	From string `json:"from"`
	To   string `json:"to"`
	Tally
}

// UnitTally is a Tally of the clocks that a unit holds.
type UnitTally struct {
	Unit string `json:"unit"` // empty: nobody holds it
	Tally
}

// MovedClock is one clock that changes, as an example.
type MovedClock struct {
	Number     string    `json:"number"`
	From       string    `json:"from"`
	To         string    `json:"to"`
	Clock      ClockName `json:"clock"`
	Assignment int       `json:"assignment,omitempty"`
	Unit       string    `json:"unit,omitempty"`
	Before     time.Time `json:"before,omitzero"` // zero: there was no such clock
	After      time.Time `json:"after,omitzero"`  // zero: there is none any more
	WasOverdue bool      `json:"was_overdue,omitempty"`
	Overdue    bool      `json:"overdue,omitempty"`
	Ended      bool      `json:"ended,omitempty"` // it has stopped: only its verdict changes
}

// Preview is what other terms would do to tickets.
type Preview struct {
	Looked   int           `json:"looked"` // tickets compared
	Total    Tally         `json:"total"`
	Policies []PolicyTally `json:"policies"`
	Units    []UnitTally   `json:"units"`
	Examples []MovedClock  `json:"examples"` // those that become overdue first; limited
}

// Comparison gathers a Preview, ticket by ticket.
type Comparison struct {
	examples     int
	looked       int
	total        Tally
	policies     map[[2]string]*Tally
	units        map[string]*Tally
	worse, other []MovedClock
}

// NewComparison begins a Preview with at most so many examples.
func NewComparison(examples int) *Comparison {
	return &Comparison{examples: examples, policies: map[[2]string]*Tally{}, units: map[string]*Tally{}}
}

// Ticket compares the clocks of a ticket under the terms in force and under others, evaluated from the same events at
// the same moment. holder is the unit that answers for the ticket: its own clocks count as that unit's.
func (c *Comparison) Ticket(number, holder, from, to string, before, after []Clock) {
	c.looked++
	var sum Tally
	units := map[string]*Tally{}
	note := func(k *Clock, m MovedClock, t Tally) {
		m.Number, m.From, m.To, m.Clock, m.Assignment, m.Unit = number, from, to, k.Name, k.Assignment, cmp.Or(k.Unit, holder)
		if units[m.Unit] == nil {
			units[m.Unit] = &Tally{}
		}
		units[m.Unit].add(t)
		sum.add(t)
		if t.Overdue > 0 || t.Missed > 0 {
			c.worse = sample(c.worse, m, c.examples)
		} else {
			c.other = sample(c.other, m, c.examples)
		}
	}
	used := make([]bool, len(after))
	for i := range before {
		b := &before[i]
		n := slices.IndexFunc(after, func(a Clock) bool { return same(b, &a) })
		if n < 0 {
			note(b, MovedClock{Before: b.DueAt, WasOverdue: b.Overdue, Ended: !b.StoppedAt.IsZero()}, Tally{Dropped: 1})
			continue
		}
		used[n] = true
		a := &after[n]
		if t := compare(b, a); t != (Tally{}) {
			note(a, MovedClock{Before: b.DueAt, After: a.DueAt, WasOverdue: b.Overdue, Overdue: a.Overdue, Ended: !a.StoppedAt.IsZero()}, t)
		}
	}
	for i := range after {
		if a := &after[i]; !used[i] {
			t := Tally{Added: 1, Steps: len(a.Due)}
			if a.Overdue && a.StoppedAt.IsZero() {
				t.Overdue = 1
			}
			note(a, MovedClock{After: a.DueAt, Overdue: a.Overdue, Ended: !a.StoppedAt.IsZero()}, t)
		}
	}
	if sum == (Tally{}) {
		return
	}
	sum.Tickets = 1
	c.total.add(sum)
	key := [2]string{from, to}
	if c.policies[key] == nil {
		c.policies[key] = &Tally{}
	}
	c.policies[key].add(sum)
	for unit, t := range units {
		t.Tickets = 1
		if c.units[unit] == nil {
			c.units[unit] = &Tally{}
		}
		c.units[unit].add(*t)
	}
}

// same reports whether two evaluations speak of one clock: the terms may differ, what set it going does not.
func same(b, a *Clock) bool {
	return a.Name == b.Name && a.Assignment == b.Assignment && a.StartedAt.Equal(b.StartedAt)
}

// compare says what becomes of one clock.
func compare(b, a *Clock) (t Tally) {
	ended := !a.StoppedAt.IsZero()
	switch {
	case ended && a.State == Missed && b.State == Met:
		t.Missed = 1
	case ended && a.State == Met && b.State == Missed:
		t.Met = 1
	case ended:
		return Tally{} // where a clock that has stopped would have ended is no matter
	case a.DueAt.Before(b.DueAt):
		t.Earlier = 1
	case a.DueAt.After(b.DueAt):
		t.Later = 1
	}
	if !ended && a.Overdue != b.Overdue {
		if a.Overdue {
			t.Overdue = 1
		} else {
			t.Relieved = 1
		}
	}
	t.Steps = max(len(a.Due)-len(b.Due), 0)
	return t
}

func sample(list []MovedClock, m MovedClock, most int) []MovedClock {
	if len(list) < most {
		return append(list, m)
	}
	return list
}

// Preview is what has been found so far, the most first.
func (c *Comparison) Preview() Preview {
	p := Preview{Looked: c.looked, Total: c.total, Policies: []PolicyTally{}, Units: []UnitTally{}}
	for key, t := range c.policies {
		p.Policies = append(p.Policies, PolicyTally{key[0], key[1], *t})
	}
	for unit, t := range c.units {
		p.Units = append(p.Units, UnitTally{unit, *t})
	}
	slices.SortFunc(p.Policies, func(a, b PolicyTally) int {
		return cmp.Or(b.Tickets-a.Tickets, cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	slices.SortFunc(p.Units, func(a, b UnitTally) int { return cmp.Or(b.Tickets-a.Tickets, cmp.Compare(a.Unit, b.Unit)) })
	p.Examples = append(append([]MovedClock{}, c.worse...), c.other...)
	p.Examples = p.Examples[:min(len(p.Examples), c.examples)]
	return p
}

// Newest is the highest version of a policy, whether it holds yet or not.
func (s *PolicySet) Newest(id string) (Policy, *Calendar, bool) {
	list := s.versions[id]
	if len(list) == 0 {
		return Policy{}, nil, false
	}
	e := list[len(list)-1]
	return e.policy, e.calendar, true
}
