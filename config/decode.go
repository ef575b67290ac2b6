package config

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// decoder fills Go values from the nodes of one file and notes every problem instead of stopping
// at the first, which is why it is not the YAML library's own. It is stricter, too: a number is
// not a text (03 would lose its zero), a key is given once and must be known.
type decoder struct {
	file     string
	problems Problems
	keys     map[reflect.Type]map[string][]int // fields of the structs met, by key
}

func (d *decoder) add(n ast.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.file, Line: lineOf(n), Text: fmt.Sprintf(format, args...)})
}

// value fills v from n; name is the key it stands under, for the messages.
func (d *decoder) value(n ast.Node, v reflect.Value, name string) {
	if n == nil || n.Type() == ast.NullType {
		return // a key without a value is a key left out
	}
	if v.Type() == reflect.TypeFor[Settings]() {
		v.Set(reflect.ValueOf(Settings{file: d.file, node: n}))
		return
	}
	if readsItself(v) {
		d.foreign(n, v, name)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), name)
	case reflect.Struct:
		d.structure(n, v, name)
	case reflect.Slice:
		d.list(n, v, name)
	case reflect.Array:
		d.array(n, v, name)
	case reflect.Map:
		d.mapping(n, v, name)
	default:
		d.scalar(n, v, name)
	}
}

// readsItself reports whether a type brings its own reading, or holds anything.
func readsItself(v reflect.Value) bool {
	switch v.Type() {
	case reflect.TypeFor[time.Duration](), reflect.TypeFor[time.Time]():
		return true
	}
	if v.Kind() == reflect.Interface {
		return true
	}
	if !v.CanAddr() {
		return false
	}
	switch v.Addr().Interface().(type) {
	case yaml.BytesUnmarshaler, yaml.InterfaceUnmarshaler, yaml.BytesUnmarshalerContext,
		yaml.InterfaceUnmarshalerContext, yaml.NodeUnmarshaler, yaml.NodeUnmarshalerContext, encoding.TextUnmarshaler:
		return true
	}
	return false
}

func (d *decoder) foreign(n ast.Node, v reflect.Value, name string) {
	err := yaml.NodeToValue(n, v.Addr().Interface(), yaml.Strict())
	if err == nil {
		return
	}
	p := yamlProblem(d.file, lineOf(n), err)
	p.Text = name + ": " + p.Text
	d.problems = append(d.problems, p)
}

// root is value for the outermost value; into must be a pointer.
func (d *decoder) root(n ast.Node, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("config: cannot decode into %T; a pointer is needed", into)
	}
	d.value(n, v.Elem(), "settings")
	return nil
}

// judge adds what is wrong with the form of the values read. Lines that have a problem already
// get no second one: it would only confuse.
func (d *decoder) judge(s *shape, item any, line func(path string) int) {
	wrong := map[int]bool{}
	for _, p := range d.problems {
		wrong[p.Line] = true
	}
	for _, f := range s.check(item) {
		if at := line(f.Path); !wrong[at] {
			d.problems = append(d.problems, Problem{File: d.file, Line: at, Text: f.Text})
		}
	}
}

func (d *decoder) structure(n ast.Node, v reflect.Value, name string) {
	entries, ok := pairs(n)
	if !ok {
		d.mismatch(n, name, "keys and values")
		return
	}
	fields := d.fieldsOf(v.Type())
	d.each(entries, func(key string, e *ast.MappingValueNode) {
		index, known := fields[key]
		if !known {
			all := slices.Sorted(maps.Keys(fields))
			if near := nearest(key, all); near != "" {
				d.add(e.Key, "key %q: is not known here; did you mean %q?", key, near)
			} else {
				d.add(e.Key, "key %q: is not known here; known are %s", key, strings.Join(all, ", "))
			}
			return
		}
		d.value(e.Value, v.FieldByIndex(index), key)
	})
}

// each visits the entries of a mapping and notes the keys given twice.
func (d *decoder) each(entries []*ast.MappingValueNode, visit func(key string, e *ast.MappingValueNode)) {
	first := make(map[string]int, len(entries))
	for _, e := range entries {
		key := keyText(e.Key)
		if line, twice := first[key]; twice {
			d.add(e.Key, "key %q: is given twice, first in line %d; keep one", key, line)
			continue
		}
		first[key] = lineOf(e.Key)
		visit(key, e)
	}
}

