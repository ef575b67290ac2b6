package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/tables"
)

// gather is how long the writer waits for company after a batch of several: what a batch costs besides
// its rows (a statement for each kind, a sync) is then shared by more, above all where several
// gateways write. A change that comes alone is written at once.
const gather = 2 * time.Millisecond

type pending = lanes.Pending[[]tables.Step]

// writer takes batches from the lanes and writes each in one round trip.
type writer struct {
	queue      *lanes.Queue[[]tables.Step]
	batchMax   int
	observer   lanes.Observer
	pool       *pgxpool.Pool
	statements [tables.StatementCount]statement
	stopped    chan struct{}
}

func startWriter(pool *pgxpool.Pool, o Options, offset int64) *writer {
	orInt := func(v, fallback int) int {
		if v > 0 {
			return v
		}
		return fallback
	}
	w := &writer{
		queue: lanes.New[[]tables.Step](orInt(o.QueueLen, defaultQueueLen)), batchMax: orInt(o.BatchMax, defaultBatchMax),
		observer: o.Observer, pool: pool, statements: statements(offset), stopped: make(chan struct{}),
	}
	go w.run()
	return w
}

// stop lets the writer finish what waits.
func (w *writer) stop() {
	w.queue.Close()
	<-w.stopped
}

func (w *writer) run() {
	defer close(w.stopped)
	for {
		batch, _, ok := w.queue.Take(w.batchMax)
		if !ok {
			return
		}
		w.batch(batch)
		if len(batch) > 1 {
			<-time.After(gather)
		}
	}
}

// batch writes the changes together, and one by one when one of them is refused. Each is answered
// only after the commit.
func (w *writer) batch(batch []*pending) {
	ctx, cancel := context.WithTimeout(context.Background(), writeLimit) // a caller that leaves never stops the write
	defer cancel()
	began := w.observer.Began()
	err := w.together(ctx, batch)
	switch {
	case err == nil:
	case ownFault(err):
		err = nil
		for _, p := range batch {
			if p.Err = w.alone(ctx, p); p.Err != nil && isServer(p.Err) {
				p.Err = unavailable(p.Err)
			}
		}
	default:
		// Perhaps it was kept and only the answer lost; nobody is told that it was. Who asks again
		// with the same key finds out.
		err = unavailable(err)
		for _, p := range batch {
			p.Err = err
		}
	}
	for _, p := range batch {
		p.Done()
	}
	w.observer.Ended(began, len(batch), w.queue.Depth(), err)
}

// together writes all steps of a batch as one pipeline: one statement for each kind of step, in
// the order of the kinds. A pipeline without a BEGIN is one transaction.
func (w *writer) together(ctx context.Context, batch []*pending) error {
	var kinds [tables.StatementCount][]*tables.Step
	for _, p := range batch {
		for i := range p.Work {
			s := &p.Work[i]
			kinds[s.Statement] = append(kinds[s.Statement], s)
		}
	}
	b := &pgx.Batch{}
	for n, steps := range kinds {
		if len(steps) > 0 {
			b.Queue(w.statements[n].text, w.statements[n].args(0, steps...)...)
		}
	}
	return w.send(ctx, b)
}

// alone writes one change, its steps in their own order, and says what was wrong with it.
func (w *writer) alone(ctx context.Context, p *pending) error {
	b := &pgx.Batch{}
	for i := range p.Work {
		st := &w.statements[p.Work[i].Statement]
		b.Queue(st.text, st.args(i, &p.Work[i])...)
	}
	err := w.send(ctx, b)
	for tries := 0; tries < 3 && (sqlState(err) == deadlockDetected || sqlState(err) == serializationFailure); tries++ {
		err = w.send(ctx, b)
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil || !ok || !ownFault(err):
		return err
	case e.Code == unexpectedRows:
		at := slices.IndexFunc(p.Work, func(s tables.Step) bool {
			return w.statements[s.Statement].expect == e.TableName && s.Missing != nil
		})
		if at >= 0 { // else it is nobody's refusal, and must not pass for none
			return p.Work[at].Missing
		}
	case e.Code == uniqueViolation:
		if k, known := constraints[e.ConstraintName]; known {
			return tables.Refusal(k.statement, k.which)
		}
	}
	return tables.ErrConstraint(err)
}

// constraints are the unique keys of changes: whose they are, and which of a ticket's.
var constraints = map[string]struct {
	statement tables.Statement
	which     string
}{
	"requests_key":   {tables.InsertRequest, ""},
	"tickets_id":     {tables.InsertTicket, "id"},
	"tickets_number": {tables.InsertTicket, "number"},
	"tickets_fold":   {tables.InsertTicket, "fold"},
	"events_seq":     {tables.InsertEvent, ""},
	"deliveries_id":  {tables.InsertDelivery, ""},
	"outbox_key":     {tables.InsertNotice, ""},
	"alerts_id":      {tables.InsertAlert, ""},
	"alerts_key":     {tables.InsertAlert, ""},
	"calls_id":       {tables.InsertCall, ""},
	"calls_call_id":  {tables.InsertCall, ""},
}

// send writes a pipeline and waits for the commit.
func (w *writer) send(ctx context.Context, b *pgx.Batch) error {
	results := w.pool.SendBatch(ctx, b)
	for range b.Len() {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // says the same again
			return err
		}
	}
	return results.Close()
}
