package classify_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/internal/classify"
)

// read gives the texts and categories that are the columns of a file below its header.
func read(t testing.TB, path string) []classify.Sample {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) && strings.Contains(path, "shared") {
		t.Skipf("%s is absent", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []classify.Sample
	for _, row := range rows[1:] {
		list = append(list, classify.Sample{Text: row[0], Category: row[1]})
	}
	return list
}

// ownWords are short complaints of the project's own wording, 16 of each of 25 categories.
func ownWords(t testing.TB) []classify.Sample { return read(t, "../../config/training/linyi.csv") }

// boardMessages are labelled messages to a mayor's board; they are not part of the project.
func boardMessages(t testing.TB) []classify.Sample {
	return read(t, "../../../shared/data/messages/labelled_segmented.csv")
}

func train(t testing.TB, samples []classify.Sample) *classify.Model {
	t.Helper()
	m, err := classify.Train(t.Context(), samples, classify.Options{Trained: time.Date(2026, 7, 13, 23, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func file(t testing.TB, m *classify.Model) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheModelKnowsWhatPeopleMean(t *testing.T) {
	t.Parallel()
	m := train(t, ownWords(t))
	for text, want := range map[string]string{
		"楼下餐馆炒菜的烟直往家里灌":    "04.01.01",
		"工地后半夜还在干活，吵得没法睡":  "04.02.01",
		"在工地干活，老板欠着工钱不给":   "06.01.01",
		"邻居的大狗不拴绳子，孩子不敢出门": "09.01.03",
		"供热公司说没问题，可家里还是很冷": "05.04.01",
	} {
		got := m.Classify(nil, text, 3)
		if len(got) != 3 || got[0].Category != want {
			t.Errorf("%s: %v, want %s first", text, got, want)
		}
		if !slices.IsSortedFunc(got, func(a, b classify.Candidate) int { return -1 * int((a.Confidence-b.Confidence)*1e9) }) {
			t.Errorf("%s: not ranked: %v", text, got)
		}
	}
	if m.Samples() != 400 || len(m.Categories()) != 25 || m.Trained() != time.Date(2026, 7, 13, 0, 0, 0, 0, time.UTC) || len(m.ID()) != 12 {
		t.Errorf("model %s of %s: %d texts, %d categories", m.ID(), m.Trained(), m.Samples(), len(m.Categories()))
	}
}

func TestTheOrderOfTheTextsMakesNoDifference(t *testing.T) {
	t.Parallel()
	samples := ownWords(t)
	want := file(t, train(t, samples))
	for n := range uint64(3) {
		random := rand.New(rand.NewPCG(n, 0))
		random.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		if !bytes.Equal(file(t, train(t, samples)), want) {
			t.Errorf("shuffle %d makes another model", n)
		}
	}
	twice := append(slices.Clone(samples), samples...)
	if !bytes.Equal(file(t, train(t, twice)), want) {
		t.Error("texts that are given twice count twice")
	}
}

func TestTextsLabelledTwoWaysTeachNothing(t *testing.T) {
	t.Parallel()
	samples := ownWords(t)
	want := file(t, train(t, samples))
	unsure := []classify.Sample{
		{Text: "谁来管一管这件事", Category: "05.01.01"},
		{Text: " 谁来管一管這件事 ", Category: "05.02.01"},
		{Text: "没有类别的一条", Category: "  "},
		{Text: "\u200b \n", Category: "05.02.01"},
	}
	if !bytes.Equal(file(t, train(t, append(samples, unsure...))), want) {
		t.Error("a text that is labelled two ways changes the model")
	}
}

func TestNothingCanBeLearned(t *testing.T) {
	t.Parallel()
	many := make([]classify.Sample, classify.MaxSamples+1)
	var kinds []classify.Sample
	for i := range classify.MaxCategories + 1 {
		kinds = append(kinds, classify.Sample{Text: strings.Repeat("路", i+1), Category: string(rune('一' + i))})
	}
	for name, tt := range map[string]struct {
		samples []classify.Sample
		want    string
	}{
		"nothing given":    {nil, "no labelled text: give texts with their categories"},
		"no label":         {[]classify.Sample{{Text: "路灯不亮"}, {Text: "停水了"}}, "no labelled text"},
		"no text":          {[]classify.Sample{{Text: "　\n", Category: "a"}, {Text: "", Category: "b"}}, "no labelled text"},
		"one category":     {[]classify.Sample{{Text: "路灯不亮", Category: "灯"}, {Text: "没有灯", Category: "灯"}}, `all texts have one category: nothing can be told apart; give texts of at least two (all 2 are "灯")`},
		"the wrong column": {[]classify.Sample{{Text: "灯", Category: strings.Repeat("路灯不亮", 20)}}, "is longer than 200 bytes: is it the right column?"},
		"too many texts":   {many, "200001 texts are more than 200000: take the newest"},
		"too many kinds":   {kinds, "texts have 1001 categories, more than 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := classify.Train(t.Context(), tt.samples, classify.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if _, err := classify.Evaluate(t.Context(), tt.samples, classify.EvaluateOptions{Folds: 5, Precision: 0.97}); err == nil {
				t.Error("it can be judged")
			}
		})
	}
}

func TestTrainingStopsWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := classify.Train(ctx, ownWords(t), classify.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// People write the same in many ways: what they mean does not change.
func TestWritingMakesNoDifference(t *testing.T) {
	t.Parallel()
	m := train(t, ownWords(t))
	plain := m.Classify(nil, "门口的路灯坏了12天，晚上一片漆黑，没有人来修", 25)
	for name, text := range map[string]string{
		"traditional":      "門口的路燈壞了12天，晚上一片漆黑，沒有人來修",
		"full width":       "门口的路灯坏了１２天，晚上一片漆黑，没有人来修",
		"other numbers":    "门口的路灯坏了345天，晚上一片漆黑，没有人来修",
		"cut into words":   "门口 的 路灯 坏 了 12天， 晚上 一片 漆黑，没 有人 来 修",
		"emoji and signs":  "😡门口的路灯坏了12天！！！🌃晚上一片漆黑……没有人来修🙏",
		"zero width":       "门口的路\u200b灯坏了12天，晚上一片漆黑，没有人来修\ufeff",
		"invalid at end":   "门口的路灯坏了12天，晚上一片漆黑，没有人来修\xff\xfe",
		"title and a line": "门口的路灯坏了12天\n晚上一片漆黑\n没有人来修",
	} {
		if diff := cmp.Diff(plain, m.Classify(nil, text, 25)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTextsOfAnySizeAreJudged(t *testing.T) {
	t.Parallel()
	m := train(t, ownWords(t))
	c := classify.NewClassifier(m, 0.97)
	for name, text := range map[string]string{
		"nothing": "", "signs": "？？！…", "one emoji": "😡", "foreign": "Здравствуйте", "invalid": "\xff\xfe\x80", "NUL": "\x00\x00",
	} {
		if got := m.Classify(nil, text, 3); got != nil || c.Read(text) != nil || m.Spoken(text, 3) != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	mib := strings.Repeat("楼下餐馆炒菜的烟直往家里灌。", 1<<20/42+1)
	if got := m.Classify(nil, mib, 1); len(got) != 1 || got[0].Category != "04.01.01" {
		t.Errorf("a mebibyte: %v", got)
	}
	if got := m.Classify(nil, strings.Repeat("餐", 1<<20), 1); len(got) != 1 {
		t.Errorf("one character a million times: %v", got)
	}
}

// What is told of a text is in it, twice nothing, and no number.
func TestGramsThatSpoke(t *testing.T) {
	t.Parallel()
	m := train(t, ownWords(t))
	got := m.Spoken("我家楼下13号餐馆炒菜的烟直往楼上跑，窗户都不敢开，电话13905390001", 5)
	if !slices.Contains(got, "炒菜") || len(got) < 3 || len(got) > 5 {
		t.Errorf("spoke: %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("楼下餐馆炒菜的烟工地半夜还在干活12３9 ，。不给工资"))).Draw(t, "text")
		list := m.Spoken(text, 4)
		if len(list) > 4 {
			t.Fatalf("%d grams", len(list))
		}
		for i, g := range list {
			if n := len([]rune(g)); n < 2 || n > 3 || strings.ContainsAny(g, "0123456789") {
				t.Fatalf("gram %q", g)
			}
			for _, other := range list[:i] {
				if strings.Contains(g, other) || strings.Contains(other, g) {
					t.Fatalf("%q says %q again", g, other)
				}
			}
		}
	})
}

// Names, telephones and addresses of single citizens must not get into a model: what fewer than three
// different texts have is not learned, however often these have it.
func TestWhatFewTextsHaveIsNotLearned(t *testing.T) {
	t.Parallel()
	samples := ownWords(t)
	rare := append(slices.Clone(samples),
		classify.Sample{Text: "龘靐齉家的狗又叫，龘靐齉不管", Category: "09.01.03"},
		classify.Sample{Text: "龘靐齉养的狗咬人，龘靐齉不认", Category: "09.01.03"})
	if got := train(t, rare).Classify(nil, "龘靐齉", 1); got != nil {
		t.Errorf("a name that two texts have speaks: %v", got)
	}
	rare = append(rare, classify.Sample{Text: "又是龘靐齉的狗在叫", Category: "09.01.03"})
	if got := train(t, rare).Classify(nil, "龘靐齉", 1); len(got) == 0 || got[0].Category != "09.01.03" {
		t.Errorf("a word that three texts have does not speak: %v", got)
	}
}

// Whatever it was trained from, a model read from its file is the same model.
func TestAModelSurvivesItsFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringOfN(rapid.SampledFrom([]rune("路灯不亮停水电a1 ，狗")), 1, 8, -1)
		sample := rapid.Custom(func(t *rapid.T) classify.Sample {
			return classify.Sample{Text: words.Draw(t, "text"), Category: rapid.SampledFrom([]string{"灯", "水", "狗"}).Draw(t, "category")}
		})
		m, err := classify.Train(context.Background(), rapid.SliceOfN(sample, 2, 60).Draw(t, "samples"), classify.Options{Trained: time.Unix(1e9, 0)})
		if errors.Is(err, classify.ErrNoSamples) || errors.Is(err, classify.ErrOneCategory) {
			t.Skip("nothing to learn")
		}
		if err != nil {
			t.Fatal(err)
		}
		first, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		back, err := classify.Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := back.MarshalBinary()
		if err != nil || !bytes.Equal(first, second) || m.ID() != back.ID() {
			t.Fatalf("%d bytes became %d, %v", len(first), len(second), err)
		}
		text := words.Draw(t, "judged")
		if diff := cmp.Diff(m.Classify(nil, text, 3), back.Classify(nil, text, 3)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestClassifyDoesNotAllocate(t *testing.T) { //nolint:paralleltest // it counts allocations
	if underRace {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	m := train(t, ownWords(t))
	room := make([]classify.Candidate, 0, 3)
	if n := testing.AllocsPerRun(100, func() { room = m.Classify(room[:0], message, 3) }); n != 0 {
		t.Errorf("%g allocations a message", n)
	}
}
