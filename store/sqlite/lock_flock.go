//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// fileLock is held as long as the process has the database open. The system drops it when the
// process ends, however it ends; the file itself stays.
type fileLock struct{ f *os.File }

func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's setting
	if err != nil {
		return nil, fmt.Errorf("sqlite: lock file: %w; the data folder must exist and be writable", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("sqlite: %s is held: %w; stop it, or give this one a data folder of its own", path, ErrHeld)
		}
		return nil, fmt.Errorf("sqlite: lock %s: %w; the data must be on a local disk", path, err)
	}
	return &fileLock{f: f}, nil
}

func (l *fileLock) release() error { return l.f.Close() }
