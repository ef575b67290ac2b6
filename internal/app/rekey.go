package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/tables"
)

// rekeyer is an engine that can seal anew what older keys sealed.
type rekeyer interface {
	copyable
	Rekey(ctx context.Context, done func(table string, rows int)) (tables.Rekeyed, error)
	KeyInUse(ctx context.Context) (sealed, seals uint32, err error)
}

// RekeyOptions say how far a change of keys goes.
type RekeyOptions struct {
	Prepare bool // only add the key, to be copied to the other gateways first
	Destroy bool // take the older keys out when nothing is sealed with them
}

// Rekey makes a new key seal all personal data, or goes on with a change of keys that was broken off. A
// gateway that serves from the folder takes the new key into use within seconds, and does the rest itself.
func Rekey(ctx context.Context, where Where, o RekeyOptions, report Report) (err error) {
	ring, err := where.keys()
	if err != nil {
		return err
	}
	// The database first: a key file that is not this city's is not made another.
	opened, err := where.openToCopy(ctx, ring, false)
	served := errors.Is(err, sqlite.ErrHeld)
	if err != nil && !served {
		return err
	}
	var st rekeyer
	between := false // a change of keys has not come to its end
	if !served {
		defer closing(&err, opened.Close)
		st = opened.(rekeyer) //nolint:forcetypeassert // both engines are
		sealed, seals, err := st.KeyInUse(ctx)
		if err != nil {
			return err
		}
		between = sealed < max(ring.Current(), seals)
	}
	keys, err := seal.Update(where.path("keys.json"), func(f seal.File) (seal.File, error) {
		return nextKey(f, o, between, where.shared())
	})
	if err != nil {
		return err
	}
	if o.Prepare {
		fmt.Fprintf(report.Out, "key %d is made and seals nothing yet: copy %s to the other gateways, then run this again without --prepare\n", keys.Newest(), where.path("keys.json"))
		return nil
	}
	if served {
		fmt.Fprintf(report.Out, "key %d seals from now on; the gateway that serves from %s seals the rest%s, and logs its end\n", keys.Current, where.Data,
			map[bool]string{true: " and destroys the older keys"}[keys.Retire])
		return nil
	}
	if err := ring.Replace(keys); err != nil {
		return err
	}
	if f, several := st.(fenced); several {
		if err := f.Sealing(ctx, ring.Current(), 0); err != nil {
			return err
		}
	}
	return sealRest(ctx, where, st, report, keys)
}

// nextKey is the key file after one step of a rotation.
func nextKey(f seal.File, o RekeyOptions, between, shared bool) (next seal.File, err error) {
	next = f
	next.Retire = f.Retire || o.Destroy
	prepared := f.Newest() != f.Current
	switch {
	case o.Prepare && f.Retire:
		return f, errors.New("older keys are being destroyed: run `hotline rekey --destroy` again to end that first; nothing was changed")
	case o.Prepare && prepared, !o.Prepare && between, f.Retire && !prepared:
		return next, nil // made already; or go on with the present one
	case !o.Prepare && !prepared && shared:
		return f, errors.New("several gateways may use this database: run `hotline rekey --prepare` first, copy keys.json to all of them, then run this again; nothing was changed")
	case !prepared:
		if next, err = next.Add(rand.Reader); err != nil {
			return f, err
		}
	}
	if !o.Prepare {
		next.Current = next.Newest()
	}
	return next, nil
}

// fenced is an engine that several processes may write to: each says with which key it seals.
type fenced interface {
	Sealing(ctx context.Context, id uint32, settle time.Duration) error
	WithoutWriters(ctx context.Context, ids []uint32, wait time.Duration, do func() error) error
}

