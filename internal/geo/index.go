package geo

import (
	"errors"
	"fmt"
	"slices"

	"github.com/paulmach/orb"
	"github.com/tidwall/rtree"
)

// Feature is one named area: a region, a grid, a zone of a rule. Coordinates are WGS-84.
type Feature struct {
	ID       string
	Polygons orb.MultiPolygon // each: outer ring, then holes; rings closed
}

// Index finds the features a point lies in. It never changes once built and is safe for concurrent
// use. Make one with Build or LoadGeoJSON.
type Index struct {
	tree  rtree.RTreeG[int32] // position in parts
	parts []part
	ids   []string // in the order of the source
}

// part is one polygon of a feature.
type part struct {
	feature int32 // position in ids
	polygon orb.Polygon
}

// Build indexes features after checking them. All faults are reported at once (errors.Join), each
// naming its feature and the remedy.
func Build(features []Feature) (*Index, error) {
	x := &Index{}
	seen := make(map[string]int, len(features))
	var faults []error
	for i, f := range features {
		if err := checkFeature(f); err != nil {
			faults = append(faults, fmt.Errorf("geo: feature %d (%q): %w", i+1, f.ID, err))
			continue
		}
		if first, dup := seen[f.ID]; dup {
			faults = append(faults, fmt.Errorf("geo: feature %d (%q): feature %d has the same id; merge them into one MultiPolygon or rename one", i+1, f.ID, first))
			continue
		}
		seen[f.ID] = i + 1
		for _, polygon := range f.Polygons {
			b := polygon.Bound()
			x.tree.Insert(b.Min, b.Max, int32(len(x.parts)))                              // two thousand million polygons do not fit in memory
			x.parts = append(x.parts, part{feature: int32(len(x.ids)), polygon: polygon}) // nor do as many features
		}
		x.ids = append(x.ids, f.ID)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return x, nil
}

// Len is the number of features.
func (x *Index) Len() int { return len(x.ids) }

// IDs lists the features in the order of the source.
func (x *Index) IDs() []string { return slices.Clone(x.ids) }

// Find returns the ids of the features that contain p (WGS-84), in the order of the source; nested
// areas (grid in street in district) are all returned.
//
// A polygon includes its borders, those of its holes too: a point on a shared border is in both
// neighbours, always, whatever the order of the rings.
func (x *Index) Find(p Point) []string {
	return x.AppendFind(nil, p)
}

// AppendFind is Find, appending to dst; it does not allocate when dst has room.
func (x *Index) AppendFind(dst []string, p Point) []string {
	var few [16]int32
	for _, at := range x.AppendPositions(few[:0], p) {
		dst = append(dst, x.ids[at])
	}
	return dst
}

// AppendPositions is AppendFind by the positions of the features in the source, from 0.
func (x *Index) AppendPositions(dst []int32, p Point) []int32 {
	at, begin := orb.Point{p.Lng, p.Lat}, len(dst)
	x.tree.Search(at, at, func(_, _ [2]float64, i int32) bool {
		if contains(x.parts[i].polygon, at) {
			dst = append(dst, x.parts[i].feature)
		}
		return true
	})
	slices.Sort(dst[begin:])
	return dst[:begin+len(slices.Compact(dst[begin:]))] // parts of one feature may touch
}

// contains is true inside the outer ring and on any border, false inside a hole.
func contains(polygon orb.Polygon, p orb.Point) bool {
	for i, ring := range polygon {
		in, border := ringSide(ring, p)
		if border {
			return true
		}
		if in != (i == 0) {
			return false
		}
	}
	return true
}

// ringSide casts a ray to the east and counts crossings. Each edge owns its lower end and not its
// upper one, so that a ray through a corner is counted once.
func ringSide(ring orb.Ring, p orb.Point) (inside, border bool) {
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		if a[1] > b[1] {
			a, b = b, a
		}
		if p[1] < a[1] || p[1] > b[1] {
			continue
		}
		side := turn(a, b, p)
		if side == 0 && min(a[0], b[0]) <= p[0] && p[0] <= max(a[0], b[0]) {
			return false, true
		}
		if p[1] < b[1] && side > 0 { // a level edge has a[1] == b[1] and is never counted
			inside = !inside
		}
	}
	return inside, false
}

// turn is positive when c lies left of the line from a to b, negative when right, zero when on it.
func turn(a, b, c orb.Point) float64 {
	return (b[0]-a[0])*(c[1]-a[1]) - (b[1]-a[1])*(c[0]-a[0])
}
