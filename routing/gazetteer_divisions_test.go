package routing

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The real divisions of China, beside the repository; the tests that read them skip without them.
var divisionsDir = filepath.Join("..", "..", "shared", "data", "divisions")

// readTable reads a table of divisions as rows by column.
func readTable(t testing.TB, dir, name string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skip("the real divisions are not here")
	}
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, len(all)-1)
	for i, line := range all[1:] {
		rows[i] = make(map[string]string, len(line))
		for j, v := range line {
			rows[i][all[0][j]] = v
		}
	}
	return rows
}

// divisionCity is a real city with its districts, streets and villages and no short name listed.
func divisionCity(t testing.TB, code, name string) City {
	t.Helper()
	city := City{Hash: code, Zone: zone}
	add := func(id, name, parent, level string) {
		city.Regions = append(city.Regions, Region{ID: id, Name: name, Parent: parent, Level: level, Source: src(len(city.Regions))})
		if level == "street" {
			city.Units = append(city.Units, Unit{ID: "s-" + id, Name: name, Kind: "street", Region: id, Source: src(len(city.Units))})
		}
	}
	add(code, name, "", "city")
	for _, file := range []struct{ name, parent, level string }{
		{"areas.csv", "cityCode", "district"}, {"streets.csv", "areaCode", "street"}, {"villages_linyi_qingdao_jinhua.csv", "streetCode", "community"},
	} {
		for _, row := range readTable(t, divisionsDir, file.name) {
			if row["cityCode"] == code {
				add(row["code"], row["name"], row[file.parent], file.level)
			}
		}
	}
	return city
}

// realCities are those whose villages are known.
var realCities = []struct{ code, name string }{{"3713", "临沂市"}, {"3702", "青岛市"}, {"3307", "金华市"}}

// composer writes addresses of one city as citizens do.
type composer struct {
	rs       *Ruleset
	r        *rand.Rand
	villages []Region
	byName   map[string][]Region // full and short names
	streets  map[string][]string // by region: the streets that it is, lies in or holds
}

func newComposer(rs *Ruleset, seed uint64) *composer {
	c := &composer{rs: rs, r: rand.New(rand.NewPCG(seed, 7)), byName: map[string][]Region{}, streets: map[string][]string{}}
	for _, region := range rs.Regions() {
		full, short := spoken(region.Name), shortName(region.Name)
		c.byName[full] = append(c.byName[full], region)
		if short != full {
			c.byName[short] = append(c.byName[short], region)
		}
		switch region.Level {
		case "community":
			c.villages = append(c.villages, region)
			c.streets[region.ID] = []string{region.Parent}
		case "street":
			for _, id := range rs.RegionPath(region.ID) {
				c.streets[id] = append(c.streets[id], region.ID)
			}
		}
	}
	return c
}

// named are the streets that a name speaks of: as one of a level, or, shortened, of any above villages.
func (c *composer) named(name, level string, short bool) []string {
	var streets []string
	for _, r := range c.byName[name] {
		if r.Level == level || short && (r.Level == "district" || r.Level == "street") {
			streets = append(streets, c.streets[r.ID]...)
		}
	}
	slices.Sort(streets)
	return slices.Compact(streets)
}

// shortName is what a citizen makes of the name of a division. It is not the gazetteer's own way.
func shortName(name string) string {
	if strings.HasSuffix(name, "发区") || strings.HasSuffix(name, "假区") || strings.HasSuffix(name, "护区") || strings.HasSuffix(name, "济区") {
		return name // 开发区, 度假区, 保护区, 经济区: nobody shortens these so
	}
	for _, end := range []string{
		"社区居民委员会", "居民委员会", "村民委员会", "社区居委会", "居委会", "村委会", "街道", "镇", "乡", "区", "县", "市",
	} {
		if s, ok := strings.CutSuffix(name, end); ok && utf8.RuneCountInString(s) >= 2 && !strings.HasSuffix(s, "路") {
			return s // but 中山路 is the road, not its 街道
		}
	}
	return name
}

// spoken is how a village is called: without the committee.
func spoken(name string) string {
	for _, end := range []struct{ written, said string }{
		{"社区居民委员会", "社区"},
		{"社区居委会", "社区"},
		{"村村民委员会", "村"},
		{"村村委会", "村"},
		{"村民委员会", "村"},
		{"村委会", "村"},
		{"居民委员会", "居委会"},
	} {
		if s, ok := strings.CutSuffix(name, end.written); ok {
			return s + end.said
		}
	}
	return name
}

var (
	wordsBefore = []string{"", "", "", "家住", "地址是", "我在", "反映 ", "您好，", "住址：", "位于"}
	wordsAfter  = []string{"", "", "3号楼2单元501", "附近", "友谊路88号", "，村口往东100米", "，电话13900000000", "，路口红绿灯坏了", " 李先生", "隔壁超市门前", "12组"}
	slipChars   = []rune("的一是在有这个们来到说子地出就对成会可主发年动同工也能过种面而方后多定行学法所民得经进着等部度家电力里如水化自理起物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然")
)

