package routing

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// sureCategory is the confidence from which Classify names a category: one keyword of two
// characters without a rival, or more words with a weaker one.
const sureCategory = 0.5

// titleWeight is how much more a word in the title says than one in the text.
const titleWeight = 2

// classifier finds categories by their keywords.
type classifier struct {
	auto    *automaton
	owners  [][]int32 // by word: the categories it speaks for
	longest int32     // characters
}

// Suggestion is a category that a text speaks for, with the words that do.
type Suggestion struct {
	Category   string  `json:"category"`
	Confidence float64 `json:"confidence"` // 0 … 1
	Evidence   []Hit   `json:"evidence"`
}

func newClassifier(rs *Ruleset, words *wordList) classifier {
	k := classifier{longest: wordLimit}
	for i := range rs.city.Categories {
		for _, w := range rs.city.Categories[i].Keywords {
			n := words.add(w)
			if int(n) == len(k.owners) {
				k.owners = append(k.owners, nil)
			}
			if !slices.Contains(k.owners[n], int32(i)) {
				k.owners[n] = append(k.owners[n], int32(i))
			}
		}
	}
	return k
}

// Classify names the category that a text (title, a line break, text) speaks for, with the words
// that did and how sure that is. The category is empty when nothing speaks, when two speak alike,
// or when the confidence stays below one half; evidence and confidence are then those of the best.
func (rs *Ruleset) Classify(text string) (category string, evidence []Hit, confidence float64) {
	best := rs.Suggest(text, 1)
	if len(best) == 0 {
		return "", nil, 0
	}
	if best[0].Confidence >= sureCategory {
		category = best[0].Category
	}
	return category, best[0].Evidence, best[0].Confidence
}

// Subject is Classify without the words: what every request is asked.
func (rs *Ruleset) Subject(text string) (category string) {
	sp := rs.listen(text)
	if len(sp.ranked) == 0 || sp.sureness(0) < sureCategory {
		return ""
	}
	return rs.categories.ids[sp.ranked[0]]
}

// Suggest ranks the categories that a text speaks for, at most limit of them. A category's score is
// the length of its distinct keywords, doubled for those in the title; a keyword inside a longer
// one of any category does not count (路灯 inside 交通路灯).
func (rs *Ruleset) Suggest(text string, limit int) []Suggestion {
	k := &rs.subjects
	sp := rs.listen(text)
	if len(sp.ranked) == 0 {
		return nil
	}
	var origins []span
	k.auto.scan(text, nil, &origins)
	var list []Suggestion
	for n, c := range sp.ranked[:min(limit, len(sp.ranked))] {
		s := Suggestion{Category: rs.categories.ids[c], Confidence: sp.sureness(n)}
		for _, h := range sp.counted {
			if slices.Contains(k.owners[h.word], c) && len(s.Evidence) < hitLimit {
				s.Evidence = append(s.Evidence, hitAt(k.auto, h, origins))
			}
		}
		list = append(list, s)
	}
	return list
}

// speech is what the keywords of a text speak for.
type speech struct {
	ranked  []int32         // categories, the best first
	scores  map[int32]int32 // by category
	counted []occurrence    // the keywords that count
}

// listen finds the keywords. Where in the text they stand is worked out only when somebody asks: to keep
// that for every character costs more than finding them.
func (rs *Ruleset) listen(text string) (sp speech) {
	k := &rs.subjects
	hits := k.auto.scan(text, nil, nil)
	if len(hits) == 0 {
		return sp
	}
	var title []span // the characters of the title
	if end := strings.IndexByte(text, '\n'); end > 0 {
		k.auto.scan(text[:end], nil, &title)
	}
	weights := map[int32]int32{} // by word
	for i, h := range hits {
		if k.auto.enclosing(hits, int32(i), k.longest, nil) != none {
			continue
		}
		weight := k.auto.length[h.word]
		if int(h.end) < len(title) {
			weight *= titleWeight
		}
		weights[h.word] = max(weights[h.word], weight)
		sp.counted = append(sp.counted, h)
	}
	sp.scores = map[int32]int32{}
	for word, weight := range weights {
		for _, c := range k.owners[word] {
			sp.scores[c] += weight
		}
	}
	sp.ranked = slices.Collect(maps.Keys(sp.scores))
	slices.SortFunc(sp.ranked, func(a, b int32) int { return cmp.Or(cmp.Compare(sp.scores[b], sp.scores[a]), cmp.Compare(a, b)) })
	return sp
}

// sureness of the category at a rank, beside the best of the others.
func (sp *speech) sureness(rank int) float64 {
	rival := int32(0)
	if rank > 0 {
		rival = sp.scores[sp.ranked[0]]
	} else if len(sp.ranked) > 1 {
		rival = sp.scores[sp.ranked[1]]
	}
	return sureness(sp.scores[sp.ranked[rank]], rival)
}

// sureness grows with the score (one half at two characters, 0.94 at eight) and shrinks with the
// best rival's share; a tie is never sure.
func sureness(score, rival int32) float64 {
	strength := 1 - math.Exp2(-float64(score)/2)
	share := float64(score) / float64(score+rival)
	if rival >= score {
		return min(strength*share, sureCategory-0.01)
	}
	return strength * share
}
