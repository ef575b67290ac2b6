package config

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/citizen-hotline/gateway/routing"
)

// section is one part of a pack: NAME.yaml, or every file below the folder NAME, or both.
type section struct {
	name   string
	ext    string
	single bool // one file only
}

var sections = []section{
	{"city", ".yaml", true},
	{"units", ".yaml", false},
	{"categories", ".yaml", false},
	{"regions", ".yaml", false},
	{"areas", ".geojson", false},
	{"catalogue", ".yaml", false},
	{"rules", ".yaml", false},
	{"policies", ".yaml", false},
	{"calendars", ".yaml", false},
	{"channels", ".yaml", false},
	{"roster", ".yaml", false},
	{"notices", ".yaml", true},
	{"alerts", ".yaml", true},
	{"retention", ".yaml", false},
	{"reasons", ".yaml", false},
	{"texts", ".yaml", false},
	{"classifier", ".yaml", true},
	{"tests", ".yaml", false},
}

// sectionOf is the section a file belongs to, nil when there is none.
func sectionOf(file string) *section {
	first, rest, deep := strings.Cut(file, "/")
	for i, s := range sections {
		switch {
		case !deep && first == s.name+s.ext:
			return &sections[i]
		case deep && !s.single && first == s.name && path.Ext(rest) == s.ext:
			return &sections[i]
		}
	}
	return nil
}

// belongs lists what a pack takes.
func belongs() string {
	var names []string
	for _, s := range sections {
		if s.single {
			names = append(names, s.name+s.ext)
		} else {
			names = append(names, s.name+"/*"+s.ext)
		}
	}
	return strings.Join(names, ", ") + ", *" + modelExt + " and *.md"
}

// LoadDir is [Load] of a folder. Links that lead out of it are not followed.
func LoadDir(dir string, known ...string) (*Pack, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Problems{{Text: fmt.Sprintf("pack %q: folder cannot be opened: %v; name the folder of a city pack", dir, cause(err))}}
	}
	defer root.Close() //nolint:errcheck // it was only read
	return Load(root.FS(), known...)
}

// Load reads, checks and compiles a pack. known are the names of the adapters that channels may
// use; without any, every name is taken. The error is [Problems], with all that is wrong.
func Load(fsys fs.FS, known ...string) (*Pack, error) {
	files, problems := readFiles(fsys)
	l := &loader{files: files, adapters: known, shape: newShape(), problems: problems, broken: map[string]bool{}}
	if len(files) == 0 && len(problems) == 0 {
		l.add("", 0, "pack is empty; name the folder that holds city.yaml")
	}
	if len(files) == 0 {
		return nil, l.problems.err()
	}
	p := l.read()
	l.check()
	l.compile(p)
	if err := l.problems.err(); err != nil {
		return nil, err
	}
	p.Hash, p.Files = hashFiles(files), files
	return p, nil
}

// loader gathers what is read and every problem met on the way.
type loader struct {
	files    map[string][]byte
	adapters []string
	shape    *shape
	keys     map[reflect.Type]map[string][]int
	problems Problems
	broken   map[string]bool // sections with a file that cannot be read: references into them are not judged
	items    lists
}

func (l *loader) add(file string, line int, format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ") // joined errors
	l.problems = append(l.problems, Problem{File: file, Line: line, Text: text})
}

// item is one entry of a list with the node it was read from.
type item[T any] struct {
	value T
	file  string
	node  ast.Node
}

func (it item[T]) source() routing.Source {
	return routing.Source{File: it.file, Line: lineOf(it.node)}
}

// trees visits the body of each file of a section, by path.
func (l *loader) trees(name string, visit func(file string, body ast.Node)) {
	for _, file := range slices.Sorted(maps.Keys(l.files)) {
		if s := sectionOf(file); s == nil || s.name != name {
			continue
		}
		body, problem := parseYAML(file, l.files[file])
		switch {
		case problem != nil:
			l.problems = append(l.problems, *problem)
			l.broken[name] = true
		case body != nil && body.Type() != ast.NullType:
			visit(file, body)
		}
	}
}

// mappings visits the files of a section that hold keys and values.
func (l *loader) mappings(name string, visit func(file string, n ast.Node)) {
	l.trees(name, func(file string, n ast.Node) {
		if _, ok := pairs(n); !ok {
			l.add(file, lineOf(n), "%s: must hold keys and values", name)
			l.broken[name] = true
			return
		}
		visit(file, n)
	})
}

// decoder reads one file; all of a pack share what is known of the structs.
func (l *loader) decoder(file string) decoder {
	if l.keys == nil {
		l.keys = map[reflect.Type]map[string][]int{}
	}
	return decoder{file: file, keys: l.keys}
}

// readList reads every entry of a section's lists. Entries with problems stay in it, so that
// references to them are not reported, too.
func readList[T any](l *loader, name string) []item[T] {
	var items []item[T]
	l.trees(name, func(file string, n ast.Node) {
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			l.add(file, lineOf(n), "%s: must hold a list; begin each entry with a dash", name)
			l.broken[name] = true
			return
		}
		for i, entry := range list.Values {
			if _, ok := pairs(entry); !ok {
				l.add(file, lineOf(n), "%s: entry %d of the list must hold keys and values", name, i+1)
				continue
			}
			items = append(items, readItem[T](l, file, entry))
		}
	})
	return items
}

func readItem[T any](l *loader, file string, n ast.Node) item[T] {
	it := item[T]{file: file, node: n}
	d := l.decoder(file)
	d.value(n, reflect.ValueOf(&it.value).Elem(), file)
	d.judge(l.shape, &it.value, func(path string) int { return find(n, path) })
	l.problems = append(l.problems, d.problems...)
	return it
}
