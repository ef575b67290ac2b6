package routing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Problem is one thing wrong in a pack: where, what, which value and what to do about it.
// Compile joins all problems of a pack in the order of file and line.
type Problem struct { //nolint:errname // the office says problem, and so does package config
	Source  Source
	Thing   string // what it is about: rule "R-12", unit "lanshan"
	Message string // value and remedy
}

// Error is file:line: thing: message.
func (p *Problem) Error() string {
	if p.Source.File == "" {
		return p.Thing + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.Source.File, p.Source.Line, p.Thing, p.Message)
}

// problems collects what is wrong so that all of it is told at once.
type problems []*Problem

func (ps *problems) add(src Source, thing, format string, args ...any) {
	*ps = append(*ps, &Problem{Source: src, Thing: thing, Message: fmt.Sprintf(format, args...)})
}

// join sorts and joins the problems, nil when there are none.
func (ps problems) join() error {
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line))
	})
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errors.Join(errs...)
}
