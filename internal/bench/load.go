package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/sqlite"
)

// load sends tickets on schedule and looks at what a city would feel: latency, memory, and how
// soon the gateway is back after the power went, with everything it had acknowledged.
func (b *bench) load(ctx context.Context) error {
	p, err := benchPack(b.city, filepath.Join(b.dir, "load-city"))
	if err != nil {
		return err
	}
	c, err := newComplaints(p)
	if err != nil {
		return err
	}
	data := filepath.Join(b.dir, "load-data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	args := []string{"-city", filepath.Join(b.dir, "load-city"), "-data", data}
	s, err := start(ctx, "gateway", args...)
	if err != nil {
		return err
	}
	defer func() { s.kill() }()
	b.table.show("first start with an empty data folder", duration(float64(s.ready)))
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	idle := resident(s.pid())

	plan := schedule{rate: 1000, length: either(b, time.Minute, 10*time.Second), round: 10 * time.Second, connections: 256, grace: 30 * time.Second}
	b.say("   %d tickets/s for %v", plan.rate, plan.length)
	peak := watch(s.pid())
	used := spent(s.pid())
	cl := newClient(lean, s.address, plan.connections, c, ticketed)
	defer cl.close()
	got := openLoop(ctx, plan, cl.post)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	used = spent(s.pid()) - used
	most := peak()
	if got.failure != nil {
		b.say("   the first failure: %v", got.failure)
	}
	b.latencies(plan, got, used)
	b.table.atMost("resident memory, idle with the pack", idle, 150e6, megabytes, "")
	b.table.atMost("resident memory under this load, highest", most, 300e6, megabytes, got.flaw())

	more, err := b.profile(ctx, s, cl, plan)
	if err != nil {
		return err
	}
	return b.restart(ctx, s, args, data, got.answered+more)
}

// latencies adds the rows of an open loop.
func (b *bench) latencies(plan schedule, got opened, used time.Duration) {
	what := fmt.Sprintf("open loop, %v at %d tickets/s: ", plan.length, plan.rate)
	b.table.atMost(what+"p99, median of 10-s rounds", got.quantile(99), 100e6, duration, got.flaw())
	b.table.show(what+"p50 · p99.9 · worst", fmt.Sprintf("%s · %s · %s", duration(got.quantile(50)), duration(got.quantile(99.9)), duration(got.worst())))
	b.table.show(what+"server's CPU", fmt.Sprintf("%.2f cores, %s a ticket", used.Seconds()/got.took.Seconds(), duration(float64(used)/float64(max(got.answered, 1)))))
}

// profile goes on with the load for a while under a CPU profile: the latencies above are of the
// program without one. It returns how many more tickets were acknowledged.
func (b *bench) profile(ctx context.Context, s *server, cl *client, plan schedule) (int, error) {
	plan.first, plan.length = plan.total(), either(b, 20*time.Second, 5*time.Second)
	b.say("   %v more under a CPU profile", plan.length)
	if err := s.tell("profile " + b.cpu); err != nil {
		return 0, err
	}
	got := openLoop(ctx, plan, cl.post)
	if err := s.tell("stop"); err != nil {
		return 0, err
	}
	for _, view := range []struct {
		title string
		flags []string
	}{
		{"CPU profile of the server, by function:", []string{"-nodecount=15"}},
		{"The same by what the gateway was doing (cumulative):", []string{"-nodecount=30", "-cum", "-show=citizen-hotline|fasthttp.*serveConn|database/sql.*ExecContext|sqlite3_step|libc.Xfsync|gcBgMarkWorker"}},
	} {
		out, err := exec.CommandContext(ctx, "go", append(append([]string{"tool", "pprof", "-top"}, view.flags...), b.cpu)...).Output() //nolint:gosec // our own words
		if err != nil {
			b.say("   no profile: go tool pprof: %v", err)
			break
		}
		b.notes = append(b.notes, view.title+"\n\n"+strings.TrimSpace(string(out)))
	}
	return got.answered, nil
}

// restart kills the server, starts it again over the same data and counts what is there.
func (b *bench) restart(ctx context.Context, s *server, args []string, data string, acknowledged int) error {
	b.say("   kill -9 and start again")
	s.kill()
	again, err := start(ctx, "gateway", args...)
	if err != nil {
		return fmt.Errorf("start again after kill -9: %w", err)
	}
	defer again.kill()
	if err := again.stop(); err != nil {
		return fmt.Errorf("stop after the restart: %w", err)
	}
	found, err := tickets(ctx, data)
	if err != nil {
		return err
	}
	b.table.atMost(fmt.Sprintf("kill -9, then ready again with %d tickets", found), float64(again.ready), 5e9, duration, "")
	b.table.atMost("acknowledged tickets lost by it", float64(max(acknowledged-int(found), 0)), 0, func(n float64) string { return fmt.Sprintf("%.0f", n) }, "")
	return nil
}

// tickets counts what is in a data folder nobody has open.
func tickets(ctx context.Context, data string) (int64, error) {
	ring, err := seal.Load(filepath.Join(data, "keys.json"))
	if err != nil {
		return 0, err
	}
	st, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(data, "hotline.db"), Ring: ring})
	if err != nil {
		return 0, err
	}
	counts, err := st.Counts(ctx, time.Now())
	if err := st.Close(); err != nil { //nolint:contextcheck // closing is not to be cancelled
		return 0, err
	}
	return counts.Tickets, err
}

// watch notes a process's memory four times a second until its result is asked for: the highest, bytes.
func watch(pid int) (highest func() float64) {
	stop, most := make(chan struct{}), make(chan float64, 1)
	go func() {
		ticker := time.NewTicker(250 * time.Millisecond)
		defer ticker.Stop()
		seen := resident(pid)
		for {
			select {
			case <-stop:
				most <- seen
				return
			case <-ticker.C:
				seen = max(seen, resident(pid))
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-most
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
