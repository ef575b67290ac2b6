//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package sqlite

import (
	"fmt"
	"runtime"
)

type fileLock struct{}

func lockFile(string) (*fileLock, error) {
	return nil, fmt.Errorf("sqlite: on %s nothing keeps a second process off the database; run the gateway on Linux, macOS or a BSD", runtime.GOOS)
}

func (*fileLock) release() error { return nil }
