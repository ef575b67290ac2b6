package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
)

// checkpointEvery is after how many writes the log is folded back into the database.
const checkpointEvery = 512

// checkpointer folds the write-ahead log back into the database, from a connection of its own so
// that no commit waits for it.
type checkpointer struct {
	db      *sql.DB
	writes  int // since the last nudge; the writer's goroutine only
	nudge   chan struct{}
	quit    chan struct{}
	stopped chan struct{}
	failed  atomic.Pointer[error]
}

func startCheckpointer(path string) (*checkpointer, error) {
	db, err := openPool(dsn(path, []string{"busy_timeout(5000)", "synchronous(FULL)", "cache_size(-1024)"}), 1)
	if err != nil {
		return nil, err
	}
	c := &checkpointer{db: db, nudge: make(chan struct{}, 1), quit: make(chan struct{}), stopped: make(chan struct{})}
	go c.run()
	return c, nil
}

// wrote is told by the writer how much it has written.
func (c *checkpointer) wrote(n int) {
	if c.writes += n; c.writes < checkpointEvery {
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
			err := c.fold("PASSIVE")
			c.failed.Store(&err)
		}
	}
}

func (c *checkpointer) fold(mode string) error {
	var busy, frames, folded int
	if err := c.db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &folded); err != nil {
		return fmt.Errorf("sqlite: checkpoint: %w", err)
	}
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
