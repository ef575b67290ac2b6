package storetest

import (
	"context"
	"testing"

	"github.com/citizen-hotline/gateway/store/tables"
)

// OverlapsAreRefused makes sure that the table of overrides itself refuses what overlaps, whoever writes.
func OverlapsAreRefused(t *testing.T, s *tables.Tables) {
	t.Helper()
	insert := func(id byte, post string, from, to int64, withdrawn any) error {
		return s.DB.Write(t.Context(), func(ctx context.Context, tx tables.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO duty_overrides (id, post, from_at, to_at, who, kind, author, withdrawn_by, withdrawn_at)
				VALUES (?, ?, ?, ?, '王', 'override', 'duty1', '', ?)`, []byte{id}, post, from, to, withdrawn)
			return err
		})
	}
	from := Day.UnixMilli()
	for _, tt := range []struct {
		what      string
		post      string
		from, to  int64
		withdrawn any
		refused   bool
	}{
		{"the first", "centre.duty", from, from + 100, nil, false},
		{"right behind it", "centre.duty", from + 100, from + 200, nil, false},
		{"right before it", "centre.duty", from - 100, from, nil, false},
		{"its last millisecond", "centre.duty", from + 99, from + 100, nil, true},
		{"around all", "centre.duty", from - 1000, from + 1000, nil, true},
		{"another post", "centre.desk", from, from + 100, nil, false},
		{"withdrawn already", "centre.duty", from, from + 100, from, false},
	} {
		if err := insert(byte(tt.to)^byte(len(tt.what)), tt.post, tt.from, tt.to, tt.withdrawn); (err != nil) != tt.refused {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
}
