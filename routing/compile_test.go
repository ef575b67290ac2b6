package routing

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/ticket"
)

func TestCompileReportsEveryProblem(t *testing.T) {
	t.Parallel()
	low, high := 1.0, 9.0
	rule := func(edit func(*Rule)) func(*City) {
		return func(c *City) {
			r := Rule{ID: "bad", Title: "坏", Stage: StageRules, When: Condition{Channel: []string{"form"}}, Then: Action{Unit: "centre"}, Source: src(99)}
			edit(&r)
			c.Rules = append(c.Rules, r)
		}
	}
	words := func(k Keywords) func(*City) { return rule(func(r *Rule) { r.When.Keywords = &k }) }
	tests := map[string]struct {
		edit func(*City)
		want string // a part of one of the problems
	}{
		"duplicate unit":        {func(c *City) { c.Units = append(c.Units, c.Units[1]) }, `pack.yaml:2: unit "centre": id is already used at pack.yaml:2`},
		"empty id":              {func(c *City) { c.Units[1].ID = "" }, `unit "": id is empty`},
		"unit kind":             {func(c *City) { c.Units[1].Kind = "office" }, `pack.yaml:2: unit "centre": kind "office" is unknown; use one of government`},
		"unit parent":           {func(c *City) { c.Units[1].Parent = "nobody" }, `unit "centre": parent "nobody" does not exist`},
		"unit cycle":            {func(c *City) { c.Units[0].Parent = "centre" }, `unit "gov": is its own ancestor`},
		"unit region":           {func(c *City) { c.Units[1].Region = "99" }, `unit "centre": region "99" does not exist`},
		"second office":         {func(c *City) { c.Units[1].Region = "11" }, `region "11" already has its office, unit "centre"`},
		"unit below retired":    {func(c *City) { c.Units[4].Parent = "old" }, `unit "water": parent "old" retired on 2024-01-01; name "centre"`},
		"retired without heir":  {func(c *City) { c.Units[13].ReplacedBy = "" }, `unit "old": retired on 2024-01-01 without replaced_by`},
		"retired date":          {func(c *City) { c.Units[13].Retired = "2024" }, `retired "2024" is no date`},
		"replaced but not gone": {func(c *City) { c.Units[13].Retired = "" }, `replaced_by "centre" without retired`},
		"post twice":            {func(c *City) { c.Units[1].Posts = []Post{{ID: "p"}}; c.Units[2].Posts = []Post{{ID: "p"}} }, `post "p" is empty or already a post of unit "centre"`},
		"category parent":       {func(c *City) { c.Categories[1].Parent = "x" }, `category "city.flood": parent "x" does not exist`},
		"category cycle":        {func(c *City) { c.Categories[0].Parent = "city.flood" }, `category "city": is its own ancestor`},
		"category type":         {func(c *City) { c.Categories[1].Type = "moan" }, `type "moan" is unknown; use one of consult`},
		"category keyword":      {func(c *City) { c.Categories[1].Keywords = []string{"积.*水"} }, `keyword "积.*水" looks like a regular expression`},
		"region level":          {func(c *City) { c.Regions[3].Level = "town" }, `region "11": level "town" is unknown`},
		"region level order":    {func(c *City) { c.Regions[8].Level = "district" }, `region "111": is a district below "11", which is a street`},
		"region short name":     {func(c *City) { c.Regions[3].Short = []string{"兰"} }, `name "兰" is shorter than two characters`},
		"street without office": {func(c *City) { c.Units[8].Region = "" }, "pack.yaml:33: region \"11\": street has no office; give its unit `region: 11`"},
		"area region":           {func(c *City) { c.Areas[1].Region = "9" }, `area "1": region "9" does not exist`},
		"area open ring":        {func(c *City) { c.Areas[0].Rings[0] = c.Areas[0].Rings[0][:4] }, `pack.yaml:40: area "urban": `},
		"row category":          {func(c *City) { c.Catalogue[0].Category = "x" }, `catalogue row "c-city": category "x" does not exist`},
		"row region":            {func(c *City) { c.Catalogue[0].Region = "x" }, `catalogue row "c-city": region "x" does not exist`},
		"row unit":              {func(c *City) { c.Catalogue[0].Unit = "x" }, `unit "x" does not exist; name an existing unit, @street or @district`},
		"row without unit":      {func(c *City) { c.Catalogue[0].Unit = "" }, `unit "" does not exist`},
		"row retired unit":      {func(c *City) { c.Catalogue[0].Unit = "old" }, `pack.yaml:50: catalogue row "c-city": unit "old" retired on 2024-01-01; name "centre", which replaced it`},
		"row assist":            {func(c *City) { c.Catalogue[0].Assist = []string{"x"} }, `assist "x" does not exist`},
		"row assist is lead":    {func(c *City) { c.Catalogue[1].Assist = []string{"centre"} }, `assist "centre" is named twice or is the lead`},
		"row urgency":           {func(c *City) { c.Catalogue[0].Urgency = "soon" }, `urgency "soon" is unknown; use one of normal, urgent, emergency`},
		"row twice": {func(c *City) {
			c.Catalogue = append(c.Catalogue, Row{ID: "again", Category: "city.lamp", Unit: "light", Source: src(98)})
		}, `row "c-lamp" at pack.yaml:53 did; remove one`},
		"gap":                     {func(c *City) { c.Catalogue = c.Catalogue[:5] }, `pack.yaml:25: category "trade": has no owner in 5 of 5 streets (11 兰山街道, 12 义堂镇, 13 太平街道, …); add a catalogue row`},
		"gap in a district":       {func(c *City) { c.Catalogue[5].Region = "1" }, `category "trade": has no owner in 2 of 5 streets (21 太平街道, 22 九曲街道)`},
		"@district of nobody":     {func(c *City) { c.Units[7].Region = "" }, `catalogue row "c-flood-hd": unit "@district" stands for nobody in 2 streets`},
		"rule @district":          {func(c *City) { c.Units[6].Region = ""; rule(func(r *Rule) { r.Then.Unit = TokenDistrict })(c) }, `rule "bad": unit @district stands for nobody in 3 streets`},
		"rule id twice":           {rule(func(r *Rule) { r.ID = "e-water" }), `rule "e-water": id is already used at pack.yaml:60`},
		"rule id reserved":        {rule(func(r *Rule) { r.ID = OriginOffice }), `id is reserved`},
		"rule title":              {rule(func(r *Rule) { r.Title = " " }), `has no title`},
		"rule stage":              {rule(func(r *Rule) { r.Stage = StageCatalogue }), `stage "catalogue" is unknown; use one of emergency, statutory, rules, default`},
		"rule effect":             {rule(func(r *Rule) { r.Then = Action{} }), `has no effect`},
		"rule condition":          {rule(func(r *Rule) { r.When = Condition{} }), "has no condition and would take everything; give it one, or say `stage: default`"},
		"rule unit and triage":    {rule(func(r *Rule) { r.Then.Triage = "x" }), `names unit "centre" and triage "x"`},
		"rule unit":               {rule(func(r *Rule) { r.Then.Unit = "x" }), `pack.yaml:99: rule "bad": unit "x" does not exist`},
		"rule retired unit":       {rule(func(r *Rule) { r.Then.Assist = []string{"old"} }), `assist "old" retired`},
		"rule urgency":            {rule(func(r *Rule) { r.Then.Urgency = "x" }), `urgency "x" is unknown`},
		"rule kind":               {rule(func(r *Rule) { r.When.Kind = []ticket.Kind{"x"} }), `kind "x" is unknown; use one of case`},
		"rule given urgency":      {rule(func(r *Rule) { r.When.Urgency = []ticket.Urgency{"x"} }), `urgency "x" is unknown; use one of normal`},
		"rule source":             {rule(func(r *Rule) { r.When.Source = []ticket.SourceClass{"x"} }), `source "x" is unknown; use one of citizen`},
		"rule type":               {rule(func(r *Rule) { r.When.Type = []ticket.RequestType{"x"} }), `type "x" is unknown; use one of consult`},
		"rule category":           {rule(func(r *Rule) { r.When.Category = []string{"x"} }), `category "x" does not exist`},
		"rule region":             {rule(func(r *Rule) { r.When.Region = []string{"x"} }), `region "x" does not exist`},
		"rule area":               {rule(func(r *Rule) { r.When.Outside = []string{"x"} }), `area "x" does not exist`},
		"rule inside and outside": {rule(func(r *Rule) { r.When.Area, r.When.Outside = []string{"urban"}, []string{"urban"} }), `inside and outside of area "urban"`},
		"rule empty tag":          {rule(func(r *Rule) { r.When.Tag = []string{""} }), `empty channel, line or tag`},
		"number fact":             {rule(func(r *Rule) { r.When.Numbers = []Range{{"x", &low, nil}} }), `number "x" is unknown; use one of reports_nearby`},
		"number order":            {rule(func(r *Rule) { r.When.Numbers = []Range{{"hour", &high, &low}} }), `number hour has min 9 above max 1`},
		"number open":             {rule(func(r *Rule) { r.When.Numbers = []Range{{"hour", nil, nil}} }), `number hour has neither min nor max`},
		"window from":             {rule(func(r *Rule) { r.When.Window = &Window{From: "24:00"} }), `window from "24:00" is no time of day`},
		"window to":               {rule(func(r *Rule) { r.When.Window = &Window{To: "8:00"} }), `window to "8:00" is no time of day`},
		"window empty":            {rule(func(r *Rule) { r.When.Window = &Window{From: "08:00", To: "08:00"} }), `window from 08:00 to 08:00 is empty`},
		"window nothing":          {rule(func(r *Rule) { r.When.Window = &Window{} }), `names neither times nor days`},
		"window day":              {rule(func(r *Rule) { r.When.Window = &Window{Days: []string{"monday"}} }), `window day "monday" is unknown`},
		"window calendar":         {func(c *City) { c.Workday = nil }, `window day "workday" needs the city's calendar`},
		"window zone":             {func(c *City) { c.Zone = nil }, `window needs the city's time zone`},
		"keywords none":           {words(Keywords{Mask: []string{"x"}}), `keywords name no word to look for`},
		"keyword empty":           {words(Keywords{Any: []string{" "}}), `keyword " " is empty`},
		"keyword regex":           {words(Keywords{Any: []string{"落水|溺水"}}), `looks like a regular expression`},
		"keyword lines":           {words(Keywords{Any: []string{"落\n水"}}), `runs over two lines`},
		"keyword long":            {words(Keywords{Any: []string{strings.Repeat("长", 65)}}), `has 65 characters; at most 64`},
		"keyword twice":           {words(Keywords{Any: []string{"落水"}, None: []string{"落 水"}}), `keyword "落 水" stands under any and again under none`},
		"mask useless":            {words(Keywords{Any: []string{"落水"}, Mask: []string{"栏杆"}}), `mask "栏杆" covers none of the rule's words`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			city := smallCity()
			tt.edit(&city)
			rs, err := Compile(city)
			if err == nil {
				t.Fatal("compiled")
			}
			if rs != nil {
				t.Error("a ruleset came with the error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error does not say %q:\n%v", tt.want, err)
			}
			if _, ok := errors.AsType[*Problem](err); !ok {
				t.Errorf("error holds no *Problem: %T", err)
			}
		})
	}
}

