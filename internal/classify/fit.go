package classify

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// How a model is fitted. Measured on real messages of seven categories; see docs/routing.md.
const (
	minTexts = 3       // different texts that have a gram that is learned
	maxRows  = 1 << 14 // grams of a model
	passes   = 15      // over the texts
	cost     = 1.0     // of a text on the wrong side, against the size of the weights
	faint    = 3       // smaller weights, of 127, are left out
	seed     = 12345
)

// fitted is a model in the making, with the rows by number of gram in the corpus.
type fitted struct {
	*Model
	rowOf []int32 // −1: not in the model
}

// fit learns from some texts of a corpus.
func (c *corpus) fit(ctx context.Context, of []int) (*fitted, error) {
	rows, spread := c.choose(of)
	f := &fitted{rowOf: make([]int32, len(c.hashes)), Model: &Model{classes: c.classes, samples: len(of)}}
	for i := range f.rowOf {
		f.rowOf[i] = -1
	}
	for row, g := range rows {
		f.rowOf[g] = int32(row)
		f.hashes = append(f.hashes, c.hashes[g])
		f.spread = append(f.spread, spread[g])
	}
	f.weigh()
	weights, err := f.descend(ctx, c, of)
	if err != nil {
		return nil, err
	}
	f.quantise(weights)
	return f, nil
}

// choose takes the grams that enough of the texts have; where there are more than a model may hold, those
// that tell one category best from the others, by chi-squared.
func (c *corpus) choose(of []int) (rows []int32, spread []int32) {
	classes := len(c.classes)
	spread = make([]int32, len(c.hashes))
	within := make([]int32, len(c.hashes)*classes)
	texts := make([]float64, classes)
	for _, i := range of {
		d := &c.docs[i]
		texts[d.class]++
		for _, t := range d.terms {
			spread[t.gram]++
			within[int(t.gram)*classes+d.class]++
		}
	}
	for g, n := range spread {
		if n >= minTexts {
			rows = append(rows, int32(g))
		}
	}
	if len(rows) <= maxRows {
		return rows, spread
	}
	score := make([]float64, len(c.hashes))
	for _, g := range rows {
		for k, n := range texts {
			score[g] = max(score[g], chiSquared(float64(within[int(g)*classes+k]), float64(spread[g]), n, float64(len(of))))
		}
	}
	slices.SortFunc(rows, func(a, b int32) int { return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(a, b)) })
	rows = rows[:maxRows]
	slices.Sort(rows)
	return rows, spread
}

// chiSquared says how far a gram and a category are from meeting by chance: both texts of all have both,
// gram texts the gram, class texts the category.
func chiSquared(both, gram, class, all float64) float64 {
	d := float64(both*all) - float64(gram*class)
	below := gram * (all - gram) * class * (all - class)
	if below == 0 {
		return 0
	}
	return d * d * all / below
}

// vector is a text as the descent sees it: rows of the model and their TF-IDF values, of length 1 together.
type vector struct {
	rows   []int32
	values []float32
}

// vector gives the text's rows with their values.
func (f *fitted) vector(d *doc) vector {
	v := vector{make([]int32, 0, len(d.terms)), make([]float32, 0, len(d.terms))}
	sum := 0.0
	for _, t := range d.terms {
		row := f.rowOf[t.gram]
		if row < 0 {
			continue
		}
		x := f.term(int(t.count)) * f.rarity[row]
		sum += float64(x * x)
		v.rows, v.values = append(v.rows, row), append(v.values, x)
	}
	if sum > 0 {
		scale := float32(1 / math.Sqrt(sum))
		for i := range v.values {
			v.values[i] *= scale
		}
	}
	return v
}

// descend finds the weights, those of a row side by side and the biases as a last row. All categories are
// solved in one pass over the texts.
//
// Here and elsewhere products are converted before they are added: that keeps a compiler from fusing both
// into one step, whose last bit would be another one on another machine.
func (f *fitted) descend(ctx context.Context, c *corpus, of []int) ([]float32, error) {
	classes := len(c.classes)
	w := make([]float32, (len(f.hashes)+1)*classes)
	bias := w[len(f.hashes)*classes:]
	vectors := make([]vector, len(of))
	for k, i := range of {
		vectors[k] = f.vector(&c.docs[i])
	}
	alpha := make([]float32, len(of)*classes)
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // the order must be the same each time
	const diagonal = float32(1 / (2 * cost))
	margin, step := make([]float32, classes), make([]float32, classes)
	for range passes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, k := range order {
			v := &vectors[k]
			copy(margin, bias)
			for n, row := range v.rows {
				x := v.values[n]
				for class, weight := range w[int(row)*classes:][:classes] {
					margin[class] += float32(x * weight)
				}
			}
			moved := false
			own := alpha[k*classes:][:classes]
			for class := range margin {
				y := float32(-1)
				if c.docs[of[k]].class == class {
					y = 1
				}
				gradient := float32(y*margin[class]) - 1 + float32(diagonal*own[class])
				next := max(own[class]-gradient/(2+diagonal), 0) // the text's length is 1, and 1 more for the bias
				step[class] = float32(y * (next - own[class]))
				own[class] = next
				moved = moved || step[class] != 0
			}
			if !moved {
				continue
			}
			for n, row := range v.rows {
				x := v.values[n]
				weights := w[int(row)*classes:][:classes]
				for class := range weights {
					weights[class] += float32(x * step[class])
				}
			}
			for class := range bias {
				bias[class] += step[class]
			}
		}
	}
	return w, nil
}
