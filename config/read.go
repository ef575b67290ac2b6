package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
)

// lists are the entries of a pack with their places.
type lists struct {
	city       item[City]
	units      []item[routing.Unit]
	categories []item[routing.Category]
	regions    []item[routing.Region]
	areas      []routing.Area
	catalogue  []item[routing.Row]
	rules      []item[routing.Rule]
	policies   []item[sla.Policy]
	calendars  []item[sla.CalendarSpec]
	channels   []item[Channel]
	roster     []item[Duty]
	notices    item[paging.Plan]
	alerts     item[AlertSpec]
	retention  []item[Retention]
	reasons    []item[Reason]
	classifier item[ClassifierSpec]
	tests      []item[Test]
}

// read reads every section into a pack that is not judged yet.
func (l *loader) read() *Pack {
	it := &l.items
	it.city = l.city()
	it.units = readList[routing.Unit](l, "units")
	it.categories = readList[routing.Category](l, "categories")
	it.regions = readList[routing.Region](l, "regions")
	it.areas = l.readAreas(it.city.value.Bounds)
	it.catalogue = readList[routing.Row](l, "catalogue")
	it.rules = readList[routing.Rule](l, "rules")
	it.policies = readList[sla.Policy](l, "policies")
	it.calendars = l.calendars()
	it.channels = readList[Channel](l, "channels")
	it.roster = readList[Duty](l, "roster")
	it.notices = l.notices()
	l.readAlerts()
	it.retention = readList[Retention](l, "retention")
	it.reasons = readList[Reason](l, "reasons")
	l.mappings("classifier", func(file string, n ast.Node) { it.classifier = readItem[ClassifierSpec](l, file, n) })
	it.tests = readList[Test](l, "tests")
	return &Pack{
		City:       it.city.value,
		Units:      values(it.units, func(u *routing.Unit, at routing.Source) { u.Source = at }),
		Categories: values(it.categories, func(c *routing.Category, at routing.Source) { c.Source = at }),
		Regions:    values(it.regions, func(r *routing.Region, at routing.Source) { r.Source = at }),
		Areas:      it.areas,
		Catalogue:  values(it.catalogue, func(r *routing.Row, at routing.Source) { r.Source = at }),
		Rules:      values(it.rules, func(r *routing.Rule, at routing.Source) { r.Source = at }),
		Policies:   values(it.policies, func(*sla.Policy, routing.Source) {}),
		Calendars:  values(it.calendars, func(*sla.CalendarSpec, routing.Source) {}),
		Channels: values(it.channels, func(c *Channel, at routing.Source) {
			c.At = at
			c.Settings.file, c.Settings.line, c.Settings.shape = at.File, at.Line, l.shape
		}),
		Retention: values(it.retention, func(r *Retention, at routing.Source) { r.At = at }),
		Reasons:   values(it.reasons, func(r *Reason, at routing.Source) { r.At = at }),
		Tests:     values(it.tests, func(t *Test, at routing.Source) { t.At = at }),
		Notices:   &it.notices.value,
		Texts:     l.texts(),
	}
}

// values takes the entries out of their places, after place has told each where it is written.
func values[T any](items []item[T], place func(*T, routing.Source)) []T {
	list := make([]T, len(items))
	for i := range items {
		place(&items[i].value, items[i].source())
		list[i] = items[i].value
	}
	return list
}

// city reads city.yaml.
func (l *loader) city() item[City] {
	var city item[City]
	l.mappings("city", func(file string, n ast.Node) { city = readItem[City](l, file, n) })
	if city.node == nil {
		if !l.broken["city"] {
			l.add("city.yaml", 0, "is missing or empty; every pack begins with it")
		}
		return city
	}
	zone, err := time.LoadLocation(city.value.Zone)
	if err != nil || city.value.Zone == "Local" {
		l.add(city.file, find(city.node, "zone"), `zone %q: is not a time zone; write one such as "Asia/Shanghai"`, city.value.Zone)
		zone = time.UTC
	}
	city.value.Location = zone
	return city
}

// calendars reads calendars/: one calendar a file, or a list of them.
func (l *loader) calendars() []item[sla.CalendarSpec] {
	var found []item[sla.CalendarSpec]
	l.trees("calendars", func(file string, n ast.Node) {
		entries := []ast.Node{n}
		if list, ok := n.(*ast.SequenceNode); ok {
			entries = list.Values
		}
		for _, e := range entries {
			if _, ok := pairs(e); !ok {
				l.add(file, lineOf(n), "calendars: must hold one calendar, or a list of them")
				continue
			}
			found = append(found, readItem[sla.CalendarSpec](l, file, e))
		}
	})
	return found
}
