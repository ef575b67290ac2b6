package routing

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// Ids that origins and explanations use for what no rule of the pack says.
const (
	OriginOffice  = "office"         // the office of the place took it
	OriginPolicy  = "default_policy" // the pack's default policy
	OriginUrgency = "urgency"        // the source's own word, or normal when nobody said anything
)

// The tokens that stand for the office of the place, where a unit is named.
const (
	TokenStreet   = "@street"
	TokenDistrict = "@district"
)

const (
	wordLimit   = 64        // characters of a keyword or name: more is a sentence, not a word
	cellLimit   = 4_000_000 // categories × regions that catalogue rows name
	regexLetter = `\|*^$[]{}+?`
)

var reservedRules = []string{OriginOffice, OriginPolicy, OriginUrgency}

// regionLevels lists the levels of regions from the widest to the narrowest.
var regionLevels = []string{"city", "district", "street", "community", "grid"}

// checker looks at one city. It only reads what it is given.
type checker struct {
	*Ruleset
	problems
}

// ids reports missing and repeated ids of one kind of thing.
func (c *checker) ids(kind string, n int, at func(int) (string, Source)) {
	first := make(map[string]Source, n)
	for i := range n {
		id, src := at(i)
		thing := kind + " " + quote(id)
		if strings.TrimSpace(id) != id || id == "" || strings.HasPrefix(id, "@") {
			c.add(src, thing, "id is empty, begins with @ or has blanks around it; give it an id")
			continue
		}
		if earlier, taken := first[id]; taken {
			c.add(src, thing, "id is already used at %s:%d; give one of them another id", earlier.File, earlier.Line)
			continue
		}
		first[id] = src
	}
}

func (c *checker) cycle(kind string, t *tree, cyclic []int32, src func(int32) Source) {
	for _, at := range cyclic {
		c.add(src(at), kind+" "+quote(t.ids[at]), "is its own ancestor; break the circle of parents")
	}
}

// parent reports a parent that does not exist.
func (c *checker) parent(src Source, thing string, t *tree, id string) {
	if id != "" && t.find(id) == none {
		c.add(src, thing, "parent %q does not exist; name an existing one or leave it out", id)
	}
}

// name reports an empty display name.
func (c *checker) name(src Source, thing, name string) {
	if text.Fold(name) == "" {
		c.add(src, thing, "has no name; give it one")
	}
}

func (c *checker) checkUnits() {
	posts := map[string]string{}
	offices := map[string]string{}
	for i := range c.city.Units {
		u := &c.city.Units[i]
		thing := "unit " + quote(u.ID)
		c.name(u.Source, thing, u.Name)
		c.parent(u.Source, thing, &c.units, u.Parent)
		if !slices.Contains(UnitKinds, u.Kind) {
			c.add(u.Source, thing, "kind %q is unknown; use one of %s", u.Kind, strings.Join(UnitKinds, ", "))
		}
		if u.Region != "" && c.regions.find(u.Region) == none {
			c.add(u.Source, thing, "region %q does not exist; name an existing one or leave it out", u.Region)
		}
		for _, p := range u.Posts {
			if owner, taken := posts[p.ID]; taken || p.ID == "" {
				c.add(u.Source, thing, "post %q is empty or already a post of unit %q; posts are unique in the city", p.ID, owner)
			}
			posts[p.ID] = u.ID
		}
		c.checkRetired(u, thing)
		if u.Region != "" && u.Retired == "" {
			if other, taken := offices[u.Region]; taken {
				c.add(u.Source, thing, "region %q already has its office, unit %q; leave region out of one of them", u.Region, other)
			}
			offices[u.Region] = u.ID
		}
		if u.Retired == "" && u.Parent != "" {
			c.live(u.Source, thing, "parent", u.Parent)
		}
	}
}

func (c *checker) checkRetired(u *Unit, thing string) {
	switch {
	case u.Retired == "" && u.ReplacedBy != "":
		c.add(u.Source, thing, "replaced_by %q without retired; give the date it retired on", u.ReplacedBy)
	case u.Retired == "":
	case u.ReplacedBy == "":
		c.add(u.Source, thing, "retired on %s without replaced_by; name the unit that took over its work", u.Retired)
	default:
		if _, err := time.Parse(time.DateOnly, u.Retired); err != nil {
			c.add(u.Source, thing, "retired %q is no date; write YYYY-MM-DD", u.Retired)
		}
		c.unit(u.Source, thing, "replaced_by", u.ReplacedBy, false)
	}
}

// unit reports a unit that does not exist or is retired. Tokens stand for an office if allowed.
func (c *checker) unit(src Source, thing, field, id string, tokens bool) {
	if tokens && (id == TokenStreet || id == TokenDistrict) {
		return
	}
	if c.units.find(id) == none {
		remedy := "name an existing unit"
		if tokens {
			remedy += ", @street or @district"
		}
		c.add(src, thing, "%s %q does not exist; %s", field, id, remedy)
		return
	}
	c.live(src, thing, field, id)
}

func (c *checker) live(src Source, thing, field, id string) {
	if at := c.units.find(id); at != none && c.city.Units[at].Retired != "" {
		u := &c.city.Units[at]
		c.add(src, thing, "%s %q retired on %s; name %q, which replaced it", field, id, u.Retired, u.ReplacedBy)
	}
}

