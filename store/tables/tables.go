// Package tables is what the databases of both engines have in common: how a value stands in rows
// (which column, sealed or not), and the questions asked of them in SQL that SQLite and PostgreSQL
// both speak. The tables themselves are made by the migrations of each engine, with the same names
// and columns.
//
// It opens nothing and starts nothing. How changes are written in groups, how notices are claimed
// and how one sender's requests take turns is the engine's own.
package tables

import (
	"context"
	"errors"

	"github.com/citizen-hotline/gateway/internal/seal"
)

// Tables implements most of [store.Store] over a database: all reading, and the administrative
// writes. An engine embeds it and adds the rest.
type Tables struct {
	Ring *seal.Ring // seals personal data
	DB   Database
}

// Database is what an engine brings. Texts have a ? for each value.
type Database interface {
	// Read asks from outside a transaction, for as long as a read may take, and calls each for every
	// row. A constant text comes again and again, and may be prepared.
	Read(ctx context.Context, text string, constant bool, args []any, each func(Row) error) error
	// Write runs do in a transaction of its own. A cancelled ctx may stop the waiting and not the
	// write: do must not touch what the caller then reads.
	Write(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
	// Alone is Write for a transaction that writes what it has read: nobody else's write comes
	// between. do may be run again.
	Alone(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
	// Explain turns an error of reading into one callers know; nil stays nil, and an error that is
	// a [ticket.Error] already stays as it is. what names the thing that was asked for.
	Explain(err error, what string) error
	// IsUnique reports whether a write broke a unique key.
	IsUnique(err error) bool
}

// Tx is an administrative transaction.
type Tx interface {
	Query(ctx context.Context, text string, args []any, each func(Row) error) error
	Exec(ctx context.Context, text string, args ...any) (rows int64, err error)
}

// Row is a row being read.
type Row interface{ Scan(dest ...any) error }

// ErrNone means that there was no row.
var ErrNone = errors.New("store: no row")

// Question is something to ask, and how to read the answer.
type Question[T any] struct {
	What string // the thing asked for, as an error names it
	Text string
	Args []any
	Scan func(Row) (T, error)
}

// one reads a single row of a query whose text is constant. No row is NotFound.
func one[T any](ctx context.Context, db Database, what, text string, scan func(Row) (T, error), args ...any) (T, error) {
	v, none := *new(T), true
	err := db.Read(ctx, text, true, args, func(r Row) (err error) {
		if none {
			v, err = scan(r)
			none = false
		}
		return err
	})
	if err == nil && none {
		err = ErrNone
	}
	if err != nil {
		return *new(T), db.Explain(err, what)
	}
	return v, nil
}

// many reads the rows of a query whose text is constant.
func many[T any](ctx context.Context, db Database, what, text string, scan func(Row) (T, error), args ...any) ([]T, error) {
	list, err := gather(scan, func(each func(Row) error) error { return db.Read(ctx, text, true, args, each) })
	return list, db.Explain(err, what)
}

// built reads the rows of a query made for one filter.
func built[T any](ctx context.Context, db Database, what, text string, scan func(Row) (T, error), args ...any) ([]T, error) {
	list, err := gather(scan, func(each func(Row) error) error { return db.Read(ctx, text, false, args, each) })
	return list, db.Explain(err, what)
}

func gather[T any](scan func(Row) (T, error), query func(each func(Row) error) error) (list []T, _ error) {
	err := query(func(r Row) error {
		v, err := scan(r)
		if err == nil {
			list = append(list, v)
		}
		return err
	})
	return list, err
}

// get reads the one row that a transaction asks for, ErrNone when there is none.
func get(ctx context.Context, tx Tx, text string, args []any, scan func(Row) error) error {
	none := true
	err := tx.Query(ctx, text, args, func(r Row) error {
		none = false
		return scan(r)
	})
	if err == nil && none {
		return ErrNone
	}
	return err
}

// ask is Database.Write or Alone with an answer.
func ask[T any](ctx context.Context, write func(context.Context, func(context.Context, Tx) error) error, do func(ctx context.Context, tx Tx) (T, error)) (T, error) {
	answer := new(T)
	err := write(ctx, func(ctx context.Context, tx Tx) (err error) {
		*answer, err = do(ctx, tx)
		return err
	})
	if err != nil { // perhaps still being written to: not looked at
		return *new(T), err
	}
	return *answer, nil
}
