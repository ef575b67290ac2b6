package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/citizen-hotline/gateway/internal/app"
)

// The rush: intake goes on at intakeRate while the steps of the stock fall due within a minute.
const intakeRate = 200

// rush starts a gateway over the stock shortly before many steps fall due, kills and starts it once to see how soon
// it looks, and measures intake before and during that minute.
func (b *bench) rush(ctx context.Context, engine string, s *stock, where app.Where) error {
	quiet := either(b, 30*time.Second, 10*time.Second)
	c, err := newComplaints(s.city)
	if err != nil {
		return err
	}
	// The demo's clock goes on where a run left it: the measured one begins as long before the rush as intake is
	// measured alone, and as a start takes.
	const early = 10 * time.Second
	if err := os.WriteFile(filepath.Join(where.Data, "demo-clock"), []byte(s.rush.Add(-quiet-early).UTC().Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return err
	}
	args := []string{"-city", s.dir, "-data", where.Data, "-store", where.Store}
	began := time.Now()
	server, err := start(ctx, "gateway", args...)
	if err != nil {
		return err
	}
	defer func() { server.kill() }()
	for { // what was left over from the measurements before is due at once
		n, err := server.metric("hotline_ladder_steps_total")
		if err != nil {
			return err
		}
		if n > 0 {
			break
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
		if time.Since(began) > startTime {
			return errors.New("the gateway took no step, though some were due at its start")
		}
	}
	with := fmt.Sprintf("%s, %d open tickets: ", engine, s.open)
	b.table.atMost(with+"from the start of the process to the first steps", float64(time.Since(began)), 1e9, duration, "")
	if wait := early - time.Since(began); wait > 0 {
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	before, err := server.metric("hotline_ladder_steps_total")
	if err != nil {
		return err
	}
	cl := newClient(lean, server.address, 64, c, ticketed)
	defer cl.close()
	plan := schedule{rate: intakeRate, length: quiet, round: 10 * time.Second, connections: 64, grace: 20 * time.Second}
	idle := openLoop(ctx, plan, cl.post)
	plan.first, plan.length = plan.total(), s.span
	over := time.Now().Add(s.span)
	busy := openLoop(ctx, plan, cl.post)
	late, recorded, err := b.untilTaken(ctx, server, before+float64(s.minute), over)
	if err != nil {
		return err
	}
	b.say("   %s: intake p99 %s alone, %s in the minute; the last step %v after it", engine, duration(idle.quantile(99)), duration(busy.quantile(99)), late.Round(time.Millisecond))
	flaw := idle.flaw() + busy.flaw()
	b.table.atMost(fmt.Sprintf("%s%d steps due in %v beside intake at %d/s: all recorded after it within", with, int(recorded-before), s.span, intakeRate), float64(late), 10e9, duration, flaw)
	b.table.atMost("  intake's p99 in that time ÷ before", busy.quantile(99)/idle.quantile(99), 2, ratio, flaw)
	b.table.show("  intake's p99 before · in that time", duration(idle.quantile(99))+" · "+duration(busy.quantile(99)))
	return nil
}

// untilTaken waits until so many steps are taken and says how long after a moment that was; not at all late is 0.
func (b *bench) untilTaken(ctx context.Context, s *server, want float64, since time.Time) (late time.Duration, taken float64, err error) {
	for {
		n, err := s.metric("hotline_ladder_steps_total")
		switch {
		case err != nil:
			return 0, 0, err
		case n >= want:
			return max(time.Since(since), 0), n, nil
		case time.Since(since) > 2*time.Minute:
			return 0, 0, fmt.Errorf("only %.0f of %.0f steps two minutes after they were due", n, want)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return 0, 0, err
		}
	}
}

// metric reads one of the gateway's own figures.
func (s *server) metric(name string) (float64, error) {
	status, body, err := fasthttp.GetTimeout(nil, "http://"+s.address+"/metrics", 5*time.Second)
	if err != nil || status != fasthttp.StatusOK {
		return 0, fmt.Errorf("metrics of the gateway: %d: %w", status, err)
	}
	for line := range bytes.Lines(body) {
		if value, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			return strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
		}
	}
	return 0, fmt.Errorf("the gateway has no metric %s", name)
}
