package sqlite

import (
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
)

// What the version before left is listed by what its rows say: whom to call, but nobody who wants no call, and what waits for
// an answer already.
func TestTicketsFromBeforeAreListed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hotline.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for i, row := range []struct{ state, doc string }{
		{"resolved", `{"number":"N0"}`},
		{"resolved", `{"number":"N1","no_callback":true}`},
		{"handling", `{"number":"N2","extension":{"assignment":1,"amount":2,"unit":"working_days","reason":"r"}}`},
		{"handling", `{"number":"N3"}`},
	} {
		_, err := db.ExecContext(t.Context(), `INSERT INTO tickets (id, number, version, state, open, channel, source, category, region, unit, urgency, flags,
			registered_at, due_at, thread, fold_key, call_id, doc) VALUES (?, ?, 1, ?, 1, 'app', 'citizen', '', '', '', 'normal', 0, ?, 4611686018427387904, '', '', '', ?)`,
			append(make([]byte, 15), byte(i)), fmt.Sprint("N", i), row.state, storetest.Day.UnixMilli(), []byte(row.doc))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, Options{Path: path, Ring: storetest.Ring(t)})
	for name, f := range map[string]store.Filter{"N0": {Order: "callback"}, "N2": {Queue: store.QueueApproval}} {
		page, err := s.Tickets(t.Context(), f)
		if err != nil || len(page.Items) != 1 || page.Items[0].Number != name {
			t.Errorf("listed are %+v, %v; want %s alone", page.Items, err, name)
		}
	}
}
