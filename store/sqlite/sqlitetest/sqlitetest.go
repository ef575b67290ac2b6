// Package sqlitetest gives tests a real store: a fresh file with keys of its own, closed when the
// test ends.
package sqlitetest

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/sqlite"
)

// Open makes an empty store in the test's own folder.
func Open(t testing.TB) *sqlite.Store {
	t.Helper()
	keys, err := seal.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}
