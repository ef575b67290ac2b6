package sqlite

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// code is SQLite's extended result code of err, 0 when it has none. Errors are told apart by
// code, never by message.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// ownFault reports whether err is about the change itself and leaves the transaction usable.
func ownFault(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG:
		return true
	}
	return false
}

func isUnique(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return false
}

// isDisk reports whether err is SQLite's and not about the statement: the disk, the file or the
// memory failed.
func isDisk(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_OK, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE:
		return false
	}
	return true
}

// unavailable is what callers are told when nothing could be written.
func unavailable(cause error) error {
	message := "the store could not write"
	switch code(cause) & 0xff {
	case sqlite3.SQLITE_FULL:
		message = "the disk of the store is full: make room"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		message = "the store may not write to its file: check the owner and mount of the data folder"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		message = "the database file is damaged: stop the gateway and restore a backup"
	case sqlite3.SQLITE_IOERR:
		message = "the disk of the store failed"
	}
	return &ticket.Error{Kind: ticket.Unavailable, Code: "store.write", Message: message, RetryAfter: lanes.RetryAfter, Err: cause}
}

// readError is what readers return: NotFound for no row, Unavailable for one that took too long.
func readError(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tables.ErrNone):
		return ticket.Errorf(ticket.NotFound, "store.missing."+what, "there is no such %s", what)
	case errors.Is(err, context.DeadlineExceeded), code(err)&0xff == sqlite3.SQLITE_INTERRUPT:
		return &ticket.Error{
			Kind: ticket.Unavailable, Code: "store.read.slow", RetryAfter: lanes.RetryAfter,
			Message: "reading " + what + " took too long: narrow the question, for example by time", Err: err,
		}
	case errors.Is(err, context.Canceled):
		return err
	}
	return ticket.Errorf(ticket.Internal, "store.read", "cannot read %s", what).Because(err)
}
