package classify

import (
	"context"
	"math"
	"runtime"
	"sync"
	"time"
)

// heldOut is into how many parts training texts are dealt, each held out once.
const heldOut = 5

// Options tell how a model is trained.
type Options struct {
	Trained time.Time // the day that is written into the model
	Done    func()    // after each of [Steps]; for a progress bar, may be nil. It is called by one goroutine at a time
}

// Steps is how often Train tells that it is done with one.
const Steps = heldOut + 1

// Train makes a model of samples. Texts that are given twice count once; those labelled two ways, and
// those without a category, not at all. The errors are [ErrNoSamples], [ErrOneCategory], those of the
// limits, and that of ctx.
func Train(ctx context.Context, samples []Sample, o Options) (*Model, error) {
	c, err := newCorpus(samples)
	if err != nil {
		return nil, err
	}
	return c.train(ctx, c.all(), o)
}

// train fits one model for each part held out, to learn how sure it may be, and then one of all texts.
func (c *corpus) train(ctx context.Context, of []int, o Options) (*Model, error) {
	parts := c.folds(of, heldOut)
	fits, margins := make([]*fitted, Steps), make([][]float32, len(c.docs))
	err := inParallel(Steps, o.Done, func(k int) (err error) {
		if k == heldOut {
			fits[k], err = c.fit(ctx, of)
			return err
		}
		f, err := c.fit(ctx, without(parts, k))
		if err != nil {
			return err
		}
		for _, i := range parts[k] {
			margins[i] = f.margins(&c.docs[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m := fits[heldOut].Model
	m.trained = o.Trained.UTC().Truncate(24 * time.Hour)
	m.temperature = temper(c, of, margins)
	m.curve = newCurve(verdicts(c, of, margins, m.temperature))
	return m.seal()
}

// margins are those of a text of the corpus, nil when it has no gram of the model.
func (f *fitted) margins(d *doc) []float32 {
	v := f.vector(d)
	if len(v.rows) == 0 {
		return nil
	}
	sums := make([]float32, len(f.classes))
	for n, row := range v.rows {
		for _, c := range f.of(row) {
			sums[c.class] += float32(v.values[n] * float32(c.weight))
		}
	}
	for class := range sums {
		sums[class] = float32(sums[class]*f.scale[class]) + f.bias[class]
	}
	return sums
}

// temper finds how steeply margins turn into confidences, so that these are as often right as they say:
// the least surprise (negative log likelihood) on texts held out, by golden section between 2⁻³ and 2⁶.
func temper(c *corpus, of []int, margins [][]float32) float32 {
	surprise := func(exponent float64) float64 {
		sum, t := 0.0, float32(math.Exp2(exponent))
		p := make([]float32, len(c.classes))
		for _, i := range of {
			if margins[i] == nil {
				continue
			}
			copy(p, margins[i])
			soften(p, t)
			sum -= math.Log(max(float64(p[c.docs[i].class]), 1e-9))
		}
		return sum
	}
	const golden = 0.6180339887498949
	low, high := -3.0, 6.0
	for range 30 {
		left, right := high-float64(golden*(high-low)), low+float64(golden*(high-low))
		if surprise(left) <= surprise(right) {
			high = right
		} else {
			low = left
		}
	}
	return float32(math.Exp2((low + high) / 2))
}

// verdicts judges the texts held out.
func verdicts(c *corpus, of []int, margins [][]float32, temperature float32) []verdict {
	list := make([]verdict, 0, len(of))
	for _, i := range of {
		v := verdict{}
		if p := margins[i]; p != nil {
			soften(p, temperature)
			best := largest(p)
			v = verdict{float64(p[best]), best == c.docs[i].class}
		}
		list = append(list, v)
	}
	return list
}

// largest is the place of the largest, the first of several.
func largest(p []float32) int {
	best := 0
	for i, x := range p {
		if x > p[best] {
			best = i
		}
	}
	return best
}

// inParallel does n tasks, as many at once as there are processors, and tells of each that is done. The
// error is that of the first task, by number, that failed.
func inParallel(n int, done func(), task func(k int) error) error {
	errs := make([]error, n)
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	var telling sync.Mutex
	for k := range n {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			errs[k] = task(k)
			if done != nil {
				telling.Lock()
				defer telling.Unlock()
				done()
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
