package routing

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/ticket"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	from := func(stage Stage, rule string) ticket.Origin { return ticket.Origin{Stage: string(stage), Rule: rule} }
	plain := from(StageDefault, OriginUrgency)
	tests := map[string]struct {
		facts *Facts
		want  ticket.Decision
	}{
		"catalogue, exact category": {
			facts(func(f *Facts) { f.Category, f.Region = "city.flood", "11" }),
			ticket.Decision{
				Unit: "centre", Assist: []string{"s-ls", "water"}, Policy: "flood@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"unit": from("catalogue", "c-flood"), "assist": from("catalogue", "c-flood"), "policy": from("catalogue", "c-flood"), "urgency": plain},
			},
		},
		"catalogue, the narrower region wins": {
			facts(func(f *Facts) { f.Category, f.Region = "city.flood", "22" }),
			ticket.Decision{
				Unit: "d-hd", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"unit": from("catalogue", "c-flood-hd"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"catalogue, inherited from the category above, office of the street around a community": {
			facts(func(f *Facts) { f.Category, f.Region = "city", "111" }),
			ticket.Decision{
				Unit: "s-ls", Assist: []string{"d-ls"}, Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"unit": from("catalogue", "c-city"), "assist": from("catalogue", "c-city"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"a row for the whole city holds where the place is unknown": {
			facts(func(f *Facts) { f.Category = "city.lamp" }),
			ticket.Decision{
				Unit: "light", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"unit": from("catalogue", "c-lamp"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"only the district is known: @street is too precise, the district receives": {
			facts(func(f *Facts) { f.Category, f.Region = "city", "1" }),
			ticket.Decision{
				Unit: "d-ls", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"unit": from("default", "office"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"no sure category: first receiver": {
			facts(func(f *Facts) { f.Region = "12" }),
			ticket.Decision{
				Unit: "s-yt", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"unit": from("default", "office"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"neither category nor region": {
			facts(nil),
			ticket.Decision{
				Triage: "unclear", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"triage": from("triage", "unclear"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"category without place": {
			facts(func(f *Facts) { f.Category = "city" }),
			ticket.Decision{
				Triage: "no_place", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"triage": from("triage", "no_place"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"place without office": {
			facts(func(f *Facts) { f.Region = "0" }),
			ticket.Decision{
				Triage: "no_category", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"triage": from("triage", "no_category"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"ids of an older pack are unknown": {
			facts(func(f *Facts) { f.Category, f.Region = "gone", "gone" }),
			ticket.Decision{
				Triage: "unclear", Policy: "default@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"triage": from("triage", "unclear"), "policy": from("default", "x-default"), "urgency": plain},
			},
		},
		"emergency decides, the catalogue fills what is open": {
			facts(func(f *Facts) {
				f.Category, f.Region, f.Text = "city.flood", "11", "救命\n滨河路有人 落 水了"
			}),
			ticket.Decision{
				Unit: "rescue", Assist: []string{"s-ls", "water"}, Policy: "flood@1", Urgency: "emergency", Tags: []string{"danger"},
				Origins: map[string]ticket.Origin{
					"unit": from("emergency", "e-water"), "assist": from("catalogue", "c-flood"), "policy": from("catalogue", "c-flood"),
					"urgency": from("emergency", "e-water"), "tags": from("emergency", "e-water"),
				},
			},
		},
		"statutory line": {
			facts(func(f *Facts) {
				f.Line, f.Type, f.Category, f.Region = "12315", ticket.TypeComplaint, "life.water", "11"
			}),
			ticket.Decision{
				Unit: "market", Policy: "12315@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"unit": from("statutory", "l-market"), "policy": from("statutory", "l-market"), "urgency": plain},
			},
		},
		"rule sends to triage on purpose, nobody assists": {
			facts(func(f *Facts) {
				f.Category, f.Region, f.Text = "city.flood", "11", "实名举报\n某村干部把积水排到路上"
			}),
			ticket.Decision{
				Triage: "sensitive", Policy: "flood@1", Urgency: "normal",
				Origins: map[string]ticket.Origin{"triage": from("rules", "r-secret"), "policy": from("catalogue", "c-flood"), "urgency": plain},
			},
		},
		"the source's word raises": {
			facts(func(f *Facts) { f.Category, f.Region, f.Urgency = "city.lamp", "11", ticket.UrgencyUrgent }),
			ticket.Decision{
				Unit: "light", Policy: "default@1", Urgency: "urgent",
				Origins: map[string]ticket.Origin{"unit": from("catalogue", "c-lamp"), "policy": from("default", "x-default"), "urgency": from("request", "urgency")},
			},
		},
		"the source's word never lowers": {
			facts(func(f *Facts) {
				f.Category, f.Region, f.Urgency = "city.lamp", "11", ticket.UrgencyNormal
				f.Numbers[NumberIndex("reports_nearby")] = 3
			}),
			ticket.Decision{
				Unit: "light", Policy: "default@1", Urgency: "urgent",
				Origins: map[string]ticket.Origin{"unit": from("catalogue", "c-lamp"), "policy": from("default", "x-default"), "urgency": from("rules", "r-many")},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want.Pack = "sha256:test"
			got := rs.Decide(tt.facts, nil).Decision()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, rs.Explain(tt.facts).Decision); diff != "" {
				t.Errorf("explained decision differs (-decided +explained):\n%s", diff)
			}
		})
	}
}

// Each condition alone, at its edges.
func TestConditions(t *testing.T) {
	t.Parallel()
	two, five := 2.0, 5.0
	tests := map[string]struct {
		when Condition
		edit func(*Facts)
		want bool
	}{
		"channel":                  {Condition{Channel: []string{"form", "wechat"}}, nil, true},
		"other channel":            {Condition{Channel: []string{"wechat"}}, nil, false},
		"line":                     {Condition{Line: []string{"12345"}}, nil, true},
		"kind":                     {Condition{Kind: []ticket.Kind{ticket.KindCase}}, nil, true},
		"other kind":               {Condition{Kind: []ticket.Kind{ticket.KindAlarm}}, nil, false},
		"unknown kind":             {Condition{Kind: []ticket.Kind{ticket.KindCase}}, func(f *Facts) { f.Kind = "" }, false},
		"source":                   {Condition{Source: []ticket.SourceClass{ticket.SourceMachine}}, nil, false},
		"type":                     {Condition{Type: []ticket.RequestType{ticket.TypeHelp}}, nil, true},
		"category itself":          {Condition{Category: []string{"city.lamp"}}, func(f *Facts) { f.Category = "city.lamp" }, true},
		"category subtree":         {Condition{Category: []string{"city"}}, func(f *Facts) { f.Category = "city.lamp" }, true},
		"category above":           {Condition{Category: []string{"city.lamp"}}, func(f *Facts) { f.Category = "city" }, false},
		"category unknown":         {Condition{Category: []string{"city"}}, nil, false},
		"region subtree":           {Condition{Region: []string{"1"}}, func(f *Facts) { f.Region = "111" }, true},
		"region beside":            {Condition{Region: []string{"2"}}, func(f *Facts) { f.Region = "111" }, false},
		"region unknown":           {Condition{Region: []string{"0"}}, nil, false},
		"area":                     {Condition{Area: []string{"urban"}}, func(f *Facts) { f.HasPoint, f.Areas = true, []string{"1", "urban"} }, true},
		"no area":                  {Condition{Area: []string{"urban"}}, func(f *Facts) { f.HasPoint = true }, false},
		"outside":                  {Condition{Outside: []string{"urban"}}, func(f *Facts) { f.HasPoint, f.Areas = true, []string{"1"} }, true},
		"not outside":              {Condition{Outside: []string{"urban"}}, func(f *Facts) { f.HasPoint, f.Areas = true, []string{"urban"} }, false},
		"outside needs a point":    {Condition{Outside: []string{"urban"}}, nil, false},
		"tag":                      {Condition{Tag: []string{"vip", "flood"}}, func(f *Facts) { f.Tags = []string{"x", "flood"} }, true},
		"no tag":                   {Condition{Tag: []string{"vip"}}, func(f *Facts) { f.Tags = []string{"x"} }, false},
		"number at its lower end":  {Condition{Numbers: []Range{{"people_affected", &two, &five}}}, func(f *Facts) { f.Numbers[1] = 2 }, true},
		"number at its upper end":  {Condition{Numbers: []Range{{"people_affected", &two, &five}}}, func(f *Facts) { f.Numbers[1] = 5 }, true},
		"number above":             {Condition{Numbers: []Range{{"people_affected", &two, &five}}}, func(f *Facts) { f.Numbers[1] = 5.1 }, false},
		"number unknown":           {Condition{Numbers: []Range{{"people_affected", nil, &five}}}, nil, false},
		"hour from the clock":      {Condition{Numbers: []Range{{"hour", &five, nil}}}, nil, true},
		"length from the text":     {Condition{Numbers: []Range{{"text_length", nil, &five}}}, func(f *Facts) { f.Text = "一二三四五" }, true},
		"length too long":          {Condition{Numbers: []Range{{"text_length", nil, &five}}}, func(f *Facts) { f.Text = "一二三四五六" }, false},
		"any":                      {Condition{Keywords: &Keywords{Any: []string{"喷泉", "请处理"}}}, nil, true},
		"any missing":              {Condition{Keywords: &Keywords{Any: []string{"喷泉"}}}, nil, false},
		"all":                      {Condition{Keywords: &Keywords{All: []string{"反映", "处理"}}}, nil, true},
		"all but one":              {Condition{Keywords: &Keywords{All: []string{"反映", "喷泉"}}}, nil, false},
		"none":                     {Condition{Keywords: &Keywords{None: []string{"喷泉"}}}, nil, true},
		"none broken":              {Condition{Keywords: &Keywords{None: []string{"喷泉", "反映"}}}, nil, false},
		"width and case":           {Condition{Keywords: &Keywords{Any: []string{"ETC卡"}}}, func(f *Facts) { f.Text = "办理ｅｔＣ卡" }, true},
		"traditional":              {Condition{Keywords: &Keywords{Any: []string{"积水"}}}, func(f *Facts) { f.Text = "路口積水" }, true},
		"not across lines":         {Condition{Keywords: &Keywords{Any: []string{"积水"}}}, func(f *Facts) { f.Text = "面积\n水管" }, false},
		"words within words":       {Condition{Keywords: &Keywords{All: []string{"市", "市政", "政务", "市政务"}}}, func(f *Facts) { f.Text = "市政务中心" }, true},
		"mask covers":              {Condition{Keywords: &Keywords{Any: []string{"落水"}, Mask: []string{"防落水栏杆"}}}, func(f *Facts) { f.Text = "建议设置防落水栏杆" }, false},
		"mask covers only one":     {Condition{Keywords: &Keywords{Any: []string{"落水"}, Mask: []string{"防落水栏杆"}}}, func(f *Facts) { f.Text = "防落水栏杆坏了，有人落水" }, true},
		"mask covers the end":      {Condition{Keywords: &Keywords{Any: []string{"落水"}, Mask: []string{"不会落水"}}}, func(f *Facts) { f.Text = "不会落水" }, false},
		"mask covers the front":    {Condition{Keywords: &Keywords{Any: []string{"落水"}, Mask: []string{"落水管"}}}, func(f *Facts) { f.Text = "楼房落水管断了" }, false},
		"mask lets none pass":      {Condition{Keywords: &Keywords{None: []string{"演练"}, Mask: []string{"不是演练"}}}, func(f *Facts) { f.Text = "着火了，不是演练" }, true},
		"window":                   {Condition{Window: &Window{From: "09:30", To: "10:00"}}, nil, true},
		"window ended":             {Condition{Window: &Window{From: "09:00", To: "09:30"}}, nil, false},
		"window of the city's day": {Condition{Window: &Window{Days: []string{"mon"}}}, func(f *Facts) { f.At = time.Date(2025, 6, 1, 16, 30, 0, 0, time.UTC) }, true},
		"workday":                  {Condition{Window: &Window{Days: []string{"workday"}}}, nil, true},
		"holiday":                  {Condition{Window: &Window{Days: []string{"holiday"}}}, nil, false},
		"night before midnight":    {Condition{Window: &Window{From: "22:00", To: "06:00", Days: []string{"fri"}}}, receivedAt("2025-06-06 22:00"), true},
		"night after midnight":     {Condition{Window: &Window{From: "22:00", To: "06:00", Days: []string{"fri"}}}, receivedAt("2025-06-07 05:59"), true},
		"night of the day before":  {Condition{Window: &Window{From: "22:00", To: "06:00", Days: []string{"fri"}}}, receivedAt("2025-06-06 05:59"), false},
		"night over":               {Condition{Window: &Window{From: "22:00", To: "06:00", Days: []string{"workday"}}}, receivedAt("2025-06-07 06:00"), false},
		"time unknown":             {Condition{Window: &Window{From: "00:00"}}, func(f *Facts) { f.At = time.Time{} }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			city := smallCity()
			city.Rules = []Rule{{ID: "r", Title: "试", Stage: StageRules, When: tt.when, Then: Action{Unit: "centre"}, Source: src(1)}}
			rs := compile(t, city)
			f := facts(tt.edit)
			got := rs.Decide(f, nil)
			if held := got.from.owner.rule == "r"; held != tt.want {
				t.Errorf("rule held = %v, want %v\n%s", held, tt.want, rs.Explain(f).Text())
			}
		})
	}
}

func receivedAt(local string) func(*Facts) {
	return func(f *Facts) { f.At, _ = time.ParseInLocation("2006-01-02 15:04", local, zone) }
}

// The flood of the design: the observer's point lies outside the urban area, so the town takes it.
func TestFloodOutsideTheUrbanArea(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	place := Place{Address: "滨河路路口", Text: "积水严重", Lng: 118.15, Lat: 35.05, HasPoint: true}
	loc := rs.Locate(place)
	category, _, _ := rs.Classify("滨河路路口积水\n水深没过小腿，多辆车熄火")
	f := facts(func(f *Facts) { f.Region, f.Areas, f.HasPoint, f.Category = loc.Region, loc.Areas, true, category })
	if got := rs.Decide(f, nil); got.Unit != "s-yt" {
		t.Errorf("unit = %q, want the town s-yt\n%s", got.Unit, rs.Explain(f).Text())
	}
	f.Areas = []string{"urban", "1"}
	f.Region = "11"
	if got := rs.Decide(f, nil); got.Unit != "centre" {
		t.Errorf("inside the urban area: unit = %q, want centre", got.Unit)
	}
}
