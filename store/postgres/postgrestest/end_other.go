//go:build !linux

package postgrestest

import "syscall"

// endWithTest can do nothing here: a test that is killed leaves its server.
func endWithTest(*syscall.SysProcAttr) {}
