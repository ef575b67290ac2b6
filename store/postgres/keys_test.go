package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store/storetest"
)

// Nothing is done to a key while somebody may still write what it sealed; who begins to seal with it meanwhile is
// refused.
func TestAKeyHasNoWritersBeforeItGoes(t *testing.T) {
	t.Parallel()
	dsn, ring := server.Database(t), storetest.Ring(t)
	open := func() *Store { return openAt(t, Options{DSN: dsn, Ring: ring}) }
	own, other := open(), open()
	old := ring.Current()
	if err := own.Sealing(t.Context(), old+1, 0); err != nil {
		t.Fatal(err)
	}
	done := false
	err := own.WithoutWriters(t.Context(), []uint32{old}, 300*time.Millisecond, func() error { done = true; return nil })
	if err == nil || done || !strings.Contains(err.Error(), "keys.json") {
		t.Fatalf("done %t while another gateway seals with it: %v", done, err)
	}
	if err := other.Sealing(t.Context(), old+1, 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	err = own.WithoutWriters(t.Context(), []uint32{old}, 20*time.Second, func() error {
		done = true
		s, err := Open(t.Context(), Options{DSN: dsn, Ring: ring})
		if err == nil {
			t.Error("another gateway begins to seal with it", s.Close())
		} else if !strings.Contains(err.Error(), "is being destroyed") {
			t.Errorf("refused with %v", err)
		}
		return nil
	})
	if err != nil || !done {
		t.Errorf("done %t when nobody seals with it any more: %v", done, err)
	}
	storetest.Must(t, other, storetest.NewMaker().Ticket(t, storetest.Day).Change())
	if err := open().Close(); err != nil {
		t.Error(err)
	}
}
