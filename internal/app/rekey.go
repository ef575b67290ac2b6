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
	Rekey(ctx context.Context, done func(table string, rows int)) (renewed int64, err error)
}

// Rekey makes a new key seal all personal data. With prepare it only adds the key, to be copied to the
// other gateways first. A gateway that serves from the folder takes the new key into use within
// seconds; where it has the database for itself, it seals the rest, too.
func Rekey(ctx context.Context, where Where, prepare bool, report Report) (err error) {
	path := where.path("keys.json")
	keys, err := seal.Read(path)
	if err != nil {
		return err
	}
	if keys.Newest() == keys.Current {
		if keys, err = keys.Add(rand.Reader); err != nil {
			return err
		}
	}
	if !prepare {
		keys.Current = keys.Newest()
	}
	if err := seal.SaveOver(path, keys); err != nil {
		return err
	}
	if prepare {
		fmt.Fprintf(report.Out, "key %d is made and seals nothing yet: copy %s to the other gateways, then run this again without --prepare\n", keys.Newest(), path)
		return nil
	}
	ring, err := seal.New(keys)
	if err != nil {
		return err
	}
	st, err := where.openToCopy(ctx, ring, false)
	if errors.Is(err, sqlite.ErrHeld) {
		fmt.Fprintf(report.Out, "key %d seals from now on; the gateway that serves from %s seals the rest, and logs its end\n", keys.Current, where.Data)
		return nil
	}
	if err != nil {
		return err
	}
	defer closing(&err, st.Close)
	rows, end, err := st.Rows(ctx)
	if err != nil {
		return err
	}
	total, err := (&tables.Copy{From: rows}).Count(ctx)
	end()
	if err != nil {
		return err
	}
	bar := report.bar(total, "rows")
	renewed, err := st.(rekeyer).Rekey(ctx, func(_ string, n int) { _ = bar.Add(n) }) //nolint:forcetypeassert // both engines are
	if err != nil {
		return err
	}
	_ = bar.Finish()
	fmt.Fprintf(report.Out, "key=%d renewed=%d: older keys are needed by backups only\n", keys.Current, renewed)
	return nil
}

// watchKeys takes keys.json into use when it has changed, and has what older keys sealed sealed anew.
func (a *App) watchKeys(ctx context.Context) {
	path := a.options.path("keys.json")
	var before os.FileInfo // none: it may have changed since it was read
	a.every(ctx, keysEvery, func() error {
		now, err := os.Stat(path)
		if err != nil || before != nil && now.ModTime().Equal(before.ModTime()) && now.Size() == before.Size() {
			return err
		}
		keys, err := seal.Read(path)
		if err != nil {
			return err
		}
		old := a.ring.Current()
		if err := a.ring.Replace(keys); err != nil {
			return err
		}
		before = now
		if a.ring.Current() == old {
			return nil
		}
		a.log.InfoContext(ctx, "new key taken into use", slog.Any("key", a.ring.Current()))
		renewed, err := a.store.(rekeyer).Rekey(ctx, nil) //nolint:forcetypeassert // both engines are
		if err != nil {
			return err
		}
		a.log.InfoContext(ctx, "personal data sealed anew", slog.Int64("values", renewed), slog.Any("key", a.ring.Current()))
		return nil
	})
}
