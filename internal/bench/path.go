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
	var asks []ask
	for _, k := range []kind{standard, lean} {
		for i, n := range either(b, []int{64, 256}, []int{16, 64}) {
			// The aim counts a client of the weight programs really have. A bare one is shown beside it:
			// its no-op does twice as much, and the gateway, which is most of the cost, hardly more.
			a := ask{kind: k, connections: n}
			if !b.short && k.name == standard.name {
				a.wanted = []float64{0.05, 0.08}[i]
			}
			asks = append(asks, a)
		}
	}
	before, err := b.noops(ctx, c, asks)
	if err != nil {
		return err
	}
	full, err := b.full(ctx, c, asks)
	if err != nil {
		return err
	}
	after, err := b.noops(ctx, c, asks)
	if err != nil {
		return err
	}
	for i, a := range asks {
		noop := (before[i] + after[i]) / 2
		b.table.show(fmt.Sprintf("%s: no-op · full path", a), fmt.Sprintf("%s · %s, %s of server CPU each", perSecond(noop), perSecond(full[i].rate), duration(float64(full[i].cpu))))
		label := fmt.Sprintf("%s: full durable path ÷ no-op", a)
		if a.wanted > 0 {
			b.table.atLeast(label, full[i].rate/noop, a.wanted, ratio)
		} else {
			b.table.show(label, ratio(full[i].rate/noop))
		}
	}
	return nil
}

// ask is one comparison.
type ask struct {
	kind        kind
	connections int
	wanted      float64 // ratio; 0: shown for comparison
}

func (a ask) String() string { return fmt.Sprintf("%d connections, %s", a.connections, a.kind.name) }

// noops measures the endpoint that does nothing.
func (b *bench) noops(ctx context.Context, c *complaints, asks []ask) ([]float64, error) {
	s, err := start(ctx, "noop")
	if err != nil {
		return nil, err
	}
	defer s.kill()
	var rates []float64
	for _, a := range asks {
		cl := newClient(a.kind, s.address, a.connections, c, anything)
		rate, _, err := closedLoop(ctx, a.connections, time.Second, either(b, 4*time.Second, time.Second), 0, cl.post)
		cl.close()
		if err != nil {
			return nil, fmt.Errorf("no-op with %s: %w", a, err)
		}
		b.say("   no-op, %s: %.0f/s", a, rate)
		rates = append(rates, rate)
	}
	return rates, s.stop()
}

// speed is what the gateway did.
type speed struct {
	rate float64       // tickets a second
	cpu  time.Duration // of the server, per ticket
}

// full measures the gateway, which starts with an empty data folder.
func (b *bench) full(ctx context.Context, c *complaints, asks []ask) ([]speed, error) {
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
	for _, a := range asks {
		cl := newClient(a.kind, s.address, a.connections, c, ticketed)
		used := spent(s.pid())
		rate, sent, err := closedLoop(ctx, a.connections, 2*time.Second, either(b, 10*time.Second, 2*time.Second), next, cl.post)
		used = spent(s.pid()) - used
		cl.close()
		if err != nil {
			return nil, fmt.Errorf("gateway with %s: %w", a, err)
		}
		next += sent
		b.say("   gateway, %s: %.0f tickets/s", a, rate)
		speeds = append(speeds, speed{rate, used / time.Duration(max(sent, 1))})
	}
	return speeds, s.stop()
}