// composed is an address and the streets that its words can mean.
type composed struct {
	address string
	levels  string // which were written: C, D, S, V in full, small when shortened, ~ after a slip
	streets []string
}

// compose writes a village's address with levels left out, shortened and misspelt.
func (c *composer) compose() composed {
	v := c.villages[c.r.IntN(len(c.villages))]
	street, _ := c.rs.Region(v.Parent)
	district, _ := c.rs.Region(street.Parent)
	city, _ := c.rs.Region(district.Parent)
	a := composed{streets: c.streets[city.ID]}
	var parts []string
	slipAt := -1
	if c.r.IntN(2) == 0 {
		slipAt = c.r.IntN(4)
	}
	for i, region := range []Region{city, district, street, v} {
		if c.r.IntN(100) >= []int{50, 75, 70, 60}[i] {
			continue
		}
		name, short := spoken(region.Name), i < 3 && c.r.IntN(4) == 0
		letter := "CDSV"[i : i+1]
		if short {
			name, letter = shortName(region.Name), strings.ToLower(letter)
		}
		a.levels += letter
		meant := c.named(name, region.Level, short)
		a.streets = slices.DeleteFunc(slices.Clone(a.streets), func(id string) bool { return !slices.Contains(meant, id) })
		if i == slipAt && !short && utf8.RuneCountInString(name) >= 3 {
			if wrong := c.slip(name); wrong != "" {
				name, a.levels = wrong, a.levels+"~"
			}
		}
		parts = append(parts, name)
	}
	joint := ""
	if c.r.IntN(5) == 0 {
		joint = " "
	}
	a.address = wordsBefore[c.r.IntN(len(wordsBefore))] + strings.Join(parts, joint) + wordsAfter[c.r.IntN(len(wordsAfter))]
	return a
}

// sharedName reports whether the last name written is one of several streets or of villages in several.
func (a *composed) sharedName() bool {
	return 1 < len(a.streets) && len(a.streets) <= mostCandidates && strings.HasSuffix(strings.ToUpper(a.levels), "V") ||
		len(a.streets) > 1 && strings.HasSuffix(a.levels, "S")
}

// slip misspells a name by one character, so that no other name comes of it; empty when it cannot.
func (c *composer) slip(name string) string {
	letters := []rune(name)
	at := c.r.IntN(len(letters))
	var wrong []rune
	switch c.r.IntN(4) {
	case 0, 1:
		wrong = slices.Clone(letters)
		wrong[at] = slipChars[c.r.IntN(len(slipChars))]
	case 2:
		if len(letters) < 4 {
			return ""
		}
		wrong = slices.Delete(slices.Clone(letters), at, at+1)
	default:
		if at == 0 {
			return ""
		}
		wrong = slices.Clone(letters)
		wrong[at-1], wrong[at] = wrong[at], wrong[at-1]
	}
	if s := string(wrong); s != name && c.byName[s] == nil && !c.likeAnother(wrong, name) {
		return s
	}
	return ""
}

// likeAnother reports whether a misspelt name could as well be another: 东经街道 for 东孝街道 or 东城街道.
func (c *composer) likeAnother(wrong []rune, meant string) bool {
	for name := range c.byName {
		letters := []rune(name)
		if name == meant || len(letters) != len(wrong) {
			continue
		}
		differ := 0
		for i := range letters {
			if letters[i] != wrong[i] {
				differ++
			}
		}
		if differ == 1 {
			return true
		}
	}
	return false
}

// streetOf is the street a region lies in or is, empty above streets.
func streetOf(rs *Ruleset, region string) string {
	for _, id := range rs.RegionPath(region) {
		if r, _ := rs.Region(id); r.Level == "street" {
			return id
		}
	}
	return ""
}

// tally counts what became of addresses.
type tally struct{ right, wrong, unsure, misspelt, putRight, candidates, shared, chose int }

