package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/citizen-hotline/gateway/routing"
)

// names are the ids of one kind of thing and where each is given.
type names struct {
	kind    string // unit, category …
	section string // where such things are given
	at      map[string]routing.Source
	partial bool // a file of the section cannot be read: what is missing may stand there
}

func (n names) has(id string) bool {
	_, ok := n.at[id]
	return ok || n.partial
}

// namesOf gathers the ids of a list. Routing reports those of its own things that are repeated.
func namesOf[T any](l *loader, section, kind string, items []item[T], id func(*T) string) names {
	n := names{kind: kind, section: section, at: make(map[string]routing.Source, len(items)), partial: l.broken[section]}
	for i := range items {
		n.at[id(&items[i].value)] = items[i].source()
	}
	return n
}

// uniqueNames is namesOf for things that nobody else checks: ids given twice are reported.
func uniqueNames[T any](l *loader, section, kind string, items []item[T], id func(*T) string) names {
	n := names{kind: kind, section: section, at: make(map[string]routing.Source, len(items)), partial: l.broken[section]}
	for i := range items {
		l.unique(n, id(&items[i].value), items[i].source())
	}
	return n
}

// unique notes an id, or reports that it is there already.
func (l *loader) unique(n names, id string, at routing.Source) {
	if id == "" {
		return // reported as missing
	}
	if first, twice := n.at[id]; twice {
		l.add(at.File, at.Line, "%s: is given twice, first at %s:%d; keep one", label(n.kind, id), first.File, first.Line)
		return
	}
	n.at[id] = at
}

// label is thing "value", the beginning of every problem about an item.
func label(kind, id string) string { return fmt.Sprintf("%s %q", kind, id) }

// subject is an item whose references are being followed.
type subject struct {
	l     *loader
	label string
	file  string
	node  ast.Node
}

func subjectOf[T any](l *loader, kind, id string, it *item[T]) subject {
	return subject{l, label(kind, id), it.file, it.node}
}

// wrong reports something about the value at a path below the item.
func (s subject) wrong(path, format string, args ...any) {
	s.l.add(s.file, find(s.node, path), "%s: %s", s.label, fmt.Sprintf(format, args...))
}

// ref reports an id that nothing has; an empty one refers to nothing.
func (s subject) ref(path, id string, to names) {
	switch {
	case id == "" || to.has(id):
		return
	case len(to.at) == 0: // said once, not for every reference
		s.l.add("", 0, "%s: hold no %s, yet some are named; write %s.yaml", to.section, to.kind, to.section)
		return
	}
	s.wrong(path, "%s %q: no such %s in %s%s", path, id, to.kind, to.section, suggestion(id, slices.Sorted(maps.Keys(to.at))))
}

// refs is ref for every entry of a list.
func (s subject) refs(path string, ids []string, to names) {
	for i, id := range ids {
		s.ref(fmt.Sprintf("%s[%d]", path, i), id, to)
	}
}
