package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inGlossary lists the types whose values people meet in the API, in packs and in the console.
var inGlossary = map[string][]string{
	"ticket":  {"State", "AssignmentState", "Action", "Kind", "SourceClass", "RequestType", "Urgency", "CallEvent"},
	"sla":     {"ClockName", "ClockState", "LimitUnit"},
	"routing": {"Stage"},
	"store":   {"DeliveryState", "NoticeState", "Queue", "AlertState", "AlertAction"},
	"duty":    {"Kind", "Count"},
}

// A word that is stored and not explained is a word each reader explains differently.
func TestGlossaryHasEveryWord(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "glossary.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.TrimSpace(cells[2]) != "" {
			rows[strings.TrimSpace(cells[1])] = true
		}
	}
	for room, types := range inGlossary {
		for _, name := range types {
			values := constants(t, filepath.Join(root(t), room), name)
			if len(values) == 0 {
				t.Errorf("%s.%s has no constants; mend the list in this test", room, name)
			}
			for _, v := range values {
				if !rows["`"+v+"`"] {
					t.Errorf("docs/glossary.md has no row with the Chinese for `%s` (%s.%s)", v, room, name)
				}
			}
		}
	}
}

// constants are the string values declared with the type in a package's folder.
func constants(t *testing.T, dir, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typeName {
				return true
			}
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING && lit.Value != `""` {
					values = append(values, strings.Trim(lit.Value, `"`))
				}
			}
			return true
		})
	}
	slices.Sort(values)
	return slices.Compact(values)
}
