package geo

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func areas(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "areas.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFind(t *testing.T) {
	t.Parallel()
	x, err := LoadGeoJSON(areas(t), GeoJSONOptions{Datum: WGS84, Within: Box{117, 34, 120, 37}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		at   Point
		want []string
	}{
		{"outer", Point{118.05, 35.05}, []string{"district"}},
		{"hole is the town's", Point{118.15, 35.15}, []string{"town"}},
		{"border of the hole is both's", Point{118.1, 35.15}, []string{"district", "town"}},
		{"nested", Point{118.25, 35.25}, []string{"district", "town"}},
		{"corner where two parts of the town touch", Point{118.2, 35.2}, []string{"district", "town"}},
		{"numeric id", Point{118.35, 35.05}, []string{"district", "7"}},
		{"apex of the triangle", Point{118.35, 35.1}, []string{"district", "7"}},
		{"level with the apex, east of it", Point{118.39, 35.1}, []string{"district"}},
		{"corner of the district", Point{118.4, 35.4}, []string{"district"}},
		{"outside", Point{118.5, 35.2}, nil},
		{"level with an edge", Point{117.9, 35.0}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, x.Find(tc.at)); diff != "" {
				t.Errorf("Find(%v) −want +got:\n%s", tc.at, diff)
			}
		})
	}
	if x.Len() != 3 || !slices.Equal(x.IDs(), []string{"district", "town", "7"}) {
		t.Errorf("index holds %v", x.IDs())
	}
}

func TestLoadConvertsTheDatum(t *testing.T) {
	t.Parallel()
	x, err := LoadGeoJSON(areas(t), GeoJSONOptions{Datum: GCJ02, IDProperty: "code"})
	if err != nil {
		t.Fatal(err)
	}
	inGCJ := Point{118.0001, 35.05} // ten metres inside the western border, as drawn
	p, err := ToWGS84(inGCJ.Lng, inGCJ.Lat, GCJ02)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Find(p); !slices.Equal(got, []string{"371302"}) {
		t.Errorf("converted point is in %v", got)
	}
	if got := x.Find(Point{118.3999, 35.3}); len(got) != 0 {
		t.Errorf("a point beyond the shifted border is in %v", got)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	square := `[[118,35],[118.1,35],[118.1,35.1],[118,35.1],[118,35]]`
	polygon := func(id, rings string) string {
		return `{"type":"Feature","id":"` + id + `","geometry":{"type":"Polygon","coordinates":[` + rings + `]}}`
	}
	for _, tc := range []struct {
		name, features, says string
	}{
		{"unclosed", polygon("a", `[[118,35],[118.1,35],[118.1,35.1],[118,35.1]]`), "not closed"},
		{"too few", polygon("a", `[[118,35],[118.1,35],[118,35]]`), "at least 4"},
		{"bow tie", polygon("a", `[[118,35],[118.1,35.1],[118.1,35],[118,35.2],[118,35]]`), "crosses itself"},
		{"flat", polygon("a", `[[118,35],[118.1,35],[118.2,35],[118,35]]`), "no area"},
		{"one point", polygon("a", `[[118,35],[118,35],[118,35],[118,35]]`), "no area"},
		{"swapped", polygon("a", `[[35,118],[35,118.1],[35.1,118.1],[35,118]]`), "looks swapped"},
		{"out of world", polygon("a", `[[200,118],[201,118],[201,119],[200,118]]`), "outside the world"},
		{"outside the box", polygon("a", `[[120,31],[120.1,31],[120.1,31.1],[120,31]]`), "city's box"},
		{"short position", polygon("a", `[[118],[118.1,35],[118.1,35.1],[118]]`), "has 1 numbers"},
		{"duplicate", polygon("a", square) + "," + polygon("a", square), "same id"},
		{"hole outside", polygon("a", square+`,[[119,35],[119.1,35],[119.1,35.1],[119,35]]`), "not inside the outer ring"},
		{"hole over the border", polygon("a", square+`,[[118.05,35.05],[118.1,35.05],[118.15,35.08],[118.05,35.05]]`), "not inside the outer ring"},
		{
			"hole across a bay",
			polygon("a", `[[118,35],[118.1,35],[118.1,35.1],[118.05,35.02],[118,35.1],[118,35]],[[118.01,35.06],[118.09,35.06],[118.05,35.01],[118.01,35.06]]`),
			"crosses another ring",
		},
		{"holes overlap", polygon("a", square+`,[[118.02,35.02],[118.06,35.02],[118.04,35.06],[118.02,35.02]],[[118.03,35.03],[118.08,35.03],[118.06,35.08],[118.03,35.03]]`), "ring 3: it crosses"},
		{"hole in a hole", polygon("a", square+`,[[118.02,35.02],[118.08,35.02],[118.05,35.08],[118.02,35.02]],[[118.04,35.03],[118.06,35.03],[118.05,35.05],[118.04,35.03]]`), "inside that of ring 2"},
		{"no id", `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[` + square + `]}}`, "no id"},
		{"odd id", `{"type":"Feature","id":{},"geometry":{"type":"Polygon","coordinates":[` + square + `]}}`, "neither a string nor a number"},
		{"no geometry", `{"type":"Feature","id":"a","geometry":null}`, "no geometry"},
		{"no rings", polygon("a", ""), "no ring"},
		{"no polygons", `{"type":"Feature","id":"a","geometry":{"type":"MultiPolygon","coordinates":[]}}`, "no polygon"},
		{"a line", `{"type":"Feature","id":"a","geometry":{"type":"LineString","coordinates":[]}}`, `"LineString"`},
		{"wrong depth", `{"type":"Feature","id":"a","geometry":{"type":"MultiPolygon","coordinates":[[[118,35]]]}}`, "not those of a MultiPolygon"},
		{"not a feature", `{"type":"Polygon"}`, "Feature is expected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadGeoJSON([]byte(`{"type":"FeatureCollection","features":[`+tc.features+`]}`),
				GeoJSONOptions{Datum: WGS84, Within: Box{117, 34, 119.5, 37}})
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "feature ") {
				t.Errorf("error = %v; want one that names the feature and says %q", err, tc.says)
			}
		})
	}
	for name, data := range map[string]string{"not JSON": "{", "not a collection": `{"type":"Feature"}`} {
		if _, err := LoadGeoJSON([]byte(data), GeoJSONOptions{Datum: WGS84}); err == nil {
			t.Errorf("%s was loaded", name)
		}
	}
	if _, err := LoadGeoJSON(areas(t), GeoJSONOptions{}); err == nil {
		t.Error("an undeclared datum was guessed")
	}
	_, err := LoadGeoJSON([]byte(`{"type":"FeatureCollection","features":[`+polygon("a", "[]")+","+polygon("b", "[]")+`]}`), GeoJSONOptions{Datum: WGS84})
	if err == nil || !strings.Contains(err.Error(), `"a"`) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("not all faults at once: %v", err)
	}
}

