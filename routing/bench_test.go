package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// benchText is 200 characters long, 600 bytes but for one line break, and written as citizens do.
const benchText = "小区门口路灯连续多日不亮夜间出行不便\n" +
	"您好，我是金源小区的业主，小区北门到公交站之间大约有两百米的道路，从上个月开始路灯就陆续不亮，目前已经有十多盏灯完全熄灭，" +
	"晚上老人和放学的孩子经过时非常害怕，前几天还有一位骑车的大姐因为看不清路面的坑洼摔倒受伤。我们多次向物业反映，物业答复说这段路不归他们管，" +
	"让我们找市政部门。希望有关部门尽快派人维修，并请明确这段道路的管理单位，给附近居民一个满意的答复，谢谢你们的辛苦工作。"

// commonChars are among the most used characters, so that made-up keywords share beginnings with real text.
var commonChars = []rune("的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处理世车")

// made is a made-up keyword of three to five characters.
func made(r *rand.Rand) string {
	var b strings.Builder
	for range 3 + r.IntN(3) {
		b.WriteRune(commonChars[r.IntN(len(commonChars))])
	}
	return b.String()
}

// keywordCity has n rules that look at nothing but the text.
func keywordCity(n int) City {
	city := bigCity()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		rule := Rule{ID: fmt.Sprintf("k%d", i), Title: "词", Stage: ruleStages[i%3], Source: src(i), Then: Action{Unit: "centre", Tags: []string{"t"}}}
		k := &Keywords{Any: []string{made(r), fmt.Sprint(made(r), "处")}}
		switch i % 10 {
		case 0:
			k.None = []string{fmt.Sprint("不", made(r))}
		case 1:
			k.Mask = []string{"防" + k.Any[0]}
		case 2:
			k.Any, k.All = nil, []string{"路灯", made(r)}
		}
		rule.When.Keywords = k
		city.Rules = append(city.Rules, rule)
	}
	city.Rules[n-1].When.Keywords = &Keywords{Any: []string{"连续多日不亮"}} // one of them holds
	return city
}

// mixedCity has n rules as a city writes them: half by category and region, the rest by channel,
// line, number, time and area, one in five by keywords alone.
func mixedCity(n int) City {
	city := bigCity()
	r := rand.New(rand.NewPCG(3, 4))
	low := 3.0
	for i := range n {
		rule := Rule{ID: fmt.Sprintf("m%d", i), Title: "杂", Stage: ruleStages[i%3], Source: src(i), Then: Action{Unit: TokenStreet, Urgency: ticket.UrgencyUrgent}}
		w := &rule.When
		category := fmt.Sprintf("city.k%d", r.IntN(100))
		region := []string{"1", "2", "11", "12", "13", "21", "22"}[r.IntN(7)]
		switch i % 10 {
		case 0, 1, 2:
			w.Category, w.Region = []string{category}, []string{region}
		case 3:
			w.Category, w.Keywords = []string{category}, &Keywords{Any: []string{made(r), made(r)}}
		case 4:
			w.Region, w.Numbers = []string{region}, []Range{{Fact: "reports_nearby", Min: &low}}
		case 5:
			w.Line, w.Type = []string{fmt.Sprintf("12%03d", r.IntN(50))}, []ticket.RequestType{ticket.TypeComplaint}
		case 6:
			w.Channel, w.Window = []string{fmt.Sprintf("channel-%d", r.IntN(50))}, &Window{From: "22:00", To: "06:00"}
		case 7:
			w.Category, w.Outside = []string{category}, []string{"urban"}
		default:
			w.Keywords = &Keywords{Any: []string{made(r), made(r)}, Mask: nil}
		}
		city.Rules = append(city.Rules, rule)
	}
	return city
}

