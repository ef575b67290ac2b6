package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// SQLSTATE codes, and the one of hotline_expect. Errors are told apart by code, never by message.
const (
	uniqueViolation       = "23505"
	insufficientPrivilege = "42501"
	invalidPassword       = "28P01"
	invalidAuthorization  = "28000"
	invalidCatalogName    = "3D000"
	tooManyConnections    = "53300"
	diskFull              = "53100"
	readOnlyTransaction   = "25006"
	queryCanceled         = "57014"
	lockNotAvailable      = "55P03"
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	unexpectedRows        = "HL001"
)

// sqlState is the code of the server's error in err, empty when there is none.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// ownFault reports whether a batch failed because of one of its changes, and would do without it.
func ownFault(err error) bool {
	code := sqlState(err)
	switch code {
	case unexpectedRows, serializationFailure, deadlockDetected:
		return true
	}
	return isClass(code, "21", "22", "23") // cardinality, data exceptions, integrity constraints
}

// isServer reports whether err is the server's or the connection's, and not about the statement.
func isServer(err error) bool {
	if err == nil {
		return false
	}
	code := sqlState(err)
	return isClass(code, "08", "25", "53", "54", "57", "58", "XX") || code == "" && disconnected(err)
}

// isClass reports whether a code is of one of the classes.
func isClass(code string, classes ...string) bool {
	return len(code) == 5 && slices.Contains(classes, code[:2])
}

// disconnected reports whether the connection failed, or the wait for one.
func disconnected(err error) bool {
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

// unreachable says why the database cannot be opened, and what to do.
func unreachable(err error) error {
	remedy := "see that the server runs and that --store names its host and port"
	switch sqlState(err) {
	case invalidPassword, invalidAuthorization:
		remedy = "the server refuses this role: check user and password (PGPASSFILE, or in --store) and pg_hba.conf"
	case invalidCatalogName:
		remedy = "make the database first: createdb --encoding=UTF8 NAME"
	case tooManyConnections:
		remedy = "raise max_connections: each gateway uses up to 36"
	case insufficientPrivilege:
		remedy = "let the role connect: GRANT CONNECT ON DATABASE …"
	}
	return fmt.Errorf("postgres: cannot use the database: %w; %s", err, remedy)
}

// unavailable is what callers are told when nothing could be written.
func unavailable(cause error) error {
	message := "the store could not write: the database cannot be reached"
	switch sqlState(cause) {
	case diskFull:
		message = "the disk of the database server is full: make room"
	case readOnlyTransaction:
		message = "the database server takes no writes: it is a standby, or was told so"
	case queryCanceled, lockNotAvailable:
		message = "the database server took too long to write"
	}
	return &ticket.Error{Kind: ticket.Unavailable, Code: "store.write", Message: message, RetryAfter: lanes.RetryAfter, Err: cause}
}

// readError is what readers return: NotFound for no row, Unavailable for one that took too long.
func readError(err error, what string) error {
	var known *ticket.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tables.ErrNone), errors.Is(err, pgx.ErrNoRows):
		return ticket.Errorf(ticket.NotFound, "store.missing."+what, "there is no such %s", what)
	case errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case sqlState(err) == queryCanceled, sqlState(err) == lockNotAvailable, errors.Is(err, context.DeadlineExceeded):
		return &ticket.Error{
			Kind: ticket.Unavailable, Code: "store.read.slow", RetryAfter: lanes.RetryAfter,
			Message: "reading " + what + " took too long: narrow the question, for example by time", Err: err,
		}
	case isServer(err):
		return &ticket.Error{
			Kind: ticket.Unavailable, Code: "store.read", RetryAfter: lanes.RetryAfter,
			Message: "cannot read " + what + ": the database cannot be reached", Err: err,
		}
	}
	return ticket.Errorf(ticket.Internal, "store.read", "cannot read %s", what).Because(err)
}
