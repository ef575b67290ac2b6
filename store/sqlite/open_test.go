package sqlite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// What an acknowledgement rests on: every commit of the writer's own connection is synced.
func TestWriterSyncsEveryCommit(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)})
	for pragma, want := range map[string]string{
		"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "wal_autocheckpoint": "0", "busy_timeout": "5000", "temp_store": "2",
	} {
		var got string
		err := s.DB.Write(t.Context(), func(c ctx, tx tables.Tx) error {
			return tx.Query(c, "PRAGMA "+pragma, nil, func(r tables.Row) error { return r.Scan(&got) })
		})
		if err != nil || got != want {
			t.Errorf("PRAGMA %s on the writer's connection is %q, %v; want %s", pragma, got, err, want)
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)})
	if _, err := s.readers.db.ExecContext(t.Context(), `DELETE FROM tickets`); err == nil {
		t.Error("a reader's connection deleted tickets")
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	t.Parallel()
	o := Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)}
	s := openAt(t, o)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another hotline process") {
		t.Errorf("a second opener: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, o)
}

// A column that a copy leaves out would be lost by every backup and every move.
func TestCopiesHaveEveryColumn(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)})
	got := map[string][]string{}
	err := s.DB.Read(t.Context(), `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
		AND m.name NOT IN ('meta', 'goose_db_version', 'sqlite_sequence') ORDER BY m.name, c.name`, true, nil, func(r tables.Row) error {
		var table, column string
		err := r.Scan(&table, &column)
		got[table] = append(got[table], column)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := tables.Columns()
	for _, columns := range want {
		slices.Sort(columns)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns copied (-) and columns there are (+):\n%s", diff)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	o := Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)}
	s := openAt(t, o)
	err := s.DB.Write(t.Context(), func(c ctx, tx tables.Tx) error {
		_, err := tx.Exec(c, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a schema of a newer program: %v", err)
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	o := Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)}
	if err := openAt(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	o.Ring = storetest.Ring(t)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "key file") {
		t.Errorf("keys of another city: %v", err)
	}
	o.Ring = nil
	if _, err := Open(t.Context(), o); err == nil {
		t.Error("opened without keys")
	}
}

func TestPathsThatCannotBe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Open(t.Context(), Options{Path: filepath.Join(dir, "none", "hotline.db"), Ring: storetest.Ring(t)}); err == nil || !strings.Contains(err.Error(), "data folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
	notADB := filepath.Join(dir, "text.db")
	if err := os.WriteFile(notADB, bytes.Repeat([]byte("not a database "), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: notADB, Ring: storetest.Ring(t)}); err == nil {
		t.Error("a text file was opened as a database")
	}
	// Signs that mean something in a URI are just signs in a path.
	odd := filepath.Join(dir, "数据 100%?#&x")
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	openAt(t, Options{Path: filepath.Join(odd, "hotline.db"), Ring: storetest.Ring(t)})
	if _, err := os.Stat(filepath.Join(odd, "hotline.db")); err != nil {
		t.Error(err)
	}
}

// Nothing personal can be read from the files without the keys, whether or not the log has been
// folded back.
func TestPersonalDataIsSealedAtRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := Options{Path: filepath.Join(dir, "hotline.db"), Ring: storetest.Ring(t)}
	s := openAt(t, o)
	m := storetest.NewMaker()
	d := m.Ticket(t, storetest.Day, func(_ *ticket.Registration, p *ticket.Private) {
		p.Appellant = ticket.Party{Name: "Xiulan-Wang", Phone: "13911112222", Contact: "wang@mail.test", IDNumber: "371302199001011234", ChannelID: "openid-secret"}
		p.Text, p.Title = "streetlight-text is dark", "streetlight-title"
		p.Place.Address = "Yimeng-Road 17"
		p.Reply = &ticket.ReplyHandle{Address: "reply-address", Token: "reply-token"}
	}).Dispatch(storetest.Day, "住建局")
	d.Do(storetest.Day, ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: "internal-note", PublicReply: "public-reply"}})
	c := d.Change()
	c.Calls = []store.Call{{ID: m.ID(t, storetest.Day), Channel: "phone", CallID: "c1", Private: store.CallPrivate{
		Caller: ticket.Party{Phone: "13911112222"}, Transcript: "call-transcript",
	}}}
	c.Access = []store.Access{{At: storetest.Day, What: "reveal", Ticket: d.Ticket.ID, Reason: "access-reason"}}
	c.Requests[0].Outcome = []byte("outcome-text")
	c.Outbox[0].Body = []byte("notice-body")
	storetest.Must(t, s, c)
	if err := s.PutMedia(t.Context(), ticket.MediaRef{SHA256: "ab", Name: "media-name", Ref: "media-ref"}, storetest.Day); err != nil {
		t.Fatal(err)
	}
	secrets := []string{
		"Xiulan-Wang", "13911112222", "wang@mail.test", "371302199001011234", "openid-secret", "streetlight-text", "streetlight-title",
		"Yimeng-Road", "reply-address", "reply-token", "internal-note", "public-reply", "call-transcript", "access-reason", "outcome-text", "notice-body",
		"media-name", "media-ref", d.Ticket.Private.TrackCode,
	}
	scan := func(when string) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var size int
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			size += len(b)
			for _, secret := range secrets {
				if bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s: %s holds %q in clear", when, f.Name(), secret)
				}
			}
			if bytes.Contains(b, []byte(d.Ticket.Number)) {
				size += 1 << 30 // the row is in what was scanned
			}
		}
		if size < 1<<30 {
			t.Errorf("%s: the scan of %d bytes did not even find the ticket's number", when, size)
		}
	}
	for _, name := range []string{"hotline.db", "hotline.db-wal", "hotline.db-shm", "hotline.db.lock"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; others must not read it", name, info.Mode(), err)
		}
	}
	scan("while open")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	scan("after closing")
	if _, err := os.Stat(o.Path + "-wal"); err == nil {
		t.Error("closing left the log beside the database")
	}
}

