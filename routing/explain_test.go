package routing

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/ticket"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	f := facts(func(f *Facts) {
		f.Category, f.Region, f.Line = "city.flood", "11", "12345"
		f.Text = "建議\n沂河邊設置防落 水欄桿，防止積水" // the citizen's own spelling
		f.Numbers[NumberIndex("reports_nearby")] = 1
	})
	e := rs.Explain(f)

	words := map[string]string{}
	for _, r := range e.Rules {
		if r.Failed != nil {
			words[r.Rule] = r.Failed.Condition + " " + r.Failed.Words
		}
	}
	want := map[string]string{
		"e-water":  "keywords.any 没有出现任一关键词：落水、溺水（落水 只出现在 防落水栏杆、防溺水 一类不计的词语中）",
		"l-market": "type 诉求类型不符：要求 投诉、举报，实际 求助",
		"r-town":   "outside 没有坐标，不能认定在 主城区 之外",
		"r-many":   "numbers 附近同类诉求数不符：要求 ≥3，实际 1",
		"r-secret": "keywords.all 缺少关键词：举报、干部",
		"r-night":  "window 时间不符：要求 工作日 22:00–06:00，实际 周一 2025-06-02 09:30",
	}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}

	hits := e.Rules[0].Hits
	if len(hits) != 1 {
		t.Fatalf("hits of e-water = %v, want the masked one", hits)
	}
	if got := f.Text[hits[0].Start:hits[0].End]; got != "落 水" || hits[0].Mask != "防落水栏杆" {
		t.Errorf("hit = %q %+v, want 落 水 inside the mask", got, hits[0])
	}
	wantRows := []RowTrace{
		{"c-flood", "city.flood", "", "centre", true, src(51)},
		{"c-city", "city", "", TokenStreet, false, src(50)},
	}
	if diff := cmp.Diff(wantRows, e.Rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := e.Fields[0]; got.Field != FieldUnit || got.Rule != "c-flood" || got.Source != src(51) {
		t.Errorf("first field = %+v, want the unit of row c-flood", got)
	}
}

func TestExplainWinner(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	e := rs.Explain(facts(func(f *Facts) { f.Region, f.Text = "12", "有人溺水" }))
	first := e.Rules[0]
	if first.Outcome != OutcomeWon || !cmp.Equal(first.Sets, []Field{FieldUnit, FieldUrgency, FieldTags}) {
		t.Errorf("e-water = %+v, want it to win unit, urgency and tags", first)
	}
	if diff := cmp.Diff([]Hit{{Word: "溺水", Start: 6, End: 12}}, first.Hits); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
	for _, want := range []string{
		"区划  临沂市兰山区义堂镇（12）", "承办单位  消防救援支队（rescue）", "← 突发 · e-water 有人落水（pack.yaml:60）",
		"紧急程度  突发", "✗ r-many 多人反映升级（pack.yaml:63）：附近同类诉求数不符：要求 ≥3，实际 未知", "“溺水” 第 6–12 字节",
	} {
		if !strings.Contains(e.Text(), want) {
			t.Errorf("text lacks %q:\n%s", want, e.Text())
		}
	}
}

// The explanation goes to the console as JSON with English keys.
func TestExplanationAsJSON(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	data, err := json.Marshal(rs.Explain(facts(nil)))
	if err != nil {
		t.Fatal(err)
	}
	var back Explanation
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if back.Decision.Triage != TriageUnclear || len(back.Rules) != len(smallCity().Rules) {
		t.Errorf("came back as %+v", back)
	}
	if !strings.Contains(string(data), `"condition":"keywords.any"`) {
		t.Errorf("no condition key in %s", data)
	}
}

// Rules behind the winner of their stage are not tried; a winner may find everything decided.
func TestExplainNotReached(t *testing.T) {
	t.Parallel()
	city := smallCity()
	city.Rules = append(city.Rules, Rule{ID: "x-late", Title: "晚", Stage: StageDefault, Then: Action{Unit: "gov"}, Source: src(70)})
	rs := compile(t, city)
	e := rs.Explain(facts(func(f *Facts) { f.Line, f.Type, f.Region = "12315", ticket.TypeReport, "11" }))
	last, before := e.Rules[len(e.Rules)-1], e.Rules[len(e.Rules)-2]
	if last.Outcome != OutcomeNotReached || before.Outcome != OutcomeWon || before.Sets != nil {
		t.Errorf("x-default = %+v, x-late = %+v", before, last)
	}
	if text := e.Text(); !strings.Contains(text, "命中，但前面各级已全部认定") || !strings.Contains(text, "… 其后 1 条未再比对") {
		t.Errorf("text:\n%s", text)
	}
}
