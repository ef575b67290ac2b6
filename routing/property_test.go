package routing

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

var someWords = []string{"落水", "防落水栏杆", "溺水", "举报", "干部", "工地", "积水", "路灯", "水", "灯", "演练", "落", "a b", "ETC"}

func wordsOf(t *rapid.T, label string, least int) []string {
	return slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(rapid.SampledFrom(someWords), least, 3).Draw(t, label))))
}

// drawCondition draws a condition that holds often enough to matter.
func drawCondition(t *rapid.T) Condition {
	var w Condition
	maybe := func(part string) bool { return rapid.IntRange(0, 3).Draw(t, part) == 0 }
	if maybe("channel") {
		w.Channel = []string{"form"}
	}
	if maybe("line") {
		w.Line = []string{"12315", "12345"}
	}
	if maybe("source") {
		w.Source = []ticket.SourceClass{ticket.SourceCitizen}
	}
	if maybe("urgency") {
		w.Urgency = []ticket.Urgency{ticket.UrgencyUrgent, ticket.UrgencyEmergency}
	}
	if maybe("category") {
		w.Category = rapid.SliceOfN(rapid.SampledFrom([]string{"city", "city.flood", "life", "trade"}), 1, 2).Draw(t, "categories")
	}
	if maybe("region") {
		w.Region = []string{rapid.SampledFrom([]string{"0", "1", "11", "2", "111"}).Draw(t, "in")}
	}
	if maybe("area") {
		w.Area = []string{"urban"}
	} else if maybe("outside") {
		w.Outside = []string{"urban"}
	}
	if maybe("tag") {
		w.Tag = []string{"x"}
	}
	if maybe("numbers") {
		low := rapid.Float64Range(0, 5).Draw(t, "min")
		w.Numbers = []Range{{Fact: rapid.SampledFrom(NumberFacts).Draw(t, "fact"), Min: &low}}
	}
	if maybe("window") {
		w.Window = &Window{From: "08:00", To: "20:00"}
	}
	if maybe("keywords") || w.given() == 0 {
		all := wordsOf(t, "words", 1)
		k := &Keywords{}
		for i, word := range all {
			switch (i + len(word)) % 3 {
			case 0:
				k.Any = append(k.Any, word)
			case 1:
				k.All = append(k.All, word)
			default:
				k.None = append(k.None, word)
			}
		}
		if slices.Contains(all, "落水") {
			k.Mask = []string{"防落水栏杆检查"}
		}
		w.Keywords = k
	}
	return w
}

func drawCity(t *rapid.T) City {
	city := smallCity()
	city.Rules = nil
	for i := range rapid.IntRange(0, 12).Draw(t, "rules") {
		r := Rule{
			ID: string(rune('a' + i)), Title: "规则", Stage: rapid.SampledFrom(ruleStages).Draw(t, "stage"), When: drawCondition(t), Source: src(60 + i),
		}
		switch rapid.IntRange(0, 4).Draw(t, "then") {
		case 0:
			r.Then.Unit = rapid.SampledFrom([]string{"centre", "water", TokenStreet, TokenDistrict}).Draw(t, "unit")
		case 1:
			r.Then.Urgency = rapid.SampledFrom(ticket.Urgencies).Draw(t, "urgency")
		case 2:
			r.Then.Triage = "desk"
		case 3:
			r.Then.Policy, r.Then.Tags = "p@1", []string{"t"}
		default:
			r.Then.Assist = []string{TokenStreet, "light"}
		}
		city.Rules = append(city.Rules, r)
	}
	return city
}

func drawFacts(t *rapid.T) *Facts {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	f := &Facts{
		Channel: pick("f.channel", "form", "wechat", ""), Line: pick("f.line", "12345", "12315", ""), Kind: ticket.KindCase,
		Source:  ticket.SourceClass(pick("f.source", "citizen", "machine")),
		Type:    ticket.TypeHelp,
		Urgency: ticket.Urgency(pick("f.urgency", "", "normal", "urgent", "emergency", "nonsense")), Category: pick("f.category", "", "city", "city.flood", "city.lamp", "life.water", "trade", "gone"),
		Region: pick("f.region", "", "0", "1", "11", "111", "12", "21", "gone"), HasPoint: rapid.Bool().Draw(t, "point"),
		Text:    strings.Join(rapid.SliceOfN(rapid.SampledFrom(append([]string{"，", " ", "\n", "的", "防落水栏杆检查"}, someWords...)), 0, 12).Draw(t, "text"), ""),
		Numbers: UnknownNumbers(), At: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0),
	}
	if f.HasPoint {
		f.Areas = rapid.SampledFrom([][]string{nil, {"urban"}, {"1", "urban"}, {"12"}}).Draw(t, "areas")
	}
	if rapid.Bool().Draw(t, "tagged") {
		f.Tags = []string{"x", "y"}
	}
	for i := range f.Numbers {
		if rapid.Bool().Draw(t, "known") {
			f.Numbers[i] = rapid.Float64Range(0, 10).Draw(t, "number")
		}
	}
	return f
}

