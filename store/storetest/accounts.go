package storetest

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var accountTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"users":                       users,
	"concurrent updates all hold": userRace,
	"sessions":                    sessions,
	"wrong tracking codes lock":   trackFailures,
	"number blocks never overlap": numbers,
	"packs":                       packs,
	"a shadow decides beside":     shadows,
	"media":                       media,
	"health":                      health,
}

func users(t *testing.T, open func(*testing.T) store.Store) {
	s, ctx := open(t), t.Context()
	u := store.User{ //nolint:gosec // no credentials
		Login: "zhang", Name: "张敏", Roles: []string{"agent"}, Region: "371302", Posts: []string{"duty"}, Password: "$argon2id$x",
		MustChange: true, CreatedAt: Day, Attributes: map[string]string{"extension": "8001"},
	}
	if err := s.UpdateUser(ctx, "zhang", true, func(v *store.User) error { *v = u; return nil }); err != nil {
		t.Fatal(err)
	}
	token := ticket.Hash{1, 2, 3}
	if err := s.UpdateUser(ctx, "bot", true, func(v *store.User) error { v.TokenHash = token; return nil }); err != nil {
		t.Fatal(err)
	}
	got, err := s.User(ctx, "zhang")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "user", u, got)
	if bot, err := s.UserByToken(ctx, token); err != nil || bot.Login != "bot" {
		t.Errorf("by token: %+v, %v", bot, err)
	}
	_, err = s.UserByToken(ctx, ticket.Hash{9})
	kind(t, "an unknown token", err, ticket.NotFound, "")
	err = s.UpdateUser(ctx, "bot2", true, func(v *store.User) error { v.TokenHash = token; return nil })
	kind(t, "a token given twice", err, ticket.Duplicate, "store.duplicate.token")
	stop := errors.New("not now")
	if err := s.UpdateUser(ctx, "zhang", false, func(v *store.User) error { v.Disabled = true; return stop }); !errors.Is(err, stop) {
		t.Errorf("a change that refuses: %v", err)
	}
	if err := s.UpdateUser(ctx, "zhang", false, func(v *store.User) error { v.Login, v.Name = "li", "张敏敏"; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateUser(ctx, "zhang", false, func(*store.User) error { panic("a bug of the caller") }); err == nil {
		t.Error("a panic of the caller's code was taken for success")
	}
	u.Name = "张敏敏"
	all, err := s.Users(ctx)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "all users, none renamed, none half made", []store.User{{Login: "bot", TokenHash: token}, u}, all)
	// Taking the token away frees it.
	if err := s.UpdateUser(ctx, "bot", false, func(v *store.User) error { v.TokenHash = ticket.Hash{}; return nil }); err != nil {
		t.Fatal(err)
	}
	_, err = s.UserByToken(ctx, token)
	kind(t, "a token taken away", err, ticket.NotFound, "")
}

