package routing

import (
	"slices"
	"strconv"
	"strings"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// ruleStages are the stages a rule may stand in; the others are not made of rules.
var ruleStages = []Stage{StageEmergency, StageStatutory, StageRules, StageDefault}

func (c *checker) checkRules() {
	for i := range c.city.Rules {
		r := &c.city.Rules[i]
		thing := "rule " + quote(r.ID)
		if slices.Contains(reservedRules, r.ID) {
			c.add(r.Source, thing, "id is reserved for what no rule decides; give it another id")
		}
		if strings.TrimSpace(r.Title) == "" {
			c.add(r.Source, thing, "has no title; say in a few words what it is for")
		}
		if !slices.Contains(ruleStages, r.Stage) {
			c.add(r.Source, thing, "stage %q is unknown; use one of %s", r.Stage, join(ruleStages))
		}
		if r.When.given() == 0 && r.Stage != StageDefault {
			c.add(r.Source, thing, "has no condition and would take everything; give it one, or say `stage: default`")
		}
		c.action(r, thing)
		c.condition(r.Source, thing, &r.When)
	}
}

func (c *checker) action(r *Rule, thing string) {
	a := &r.Then
	if a.Unit == "" && len(a.Assist) == 0 && a.Urgency == "" && a.Policy == "" && len(a.Tags) == 0 && a.Triage == "" {
		c.add(r.Source, thing, "has no effect; name a unit, assist, urgency, policy, tags or triage, or remove it")
	}
	if a.Unit != "" && a.Triage != "" {
		c.add(r.Source, thing, "names unit %q and triage %q; a ticket goes to one of them", a.Unit, a.Triage)
	}
	if a.Unit != "" {
		c.unit(r.Source, thing, "unit", a.Unit, true)
	}
	c.assist(r.Source, thing, a.Unit, a.Assist)
	c.urgency(r.Source, thing, a.Urgency)
	if slices.Contains(a.Tags, "") {
		c.add(r.Source, thing, "sets an empty tag; remove it")
	}
}

func (c *checker) condition(src Source, thing string, w *Condition) {
	known(c, src, thing, "kind", w.Kind, ticket.Kinds)
	known(c, src, thing, "source", w.Source, ticket.Sources)
	known(c, src, thing, "type", w.Type, ticket.RequestTypes)
	known(c, src, thing, "urgency", w.Urgency, ticket.Urgencies)
	c.nodes(src, thing, "category", w.Category, &c.categories)
	c.nodes(src, thing, "region", w.Region, &c.regions)
	for _, id := range slices.Concat(w.Area, w.Outside) {
		if _, ok := c.areas[id]; !ok {
			c.add(src, thing, "area %q does not exist; name an existing one", id)
		}
	}
	for _, id := range w.Outside {
		if slices.Contains(w.Area, id) {
			c.add(src, thing, "asks for a point inside and outside of area %q; keep one of them", id)
		}
	}
	for _, word := range slices.Concat(w.Channel, w.Line, w.Tag) {
		if strings.TrimSpace(word) == "" {
			c.add(src, thing, "asks for an empty channel, line or tag; remove it")
		}
	}
	for i := range w.Numbers {
		c.number(src, thing, &w.Numbers[i])
	}
	if w.Window != nil {
		c.window(src, thing, w.Window)
	}
	if w.Keywords != nil {
		c.keywords(src, thing, w.Keywords)
	}
}

// known reports values outside a closed list.
func known[T ~string](c *checker, src Source, thing, field string, values, all []T) {
	for _, v := range values {
		if !slices.Contains(all, v) {
			c.add(src, thing, "%s %q is unknown; use one of %s", field, v, join(all))
		}
	}
}

func (c *checker) nodes(src Source, thing, field string, ids []string, t *tree) {
	for _, id := range ids {
		if t.find(id) == none {
			c.add(src, thing, "%s %q does not exist; name an existing one", field, id)
		}
	}
}

func (c *checker) number(src Source, thing string, r *Range) {
	switch {
	case !slices.Contains(NumberFacts, r.Fact):
		c.add(src, thing, "number %q is unknown; use one of %s", r.Fact, strings.Join(NumberFacts, ", "))
	case r.Min == nil && r.Max == nil:
		c.add(src, thing, "number %s has neither min nor max; give one", r.Fact)
	case r.Min != nil && r.Max != nil && !(*r.Min <= *r.Max):
		c.add(src, thing, "number %s has min %v above max %v; swap them", r.Fact, *r.Min, *r.Max)
	}
}

func (c *checker) window(src Source, thing string, w *Window) {
	from, okFrom := clock(w.From, 0)
	to, okTo := clock(w.To, minutesOfDay)
	if !okFrom || from == minutesOfDay {
		c.add(src, thing, "window from %q is no time of day; write HH:MM between 00:00 and 23:59", w.From)
	}
	if !okTo {
		c.add(src, thing, "window to %q is no time of day; write HH:MM between 00:00 and 24:00", w.To)
	}
	if okFrom && okTo && from == to {
		c.add(src, thing, "window from %s to %s is empty; leave both out for the whole day", w.From, w.To)
	}
	if w.From == "" && w.To == "" && len(w.Days) == 0 {
		c.add(src, thing, "window names neither times nor days; name some or remove it")
	}
	for _, d := range w.Days {
		if _, ok := dayBits[d]; !ok {
			c.add(src, thing, "window day %q is unknown; use workday, holiday, mon, tue, wed, thu, fri, sat or sun", d)
		} else if (d == "workday" || d == "holiday") && c.city.Workday == nil {
			c.add(src, thing, "window day %q needs the city's calendar, and the pack has none; add one", d)
		}
	}
	if c.city.Zone == nil {
		c.add(src, thing, "window needs the city's time zone, and the pack names none; add `zone`")
	}
}

// clock reads HH:MM as minutes of the day; empty gives the default.
func clock(s string, empty int) (minutes int, ok bool) {
	if s == "" {
		return empty, true
	}
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, errH := strconv.ParseUint(s[:2], 10, 8)
	m, errM := strconv.ParseUint(s[3:], 10, 8)
	minutes = int(h)*60 + int(m)
	return minutes, errH == nil && errM == nil && m < 60 && minutes <= minutesOfDay
}

func (c *checker) keywords(src Source, thing string, k *Keywords) {
	if len(k.Any)+len(k.All)+len(k.None) == 0 {
		c.add(src, thing, "keywords name no word to look for; give any, all or none")
	}
	wanted := map[string]string{} // folded → where it stands
	for _, list := range []struct {
		field string
		words []string
	}{{"any", k.Any}, {"all", k.All}, {"none", k.None}} {
		for _, w := range list.words {
			c.word(src, thing, "keyword", w)
			folded := text.Fold(w)
			if at, twice := wanted[folded]; twice && folded != "" {
				c.add(src, thing, "keyword %q stands under %s and again under %s; keep one", w, at, list.field)
			}
			wanted[folded] = list.field
		}
	}
	for _, m := range k.Mask {
		c.word(src, thing, "mask", m)
		useful := false
		folded := text.Fold(m)
		for w := range wanted {
			useful = useful || w != "" && w != folded && strings.Contains(folded, w)
		}
		if !useful {
			c.add(src, thing, "mask %q covers none of the rule's words; a mask is a longer phrase that contains one", m)
		}
	}
}
