package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/citizen-hotline/gateway/internal/media"
	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/tables"
)

// A backup is a folder: the database as a SQLite file whatever the engine, the attachments, and a
// manifest that is written last. A folder without one is not a backup.
const (
	backupDatabase = "hotline.db"
	backupMedia    = "media"
	backupManifest = "manifest.json"
	backupFormat   = 1
)

// manifest says what a backup holds. It has no keys, only the ids of those that open it.
type manifest struct {
	Format  int       `json:"format"`
	At      time.Time `json:"at"`
	Keys    []uint32  `json:"keys"`
	Tickets int64     `json:"tickets"`
	Media   int       `json:"media"`
	SHA256  string    `json:"sha256"` // of the database
}

// copyable is an engine as a copy sees it.
type copyable interface {
	store.Store
	// Rows are the tables at one instant, until the function is called.
	Rows(ctx context.Context) (*tables.Tables, func(), error)
	// CopyFrom makes an empty database a copy of other tables.
	CopyFrom(ctx context.Context, from *tables.Tables, source string, copied func(table string, rows int)) error
}

// Report is where a long verb says how far it has come.
type Report struct {
	Out      io.Writer // the last line
	Progress io.Writer // a bar for somebody who watches; nil: none
}

// bar draws how many of so many have been done.
func (r Report) bar(total int64, what string) *progressbar.ProgressBar {
	if r.Progress == nil {
		return progressbar.DefaultSilent(max(total, 1))
	}
	return progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(r.Progress), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// Backup writes a city's data into a new folder while gateways go on serving. The keys are not in it.
func Backup(ctx context.Context, where Where, to string, report Report) error {
	ring, err := where.keys()
	if err != nil {
		return err
	}
	if err := emptyFolder(to); err != nil {
		return err
	}
	database := filepath.Join(to, backupDatabase)
	if where.shared() {
		err = exportServer(ctx, where, ring, database, report)
	} else {
		err = sqlite.Snapshot(ctx, where.file(), database)
	}
	if err != nil {
		return err
	}
	m := manifest{Format: backupFormat, At: time.Now().UTC().Truncate(time.Second), Keys: ring.IDs()}
	// What the snapshot names was kept before it, so all of it is there to be copied now, but for what ends.
	if m.Media, err = copyMedia(ctx, where.path(backupMedia), filepath.Join(to, backupMedia), report); err != nil {
		return err
	}
	if m.SHA256, err = hashFile(database); err != nil {
		return err
	}
	if m.Tickets, err = sqlite.CountTickets(ctx, database); err != nil {
		return err
	}
	if err := writeManifest(filepath.Join(to, backupManifest), m); err != nil {
		return err
	}
	fmt.Fprintf(report.Out, "tickets=%d attachments=%d keys=%v: %s (keep keys.json apart from it)\n", m.Tickets, m.Media, m.Keys, to)
	return nil
}

// exportServer copies a server's tables, as they stand at one instant, into a new file.
func exportServer(ctx context.Context, where Where, ring *seal.Ring, path string, report Report) (err error) {
	from, err := where.openToCopy(ctx, ring, false)
	if err != nil {
		return err
	}
	defer closing(&err, from.Close)
	to, err := sqlite.Open(ctx, sqlite.Options{Path: path, Ring: ring, Copying: true})
	if err != nil {
		return err
	}
	if err := errors.Join(copyRows(ctx, from, to, "a server", report), to.Close()); err != nil {
		return err
	}
	return os.Remove(path + ".lock")
}

// copyRows copies the whole city and checks it row by row.
func copyRows(ctx context.Context, from, to copyable, source string, report Report) error {
	rows, end, err := from.Rows(ctx)
	if err != nil {
		return err
	}
	defer end()
	bar := report.bar((&tables.Copy{From: rows}).Count(ctx), "rows")
	err = to.CopyFrom(ctx, rows, source, func(_ string, n int) { _ = bar.Add(n) })
	return errors.Join(err, bar.Finish())
}

// Restore makes a new city of a backup: in an empty data folder, or in an empty database with the
// attachments in the folder. The folder's keys.json must be that of the backup.
func Restore(ctx context.Context, from string, where Where, report Report) error {
	m, err := readManifest(filepath.Join(from, backupManifest))
	if err != nil {
		return err
	}
	ring, err := where.keys()
	if err != nil {
		return fmt.Errorf("%w: put the keys.json that was kept apart into %s first", err, where.Data)
	}
	keys, err := seal.Read(where.path("keys.json"))
	if err != nil {
		return err
	}
	for _, id := range m.Keys {
		if slices.Contains(keys.Destroyed, id) {
			fmt.Fprintf(report.Out, "key %d was destroyed: what it sealed in this backup is gone\n", id)
			continue
		}
		if !slices.Contains(ring.IDs(), id) {
			return fmt.Errorf("%s has no key %d, which opens part of the backup: use the keys of that city; nothing was changed", where.path("keys.json"), id)
		}
	}
	database := filepath.Join(from, backupDatabase)
	if sum, err := hashFile(database); err != nil || sum != m.SHA256 {
		return errors.Join(err, fmt.Errorf("%s is not as it was written (SHA-256 %.12s…, the manifest says %.12s…): take another copy of the backup; nothing was changed", database, sum, m.SHA256))
	}
	// The attachments first: a database that is there is one that can be served from.
	if n, err := copyMedia(ctx, filepath.Join(from, backupMedia), where.path(backupMedia), report); err != nil || n < m.Media {
		return errors.Join(err, fmt.Errorf("%d of %d attachments were restored", n, m.Media))
	}
	if where.shared() {
		err = restoreServer(ctx, database, where, ring, report)
	} else {
		err = restoreFile(database, where.file())
	}
	if err != nil {
		return err
	}
	return Verify(ctx, where, report.Out)
}

// restoreFile puts the database into a folder that has none. It is whole there, or not there.
func restoreFile(from, to string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} { // a log left behind would be played over it
		if _, err := os.Stat(to + suffix); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already: restore into a folder without a database; nothing was changed", to+suffix)
		}
	}
	if err := copyFile(from, to+".part"); err != nil {
		return errors.Join(err, os.Remove(to+".part"))
	}
	return errors.Join(os.Rename(to+".part", to), syncFolder(filepath.Dir(to)))
}

