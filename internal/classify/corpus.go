package classify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Sample is a text with the category it belongs to.
type Sample struct {
	Text     string
	Category string
}

// The limits of training and of a model.
const (
	MaxCategories = 1000
	MaxSamples    = 200_000
	maxName       = 200 // bytes of a category's name
)

// The errors of samples that nothing can be learned from.
var (
	ErrNoSamples   = errors.New("no labelled text: give texts with their categories")
	ErrOneCategory = errors.New("all texts have one category: nothing can be told apart; give texts of at least two")
)

// corpus is what samples are to training: grams by number, in an order that depends on nothing but the
// texts themselves.
type corpus struct {
	classes []string // sorted
	docs    []doc
	hashes  []uint32 // by number of gram, ascending
}

// doc is one text.
type doc struct {
	class int
	text  string // folded
	terms []term // ascending
}

// term is a gram of a text and how often it stands there.
type term struct {
	gram  int32
	count uint16
}

// foldedSample is a sample on its way into a corpus.
type foldedSample struct {
	digest   [sha256.Size]byte
	text     []byte
	category string
}

// newCorpus drops texts without words, texts given twice, and texts that are labelled two ways, which
// teach nothing.
func newCorpus(samples []Sample) (*corpus, error) {
	list, err := distinct(samples)
	if err != nil {
		return nil, err
	}
	c := &corpus{docs: make([]doc, len(list))}
	for i := range list {
		c.classes = append(c.classes, list[i].category)
	}
	slices.Sort(c.classes)
	c.classes = slices.Compact(c.classes)
	if len(c.classes) < 2 {
		return nil, fmt.Errorf("%w (all %d are %q)", ErrOneCategory, len(list), c.classes[0])
	}
	if len(c.classes) > MaxCategories {
		return nil, fmt.Errorf("texts have %d categories, more than %d: join those that few texts have", len(c.classes), MaxCategories)
	}
	grams := make([][]counted, len(list))
	spread := map[uint32]int32{} // texts that have a gram
	for i := range list {
		grams[i] = count(list[i].text)
		for _, g := range grams[i] {
			spread[g.hash]++
		}
	}
	for hash, n := range spread {
		if n >= minTexts {
			c.hashes = append(c.hashes, hash)
		}
	}
	slices.Sort(c.hashes)
	clear(spread)
	for n, hash := range c.hashes {
		spread[hash] = int32(n) + 1
	}
	for i := range list {
		d := &c.docs[i]
		d.text = string(list[i].text)
		d.class, _ = slices.BinarySearch(c.classes, list[i].category)
		for _, g := range grams[i] {
			if n := spread[g.hash]; n > 0 {
				d.terms = append(d.terms, term{n - 1, g.count})
			}
		}
		grams[i] = nil
	}
	return c, nil
}

// distinct checks samples and puts them into the order of their digests.
func distinct(samples []Sample) ([]foldedSample, error) {
	if len(samples) > MaxSamples {
		return nil, fmt.Errorf("%d texts are more than %d: take the newest", len(samples), MaxSamples)
	}
	list := make([]foldedSample, 0, len(samples))
	for _, s := range samples {
		s.Category = strings.TrimSpace(s.Category)
		if s.Category == "" {
			continue
		}
		if len(s.Category) > maxName {
			return nil, fmt.Errorf("category %.20q… is longer than %d bytes: is it the right column?", s.Category, maxName)
		}
		f := foldedSample{text: fold(nil, s.Text), category: s.Category}
		if len(f.text) > 0 {
			f.digest = sha256.Sum256(f.text)
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b foldedSample) int {
		return cmp.Or(bytes.Compare(a.digest[:], b.digest[:]), strings.Compare(a.category, b.category))
	})
	list = slices.CompactFunc(list, func(a, b foldedSample) bool { return a.digest == b.digest && a.category == b.category })
	unsure := func(i int) bool {
		return i > 0 && list[i].digest == list[i-1].digest || i+1 < len(list) && list[i].digest == list[i+1].digest
	}
	var sure []foldedSample
	for i := range list {
		if !unsure(i) {
			sure = append(sure, list[i])
		}
	}
	if len(sure) == 0 {
		return nil, ErrNoSamples
	}
	return sure, nil
}

// counted is a gram of a text by its hash.
type counted struct {
	hash  uint32
	count uint16
}

// count lists the grams of folded text, ascending, each once.
func count(folded []byte) []counted {
	var all []uint32
	eachGram(folded, func(hash uint32, _, _ int) { all = append(all, hash) })
	slices.Sort(all)
	var list []counted
	for i, hash := range all {
		if i > 0 && hash == all[i-1] {
			list[len(list)-1].count++ // a text that is read has fewer than 65,536
			continue
		}
		list = append(list, counted{hash, 1})
	}
	return slices.Clip(list)
}

// folds deals the texts of each category out to n folds in turn: the numbers of the texts, by fold.
func (c *corpus) folds(of []int, n int) [][]int {
	parts := make([][]int, n)
	next := make([]int, len(c.classes))
	for _, i := range of {
		class := c.docs[i].class
		at := (next[class] + class) % n // small categories do not all begin with the first
		parts[at] = append(parts[at], i)
		next[class]++
	}
	return parts
}

// without joins all folds but one.
func without(folds [][]int, left int) []int {
	var rest []int
	for k, f := range folds {
		if k != left {
			rest = append(rest, f...)
		}
	}
	slices.Sort(rest)
	return rest
}

// all numbers the texts.
func (c *corpus) all() []int {
	list := make([]int, len(c.docs))
	for i := range list {
		list[i] = i
	}
	return list
}
