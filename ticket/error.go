package ticket

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrorKind says what sort of refusal an [Error] is; the edge maps each kind to one HTTP status.
type ErrorKind int

// The kinds of errors. Unavailable is the only one worth trying again unchanged.
const (
	Internal ErrorKind = iota
	Invalid
	Unauthenticated
	Forbidden
	NotFound
	Duplicate
	Conflict
	TooLarge
	TooMany
	Unavailable
)

var errorKindNames = [...]string{
	"internal", "invalid", "unauthenticated", "forbidden", "not_found",
	"duplicate", "conflict", "too_large", "too_many", "unavailable",
}

// String is the label of the kind in metrics and logs.
func (k ErrorKind) String() string {
	if k < 0 || int(k) >= len(errorKindNames) {
		return "internal"
	}
	return errorKindNames[k]
}

// Field is one input that was wrong: its path and what would be right.
type Field struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// Error is the one error type of the domain. Code is stable and catalogued
// (for example "ticket.move.illegal"); Message is for people and holds no personal data.
type Error struct {
	Kind       ErrorKind
	Code       string
	Message    string
	Fields     []Field
	RetryAfter time.Duration // only with Unavailable and TooMany
	Err        error         // the cause, if any
}

// Error joins message, fields and cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Name, f.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error without a cause.
func Errorf(kind ErrorKind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because gives the error its cause and returns it.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// KindOf is the kind of the first Error in err's chain, Internal when there is none.
func KindOf(err error) ErrorKind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// IsKind reports whether err carries an Error of the kind.
func IsKind(err error, kind ErrorKind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}
