package routing

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// namesCity is smallCity with villages, crossings and a road through several streets.
func namesCity() City {
	city := smallCity()
	set := func(id string, with func(*Region)) {
		for i := range city.Regions {
			if city.Regions[i].ID == id {
				with(&city.Regions[i])
			}
		}
	}
	set("11", func(r *Region) {
		r.Crossings = []string{"解放路与沂蒙路"}
		r.Roads = []Road{{Name: "通达路", From: 1, To: 199, Side: "odd"}, {Name: "银河路"}}
	})
	set("12", func(r *Region) { r.Roads = []Road{{Name: "通达路", From: 1, To: 200, Side: "even"}} })
	set("22", func(r *Region) { r.Roads = []Road{{Name: "通达路", From: 201}, {Name: "银河路"}} })
	for _, v := range [][3]string{
		{"112", "前十社区居民委员会", "11"},
		{"121", "大官庄村村民委员会", "12"},
		{"122", "张家王庄村委会", "12"},
		{"211", "官庄村村民委员会", "21"},
		{"212", "北关社区居委会", "21"},
		{"221", "北关居民委员会", "22"},
		{"222", "东苗庄居民委员会", "22"},
		{"223", "西苗庄居民委员会", "22"},
	} {
		city.Regions = append(city.Regions, Region{ID: v[0], Name: v[1], Parent: v[2], Level: "community", Source: src(39)})
	}
	city.Regions = append(city.Regions, Region{ID: "1121", Name: "第1网格", Parent: "112", Level: "grid", Source: src(39)},
		Region{ID: "2111", Name: "第1网格", Parent: "211", Level: "grid", Source: src(39)},
		Region{ID: "21111", Name: "第1网格甲片", Parent: "2111", Level: "grid", Source: src(39)})
	return city
}

func TestLocateByName(t *testing.T) {
	t.Parallel()
	rs := compile(t, namesCity())
	tests := map[string]struct {
		address    string
		region     string
		candidates []string
	}{
		"committee in full":                  {"前十社区居民委员会门口", "112", nil},
		"committee in short":                 {"前十居委会", "112", nil},
		"village that became a community":    {"大官庄社区", "121", nil},
		"village without its ending":         {"河东区太平街道官庄", "211", nil},
		"village without its street":         {"兰山区张家王庄3号", "122", nil},
		"the end of a longer name":           {"小官庄村", "", nil},
		"after the end of a sentence":        {"我住在官庄村", "211", nil},
		"two villages of a name":             {"北关社区", "212", nil},
		"another ending, two of them":        {"北关村", "2", []string{"212", "221"}},
		"street called a town":               {"九曲镇凤凰大街", "22", nil},
		"town called a street":               {"义堂街道办事处", "12", nil},
		"short name nobody listed":           {"河东区太平 友谊路", "21", nil},
		"short name and something else":      {"河东区太平洋保险", "2", nil},
		"short name before a village":        {"河东区太平石沟村", "21", nil},
		"short name in a village's":          {"义堂镇小九曲村", "12", nil},
		"short name in a longer town's":      {"河东区太平过镇", "2", nil},
		"district and street of one name":    {"兰山区兰山", "11", nil},
		"grid in a community":                {"前十社区第1网格", "1121", nil},
		"grid in a grid":                     {"官庄村第1网格甲片", "21111", nil},
		"grid alone, two of them":            {"第1网格", "", []string{"1121", "2111"}},
		"crossing":                           {"解放路与沂蒙路交叉口", "11", nil},
		"crossing, other way round":          {"沂蒙路、解放路交会处", "11", nil},
		"crossing, no word between":          {"解放路沂蒙路路口", "11", nil},
		"crossing, stretch of a road":        {"解放路东段与沂蒙路", "11", nil},
		"crossing, sign":                     {"解放路×沂蒙路", "11", nil},
		"from one road to the other":         {"解放路到沂蒙路", "", nil},
		"one road of a crossing":             {"解放路", "", nil},
		"odd house numbers":                  {"通达路８７号", "11", nil},
		"even house numbers":                 {"通达路 88-2 号", "12", nil},
		"high house numbers":                 {"通达路1206号", "22", nil},
		"road without number":                {"通达路", "", []string{"11", "12", "22"}},
		"road, district named":               {"河东区通达路", "22", nil},
		"road, number of the other district": {"河东区通达路87号", "2", nil},
		"two long roads meet":                {"通达路与银河路", "", []string{"11", "22"}},
		"wrong character":                    {"兰山区义唐镇", "12", nil},
		"character left out":                 {"张家庄村", "", nil},
		"another family's village":           {"兰山区李家王庄村", "1", nil},
		"wrong character in a village":       {"张加王庄村", "122", nil},
		"characters changed places":          {"九街曲道", "22", nil},
		"wrong ending":                       {"河东区九曲接道", "22", nil},
		"wrong district":                     {"河动区太平街道", "21", nil},
		"neighbours are no slip":             {"河东区南苗庄居委会", "2", nil},
		"a slip of two characters is none":   {"兰山区又唐镇", "1", nil},
		"a real name stays":                  {"九曲街道东苗庄", "222", nil},
		"market is no city":                  {"河东市场监管局", "2", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rs.Locate(Place{Address: tt.address})
			if diff := cmp.Diff(Location{Region: tt.region, Candidates: tt.candidates}, got,
				cmpopts.IgnoreFields(Location{}, "Confidence", "By", "Evidence"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s by %v (-want +got):\n%s", tt.address, got.Evidence, diff)
			}
		})
	}
}

