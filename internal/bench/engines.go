package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/routing"
)

// dialect is how an expression language writes the questions of conditions.
type dialect struct {
	and, or, not         string
	contains, beginsWith string // with the field, then the value quoted
	oneOf                string // with the field, then the list
	atLeast              string // with the field, then the number
}

var (
	exprWords = dialect{and: " and ", or: " or ", not: "not ", contains: "(%s contains %s)", beginsWith: "(%s startsWith %s)", oneOf: "(%s in [%s])", atLeast: "(%s >= %g)"}
	celWords  = dialect{and: " && ", or: " || ", not: "!", contains: "%s.contains(%s)", beginsWith: "%s.startsWith(%s)", oneOf: "(%s in [%s])", atLeast: "(%s >= double(%g))"}
)

// expression writes a condition out. Like naiveDecide it leaves out masks, windows and polygons.
func (d *dialect) expression(w *routing.Condition) string {
	var parts []string
	words := func(list []string, join string) string {
		said := make([]string, len(list))
		for i, x := range list {
			said[i] = fmt.Sprintf(d.contains, "text", strconv.Quote(x))
		}
		return "(" + strings.Join(said, join) + ")"
	}
	among := func(field string, list []string) {
		if list == nil {
			return
		}
		quoted := make([]string, len(list))
		for i, x := range list {
			quoted[i] = strconv.Quote(x)
		}
		parts = append(parts, fmt.Sprintf(d.oneOf, field, strings.Join(quoted, ", ")))
	}
	below := func(field string, list []string) {
		if list == nil {
			return
		}
		said := make([]string, len(list))
		for i, x := range list {
			said[i] = fmt.Sprintf(d.beginsWith, field, strconv.Quote(x))
		}
		parts = append(parts, "("+strings.Join(said, d.or)+")")
	}
	if w.Window != nil {
		return "false"
	}
	among("channel", w.Channel)
	among("line", w.Line)
	below("category", w.Category)
	below("region", w.Region)
	for _, r := range w.Numbers {
		parts = append(parts, fmt.Sprintf(d.atLeast, "reports_nearby", *r.Min))
	}
	if k := w.Keywords; k != nil {
		if k.Any != nil {
			parts = append(parts, words(k.Any, d.or))
		}
		if k.All != nil {
			parts = append(parts, words(k.All, d.and))
		}
		if k.None != nil {
			parts = append(parts, d.not+words(k.None, d.or))
		}
	}
	if parts == nil {
		return "true"
	}
	return strings.Join(parts, d.and)
}

// seen is what the expressions look at.
func seen(f *routing.Facts) map[string]any {
	return map[string]any{
		"channel": f.Channel, "line": f.Line, "category": f.Category, "region": f.Region, "text": text.Fold(f.Text),
		"reports_nearby": f.Numbers[routing.NumberIndex("reports_nearby")],
	}
}

// firstOf tries rules in order and keeps the first of each stage that holds, as a city without an index
// would.
func firstOf(rules []routing.Rule, holds func(i int) (bool, error)) (won [3]string, err error) {
	for i := range rules {
		ok, err := holds(i)
		if err != nil {
			return won, fmt.Errorf("rule %s: %w", rules[i].ID, err)
		}
		for n, stage := range ruleStages {
			if ok && rules[i].Stage == stage && won[n] == "" {
				won[n] = rules[i].ID
			}
		}
	}
	return won, nil
}

// exprDecide compiles the rules for expr and gives the function that decides.
func exprDecide(rules []routing.Rule, f *routing.Facts) (func() ([3]string, error), error) {
	programs := make([]*vm.Program, len(rules))
	for i := range rules {
		p, err := expr.Compile(exprWords.expression(&rules[i].When), expr.Env(seen(f)), expr.AsBool())
		if err != nil {
			return nil, fmt.Errorf("expr: rule %s: %w", rules[i].ID, err)
		}
		programs[i] = p
	}
	var machine vm.VM
	return func() ([3]string, error) {
		env := seen(f)
		return firstOf(rules, func(i int) (bool, error) {
			v, err := machine.Run(programs[i], env)
			ok, _ := v.(bool)
			return ok, err
		})
	}, nil
}

// celDecide is exprDecide for CEL.
func celDecide(rules []routing.Rule, f *routing.Facts) (func() ([3]string, error), error) {
	env, err := cel.NewEnv(cel.Variable("channel", cel.StringType), cel.Variable("line", cel.StringType), cel.Variable("category", cel.StringType),
		cel.Variable("region", cel.StringType), cel.Variable("text", cel.StringType), cel.Variable("reports_nearby", cel.DoubleType))
	if err != nil {
		return nil, fmt.Errorf("cel: %w", err)
	}
	programs := make([]cel.Program, len(rules))
	for i := range rules {
		ast, issues := env.Compile(celWords.expression(&rules[i].When))
		if err := issues.Err(); err != nil {
			return nil, fmt.Errorf("cel: rule %s: %w", rules[i].ID, err)
		}
		if programs[i], err = env.Program(ast, cel.EvalOptions(cel.OptOptimize)); err != nil {
			return nil, fmt.Errorf("cel: rule %s: %w", rules[i].ID, err)
		}
	}
	return func() ([3]string, error) {
		facts := seen(f)
		return firstOf(rules, func(i int) (bool, error) {
			v, _, err := programs[i].Eval(facts)
			if err != nil {
				return false, err
			}
			ok, _ := v.Value().(bool)
			return ok, nil
		})
	}, nil
}

// engines shows what general expression languages need for the same rules.
func (b *bench) engines(rules []routing.Rule, f *routing.Facts, ours float64) error {
	for _, engine := range []struct {
		name string
		make func([]routing.Rule, *routing.Facts) (func() ([3]string, error), error)
	}{{"expr", exprDecide}, {"cel", celDecide}} {
		decide, err := engine.make(rules, f)
		if err != nil {
			return err
		}
		if won, err := decide(); err != nil || won != naiveDecide(rules, f) {
			return fmt.Errorf("%s decides %v, the loop %v: %w", engine.name, won, naiveDecide(rules, f), err)
		}
		took := testing.Benchmark(func(t *testing.B) {
			for t.Loop() {
				_, _ = decide()
			}
		})
		b.table.show("  the same rules in "+engine.name+" ÷ it", ratio(perOp(took)/ours))
	}
	return nil
}
