package tables

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/citizen-hotline/gateway/ticket"
)

// query gathers the conditions of one list. Values are always bound, never written into the text.
type query struct {
	conditions []string
	args       []any
}

func (q *query) and(condition string, args ...any) {
	q.conditions = append(q.conditions, condition)
	q.args = append(q.args, args...)
}

// among asks for one of the values; no values ask for nothing.
func (q *query) among(column string, values []string) {
	if len(values) > 0 {
		q.and(column+` IN (`+marks(len(values))+`)`, anys(values)...)
	}
}

// before continues a list that is ordered by position, newest first.
func (q *query) before(column, cursor string) error {
	if cursor == "" {
		return nil
	}
	at, err := parseCursor(cursor, 1)
	if err != nil {
		return err
	}
	q.and(column+` < ?`, at[0])
	return nil
}

func (q *query) where() string {
	if len(q.conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(q.conditions, ` AND `)
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat(`?,`, n), `,`) }

func anys(values []string) []any {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return args
}

func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// cursorOf makes the opaque cursor of a list: where its last row stands.
func cursorOf(at ...int64) string {
	b, _ := json.Marshal(at) // numbers always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads a cursor of n numbers.
func parseCursor(cursor string, n int) ([]int64, error) {
	var at []int64
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil || len(at) != n {
		return nil, ticket.Errorf(ticket.Invalid, "store.cursor", "the cursor is not one this list gave out; begin again without one")
	}
	return at, nil
}

// cut keeps limit rows of a list read one row further, and makes the next cursor of the last kept.
func cut[T any](list []T, limit int, cursor func(T) string) ([]T, string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], cursor(list[limit-1])
}
