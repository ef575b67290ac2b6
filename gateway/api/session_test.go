package api_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/gateway/api"
	"github.com/citizen-hotline/gateway/internal/account"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// How sessions end with time is tested in internal/account: their clock is the world's.
func TestALogOutEndsTheSession(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Get("duty", "/me").Is(http.StatusOK)
	stolen := http.Header{"Cookie": {o.as("duty").Jar.Cookies(mustURL(t, o.url))[0].String()}}
	o.Post("duty", "/logout", nil).Is(http.StatusNoContent)
	o.Get("duty", "/me").Is(http.StatusUnauthorized).Code("login.required")
	o.send(http.DefaultClient, http.MethodGet, "/me", stolen, nil).Is(http.StatusUnauthorized).Code("session.ended")
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestTheCookieCannotBeReadNorSentFromElsewhere(t *testing.T) {
	t.Parallel()
	o := open(t)
	a := o.send(http.DefaultClient, http.MethodPost, "/login", nil, map[string]string{"login": "desk", "password": password}).Is(http.StatusOK)
	cookie := a.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Strict", "path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %s", cookie, part)
		}
	}
	c := o.as("desk")
	cross := []http.Header{{"Origin": {"https://evil.example"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"null"}}, {"Origin": {"://"}}}
	for _, h := range cross {
		o.send(c, http.MethodPost, "/alerts/none/ack", h, "{}").Is(http.StatusForbidden)
		o.send(c, http.MethodPost, "/logout", h, nil).Is(http.StatusForbidden).Code("request.cross_site")
	}
	o.send(c, http.MethodGet, "/me", http.Header{"Origin": {"https://evil.example"}}, nil).Is(http.StatusOK) // a read: the browser keeps the answer from them
	for _, h := range []http.Header{{"Origin": {o.url}}, {"Sec-Fetch-Site": {"same-origin"}}, {}} {
		o.send(c, http.MethodPost, "/search", h, nil).Is(http.StatusNotFound)
		o.send(c, http.MethodPost, "/password", h, map[string]string{"old": "wrong-password", "new": "another-long-word"}).Is(http.StatusUnauthorized)
	}
}

func TestFiveWrongPasswordsLockTheAccount(t *testing.T) {
	t.Parallel()
	o := open(t)
	for range 5 {
		if _, status, _ := o.login("agent", "wrong"); status != http.StatusUnauthorized {
			t.Fatalf("a wrong password is answered %d", status)
		}
	}
	_, status, body := o.login("agent", password)
	if status != http.StatusTooManyRequests || !strings.Contains(body, "login.locked") {
		t.Fatalf("after five failures the right password is answered %d %s", status, body)
	}
	_, unknown, unknownBody := o.login("nobody", "wrong")
	_, known, knownBody := o.login("desk", "wrong")
	if unknown != known || unknownBody != knownBody {
		t.Errorf("an unknown account is told from a known one: %s, %s", unknownBody, knownBody)
	}
}

func TestTheFirstPasswordMustChangeBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Post("admin", "/users", map[string]any{"login": "lihua", "name": "李华", "password": "first-password", "roles": []string{"agent"}}).Is(http.StatusCreated)
	c, status, _ := o.login("lihua", "first-password")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	o.send(c, http.MethodGet, "/tickets", nil, nil).Is(http.StatusForbidden).Code("password.must_change")
	if o.send(c, http.MethodGet, "/me", nil, nil).Is(http.StatusOK).field("must_change") != "true" {
		t.Error("/me does not say that the password must change")
	}
	o.send(c, http.MethodPost, "/password", nil, map[string]string{"old": "first-password", "new": "short"}).Is(http.StatusUnprocessableEntity).Code("password.weak")
	o.send(c, http.MethodPost, "/password", nil, map[string]string{"old": "first-password", "new": "my-own-password"}).Is(http.StatusNoContent)
	o.send(c, http.MethodGet, "/me", nil, nil).Is(http.StatusUnauthorized)
	c, _, _ = o.login("lihua", "my-own-password")
	o.send(c, http.MethodGet, "/tickets", nil, nil).Is(http.StatusOK)
}

func TestAccountsAreChecked(t *testing.T) {
	t.Parallel()
	o := open(t)
	good := func() map[string]any {
		return map[string]any{"login": "x", "name": "某", "password": "long-enough-word", "roles": []string{"agent"}}
	}
	bad := map[string]func(map[string]any){
		"roles":    func(m map[string]any) { m["roles"] = []string{"king"} },
		"unit":     func(m map[string]any) { m["unit"] = "nowhere" },
		"region":   func(m map[string]any) { m["region"] = "999" },
		"posts":    func(m map[string]any) { m["posts"] = []string{"centre.duty", "throne"} },
		"password": func(m map[string]any) { m["password"] = "" },
		"login":    func(m map[string]any) { m["login"] = "" },
		"extra":    func(m map[string]any) { m["extra"] = 1 },
	}
	for field, spoil := range bad {
		body := good()
		spoil(body)
		a := o.Post("admin", "/users", body).Is(http.StatusUnprocessableEntity)
		if !strings.Contains(string(a.body), `"name":"`+field) {
			t.Errorf("a bad %s is not named: %s", field, a.body)
		}
	}
	if a := o.Post("", "/login", map[string]any{"password": "x"}).Is(http.StatusUnprocessableEntity); !strings.Contains(string(a.body), `"name":"login"`) {
		t.Errorf("a missing login is not named: %s", a.body)
	}
	head := good()
	head["roles"] = []string{"unit_head"}
	o.Post("admin", "/users", head).Is(http.StatusUnprocessableEntity)
	o.Post("admin", "/users", good()).Is(http.StatusCreated)
	o.Post("admin", "/users", good()).Is(http.StatusConflict).Code("user.taken")
	o.Post("admin", "/users/admin/disable", nil).Is(http.StatusConflict).Code("user.self")

	token := o.Post("admin", "/users", map[string]any{"login": "sys", "name": "系统", "roles": []string{"analyst"}, "machine": true}).Is(http.StatusCreated).field("token")
	if status := o.probe(http.MethodGet, "/tickets", token); status != http.StatusOK {
		t.Errorf("the token is answered %d", status)
	}
	o.Post("admin", "/users/sys/disable", nil).Is(http.StatusNoContent)
	for _, wrong := range []string{token, "x", strings.Repeat("y", 5000)} {
		if status := o.probe(http.MethodGet, "/tickets", wrong); status != http.StatusUnauthorized {
			t.Errorf("a token that is no more is answered %d", status)
		}
	}
}

func TestGuessingFromOneAddressIsBounded(t *testing.T) {
	t.Parallel()
	o := open(t)
	for range 100 {
		a := o.send(http.DefaultClient, http.MethodGet, "/track/LY2607130000011?code=AAAAAA", nil, nil)
		if a.status == http.StatusTooManyRequests {
			if a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			a.Code("track.too_many")
			return
		}
		a.Is(http.StatusNotFound)
	}
	t.Error("a hundred guesses were answered")
}

// tokens is a store with one machine account.
type tokens struct {
	account.Store
	machine store.User
}

func (s *tokens) UserByToken(context.Context, ticket.Hash) (store.User, error) { return s.machine, nil }

func TestAStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	s := &tokens{machine: store.User{Login: "sys"}}
	accounts := account.New(account.Options{Store: s, Now: time.Now, Random: rand.Reader})
	if !api.StreamStands(accounts, "token") {
		t.Error("a token that holds ends its stream")
	}
	s.machine.Disabled = true
	if api.StreamStands(accounts, "token") {
		t.Error("a stream outlives its token")
	}
}
