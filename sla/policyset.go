package sla

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// PolicySet holds the policies of a city with their calendars. It does not change.
type PolicySet struct {
	byKey    map[string]entry
	versions map[string][]entry // by id, the lowest version first
}

type entry struct {
	policy   Policy
	calendar *Calendar
	since    time.Time // zero: always
}

// since is the beginning of the first day on which new tickets are pinned to the policy; zero: always.
func (p Policy) since(zone *time.Location) (time.Time, error) {
	if p.From == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, p.From, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("from %q: is no day; write it as 2027-01-01", p.From)
	}
	return day, nil
}

// Follows holds a version to the one before it: it may not begin earlier, because the highest version
// that has begun is the one that holds.
func (p Policy) Follows(ahead Policy) error {
	switch {
	case ahead.From == "" || p.From >= ahead.From:
		return nil
	case p.From == "":
		return fmt.Errorf("from: is missing; version %d begins on %s, and this one would hold before it", ahead.Version, ahead.From)
	default:
		return fmt.Errorf("from %s: lies before version %d, which begins on %s; write versions in the order of their days", p.From, ahead.Version, ahead.From)
	}
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
	set := &PolicySet{byKey: map[string]entry{}, versions: map[string][]entry{}}
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
		if e.calendar != nil {
			e.since, _ = p.since(e.calendar.zone) // Validate has told
		}
		set.byKey[p.Key()] = e
		set.versions[p.ID] = append(set.versions[p.ID], e)
	}
	for _, list := range set.versions {
		slices.SortFunc(list, func(a, b entry) int { return a.policy.Version - b.policy.Version })
		for i := 1; i < len(list); i++ {
			if err := list[i].policy.Follows(list[i-1].policy); err != nil {
				wrong("policy %s: %w", list[i].policy.Key(), err)
			}
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

// By is the version of a policy that holds at a time: the highest whose first day has come. It is the one
// that a ticket registered then is pinned to. ok is false when none has come, or there is no such policy.
func (s *PolicySet) By(id string, at time.Time) (p Policy, ok bool) {
	for _, e := range slices.Backward(s.versions[id]) {
		if !e.since.After(at) {
			return e.policy, true
		}
	}
	return Policy{}, false
}

// First is when the first version of a policy begins to hold; the zero time when one always did.
func (s *PolicySet) First(id string) (since time.Time, ok bool) {
	list := s.versions[id]
	if len(list) == 0 {
		return time.Time{}, false
	}
	return list[0].since, true
}

// Edited lists the policy versions of s that say something else about clocks than the same versions of before: whoever is
// pinned to one would be judged by terms that were not in force when the clock began. The remedy is a new version.
func (s *PolicySet) Edited(before *PolicySet) []string {
	var keys []string
	for key, e := range s.byKey {
		if old, ok := before.byKey[key]; ok && !e.policy.sameTerms(&old.policy) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// sameTerms reports whether two policies give every ticket the same deadlines and steps. Titles and texts do not matter.
func (p *Policy) sameTerms(o *Policy) bool {
	terms := func(p *Policy) Policy {
		t := Policy{Calendar: p.Calendar, Budget: p.Budget, Unrated: p.Unrated, Clocks: map[ClockName]ClockRule{}}
		for name, r := range p.Clocks {
			r.Ladder = slices.Clone(r.Ladder)
			for i := range r.Ladder {
				r.Ladder[i].Text = ""
			}
			t.Clocks[name] = r
		}
		return t
	}
	return reflect.DeepEqual(terms(p), terms(o))
}