// restoreServer copies a backup into an empty database. The file is opened as a copy: one of an
// older version is brought up to date, and the backup itself stays as it is.
func restoreServer(ctx context.Context, from string, where Where, ring *seal.Ring, report Report) (err error) {
	temp, err := os.MkdirTemp(where.Data, "restore-")
	if err != nil {
		return err
	}
	defer closing(&err, func() error { return os.RemoveAll(temp) })
	path := filepath.Join(temp, backupDatabase)
	if err := copyFile(from, path); err != nil {
		return err
	}
	source, err := sqlite.Open(ctx, sqlite.Options{Path: path, Ring: ring})
	if err != nil {
		return err
	}
	defer closing(&err, source.Close)
	sum, err := hashFile(from)
	if err != nil {
		return err
	}
	to, err := where.openToCopy(ctx, ring, true)
	if err != nil {
		return err
	}
	defer closing(&err, to.Close)
	return copyRows(ctx, source, to, "backup "+sum, report)
}

// Migrate moves a city from one database to another that is empty, row by row as it is, and checks it.
// Both are used by nobody else meanwhile; the source stays as it is. Attachments and keys are not
// moved: they are in the data folder of both.
func Migrate(ctx context.Context, from, to Where, report Report) (err error) {
	if from.name() == to.name() {
		return errors.New("--from and --to are the same")
	}
	ring, err := from.keys()
	if err != nil {
		return err
	}
	source, err := from.openToCopy(ctx, ring, true)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer closing(&err, source.Close)
	target, err := to.openToCopy(ctx, ring, true)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer closing(&err, target.Close)
	if err := copyRows(ctx, source, target, from.name(), report); err != nil {
		return err
	}
	return verify(ctx, target, report.Out)
}

func emptyFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("backup folder: %w", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("backup folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: a backup needs a folder of its own", path)
	}
	return nil
}

// copyMedia copies attachments that are not there yet, and checks each by its name, which is the hash of
// its content. It returns how many are there then.
func copyMedia(ctx context.Context, from, to string, report Report) (n int, err error) {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return 0, fmt.Errorf("attachments: %w", err)
	}
	bar := report.bar(-1, "attachments")
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // a city without attachments, or a file that was in transit
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && (d.Name() == "tmp" || d.Name() == media.HandedDir): // neither is an attachment
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, inside)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
			switch err := copyFile(path, target+".part"); {
			case errors.Is(err, fs.ErrNotExist): // kept long enough, and ended meanwhile
				return nil
			case err != nil:
				return errors.Join(err, os.Remove(target+".part"))
			}
			if sum, err := hashFile(target + ".part"); err != nil || sum != d.Name() {
				return errors.Join(err, fmt.Errorf("attachment %s is damaged: its content has the hash %.12s…", path, sum))
			}
			info, err := d.Info() // how long it is kept counts from when it came
			if err == nil {
				err = os.Chtimes(target+".part", info.ModTime(), info.ModTime())
			}
			if err := errors.Join(err, os.Rename(target+".part", target)); err != nil {
				return err
			}
		}
		n++
		_ = bar.Add(1)
		return nil
	})
	if err = errors.Join(err, bar.Finish()); err != nil {
		return n, fmt.Errorf("attachments: %w", err)
	}
	return n, nil
}

// copyFile copies a file, readable by its owner only, and syncs it.
func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // the operator's paths
	if err != nil {
		return err
	}
	defer in.Close()                                                       //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the operator's paths
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's paths
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func syncFolder(path string) error {
	d, err := os.Open(path) //nolint:gosec // the operator's paths
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeManifest(path string, m manifest) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".part", append(b, '\n'), 0o600); err != nil {
		return err
	}
	if err := copyFile(path+".part", path); err != nil {
		return err
	}
	return errors.Join(os.Remove(path+".part"), syncFolder(filepath.Dir(path)))
}

func readManifest(path string) (m manifest, err error) {
	b, err := os.ReadFile(path) //nolint:gosec // the operator's path
	if err != nil {
		return m, fmt.Errorf("%w: not a backup, or one that was broken off", err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	if m.Format != backupFormat {
		return m, fmt.Errorf("%s: the backup has format %d, this program reads %d: use the version that made it", path, m.Format, backupFormat)
	}
	return m, nil
}

// openToCopy opens a database for a copy: alone, or beside gateways that serve from it.
func (w Where) openToCopy(ctx context.Context, ring *seal.Ring, alone bool) (copyable, error) {
	w.copying = alone
	s, err := w.open(ctx, ring, lanes.Observer{})
	if err != nil {
		return nil, err
	}
	return s.(copyable), nil //nolint:forcetypeassert // both engines are
}
