package classify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Report is how good the models of a training set are, measured on texts that none of them had seen: the
// set is dealt into folds, and each is judged by a model trained from the others.
type Report struct {
	Samples    int             `json:"samples"` // those given twice or labelled two ways left out
	Folds      int             `json:"folds"`
	Accuracy   float64         `json:"accuracy"`
	MacroF1    float64         `json:"macro_f1"` // the mean of the categories' F1
	Categories []CategoryScore `json:"categories"`
	Confusion  [][]int         `json:"confusion"` // texts by true category and by the model's, in the order of Categories
	Curve      Curve           `json:"curve"`
	Cutoff     Cutoff          `json:"cutoff"`
}

// CategoryScore is how good the models are at one category.
type CategoryScore struct {
	Category  string  `json:"category"`
	Samples   int     `json:"samples"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// Cutoff is what would be filled when each fold's cut-off comes from its own training texts.
type Cutoff struct {
	Wanted    float64 `json:"wanted"` // precision
	Precision float64 `json:"precision"`
	Coverage  float64 `json:"coverage"`
	Filled    int     `json:"filled"`
	Right     int     `json:"right"`
}

// MaxFolds bounds the folds of an evaluation.
const MaxFolds = 20

// EvaluateOptions tell how samples are judged.
type EvaluateOptions struct {
	Folds     int     // 2 … [MaxFolds]
	Precision float64 // that is wanted of what is filled
	Done      func()  // after each fold; may be nil
}

// Evaluate judges what Train makes of samples. Its errors are those of Train, and one of options.
func Evaluate(ctx context.Context, samples []Sample, o EvaluateOptions) (*Report, error) {
	if o.Folds < 2 || o.Folds > MaxFolds {
		return nil, fmt.Errorf("folds %d: give 2 to %d", o.Folds, MaxFolds)
	}
	if !(o.Precision > 0 && o.Precision < 1) {
		return nil, fmt.Errorf("precision %g: give more than 0 and less than 1", o.Precision)
	}
	c, err := newCorpus(samples)
	if err != nil {
		return nil, err
	}
	parts := c.folds(c.all(), o.Folds)
	given := make([]answer, len(c.docs))
	err = inParallel(o.Folds, o.Done, func(k int) error {
		m, err := c.train(ctx, without(parts, k), Options{})
		if err != nil {
			return err
		}
		cutoff, reached := m.curve.At(o.Precision)
		for _, i := range parts[k] {
			class, confidence := m.best(c.docs[i].text)
			given[i] = answer{class, confidence, reached && class >= 0 && confidence >= cutoff.Confidence}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.report(given, o), nil
}

// answer is a model's word on a text held out.
type answer struct {
	class      int // −1: none
	confidence float64
	filled     bool
}

// best is the category that Classify ranks first, by number; −1 for a text without a gram of the model.
func (m *Model) best(text string) (class int, confidence float64) {
	s := m.spare.Get().(*scratch)
	defer m.spare.Put(s)
	if !m.read(s, text) {
		return -1, 0
	}
	m.rank(s)
	return s.ranked[0].class, float64(s.ranked[0].confidence)
}

// report sums answers up.
func (c *corpus) report(given []answer, o EvaluateOptions) *Report {
	classes := len(c.classes)
	r := &Report{Samples: len(c.docs), Folds: o.Folds, Confusion: make([][]int, classes), Cutoff: Cutoff{Wanted: o.Precision}}
	for k := range r.Confusion {
		r.Confusion[k] = make([]int, classes)
	}
	texts, named := make([]int, classes), make([]int, classes)
	list := make([]verdict, len(given))
	right := 0
	for i, a := range given {
		truth := c.docs[i].class
		texts[truth]++
		hit := a.class == truth
		list[i] = verdict{a.confidence, hit}
		if hit {
			right++
		}
		if a.class >= 0 {
			named[a.class]++
			r.Confusion[truth][a.class]++
		}
		if a.filled {
			r.Cutoff.Filled++
			if hit {
				r.Cutoff.Right++
			}
		}
	}
	for k, name := range c.classes {
		s := CategoryScore{Category: name, Samples: texts[k], Precision: share(r.Confusion[k][k], named[k]), Recall: share(r.Confusion[k][k], texts[k])}
		s.F1 = share(2*r.Confusion[k][k], texts[k]+named[k])
		r.MacroF1 += s.F1 / float64(classes)
		r.Categories = append(r.Categories, s)
	}
	r.Accuracy, r.Curve = share(right, len(given)), newCurve(list)
	r.Cutoff.Precision, r.Cutoff.Coverage = share(r.Cutoff.Right, r.Cutoff.Filled), share(r.Cutoff.Filled, len(given))
	return r
}

func share(part, of int) float64 { return float64(part) / float64(max(of, 1)) }

// Text is the report for a terminal.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "texts %d, folds %d\naccuracy %.4f, macro-F1 %.4f\n", r.Samples, r.Folds, r.Accuracy, r.MacroF1)
	fmt.Fprintf(&b, "cut-off from the training folds for a precision of %g: precision %.4f at coverage %.4f (%d of %d right)\n\n",
		r.Cutoff.Wanted, r.Cutoff.Precision, r.Cutoff.Coverage, r.Cutoff.Right, r.Cutoff.Filled)
	b.WriteString("precision  recall      F1   texts  category: taken for others\n")
	for k, s := range r.Categories {
		fmt.Fprintf(&b, "%9.4f  %.4f  %.4f  %6d  %s:", s.Precision, s.Recall, s.F1, s.Samples, s.Category)
		for _, other := range mistakes(r.Confusion[k], k) {
			fmt.Fprintf(&b, " %s %d", r.Categories[other].Category, r.Confusion[k][other])
		}
		b.WriteByte('\n')
	}
	b.WriteString("\ncoverage  precision  confidence\n")
	next := 0.0
	for _, p := range r.Curve {
		if p.Coverage() >= next {
			fmt.Fprintf(&b, "%8.4f  %9.4f  %10.4f\n", p.Coverage(), p.Precision(), p.Confidence)
			next = p.Coverage() + 0.05
		}
	}
	return b.String()
}

// mistakes lists the categories that texts of one were most taken for, at most five.
func mistakes(row []int, own int) []int {
	var list []int
	for k, n := range row {
		if n > 0 && k != own {
			list = append(list, k)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(row[b], row[a]) })
	return list[:min(len(list), 5)]
}
