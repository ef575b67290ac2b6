package config

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
)

// compile lets sla and routing check and prepare their parts, and takes over their problems.
func (l *loader) compile(p *Pack) {
	calendars := l.unitHours(l.compileCalendars())
	p.calendars = calendars
	p.Calendar = sla.Named(calendars, p.City.Calendar)
	l.compilePolicies(p, calendars)
	p.Roster, p.AlertRules = l.roster(p), l.alertRules()
	l.compileRules(p)
	l.compileClassifier(p)
}

// compileCalendars builds every version of every calendar, each on the one before it.
func (l *loader) compileCalendars() []*sla.Calendar {
	versions := make([]*item[sla.CalendarSpec], len(l.items.calendars))
	for i := range versions {
		versions[i] = &l.items.calendars[i]
	}
	slices.SortStableFunc(versions, func(a, b *item[sla.CalendarSpec]) int {
		return cmp.Or(cmp.Compare(a.value.ID, b.value.ID), cmp.Compare(a.value.Version, b.value.Version))
	})
	var built []*sla.Calendar
	var derived []*item[sla.CalendarSpec]
	for i, it := range versions {
		if it.value.Holidays != "" {
			derived = append(derived, it)
			continue
		}
		var c *sla.Calendar
		var err error
		switch before := i > 0 && versions[i-1].value.ID == it.value.ID; {
		case before && versions[i-1].value.Version == it.value.Version:
			continue // given twice: reported
		case !before:
			c, err = sla.NewCalendar(it.value)
		case len(built) > 0 && built[len(built)-1].ID() == it.value.ID:
			c, err = built[len(built)-1].Next(it.value)
		default:
			continue // the version it rests on is reported
		}
		if err != nil {
			subjectOf(l, "calendar", it.value.ID, it).failed(err)
			continue
		}
		built = append(built, c)
	}
	own := len(built)
	for _, it := range derived {
		base := sla.Named(built[:own], it.value.Holidays)
		if base == nil {
			continue // reported by checkCalendars, or as the calendar that cannot be built
		}
		versions, err := sla.Derive(it.value, base)
		if err != nil {
			subjectOf(l, "calendar", it.value.ID, it).failed(err)
			continue
		}
		built = append(built, versions...)
	}
	return built
}

// unitHours lets the calendars know the hours of units. A unit that says nothing has those of the unit above it.
func (l *loader) unitHours(calendars []*sla.Calendar) []*sla.Calendar {
	own, parents := map[string]string{}, map[string]string{}
	for i := range l.items.units {
		u := &l.items.units[i].value
		own[u.ID], parents[u.ID] = u.Hours, u.Parent
	}
	hours := map[string]string{}
	for unit := range own {
		for above, steps := unit, 0; above != "" && steps <= len(own); above, steps = parents[above], steps+1 { // a circle is reported by routing
			if own[above] != "" {
				hours[unit] = own[above]
				break
			}
		}
	}
	know, err := sla.UnitHours(calendars, hours)
	if err != nil {
		return calendars // reported by checkUnits, or as the calendar that cannot be built
	}
	return know
}

func (l *loader) compilePolicies(p *Pack, calendars []*sla.Calendar) {
	for i := range l.items.policies {
		it := &l.items.policies[i]
		if p.Policies[i].Calendar == "" {
			p.Policies[i].Calendar = p.City.Calendar
		}
		if err := it.value.Validate(); err != nil {
			subjectOf(l, "policy", it.value.Key(), it).failed(err)
		}
	}
	l.versions()
	if len(l.problems) > 0 {
		return // the set would only repeat what is reported
	}
	set, err := sla.New(p.Policies, calendars)
	if err != nil {
		l.add("policies.yaml", 0, "%v", err)
		return
	}
	p.PolicySet = set
}

// routingSections are the parts that routing checks as a whole.
var routingSections = []string{"city", "units", "categories", "regions", "areas", "catalogue", "rules"}

func (l *loader) compileRules(p *Pack) {
	if slices.ContainsFunc(routingSections, func(s string) bool { return l.broken[s] }) {
		return // references into what cannot be read would all look wrong
	}
	city := routing.City{
		Hash: hashFiles(l.files), Zone: p.City.Location,
		Units: p.Units, Categories: p.Categories, Regions: p.Regions, Areas: p.Areas,
		Catalogue: p.Catalogue, Rules: p.Rules, DefaultPolicy: p.City.DefaultPolicy,
	}
	if p.Calendar != nil {
		city.Workday = p.Calendar.IsWorkday
	}
	rules, err := routing.Compile(city)
	if err != nil {
		l.routingProblems(err)
		return
	}
	p.Ruleset = rules
}

// routingProblems takes the joined problems of routing apart.
func (l *loader) routingProblems(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			l.routingProblems(e)
		}
		return
	}
	if p, ok := errors.AsType[*routing.Problem](err); ok {
		l.add(p.Source.File, p.Source.Line, "%s: %s", p.Thing, p.Message)
		return
	}
	l.add("", 0, "%v", err)
}

// failed reports each error that was joined about an item.
func (s subject) failed(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			s.failed(e)
		}
		return
	}
	text := strings.TrimPrefix(err.Error(), "sla: ")
	if _, rest, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(s.label, strings.SplitN(text, " ", 2)[0]+" ") {
		text = rest // it named the item itself
	}
	s.wrong("", "%s", text)
}
