package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
)

const (
	// checkpointEvery is after how many writes the log is folded back into the database. A page
	// that many tickets touch, an index say, is then folded back once for all of them.
	checkpointEvery = 4096
	// logLimit is the length of the log, in pages of 4 KiB, from which the writer lends a hand.
	logLimit = 32768
)

// checkpointer folds the write-ahead log back into the database, from a connection of its own so
// that no commit waits for it. The log starts over only when all of it is folded back at the
// moment a commit begins. Under load without a pause that moment never comes by itself; then,
// once the log is long, the writer folds back the little that is left between two commits.
type checkpointer struct {
	db      *sql.DB
	every   int         // writes
	limit   int         // of the log, in pages
	long    atomic.Bool // the log has passed the limit
	writes  int         // since the last nudge; the writer's goroutine only
	nudge   chan struct{}
	quit    chan struct{}
	stopped chan struct{}
}

func startCheckpointer(path string, o Options) (*checkpointer, error) {
	db, err := openPool(dsn(path, []string{"busy_timeout(5000)", "synchronous(FULL)", "cache_size(-1024)"}), 1)
	if err != nil {
		return nil, err
	}
	c := &checkpointer{db: db, every: orInt(o.foldEvery, checkpointEvery), limit: orInt(o.foldLimit, logLimit), nudge: make(chan struct{}, 1), quit: make(chan struct{}), stopped: make(chan struct{})}
	go c.run()
	return c, nil
}

// wrote is told by the writer how much it has written.
func (c *checkpointer) wrote(n int) {
	if c.writes += n; c.writes < c.every {
		return
	}
	c.writes = 0
	select {
	case c.nudge <- struct{}{}:
	default: // one is due already
	}
}

func (c *checkpointer) run() {
	defer close(c.stopped)
	for {
		select {
		case <-c.quit:
			return
		case <-c.nudge:
			// A failure here is no loss: the log stays, the next turn tries again, and a disk
			// that is really broken fails the next commit.
			_ = c.fold("PASSIVE")
		}
	}
}

func (c *checkpointer) fold(mode string) error {
	var busy, frames, folded int
	if err := c.db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &folded); err != nil {
		return fmt.Errorf("sqlite: checkpoint: %w", err)
	}
	c.long.Store(frames >= c.limit)
	return nil
}

// stop ends the goroutine and folds all of the log back. It comes after writer and readers.
func (c *checkpointer) stop() error {
	close(c.quit)
	<-c.stopped
	err := c.fold("TRUNCATE")
	if e := c.db.Close(); err == nil {
		err = e
	}
	return err
}
