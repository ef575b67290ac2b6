package routing

import (
	"slices"
	"strings"
)

// catalogue answers category × region → row in one look. Only the categories and regions that rows
// name have a line or column; every other one has that of its nearest ancestor, 0 standing for any.
type catalogue struct {
	targets  []target // by row
	category []int32  // by category node: its line
	region   []int32  // by region node: its column
	columns  int32
	cells    []int32 // line × columns + column → row, none where no row applies
}

// cell is a pair that a row names; none stands for any.
type cell struct{ category, region int32 }

// row is the row for a category and a region, each of which may be none.
func (k *catalogue) row(category, region int32) int32 {
	var line, column int32
	if category != none {
		line = k.category[category]
	}
	if region != none {
		column = k.region[region]
	}
	return k.cells[line*k.columns+column]
}

// anyRegion is the node rows without a region stand for: the city itself, when there is one.
// What happens at an unknown place still happens in the city.
func (rs *Ruleset) anyRegion() int32 {
	root := none
	for i, p := range rs.regions.parent {
		if p == none {
			if root != none {
				return none
			}
			root = int32(i)
		}
	}
	return root
}

// fileRows builds the catalogue and reports rows that say the same place twice.
func (rs *Ruleset) fileRows(c *checker) {
	k := &rs.catalogue
	rows := rs.city.Catalogue
	city := rs.anyRegion()
	use := func(used []bool, node int32) {
		if node != none {
			used[node] = true
		}
	}
	lines, columns := make([]bool, len(rs.categories.ids)), make([]bool, len(rs.regions.ids))
	taken := make(map[cell]int32, len(rows))
	for i := range rows {
		r := &rows[i]
		k.targets = append(k.targets, rs.target(r.Unit))
		at := cell{rs.categories.find(r.Category), rs.regions.find(r.Region)}
		if at.category == none && r.Category != "" || at.region == none && r.Region != "" {
			continue // reported where rows are checked
		}
		if at.region == city {
			at.region = none
		}
		if first, twice := taken[at]; twice {
			c.add(r.Source, "catalogue row "+quote(r.ID), "says category %q in region %q again, row %q at %s:%d did; remove one",
				r.Category, r.Region, rows[first].ID, rows[first].Source.File, rows[first].Source.Line)
			continue
		}
		taken[at] = int32(i)
		use(lines, at.category)
		use(columns, at.region)
	}
	var lineNodes, columnNodes []int32
	k.category, lineNodes = numberNodes(&rs.categories, lines)
	k.region, columnNodes = numberNodes(&rs.regions, columns)
	k.columns = int32(len(columnNodes))
	if len(lineNodes)*len(columnNodes) > cellLimit {
		c.add(Source{}, "catalogue", "rows name %d categories and %d regions, more than %d pairs; name wider regions", len(lineNodes)-1, len(columnNodes)-1, cellLimit)
		return
	}
	k.fill(rs, lineNodes, columnNodes, func(category, region int32) int32 {
		if row, ok := taken[cell{category, region}]; ok {
			return row
		}
		return none
	})
}

// numberNodes numbers the nodes that are named, ancestors first, from 1; the others take the number
// of their nearest named ancestor, 0 without one. nodes lists the named ones by number.
func numberNodes(t *tree, named []bool) (numbers, nodes []int32) {
	numbers = make([]int32, len(t.ids))
	nodes = []int32{none}
	for _, at := range t.order {
		if named[at] {
			numbers[at] = int32(len(nodes))
			nodes = append(nodes, at)
		} else if p := t.parent[at]; p != none {
			numbers[at] = numbers[p]
		}
	}
	return numbers, nodes
}

// fill computes every cell from those above it: a row for the category itself, in the place or
// around it, comes before any row for a wider category.
func (k *catalogue) fill(rs *Ruleset, lines, columns []int32, row func(category, region int32) int32) {
	above := func(t *tree, numbers []int32, node int32) int32 {
		if p := t.parent[node]; p != none {
			return numbers[p]
		}
		return 0
	}
	k.cells = make([]int32, len(lines)*len(columns))
	own := make([]int32, len(columns)) // rows for the line's own category
	for l, category := range lines {
		for c, region := range columns {
			own[c] = row(category, region)
			if own[c] == none && c > 0 {
				own[c] = own[above(&rs.regions, k.region, region)]
			}
			cell := own[c]
			if cell == none && l > 0 {
				cell = k.cells[above(&rs.categories, k.category, category)*k.columns+int32(c)]
			}
			k.cells[int32(l)*k.columns+int32(c)] = cell
		}
	}
}

// checkCoverage reports each leaf category that has no owner in some street, and each row or rule
// whose @district does not resolve.
func (c *checker) checkCoverage() {
	var streets []int32
	for i := range c.city.Regions {
		if c.city.Regions[i].Level == "street" {
			streets = append(streets, int32(i))
		}
	}
	vague := map[int32][]int32{} // row → streets where it resolves to nobody
	for i := range c.city.Categories {
		if len(c.categories.children[i]) > 0 {
			continue
		}
		var gaps []int32
		for _, s := range streets {
			row := c.catalogue.row(int32(i), s)
			if row == none {
				gaps = append(gaps, s)
			} else if c.catalogue.targets[row].kind == targetDistrict && c.districtOffice[s] == none && !slices.Contains(vague[row], s) {
				vague[row] = append(vague[row], s) // @street needs no look: every street must have its office
			}
		}
		if gaps != nil {
			k := &c.city.Categories[i]
			c.add(k.Source, "category "+quote(k.ID), "has no owner in %d of %d streets (%s); add a catalogue row for it or a wider category",
				len(gaps), len(streets), c.some(gaps))
		}
	}
	for i := range c.city.Catalogue {
		if places := vague[int32(i)]; places != nil {
			r := &c.city.Catalogue[i]
			c.add(r.Source, "catalogue row "+quote(r.ID), "unit %q stands for nobody in %d streets (%s); give their district's unit `region:`",
				r.Unit, len(places), c.some(places))
		}
	}
	c.checkDistricts(streets)
}

// checkDistricts reports rules that name @district where a district has no office.
func (c *checker) checkDistricts(streets []int32) {
	lacking := slices.DeleteFunc(streets, func(s int32) bool { return c.districtOffice[s] != none })
	if len(lacking) == 0 {
		return
	}
	for i := range c.city.Rules {
		r := &c.city.Rules[i]
		if r.Then.Unit != TokenDistrict {
			continue
		}
		within := spans(&c.regions, r.When.Region)
		var places []int32
		for _, s := range lacking {
			if within == nil || c.regions.inAny(s, within) {
				places = append(places, s)
			}
		}
		if places != nil {
			c.add(r.Source, "rule "+quote(r.ID), "unit @district stands for nobody in %d streets (%s); give their district's unit `region:`",
				len(places), c.some(places))
		}
	}
}

// some names the first few regions of a list.
func (c *checker) some(regions []int32) string {
	var names []string
	for _, at := range regions[:min(3, len(regions))] {
		names = append(names, c.city.Regions[at].ID+" "+c.city.Regions[at].Name)
	}
	if len(regions) > 3 {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
