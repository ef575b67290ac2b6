package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// path compares what a citizen's complaint costs from the first byte of HTTP to the answer after
// the disk has it (verified, normalised, recognised, routed, clocked, committed with FULL sync,
// with tracker, outbox and text index at work beside it) with an endpoint of the same framework
// that reads the same body and answers. The no-op is measured before and after; between, nothing
// of the gateway's unfinished background work can slow it down.
func (b *bench) path(ctx context.Context) error {
	p, err := benchPack(b.city, filepath.Join(b.dir, "path-city"))
	if err != nil {
		return err
	}
	c, err := newComplaints(p)
	if err != nil {
		return err
	}
	counts := either(b, []int{64, 256}, []int{16, 64})
	before, err := b.noops(ctx, c, counts)
	if err != nil {
		return err
	}
	full, err := b.full(ctx, c, counts)
	if err != nil {
		return err
	}
	after, err := b.noops(ctx, c, counts)
	if err != nil {
		return err
	}
	wanted := map[int]float64{64: 0.05, 256: 0.08}
	for i, n := range counts {
		noop := (before[i] + after[i]) / 2
		b.table.show(fmt.Sprintf("Fiber no-op that reads the body, %d connections", n), perSecond(noop))
		b.table.show(fmt.Sprintf("full durable path, %d connections", n), fmt.Sprintf("%s, %s of the server's CPU each", perSecond(full[i].rate), duration(float64(full[i].cpu))))
		label := fmt.Sprintf("full durable path ÷ no-op, %d connections", n)
		if want, ok := wanted[n]; ok {
			b.table.atLeast(label, full[i].rate/noop, want, ratio)
		} else {
			b.table.show(label, ratio(full[i].rate/noop))
		}
	}
	return nil
}

// noops measures the endpoint that does nothing.
func (b *bench) noops(ctx context.Context, c *complaints, counts []int) ([]float64, error) {
	s, err := start(ctx, "noop")
	if err != nil {
		return nil, err
	}
	defer s.kill()
	var rates []float64
	for _, n := range counts {
		cl := newClient(s.address, n, c, anything)
		rate, _, err := closedLoop(ctx, n, time.Second, either(b, 5*time.Second, 2*time.Second), 0, cl.post)
		cl.close()
		if err != nil {
			return nil, fmt.Errorf("no-op with %d connections: %w", n, err)
		}
		b.say("   no-op, %d connections: %.0f/s", n, rate)
		rates = append(rates, rate)
	}
	return rates, s.stop()
}

// speed is what the gateway did with a number of connections.
type speed struct {
	rate float64       // tickets a second
	cpu  time.Duration // of the server, per ticket
}

// full measures the gateway, which starts with an empty data folder.
func (b *bench) full(ctx context.Context, c *complaints, counts []int) ([]speed, error) {
	data := filepath.Join(b.dir, "path-data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(data) //nolint:errcheck // the run's folder goes too
	s, err := start(ctx, "gateway", "-city", filepath.Join(b.dir, "path-city"), "-data", data)
	if err != nil {
		return nil, err
	}
	defer s.kill()
	var speeds []speed
	next := 0
	for _, n := range counts {
		cl := newClient(s.address, n, c, ticketed)
		used := spent(s.pid())
		rate, sent, err := closedLoop(ctx, n, 2*time.Second, either(b, 10*time.Second, 4*time.Second), next, cl.post)
		used = spent(s.pid()) - used
		cl.close()
		if err != nil {
			return nil, fmt.Errorf("gateway with %d connections: %w", n, err)
		}
		next += sent
		b.say("   gateway, %d connections: %.0f tickets/s", n, rate)
		speeds = append(speeds, speed{rate, used / time.Duration(max(sent, 1))})
	}
	return speeds, s.stop()
}