// What every decision promises, whatever the rules and facts.
func TestDecisionProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		city := drawCity(t)
		rs, err := Compile(city)
		if err != nil {
			t.Fatalf("a drawn city does not compile: %v", err)
		}
		for range 5 {
			f := drawFacts(t)
			d := rs.Decide(f, nil).Decision()
			e := rs.Explain(f)
			if diff := cmp.Diff(d, e.Decision); diff != "" {
				t.Fatalf("recorded decision differs:\n%s", diff)
			}
			if (d.Unit == "") == (d.Triage == "") {
				t.Fatalf("unit %q and triage %q: want exactly one", d.Unit, d.Triage)
			}
			if slices.Index(ticket.Urgencies, d.Urgency) < slices.Index(ticket.Urgencies, f.Urgency) {
				t.Fatalf("urgency %q is below the request's %q", d.Urgency, f.Urgency)
			}
			for _, field := range e.Fields {
				if o := d.Origins[string(field.Field)]; o.Stage != string(field.Stage) || o.Rule != field.Rule {
					t.Fatalf("field %s explained by %s %s, decided by %+v", field.Field, field.Stage, field.Rule, o)
				}
			}
			if len(e.Fields) != len(d.Origins) || e.Text() == "" {
				t.Fatalf("%d fields explained, %d decided", len(e.Fields), len(d.Origins))
			}
			winners(t, city, e, f)
		}
	})
}

// winners checks against the condition's plain meaning that no rule before the winner holds.
func winners(t *rapid.T, city City, e Explanation, f *Facts) {
	byID := map[string]Rule{}
	for _, r := range city.Rules {
		byID[r.ID] = r
	}
	for _, r := range e.Rules {
		holds := plainly(city, byID[r.Rule].When, f)
		if r.Outcome == OutcomeWon && !holds || r.Outcome == OutcomePassedOver && holds {
			t.Fatalf("rule %s is %s (%+v), but plainly holds = %v", r.Rule, r.Outcome, r.Failed, holds)
		}
	}
}

// plainly is the meaning of a condition, written as naively as possible.
func plainly(city City, w Condition, f *Facts) bool {
	in := func(list []string, v string) bool { return list == nil || slices.Contains(list, v) }
	climb := func(list []string, id string, parent func(string) (string, bool)) bool {
		if list == nil {
			return true
		}
		for {
			up, known := parent(id)
			if !known {
				return false
			}
			if slices.Contains(list, id) {
				return true
			}
			id = up
		}
	}
	shares := func(list, have []string) bool {
		return list == nil || slices.ContainsFunc(have, func(x string) bool { return slices.Contains(list, x) })
	}
	ok := in(w.Channel, f.Channel) && in(w.Line, f.Line) && (w.Source == nil || slices.Contains(w.Source, f.Source)) &&
		(w.Urgency == nil || slices.Contains(w.Urgency, f.Urgency)) &&
		climb(w.Category, f.Category, func(id string) (string, bool) {
			i := slices.IndexFunc(city.Categories, func(c Category) bool { return c.ID == id })
			if i < 0 {
				return "", false
			}
			return city.Categories[i].Parent, true
		}) &&
		climb(w.Region, f.Region, func(id string) (string, bool) {
			i := slices.IndexFunc(city.Regions, func(r Region) bool { return r.ID == id })
			if i < 0 {
				return "", false
			}
			return city.Regions[i].Parent, true
		}) &&
		shares(w.Area, f.Areas) && shares(w.Tag, f.Tags) && (w.Outside == nil || f.HasPoint && !shares(w.Outside, f.Areas))
	local := f.At.In(zone)
	for _, r := range w.Numbers {
		v := f.Numbers[NumberIndex(r.Fact)]
		if math.IsNaN(v) && r.Fact == "hour" {
			v = float64(local.Hour()) + float64(local.Minute())/60
		}
		if math.IsNaN(v) && r.Fact == "text_length" {
			v = float64(utf8.RuneCountInString(f.Text))
		}
		ok = ok && v >= *r.Min
	}
	if w.Window != nil {
		ok = ok && local.Hour() >= 8 && local.Hour() < 20
	}
	if k := w.Keywords; k != nil {
		folded := text.Fold(f.Text)
		for _, m := range k.Mask {
			folded = strings.ReplaceAll(folded, text.Fold(m), "\x00")
		}
		has := func(word string) bool { return strings.Contains(folded, text.Fold(word)) }
		any := len(k.Any) == 0 || slices.ContainsFunc(k.Any, has)
		ok = ok && any && !slices.ContainsFunc(k.None, has) && !slices.ContainsFunc(k.All, func(w string) bool { return !has(w) })
	}
	return ok
}

