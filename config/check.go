package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// directory is every id that something in a pack may refer to.
type directory struct {
	units, posts, categories, regions, policies, calendars, channels, reasons, adapters, lines names
}

// check judges what lies between the sections. What lies inside routing (trees, catalogue,
// conditions) and inside one policy or calendar is theirs to check, see compile.
func (l *loader) check() {
	d := l.directory()
	l.checkCity(d)
	l.checkCalendars(d)
	l.checkUnits(d)
	l.checkCategories()
	l.checkRegions(d)
	l.checkCatalogue(d)
	l.checkRules(d)
	l.checkPolicies(d)
	l.checkChannels(d)
	l.checkRoster(d)
	l.checkNotices(d)
	l.checkAlerts(d)
	l.checkRetention()
	l.checkTests(d)
}

func (l *loader) directory() *directory {
	it := &l.items
	none := func(kind, section string, partial bool) names {
		return names{kind: kind, section: section, at: map[string]routing.Source{}, partial: partial}
	}
	d := &directory{
		units:      namesOf(l, "units", "unit", it.units, func(u *routing.Unit) string { return u.ID }),
		categories: namesOf(l, "categories", "category", it.categories, func(c *routing.Category) string { return c.ID }),
		regions:    namesOf(l, "regions", "region", it.regions, func(r *routing.Region) string { return r.ID }),
		policies:   namesOf(l, "policies", "policy", it.policies, func(p *sla.Policy) string { return p.ID }),
		lines:      namesOf(l, "channels", "line", it.channels, func(c *Channel) string { return c.Line }),
		calendars:  uniqueNames(l, "calendars", "calendar", it.calendars, calendarKey),
		channels:   uniqueNames(l, "channels", "channel", it.channels, func(c *Channel) string { return c.ID }),
		reasons:    uniqueNames(l, "reasons", "reason", it.reasons, func(r *Reason) string { return r.Code }),
		posts:      none("post", "units", l.broken["units"]),
		adapters:   none("adapter", "this program", len(l.adapters) == 0),
	}
	uniqueNames(l, "roster", "roster of post", it.roster, func(d *Duty) string { return d.Post })
	uniqueNames(l, "tests", "test", it.tests, func(t *Test) string { return t.Name })
	uniqueNames(l, "policies", "policy", it.policies, func(p *sla.Policy) string { return p.Key() })
	for i := range it.calendars { // a calendar is named by its id, or pinned by id@version
		d.calendars.at[it.calendars[i].value.ID] = it.calendars[i].source()
	}
	for i := range it.units {
		for _, p := range it.units[i].value.Posts {
			d.posts.at[p.ID] = it.units[i].source()
		}
	}
	for _, name := range l.adapters {
		d.adapters.at[name] = routing.Source{}
	}
	return d
}

func calendarKey(c *sla.CalendarSpec) string { return fmt.Sprintf("%s@%d", c.ID, c.Version) }

func (l *loader) checkCity(d *directory) {
	c := &l.items.city
	if c.node == nil {
		return
	}
	s := subjectOf(l, "city", c.value.ID, c)
	s.ref("code", c.value.Code, d.regions)
	s.ref("default_policy", c.value.DefaultPolicy, d.policies)
	s.ref("calendar", c.value.Calendar, d.calendars)
}

// checkCalendars wants the holidays of another calendar to follow it: not of a version, and not its own.
func (l *loader) checkCalendars(d *directory) {
	for i := range l.items.calendars {
		c := &l.items.calendars[i]
		s := subjectOf(l, "calendar", c.value.ID, c)
		s.ref("holidays", c.value.Holidays, d.calendars)
		of := c.value.Holidays
		other := func(o item[sla.CalendarSpec]) bool {
			return o.value.ID == c.value.ID && o.value.Version != c.value.Version
		}
		switch {
		case of == "":
		case of == c.value.ID || sla.Pinned(of):
			s.wrong("holidays", "holidays %q: name another calendar, without a version", of)
		case slices.ContainsFunc(l.items.calendars, other):
			s.wrong("holidays", "holidays %q: the versions of %q are those of that calendar; keep one entry of it", of, c.value.ID)
		}
	}
}

func (l *loader) checkUnits(d *directory) {
	units := l.items.units
	for i := range units {
		u := &units[i].value
		s := subjectOf(l, "unit", u.ID, &units[i])
		s.ref("hours", u.Hours, d.calendars)
		for j, p := range u.Posts {
			if role, ok := strings.CutPrefix(p.ID, u.ID+"."); p.ID != "" && (!ok || role == "") {
				s.wrong(fmt.Sprintf("posts[%d].id", j), "post %q: must begin with its unit; write %q", p.ID, u.ID+"."+p.Role)
			}
		}
	}
}