// Addresses whose words name one street must find it; to be unsure is allowed seldom, to be wrong
// hardly ever. Those whose last name several streets share are answered with candidates.
func TestLocateComposedAddresses(t *testing.T) {
	t.Parallel()
	const wanted, wantedShared = 2000, 600
	var n tally
	for i, city := range realCities {
		rs := compile(t, divisionCity(t, city.code, city.name))
		c := newComposer(rs, uint64(i))
		for n.right+n.wrong+n.unsure < wanted*(i+1)/len(realCities) || n.shared < wantedShared*(i+1)/len(realCities) {
			a := c.compose()
			got := rs.Locate(Place{Address: a.address})
			street := streetOf(rs, got.Region)
			switch {
			case len(a.streets) == 1 && n.right+n.wrong+n.unsure < wanted*(i+1)/len(realCities):
				n.misspelt += min(strings.Count(a.levels, "~"), 1)
				switch street {
				case a.streets[0]:
					n.right++
					n.putRight += min(strings.Count(a.levels, "~"), 1)
				case "":
					n.unsure++
				default:
					n.wrong++
					t.Logf("%s %s lies in %s, found %+v", a.levels, a.address, a.streets[0], got)
				}
			case a.sharedName() && n.shared < wantedShared*(i+1)/len(realCities):
				n.shared++
				if street != "" {
					n.chose++
					t.Logf("%s %s may lie in %v, found %+v", a.levels, a.address, a.streets, got)
				} else if len(got.Candidates) > 1 {
					n.candidates++
				}
			}
		}
	}
	t.Logf("%d addresses that name one street, %d of them misspelt (%.2f %% right): %.2f %% right, %.2f %% wrong, %.2f %% not sure",
		wanted, n.misspelt, percent(n.putRight, n.misspelt), percent(n.right, wanted), percent(n.wrong, wanted), percent(n.unsure, wanted))
	t.Logf("%d addresses whose name several streets share: %.2f %% answered candidates, %.2f %% chose one",
		n.shared, percent(n.candidates, n.shared), percent(n.chose, n.shared))
	if percent(n.right, wanted) < 97 || percent(n.wrong, wanted) >= 1 {
		t.Error("wanted are at least 97 % right and less than 1 % wrong")
	}
	if percent(n.candidates, n.shared) < 97 || percent(n.chose, n.shared) >= 1 {
		t.Error("wanted are at least 97 % answered with candidates, and less than 1 % chosen from")
	}
}

// A pack that knows every second village only must not make a known one of the others.
func TestUnknownVillagesStayUnknown(t *testing.T) {
	t.Parallel()
	asked, wrong := 0, 0
	for _, name := range realCities {
		city := divisionCity(t, name.code, name.name)
		whole := compile(t, city)
		var unknown []Region
		known := map[string]bool{}
		city.Regions = slices.DeleteFunc(slices.Clone(city.Regions), func(r Region) bool {
			if r.Level == "community" && len(r.Source.File) > 0 && r.Source.Line%2 == 0 {
				unknown = append(unknown, r)
				return true
			}
			known[shortName(spoken(r.Name))] = true
			return false
		})
		half := compile(t, city)
		for _, v := range unknown {
			if known[shortName(spoken(v.Name))] {
				continue // another village of that name is known
			}
			district, _ := whole.Region(whole.RegionPath(v.ID)[1])
			got := half.Locate(Place{Address: district.Name + spoken(v.Name) + "3组"})
			asked++
			if street := streetOf(half, got.Region); street != "" && street != v.Parent {
				wrong++
				if wrong <= 5 {
					t.Logf("%s%s: %+v", district.Name, v.Name, got)
				}
			}
		}
	}
	t.Logf("%d villages that the pack does not know: %.2f %% taken for another", asked, percent(wrong, asked))
	if percent(wrong, asked) >= 1 {
		t.Error("wanted is less than 1 %")
	}
}

// The untidy addresses of address-parse, in a pack of all provinces, cities and districts. Those with
// a code that is not of the divisions (none given, renumbered since, a postcode) cannot be judged.
func TestParseUntidyAddresses(t *testing.T) {
	t.Parallel()
	city := City{Hash: "cn", Zone: zone, Regions: []Region{{ID: "0", Name: "中国", Level: "city", Source: src(1)}}}
	codes := map[string]bool{}
	for _, file := range []struct{ name, parent, level string }{
		{"provinces.csv", "", "district"}, {"cities.csv", "provinceCode", "street"}, {"areas.csv", "cityCode", "community"},
	} {
		for _, row := range readTable(t, divisionsDir, file.name) {
			parent := "0"
			if file.parent != "" {
				parent = row[file.parent]
			}
			codes[row["code"]] = true
			city.Regions = append(city.Regions, Region{ID: row["code"], Name: row["name"], Parent: parent, Level: file.level, Source: src(2)})
			if file.level == "street" {
				city.Units = append(city.Units, Unit{ID: "u" + row["code"], Name: row["name"], Kind: "street", Region: row["code"], Source: src(3)})
			}
		}
	}
	rs := compile(t, city)
	known, right, wrong := 0, 0, 0
	for _, row := range readTable(t, filepath.Join("..", "..", "shared", "data", "addresses"), "address_parse_cases.csv") {
		got := rs.Locate(Place{Address: row["address"]})
		if !codes[row["code"]] {
			continue
		}
		known++
		switch {
		case got.Region == row["code"]:
			right++
		case got.Region != "" && !rs.WithinRegion(row["code"], got.Region):
			wrong++
			t.Logf("WRONG %s is %s, found %+v", row["address"], row["code"], got)
		default:
			t.Logf("%s is %s, found %+v", row["address"], row["code"], got)
		}
	}
	t.Logf("%d addresses whose district the divisions know: %d right, %d wrong, %d only wider or not at all", known, right, wrong, known-right-wrong)
	if known == 0 || percent(right, known) < 85 || wrong > 0 {
		t.Error("wanted are at least 85 % right and none wrong")
	}
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }
