package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
)

// compile lets sla and routing check and prepare their parts, and takes over their problems.
func (l *loader) compile(p *Pack) {
	calendars := l.compileCalendars()
	p.calendars = calendars
	for _, c := range calendars {
		if newer := p.Calendar == nil || p.Calendar.Version() < c.Version(); newer && c.ID() == p.City.Calendar {
			p.Calendar = c
		}
	}
	l.compilePolicies(p, calendars)
	p.Roster, p.AlertRules = l.roster(p), l.alertRules()
	l.compileRules(p)
	l.compileClassifier(p)
}

func (l *loader) compileCalendars() []*sla.Calendar {
	var built []*sla.Calendar
	for i := range l.items.calendars {
		it := &l.items.calendars[i]
		c, err := sla.NewCalendar(it.value)
		if err != nil {
			subjectOf(l, "calendar", it.value.ID, it).failed(err)
			continue
		}
		built = append(built, c)
	}
	return built
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
