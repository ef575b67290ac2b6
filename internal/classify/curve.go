package classify

import (
	"cmp"
	"math"
	"slices"
)

// Curve says how good a model was on texts held out of its training, by confidence: what would be filled
// from each confidence on, and how much of that is right. Confidences fall, coverage rises.
type Curve []Point

// Point is one confidence of a curve.
type Point struct {
	Confidence float64 // of the least sure text that counts
	Filled     int     // texts at least as sure
	Right      int     // of them
	Of         int     // texts in all
}

// Precision is the share of those filled that are right.
func (p Point) Precision() float64 { return float64(p.Right) / float64(max(p.Filled, 1)) }

// Coverage is the share of texts that are filled.
func (p Point) Coverage() float64 { return float64(p.Filled) / float64(max(p.Of, 1)) }

// curvePoints bounds a curve: at equal steps of coverage.
const curvePoints = 200

// verdict is what a model said of a text held out, and whether it was right.
type verdict struct {
	confidence float64
	right      bool
}

// newCurve sorts verdicts into a curve.
func newCurve(verdicts []verdict) Curve {
	list := slices.Clone(verdicts)
	slices.SortFunc(list, func(a, b verdict) int { return cmp.Compare(b.confidence, a.confidence) })
	var c Curve
	right := 0
	for i, v := range list {
		if v.right {
			right++
		}
		n := i + 1
		if last := n == len(list); last || n*curvePoints/len(list) > i*curvePoints/len(list) && list[n].confidence < v.confidence {
			c = append(c, Point{float64(float32(v.confidence)), n, right, len(list)})
		}
	}
	return c
}

// certainty is how many standard deviations a precision that is promised lies below the one that was
// measured: one chance in twenty that the truth is less.
const certainty = 1.645

// At is the point with the most coverage whose precision is at least that, with a chance of error of one in
// twenty: the lower bound of Wilson's interval counts, so that a few lucky texts promise nothing. ok is
// false when there is none.
func (c Curve) At(precision float64) (p Point, ok bool) {
	for _, q := range c {
		if lowerBound(q.Right, q.Filled) >= precision {
			p, ok = q, true
		}
	}
	return p, ok
}

// lowerBound is the least share that goes with right of n (E. B. Wilson, Probable inference, the law of
// succession, and statistical inference, 1927).
func lowerBound(right, n int) float64 {
	if n == 0 {
		return 0
	}
	p, of, z := float64(right)/float64(n), float64(n), certainty
	middle := p + z*z/(2*of)
	width := z * math.Sqrt(p*(1-p)/of+z*z/(4*of*of))
	return (middle - width) / (1 + z*z/of)
}
