package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// writer owns the one connection that writes. Only its goroutine uses conn and statements.
type writer struct {
	queue    *queue
	batchMax int
	observer Observer
	check    *checkpointer

	conn       *sql.Conn
	statements [statementCount]*sql.Stmt
	stopped    chan struct{}

	mu   sync.Mutex
	sick error // why the last batch failed; nil since one succeeded
}

// task is an administrative closure with a transaction of its own.
type task struct {
	do   func(ctx context.Context, tx *sql.Conn) error
	err  error
	done chan struct{}
}

func startWriter(ctx context.Context, db *sql.DB, o Options, check *checkpointer) (*writer, error) {
	w := &writer{
		queue: newQueue(orInt(o.QueueLen, defaultQueueLen)), batchMax: orInt(o.BatchMax, defaultBatchMax),
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
	w.queue.close()
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
		batch, tasks, ok := w.queue.take(w.batchMax)
		if !ok {
			return
		}
		if len(batch) > 0 {
			w.batch(batch)
		}
		for _, t := range tasks {
			w.task(t)
		}
		w.check.wrote(len(batch) + len(tasks))
		if w.check.long.Swap(false) {
			// What fails here is tried again by the checkpointer.
			_, _ = w.statements[foldLog].ExecContext(context.Background())
		}
	}
}

// batch writes the changes as one transaction and answers each only after the commit.
func (w *writer) batch(batch []*pending) {
	began := w.now()
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
			p.err = err
		}
	}
	w.note(err)
	for _, p := range batch {
		close(p.done)
	}
	w.observe(len(batch), began, err)
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

// apply runs the steps of one change. A refusal of the change itself is left in p.err and undone
// by itself; an error returned fails the whole batch. A change alone in its transaction needs no
// savepoint unless it is refused, so it always has one when others share the transaction.
func (w *writer) apply(ctx context.Context, p *pending, shared bool) error {
	if shared {
		if _, err := w.statements[savepoint].ExecContext(ctx); err != nil {
			return err
		}
	}
	p.err = nil
	for i := range p.steps {
		refusal, err := w.step(ctx, &p.steps[i])
		if err != nil {
			return err
		}
		if refusal == nil {
			continue
		}
		p.err = refusal
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
func (w *writer) step(ctx context.Context, s *step) (refusal, err error) {
	result, err := w.statements[s.statement].ExecContext(ctx, s.args...)
	if err != nil {
		if !ownFault(err) {
			return nil, err
		}
		return w.explain(ctx, s, err)
	}
	if s.missing == nil {
		return nil, nil
	}
	n, err := result.RowsAffected()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return s.missing, nil
	}
	return nil, nil
}

// explain says which rule of the table a step broke. Only tickets have several unique columns.
func (w *writer) explain(ctx context.Context, s *step, cause error) (refusal, err error) {
	if !isUnique(cause) {
		return ticket.Errorf(ticket.Internal, "store.constraint", "the change breaks a rule of the database").Because(cause), nil
	}
	switch s.statement { //nolint:exhaustive // the others have one unique column, named below
	case insertTicket:
		var sameID, sameNumber int
		if err := w.statements[whichTicket].QueryRowContext(ctx, s.args[0], s.args[1]).Scan(&sameID, &sameNumber); err != nil {
			return nil, err
		}
		switch {
		case sameID > 0:
			return errVersion(), nil
		case sameNumber > 0:
			return duplicate("number", "the ticket's number is already given"), nil
		}
		return duplicate("fold", "an open ticket of this channel already folds this alarm"), nil
	case updateTicket:
		return duplicate("fold", "an open ticket of this channel already folds this alarm"), nil
	case insertEvent:
		return errVersion(), nil
	case insertCall:
		return ticket.Errorf(ticket.Conflict, "store.conflict.call", "the call has been recorded by somebody else; read it again"), nil
	}
	name := duplicateNames[s.statement]
	return duplicate(name, "this "+name+" is already kept"), nil
}

var duplicateNames = map[statement]string{insertDelivery: "delivery", insertRequest: "request", insertNotice: "notice", insertAlert: "alert"}

func duplicate(what, message string) error {
	return ticket.Errorf(ticket.Duplicate, "store.duplicate."+what, "%s", message)
}

func errVersion() error {
	return ticket.Errorf(ticket.Conflict, "store.conflict.version", "the ticket has changed meanwhile; read it again")
}

// task runs an administrative closure.
func (w *writer) task(t *task) {
	err := w.transact(func(ctx context.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("sqlite: an administrative write panicked: %v", p)
			}
		}()
		return t.do(ctx, w.conn)
	})
	if isDisk(err) {
		err = unavailable(err)
		w.note(err)
	}
	t.err = err
	close(t.done)
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

func (w *writer) now() time.Time {
	if w.observer.Now == nil {
		return time.Time{}
	}
	return w.observer.Now()
}

func (w *writer) observe(size int, began time.Time, err error) {
	if w.observer.Batch != nil {
		w.observer.Batch(size, w.now().Sub(began), err)
	}
	if w.observer.Queue != nil {
		for lane, waiting := range w.queue.depth() {
			w.observer.Queue(store.Lane(lane), waiting)
		}
	}
}

// Commit implements [store.Writer].
func (s *Store) Commit(ctx context.Context, changes ...store.Change) []error {
	errs := make([]error, len(changes))
	waiting := make([]*pending, len(changes))
	for i := range changes {
		c := &changes[i]
		if errs[i] = ctx.Err(); errs[i] != nil {
			continue
		}
		steps, err := s.encode(c)
		if err != nil {
			errs[i] = err
			continue
		}
		p := &pending{sender: c.Sender, steps: steps, done: make(chan struct{})}
		if errs[i] = s.writer.queue.push(c.Lane, p); errs[i] == nil {
			waiting[i] = p
		}
	}
	for i, p := range waiting {
		if p == nil {
			continue
		}
		select {
		case <-p.done:
			errs[i] = p.err
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
	}
	return errs
}

// write runs an administrative closure in the writer's goroutine, in a transaction of its own.
// A cancelled ctx stops the waiting, not the write: do must not touch what the caller then reads.
func (s *Store) write(ctx context.Context, do func(ctx context.Context, tx *sql.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &task{do: do, done: make(chan struct{})}
	if err := s.writer.queue.pushTask(t); err != nil {
		return err
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask is write with an answer.
func ask[T any](ctx context.Context, s *Store, do func(ctx context.Context, tx *sql.Conn) (T, error)) (T, error) {
	answer := new(T)
	err := s.write(ctx, func(ctx context.Context, tx *sql.Conn) (err error) {
		*answer, err = do(ctx, tx)
		return err
	})
	if err != nil { // perhaps still being written to: not looked at
		return *new(T), err
	}
	return *answer, nil
}

// probeSize is more than the free pages a full disk usually has left.
const probeSize = 64 << 10

// Healthy implements [store.Store]: it writes a little, and when the last batch failed, enough to
// need new pages, so that a full disk is not taken for a mended one.
func (s *Store) Healthy(ctx context.Context) error {
	size := 1
	if s.writer.health() != nil {
		size = probeSize
	}
	err := s.write(ctx, func(ctx context.Context, tx *sql.Conn) error {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', zeroblob(?))`, size); err != nil {
			return err
		}
		if size == 1 {
			return nil
		}
		_, err := tx.ExecContext(ctx, `UPDATE meta SET value = zeroblob(1) WHERE key = 'probe'`)
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
