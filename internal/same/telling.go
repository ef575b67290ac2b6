package same

import (
	"math"
	"slices"

	"github.com/citizen-hotline/gateway/internal/text"
)

// Telling knows how many of a number of texts hold a pair of characters: what few of them hold tells most.
type Telling struct {
	texts int
	in    map[uint32]int
}

// NewTelling counts the pairs of the texts that are compared.
func NewTelling(texts ...text.Set) *Telling {
	t := &Telling{texts: len(texts), in: map[uint32]int{}}
	for _, s := range texts {
		for _, p := range s.Pairs() {
			t.in[p]++
		}
	}
	return t
}

// weight is 0.69 for a pair that every text holds, and grows with the logarithm of its rarity.
func (t *Telling) weight(pair uint32) float64 {
	return math.Log(1 + float64(t.texts)/float64(max(t.in[pair], 1)))
}

// weights are what a report's words and names tell.
type weights struct {
	pairs []float64 // as Report.Words orders them
	all   float64   // their sum
	names []float64 // as Report.Names orders them, 0 … 1
}

// Weigh gives a report's words and names the weight they have among the texts.
func (t *Telling) Weigh(r *Report) {
	w := &weights{pairs: make([]float64, r.Words.Len()), names: make([]float64, len(r.Names))}
	for i, p := range r.Words.Pairs() {
		w.pairs[i] = t.weight(p)
		w.all += w.pairs[i]
	}
	for i, name := range r.Names { // by its rarest pair
		for _, p := range text.NewSet(name).Pairs() {
			w.names[i] = max(w.names[i], t.weight(p)/math.Log(1+float64(t.texts)))
		}
	}
	r.weights = w
}

// similarity is the Jaccard index of the words with each pair counted by its weight, from 0 to 1.
func similarity(a, b *Report) float64 {
	if a.weights == nil || b.weights == nil {
		return a.Words.Similarity(b.Words)
	}
	if a.weights.all == 0 || b.weights.all == 0 {
		return 0 // a text without words is like nothing
	}
	var shared float64
	x, y := a.Words.Pairs(), b.Words.Pairs()
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] < y[j]:
			i++
		case y[j] < x[i]:
			j++
		default:
			shared += a.weights.pairs[i]
			i, j = i+1, j+1
		}
	}
	return min(shared/(a.weights.all+b.weights.all-shared), 1)
}

// names are the names that both reports hold, and how much the most telling of them tells, 0 … 1.
func names(a, b *Report) (both []string, most float64) {
	for i, j := 0, 0; i < len(a.Names) && j < len(b.Names); {
		switch {
		case a.Names[i] < b.Names[j]:
			i++
		case b.Names[j] < a.Names[i]:
			j++
		default:
			both = append(both, a.Names[i])
			tells := 1.0
			if a.weights != nil {
				tells = a.weights.names[i]
			}
			most = max(most, tells)
			i, j = i+1, j+1
		}
	}
	return both, most
}

// Most is how many characters of a report are compared: a megabyte is not held against another.
const Most = 1000

// Common are the longest words that two texts hold both, the most telling first, at most limit. They are folded text of
// two characters or more, and none lies within another. Of each text the first Most characters are read.
func Common(a, b string, limit int, telling *Telling) []string {
	type word struct {
		text  string
		tells float64
	}
	var found []word
	for _, w := range shared(letters(a), letters(b)) {
		tells := 0.0
		for _, p := range text.NewSet(w).Pairs() {
			if telling == nil {
				tells++
			} else {
				tells += telling.weight(p) - math.Ln2 // what all texts hold tells nothing
			}
		}
		if tells > 0 {
			found = append(found, word{w, tells})
		}
	}
	slices.SortStableFunc(found, func(x, y word) int {
		switch {
		case x.tells > y.tells:
			return -1
		case x.tells < y.tells:
			return 1
		}
		return 0
	})
	var words []string
	for _, w := range found {
		if len(words) == limit {
			break
		}
		if !slices.ContainsFunc(words, func(o string) bool { return within(w.text, o) || within(o, w.text) }) {
			words = append(words, w.text)
		}
	}
	return words
}