// gridIndex tiles a square with n × n cells whose borders are shared.
func gridIndex(t testing.TB, n int) *Index {
	t.Helper()
	const size = 0.002
	features := make([]Feature, 0, n*n)
	at := func(i int) float64 { return float64(i) * size }
	for i := range n {
		for j := range n {
			w, s, e, h := 118+at(i), 35+at(j), 118+at(i+1), 35+at(j+1)
			mid := (w + e) / 2
			features = append(features, Feature{
				ID: fmt.Sprintf("grid-%d-%d", i, j),
				Polygons: orb.MultiPolygon{{{
					{w, s},
					{mid, s},
					{e, s},
					{e, h},
					{mid, h},
					{w, h},
					{w, (s + h) / 2},
					{w, s},
				}}},
			})
		}
	}
	x, err := Build(features)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestEveryPointOfATilingIsInAtLeastOneTile(t *testing.T) {
	t.Parallel()
	x := gridIndex(t, 12)
	rapid.Check(t, func(t *rapid.T) {
		p := Point{118 + rapid.Float64Range(0, 0.024).Draw(t, "lng"), 35 + rapid.Float64Range(0, 0.024).Draw(t, "lat")}
		if rapid.Bool().Draw(t, "on a border") {
			p.Lng = 118 + float64(rapid.IntRange(0, 12).Draw(t, "column"))*0.002
		}
		got := x.Find(p)
		if len(got) < 1 || len(got) > 4 {
			t.Fatalf("%v is in %v", p, got)
		}
		if again := x.Find(p); !slices.Equal(got, again) {
			t.Fatalf("%v is in %v, then in %v", p, got, again)
		}
	})
}

func TestDirectionOfRingsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ring := orb.Ring{{118, 35}, {118.3, 35}, {118.3, 35.1}, {118.1, 35.1}, {118.1, 35.3}, {118, 35.3}, {118, 35}}
		p := orb.Point{
			rapid.SampledFrom([]float64{117.9, 118, 118.05, 118.1, 118.2, 118.3}).Draw(t, "lng"),
			rapid.SampledFrom([]float64{34.9, 35, 35.05, 35.1, 35.2, 35.3}).Draw(t, "lat"),
		}
		in, border := ringSide(ring, p)
		backward := slices.Clone(ring)
		slices.Reverse(backward)
		if in2, border2 := ringSide(backward, p); in2 != in || border2 != border {
			t.Fatalf("%v: %v %v forward, %v %v backward", p, in, border, in2, border2)
		}
	})
}

