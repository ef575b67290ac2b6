package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/citizen-hotline/gateway/internal/media"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

var server postgrestest.Server

func TestMain(m *testing.M) { server.Main(m) }

// place is one for a city's data, in a file or in a server.
func place(t *testing.T, in string) Where {
	t.Helper()
	w := Where{Data: t.TempDir()}
	if in == "server" {
		w.Store = server.Database(t)
	}
	return w
}

// inhabited is a city with keys, an administrator, tickets in all states of their lives and an attachment.
func inhabited(t *testing.T, in string) Where {
	t.Helper()
	w := place(t, in)
	if err := Initialise(t.Context(), w, "admin", io.Discard); err != nil {
		t.Fatal(err)
	}
	st := opens(t, w)
	m := storetest.NewMaker()
	for i := range 700 { // more than a page
		d := m.Ticket(t, storetest.Day)
		switch i % 3 {
		case 0:
			d.Dispatch(storetest.Day, "s-371302001")
		case 1:
			d.Answer(storetest.Day)
		}
		c := d.Change()
		if i == 0 {
			c.Calls = []store.Call{{ID: m.ID(t, storetest.Day), Channel: "phone", CallID: "c1", State: "ended", RangAt: storetest.Day}}
			c.Alerts = []store.Alert{{ID: m.ID(t, storetest.Day), Key: "a1", Ticket: d.Ticket.ID, At: storetest.Day}}
			c.Access = []store.Access{{At: storetest.Day, What: "reveal", Ticket: d.Ticket.ID, Fields: []string{"phone"}, Reason: "核实"}}
			c.Cursor = &store.Cursor{Channel: "mail", Value: "7", At: storetest.Day}
		}
		storetest.Must(t, st, c)
	}
	err := st.PublishPack(t.Context(), store.Pack{Hash: "p1", Author: "a", At: storetest.Day, Archive: bytes.Repeat([]byte("pack"), 1000)})
	if err = errors.Join(err, st.Close()); err != nil {
		t.Fatal(err)
	}
	files, err := media.Open(w.path("media"), maxUpload)
	if err != nil {
		t.Fatal(err)
	}
	_, err = files.Put(strings.NewReader("a photo of a lamp"))
	if err := errors.Join(err, files.Close()); err != nil {
		t.Fatal(err)
	}
	return w
}

