// Package sqlitetest gives tests a real store: a fresh file with keys of its own, closed when the
// test ends.
package sqlitetest

import (
	"path/filepath"
	"testing"

	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/storetest"
)

// Open makes an empty store in the test's own folder.
func Open(t testing.TB) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)})
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
