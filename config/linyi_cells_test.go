package config

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/routing"
)

// drawCells writes the schematic cells of the counties' streets anew:
// go test ./config -run TestLinyiStreetCells -draw-cells.
var drawCells = flag.Bool("draw-cells", false, "draw the street cells of the demo city anew")

// centres are where the streets of the counties roughly lie, placed by hand: the cells are 示意.
func centres(t *testing.T) map[string][2]float64 {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "linyi", "centres.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][2]float64, len(rows))
	for _, row := range rows[1:] {
		lng, errLng := strconv.ParseFloat(row[1], 64)
		lat, errLat := strconv.ParseFloat(row[2], 64)
		if errLng != nil || errLat != nil {
			t.Fatalf("%v is no centre", row)
		}
		all[row[0]] = [2]float64{lng, lat}
	}
	return all
}

// nearer cuts off a ring what lies nearer to another centre than to one's own (Sutherland and Hodgman 1974).
func nearer(ring [][2]float64, own, other [2]float64) [][2]float64 {
	const shrink = 0.815 // a degree of longitude by one of latitude, at Linyi
	side := func(p [2]float64) float64 {
		far := func(c [2]float64) float64 {
			east, north := (p[0]-c[0])*shrink, p[1]-c[1]
			return east*east + north*north // squares: their difference grows evenly along a side
		}
		return far(other) - far(own)
	}
	var cut [][2]float64
	for i := range len(ring) - 1 {
		a, b := ring[i], ring[i+1]
		sa, sb := side(a), side(b)
		if sa >= 0 {
			cut = append(cut, a)
		}
		if sa > 0 && sb < 0 || sa < 0 && sb > 0 {
			share := sa / (sa - sb)
			cut = append(cut, [2]float64{a[0] + (b[0]-a[0])*share, a[1] + (b[1]-a[1])*share})
		}
	}
	if len(cut) > 0 {
		cut = append(cut, cut[0])
	}
	return cut
}

// cell draws what of a county lies nearest to one centre, to four decimals (ten metres).
func cell(county [][2]float64, street string, centres map[string][2]float64) string {
	ring := county
	for _, other := range slices.Sorted(maps.Keys(centres)) {
		if other != street && other[:6] == street[:6] {
			ring = nearer(ring, centres[street], centres[other])
		}
	}
	var corners []string
	for _, p := range ring[:max(len(ring)-1, 0)] {
		if corner := fmt.Sprintf("[%.4f, %.4f]", p[0], p[1]); len(corners) == 0 || corners[len(corners)-1] != corner && corners[0] != corner {
			corners = append(corners, corner)
		}
	}
	if len(corners) == 0 {
		return ""
	}
	return strings.Join(append(corners, corners[0]), ", ")
}

// The cells of the streets are what the counties' borders and the centres give, and each street of
// the demo city has one that holds its centre.
func TestLinyiStreetCells(t *testing.T) {
	t.Parallel()
	p, err := LoadDir(filepath.Join("cities", "linyi"))
	if err != nil {
		t.Fatal(err)
	}
	counties := map[string][][2]float64{}
	for _, a := range p.Areas {
		counties[a.ID] = a.Rings[0]
	}
	at := centres(t)
	var out strings.Builder
	out.WriteString("{\n  \"type\": \"FeatureCollection\",\n  \"features\": [")
	drawn := 0
	for _, r := range p.Regions {
		if _, ok := at[r.ID]; !ok || r.Level != "street" {
			continue
		}
		if drawn++; drawn > 1 {
			out.WriteString(",")
		}
		fmt.Fprintf(&out, "\n    {\"type\": \"Feature\",\n     \"properties\": {\"id\": %q, \"name\": \"%s（示意）\", \"region\": %q, \"datum\": \"wgs84\", \"schematic\": true},\n"+
			"     \"geometry\": {\"type\": \"Polygon\", \"coordinates\": [[%s]]}}", r.ID, r.Name, r.ID, cell(counties[r.Parent], r.ID, at))
	}
	out.WriteString("\n  ]\n}\n")
	if drawn != len(at) {
		t.Errorf("%d of %d centres are of streets of the pack", drawn, len(at))
	}
	file := filepath.Join("cities", "linyi", "areas", "county-towns.geojson")
	if *drawCells {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	drawnBefore, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(drawnBefore), out.String()); diff != "" {
		t.Errorf("the cells are not those of the centres; draw them anew with -draw-cells (-file +drawn):\n%s", diff)
	}
	for id, c := range at {
		if got := p.Ruleset.Locate(routing.Place{HasPoint: true, Lng: c[0], Lat: c[1]}); got.Region != id {
			t.Errorf("the centre of %s lies in %q", id, got.Region)
		}
	}
	for _, r := range p.Regions {
		if _, ok := counties[r.ID]; r.Level == "street" && !ok {
			t.Errorf("%s %s has no cell", r.ID, r.Name)
		}
	}
}
