package postgres

import (
	"testing"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/storetest"
)

var server postgrestest.Server

func TestMain(m *testing.M) { server.Main(m) }

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
		return openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)})
	})
}
