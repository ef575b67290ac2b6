package postgres

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lockKeys is the space of the advisory locks by which every process that writes says with which keys it
// seals: "hotk". A key is destroyed only while nobody holds its lock.
const lockKeys = 0x686f746b

// declared are the keys that this process may still write something sealed with.
type declared struct {
	mu  sync.Mutex
	ids []uint32
}

// enter declares them on a new connection, whose end ends that.
func (d *declared) enter(ctx context.Context, c *pgx.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range d.ids {
		if err := declare(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

func declare(ctx context.Context, c *pgx.Conn, id uint32) error {
	var free bool
	if err := c.QueryRow(ctx, `SELECT pg_try_advisory_lock_shared($1, $2)`, lockKeys, int32(id)).Scan(&free); err != nil {
		return fmt.Errorf("postgres: say which key seals: %w", err)
	}
	if !free {
		return fmt.Errorf("postgres: key %d is being destroyed: copy keys.json from where that is done, then start again", id)
	}
	return nil
}

// Settle is how long after a change of keys something sealed with the older one may still be on its way: in a
// lane, or in a batch.
const Settle = 2 * writeLimit

// Sealing says that this process seals with a key from now on, and with others no more; what it has sealed
// with those is written within settle.
func (s *Store) Sealing(ctx context.Context, id uint32, settle time.Duration) error {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	known := slices.Contains(s.keys.ids, id)
	if !known {
		if err := s.batches.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return declare(ctx, c.Conn(), id) }); err != nil {
			return err
		}
		s.keys.ids = append(s.keys.ids, id)
	}
	if settle == 0 {
		return s.settled(ctx, id)
	}
	if !known {
		lasting := context.WithoutCancel(ctx)
		time.AfterFunc(settle, func() {
			ctx, cancel := context.WithTimeout(lasting, writeLimit)
			defer cancel()
			s.keys.mu.Lock()
			defer s.keys.mu.Unlock()
			_ = s.settled(ctx, id) // a connection that is gone holds no lock
		})
	}
	return nil
}

// settled takes back what was said of all keys before this one.
func (s *Store) settled(ctx context.Context, id uint32) error {
	older := slices.DeleteFunc(slices.Clone(s.keys.ids), func(k uint32) bool { return k >= id })
	s.keys.ids = slices.DeleteFunc(s.keys.ids, func(k uint32) bool { return k < id })
	if len(older) == 0 {
		return nil
	}
	err := s.batches.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		for _, k := range older {
			if _, err := c.Exec(ctx, `SELECT pg_advisory_unlock_shared($1, $2)`, lockKeys, int32(k)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("postgres: say which key seals: %w", err)
	}
	return nil
}

// WithoutWriters runs do while no process seals with any of the keys or begins to; it waits for those that still
// do, for wait. The error names a key that somebody does not let go of.
func (s *Store) WithoutWriters(ctx context.Context, ids []uint32, wait time.Duration, do func() error) (err error) {
	c, err := s.writers.Acquire(ctx)
	if err != nil {
		return unreachable(err)
	}
	own := c.Hijack()                           // its end lets go of everything
	defer own.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was written by it
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for _, id := range ids {
		for {
			var free bool
			if err := own.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockKeys, int32(id)).Scan(&free); err != nil {
				return fmt.Errorf("postgres: see who seals with key %d: %w", id, err)
			}
			if free {
				break
			}
			select {
			case <-time.After(200 * time.Millisecond):
			case <-waiting.Done():
				return fmt.Errorf("postgres: somebody still seals with key %d: a gateway or another verb whose keys.json lacks the newer key; copy it there, or end it, and run this again", id)
			}
		}
	}
	return do()
}
