package adapters

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var specName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,30}$`)

// Registry holds the adapters a build knows. It is a value, not a global: tests make their own.
type Registry struct {
	specs map[string]Spec
}

// NewRegistry refuses malformed and repeated names and a Spec without New.
func NewRegistry(specs ...Spec) (*Registry, error) {
	r := &Registry{specs: make(map[string]Spec, len(specs))}
	for _, s := range specs {
		switch {
		case !specName.MatchString(s.Name):
			return nil, fmt.Errorf("adapters: name %q must match %s", s.Name, specName)
		case s.New == nil:
			return nil, fmt.Errorf("adapters: %s has no New", s.Name)
		}
		if _, twice := r.specs[s.Name]; twice {
			return nil, fmt.Errorf("adapters: %s is registered twice", s.Name)
		}
		r.specs[s.Name] = s
	}
	return r, nil
}

// Lookup finds an adapter by name.
func (r *Registry) Lookup(name string) (Spec, bool) {
	s, ok := r.specs[name]
	return s, ok
}

// Specs lists the adapters by name.
func (r *Registry) Specs() []Spec {
	list := make([]Spec, 0, len(r.specs))
	for _, s := range r.specs {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Powers lists what an adapter can do besides Normalize, in the words of the console.
func Powers(a Adapter) []string {
	var p []string
	add := func(ok bool, name string) {
		if ok {
			p = append(p, name)
		}
	}
	_, ok := a.(Opener)
	add(ok, "open")
	_, ok = a.(Handshaker)
	add(ok, "handshake")
	_, ok = a.(Acknowledger)
	add(ok, "acknowledge")
	_, ok = a.(Querier)
	add(ok, "query")
	_, ok = a.(Poller)
	add(ok, "poll")
	_, ok = a.(Streamer)
	add(ok, "stream")
	_, ok = a.(Bulk)
	add(ok, "bulk")
	_, ok = a.(MediaFetcher)
	add(ok, "media")
	_, ok = a.(Replier)
	add(ok, "reply")
	return p
}