// sealRest goes over the tables until a pass finds nothing to do, and destroys the older keys then if the key
// file says so.
func sealRest(ctx context.Context, where Where, st rekeyer, report Report, keys seal.File) error {
	rows, end, err := st.Rows(ctx)
	if err != nil {
		return err
	}
	total := (&tables.Copy{From: rows}).Count(ctx)
	end()
	var all tables.Rekeyed
	passes := func() error {
		for {
			bar := report.bar(total, "rows")
			pass, err := st.Rekey(ctx, func(_ string, n int) { _ = bar.Add(n) })
			all.Renewed, all.Damaged = all.Renewed+pass.Renewed, pass.Damaged
			if err := errors.Join(err, bar.Finish()); err != nil || pass.Renewed == 0 {
				return err
			}
		}
	}
	if err := passes(); err != nil {
		return err
	}
	if !keys.Retire {
		fmt.Fprintf(report.Out, "key=%d renewed=%d damaged=%d: older keys are needed by backups, and until every gateway has this keys.json\n", keys.Current, all.Renewed, all.Damaged)
		return nil
	}
	var gone []uint32
	last := func() (err error) {
		if err = passes(); err == nil { // nobody seals with the older keys any more
			gone, err = retire(where, keys.Current, all.Damaged)
		}
		return err
	}
	if f, several := st.(fenced); several {
		older := slices.DeleteFunc(slices.Sorted(maps.Keys(keys.Keys)), func(id uint32) bool { return id >= keys.Current })
		err = f.WithoutWriters(ctx, older, postgres.Settle+30*time.Second, last)
	} else {
		err = last()
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(report.Out, "key=%d renewed=%d damaged=%d destroyed=%v: backups made before now open with none of the city's keys; make a new one\n", keys.Current, all.Renewed, all.Damaged, gone)
	return nil
}

// retire destroys the keys older than the one with which a last pass found everything sealed, and says which.
func retire(where Where, sealed uint32, damaged int64) ([]uint32, error) {
	if damaged > 0 {
		return nil, fmt.Errorf("%d values could not be opened and may need the older keys: these are not destroyed; restore those values from a backup, or take `retire` out of keys.json", damaged)
	}
	var before []uint32
	keys, err := seal.Update(where.path("keys.json"), func(f seal.File) (seal.File, error) {
		if f.Current != sealed {
			return f, fmt.Errorf("key %d seals by now, and everything is sealed with key %d: nothing was destroyed; run this again", f.Current, sealed)
		}
		before = f.Destroyed
		return f.Destroy(), nil
	})
	if err != nil {
		return nil, err
	}
	return keys.Destroyed[len(before):], nil
}

// watchKeys takes keys.json into use when it has changed, and has sealed anew what older keys sealed, also
// what was left when the gateway last stopped.
func (a *App) watchKeys(ctx context.Context) {
	path := a.options.path("keys.json")
	st := a.store.(rekeyer) //nolint:forcetypeassert // both engines are
	var keys seal.File
	var before os.FileInfo // none: it may have changed since it was read
	var all tables.Rekeyed // of the rotation under way
	a.every(ctx, keysEvery, func() error {
		now, err := os.Stat(path)
		if err != nil {
			return err
		}
		if before == nil || !now.ModTime().Equal(before.ModTime()) || now.Size() != before.Size() {
			if keys, err = seal.Read(path); err != nil {
				return err
			}
			if err := a.ring.Replace(keys); err != nil {
				return err
			}
			before = now
		}
		sealed, seals, err := st.KeyInUse(ctx)
		if err != nil {
			return err
		}
		if !a.ring.Use(seals) {
			return a.ring.Behind() // it seals nothing until the file is copied, and is not ready
		}
		if f, several := a.store.(fenced); several {
			if err := f.Sealing(ctx, a.ring.Current(), postgres.Settle); err != nil {
				return err
			}
		}
		mayRetire := keys.Retire && !a.options.shared() // with a server, the command does
		if sealed >= a.ring.Current() && !mayRetire {
			return nil
		}
		with := a.ring.Current()
		pass, err := st.Rekey(ctx, nil)
		all.Renewed += pass.Renewed
		if err != nil || pass.Renewed > 0 || a.ring.Current() != with {
			return err
		}
		a.log.InfoContext(ctx, "personal data sealed anew", slog.Any("key", with), slog.Int64("values", all.Renewed), slog.Int64("damaged", pass.Damaged))
		all = tables.Rekeyed{}
		if !mayRetire {
			return nil
		}
		gone, err := retire(a.options.Where, with, pass.Damaged)
		keys.Retire = false // until the file is another
		if err == nil {
			a.log.InfoContext(ctx, "keys destroyed", slog.Any("keys", gone))
		}
		return err
	})
}
