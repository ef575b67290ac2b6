package config

import (
	"os"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/classify"
)

// model trains a model of two categories, by the words of one character each.
func model(t *testing.T, categories ...string) string {
	t.Helper()
	var samples []classify.Sample
	for i, c := range categories {
		for n := range 60 {
			samples = append(samples, classify.Sample{Text: strings.Repeat(string(rune('东'+i)), 3+n), Category: c})
		}
	}
	m, err := classify.Train(t.Context(), samples, classify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

const classifierYAML = "model: town.model\nprecision: 0.9\n"

func TestAPackBringsItsClassifier(t *testing.T) {
	t.Parallel()
	p := load(t, packOf(t, map[string]string{"classifier.yaml": classifierYAML, "town.model": model(t, "01.01", "01.02")}))
	text := "东东东东"
	facts := p.Facts(TestFacts{Text: text})
	said := p.Classified(TestFacts{Text: text})
	if facts.Category != "01.01" || said == nil || said.Category != "01.01" {
		t.Errorf("category %q, the classifier said %+v", facts.Category, said)
	}
	if f := p.Facts(TestFacts{Text: text + "，停水了"}); f.Category != "01.02" || p.Classified(TestFacts{Text: text + "，停水了"}) != nil {
		t.Errorf("the keywords say 01.02, and it is %q", f.Category)
	}
	if p.Classified(TestFacts{Text: text, Category: "01.02"}) != nil {
		t.Error("the classifier is asked although the test names the category")
	}
	stored, err := Archive(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromArchive(stored)
	if err != nil {
		t.Fatal(err)
	}
	if q := load(t, back); q.Classifier.Model().ID() != p.Classifier.Model().ID() {
		t.Error("the stored pack has another model")
	}
	if q := load(t, os.DirFS("testdata/good")); q.Classifier != nil || q.Classified(TestFacts{Text: text}) != nil {
		t.Error("a pack without a classifier has one")
	}
}

func TestAPackWithAClassifierThatCannotBe(t *testing.T) {
	t.Parallel()
	good := model(t, "01.01", "01.02")
	for name, tt := range map[string]struct {
		over map[string]string
		want string
	}{
		"no model":         {map[string]string{"classifier.yaml": classifierYAML}, "classifier.yaml:1: classifier \"town.model\": is not in the pack; make it with `hotline classify train`"},
		"no file of ours":  {map[string]string{"classifier.yaml": classifierYAML, "town.model": "PK\x03\x04\xff"}, "classifier.yaml:1: classifier \"town.model\": not a model file: make it with `hotline classify train`: it does not begin with HLCM"},
		"damaged":          {map[string]string{"classifier.yaml": classifierYAML, "town.model": good[:len(good)-1]}, "classifier.yaml:1: classifier \"town.model\": not a model file: make it with `hotline classify train`: its checksum does not fit: it was changed or cut off"},
		"strange category": {map[string]string{"classifier.yaml": classifierYAML, "town.model": model(t, "01.01", "99.09")}, `classifier.yaml:1: classifier "town.model": names the category "99.09", which the pack does not have; train it anew`},
		"nobody names it":  {map[string]string{"town.model": good}, "town.model: is not named by classifier.yaml; name it as model there, or remove it"},
		"another one":      {map[string]string{"classifier.yaml": classifierYAML, "town.model": good, "old.model": good}, "old.model: is not named by classifier.yaml; name it as model there, or remove it"},
		"no name":          {map[string]string{"classifier.yaml": "precision: 0.9\n"}, "classifier.yaml:1: model: is missing; give it"},
		"a path":           {map[string]string{"classifier.yaml": "model: ../town.model\nprecision: 0.9\n"}, `classifier.yaml:1: model "../town.model": must be the name of a file beside it that ends in .model`},
		"too precise":      {map[string]string{"classifier.yaml": "model: town.model\nprecision: 97\n", "town.model": good}, "classifier.yaml:2: precision: is too large or too long; the most is 1"},
		"unknown key":      {map[string]string{"classifier.yaml": classifierYAML + "cutoff: 0.9\n", "town.model": good}, `classifier.yaml:3: key "cutoff": is not known here; known are model, precision`},
		"a folder of them": {map[string]string{"classifier/a.model": good}, "classifier/a.model: does not belong in a pack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(packOf(t, tt.over), "form", "webhook")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