func TestCompileReportsAllAtOnceInOrder(t *testing.T) {
	t.Parallel()
	city := smallCity()
	city.Rules[6].Then = Action{}
	city.Units[1].Kind = "x"
	city.Catalogue = city.Catalogue[:5]
	_, err := Compile(city)
	var got []string
	for line := range strings.Lines(err.Error()) {
		got = append(got, strings.SplitN(line, " ", 2)[0])
	}
	if want := []string{"pack.yaml:2:", "pack.yaml:25:", "pack.yaml:66:"}; !slices.Equal(got, want) {
		t.Errorf("problems at %v, want %v:\n%v", got, want, err)
	}
}

func TestTrees(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	if got := rs.RegionPath("111"); !slices.Equal(got, []string{"0", "1", "11", "111"}) {
		t.Errorf("RegionPath = %v", got)
	}
	if got := rs.CategoryPath("x"); got != nil {
		t.Errorf("CategoryPath of an unknown id = %v", got)
	}
	if got := rs.Leaves(); !slices.Equal(got, []string{"city.flood", "city.lamp", "life.water", "trade"}) {
		t.Errorf("Leaves = %v", got)
	}
	if got := rs.ChildUnits("d-hd"); !slices.Equal(got, []string{"s-tp2", "s-jq"}) {
		t.Errorf("ChildUnits = %v", got)
	}
	if got := rs.ChildRegions(""); !slices.Equal(got, []string{"0"}) {
		t.Errorf("ChildRegions of nothing = %v", got)
	}
	for _, tt := range []struct {
		got  bool
		name string
		want bool
	}{
		{rs.WithinRegion("111", "1"), "111 in 1", true},
		{rs.WithinRegion("1", "1"), "1 in 1", true},
		{rs.WithinRegion("1", "11"), "1 in 11", false},
		{rs.WithinRegion("x", "1"), "x in 1", false},
		{rs.WithinUnit("s-ls", "gov"), "s-ls in gov", true},
		{rs.WithinUnit("s-ls", "d-hd"), "s-ls in d-hd", false},
		{rs.WithinCategory("city.lamp", "city"), "lamp in city", true},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %v", tt.name, tt.got)
		}
	}
	for region, want := range map[string]string{"111": "s-ls", "1": "d-ls", "0": "", "x": ""} {
		if u, ok := rs.Office(region); u.ID != want || ok != (want != "") {
			t.Errorf("Office(%q) = %q, %v", region, u.ID, ok)
		}
	}
	if got := rs.UnitName("centre") + rs.UnitName("water") + rs.UnitName("x"); got != "市运管中心水务集团x" {
		t.Errorf("names = %q", got)
	}
}
