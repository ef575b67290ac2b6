package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Lint says what a pack says without effect, twice, or to nobody. Strict makes any finding ErrChecks.
func Lint(dir string, strict, asJSON bool, out io.Writer) error {
	p, err := LoadPack(dir)
	if err != nil {
		return err
	}
	findings := p.Lint()
	if asJSON {
		err = json.NewEncoder(out).Encode(map[string]any{"pack": p.Hash, "findings": findings})
	} else {
		for _, f := range findings {
			fmt.Fprintln(out, f)
		}
		fmt.Fprintf(out, "%d findings\n", len(findings))
	}
	if err == nil && strict && len(findings) > 0 {
		err = ErrChecks
	}
	return err
}

// TestRules runs a pack's tests and names the rules that none of them touches.
func TestRules(dir string, asJSON bool, out io.Writer) error {
	p, err := LoadPack(dir)
	if err != nil {
		return err
	}
	results, failed := p.RunTests(), 0
	for _, r := range results {
		if !r.OK {
			failed++
		}
	}
	untouched := p.Untouched()
	if asJSON {
		names := make([]string, len(untouched))
		for i := range untouched {
			names[i] = untouched[i].ID
		}
		err = json.NewEncoder(out).Encode(map[string]any{"pack": p.Hash, "tests": len(results), "failed": failed, "rules": len(p.Rules), "untouched": names})
	} else {
		for _, r := range results {
			if !r.OK {
				fmt.Fprintf(out, "%s:%d: test %q: %s (%s)\n", r.Test.At.File, r.Test.At.Line, r.Test.Name, strings.Join(r.Diff, "; "), r.Reason)
			}
		}
		for _, r := range untouched {
			fmt.Fprintf(out, "%s:%d: rule %q %s: no test touches it\n", r.Source.File, r.Source.Line, r.ID, r.Title)
		}
		fmt.Fprintf(out, "%d of %d rules are touched\n%d passed, %d failed\n", len(p.Rules)-len(untouched), len(p.Rules), len(results)-failed, failed)
	}
	if err == nil && failed > 0 {
		err = ErrChecks
	}
	return err
}
