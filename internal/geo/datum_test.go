package geo

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b Point, eps float64) bool {
	return math.Abs(a.Lng-b.Lng) < eps && math.Abs(a.Lat-b.Lat) < eps
}

// The WGS-84/GCJ-02 pair of shanghai is published in the Go test of googollee/eviltransform; the other
// values are those on which npm gcoord 1.0.7 and coordtransform 2.1.2 agree to 1e-12.
var published = []struct {
	name            string
	wgs, gcj, bd    Point
	unshiftedByRule bool
}{
	{"shanghai", Point{121.5272106, 31.1774276}, Point{121.531541859215, 31.17530398364597}, Point{121.53801568643858, 31.18132860687446}, false},
	{"urumqi", Point{87.6168, 43.8256}, Point{87.61964994946926, 43.82680539311119}, Point{87.62609977081571, 43.83294979479329}, false},
	{"tokyo", Point{139.767, 35.681}, Point{139.767, 35.681}, Point{}, true},
}

func TestPublishedPoints(t *testing.T) {
	t.Parallel()
	for _, tc := range published {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkConversion(t, tc.wgs, GCJ02, tc.gcj)
			if !tc.unshiftedByRule {
				checkConversion(t, tc.wgs, BD09, tc.bd)
			} else if got := wgsToGCJ(tc.wgs); got != tc.wgs {
				t.Errorf("a place outside China moved to %v", got)
			}
		})
	}
}

// checkConversion holds FromWGS84 to a published value and ToWGS84 to its exact inverse.
func checkConversion(t *testing.T, wgs Point, d Datum, want Point) {
	t.Helper()
	got, err := FromWGS84(wgs, d)
	if err != nil || !near(got, want, 1e-10) {
		t.Errorf("FromWGS84(%v, %s) = %v, %v; want %v", wgs, d, got, err, want)
	}
	back, err := ToWGS84(want.Lng, want.Lat, d)
	if err != nil || !near(back, wgs, 1e-9) {
		t.Errorf("ToWGS84(%v, %s) = %v, %v; want %v", want, d, back, err, wgs)
	}
}

func TestSharedVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "channels", "vectors.json"))
	if err != nil {
		t.Skip("the shared vectors are not here")
	}
	var file struct {
		Coords struct {
			Cases []map[string]any `json:"cases"`
		} `json:"coords"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	point := func(c map[string]any, key string) (Point, bool) {
		pair, ok := c[key].([]any)
		if !ok {
			return Point{}, false
		}
		return Point{pair[0].(float64), pair[1].(float64)}, true
	}
	for _, c := range file.Coords.Cases {
		wgs, hasWGS := point(c, "wgs84")
		gcj, hasGCJ := point(c, "gcj02")
		bd, hasBD := point(c, "bd09")
		switch {
		case hasWGS && hasGCJ:
			checkConversion(t, wgs, GCJ02, gcj)
			if hasBD {
				checkConversion(t, wgs, BD09, bd)
			}
		case hasGCJ && hasBD:
			// One of these two pairs is the published one-step inverse, which is off by decimetres.
			if got := gcjToBD(gcj); !near(got, bd, 1e-5) {
				t.Errorf("gcjToBD(%v) = %v, want %v", gcj, got, bd)
			}
			if got := bdToGCJ(bd); !near(got, gcj, 1e-5) {
				t.Errorf("bdToGCJ(%v) = %v, want %v", bd, got, gcj)
			}
		}
	}
	if len(file.Coords.Cases) == 0 {
		t.Error("no cases in the shared vectors")
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Point{rapid.Float64Range(73.7, 135).Draw(t, "lng"), rapid.Float64Range(3.9, 53.5).Draw(t, "lat")}
		for _, d := range []Datum{WGS84, GCJ02, BD09} {
			there, err := FromWGS84(p, d)
			if err != nil {
				t.Fatal(err)
			}
			back, err := ToWGS84(there.Lng, there.Lat, d)
			if err != nil || !near(back, p, 1e-6) {
				t.Fatalf("%v → %s %v → %v, %v", p, d, there, back, err)
			}
			if moved := Distance(p, there); moved > 3000 {
				t.Fatalf("%s moves %v by %.0f m", d, p, moved)
			}
		}
	})
}

func TestOutsideTheBoxNothingMoves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Point{rapid.Float64Range(-180, 73.6).Draw(t, "lng"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
		if Check(p) != nil {
			return
		}
		if got, err := ToWGS84(p.Lng, p.Lat, GCJ02); err != nil || got != p {
			t.Fatalf("%v became %v, %v", p, got, err)
		}
	})
}

func TestParseDatum(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Datum{"WGS-84": WGS84, "cgcs2000": WGS84, "EPSG:4326": WGS84, "GCJ_02": GCJ02, "bd09ll": BD09} {
		var d Datum
		if err := d.UnmarshalText([]byte(in)); err != nil || d != want {
			t.Errorf("%q = %q, %v; want %q", in, d, err, want)
		}
	}
	for _, bad := range []string{"", "unknown", "utm"} {
		if d, err := ParseDatum(bad); err == nil {
			t.Errorf("%q was read as %q", bad, d)
		}
	}
	if _, err := ToWGS84(118, 35, ""); err == nil {
		t.Error("an undeclared datum was guessed")
	}
	if _, err := FromWGS84(Point{118, 35}, "utm"); err == nil {
		t.Error("an unknown datum was guessed")
	}
}

func TestCheckAndGuard(t *testing.T) {
	t.Parallel()
	city := Box{MinLng: 117.4, MinLat: 34.3, MaxLng: 119.2, MaxLat: 36.3}
	for _, tc := range []struct {
		name    string
		in      Point
		want    Point
		swapped bool
		err     error
	}{
		{"inside", Point{118.3, 35.1}, Point{118.3, 35.1}, false, nil},
		{"swapped", Point{35.1, 118.3}, Point{118.3, 35.1}, true, nil},
		{"elsewhere", Point{121.5, 31.2}, Point{121.5, 31.2}, false, nil},
		{"elsewhere and swapped is impossible", Point{31.2, 121.5}, Point{}, false, ErrOutsideWorld},
		{"outside the world", Point{181, 0}, Point{}, false, ErrOutsideWorld},
		{"not a number", Point{math.NaN(), 35}, Point{}, false, ErrOutsideWorld},
		{"infinite", Point{118, math.Inf(1)}, Point{}, false, ErrOutsideWorld},
		{"null island", Point{0, 0}, Point{}, false, ErrNullIsland},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, swapped, err := Guard(tc.in, city)
			if got != tc.want || swapped != tc.swapped || !errors.Is(err, tc.err) {
				t.Errorf("Guard(%v) = %v, %v, %v; want %v, %v, %v", tc.in, got, swapped, err, tc.want, tc.swapped, tc.err)
			}
		})
	}
	// A box that lies on the diagonal makes both readings possible: then nothing is touched.
	if p, swapped, err := Guard(Point{30, 31}, Box{20, 20, 40, 40}); err != nil || swapped || p != (Point{30, 31}) {
		t.Errorf("an ambiguous pair became %v, %v, %v", p, swapped, err)
	}
}

func TestDistanceAndPublic(t *testing.T) {
	t.Parallel()
	// One degree of a meridian of the mean sphere is 2πR/360 = 111 195 m.
	if got := Distance(Point{118, 35}, Point{118, 36}); math.Abs(got-111195) > 1 {
		t.Errorf("one degree of latitude = %.1f m", got)
	}
	if got := Distance(Point{0, 90}, Point{180, -90}); math.Abs(got-math.Pi*earthRadius) > 1 {
		t.Errorf("pole to pole = %.1f m", got)
	}
	if got := (Point{118.34567, 35.12349}).Public(); got != (Point{118.346, 35.123}) {
		t.Errorf("Public = %v", got)
	}
}
