package importer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Result is what became of a report.
type Result string

// The results of a report.
const (
	Imported Result = "imported" // it is a ticket now
	Skipped  Result = "skipped"  // it was one already
	Rejected Result = "rejected" // it is none; Problem says why
	Busy     Result = "busy"     // nothing was kept: again after RetryAfter
)

// Answer is a door's word on one report.
type Answer struct {
	Result     Result
	Text       string         // why it was rejected, or why the door is busy
	Fields     []ticket.Field // of the form channel's report, when it was rejected for some
	RetryAfter time.Duration
}

// Door takes reports. An error ends the import: the door is the wrong one, or closed to us.
// It is used by several goroutines at once.
type Door interface {
	Take(ctx context.Context, r Report) (Answer, error)
}

// InFlight is how many reports are under way at once: enough for the store to commit them in groups.
const InFlight = 32

// tries is how often a busy door is asked for one report, pauses doubling from a second to half a minute.
const (
	tries        = 8
	longestPause = 30 * time.Second
)

// Options tell how a table is imported. Source, Door, Reject and Wait are required.
type Options struct {
	// Source names the system the old numbers are of: the same number of another system is another ticket.
	Source string
	Door   Door
	// Reject is told of each row that is not taken, one at a time, not strictly in order of lines.
	Reject func(Row, Problem) error
	// Wait pauses until d has passed or ctx ends, with the error of ctx.
	Wait func(ctx context.Context, d time.Duration) error
	// Done is told after each row; for a progress bar.
	Done func()
}

// Summary counts rows.
type Summary struct {
	Imported int `json:"imported"`
	Skipped  int `json:"skipped"`
	Rejected int `json:"rejected"`
}

func (s Summary) String() string {
	return fmt.Sprintf("imported=%d skipped=%d rejected=%d", s.Imported, s.Skipped, s.Rejected)
}

// run is one import under way.
type run struct {
	Options
	table *Table
	stop  context.CancelCauseFunc

	mu      sync.Mutex
	summary Summary
}

// Run imports the rows of a table, InFlight at a time and those of one sender in their order. When ctx
// ends it takes no further rows, finishes those under way and returns the cause: what is counted is
// done, and the next run goes on from there.
func Run(ctx context.Context, t *Table, o Options) (Summary, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if o.Done == nil {
		o.Done = func() {}
	}
	r := &run{Options: o, table: t, stop: stop}
	var lanes [InFlight]chan Report
	var workers sync.WaitGroup
	for i := range lanes {
		lane := make(chan Report, 8)
		lanes[i] = lane
		workers.Go(func() {
			for report := range lane {
				r.deliver(ctx, report)
			}
		})
	}
	err := r.feed(ctx, lanes[:])
	for _, lane := range lanes {
		close(lane)
	}
	workers.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	return r.summary, err
}

// feed reads rows and gives each to the lane of its sender. A row whose key came before follows that
// one, so that of two rows with one number the first in the file counts.
func (r *run) feed(ctx context.Context, lanes []chan Report) error {
	seed, taken := maphash.MakeSeed(), map[uint64]uint8{}
	for ctx.Err() == nil {
		row, err := r.table.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		report, problem := r.table.Report(row, r.Source)
		if problem != nil {
			r.reject(row, *problem)
			continue
		}
		key := maphash.String(seed, report.Key)
		lane, again := taken[key]
		if !again {
			lane = uint8(maphash.String(seed, report.Sender) % uint64(len(lanes))) // below InFlight
			taken[key] = lane
		}
		select {
		case lanes[lane] <- report:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// deliver hands one report in, as often as the door asks for it.
func (r *run) deliver(ctx context.Context, report Report) {
	pause := time.Second
	for try := 1; ctx.Err() == nil; try++ {
		a, err := r.Door.Take(context.WithoutCancel(ctx), report) // one that is under way is finished
		switch {
		case err != nil:
			r.stop(err)
			return
		case a.Result != Busy:
			r.settle(report, a)
			return
		case try == tries:
			r.stop(fmt.Errorf("line %d was not taken in %d tries: %s; run the import again to go on from here", report.Row.Line, tries, a.Text))
			return
		}
		if r.Wait(ctx, max(pause, min(a.RetryAfter, longestPause))) != nil {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

func (r *run) settle(report Report, a Answer) {
	if a.Result != Imported && a.Result != Skipped {
		r.reject(report.Row, r.problem(a))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.Result == Imported {
		r.summary.Imported++
	} else {
		r.summary.Skipped++
	}
	r.Done()
}

// reject counts a row that is not taken. A row that cannot be put on record stops the import: it
// would be lost.
func (r *run) reject(row Row, p Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Rejected++
	if err := r.Reject(row, p); err != nil {
		r.stop(err)
	}
	r.Done()
}

// problem says what is wrong in the words of the file: columns for fields.
func (r *run) problem(a Answer) Problem {
	p := Problem{Reason: a.Text}
	var reasons []string
	for _, f := range a.Fields {
		_, column := r.table.columns.value(Row{Cells: make([]string, len(r.table.columns.names))}, wireFields[f.Name])
		if column == "" {
			column = f.Name
		}
		if p.Column == "" {
			p.Column = column
		}
		if column != p.Column {
			reasons = append(reasons, column+"："+f.Message)
			continue
		}
		reasons = append(reasons, f.Message)
	}
	if len(reasons) > 0 {
		p.Reason = strings.Join(reasons, "；")
	}
	return p
}
