package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func scanUser(r Row) (u store.User, err error) {
	var doc []byte
	if err = r.Scan(&doc); err != nil {
		return u, err
	}
	if err = json.Unmarshal(doc, &u); err != nil {
		return u, fmt.Errorf("store: user: %w", err)
	}
	return u, nil
}

// User implements [store.Accounts].
func (s *Tables) User(ctx context.Context, login string) (store.User, error) {
	return one(ctx, s.DB, "user", `SELECT doc FROM users WHERE login = ?`, scanUser, login)
}

// UserByToken implements [store.Store].
func (s *Tables) UserByToken(ctx context.Context, hash ticket.Hash) (store.User, error) {
	if hash.IsZero() {
		return store.User{}, ticket.Errorf(ticket.NotFound, "store.missing.user", "there is no such user")
	}
	return one(ctx, s.DB, "user", `SELECT doc FROM users WHERE token_hash = ?`, scanUser, hash[:])
}

// Users implements [store.Accounts]: by login.
func (s *Tables) Users(ctx context.Context) ([]store.User, error) {
	return many(ctx, s.DB, "users", `SELECT doc FROM users ORDER BY login`, scanUser)
}

// UpdateUser implements [store.Accounts]. It waits for the write even when ctx ends, because
// change may fill variables of the caller.
func (s *Tables) UpdateUser(ctx context.Context, login string, create bool, change func(*store.User) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.DB.Alone(context.WithoutCancel(ctx), func(ctx context.Context, tx Tx) error {
		var u store.User
		err := get(ctx, tx, `SELECT doc FROM users WHERE login = ?`, []any{login}, func(r Row) (err error) {
			u, err = scanUser(r)
			return err
		})
		switch {
		case errors.Is(err, ErrNone) && create:
			u = store.User{Login: login}
		case err != nil:
			return s.DB.Explain(err, "user")
		}
		if err := change(&u); err != nil {
			return err
		}
		u.Login = login
		doc, err := json.Marshal(u) //nolint:gosec // the password is kept as its argon2id hash
		if err != nil {
			return fmt.Errorf("store: user %s: %w", login, err)
		}
		var token any
		if !u.TokenHash.IsZero() {
			token = u.TokenHash[:]
		}
		_, err = tx.Exec(ctx, `INSERT INTO users (login, token_hash, doc) VALUES (?, ?, ?)
			ON CONFLICT (login) DO UPDATE SET token_hash = excluded.token_hash, doc = excluded.doc`, login, token, doc)
		if s.DB.IsUnique(err) {
			return Duplicate("token", "another account has this token")
		}
		return err
	})
}

// PutSession implements [store.Accounts]. Sessions that have ended are cleared away with it.
func (s *Tables) PutSession(ctx context.Context, v store.Session) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE ends <= ?`, v.Created.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO sessions (hash, login, created, seen, ends) VALUES (?, ?, ?, ?, ?) ON CONFLICT (hash)
			DO UPDATE SET login = excluded.login, created = excluded.created, seen = excluded.seen, ends = excluded.ends`,
			v.Hash[:], v.Login, ms(v.Created), ms(v.Seen), ms(v.Ends))
		return err
	})
}

// Session implements [store.Accounts]. Whether it has ended is the caller's to judge.
func (s *Tables) Session(ctx context.Context, hash ticket.Hash) (store.Session, error) {
	return one(ctx, s.DB, "session", `SELECT hash, login, created, seen, ends FROM sessions WHERE hash = ?`, func(r Row) (store.Session, error) {
		var (
			v                   store.Session
			h                   dbHash
			created, seen, ends dbTime
		)
		err := r.Scan(&h, &v.Login, &created, &seen, &ends)
		v.Hash, v.Created, v.Seen, v.Ends = h.Hash, created.Time, seen.Time, ends.Time
		return v, err
	}, hash[:])
}

// TouchSession implements [store.Accounts].
func (s *Tables) TouchSession(ctx context.Context, hash ticket.Hash, seen time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		changed, err := tx.Exec(ctx, `UPDATE sessions SET seen = ? WHERE hash = ?`, ms(seen), hash[:])
		if err == nil && changed == 0 {
			return s.DB.Explain(ErrNone, "session")
		}
		return err
	})
}

// DropSessions implements [store.Accounts].
func (s *Tables) DropSessions(ctx context.Context, login string, hash ticket.Hash) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) (err error) {
		if hash.IsZero() {
			_, err = tx.Exec(ctx, `DELETE FROM sessions WHERE login = ?`, login)
		} else {
			_, err = tx.Exec(ctx, `DELETE FROM sessions WHERE hash = ?`, hash[:])
		}
		return err
	})
}

// TrackFailures implements [store.Accounts].
func (s *Tables) TrackFailures(ctx context.Context, number string, now time.Time, failed bool) (int, time.Time, error) {
	type standing struct {
		count  int
		since  dbTime
		locked dbTime
	}
	scan := func(r Row) (v standing, err error) {
		err = r.Scan(&v.count, &v.since, &v.locked)
		if err == nil && now.Sub(v.since.Time) >= store.TrackLock && !v.locked.After(now) {
			v = standing{}
		}
		return v, err
	}
	const text = `SELECT count, since, locked_until FROM track_failures WHERE number = ?`
	if !failed {
		v, err := one(ctx, s.DB, "track failures", text, scan, number)
		if ticket.IsKind(err, ticket.NotFound) {
			return 0, time.Time{}, nil
		}
		return v.count, v.locked.Time, err
	}
	v, err := ask(ctx, s.DB.Alone, func(ctx context.Context, tx Tx) (v standing, err error) {
		err = get(ctx, tx, text, []any{number}, func(r Row) (err error) {
			v, err = scan(r)
			return err
		})
		if err != nil && !errors.Is(err, ErrNone) {
			return v, err
		}
		if v.count++; v.count == 1 {
			v.since = dbTime{now}
		}
		if v.count >= store.TrackLimit && v.locked.IsZero() {
			v.locked = dbTime{now.Add(store.TrackLock)}
		}
		_, err = tx.Exec(ctx, `INSERT INTO track_failures (number, count, since, locked_until) VALUES (?, ?, ?, ?)
			ON CONFLICT (number) DO UPDATE SET count = excluded.count, since = excluded.since, locked_until = excluded.locked_until`,
			number, v.count, ms(v.since.Time), ms(v.locked.Time))
		return v, err
	})
	return v.count, v.locked.Time, err
}