// Rules of different stages may stand in any order in the pack.
func TestOrderAcrossStagesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		city := drawCity(t)
		shuffled := city
		seed := rapid.Uint64().Draw(t, "seed")
		stages := make([]int, len(city.Rules))
		for i, r := range city.Rules {
			stages[i] = slices.Index(ruleStages, r.Stage)
		}
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(stages), func(i, j int) { stages[i], stages[j] = stages[j], stages[i] })
		next := [4]int{}
		shuffled.Rules = nil
		for _, s := range stages { // the same rules, stage by stage in their order, stages interleaved anew
			for ; city.Rules[next[s]].Stage != ruleStages[s]; next[s]++ {
			}
			shuffled.Rules = append(shuffled.Rules, city.Rules[next[s]])
			next[s]++
		}
		a, errA := Compile(city)
		b, errB := Compile(shuffled)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		f := drawFacts(t)
		if diff := cmp.Diff(a.Decide(f, nil).Decision(), b.Decide(f, nil).Decision()); diff != "" {
			t.Fatalf("shuffled rules decide otherwise:\n%s", diff)
		}
	})
}

// A scan of the text as written finds what a search in the folded text finds.
func checkScan(t interface{ Errorf(string, ...any) }, a *automaton, s string) {
	var origins []span
	hits := a.scan(s, nil, &origins)
	folded := []rune(text.Fold(s))
	want := 0
	for w, word := range a.words {
		letters := []rune(word)
		for i := 0; i+len(letters) <= len(folded); i++ {
			if slices.Equal(folded[i:i+len(letters)], letters) {
				want++
				if !slices.ContainsFunc(hits, func(h occurrence) bool {
					return int(h.word) == w && strings.HasPrefix(text.Fold(s[origins[h.end-a.length[w]+1].first:]), word)
				}) {
					t.Errorf("%q at folded character %d of %q was not found", word, i, s)
				}
			}
		}
	}
	if want != len(hits) {
		t.Errorf("%d hits in %q, want %d", len(hits), s, want)
	}
	for _, h := range hits {
		hit := hitAt(a, h, origins)
		if got := text.Fold(s[hit.Start:hit.End]); got != hit.Word {
			t.Errorf("hit %+v shows %q, folded %q", hit, s[hit.Start:hit.End], got)
		}
	}
}

func scanner() *automaton {
	var words wordList
	for _, w := range []string{"落水", "水", "防落水栏杆", "水管", "a b", "b c", "ab", "etc卡", "积水", "水水", "1.5", "𠮷野", "ß", "k"} {
		words.add(w)
	}
	return newAutomaton(newAlphabet(words.list), words.list)
}

func TestScan(t *testing.T) {
	t.Parallel()
	a := scanner()
	for _, s := range []string{
		"", "落水", "落 水", "落\n水", "落\u3000\t水", "防落水栏杆水管", "水水水水", "A  B c", "a\u200bb", "ＥＴＣ卡", "積水", "１．５", "1 .5",
		"𠮷 野", "中𠮷野", "a 水", "水 a b", "\xff水\xe6", "K", "落\ufe0f水", " 水 ", "\r\n水\r\n", "ẞ", "a\x00b", "水\u0085水", "a\n b", "落𠮷 水",
	} {
		checkScan(t, a, s)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("落 水，防落水栏杆 a  b\n積水")
	f.Add("𠮷 野\xf0\x9f\x98\x80 ＫK")
	a := scanner()
	f.Fuzz(func(t *testing.T, s string) { checkScan(t, a, s) })
}

func FuzzDecide(f *testing.F) {
	f.Add("有人落水\n防落水栏杆", "city.flood", "11", int64(1_750_000_000))
	rs := compile(f, smallCity())
	f.Fuzz(func(t *testing.T, s, category, region string, at int64) {
		facts := facts(func(f *Facts) { f.Text, f.Category, f.Region, f.At = s, category, region, time.Unix(at, 0) })
		d := rs.Decide(facts, nil).Decision()
		if (d.Unit == "") == (d.Triage == "") {
			t.Errorf("unit %q, triage %q", d.Unit, d.Triage)
		}
		if diff := cmp.Diff(d, rs.Explain(facts).Decision); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzLocate(f *testing.F) {
	f.Add("河东区太平街道", "兰山\n滨河路西段", "2", 118.35, 35.05, true)
	rs := compile(f, smallCity())
	f.Fuzz(func(t *testing.T, address, story, hint string, lng, lat float64, point bool) {
		l := rs.Locate(Place{Address: address, Text: story, Hint: hint, Lng: lng, Lat: lat, HasPoint: point})
		if _, known := rs.Region(l.Region); l.Region != "" && !known || l.Confidence < 0 || l.Confidence > 1 || (l.Region == "") != (l.Confidence == 0) {
			t.Errorf("location %+v", l)
		}
	})
}

func FuzzClassify(f *testing.F) {
	f.Add("停水\n路灯不亮")
	rs := compile(f, smallCity())
	f.Fuzz(func(t *testing.T, s string) {
		category, hits, confidence := rs.Classify(s)
		if subject := rs.Subject(s); subject != category {
			t.Fatalf("the subject is %q, the category %q", subject, category)
		}
		if _, known := rs.Category(category); category != "" && !known || !(confidence >= 0 && confidence <= 1) {
			t.Errorf("category %q, confidence %v", category, confidence)
		}
		for _, h := range hits {
			if h.Start < 0 || h.End > len(s) || h.Start >= h.End {
				t.Errorf("hit %+v outside of %d bytes", h, len(s))
			}
		}
	})
}
