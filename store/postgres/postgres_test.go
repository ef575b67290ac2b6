package postgres

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/storetest"
)

var server postgrestest.Server

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

func newRing(t testing.TB) *seal.Ring {
	t.Helper()
	f, err := seal.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openAt(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return openAt(t, Options{DSN: server.Database(t), Ring: newRing(t)})
	})
}