func (d *decoder) list(n ast.Node, v reflect.Value, name string) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mismatch(n, name, "a list")
		return
	}
	items := reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values))
	for i, item := range list.Values {
		if item == nil || item.Type() == ast.NullType {
			d.add(n, "%s: entry %d of the list is empty; fill or remove it", name, i+1)
			continue
		}
		d.value(item, items.Index(i), name)
	}
	v.Set(items)
}

func (d *decoder) array(n ast.Node, v reflect.Value, name string) {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) != v.Len() {
		d.mismatch(n, name, fmt.Sprintf("a list of %d", v.Len()))
		return
	}
	for i, item := range list.Values {
		d.value(item, v.Index(i), name)
	}
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, name string) {
	entries, ok := pairs(n)
	if !ok || v.Type().Key().Kind() != reflect.String {
		d.mismatch(n, name, "keys and values")
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(entries))
	d.each(entries, func(key string, e *ast.MappingValueNode) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(e.Value, item, key)
		m.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), item)
	})
	v.Set(m)
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.String:
		switch s := n.(type) {
		case *ast.StringNode:
			v.SetString(s.Value)
		case *ast.LiteralNode:
			v.SetString(s.Value.Value)
		case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
			d.mismatch(n, name, "a text")
		default:
			written := n.GetToken().Value
			v.SetString(written) // so that what refers to it is not reported, too
			d.add(n, "%s %s: is not a text; put it in quotes", name, shown(name, written))
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return
		}
		d.mismatch(n, name, "true or false")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if i, ok := integer(n); ok && !v.OverflowInt(i) {
			v.SetInt(i)
			return
		}
		d.mismatch(n, name, "a whole number")
	case reflect.Float32, reflect.Float64:
		if f, ok := number(n); ok {
			v.SetFloat(f)
			return
		}
		d.mismatch(n, name, "a number")
	default:
		d.add(n, "%s: settings of the type %s cannot be read; this is an error of the program", name, v.Type())
	}
}

func integer(n ast.Node) (int64, bool) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch x := i.Value.(type) {
	case int64:
		return x, true
	case uint64:
		return int64(x), x <= math.MaxInt64 // the second value says whether it fits
	}
	return 0, false
}

func number(n ast.Node) (float64, bool) {
	if f, ok := n.(*ast.FloatNode); ok {
		return f.Value, !math.IsInf(f.Value, 0)
	}
	i, ok := integer(n)
	return float64(i), ok
}

// mismatch says that a value has the wrong type.
func (d *decoder) mismatch(n ast.Node, name, want string) {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		d.add(n, "%s: holds keys and values instead of %s", name, want)
	case *ast.SequenceNode:
		d.add(n, "%s: holds a list instead of %s", name, want)
	case *ast.LiteralNode:
		d.add(n, "%s: holds a text instead of %s", name, want)
	default:
		d.add(n, "%s %s: is not %s; write %s", name, shown(name, n.GetToken().Value), want, want)
	}
}

// fieldsOf lists the keys of a struct by the rules of the YAML library: the yaml tag, else the
// json tag, else the name in lower case; embedded with inline.
func (d *decoder) fieldsOf(t reflect.Type) map[string][]int {
	if keys, ok := d.keys[t]; ok {
		return keys
	}
	keys := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() || throughPointer(t, f.Index) {
			continue
		}
		tag, ok := f.Tag.Lookup("yaml")
		if !ok {
			tag = f.Tag.Get("json")
		}
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case name == "-", strings.Contains(options, "inline"), f.Anonymous && name == "":
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		if inlined(t, f.Index) {
			keys[name] = f.Index
		}
	}
	if d.keys == nil {
		d.keys = map[reflect.Type]map[string][]int{}
	}
	d.keys[t] = keys
	return keys
}

// inlined reports whether every struct on the way to a promoted field is marked inline.
func inlined(t reflect.Type, index []int) bool {
	for i := 1; i < len(index); i++ {
		if !strings.Contains(t.FieldByIndex(index[:i]).Tag.Get("yaml"), "inline") {
			return false
		}
	}
	return true
}

func throughPointer(t reflect.Type, index []int) bool {
	for i := 1; i < len(index); i++ {
		if t.FieldByIndex(index[:i]).Type.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}
