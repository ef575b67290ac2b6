package account_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/account"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// door is who comes in, on a real store, with a clock that the test moves.
type door struct {
	*account.Accounts
	t     *testing.T
	store *sqlite.Store
	now   time.Time
}

const good = "correct-horse-battery"

func enter(t *testing.T) *door {
	t.Helper()
	d := &door{t: t, store: sqlitetest.Open(t), now: time.Date(2026, 7, 13, 0, 30, 0, 0, time.UTC)}
	d.Accounts = account.New(account.Options{Store: d.store, Now: func() time.Time { return d.now }, Random: rand.Reader})
	if err := d.Create(t.Context(), store.User{Login: "lihua", Name: "李华", Roles: []string{"agent"}}, good, true); err != nil {
		t.Fatal(err)
	}
	return d
}

// login logs in and checks the outcome: "" for success, else the code of the refusal.
func (d *door) login(login, password, want string) (secret string) {
	d.t.Helper()
	secret, u, err := d.Login(d.t.Context(), login, password)
	if got := codeOf(err); got != want {
		d.t.Fatalf("log-in of %s: %v, want %q", login, err, want)
	}
	if want == "" && (secret == "" || u.Login != login) {
		d.t.Fatalf("log-in of %s gives the secret %q of %q", login, secret, u.Login)
	}
	return secret
}

func codeOf(err error) string {
	var e *ticket.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	default:
		return err.Error()
	}
}

func (d *door) session(secret, want string) {
	d.t.Helper()
	if _, err := d.Session(d.t.Context(), secret); codeOf(err) != want {
		d.t.Fatalf("session: %v, want %q", err, want)
	}
}

func TestTheRightPasswordOpensAndTheWrongOneDoesNot(t *testing.T) {
	t.Parallel()
	d := enter(t)
	secret := d.login("lihua", good, "")
	d.session(secret, "")
	for _, wrong := range []string{"", good + "x", strings.ToUpper(good), strings.Repeat("x", 10_000)} {
		d.login("lihua", wrong, "login.failed")
		d.login("lihua", good, "")
	}
	d.login("nobody", good, "login.failed")
	d.session("", "session.ended")
	d.session(secret+"x", "session.ended")
}

