package config

import (
	"cmp"
	"encoding/csv"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestLoadNYC(t *testing.T) {
	t.Parallel()
	p, err := LoadDir("cities/nyc")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Tests) < 60 {
		t.Errorf("the pack has %d tests", len(p.Tests))
	}
	for _, r := range p.RunTests() {
		if !r.OK {
			t.Errorf("%s:%d: %s: %s; it was decided by %s", r.Test.At.File, r.Test.At.Line, r.Test.Name, strings.Join(r.Diff, "; "), r.Reason)
		}
	}
}

// A city without streets has no first receiver, and the check of a pack looks for owners street by
// street: here each type must have its agency wherever it happens.
func TestNYCTypesHaveAnAgency(t *testing.T) {
	t.Parallel()
	p, err := LoadDir("cities/nyc")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Categories {
		if c.Parent == "" {
			continue // a theme, which nobody chooses
		}
		d := p.Ruleset.Decide(&routing.Facts{Category: c.ID, Kind: ticket.KindCase, Source: ticket.SourceCitizen}, nil).Decision()
		if d.Unit == "" {
			t.Errorf("category %q has no agency; it goes to triage: %s", c.ID, d.Triage)
		}
	}
}

// A borough's name is part of many names in other boroughs.
func TestNYCPlaces(t *testing.T) {
	t.Parallel()
	p, err := LoadDir("cities/nyc")
	if err != nil {
		t.Fatal(err)
	}
	const bronx, brooklyn, manhattan, queens, statenIsland = "36005", "36047", "36061", "36081", "36085"
	for address, want := range map[string]string{
		"1 East 161st Street, Bronx":      bronx,
		"1 east 161st street, the bronx":  bronx,
		"250 Manhattan Ave, Brooklyn":     brooklyn,
		"250 Manhattan Avenue":            brooklyn,
		"Times Square":                    manhattan,
		"7000 Queens Boulevard":           queens,
		"Hylan Boulevard, Staten Island":  statenIsland,
		"Brooklyn Bridge":                 "", // Brooklyn or Manhattan
		"Brooklyn Bridge, Manhattan side": manhattan,
		"Bay Terrace":                     "", // Queens and Staten Island have one each
		"Bay Terrace, Queens":             queens,
		"Manhattan College":               bronx,
		"Waldorf Astoria":                 manhattan,
		"New York":                        "",
	} {
		if got := p.Ruleset.Locate(routing.Place{Address: address}); got.Region != want {
			t.Errorf("%q: region %q by %v, want %q", address, got.Region, got.Evidence, want)
		}
	}
}

// serviceRequest is one row of the open data.
type serviceRequest struct {
	agency, kind, descriptor, place, borough string
	point                                    []float64
}

// readServiceRequests reads the sample of the city's open data; the test is skipped where it is absent.
func readServiceRequests(t *testing.T) []serviceRequest {
	t.Helper()
	f, err := os.Open("../../shared/data/us311/nyc311_sample_10k.csv")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the sample of 311 requests is absent")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var all []serviceRequest
	for _, row := range rows[1:] {
		at := func(name string) string { return row[column[name]] }
		r := serviceRequest{
			agency: at("agency"), kind: at("complaint_type"), descriptor: at("descriptor"), place: at("location_type"), borough: at("borough"),
		}
		lng, errLng := strconv.ParseFloat(at("longitude"), 64)
		lat, errLat := strconv.ParseFloat(at("latitude"), 64)
		if errLng == nil && errLat == nil {
			r.point = []float64{lng, lat}
		}
		all = append(all, r)
	}
	return all
}

// kinds finds categories as the pack names them: the complaint type below a theme, and the
// descriptor below the type where the pack tells descriptors apart.
type kinds map[[2]string]string

func kindsOf(p *Pack) kinds {
	k := kinds{}
	for _, c := range p.Categories {
		switch path := p.Ruleset.CategoryPath(c.ID); len(path) {
		case 2:
			k[[2]string{c.Name}] = c.ID
		case 3:
			of, _ := p.Ruleset.Category(c.Parent)
			k[[2]string{of.Name, c.Name}] = c.ID
		}
	}
	return k
}

func (k kinds) category(r serviceRequest) string {
	return cmp.Or(k[[2]string{r.kind, r.descriptor}], k[[2]string{r.kind}])
}

// Nearly every request of a day in New York goes to the agency that the city's own data names.
func TestNYCAgencyOfRecord(t *testing.T) {
	t.Parallel()
	requests := readServiceRequests(t)
	p, err := LoadDir("cities/nyc")
	if err != nil {
		t.Fatal(err)
	}
	known := kindsOf(p)
	agency := map[string]string{} // by unit
	for _, u := range p.Units {
		agency[u.ID] = u.Short
	}
	wrong := map[string]map[string]int{} // by type: how many of which agency went elsewhere
	right := 0
	for _, r := range requests {
		facts := p.Facts(TestFacts{
			Channel: "open311", Category: known.category(r), Title: r.kind, Text: r.descriptor + ", " + r.place, Address: r.borough, Point: r.point,
		})
		if facts.Category == "" {
			t.Fatalf("complaint type %q is no category", r.kind)
		}
		d := p.Ruleset.Decide(&facts, nil).Decision()
		if d.Urgency == ticket.UrgencyEmergency {
			t.Errorf("%s / %s alarms %s; these are words of a form, not a cry for help", r.kind, r.descriptor, d.Unit)
		}
		if agency[d.Unit] == r.agency {
			right++
			continue
		}
		if wrong[r.kind] == nil {
			wrong[r.kind] = map[string]int{}
		}
		wrong[r.kind][r.agency+" instead of "+agency[d.Unit]]++
	}
	t.Logf("%d of %d requests go to the agency of record", right, len(requests))
	for _, kind := range slices.Sorted(maps.Keys(wrong)) {
		t.Logf("%s: %v", kind, wrong[kind])
	}
	if len(requests) == 0 || right*100 < len(requests)*99 {
		t.Errorf("%d of %d requests go to the agency of record, fewer than 99 %%", right, len(requests))
	}
}

// The borders are drawn by hand and leave a strip open on either side: a point has its own borough or none.
func TestNYCBoroughOfPoint(t *testing.T) {
	t.Parallel()
	requests := readServiceRequests(t)
	p, err := LoadDir("cities/nyc")
	if err != nil {
		t.Fatal(err)
	}
	points, found := 0, 0
	for _, r := range requests {
		if r.point == nil || r.borough == "Unspecified" {
			continue
		}
		points++
		place := p.Ruleset.Locate(routing.Place{Lng: r.point[0], Lat: r.point[1], HasPoint: true})
		if place.Region == "" {
			continue
		}
		found++
		if borough, _ := p.Ruleset.Region(place.Region); !strings.EqualFold(borough.Name, r.borough) {
			t.Errorf("point %v of %s is found in %s", r.point, r.borough, borough.Name)
		}
	}
	t.Logf("%d of %d points lie within the borders drawn", found, points)
	if found*10 < points*9 {
		t.Errorf("%d of %d points lie within the borders drawn, fewer than 90 %%", found, points)
	}
}
