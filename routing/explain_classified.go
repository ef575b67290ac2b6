package routing

import (
	"fmt"
	"maps"
	"strings"

	"github.com/citizen-hotline/gateway/ticket"
)

// Classified tells in an explanation what the classifier said of the text, nil for nothing.
func (rs *Ruleset) Classified(e Explanation, said *ticket.Classified) Explanation {
	if e.Decision.Classified = said; said == nil {
		return e
	}
	if e.names = maps.Clone(e.names); e.names == nil {
		e.names = map[string]string{}
	}
	for _, s := range append([]ticket.Suggestion{{Category: said.Category}}, said.Suggestions...) {
		e.names[s.Category] = rs.categoryNames(s.Category)
	}
	return e
}

// classified says how the classifier came to its word, a line each.
func (e *Explanation) classified(b *strings.Builder) {
	said := e.Decision.Classified
	switch {
	case said == nil:
	case said.Category != "":
		fmt.Fprintf(b, "    ← 分类器 %s：%s，把握 %.1f%%，依据 %s\n", said.Model, e.named(said.Category), 100*said.Confidence, strings.Join(said.Grams, " "))
	default:
		fmt.Fprintf(b, "    ← 分类器 %s 把握不足，建议：\n", said.Model)
		for _, s := range said.Suggestions {
			fmt.Fprintf(b, "      %5.1f%%  %s\n", 100*s.Confidence, e.named(s.Category))
		}
	}
}