// checkCategories holds ids to their parents: 03.02 lies below 03. A forgotten parent would
// silently make a top category.
func (l *loader) checkCategories() {
	list := l.items.categories
	for i := range list {
		c := &list[i].value
		if above := c.ID[:max(strings.LastIndexByte(c.ID, '.'), 0)]; above != c.Parent {
			subjectOf(l, "category", c.ID, &list[i]).
				wrong("parent", "parent %q: does not match the id; the parent of %q is %q", c.Parent, c.ID, above)
		}
	}
}

// checkRegions wants one root, the city itself.
func (l *loader) checkRegions(d *directory) {
	city := &l.items.city
	if !d.regions.has(city.value.Code) {
		return // reported, or there is no city
	}
	list := l.items.regions
	for i := range list {
		if r := &list[i].value; r.Parent == "" && r.ID != city.value.Code {
			subjectOf(l, "region", r.ID, &list[i]).
				wrong("parent", "parent: is missing; only the city itself, %q, has none", city.value.Code)
		}
	}
}

func (l *loader) checkCatalogue(d *directory) {
	rows := l.items.catalogue
	for i := range rows {
		subjectOf(l, "row", rows[i].value.ID, &rows[i]).ref("policy", rows[i].value.Policy, d.policies)
	}
}

func (l *loader) checkRules(d *directory) {
	rules := l.items.rules
	for i := range rules {
		r := &rules[i].value
		s := subjectOf(l, "rule", r.ID, &rules[i])
		s.refs("when.channel", r.When.Channel, d.channels)
		s.refs("when.line", r.When.Line, d.lines)
		s.ref("then.policy", r.Then.Policy, d.policies)
		s.ref("then.triage", r.Then.Triage, d.reasons)
		if reason := l.reason(r.Then.Triage); reason != nil && !slices.Contains(reason.For, "triage") {
			s.wrong("then.triage", "then.triage %q: the reason is not for triage; add triage to its for", r.Then.Triage)
		}
	}
}

func (l *loader) reason(code string) *Reason {
	for i := range l.items.reasons {
		if r := &l.items.reasons[i].value; r.Code == code {
			return r
		}
	}
	return nil
}

func (l *loader) checkPolicies(d *directory) {
	policies := l.items.policies
	for i := range policies {
		p := &policies[i].value
		subjectOf(l, "policy", p.Key(), &policies[i]).ref("calendar", p.Calendar, d.calendars)
	}
}

func (l *loader) checkChannels(d *directory) {
	channels := l.items.channels
	for i := range channels {
		c := &channels[i].value
		s := subjectOf(l, "channel", c.ID, &channels[i])
		s.ref("adapter", c.Adapter, d.adapters)
		s.ref("region", c.Region, d.regions)
	}
}

// checkRetention wants every class of data once: what nobody decided would be kept for ever.
func (l *loader) checkRetention() {
	classes := uniqueNames(l, "retention", "class", l.items.retention, func(r *Retention) string { return r.Class })
	days := map[string]int{}
	for i := range l.items.retention {
		r := &l.items.retention[i].value
		days[r.Class] = r.Days
	}
	for i := range l.items.retention {
		if r := &l.items.retention[i]; r.value.Class == ticket.DataEvent && r.value.Days < days[ticket.DataTicket] {
			subjectOf(l, "class", r.value.Class, r).wrong("days", "days: %d is less than the %d of class \"ticket\", whose words stand in its events; give at least as many",
				r.value.Days, days[ticket.DataTicket])
		}
	}
	for _, c := range RetentionClasses {
		if !classes.has(c) {
			l.add("retention.yaml", 0, "class %q: is missing; say how many days it is kept", c)
		}
	}
}

// checkTests follows what the pack's tests name: a test about nothing would fail for the wrong reason.
func (l *loader) checkTests(d *directory) {
	tests := l.items.tests
	for i := range tests {
		t := &tests[i].value
		s := subjectOf(l, "test", t.Name, &tests[i])
		s.ref("facts.channel", t.Facts.Channel, d.channels)
		s.ref("facts.category", t.Facts.Category, d.categories)
		s.ref("facts.region", t.Facts.Region, d.regions)
		s.ref("want.unit", t.Want.Unit, d.units)
		s.refs("want.assist", t.Want.Assist, d.units)
		s.ref("want.policy", t.Want.Policy, d.policies)
	}
}
