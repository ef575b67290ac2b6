package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	yamllexer "github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNesting is how deep lists and mappings may lie in one another. The parser recurses.
const maxNesting = 32

// parseYAML gives the body of the one document in a file; nil when the file is empty.
// It takes the plain part of YAML only: no anchors and aliases (they can blow a small file up
// without bound), no tags, no merge keys, no second document.
func parseYAML(file string, content []byte) (body ast.Node, problem *Problem) {
	defer func() {
		// The parser is a third party's; a bug in it must not end the process.
		if r := recover(); r != nil {
			body, problem = nil, &Problem{File: file, Line: 1, Text: fmt.Sprintf("cannot be read as YAML (%v); look for an unclosed quote or bracket", r)}
		}
	}()
	tokens := yamllexer.Tokenize(strings.TrimPrefix(string(content), "\ufeff"))
	if p := guard(file, tokens); p != nil {
		return nil, p
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		p := yamlProblem(file, 0, err)
		return nil, &p
	}
	for _, doc := range tree.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			return nil, &Problem{File: file, Line: lineOf(doc.Body), Text: "second document in one file; move it to a file of its own"}
		default:
			body = doc.Body
		}
	}
	return body, nil
}

// guard refuses what the plain part of YAML does not have, and nesting without end.
func guard(file string, tokens token.Tokens) *Problem {
	refuse := func(t *token.Token, text string) *Problem {
		return &Problem{File: file, Line: t.Position.Line, Text: text}
	}
	depth, run, line := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return refuse(t, fmt.Sprintf("%q: anchors, aliases and merge keys are not read; write the value out", t.Value))
		case token.TagType:
			return refuse(t, fmt.Sprintf("tag %q is not read; use quotes to make a text of a value", t.Value))
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			if t.Position.Line != line {
				run, line = 0, t.Position.Line
			}
			run++
		default:
		}
		if depth > maxNesting || run > maxNesting {
			return refuse(t, fmt.Sprintf("lists lie deeper in one another than %d; no pack needs that", maxNesting))
		}
	}
	return nil
}

// positioned is what every error of the YAML library can say.
type positioned interface {
	GetMessage() string
	GetToken() *token.Token
}

// yamlProblem locates an error of the YAML library; line is used when the error has none.
func yamlProblem(file string, line int, err error) Problem {
	p := Problem{File: file, Line: line, Text: err.Error() + "; mend the value"}
	if e, ok := err.(positioned); ok {
		p.Text = e.GetMessage() + "; look for a missing quote, comma or indent"
		if t := e.GetToken(); t != nil && t.Position != nil {
			p.Line = t.Position.Line
		}
	}
	return p
}

// lineOf is the line on which a node begins, from 1; 0 for nil.
func lineOf(n ast.Node) int {
	switch n := n.(type) {
	case nil:
		return 0
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return lineOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return lineOf(n.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// pairs are the entries of a mapping; ok is false when n is none.
func pairs(n ast.Node) (entries []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// find gives the line of a value below n by its path, for example posts[0].id or clocks[sign].limit.
// When the path ends early (a key that is missing) it is the line of the last part found.
func find(n ast.Node, path string) int {
	line := lineOf(n)
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for _, step := range steps {
		next, at := child(n, step)
		if at == 0 {
			return line
		}
		n, line = next, at
	}
	return line
}

func child(n ast.Node, step string) (next ast.Node, line int) {
	if list, ok := n.(*ast.SequenceNode); ok {
		var i int
		if _, err := fmt.Sscanf(step, "%d", &i); err != nil || i < 0 || i >= len(list.Values) {
			return nil, 0
		}
		return list.Values[i], lineOf(list.Values[i])
	}
	entries, _ := pairs(n)
	for _, e := range entries {
		if keyText(e.Key) == step {
			return e.Value, lineOf(e.Key)
		}
	}
	return nil, 0
}

// keyText is a key as written, without its quotes.
func keyText(k ast.MapKeyNode) string {
	if t := k.GetToken(); t != nil {
		return t.Value
	}
	return ""
}
