package app

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/citizen-hotline/gateway/store"
)

// left unpacks what a released version left, into a folder of its own.
func left(t *testing.T, version string) Where {
	t.Helper()
	w := Where{Data: t.TempDir()}
	keys, err := os.ReadFile(filepath.Join(version, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path("keys.json"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(filepath.Join(version, "hotline.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close() //nolint:errcheck // only read
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(w.file(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return w
}

// A city of every released version is opened by this one with all it had, goes on, and moves to a server.
func TestCitiesOfEveryVersionGoOn(t *testing.T) {
	t.Parallel()
	versions, err := filepath.Glob("testdata/versions/v*")
	if err != nil || len(versions) == 0 {
		t.Fatalf("there are no versions: %v", err)
	}
	for _, version := range versions {
		t.Run(filepath.Base(version), func(t *testing.T) {
			t.Parallel()
			for _, in := range []string{"file", "server"} {
				w := left(t, version)
				if in == "server" {
					there := Where{Data: w.Data, Store: server.Database(t)}
					if err := Migrate(t.Context(), w, there, Report{Out: io.Discard}); err != nil {
						t.Fatal(err)
					}
					w = there
				}
				st := opens(t, w)
				page, err := st.Tickets(t.Context(), store.Filter{Phone: "+8613800001111"})
				if err != nil || len(page.Items) != 2 {
					t.Fatalf("%s: %d tickets by telephone, %v; want 2", in, len(page.Items), err)
				}
				if text := page.Items[0].Private.Text; text != "沂蒙路与金雀山路交叉口路灯不亮" {
					t.Errorf("%s: a text is %q", in, text)
				}
				if _, err := st.ActivePack(t.Context()); err != nil {
					t.Errorf("%s: %v", in, err)
				}
				if err := st.Close(); err != nil {
					t.Fatal(err)
				}
				lives(t, w, 3)
			}
		})
	}
}