func (c *checker) checkCategories() {
	for i := range c.city.Categories {
		k := &c.city.Categories[i]
		thing := "category " + quote(k.ID)
		c.name(k.Source, thing, k.Name)
		c.parent(k.Source, thing, &c.categories, k.Parent)
		if k.Type != "" && !slices.Contains(ticket.RequestTypes, ticket.RequestType(k.Type)) {
			c.add(k.Source, thing, "type %q is unknown; use one of %s", k.Type, join(ticket.RequestTypes))
		}
		for _, w := range k.Keywords {
			c.word(k.Source, thing, "keyword", w)
		}
	}
}

func (c *checker) checkRegions() {
	for i := range c.city.Regions {
		r := &c.city.Regions[i]
		thing := "region " + quote(r.ID)
		c.name(r.Source, thing, r.Name)
		c.parent(r.Source, thing, &c.regions, r.Parent)
		level := slices.Index(regionLevels, r.Level)
		if level < 0 {
			c.add(r.Source, thing, "level %q is unknown; use one of %s", r.Level, strings.Join(regionLevels, ", "))
		} else if p := c.regions.find(r.Parent); p != none {
			above := c.city.Regions[p].Level
			if n := slices.Index(regionLevels, above); n > level || n == level && level < slices.Index(regionLevels, "community") {
				c.add(r.Source, thing, "is a %s below %q, which is a %s; levels go from city down to grid", r.Level, r.Parent, above)
			}
		}
		for _, w := range slices.Concat(r.Short, r.Places) {
			if utf8.RuneCountInString(text.Fold(w)) < 2 {
				c.add(r.Source, thing, "name %q is shorter than two characters and would be found everywhere; write a longer one", w)
			} else {
				c.word(r.Source, thing, "name", w)
			}
		}
		c.roads(r, thing)
		if r.Level == "street" && c.streetOffice[i] == none {
			c.add(r.Source, thing, "street has no office; give its unit `region: %s`", r.ID)
		}
	}
}

// roads checks what a region shares with others: crossings and stretches of roads.
func (c *checker) roads(r *Region, thing string) {
	for _, w := range r.Crossings {
		if _, _, ok := crossingRoads(w); !ok {
			c.add(r.Source, thing, "crossing %q does not name two roads; write 解放路与沂蒙路", w)
		} else {
			c.word(r.Source, thing, "crossing", w)
		}
	}
	for _, road := range r.Roads {
		switch _, known := sides[road.Side]; {
		case utf8.RuneCountInString(text.Fold(road.Name)) < 2:
			c.add(r.Source, thing, "road %q is shorter than two characters and would be found everywhere; write its full name", road.Name)
		case !known:
			c.add(r.Source, thing, "road %q has the side %q; write odd, even, or leave it out", road.Name, road.Side)
		case road.From < 0 || road.To < 0 || road.To > 0 && road.From > road.To:
			c.add(r.Source, thing, "road %q runs from %d to %d; give house numbers in rising order, or 0 for open", road.Name, road.From, road.To)
		default:
			c.word(r.Source, thing, "road", road.Name)
		}
	}
}

func (c *checker) checkAreas() {
	for i := range c.city.Areas {
		a := &c.city.Areas[i]
		thing := "area " + quote(a.ID)
		if a.Region != "" && c.regions.find(a.Region) == none {
			c.add(a.Source, thing, "region %q does not exist; name an existing one or leave it out", a.Region)
		}
		if _, err := geo.Build([]geo.Feature{feature(a)}); err != nil && a.ID != "" {
			c.add(a.Source, thing, "%v", err)
		}
	}
}

// word reports what cannot be a keyword: nothing, a sentence, something like a regular expression.
func (c *checker) word(src Source, thing, field, word string) {
	folded := text.Fold(word)
	switch n := utf8.RuneCountInString(folded); {
	case n == 0:
		c.add(src, thing, "%s %q is empty; remove it", field, word)
	case n > wordLimit:
		c.add(src, thing, "%s %.30q… has %d characters; at most %d", field, word, n, wordLimit)
	case strings.ContainsRune(folded, '\n'):
		c.add(src, thing, "%s %q runs over two lines; make two of it", field, word)
	case strings.ContainsAny(word, regexLetter) || strings.Contains(word, ".."):
		c.add(src, thing, "%s %q looks like a regular expression; keywords are plain words, list each one", field, word)
	}
}

func (c *checker) urgency(src Source, thing string, u ticket.Urgency) {
	if u != "" && !slices.Contains(ticket.Urgencies, u) {
		c.add(src, thing, "urgency %q is unknown; use one of %s", u, join(ticket.Urgencies))
	}
}

// assist checks the assisting units of a row or rule.
func (c *checker) assist(src Source, thing, lead string, assist []string) {
	for i, id := range assist {
		c.unit(src, thing, "assist", id, true)
		if id == lead || slices.Contains(assist[:i], id) {
			c.add(src, thing, "assist %q is named twice or is the lead; name each unit once", id)
		}
	}
}

func (c *checker) checkRows() {
	for i := range c.city.Catalogue {
		r := &c.city.Catalogue[i]
		thing := "catalogue row " + quote(r.ID)
		if r.Category != "" && c.categories.find(r.Category) == none {
			c.add(r.Source, thing, "category %q does not exist; name an existing one, or none for any", r.Category)
		}
		if r.Region != "" && c.regions.find(r.Region) == none {
			c.add(r.Source, thing, "region %q does not exist; name an existing one, or none for any", r.Region)
		}
		c.unit(r.Source, thing, "unit", r.Unit, true)
		c.assist(r.Source, thing, r.Unit, r.Assist)
		c.urgency(r.Source, thing, r.Urgency)
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

func join[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}
