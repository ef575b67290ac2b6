package same

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
)

// morning is when the water rises.
var morning = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)

// report is one about a category, said at a place, some time after the first.
func report(words, category string, at geo.Point, after time.Duration) *Report {
	return &Report{
		Words: text.NewSet(words), Names: Names(words), Point: at, HasPoint: at != geo.Point{}, Category: category, At: morning.Add(after),
	}
}

func TestWhatIsOneHappening(t *testing.T) {
	t.Parallel()
	gate := geo.Point{Lng: 118.3450, Lat: 35.0600}
	const water = "排水"
	first := report("沂蒙路阳光花园东门积水很深，车都进不去", water, gate, 0)
	for _, tc := range []struct {
		name           string
		other          *Report
		joins, suggest bool
	}{
		{"a neighbour at the gate, in other words", report("我们小区门口积水，车都熄火了", water, geo.Point{Lng: 118.3453, Lat: 35.0601}, time.Hour), true, true},
		{"the next gate of the street", report("沂蒙路阳光花园西门积水很深，公交站被淹", water, geo.Point{Lng: 118.3470, Lat: 35.0600}, time.Hour), false, true},
		{"the same gate, another matter", report("烧烤摊油烟太大熏得睡不着", "油烟", gate, time.Hour), false, false},
		{"the other end of the town", report("沂蒙路金鼎花园积水，车进不去", water, geo.Point{Lng: 118.3850, Lat: 35.0600}, time.Hour), false, false},
		{"the same words, nobody knows where", report("沂蒙路阳光花园东门积水很深，车都进不去", water, geo.Point{}, time.Hour), false, true},
		{"something else, nobody knows where", report("请问公积金怎么提取", "公积金", geo.Point{}, time.Hour), false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := Compare(first, tc.other)
			needed := Needed(first, tc.other, s.Place, Join)
			joins, suggest := s.Words >= needed, s.Value >= Suggest
			if joins != tc.joins || suggest != tc.suggest {
				t.Errorf("score %+v: joins %t, suggested %t; want %t, %t", s, joins, suggest, tc.joins, tc.suggest)
			}
		})
	}
}

// What docs/intake.md says of the limits, in similarity of words.
func TestTheLimitsInWords(t *testing.T) {
	t.Parallel()
	at := func(metres float64) *Report {
		return &Report{Point: geo.Point{Lng: 118.3450, Lat: 35.0600 + metres/111_195}, HasPoint: true, Category: "a", At: morning}
	}
	town := &Report{Region: "371302105", Category: "a", At: morning}
	here := at(0)
	for _, tc := range []struct {
		name          string
		a, b          *Report
		join, general float64 // similarity from which; 2 is never
	}{
		{"at one spot", here, at(79), 0.05, 0.3},
		{"nearby", here, at(250), 0.8, 2},
		{"in one small region", town, town, 0.8, 2},
		{"further", here, at(400), 2, 2},
		{"somewhere", &Report{Category: "a", At: morning}, &Report{Category: "a", At: morning}, 2, 2},
		{"of another category", here, &Report{Point: here.Point, HasPoint: true, Category: "b", At: morning}, 2, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for limit, want := range map[float64]float64{Join: tc.join, JoinEveryday: tc.general} {
				got := Needed(tc.a, tc.b, Between(tc.a, tc.b), limit)
				if want == 2 && got <= 1 || want < 2 && math.Abs(got-want) > 0.011 {
					t.Errorf("a score of %.3f needs words alike by %.4f, want %.2f", limit, got, want)
				}
			}
		})
	}
}

// draw makes a report of few words, places and categories, so that they meet often.
func draw(t *rapid.T, label string) *Report {
	var words strings.Builder
	for _, w := range rapid.SliceOfN(rapid.SampledFrom([]string{"阳光花园", "积水", "东门", "西门", "路灯", "不亮", "，", "很深", "搅拌站"}), 0, 8).Draw(t, label+" words") {
		words.WriteString(w)
	}
	r := &Report{
		Words: text.NewSet(words.String()), Category: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, label+" category"),
		Above:  rapid.SampledFrom([]string{"", "a", "x"}).Draw(t, label+" above"),
		Region: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, label+" region"),
		At:     morning.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, label+" hours")) * time.Hour / 2),
	}
	if rapid.Bool().Draw(t, label+" has a point") {
		r.HasPoint, r.Point = true, geo.Point{Lng: 118.3 + rapid.Float64Range(0, 0.01).Draw(t, label+" lng"), Lat: 35}
	}
	return r
}

func TestTheScoreIsFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		limit := rapid.SampledFrom([]float64{Suggest, Join, JoinEveryday}).Draw(t, "limit")
		// What intake asks before it looks at the words is what the whole score says.
		s := Compare(a, b)
		place := Between(a, b)
		needed := Needed(a, b, place, limit)
		if place != s.Place {
			t.Fatalf("places %s and %s", place, s.Place)
		}
		if d := s.Value - limit; math.Abs(d) > 1e-9 && (d > 0) != (s.Words >= needed) {
			t.Fatalf("score %v with words %v; %v needs words %v", s.Value, s.Words, limit, needed)
		}
		a.Names, b.Names = Names("阳光花园"), Names("阳光花园西门")
		if rapid.Bool().Draw(t, "weighed") {
			telling := NewTelling(a.Words, b.Words, text.NewSet("阳光花园积水"))
			telling.Weigh(a)
			telling.Weigh(b)
		}
		s = Compare(a, b)
		if s.Value < 0 || s.Value > 1 || math.IsNaN(s.Value) || s.Words < 0 || s.Words > 1 {
			t.Fatalf("score %+v", s)
		}
		if back := Compare(b, a); !cmp.Equal(s, back) {
			t.Fatalf("one way %+v, the other way %+v", s, back)
		}
		near := *b
		near.Point, near.HasPoint, a.HasPoint = a.Point, true, true
		if closer := Compare(a, &near); b.HasPoint && Compare(a, b).Value > closer.Value {
			t.Fatalf("further away it scores more: %+v", closer)
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"A2区丽发新城附近的搅拌站扰民，丽发新城小区业主": {"丽发新城", "搅拌站"},
		"义堂镇滨河路与聚才八路路口积水":          {"义堂镇", "才八路", "滨河路"},
		"我们小区门口这条路坏了，该公司不管":        nil,
		"泉塘街道泉星社区":                 {"泉塘街道", "泉星社区"},
		"路":                        nil,
		"":                         nil,
		"Broadway at 5th, manhole": nil,
	} {
		got := Names(text)
		slices.Sort(want)
		if !cmp.Equal(got, want) {
			t.Errorf("%q names %q, want %q", text, got, want)
		}
	}
}

func TestCommonTellsWhatFewTextsHold(t *testing.T) {
	t.Parallel()
	a, b := "丽发新城旁边的搅拌站整夜施工，请领导尽快处理", "请领导尽快处理丽发新城附近搅拌站的噪音"
	sets := []text.Set{text.NewSet(a), text.NewSet(b)}
	for _, other := range []string{"路灯不亮，请领导尽快处理", "请领导尽快处理井盖缺失", "占道经营，请领导尽快处理", "请领导尽快处理欠薪"} {
		sets = append(sets, text.NewSet(other))
	}
	if got, want := Common(a, b, 2, NewTelling(sets...)), []string{"丽发新城", "搅拌站"}; !cmp.Equal(got, want) {
		t.Errorf("in common %q, want %q", got, want)
	}
	if got, want := Common(a, b, 5, nil), []string{"请领导尽快处理", "丽发新城", "搅拌站"}; !cmp.Equal(got, want) {
		t.Errorf("without counts in common %q, want %q", got, want)
	}
	if got := Common(a, "Broken lamp", 5, nil); got != nil {
		t.Errorf("in common with another language: %q", got)
	}
}

func FuzzCommon(f *testing.F) {
	f.Add("丽发新城搅拌站", "搅拌站在丽发新城", 3)
	f.Add("aaaa", "aaaaaaaa", 1)
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		limit = min(max(limit, 0), 50)
		words := Common(a, b, limit, nil)
		if len(words) > limit {
			t.Fatalf("%d words, at most %d were asked for", len(words), limit)
		}
		for _, w := range words {
			if !strings.Contains(text.Fold(a), w) || !strings.Contains(text.Fold(b), w) {
				t.Errorf("%q does not stand in both", w)
			}
		}
		Names(a)
	})
}

// BenchmarkCompare is one comparison as the desk makes it: weighed words of 100 characters, names and points.
func BenchmarkCompare(b *testing.B) {
	words := []string{strings.Repeat("沂蒙路阳光花园东门积水很深车都进不去", 1) + strings.Repeat("请尽快派人来抽水谢谢", 3), strings.Repeat("小区门口全是水积水到膝盖了", 4)}
	x, y := report(words[0], "a", geo.Point{Lng: 118.345, Lat: 35.06}, 0), report(words[1], "a", geo.Point{Lng: 118.3452, Lat: 35.06}, time.Hour)
	telling := NewTelling(x.Words, y.Words)
	telling.Weigh(x)
	telling.Weigh(y)
	b.ReportAllocs()
	for b.Loop() {
		Compare(x, y)
	}
}
