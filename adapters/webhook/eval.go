package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// Bounds of one expression: its size when compiled, what it may allocate when run.
const (
	maxNodes     = 500
	memoryBudget = 100_000
)

// env is all that an expression sees. There is no clock in it, and not the time of receipt: a retry
// must give the same request.
type env struct {
	Item   any                 `expr:"item"`
	Root   any                 `expr:"root"`
	Header func(string) string `expr:"header"`
	Query  func(string) string `expr:"query"`
}

// compiler makes programs of the settings' expressions.
type compiler struct {
	tables map[string]map[string]string
	zone   *time.Location
}

// program is a compiled expression that knows which setting it is.
type program struct {
	setting string
	code    *vm.Program
}

// evalError says which setting could not be evaluated and where. What the data was stays out of it,
// since it may be personal; cause has it for self-tests.
type evalError struct {
	setting      string
	line, column int
	cause        error
}

func (e *evalError) Error() string {
	return fmt.Sprintf("webhook: %s: line %d, column %d cannot be evaluated for this delivery", e.setting, e.line, e.column)
}

// compile reads an expression. The error names the setting and the place in it.
func (c *compiler) compile(setting, source string) (*program, error) {
	code, err := expr.Compile(source, c.options()...)
	if err != nil {
		return nil, located(setting, err)
	}
	if missing := c.unknownTable(code.Node()); missing != "" {
		return nil, fmt.Errorf("%s: lookup of table %q, which is not among tables", setting, missing)
	}
	return &program{setting, code}, nil
}

func located(setting string, err error) error {
	if at, ok := errors.AsType[*file.Error](err); ok {
		return fmt.Errorf("%s: line %d, column %d: %s%s", setting, at.Line, at.Column+1, at.Message, at.Snippet)
	}
	return fmt.Errorf("%s: %w", setting, err)
}

func (p *program) eval(e env) (any, error) {
	machine := vm.VM{MemoryBudget: memoryBudget}
	value, err := machine.Run(p.code, e)
	if err != nil {
		failed := &evalError{setting: p.setting, line: 1, column: 1, cause: err}
		if at, ok := errors.AsType[*file.Error](err); ok {
			failed.line, failed.column = at.Line, at.Column+1
		}
		return nil, failed
	}
	return value, nil
}

// options are the environment, the functions of ours, and without those of expr that read the clock.
func (c *compiler) options() []expr.Option {
	point := func(datum ticket.Datum) func(...any) (any, error) {
		return func(args ...any) (any, error) { return pointOf(args[0], args[1], datum) }
	}
	return []expr.Option{
		expr.Env(env{}), expr.MaxNodes(maxNodes), expr.DisableBuiltin("now"),
		expr.Function("fromUnix", func(args ...any) (any, error) { return unix(args[0], time.Second) }, new(func(any) time.Time)),
		expr.Function("fromUnixMs", func(args ...any) (any, error) { return unix(args[0], time.Millisecond) }, new(func(any) time.Time)),
		expr.Function("time", c.time, new(func(string, any) time.Time), new(func(any) time.Time)),
		expr.Function("phone", func(args ...any) (any, error) { return phone(textOf(args[0])), nil }, new(func(any) string)),
		expr.Function("lookup", c.lookup, new(func(string, any) any)),
		expr.Function("digest", digest, new(func(...any) string)),
		expr.Function("wgs84", point(ticket.WGS84), new(func(any, any) any)),
		expr.Function("gcj02", point(ticket.GCJ02), new(func(any, any) any)),
		expr.Function("bd09", point(ticket.BD09), new(func(any, any) any)),
	}
}

// time reads a time: time(s) in the forms channels write, time(layout, s) in a Go layout. A time
// without a zone is the city's.
func (c *compiler) time(args ...any) (any, error) {
	if len(args) == 1 {
		return wire.Time(textOf(args[0]), c.zone)
	}
	layout, _ := args[0].(string)
	t, err := time.ParseInLocation(layout, textOf(args[1]), c.zone)
	if err != nil {
		return nil, wire.ErrTime
	}
	return t.UTC(), nil
}

// lookup translates a code; nil when the table does not have it, so that ?? can say what then.
func (c *compiler) lookup(args ...any) (any, error) {
	table, _ := args[0].(string)
	if value, ok := c.tables[table][textOf(args[1])]; ok {
		return value, nil
	}
	return nil, nil
}

// unknownTable finds a lookup in a table that is not there.
func (c *compiler) unknownTable(node ast.Node) string {
	v := &tableVisitor{known: c.tables}
	ast.Walk(&node, v)
	return v.missing
}

type tableVisitor struct {
	known   map[string]map[string]string
	missing string
}

// Visit implements ast.Visitor.
func (v *tableVisitor) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok || len(call.Arguments) == 0 {
		return
	}
	name, ok := call.Callee.(*ast.IdentifierNode)
	table, literal := call.Arguments[0].(*ast.StringNode)
	if !ok || !literal || name.Value != "lookup" {
		return
	}
	if _, known := v.known[table.Value]; !known {
		v.missing = table.Value
	}
}

var errNumber = errors.New("is no number")

func unix(v any, unit time.Duration) (any, error) {
	f, err := floatOf(v)
	if err != nil || f < -1e15 || f > 1e15 {
		return nil, errNumber
	}
	return time.UnixMilli(int64(f * float64(unit/time.Millisecond))).UTC(), nil
}

// pointOf is nil when there are no coordinates, or the 0, 0 of a device without a fix, whose alarm counts
// all the same; what cannot be a place otherwise is an error: the mapping may have the axes exchanged.
func pointOf(lng, lat any, datum ticket.Datum) (any, error) {
	if textOf(lng) == "" && textOf(lat) == "" {
		return nil, nil
	}
	x, err1 := floatOf(lng)
	y, err2 := floatOf(lat)
	if err1 != nil || err2 != nil {
		return nil, errNumber
	}
	switch err := geo.Check(geo.Point{Lng: x, Lat: y}); {
	case errors.Is(err, geo.ErrNullIsland):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return ticket.Place{Lng: x, Lat: y, Datum: datum}, nil
}

// phone is the canonical form of a number, as given when it cannot be read.
func phone(s string) string {
	p := text.ParsePhone(s, "")
	if c := p.Canonical(); c != "" {
		return c
	}
	return p.Raw
}

// digest makes a key of values that are long or personal.
func digest(args ...any) (any, error) {
	sum := sha256.New()
	for _, v := range args {
		s := textOf(v)
		sum.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	return hex.EncodeToString(sum.Sum(nil)[:12]), nil
}

// textOf writes a scalar as text; nil is empty, and so is what is no scalar.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func floatOf(v any) (float64, error) {
	switch v := v.(type) {
	case int:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		return strconv.ParseFloat(v, 64)
	}
	return 0, errNumber
}
