package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// writer owns the one connection that writes. Only its goroutine uses conn and statements.
type writer struct {
	queue    *lanes.Queue[[]tables.Step]
	batchMax int
	observer lanes.Observer
	check    *checkpointer

	conn       *sql.Conn
	statements [statementCount]*sql.Stmt
	stopped    chan struct{}

	mu   sync.Mutex
	sick error // why the last batch failed; nil since one succeeded
}

func startWriter(ctx context.Context, db *sql.DB, o Options, check *checkpointer) (*writer, error) {
	w := &writer{
		queue: lanes.New[[]tables.Step](orInt(o.QueueLen, defaultQueueLen)), batchMax: orInt(o.BatchMax, defaultBatchMax),
		observer: o.Observer, check: check, stopped: make(chan struct{}),
	}
	var err error
	if w.conn, err = db.Conn(ctx); err != nil {
		return nil, fmt.Errorf("sqlite: writer connection: %w", err)
	}
	for i, text := range statementTexts {
		if w.statements[i], err = w.conn.PrepareContext(ctx, text); err != nil { //nolint:sqlclosecheck // closed by close
			return nil, errors.Join(fmt.Errorf("sqlite: prepare statement %d: %w", i, err), w.close())
		}
	}
	go w.run() //nolint:gosec,contextcheck // it lives as long as the store, not as the opening
	return w, nil
}

// stop lets the writer finish what waits and closes its connection.
func (w *writer) stop() error {
	w.queue.Close()
	<-w.stopped
	return w.close()
}

// close lets go of statements and connection. A statement left open would keep the log's file.
func (w *writer) close() error {
	var errs []error
	for _, st := range w.statements {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

func (w *writer) run() {
	defer close(w.stopped)
	for {
		batch, tasks, ok := w.queue.Take(w.batchMax)
		if !ok {
			return
		}
		if len(batch) > 0 {
			w.batch(batch)
		}
		for _, task := range tasks {
			task()
		}
		w.check.wrote(len(batch) + len(tasks))
		if w.check.long.Swap(false) {
			// What fails here is tried again by the checkpointer.
			_, _ = w.statements[foldLog].ExecContext(context.Background())
		}
	}
}

// batch writes the changes as one transaction and answers each only after the commit.
func (w *writer) batch(batch []*lanes.Pending[[]tables.Step]) {
	began := w.observer.Began()
	err := w.transact(func(ctx context.Context) error {
		for _, p := range batch {
			if err := w.apply(ctx, p, len(batch) > 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		// Nothing of the batch was kept, and nobody is told otherwise.
		err = unavailable(err)
		for _, p := range batch {
			p.Err = err
		}
	}
	w.note(err)
	for _, p := range batch {
		p.Done()
	}
	w.observer.Ended(began, len(batch), w.queue.Depth(), err)
}

// transact runs do inside a transaction. The connection is ready for the next one whatever happens.
func (w *writer) transact(do func(ctx context.Context) error) error {
	ctx := context.Background() // a caller that leaves never stops the write
	if _, err := w.statements[begin].ExecContext(ctx); err != nil {
		return err
	}
	err := do(ctx)
	if err == nil {
		_, err = w.statements[commit].ExecContext(ctx)
	}
	if err != nil {
		// SQLite may have rolled back by itself; then this one fails, and that is fine.
		_, _ = w.statements[rollback].ExecContext(ctx)
	}
	return err
}

// apply runs the steps of one change. A refusal of the change itself is left in p.Err and undone
// by itself; an error returned fails the whole batch. A change alone in its transaction needs no
// savepoint unless it is refused, so it always has one when others share the transaction.
func (w *writer) apply(ctx context.Context, p *lanes.Pending[[]tables.Step], shared bool) error {
	if shared {
		if _, err := w.statements[savepoint].ExecContext(ctx); err != nil {
			return err
		}
	}
	p.Err = nil
	for i := range p.Work {
		refusal, err := w.step(ctx, &p.Work[i])
		if err != nil {
			return err
		}
		if refusal == nil {
			continue
		}
		p.Err = refusal
		if !shared {
			return w.exec(ctx, rollbackAndBegin...)
		}
		return w.exec(ctx, rollbackTo, release)
	}
	if shared {
		return w.exec(ctx, release)
	}
	return nil
}

var rollbackAndBegin = []statement{rollback, begin}

func (w *writer) exec(ctx context.Context, list ...statement) error {
	for _, s := range list {
		if _, err := w.statements[s].ExecContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step runs one statement. refusal is the change's own fault, err everybody's.
func (w *writer) step(ctx context.Context, s *tables.Step) (refusal, err error) {
	result, err := w.statements[s.Statement].ExecContext(ctx, s.Args...)
	if err != nil {
		if !ownFault(err) {
			return nil, err
		}
		return w.explain(ctx, s, err)
	}
	if s.Missing == nil {
		return nil, nil
	}
	n, err := result.RowsAffected()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return s.Missing, nil
	}
	return nil, nil
}

// explain says which rule of the table a step broke. Only tickets have several unique columns.
func (w *writer) explain(ctx context.Context, s *tables.Step, cause error) (refusal, err error) {
	if !isUnique(cause) {
		return tables.ErrConstraint(cause), nil
	}
	which := ""
	if s.Statement == tables.InsertTicket {
		var sameID, sameNumber int
		if err := w.statements[whichTicket].QueryRowContext(ctx, s.Args[0], s.Args[1]).Scan(&sameID, &sameNumber); err != nil {
			return nil, err
		}
		switch {
		case sameID > 0:
			which = "id"
		case sameNumber > 0:
			which = "number"
		}
	}
	return tables.Refusal(s.Statement, which), nil
}

// task runs an administrative closure in a transaction of its own.
func (w *writer) task(do func(ctx context.Context) error) error {
	err := w.transact(func(ctx context.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("sqlite: an administrative write panicked: %v", p)
			}
		}()
		return do(ctx)
	})
	if isDisk(err) {
		err = unavailable(err)
		w.note(err)
	}
	return err
}

// note remembers whether the disk takes writes.
func (w *writer) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sick = err
}

func (w *writer) health() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sick
}

// Commit implements [store.Writer].
func (s *Store) Commit(ctx context.Context, changes ...store.Change) []error {
	return s.writer.queue.Commit(ctx, changes, func(c *store.Change) ([]tables.Step, []string, error) {
		steps, err := s.Encode(c)
		if c.Sender == "" {
			return steps, nil, err
		}
		return steps, []string{c.Sender}, err
	})
}

// probeSize is more than the free pages a full disk usually has left.
const probeSize = 64 << 10

// Healthy implements [store.Store]: it writes a little, and when the last batch failed, enough to
// need new pages, so that a full disk is not taken for a mended one.
func (s *Store) Healthy(ctx context.Context) error {
	if err := s.Ring.Behind(); err != nil {
		return ticket.Errorf(ticket.Unavailable, "store.keys", "%v", err)
	}
	size := 1
	if s.writer.health() != nil {
		size = probeSize
	}
	err := s.DB.Write(ctx, func(ctx context.Context, tx tables.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', zeroblob(?))`, size); err != nil {
			return err
		}
		if size == 1 {
			return nil
		}
		_, err := tx.Exec(ctx, `UPDATE meta SET value = zeroblob(1) WHERE key = 'probe'`)
		return err
	})
	switch {
	case err == nil:
		s.writer.note(nil)
		return nil
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return ticket.Errorf(ticket.Unavailable, "store.slow", "the store did not take a trivial write in time").Because(err)
	}
	return err
}