func TestSecretsAreNotInTheStore(t *testing.T) {
	t.Parallel()
	d := enter(t)
	u, err := d.store.User(t.Context(), "lihua")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(u.Password, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(u.Password, good) {
		t.Errorf("the password is kept as %s", u.Password)
	}
	token, err := d.CreateMachine(t.Context(), store.User{Login: "meter", Name: "水司"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.store.User(t.Context(), "meter")
	if err != nil {
		t.Fatal(err)
	}
	if m.TokenHash.IsZero() || strings.Contains(m.TokenHash.String(), token) || m.Password != "" {
		t.Errorf("the token is kept as %s", m.TokenHash)
	}
}

func TestFiveFailuresInARowLockForAWhile(t *testing.T) {
	t.Parallel()
	d := enter(t)
	for range 4 {
		d.login("lihua", "wrong", "login.failed")
	}
	d.login("lihua", good, "") // a success forgets the failures
	for range 5 {
		d.login("lihua", "wrong", "login.failed")
	}
	d.login("lihua", good, "login.locked")
	_, _, err := d.Login(t.Context(), "lihua", good)
	var e *ticket.Error
	if !errors.As(err, &e) || e.Kind != ticket.TooMany || e.RetryAfter != 15*time.Minute {
		t.Errorf("while locked: %#v", err)
	}
	d.now = d.now.Add(15*time.Minute + time.Second)
	d.login("lihua", good, "")
}

func TestFailuresAtOnceAreAllCounted(t *testing.T) {
	t.Parallel()
	d := enter(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, _, _ = d.Login(t.Context(), "lihua", "wrong") })
	}
	all.Wait()
	d.login("lihua", good, "login.locked")
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	d := enter(t)
	for name, end := range map[string]struct {
		do   func(secret string) error
		code string
	}{
		"after 31 idle minutes": {func(string) error { d.now = d.now.Add(31 * time.Minute); return nil }, "session.ended"},
		"by log-out":            {func(s string) error { return d.Logout(t.Context(), "lihua", s) }, "session.ended"},
		"not after 29":          {func(string) error { d.now = d.now.Add(29 * time.Minute); return nil }, ""},
		"not by another's log-out": {func(string) error {
			return d.Logout(t.Context(), "lihua", d.login("lihua", good, ""))
		}, ""},
		"after 12 hours of work": {func(s string) error {
			for range 25 {
				d.now = d.now.Add(29 * time.Minute)
				if _, err := d.Session(t.Context(), s); err != nil {
					return nil //nolint:nilerr // that is what is looked for
				}
			}
			return nil
		}, "session.ended"},
	} {
		secret := d.login("lihua", good, "")
		if err := end.do(secret); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := d.Session(t.Context(), secret); codeOf(err) != end.code {
			t.Errorf("%s the session gives %v, want %q", name, err, end.code)
		}
	}
}

func TestWatchingKeepsNoSessionAlive(t *testing.T) {
	t.Parallel()
	d := enter(t)
	secret := d.login("lihua", good, "")
	for range 3 {
		d.now = d.now.Add(9 * time.Minute)
		if _, err := d.Watch(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	d.now = d.now.Add(9 * time.Minute)
	if _, err := d.Watch(t.Context(), secret); codeOf(err) != "session.ended" {
		t.Errorf("after 36 minutes of watching: %v", err)
	}
}

func TestChangingThePasswordEndsEverySession(t *testing.T) {
	t.Parallel()
	d := enter(t)
	one, two := d.login("lihua", good, ""), d.login("lihua", good, "")
	for fresh, code := range map[string]string{"short": "password.weak", good: "password.weak", strings.Repeat("a", 20): "password.weak", strings.Repeat("长", 100): "password.weak"} {
		if err := d.ChangePassword(t.Context(), "lihua", good, fresh); codeOf(err) != code {
			t.Errorf("%.20s…: %v, want %s", fresh, err, code)
		}
	}
	if err := d.ChangePassword(t.Context(), "lihua", "wrong", "another-good-password"); codeOf(err) != "login.failed" {
		t.Errorf("with a wrong old password: %v", err)
	}
	d.session(one, "")
	if err := d.ChangePassword(t.Context(), "lihua", good, "另一个足够长的好密码呀呀"); err != nil {
		t.Fatal(err)
	}
	d.session(one, "session.ended")
	d.session(two, "session.ended")
	d.login("lihua", good, "login.failed")
	d.login("lihua", "另一个足够长的好密码呀呀", "")
}

func TestDisablingEndsSessionsAndTokens(t *testing.T) {
	t.Parallel()
	d := enter(t)
	secret := d.login("lihua", good, "")
	token, err := d.CreateMachine(t.Context(), store.User{Login: "meter", Name: "水司"})
	if err != nil {
		t.Fatal(err)
	}
	if u, err := d.Token(t.Context(), token); err != nil || u.Login != "meter" {
		t.Fatalf("the token: %v", err)
	}
	d.login("meter", token, "login.failed") // a machine has no password
	for _, login := range []string{"lihua", "meter"} {
		if err := d.Disable(t.Context(), login); err != nil {
			t.Fatal(err)
		}
	}
	d.session(secret, "session.ended")
	d.login("lihua", good, "login.failed")
	if _, err := d.Token(t.Context(), token); codeOf(err) != "token.unknown" {
		t.Errorf("a disabled token: %v", err)
	}
	if err := d.Disable(t.Context(), "nobody"); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("an unknown account: %v", err)
	}
}

func TestAccountsAreMadeOnce(t *testing.T) {
	t.Parallel()
	d := enter(t)
	if err := d.Create(t.Context(), store.User{Login: "lihua"}, "another-good-password", false); codeOf(err) != "user.taken" {
		t.Errorf("a taken login: %v", err)
	}
	d.login("lihua", good, "") // and it stays as it was
	for _, bad := range []string{"", " ", strings.Repeat("x", 65)} {
		if err := d.Create(t.Context(), store.User{Login: bad}, good, false); codeOf(err) != "user.invalid" {
			t.Errorf("login %q: %v", bad, err)
		}
	}
	if err := d.Create(t.Context(), store.User{Login: "long-enough-login"}, "Long-Enough-Login", false); codeOf(err) != "password.weak" {
		t.Errorf("a password that is the login: %v", err)
	}
	password, err := d.CreateAdmin(t.Context(), "root")
	if err != nil {
		t.Fatal(err)
	}
	secret := d.login("root", password, "")
	if u, err := d.Session(t.Context(), secret); err != nil || !u.MustChange {
		t.Errorf("the first administrator need not change the password: %v", err)
	}
}

func TestAWaitingLoginCanBeGivenUp(t *testing.T) {
	t.Parallel()
	d := enter(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.Login(ctx, "lihua", good); err == nil {
		t.Error("a caller that is gone was logged in")
	}
	u, err := d.store.User(t.Context(), "lihua")
	if err != nil || u.Failures != 0 {
		t.Errorf("giving up counts as %d failures, %v", u.Failures, err)
	}
}