// A value moved to another row, or changed in its own, does not open.
func TestTamperedRowsAreNoticed(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)})
	m := storetest.NewMaker()
	a, b := m.Ticket(t, storetest.Day), m.Ticket(t, storetest.Day)
	storetest.Must(t, s, a.Change(), b.Change())
	run := func(text string, args ...any) {
		t.Helper()
		err := s.DB.Write(t.Context(), func(c ctx, tx tables.Tx) error {
			_, err := tx.Exec(c, text, args...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run(`UPDATE tickets SET sealed = (SELECT sealed FROM tickets WHERE id = ?) WHERE id = ?`, a.Ticket.ID[:], b.Ticket.ID[:])
	if _, err := s.Ticket(t.Context(), b.Ticket.ID); err == nil {
		t.Error("another citizen's personal part opened on this ticket")
	}
	run(`UPDATE events SET doc = replace(CAST(doc AS TEXT), 'wechat', 'wecomm') WHERE ticket = ?`, a.Ticket.ID[:])
	events, err := s.History(t.Context(), a.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.VerifyChain(events); err == nil {
		t.Error("a changed event passed the check of its chain")
	}
	run(`UPDATE events SET sealed = NULL WHERE ticket = ?`, b.Ticket.ID[:])
	events, err = s.History(t.Context(), b.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.VerifyChain(events); err != nil {
		t.Errorf("destroying the personal part broke the chain: %v", err)
	}
}

// A question that takes too long is given up, with advice, and its connection serves the next.
func TestSlowReadsAreCutShort(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t), Readers: 1})
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	none := func(tables.Row) error { return nil }
	err := s.DB.Explain(s.DB.Read(short, `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c`, true, nil, none), "numbers")
	if !ticket.IsKind(err, ticket.Unavailable) || !strings.Contains(err.Error(), "narrow") {
		t.Errorf("a read without end: %v", err)
	}
	if err := s.DB.Read(t.Context(), `SELECT 7`, true, nil, none); err != nil {
		t.Errorf("the next read: %v", err)
	}
}