// opens opens a city's store as a gateway does.
func opens(t *testing.T, w Where) store.Store {
	t.Helper()
	ring, err := w.keys()
	if err != nil {
		t.Fatal(err)
	}
	st, err := w.open(t.Context(), ring, lanes.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// lives checks that a city has all its tickets and takes new ones, which readers of the feed then see.
func lives(t *testing.T, w Where, tickets int) {
	t.Helper()
	var out bytes.Buffer
	if err := Verify(t.Context(), w, &out); err != nil || !strings.Contains(out.String(), fmt.Sprintf("tickets=%d broken=0", tickets)) {
		t.Fatalf("verify: %v, %s", err, out.String())
	}
	st := opens(t, w)
	defer st.Close() //nolint:errcheck // what was written is checked
	end, err := st.FeedEnd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.User(t.Context(), "admin"); err != nil {
		t.Error(err)
	}
	d := storetest.NewMaker().Ticket(t, storetest.Day, func(r *ticket.Registration, _ *ticket.Private) {
		r.Number, r.Key = ticket.FormatNumber("LY", storetest.Day, 90_000), "after"
	})
	storetest.Must(t, st, d.Change())
	for patience := 5000; patience > 0; patience-- {
		items, err := st.Feed(t.Context(), end, 10)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(items); n > 0 && items[n-1].Ticket == d.Ticket.ID {
			return
		}
	}
	t.Error("a ticket taken afterwards is not in the feed")
}

func copyKeys(t *testing.T, from, to Where) {
	t.Helper()
	if err := copyFile(from.path("keys.json"), to.path("keys.json")); err != nil {
		t.Fatal(err)
	}
}

// A city moves to a server and back, and is the same city.
func TestACityMovesToAServerAndBack(t *testing.T) {
	t.Parallel()
	file := inhabited(t, "file")
	there := Where{Data: file.Data, Store: server.Database(t)}
	back := Where{Data: file.Data, File: filepath.Join(t.TempDir(), "hotline.db")}
	before, err := hashFile(file.file())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, move := range [][2]Where{{file, there}, {there, back}} {
		if err := Migrate(t.Context(), move[0], move[1], Report{Out: &out}); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(out.String(), "tickets=700 broken=0") != 2 {
		t.Errorf("it says %q", out.String())
	}
	if after, err := hashFile(file.file()); err != nil || after != before {
		t.Errorf("the source was changed: %v", err)
	}
	lives(t, there, 700)
	lives(t, back, 700)
	if err := Migrate(t.Context(), file, there, Report{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("moved into a city that is there: %v", err)
	}
}

// What was broken off goes on where it stopped, from the same source only, and nobody serves it before.
func TestAMoveThatWasBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	file := inhabited(t, "file")
	for _, in := range []string{"file", "server"} {
		to := Where{Data: file.Data, File: filepath.Join(t.TempDir(), "hotline.db")}
		if in == "server" {
			to = Where{Data: file.Data, Store: server.Database(t)}
		}
		ring, err := file.keys()
		if err != nil {
			t.Fatal(err)
		}
		from, err := file.openToCopy(t.Context(), ring, true)
		if err != nil {
			t.Fatal(err)
		}
		target, err := to.openToCopy(t.Context(), ring, true)
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := from.Rows(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		pages := 0
		err = target.CopyFrom(ctx, rows, file.name(), func(string, int) {
			if pages++; pages == 4 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			t.Fatal("it was not broken off")
		}
		if err := errors.Join(target.Close(), from.Close()); err != nil {
			t.Fatal(err)
		}

		if _, err := to.open(t.Context(), ring, lanes.Observer{}); err == nil || !strings.Contains(err.Error(), "broken off") {
			t.Errorf("%s: served before it is whole: %v", in, err)
		}
		other := inhabited(t, "file")
		other.Data, other.File = file.Data, other.file()
		if err := Migrate(t.Context(), other, to, Report{Out: io.Discard}); err == nil {
			t.Errorf("%s: two cities were mixed", in)
		}
		var out bytes.Buffer
		if err := Migrate(t.Context(), file, to, Report{Out: &out}); err != nil || !strings.Contains(out.String(), "tickets=700") {
			t.Errorf("%s: it did not go on: %v, %s", in, err, out.String())
		}
		lives(t, to, 700)
	}
}

// A backup is made while a gateway writes, and becomes a city again in an empty place, on either engine.
func TestABackupBecomesACityAgain(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := inhabited(t, in)
			st, stop := opens(t, w), make(chan struct{})
			var writing sync.WaitGroup
			writing.Go(func() {
				m := storetest.NewMaker()
				for n := range 3000 {
					select {
					case <-stop:
						return
					default:
					}
					d := m.Ticket(t, storetest.Day, func(r *ticket.Registration, _ *ticket.Private) {
						r.Number, r.Key = ticket.FormatNumber("LY", storetest.Day, 10_000+n), fmt.Sprintf("meanwhile-%d", n)
					})
					storetest.Must(t, st, d.Change())
				}
			})
			to := filepath.Join(t.TempDir(), "backup")
			err := Backup(t.Context(), w, to, Report{Out: io.Discard})
			close(stop)
			writing.Wait()
			if err := errors.Join(err, st.Close()); err != nil {
				t.Fatal(err)
			}
			m, err := readManifest(filepath.Join(to, backupManifest))
			if err != nil || m.Tickets < 700 || m.Media != 1 || len(m.Keys) != 1 {
				t.Fatalf("the manifest says %+v, %v", m, err)
			}
			if b, err := os.ReadFile(filepath.Join(to, backupDatabase)); err != nil || bytes.Contains(b, []byte("王秀兰")) {
				t.Errorf("a name is readable in the backup: %v", err)
			}
			for _, again := range []string{"file", "server"} {
				where := place(t, again)
				copyKeys(t, w, where)
				if err := Restore(t.Context(), to, where, Report{Out: io.Discard}); err != nil {
					t.Fatalf("restore into a %s: %v", again, err)
				}
				lives(t, where, int(m.Tickets))
				photos, _ := filepath.Glob(where.path("media") + "/*/*")
				if len(photos) != 1 {
					t.Errorf("%d attachments in the restored %s", len(photos), again)
				}
				if err := Restore(t.Context(), to, where, Report{Out: io.Discard}); err == nil {
					t.Errorf("restored over a city that is there")
				}
			}
		})
	}
}

func TestBadBackupsAreRefused(t *testing.T) {
	t.Parallel()
	w := inhabited(t, "file")
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, backup string, where Where)
		want  string
	}{
		"no manifest": {func(t *testing.T, backup string, _ Where) {
			if err := os.Remove(filepath.Join(backup, backupManifest)); err != nil {
				t.Fatal(err)
			}
		}, "not a backup"},
		"a damaged database": {func(t *testing.T, backup string, _ Where) {
			path := filepath.Join(backup, backupDatabase)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not as it was written"},
		"a damaged attachment": {func(t *testing.T, backup string, _ Where) {
			photos, _ := filepath.Glob(filepath.Join(backup, backupMedia) + "/*/*")
			if err := os.WriteFile(photos[0], []byte("another photo"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		"no keys": {func(t *testing.T, _ string, where Where) {
			if err := os.Remove(where.path("keys.json")); err != nil {
				t.Fatal(err)
			}
		}, "put the keys.json"},
		"keys of another city": {func(t *testing.T, _ string, where Where) {
			if err := errors.Join(os.Remove(where.path("keys.json")), Initialise(t.Context(), Where{Data: where.Data, File: filepath.Join(t.TempDir(), "x.db")}, "admin", io.Discard)); err != nil {
				t.Fatal(err)
			}
		}, "does not belong to this database"},
		"a later format": {func(t *testing.T, backup string, _ Where) {
			if err := os.WriteFile(filepath.Join(backup, backupManifest), []byte(`{"format":9}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "format 9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backup, where := filepath.Join(t.TempDir(), "backup"), place(t, "file")
			copyKeys(t, w, where)
			if err := Backup(t.Context(), w, backup, Report{Out: io.Discard}); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, backup, where)
			if err := Restore(t.Context(), backup, where, Report{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("restore: %v, want %q", err, tt.want)
			}
		})
	}
	if err := Backup(t.Context(), w, w.Data, Report{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a backup among other things: %v", err)
	}
}

// A city that is being served is not moved.
func TestACityThatIsServedIsNotMoved(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		w := inhabited(t, in)
		opens(t, w)
		to := Where{Data: w.Data, File: filepath.Join(t.TempDir(), "hotline.db")}
		if err := Migrate(t.Context(), w, to, Report{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "stop it") {
			t.Errorf("moved a %s that a gateway serves from: %v", in, err)
		}
	}
}
