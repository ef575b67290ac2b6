package classify

import (
	"math"

	"github.com/citizen-hotline/gateway/ticket"
)

// Classifier is a model in a city's use: how sure it must be to fill a category in.
type Classifier struct {
	model  *Model
	cutoff float64 // above 1: never sure
}

const (
	suggestions = 3 // that the desk gets
	grams       = 5 // that are told
)

// NewClassifier takes a model into use. What it fills in is right in the share of precision, as measured on
// texts held out of its training; a model that never came up to it only suggests.
func NewClassifier(m *Model, precision float64) *Classifier {
	c := &Classifier{model: m, cutoff: 2}
	if p, ok := m.curve.At(precision); ok {
		c.cutoff = p.Confidence
	}
	return c
}

// Model is the model in use.
func (c *Classifier) Model() *Model { return c.model }

// Cutoff is the confidence from which on a category is filled in; ok is false when none is.
func (c *Classifier) Cutoff() (confidence float64, ok bool) { return c.cutoff, c.cutoff <= 1 }

// Read says what a text is about: the category where the model is sure enough, with the grams that spoke
// for it; else up to three suggestions, or nothing for a text of which it knows no gram. A nil classifier
// says nothing.
func (c *Classifier) Read(text string) *ticket.Classified {
	if c == nil {
		return nil
	}
	m := c.model
	s := m.spare.Get().(*scratch)
	defer m.spare.Put(s)
	if !m.read(s, text) {
		return nil
	}
	m.rank(s)
	said := &ticket.Classified{Model: m.id}
	if best := s.ranked[0]; float64(best.confidence) >= c.cutoff {
		said.Category, said.Confidence, said.Grams = m.classes[best.class], shown(best.confidence), m.spoken(s, grams)
		return said
	}
	for _, r := range s.ranked[:min(suggestions, len(s.ranked))] {
		said.Suggestions = append(said.Suggestions, ticket.Suggestion{Category: m.classes[r.class], Confidence: shown(r.confidence)})
	}
	return said
}

// Complete names the category of a text where the pack's words named none, and returns what the classifier
// said; nil where it was not asked.
func (c *Classifier) Complete(category, text string) (string, *ticket.Classified) {
	if category != "" {
		return category, nil
	}
	said := c.Read(text)
	if said == nil {
		return "", nil
	}
	return said.Category, said
}

// shown cuts a confidence to thousandths, as it is stored: more would be pretence.
func shown(p float32) float64 { return math.Floor(float64(p)*1000) / 1000 }