func userRace(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	var done sync.WaitGroup
	for range 30 {
		done.Go(func() {
			if err := s.UpdateUser(t.Context(), "zhang", true, func(u *store.User) error { u.Failures++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if u, err := s.User(t.Context(), "zhang"); err != nil || u.Failures != 30 {
		t.Errorf("%d failures counted (%v), want 30", u.Failures, err)
	}
}

func sessions(t *testing.T, open func(*testing.T) store.Store) {
	s, ctx := open(t), t.Context()
	session := func(n byte, login string, ends time.Duration) store.Session {
		v := store.Session{Hash: ticket.Hash{n}, Login: login, Created: Day, Seen: Day, Ends: Day.Add(ends)}
		if err := s.PutSession(ctx, v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	missing := func(what string, n byte) {
		t.Helper()
		_, err := s.Session(ctx, ticket.Hash{n})
		kind(t, what, err, ticket.NotFound, "store.missing.session")
	}
	one := session(1, "zhang", time.Hour)
	session(2, "zhang", time.Hour)
	session(3, "li", time.Hour)
	if err := s.TouchSession(ctx, one.Hash, Day.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	one.Seen = Day.Add(time.Minute)
	got, err := s.Session(ctx, one.Hash)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "session", one, got)
	if err := s.DropSessions(ctx, "", ticket.Hash{2}); err != nil {
		t.Fatal(err)
	}
	missing("the one dropped", 2)
	if err := s.DropSessions(ctx, "zhang", ticket.Hash{}); err != nil {
		t.Fatal(err)
	}
	missing("all of a login dropped", 1)
	if _, err := s.Session(ctx, ticket.Hash{3}); err != nil {
		t.Errorf("another's session went too: %v", err)
	}
	later := store.Session{Hash: ticket.Hash{4}, Login: "li", Created: Day.Add(2 * time.Hour), Ends: Day.Add(3 * time.Hour)}
	if err := s.PutSession(ctx, later); err != nil {
		t.Fatal(err)
	}
	missing("one that ended before", 3)
}

func trackFailures(t *testing.T, open func(*testing.T) store.Store) {
	s, ctx := open(t), t.Context()
	ask := func(at time.Duration, failed bool, wantCount int, wantLocked time.Duration) {
		t.Helper()
		count, locked, err := s.TrackFailures(ctx, "LY2607130000011", Day.Add(at), failed)
		if err != nil {
			t.Fatal(err)
		}
		want := time.Time{}
		if wantLocked > 0 {
			want = Day.Add(wantLocked)
		}
		if count != wantCount || !locked.Equal(want) {
			t.Errorf("after %v: %d failures, locked until %v; want %d, %v", at, count, locked, wantCount, want)
		}
	}
	ask(0, false, 0, 0)
	for i := 1; i < store.TrackLimit; i++ {
		ask(time.Minute, true, i, 0)
	}
	ask(2*time.Minute, false, store.TrackLimit-1, 0)
	until := 2*time.Minute + store.TrackLock
	ask(2*time.Minute, true, store.TrackLimit, until)
	ask(until-time.Second, false, store.TrackLimit, until)
	ask(until-time.Second, true, store.TrackLimit+1, until)
	ask(until, false, 0, 0)
	ask(until, true, 1, 0)
	ask(until+store.TrackLock, true, 1, 0) // the failure before is too old
	if count, _, err := s.TrackFailures(ctx, "LY2607130000029", Day, false); err != nil || count != 0 {
		t.Errorf("another number has %d failures, %v", count, err)
	}
}

func numbers(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	var mu sync.Mutex
	var done sync.WaitGroup
	taken := map[int]bool{}
	for i := range 40 {
		done.Go(func() {
			n := 1 + i%7
			first, err := s.TakeNumbers(t.Context(), "2026-07-13", n)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for k := first; k < first+n; k++ {
				if taken[k] {
					t.Errorf("number %d was given twice", k)
				}
				taken[k] = true
			}
		})
	}
	done.Wait()
	if !taken[1] {
		t.Error("the day does not begin at 1")
	}
	if first, err := s.TakeNumbers(t.Context(), "2026-07-14", 10); err != nil || first != 1 {
		t.Errorf("the next day begins at %d, %v", first, err)
	}
	_, err := s.TakeNumbers(t.Context(), "2026-07-14", 0)
	kind(t, "no numbers", err, ticket.Invalid, "store.numbers")
}

func packs(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	a := store.Pack{Hash: "aa", Author: "zhang", Note: "first", At: Day, Archive: []byte("tar-a")}
	b := store.Pack{Hash: "bb", Author: "li", Note: "second", At: Day.Add(time.Hour), Archive: []byte("tar-b")}
	back := store.Pack{Hash: "aa", Author: "li", Note: "roll back", At: Day.Add(2 * time.Hour), Archive: []byte("tar-a")}
	for _, p := range []store.Pack{a, a, b, back} {
		if err := s.PublishPack(ctx, p); err != nil {
			t.Fatal(err)
		}
		active, err := s.ActivePack(ctx)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the active pack", p, active)
	}
	first, err := s.PackByHash(ctx, "aa")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a pack by its hash", a, first)
	history, err := s.PackHistory(ctx, 10)
	if err != nil {
		t.Fatal(err)
	}
	a.Archive, b.Archive, back.Archive = nil, nil, nil
	same(t, "activations", []store.Pack{back, b, a}, history)

	Must(t, s, m.Ticket(t, Day).Dispatch(Day, "住建局", "供电公司").Change(), m.Ticket(t, Day).Dispatch(Day, "城管局").Change(), m.Ticket(t, Day).Change())
	closed := m.Ticket(t, Day).Dispatch(Day, "水务局")
	closed.Do(Day, ticket.Command{Action: ticket.Sign, Details: ticket.Details{Assignment: 1}}).
		Do(Day, ticket.Command{Action: ticket.Resolve, Details: ticket.Details{Assignment: 1}, Private: &ticket.Private{PublicReply: "已修复"}}).
		Do(Day, ticket.Command{Action: ticket.Close})
	Must(t, s, closed.Change())
	units, err := s.OpenUnits(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, u := range units {
		got[u] = true
	}
	same(t, "units open tickets use", map[string]bool{"住建局": true, "供电公司": true, "城管局": true}, got)
}

func media(t *testing.T, open func(*testing.T) store.Store) {
	s, ctx := open(t), t.Context()
	want := ticket.MediaRef{SHA256: "ab12", MIME: "image/jpeg", Size: 1024, Name: "路灯.jpg", Ref: "media-id-1", Fetched: true}
	for range 2 {
		if err := s.PutMedia(ctx, want, Day); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.GetMedia(ctx, "ab12")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "media", want, got)
	kind(t, "without a hash", s.PutMedia(ctx, ticket.MediaRef{}, Day), ticket.Invalid, "store.media")
}

func health(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	for i := range 3 {
		if err := s.Healthy(t.Context()); err != nil {
			t.Errorf("round %d: %v", i, err)
		}
		Must(t, s, m.Ticket(t, Day, func(r *ticket.Registration, _ *ticket.Private) { r.Key = strconv.Itoa(i) }).Change())
	}
}

func shadows(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	_, err := s.Shadow(ctx)
	kind(t, "without one", err, ticket.NotFound, "")
	pack := func(hash string) store.Pack {
		return store.Pack{Hash: hash, Author: "王工", At: Day, Archive: []byte("pack " + hash)}
	}
	if err := s.PublishPack(ctx, pack("live")); err != nil {
		t.Fatal(err)
	}
	first, err := s.StartShadow(ctx, pack("a"), 7)
	if err != nil || first.Hash != "a" || first.Author != "王工" || !first.At.Equal(Day) || first.Position != 7 {
		t.Fatalf("started %+v, %v", first, err)
	}
	decisions := []store.Shadowed{
		{Ticket: m.ID(t, Day), Number: "LY1", Was: "u1", Would: "u1", Rule: "r"},
		{Ticket: m.ID(t, Day), Number: "LY2", Was: "u1", Would: "u2", Rule: "r"},
		{Ticket: m.ID(t, Day), Number: "LY3", Was: "u1", Would: "u2", Rule: "r"},
		{Ticket: m.ID(t, Day), Number: "LY4", Was: "", Would: "u2", Rule: "r"},
	}
	for _, part := range [][]store.Shadowed{decisions[:3], decisions, nil} { // the same ticket counts once
		if err := s.PutShadowed(ctx, first.ID, part); err != nil {
			t.Fatal(err)
		}
	}
	report, err := s.Shadowed(ctx, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "report", store.ShadowReport{Decided: 4, Moved: 3, Flows: []store.ShadowFlow{{Was: "u1", Would: "u2", Count: 2, Example: "LY3"}, {Would: "u2", Count: 1, Example: "LY4"}}}, report)
	again, err := s.StartShadow(ctx, pack("a"), 99)
	if err != nil || again != first {
		t.Errorf("the same pack begins anew: %+v, %v", again, err)
	}
	active, err := s.ActivePack(ctx)
	if err != nil || active.Hash != "live" {
		t.Errorf("the shadow is in force: %+v, %v", active, err)
	}
	if kept, err := s.PackByHash(ctx, "a"); err != nil || string(kept.Archive) != "pack a" {
		t.Errorf("kept %q, %v", kept.Archive, err)
	}
	other, err := s.StartShadow(ctx, pack("b"), 8)
	if err != nil || other.ID == first.ID {
		t.Fatalf("another one: %+v, %v", other, err)
	}
	if report, err := s.Shadowed(ctx, other.ID); err != nil || report.Decided != 0 {
		t.Errorf("another one has decided %d already, %v", report.Decided, err)
	}
	if err := s.EndShadow(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = s.Shadow(ctx)
	kind(t, "ended", err, ticket.NotFound, "")
}
