// Package account is who may come in: passwords, lock-outs, sessions and machine tokens.
// What an account may do is not decided here.
package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what accounts are kept in.
type Store interface {
	store.Accounts
	UserByToken(ctx context.Context, hash ticket.Hash) (store.User, error)
}

// Options are the parts of Accounts. All are required.
type Options struct {
	Store  Store
	Now    func() time.Time // the world's clock: sessions end in real time, in a demo too
	Random io.Reader
}

// Accounts checks passwords, sessions and tokens. It is safe for concurrent use.
type Accounts struct {
	Options
	hashing chan struct{} // bounds how many passwords are hashed at once
	decoy   string        // hashed against when a login is unknown, so that both take as long
}

const (
	maxFailures  = 5
	lockFor      = 15 * time.Minute
	idleEnd      = 30 * time.Minute
	sessionEnd   = 12 * time.Hour
	leastLength  = 12 // of a password, characters
	hashesAtOnce = 2  // 19 MiB each
)

// New makes Accounts.
func New(o Options) *Accounts {
	a := &Accounts{Options: o, hashing: make(chan struct{}, hashesAtOnce)}
	a.decoy = encodeHash(make([]byte, saltLength), make([]byte, keyLength))
	return a
}

// errLogin is the one answer to a wrong login, a wrong password and a disabled account.
func errLogin() error {
	return ticket.Errorf(ticket.Unauthenticated, "login.failed", "账号或密码不正确")
}

// Login checks a password and begins a session. It returns the secret the client keeps, which is
// stored as a hash only. Errors: Unauthenticated for a wrong login or password, TooMany while the
// account is locked after five failures in a row.
func (a *Accounts) Login(ctx context.Context, login, password string) (secret string, u store.User, err error) {
	now := a.Now()
	known, err := a.Store.User(ctx, login)
	missing := ticket.IsKind(err, ticket.NotFound)
	switch {
	case err != nil && !missing:
		return "", store.User{}, err
	case missing || known.Password == "" || known.Disabled:
		a.check(ctx, a.decoy, password)
		return "", store.User{}, errLogin()
	case now.Before(known.LockedUntil):
		return "", store.User{}, locked(known.LockedUntil.Sub(now))
	}
	right := a.check(ctx, known.Password, password)
	if err := ctx.Err(); err != nil {
		return "", store.User{}, err
	}
	err = a.Store.UpdateUser(ctx, login, false, func(u *store.User) error {
		// Many guesses made at once were all let in above: what counts is how the account stands now.
		if now.Before(u.LockedUntil) {
			return locked(u.LockedUntil.Sub(now))
		}
		if right = right && u.Password == known.Password && !u.Disabled; right {
			u.Failures, u.LockedUntil = 0, time.Time{}
			return nil
		}
		if u.Failures++; u.Failures >= maxFailures {
			u.Failures, u.LockedUntil = 0, now.Add(lockFor)
		}
		return nil
	})
	if err != nil {
		return "", store.User{}, err
	}
	if !right {
		return "", store.User{}, errLogin()
	}
	secret, err = a.begin(ctx, login, now)
	return secret, known, err
}

func locked(left time.Duration) error {
	e := ticket.Errorf(ticket.TooMany, "login.locked", "密码连续输错 %d 次，账号已锁定，请 %d 分钟后再试", maxFailures, int(left.Minutes())+1)
	e.RetryAfter = left
	return e
}

// begin stores a new session.
func (a *Accounts) begin(ctx context.Context, login string, now time.Time) (string, error) {
	secret, err := a.secret()
	if err != nil {
		return "", err
	}
	return secret, a.Store.PutSession(ctx, store.Session{Hash: sha256.Sum256([]byte(secret)), Login: login, Created: now, Seen: now, Ends: now.Add(sessionEnd)})
}