// What is shared is settled by what else is known: the point, the channel's hint, or the story.
func TestSharedNamesAreSettled(t *testing.T) {
	t.Parallel()
	rs := compile(t, namesCity())
	for name, place := range map[string]Place{
		"by the hint":     {Address: "太平街道", Hint: "2"},
		"by the point":    {Address: "太平街道", HasPoint: true, Lng: 118.35, Lat: 35.05},
		"by the story":    {Address: "太平街道", Text: "我是河东区的"},
		"by the district": {Address: "河东区太平街道"},
	} {
		want := map[bool]string{true: "13", false: "21"}[place.HasPoint]
		if got := rs.Locate(place); got.Region != want || got.Candidates != nil {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
	}
}

// Real names are never put right: an address of a city's own names, whatever words stand around
// them, is read as it is written.
func TestRealNamesAreNotPutRight(t *testing.T) {
	t.Parallel()
	rs := compile(t, namesCity())
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(1, len(rs.city.Regions)-1).Draw(t, "region")
		var address strings.Builder
		for _, id := range rs.RegionPath(rs.city.Regions[at].ID) {
			r, _ := rs.Region(id)
			address.WriteString(r.Name)
		}
		address.WriteString(rapid.SampledFrom([]string{"", "附近", "3号楼", "，门口", " 王先生"}).Draw(t, "after"))
		got := rs.Locate(Place{Address: address.String()})
		if got.Region != rs.city.Regions[at].ID {
			t.Fatalf("%s: %+v", address.String(), got)
		}
		for _, said := range got.Evidence {
			if strings.Contains(said, "→") {
				t.Fatalf("%s: %s was put right", address.String(), said)
			}
		}
	})
}

func FuzzLocateByName(f *testing.F) {
	for _, s := range []string{"兰山区义唐镇解放路与沂蒙路", "通达路88-2号", " 河东区 太平 友谊路", "九街曲道\u200b第1网格", "解放路\x80沂蒙路", "家王庄村委会"} {
		f.Add(s, "")
	}
	rs := compile(f, namesCity())
	f.Fuzz(func(t *testing.T, address, hint string) {
		l := rs.Locate(Place{Address: address, Hint: hint})
		if _, known := rs.Region(l.Region); l.Region != "" && !known || l.Confidence < 0 || l.Confidence > 1 || (l.Region == "") != (l.Confidence == 0) {
			t.Errorf("location %+v", l)
		}
		if (l.Region != "" || l.Candidates != nil) && len(l.Evidence) == 0 || len(l.Candidates) == 1 || len(l.Candidates) > mostCandidates {
			t.Errorf("%q: location %+v", address, l)
		}
		for _, id := range l.Candidates {
			if _, known := rs.Region(id); !known || l.Region != "" && !rs.WithinRegion(id, l.Region) {
				t.Errorf("%q: candidate %s of %+v", address, id, l)
			}
		}
	})
}

func TestSlip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		written, name string
		want          bool
	}{
		{"银省山", "银雀山", true},
		{"银雀山", "银雀山", false},
		{"雀银山", "银雀山", true},
		{"银山", "银雀山", true},
		{"银雀雀山", "银雀山", true},
		{"李王庄", "王庄", false},
		{"金雀", "银雀山", false},
		{"东苗庄", "西苗庄", false},
		{"三村", "二村", false},
		{"车苗庄", "西苗庄", true},
		{"苗庄", "西苗庄", false},
		{"", "", false},
	} {
		if got := slip([]rune(tt.written), []rune(tt.name)); got != tt.want {
			t.Errorf("slip(%s, %s) = %v", tt.written, tt.name, got)
		}
	}
}

func TestRoadsAreChecked(t *testing.T) {
	t.Parallel()
	for says, with := range map[string]func(*Region){
		"does not name two roads":   func(r *Region) { r.Crossings = []string{"解放路"} },
		"is shorter than two":       func(r *Region) { r.Roads = []Road{{Name: "路"}} },
		"has the side \"left\"":     func(r *Region) { r.Roads = []Road{{Name: "解放路", Side: "left"}} },
		"runs from 200 to 100":      func(r *Region) { r.Roads = []Road{{Name: "解放路", From: 200, To: 100}} },
		"looks like a regular expr": func(r *Region) { r.Crossings = []string{"解放.*路与沂蒙路"} },
	} {
		city := namesCity()
		with(&city.Regions[3])
		if _, err := Compile(city); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "pack.yaml:33") {
			t.Errorf("error %v does not say %q at its line", err, says)
		}
	}
}
