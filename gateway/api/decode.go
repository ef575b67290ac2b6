package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// newValidate names fields as they are on the wire.
func newValidate() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	return v
}

// body reads a JSON body strictly: unknown fields are refused, every wrong field is named. An
// empty body reads as {}.
func (a *API) body(k *call, into any) error {
	raw := k.Request().Body()
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	if err := decode(raw, into); err != nil {
		return err
	}
	return a.check(into)
}

func decode(raw []byte, into any) error {
	if !utf8.Valid(raw) {
		return ticket.Errorf(ticket.Invalid, "body.charset", "请使用 UTF-8 编码的 JSON")
	}
	var probe json.RawMessage
	if err := wire.JSON(raw, &probe); err != nil { // depth, and nothing after the document
		return wire.Correctable(err, "body.format")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &kind) && kind.Field != "":
		return fieldError("body.format", kind.Field, "数据类型不正确")
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fieldError("body.unknown_field", strings.Trim(name, `"`), "没有这个字段")
	}
	return ticket.Errorf(ticket.Invalid, "body.format", "提交内容不是合格的 JSON，请检查格式")
}

// check runs the validate tags and names every field that fails.
func (a *API) check(body any) error {
	var failed validator.ValidationErrors
	if err := a.validate.Struct(body); !errors.As(err, &failed) {
		return err
	}
	e := ticket.Errorf(ticket.Invalid, "body.invalid", "请按提示修改")
	root := reflect.Indirect(reflect.ValueOf(body)).Type().Name() + "." // a body without a name has no root either
	for _, f := range failed {
		path := strings.TrimPrefix(f.Namespace(), root)
		e.Fields = append(e.Fields, ticket.Field{Name: path, Message: wire.Complaint(f.Tag(), f.Param(), f.Kind())})
	}
	return e
}

func fieldError(code, field, message string) error {
	return &ticket.Error{Kind: ticket.Invalid, Code: code, Message: "请按提示修改", Fields: []ticket.Field{{Name: field, Message: message}}}
}

// query reads query parameters and collects what is wrong with them.
type query struct {
	k     *call
	known []string
	wrong []ticket.Field
}

func queryOf(k *call) *query { return &query{k: k} }

func (q *query) complain(name, message string) {
	q.wrong = append(q.wrong, ticket.Field{Name: name, Message: message})
}

func (q *query) text(name string) string {
	q.known = append(q.known, name)
	s := q.k.Query(name)
	if len(s) > 500 {
		q.complain(name, "过长")
		return ""
	}
	return s
}

// number reads a whole number from 1 to most; 0 when none is given.
func (q *query) number(name string, most int) int {
	s := q.text(name)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		q.complain(name, "应为 1 至 "+strconv.Itoa(most)+" 的整数")
		return 0
	}
	return n
}

func (q *query) flag(name string) bool {
	switch q.text(name) {
	case "":
		return false
	case "true":
		return true
	case "false":
		return false
	}
	q.complain(name, "应为 true 或 false")
	return false
}

func (q *query) time(name string) time.Time {
	s := q.text(name)
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1)) // a plus sign that was not escaped arrives as a blank
	if err != nil {
		q.complain(name, "应为时间，例如 2026-07-13T08:30:00+08:00")
	}
	return at
}

// oneOf reads a parameter that must be one of some values.
func oneOf[T ~string](q *query, name string, allowed []T) T {
	s := T(q.text(name))
	if s != "" && !slices.Contains(allowed, s) {
		q.complain(name, "只能是以下之一："+join(allowed))
		return ""
	}
	return s
}

// someOf reads a parameter that is a list with commas.
func someOf[T ~string](q *query, name string, allowed []T) []T {
	var list []T
	for s := range strings.SplitSeq(q.text(name), ",") {
		switch v := T(s); {
		case s == "":
		case !slices.Contains(allowed, v):
			q.complain(name, "只能是以下之一："+join(allowed))
			return nil
		default:
			list = append(list, v)
		}
	}
	return list
}

func join[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = string(w)
	}
	return strings.Join(words, " ")
}

// err names every wrong and every unknown parameter.
func (q *query) err() error {
	for name := range q.k.Queries() {
		if !slices.Contains(q.known, name) {
			q.complain(name, "没有这个参数")
		}
	}
	if q.wrong == nil {
		return nil
	}
	slices.SortFunc(q.wrong, func(a, b ticket.Field) int { return strings.Compare(a.Name, b.Name) })
	return &ticket.Error{Kind: ticket.Invalid, Code: "query.invalid", Message: "请按提示修改", Fields: q.wrong}
}
