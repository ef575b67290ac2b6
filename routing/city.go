package routing

import "slices"

// Hash is the content hash of the pack the ruleset was compiled from.
func (rs *Ruleset) Hash() string { return rs.city.Hash }

// Unit gives a unit by id, retired ones included.
func (rs *Ruleset) Unit(id string) (Unit, bool) { return pick(&rs.units, rs.city.Units, id) }

// Units lists all units in the pack's order. The caller must not change them.
func (rs *Ruleset) Units() []Unit { return rs.city.Units }

// UnitName is the name shown for a unit: the short one if it has one, the id when the unit is
// unknown, as it may be in a ticket older than the pack.
func (rs *Ruleset) UnitName(id string) string {
	u, ok := rs.Unit(id)
	switch {
	case !ok:
		return id
	case u.Short != "":
		return u.Short
	default:
		return u.Name
	}
}

// WithinUnit reports whether a unit is the ancestor or lies below it. Unknown ids lie nowhere.
func (rs *Ruleset) WithinUnit(id, ancestor string) bool { return rs.units.within(id, ancestor) }

// ChildUnits lists the ids of the units directly below id; those without a parent for "".
func (rs *Ruleset) ChildUnits(id string) []string { return rs.units.below(id) }

// Rule gives a rule by id.
func (rs *Ruleset) Rule(id string) (Rule, bool) {
	at := slices.IndexFunc(rs.city.Rules, func(r Rule) bool { return r.ID == id })
	if at < 0 {
		return Rule{}, false
	}
	return rs.city.Rules[at], true
}

// Row gives a row of the catalogue by id.
func (rs *Ruleset) Row(id string) (Row, bool) {
	at := slices.IndexFunc(rs.city.Catalogue, func(r Row) bool { return r.ID == id })
	if at < 0 {
		return Row{}, false
	}
	return rs.city.Catalogue[at], true
}

// Category gives a category by id.
func (rs *Ruleset) Category(id string) (Category, bool) {
	return pick(&rs.categories, rs.city.Categories, id)
}

// Categories lists all categories in the pack's order. The caller must not change them.
func (rs *Ruleset) Categories() []Category { return rs.city.Categories }

// Leaves lists the ids of the categories without children, in the pack's order.
func (rs *Ruleset) Leaves() []string {
	var leaves []string
	for i, c := range rs.city.Categories {
		if len(rs.categories.children[i]) == 0 {
			leaves = append(leaves, c.ID)
		}
	}
	return leaves
}

// CategoryPath lists the ids from the top category down to id, nil when id is unknown.
func (rs *Ruleset) CategoryPath(id string) []string { return rs.categories.path(id) }

// WithinCategory reports whether a category is the ancestor or lies below it.
func (rs *Ruleset) WithinCategory(id, ancestor string) bool {
	return rs.categories.within(id, ancestor)
}

// ChildCategories lists the ids of the categories directly below id; the top ones for "".
func (rs *Ruleset) ChildCategories(id string) []string { return rs.categories.below(id) }

// Region gives a region by id.
func (rs *Ruleset) Region(id string) (Region, bool) { return pick(&rs.regions, rs.city.Regions, id) }

// Regions lists all regions in the pack's order. The caller must not change them.
func (rs *Ruleset) Regions() []Region { return rs.city.Regions }

// RegionPath lists the ids from the city down to id, nil when id is unknown.
func (rs *Ruleset) RegionPath(id string) []string { return rs.regions.path(id) }

// WithinRegion reports whether a region is the ancestor or lies below it.
func (rs *Ruleset) WithinRegion(id, ancestor string) bool { return rs.regions.within(id, ancestor) }

// ChildRegions lists the ids of the regions directly below id; the top ones for "".
func (rs *Ruleset) ChildRegions(id string) []string { return rs.regions.below(id) }

// Office is the first receiver of a place (首接负责): the office of its street, else of its
// district. It is false when the region is unknown or neither has one.
func (rs *Ruleset) Office(region string) (Unit, bool) {
	at := rs.office(rs.regions.find(region))
	if at == none {
		return Unit{}, false
	}
	return rs.city.Units[at], true
}

// office is Office by node.
func (rs *Ruleset) office(region int32) int32 {
	if region == none {
		return none
	}
	if u := rs.streetOffice[region]; u != none {
		return u
	}
	return rs.districtOffice[region]
}

func pick[T any](t *tree, all []T, id string) (T, bool) {
	at := t.find(id)
	if at == none {
		var zero T
		return zero, false
	}
	return all[at], true
}

// below lists the ids directly below id, the roots for "".
func (t *tree) below(id string) []string {
	var ids []string
	if id == "" {
		for i, p := range t.parent {
			if p == none {
				ids = append(ids, t.ids[i])
			}
		}
		return ids
	}
	if at := t.find(id); at != none {
		ids = make([]string, 0, len(t.children[at]))
		for _, c := range t.children[at] {
			ids = append(ids, t.ids[c])
		}
	}
	return slices.Clip(ids)
}
