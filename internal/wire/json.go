package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"

	"github.com/citizen-hotline/gateway/internal/text"
)

// JSON decodes one JSON document into a pointer. UTF-8 and GB18030 are read; [JSONOf] reads other
// charsets too. Unknown fields are allowed, because platforms add fields;
// numbers decoded into an interface stay json.Number, so that long ids keep their digits.
//
// Errors: *FormatError for nesting beyond MaxDepth, data after the document, a syntax error or
// a value of the wrong type; *text.CharsetError.
func JSON(body []byte, into any) error {
	s, err := text.Decode(body, "")
	if err != nil {
		return err
	}
	return decode([]byte(s), into)
}

// JSONOf is [JSON] for a body in the charset that its Content-Type declares.
func JSONOf(body []byte, h http.Header, into any) error {
	b, err := Text(body, h)
	if err != nil {
		return err
	}
	return decode(b, into)
}

// decode reads a document that is UTF-8.
func decode(b []byte, into any) error {
	if at := tooDeep(b); at > 0 {
		return &FormatError{Format: "JSON", Offset: int64(at), Reason: "nested too deep"}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return jsonError(err, len(b))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &FormatError{Format: "JSON", Offset: dec.InputOffset(), Reason: "there is more after the document"}
	}
	return nil
}

// tooDeep returns the offset at which nesting passes MaxDepth, 0 when it never does.
func tooDeep(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return 0
}

// jsonError keeps field and place and drops the rest: encoding/json quotes numbers, and a number
// may be somebody's telephone.
func jsonError(err error, size int) error {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &FormatError{Format: "JSON", Field: kind.Field, Offset: kind.Offset, Reason: "wrong type, " + jsonType(kind.Type.Kind()) + " is expected"}
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &FormatError{Format: "JSON", Offset: syntax.Offset, Reason: "syntax error"}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{Format: "JSON", Offset: int64(size), Reason: "it ends too early"}
	}
	return &FormatError{Format: "JSON", Reason: "a value has the wrong form"}
}

// jsonType is what a JSON author calls a Go kind.
func jsonType(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}