// The index must find what a plain loop over all polygons finds, holes, parts and borders included.
func TestFindEqualsAPlainLoop(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var features []Feature
		for i := range rapid.IntRange(1, 60).Draw(t, "features") {
			f := Feature{ID: strconv.Itoa(i)}
			for range rapid.IntRange(1, 3).Draw(t, "parts") {
				west, south := float64(rapid.IntRange(0, 40).Draw(t, "west")), float64(rapid.IntRange(0, 40).Draw(t, "south"))
				size := float64(4 * rapid.IntRange(1, 4).Draw(t, "size"))
				polygon := orb.Polygon{diamond(west, south, size)}
				if rapid.Bool().Draw(t, "hole") {
					polygon = append(polygon, diamond(west+size/4, south+size/4, size/2))
				}
				f.Polygons = append(f.Polygons, polygon)
			}
			features = append(features, f)
		}
		x, err := Build(features)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			p := Point{100 + float64(rapid.IntRange(-4, 120).Draw(t, "lng"))/2, 20 + float64(rapid.IntRange(-4, 120).Draw(t, "lat"))/2}
			var want []string
			for _, f := range features {
				if slices.ContainsFunc(f.Polygons, func(polygon orb.Polygon) bool { return plainlyIn(polygon, p) }) {
					want = append(want, f.ID)
				}
			}
			if diff := cmp.Diff(want, x.Find(p)); diff != "" {
				t.Fatalf("Find(%v) −want +got:\n%s", p, diff)
			}
		}
	})
}

// diamond is a square with its corners cut off.
func diamond(west, south, size float64) orb.Ring {
	w, s, q := 100+west, 20+south, size/4
	return orb.Ring{
		{w + q, s},
		{w + 3*q, s},
		{w + size, s + q},
		{w + size, s + 3*q},
		{w + 3*q, s + size},
		{w + q, s + size},
		{w, s + 3*q},
		{w, s + q},
		{w + q, s},
	}
}

// plainlyIn is a polygon of diamonds as inequalities, without rings and rays.
func plainlyIn(polygon orb.Polygon, p Point) bool {
	reach := func(ring orb.Ring) (inside, border bool) {
		b := ring.Bound()
		centre, half := b.Center(), (b.Max[0]-b.Min[0])/2
		dx, dy := math.Abs(p.Lng-centre[0]), math.Abs(p.Lat-centre[1])
		over := max(dx-half, dy-half, dx+dy-1.5*half)
		return over < 0, over == 0
	}
	inside, border := reach(polygon[0])
	if len(polygon) == 1 || border {
		return inside || border
	}
	hole, _ := reach(polygon[1])
	return inside && !hole
}

//nolint:paralleltest // AllocsPerRun counts the allocations of all goroutines
func TestAppendFindDoesNotAllocate(t *testing.T) {
	x := gridIndex(t, 40)
	dst := make([]string, 0, 8)
	if n := testing.AllocsPerRun(100, func() { dst = x.AppendFind(dst[:0], Point{118.0301, 35.0441}) }); n != 0 || len(dst) != 1 {
		t.Errorf("AppendFind allocates %v times, found %v", n, dst)
	}
}

func FuzzLoadGeoJSON(f *testing.F) {
	f.Add(areas(f), 118.2, 35.2)
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"geometry":{"type":"Polygon","coordinates":[[[1,1],[2,1],[1,2],[1,1]]]}}]}`), 1.2, 1.2)
	f.Fuzz(func(t *testing.T, data []byte, lng, lat float64) {
		x, err := LoadGeoJSON(data, GeoJSONOptions{Datum: BD09})
		if err != nil {
			return
		}
		found := x.Find(Point{lng, lat})
		if len(found) > x.Len() {
			t.Errorf("found %d of %d features", len(found), x.Len())
		}
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkFindAmong150000(b *testing.B) {
	before := heap()
	x := gridIndex(b, 388) // 150,544 polygons
	kept := float64(heap()-before) / (1 << 20)
	dst := make([]string, 0, 8)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7919) % 150_000
		dst = x.AppendFind(dst[:0], Point{118 + float64(i%388)*0.002 + 0.0007, 35 + float64(i/388)*0.002 + 0.0009})
		if len(dst) == 0 {
			b.Fatal("a tile is missing")
		}
	}
	b.ReportMetric(kept, "MiB")
}

func BenchmarkBuild150000(b *testing.B) {
	for b.Loop() {
		gridIndex(b, 388)
	}
}
