package tables

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/ticket"
)

// scanInt reads a row of one number.
func scanInt(r Row) (n int64, err error) {
	err = r.Scan(&n)
	return n, err
}

// dbTime reads a stored time: UTC, the zero time for NULL.
type dbTime struct{ time.Time }

// Scan implements [sql.Scanner].
func (t *dbTime) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		t.Time = time.Time{}
	case int64:
		t.Time = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("store: a time is stored as a number, found %T", v)
	}
	return nil
}

// dbID reads a stored id: the zero id for NULL.
type dbID struct{ ticket.ID }

// Scan implements [sql.Scanner].
func (d *dbID) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		d.ID = ticket.ID{}
	case []byte:
		if len(v) != len(d.ID) {
			return fmt.Errorf("store: an id has %d bytes, found %d", len(d.ID), len(v))
		}
		copy(d.ID[:], v)
	default:
		return fmt.Errorf("store: an id is stored as bytes, found %T", v)
	}
	return nil
}

// dbHash reads a stored hash.
type dbHash struct{ ticket.Hash }

// Scan implements [sql.Scanner].
func (h *dbHash) Scan(v any) error {
	b, ok := v.([]byte)
	if v == nil {
		h.Hash = ticket.Hash{}
		return nil
	}
	if !ok || len(b) != len(h.Hash) {
		return fmt.Errorf("store: a hash has %d bytes, found %T of %d", len(h.Hash), v, len(b))
	}
	copy(h.Hash[:], b)
	return nil
}

// ms is a time as it is stored.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// never is the stored deadline of a ticket that has none: it comes last in every order, by the
// same index.
const never = int64(1) << 62

func dueAt(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixMilli()
}

// id is an id as it is stored; none is NULL.
func id(v ticket.ID) any {
	if v.IsZero() {
		return nil
	}
	return v[:]
}

// blob keeps an absent value NULL, so that partial indexes leave it out.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// plain is a text as it is stored. What is no text (PostgreSQL keeps neither U+0000 nor broken
// UTF-8) is replaced, the same in every engine, so that a key is found again as it was kept.
func plain(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
