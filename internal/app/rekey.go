package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/tables"
)

// rekeyer is an engine that can seal anew what older keys sealed.
type rekeyer interface {
	copyable
	Rekey(ctx context.Context, done func(table string, rows int)) (tables.Rekeyed, error)
	KeyInUse(ctx context.Context) (uint32, error)
}

// Rekey makes a new key seal all personal data, or goes on with a change of keys that was broken off.
// With prepare it only adds the key, to be copied to the other gateways first. A gateway that serves
// from the folder takes the new key into use within seconds, and seals the rest itself.
func Rekey(ctx context.Context, where Where, prepare bool, report Report) (err error) {
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
		in, err := st.KeyInUse(ctx)
		if err != nil {
			return err
		}
		between = in != ring.Current()
	}
	keys, err := seal.Update(where.path("keys.json"), func(f seal.File) (seal.File, error) {
		return nextKey(f, prepare, between, where.shared())
	})
	if err != nil {
		return err
	}
	if prepare {
		fmt.Fprintf(report.Out, "key %d is made and seals nothing yet: copy %s to the other gateways, then run this again without --prepare\n", keys.Newest(), where.path("keys.json"))
		return nil
	}
	if served {
		fmt.Fprintf(report.Out, "key %d seals from now on; the gateway that serves from %s seals the rest, and logs its end\n", keys.Current, where.Data)
		return nil
	}
	if err := ring.Replace(keys); err != nil {
		return err
	}
	return sealRest(ctx, st, report, keys.Current)
}

// nextKey is the key file after one step of a rotation.
func nextKey(f seal.File, prepare, between, shared bool) (next seal.File, err error) {
	next = f
	prepared := f.Newest() != f.Current
	switch {
	case prepare && prepared, !prepare && between:
		return f, nil // made already; or go on with the present one
	case !prepare && !prepared && shared:
		return f, errors.New("several gateways may use this database: run `hotline rekey --prepare` first, copy keys.json to all of them, then run this again; nothing was changed")
	case !prepared:
		if next, err = f.Add(rand.Reader); err != nil {
			return f, err
		}
	}
	if !prepare {
		next.Current = next.Newest()
	}
	return next, nil
}

// sealRest goes over the tables until a pass finds nothing to do.
func sealRest(ctx context.Context, st rekeyer, report Report, key uint32) error {
	rows, end, err := st.Rows(ctx)
	if err != nil {
		return err
	}
	total := (&tables.Copy{From: rows}).Count(ctx)
	end()
	var renewed int64
	for {
		bar := report.bar(total, "rows")
		pass, err := st.Rekey(ctx, func(_ string, n int) { _ = bar.Add(n) })
		renewed += pass.Renewed
		if err := errors.Join(err, bar.Finish()); err != nil {
			return err
		}
		if pass.Renewed == 0 {
			fmt.Fprintf(report.Out, "key=%d renewed=%d damaged=%d: older keys are needed by backups, and until every gateway has this keys.json\n", key, renewed, pass.Damaged)
			return nil
		}
	}
}

// watchKeys takes keys.json into use when it has changed, and has sealed anew what older keys sealed, also
// what was left when the gateway last stopped.
func (a *App) watchKeys(ctx context.Context) {
	path := a.options.path("keys.json")
	st := a.store.(rekeyer) //nolint:forcetypeassert // both engines are
	var before os.FileInfo  // none: it may have changed since it was read
	var all tables.Rekeyed  // of the rotation under way
	a.every(ctx, keysEvery, func() error {
		now, err := os.Stat(path)
		if err != nil {
			return err
		}
		if before == nil || !now.ModTime().Equal(before.ModTime()) || now.Size() != before.Size() {
			keys, err := seal.Read(path)
			if err != nil {
				return err
			}
			if err := a.ring.Replace(keys); err != nil {
				return err
			}
			before = now
		}
		in, err := st.KeyInUse(ctx)
		if err != nil || in == a.ring.Current() {
			return err
		}
		pass, err := st.Rekey(ctx, nil)
		all.Renewed += pass.Renewed
		if err == nil && pass.Renewed == 0 {
			a.log.InfoContext(ctx, "personal data sealed anew", slog.Any("key", a.ring.Current()), slog.Int64("values", all.Renewed), slog.Int64("damaged", pass.Damaged))
			all = tables.Rekeyed{}
		}
		return err
	})
}
