package geo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/paulmach/orb"
)

// maxRing bounds the positions of one ring. The outline of a whole province has fewer.
const maxRing = 200_000

// checkFeature finds what would make the answer of Find doubtful.
func checkFeature(f Feature) error {
	if f.ID == "" {
		return errors.New("no id; give it one, it is what rules and regions refer to")
	}
	if len(f.Polygons) == 0 {
		return errors.New("no polygon; give it at least one or remove it")
	}
	for i, polygon := range f.Polygons {
		if len(polygon) == 0 {
			return fmt.Errorf("polygon %d has no ring; give it one or remove it", i+1)
		}
		for j, ring := range polygon {
			if err := checkRing(ring); err != nil {
				return fmt.Errorf("polygon %d, ring %d: %w", i+1, j+1, err)
			}
			if j > 0 && !ringInside(ring, polygon[0]) {
				return fmt.Errorf("polygon %d, ring %d: this hole is not inside the outer ring; the first ring of a polygon is its outline", i+1, j+1)
			}
		}
		if err := checkHoles(polygon); err != nil {
			return fmt.Errorf("polygon %d, %w", i+1, err)
		}
	}
	return nil
}

// checkHoles finds holes that cross the outline or one another, or lie in one another.
func checkHoles(polygon orb.Polygon) error {
	if len(polygon) == 1 {
		return nil
	}
	if at, ring, crosses := crossing(polygon); crosses {
		return fmt.Errorf("ring %d: it crosses another ring near [%v, %v]; a hole lies inside the outline and apart from other holes", ring+1, at[0], at[1])
	}
	for i, hole := range polygon[1:] {
		for j, other := range polygon[1:] {
			if i != j && hole.Bound().Intersects(other.Bound()) && ringInside(hole, other) {
				return fmt.Errorf("ring %d: this hole lies inside that of ring %d; remove it, or make an area of its own of it", i+2, j+2)
			}
		}
	}
	return nil
}

func checkRing(ring orb.Ring) error {
	for _, p := range ring {
		if err := Check(Point{Lng: p[0], Lat: p[1]}); err != nil {
			if Check(Point{Lng: p[1], Lat: p[0]}) == nil {
				return fmt.Errorf("position [%v, %v] looks swapped; GeoJSON (RFC 7946) is [longitude, latitude]", p[0], p[1])
			}
			return fmt.Errorf("position [%v, %v]: %w", p[0], p[1], err)
		}
	}
	if n := len(ring); n < 4 {
		return fmt.Errorf("%d positions; a ring needs at least 4, the last one equal to the first", n)
	}
	if len(ring) > maxRing {
		return fmt.Errorf("%d positions; simplify the ring to at most %d", len(ring), maxRing)
	}
	if first, last := ring[0], ring[len(ring)-1]; first != last {
		return fmt.Errorf("not closed: it begins at [%v, %v] and ends at [%v, %v]; repeat the first position at the end", first[0], first[1], last[0], last[1])
	}
	if at, crosses := selfCrossing(ring); crosses {
		return fmt.Errorf("it crosses itself near [%v, %v]; put the positions in the order of the outline", at[0], at[1])
	}
	if flat(ring) {
		return errors.New("it encloses no area; give it at least three corners that are not on one line")
	}
	return nil
}

// flat reports that all corners lie on one line.
func flat(ring orb.Ring) bool {
	other := slices.IndexFunc(ring, func(p orb.Point) bool { return p != ring[0] })
	if other < 0 {
		return true
	}
	return !slices.ContainsFunc(ring, func(p orb.Point) bool { return turn(ring[0], ring[other], p) != 0 })
}

// ringInside reports that no corner of hole lies outside outer.
func ringInside(hole, outer orb.Ring) bool {
	for _, p := range hole {
		if in, border := ringSide(outer, p); !in && !border {
			return false
		}
	}
	return true
}

// edge is one side of a ring with its extent from west to east.
type edge struct {
	a, b     orb.Point
	min, max float64
	ring     int
}

// selfCrossing finds two sides of one ring that cross.
func selfCrossing(ring orb.Ring) (at orb.Point, crosses bool) {
	at, _, crosses = crossing(orb.Polygon{ring})
	return at, crosses
}

// crossing finds two sides that cross properly. Sides that only touch, as outlines drawn by hand
// do, are let pass: they leave no doubt about what is inside. The sides are swept from west to east
// and each is compared only with those that overlap it, which for real outlines are a few. ring is
// the place of the later of the two in the polygon.
func crossing(polygon orb.Polygon) (at orb.Point, ring int, crosses bool) {
	var edges []edge
	for n, ring := range polygon {
		edges = slices.Grow(edges, len(ring))
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			edges = append(edges, edge{a, b, min(a[0], b[0]), max(a[0], b[0]), n})
		}
	}
	slices.SortFunc(edges, func(x, y edge) int { return cmp.Compare(x.min, y.min) })
	open := make([]edge, 0, 16)
	for _, e := range edges {
		open = slices.DeleteFunc(open, func(o edge) bool { return o.max < e.min })
		for _, o := range open {
			if cross(e, o) {
				return e.a, max(e.ring, o.ring), true
			}
		}
		open = append(open, e)
	}
	return orb.Point{}, 0, false
}

// cross reports that the ends of each edge lie strictly on both sides of the other.
func cross(e, o edge) bool {
	return turn(e.a, e.b, o.a)*turn(e.a, e.b, o.b) < 0 && turn(o.a, o.b, e.a)*turn(o.a, o.b, e.b) < 0
}
