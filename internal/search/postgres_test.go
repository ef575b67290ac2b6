package search

import (
	"testing"

	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/storetest"
)

var server postgrestest.Server

func TestMain(m *testing.M) { server.Main(m) }

// inPostgres is a setting whose tickets and index are tables.
func inPostgres(t *testing.T) *setting {
	t.Helper()
	s := &setting{t: t, ring: storetest.Ring(t), make: storetest.NewMaker()}
	s.dir = server.Database(t)
	st, err := postgres.Open(t.Context(), postgres.Options{DSN: s.dir, Ring: s.ring, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	s.store, s.finder = st, openTable(t, s.dir, s.ring)
	return s
}

func openTable(t *testing.T, dsn string, keys Keys) *Postgres {
	t.Helper()
	x, err := OpenPostgres(t.Context(), dsn, keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// One of two gateways fills the index, and when it ends the other: nothing is missed and nothing read twice.
func TestGatewaysFillOneIndex(t *testing.T) {
	t.Parallel()
	s := inPostgres(t)
	other := *s
	other.finder = openTable(t, s.dir, s.ring)
	first := s.take("路灯", "一")
	s.followed(1)
	second := s.take("路灯", "二")
	if n := other.follow(); n != 0 {
		t.Errorf("%d events were read while another gateway fills", n)
	}
	if err := s.finder.Close(); err != nil {
		t.Fatal(err)
	}
	if n := other.followed(1) + other.follow(); n != 1 {
		t.Errorf("%d events were read by the one that went on, want 1", n)
	}
	other.finds("路灯", second, first)
	if err := other.finder.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.finds("路灯")
	other.followed(2)
	other.finds("路灯", second, first)
}

// A gateway that starts while another fills the index neither waits for it in a circle nor holds it up.
func TestAGatewayStartsWhileAnotherFills(t *testing.T) {
	t.Parallel()
	s := inPostgres(t)
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			d := s.make.Ticket(t, storetest.Day)
			if err := s.store.Commit(t.Context(), d.Change())[0]; err != nil {
				ended <- err
				return
			}
			if _, err := s.finder.Follow(t.Context(), s.store); err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 100 {
		x, err := OpenPostgres(t.Context(), s.dir, s.ring)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A table made with other keys is filled again.
func TestStaleTableIsFilledAgain(t *testing.T) {
	t.Parallel()
	s := inPostgres(t)
	d := s.take("路灯", "一")
	s.followed(1)
	if err := s.finder.Close(); err != nil {
		t.Fatal(err)
	}
	s.finder = openTable(t, s.dir, storetest.Ring(t))
	s.finds("路灯")
	s.followed(1)
	s.finds("路灯", d)
}
