package classify_test

import (
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/classify"
	"github.com/citizen-hotline/gateway/ticket"
)

func evaluate(t testing.TB, samples []classify.Sample) *classify.Report {
	t.Helper()
	r, err := classify.Evaluate(t.Context(), samples, classify.EvaluateOptions{Folds: 5, Precision: 0.97})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The figures that are asked for, on messages that people wrote.
func TestFiguresOnRealMessages(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it trains thirty models")
	}
	samples := boardMessages(t)
	if underRace {
		var some []classify.Sample // the detector makes it slow, and the figures are no others
		for i := 0; i < len(samples); i += 8 {
			some = append(some, samples[i])
		}
		if r := evaluate(t, some); r.Accuracy < 0.75 {
			t.Errorf("accuracy %.4f of an eighth of the messages", r.Accuracy)
		}
		return
	}
	r := evaluate(t, samples)
	t.Logf("accuracy %.4f, macro-F1 %.4f, precision %.4f at coverage %.4f", r.Accuracy, r.MacroF1, r.Cutoff.Precision, r.Cutoff.Coverage)
	if r.MacroF1 < 0.90 {
		t.Errorf("macro-F1 %.4f", r.MacroF1)
	}
	if r.Cutoff.Precision < 0.97 || r.Cutoff.Coverage < 0.60 {
		t.Errorf("precision %.4f at coverage %.4f", r.Cutoff.Precision, r.Cutoff.Coverage)
	}
}

func TestTheReportAddsUp(t *testing.T) {
	t.Parallel()
	r := evaluate(t, ownWords(t))
	texts, right := 0, 0
	for k, s := range r.Categories {
		row := 0
		for _, n := range r.Confusion[k] {
			row += n
		}
		if row > s.Samples || s.Samples != 16 {
			t.Errorf("%s: %d texts, %d in the confusion", s.Category, s.Samples, row)
		}
		texts, right = texts+s.Samples, right+r.Confusion[k][k]
	}
	last := r.Curve[len(r.Curve)-1]
	if texts != r.Samples || texts != 400 || float64(right)/400 != r.Accuracy || last.Filled != 400 || last.Right != right || last.Coverage() != 1 {
		t.Errorf("%d texts, %d right, accuracy %g, curve ends at %+v", texts, right, r.Accuracy, last)
	}
	for i, p := range r.Curve[1:] {
		if before := r.Curve[i]; p.Confidence > before.Confidence || p.Filled <= before.Filled || p.Right < before.Right {
			t.Errorf("curve: %+v after %+v", p, before)
		}
	}
	for _, want := range []string{"texts 400, folds 5\n", "macro-F1 0.", "\n   0.9333", " 04.01.03:", "\ncoverage  precision  confidence\n"} {
		if !strings.Contains(r.Text(), want) {
			t.Errorf("the report lacks %q:\n%s", want, r.Text())
		}
	}
}

func TestEvaluateWantsSenseOfItsOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []classify.EvaluateOptions{{Folds: 1, Precision: 0.9}, {Folds: 21, Precision: 0.9}, {Folds: 5}, {Folds: 5, Precision: 1}} {
		if _, err := classify.Evaluate(t.Context(), ownWords(t), o); err == nil || !strings.Contains(err.Error(), "give") {
			t.Errorf("%+v: error %v", o, err)
		}
	}
}

func TestAFewLuckyTextsPromiseNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		curve classify.Curve
		want  int // filled; 0: no cut-off
	}{
		"twenty right":          {classify.Curve{{0.9, 20, 20, 40}, {0.1, 40, 30, 40}}, 0},
		"a hundred right":       {classify.Curve{{0.9, 100, 100, 200}, {0.1, 200, 150, 200}}, 100},
		"the later point holds": {classify.Curve{{0.9, 50, 49, 2000}, {0.8, 1000, 985, 2000}, {0.1, 2000, 1800, 2000}}, 1000},
		"97 of 100 is too few":  {classify.Curve{{0.5, 100, 97, 100}}, 0},
		"no curve":              {nil, 0},
	} {
		p, ok := tt.curve.At(0.97)
		if p.Filled != tt.want || ok != (tt.want > 0) {
			t.Errorf("%s: %+v %t, want %d filled", name, p, ok, tt.want)
		}
	}
}

func TestReadFillsInOrSuggests(t *testing.T) {
	t.Parallel()
	m := train(t, ownWords(t))
	c := classify.NewClassifier(m, 0.97)
	cutoff, ok := c.Cutoff()
	if !ok || cutoff <= 0.5 || cutoff >= 1 {
		t.Fatalf("cut-off %g %t", cutoff, ok)
	}
	sure := c.Read("楼下餐馆炒菜的烟直往楼上跑，窗户不敢开")
	if sure.Model != m.ID() || sure.Category != "04.01.01" || sure.Confidence < cutoff-0.001 || len(sure.Grams) == 0 || sure.Suggestions != nil {
		t.Errorf("sure: %+v", sure)
	}
	unsure := c.Read("他们家天天这样，能不能管一管")
	if unsure.Category != "" || unsure.Grams != nil || len(unsure.Suggestions) != 3 || unsure.Suggestions[0].Confidence < unsure.Suggestions[1].Confidence {
		t.Errorf("unsure: %+v", unsure)
	}
	never := classify.NewClassifier(m, 0.9999)
	if said := never.Read("楼下餐馆炒菜的烟直往楼上跑，窗户不敢开"); said.Category != "" || said.Suggestions[0].Category != "04.01.01" {
		t.Errorf("a precision that was never measured is promised: %+v", said)
	}
}

func TestCompleteAsksOnlyWhereNothingElseSpeaks(t *testing.T) {
	t.Parallel()
	c := classify.NewClassifier(train(t, ownWords(t)), 0.97)
	text := "楼下餐馆炒菜的烟直往楼上跑，窗户不敢开"
	if got, said := c.Complete("05.01.01", text); got != "05.01.01" || said != nil {
		t.Errorf("the keywords said 05.01.01, and it became %s (%+v)", got, said)
	}
	if got, said := c.Complete("", text); got != "04.01.01" || said == nil {
		t.Errorf("nobody said anything, and it became %q (%+v)", got, said)
	}
	var none *classify.Classifier
	if got, said := none.Complete("", text); got != "" || said != (*ticket.Classified)(nil) {
		t.Errorf("no classifier says %q (%+v)", got, said)
	}
}