func benchFacts() *Facts {
	return facts(func(f *Facts) {
		f.Channel, f.Line, f.Category, f.Region, f.Text = "channel-7", "12007", "city.k42", "11", benchText
		f.HasPoint, f.Areas = true, []string{"urban", "1"}
		f.Numbers = Numbers{1, 0, 9.5, 200, 0, 0, 0}
	})
}

var sink Result

func benchmarkDecide(b *testing.B, city City) {
	rs := compile(b, city)
	f := benchFacts()
	b.ReportAllocs()
	for b.Loop() {
		sink = rs.Decide(f, nil)
	}
}

func BenchmarkDecideMixed1000(b *testing.B)     { benchmarkDecide(b, mixedCity(1000)) }
func BenchmarkDecideKeywords10000(b *testing.B) { benchmarkDecide(b, keywordCity(10000)) }

// The yardstick: fold the text once, then try every rule in order with strings.Contains.
func benchmarkNaive(b *testing.B, city City) {
	f := benchFacts()
	compile(b, city)
	folded := make([]Condition, len(city.Rules))
	for i, r := range city.Rules {
		folded[i] = r.When
	}
	var won [4]string
	b.ReportAllocs()
	for b.Loop() {
		won = [4]string{}
		s := text.Fold(f.Text)
		for i := range folded {
			if naive(&folded[i], f, s) {
				for n, stage := range ruleStages {
					if city.Rules[i].Stage == stage && won[n] == "" {
						won[n] = city.Rules[i].ID
					}
				}
			}
		}
	}
	_ = won
}

// naive tries only what excludes most; it ignores masks, so it does less than Decide.
func naive(w *Condition, f *Facts, folded string) bool {
	has := func(list []string, v string) bool {
		if slices.Contains(list, v) {
			return true
		}
		return list == nil
	}
	if !has(w.Channel, f.Channel) || !has(w.Line, f.Line) || !has(w.Category, f.Category) || !has(w.Region, f.Region) || w.Window != nil {
		return false
	}
	if k := w.Keywords; k != nil {
		any := k.Any == nil
		for _, x := range k.Any {
			any = any || strings.Contains(folded, x)
		}
		for _, x := range k.All {
			any = any && strings.Contains(folded, x)
		}
		return any
	}
	return true
}

func BenchmarkNaiveMixed1000(b *testing.B)     { benchmarkNaive(b, mixedCity(1000)) }
func BenchmarkNaiveKeywords10000(b *testing.B) { benchmarkNaive(b, keywordCity(10000)) }

func BenchmarkCompile10000(b *testing.B) {
	city := keywordCity(5000)
	mixed := mixedCity(5000)
	city.Rules = append(city.Rules, mixed.Rules...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(city); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileSmall(b *testing.B) {
	city := smallCity()
	for b.Loop() {
		if _, err := Compile(city); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExplain10000(b *testing.B) {
	rs := compile(b, keywordCity(10000))
	f := benchFacts()
	b.ReportAllocs()
	for b.Loop() {
		rs.Explain(f)
	}
}

func BenchmarkLocate(b *testing.B) {
	rs := compile(b, smallCity())
	p := Place{Address: "临沂市兰山区义堂镇朱潘村", Text: benchText}
	b.ReportAllocs()
	for b.Loop() {
		rs.Locate(p)
	}
}

func BenchmarkClassify(b *testing.B) {
	rs := compile(b, smallCity())
	b.ReportAllocs()
	for b.Loop() {
		rs.Classify(benchText)
	}
}

func TestDecideDoesNotAllocate(t *testing.T) { //nolint:paralleltest // counting allocations needs the process to itself
	if underRace {
		t.Skip("the race detector empties pools at random")
	}
	for name, city := range map[string]City{"small": smallCity(), "mixed": mixedCity(1000), "keywords": keywordCity(1000)} {
		rs := compile(t, city)
		f := benchFacts()
		if n := testing.AllocsPerRun(200, func() { sink = rs.Decide(f, nil) }); n != 0 {
			t.Errorf("%s: %v allocations per decision", name, n)
		}
	}
}
