package account_test

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/account"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/ticket"
)

const right = "correct horse battery"

// gate holds every reader of an account until all have read it.
type gate struct {
	*sqlite.Store
	all *sync.WaitGroup
}

func (g gate) User(ctx context.Context, login string) (store.User, error) {
	u, err := g.Store.User(ctx, login)
	if g.all != nil {
		g.all.Done()
		g.all.Wait()
	}
	return u, err
}

func accounts(t *testing.T, st account.Store) *account.Accounts {
	t.Helper()
	now := time.Date(2026, 7, 13, 0, 0, 0, 0, time.UTC)
	return account.New(account.Options{Store: st, Now: func() time.Time { return now }, Random: rand.Reader})
}

func TestGuessesMadeAtOnceAreLockedOutAfterFive(t *testing.T) {
	t.Parallel()
	st := sqlitetest.Open(t)
	if err := accounts(t, st).Create(t.Context(), store.User{Login: "li"}, right, true); err != nil {
		t.Fatal(err)
	}
	const guesses = 12
	g := gate{st, &sync.WaitGroup{}}
	g.all.Add(guesses)
	a := accounts(t, g)
	var mu sync.Mutex
	wrong := 0
	var all sync.WaitGroup
	for range guesses {
		all.Go(func() {
			if _, _, err := a.Login(t.Context(), "li", "wrong wrong wrong"); ticket.IsKind(err, ticket.Unauthenticated) {
				mu.Lock()
				defer mu.Unlock()
				wrong++
			}
		})
	}
	all.Wait()
	if wrong != 5 {
		t.Errorf("%d guesses were judged, want 5", wrong)
	}
	if _, _, err := accounts(t, st).Login(t.Context(), "li", right); !ticket.IsKind(err, ticket.TooMany) {
		t.Errorf("after that the right password gives %v", err)
	}
}

func TestAPasswordChangedMeanwhileLetsNobodyIn(t *testing.T) {
	t.Parallel()
	st := sqlitetest.Open(t)
	a := accounts(t, st)
	if err := a.Create(t.Context(), store.User{Login: "li"}, right, true); err != nil {
		t.Fatal(err)
	}
	changed := changing{st, func() {
		if err := accounts(t, st).ChangePassword(t.Context(), "li", right, "another long password"); err != nil {
			t.Error(err)
		}
	}}
	if _, _, err := accounts(t, changed).Login(t.Context(), "li", right); !ticket.IsKind(err, ticket.Unauthenticated) {
		t.Errorf("the old password gives %v", err)
	}
}

// changing is a store where an account changes right after it was read.
type changing struct {
	*sqlite.Store
	after func()
}

func (c changing) User(ctx context.Context, login string) (store.User, error) {
	u, err := c.Store.User(ctx, login)
	c.after()
	return u, err
}
