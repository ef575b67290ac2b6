package config

import (
	"maps"
	"slices"

	"github.com/citizen-hotline/gateway/internal/classify"
	"github.com/citizen-hotline/gateway/ticket"
)

// Classified is what the classifier says of the facts of a test; nil where their category or the keywords speak.
func (p *Pack) Classified(f TestFacts) *ticket.Classified {
	if f.Category != "" {
		return nil
	}
	text := f.Title + "\n" + f.Text
	_, said := p.Classifier.Complete(p.Ruleset.Subject(text), text)
	return said
}

// compileClassifier opens the model that classifier.yaml names. A model knows the categories of the day it was
// trained on: one that the pack no longer has would go to tickets that nobody owns.
func (l *loader) compileClassifier(p *Pack) {
	it := &l.items.classifier
	for _, file := range slices.Sorted(maps.Keys(l.files)) {
		if isModel(file) && (it.node == nil || file != it.value.Model) && !l.broken["classifier"] {
			l.add(file, 0, "is not named by classifier.yaml; name it as model there, or remove it")
		}
	}
	if it.node == nil || len(l.shape.check(&it.value)) > 0 {
		return
	}
	s := subjectOf(l, "classifier", it.value.Model, it)
	file, ok := l.files[it.value.Model]
	if !ok {
		s.wrong("model", "is not in the pack; make it with `hotline classify train`")
		return
	}
	m, err := classify.Parse(file)
	if err != nil {
		s.wrong("model", "%v", err)
		return
	}
	known := make(map[string]bool, len(p.Categories))
	for i := range p.Categories {
		known[p.Categories[i].ID] = true
	}
	for _, c := range m.Categories() {
		if !known[c] && !l.broken["categories"] {
			s.wrong("model", "names the category %q, which the pack does not have; train it anew", c)
		}
	}
	p.Classifier = classify.NewClassifier(m, it.value.Precision)
}