// secret is 256 random bits in URL-safe base64.
func (a *Accounts) secret() (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(a.Random, b); err != nil {
		return "", fmt.Errorf("account: secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// touchEvery spares a write per request: a session's last sight is noted once a minute.
const touchEvery = time.Minute

// Session finds the account of a session's secret. Unauthenticated when it has ended: after
// 30 idle minutes, after 12 hours, by log-out, or because the account was disabled.
func (a *Accounts) Session(ctx context.Context, secret string) (store.User, error) {
	return a.session(ctx, secret, true)
}

// Watch is Session for what a page asks by itself, such as its stream of events: it does not keep an
// idle session alive.
func (a *Accounts) Watch(ctx context.Context, secret string) (store.User, error) {
	return a.session(ctx, secret, false)
}

func (a *Accounts) session(ctx context.Context, secret string, active bool) (store.User, error) {
	now, hash := a.Now(), ticket.Hash(sha256.Sum256([]byte(secret)))
	s, err := a.Store.Session(ctx, hash)
	if ticket.IsKind(err, ticket.NotFound) {
		return store.User{}, ended()
	}
	if err != nil {
		return store.User{}, err
	}
	if now.After(s.Ends) || now.Sub(s.Seen) > idleEnd {
		if err := a.Store.DropSessions(ctx, s.Login, hash); err != nil {
			return store.User{}, err
		}
		return store.User{}, ended()
	}
	u, err := a.Store.User(ctx, s.Login)
	if err != nil {
		return store.User{}, err
	}
	if u.Disabled {
		return store.User{}, ended()
	}
	if active && now.Sub(s.Seen) >= touchEvery {
		err = a.Store.TouchSession(ctx, hash, now)
	}
	return u, err
}

func ended() error {
	return ticket.Errorf(ticket.Unauthenticated, "session.ended", "登录已失效，请重新登录")
}

// Token finds the machine account of a token.
func (a *Accounts) Token(ctx context.Context, token string) (store.User, error) {
	u, err := a.Store.UserByToken(ctx, sha256.Sum256([]byte(token)))
	if ticket.IsKind(err, ticket.NotFound) || err == nil && u.Disabled {
		return store.User{}, ticket.Errorf(ticket.Unauthenticated, "token.unknown", "令牌无效或已停用")
	}
	return u, err
}

// Logout ends the one session.
func (a *Accounts) Logout(ctx context.Context, login, secret string) error {
	return a.Store.DropSessions(ctx, login, sha256.Sum256([]byte(secret)))
}

// ChangePassword sets a new password after checking the old one, and ends the account's sessions.
func (a *Accounts) ChangePassword(ctx context.Context, login, old, fresh string) error {
	u, err := a.Store.User(ctx, login)
	if err != nil {
		return err
	}
	if !a.check(ctx, u.Password, old) {
		return errLogin()
	}
	if old == fresh {
		return weak("新密码不能与原密码相同")
	}
	hash, err := a.hash(ctx, login, fresh)
	if err != nil {
		return err
	}
	err = a.Store.UpdateUser(ctx, login, false, func(u *store.User) error {
		u.Password, u.MustChange = hash, false
		return nil
	})
	if err != nil {
		return err
	}
	return a.Store.DropSessions(ctx, login, ticket.Hash{})
}

// Create makes an account for a person, with a password that must be changed at the first log-in
// unless keep is set.
func (a *Accounts) Create(ctx context.Context, u store.User, password string, keep bool) error {
	if u.Login = strings.TrimSpace(u.Login); u.Login == "" || len(u.Login) > 64 {
		return &ticket.Error{Kind: ticket.Invalid, Code: "user.invalid", Message: "账号不能为空，最长 64 字节", Fields: []ticket.Field{{Name: "login", Message: "不能为空，最长 64 字节"}}}
	}
	hash, err := a.hash(ctx, u.Login, password)
	if err != nil {
		return err
	}
	return a.put(ctx, u, func(into *store.User) { into.Password, into.MustChange = hash, !keep })
}

// CreateMachine makes an account for a system and returns its token, which is shown once.
func (a *Accounts) CreateMachine(ctx context.Context, u store.User) (token string, err error) {
	if token, err = a.secret(); err != nil {
		return "", err
	}
	return token, a.put(ctx, u, func(into *store.User) { into.TokenHash = sha256.Sum256([]byte(token)) })
}

// CreateAdmin makes the first administrator with a random password.
func (a *Accounts) CreateAdmin(ctx context.Context, login string) (password string, err error) {
	if password, err = a.secret(); err != nil {
		return "", err
	}
	password = password[:20]
	return password, a.Create(ctx, store.User{Login: login, Name: "管理员", Roles: []string{"admin"}}, password, false)
}

// put writes a new account; ticket.Duplicate when the login is taken.
func (a *Accounts) put(ctx context.Context, u store.User, secret func(*store.User)) error {
	return a.Store.UpdateUser(ctx, u.Login, true, func(into *store.User) error {
		if !into.CreatedAt.IsZero() {
			return ticket.Errorf(ticket.Duplicate, "user.taken", "账号 %q 已存在", u.Login)
		}
		*into = u
		into.CreatedAt = a.Now()
		secret(into)
		return nil
	})
}

// Disable ends an account and its sessions; its history stays.
func (a *Accounts) Disable(ctx context.Context, login string) error {
	if err := a.Store.UpdateUser(ctx, login, false, func(u *store.User) error { u.Disabled = true; return nil }); err != nil {
		return err
	}
	return a.Store.DropSessions(ctx, login, ticket.Hash{})
}

func weak(why string) error {
	return &ticket.Error{Kind: ticket.Invalid, Code: "password.weak", Message: why, Fields: []ticket.Field{{Name: "password", Message: why}}}
}

// strong refuses passwords that are short or are the login.
func strong(login, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < leastLength:
		return weak(fmt.Sprintf("密码至少 %d 个字符", leastLength))
	case len(password) > 256:
		return weak("密码最长 256 字节")
	case strings.EqualFold(password, login) || strings.Count(password, password[:1]) == len(password):
		return weak("密码不能与账号相同，也不能全是同一字符")
	}
	return nil
}
