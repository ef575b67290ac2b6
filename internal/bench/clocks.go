package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// events is how long the history of a contested ticket is.
const events = 40

// clocks measures what the tracker does for each ticket it looks at, by the pack's own policy.
func (b *bench) clocks(context.Context) error {
	p, err := config.LoadDir(b.city)
	if err != nil {
		return err
	}
	day := time.Date(2026, 2, 13, 2, 0, 0, 0, time.UTC) // four days before the Spring Festival
	latest, ok := p.PolicySet.By(p.City.DefaultPolicy, day)
	if !ok {
		return fmt.Errorf("pack %s has no policy %s", p.City.ID, p.City.DefaultPolicy)
	}
	policy, calendar, ok := p.PolicySet.Lookup(latest.Key())
	if !ok {
		return fmt.Errorf("pack %s has no policy %s", p.City.ID, latest.Key())
	}
	history, err := contested(day, latest.Key())
	if err != nil {
		return err
	}
	now := day.AddDate(0, 1, 5)
	if len(sla.Evaluate(history, policy, calendar, now)) == 0 {
		return fmt.Errorf("policy %s gives the ticket no clocks: there is nothing to measure", policy.Key())
	}
	took := testing.Benchmark(func(t *testing.B) {
		t.ReportAllocs()
		for t.Loop() {
			sla.Evaluate(history, policy, calendar, now)
		}
	})
	b.table.atMost(fmt.Sprintf("evaluate the clocks of a ticket of %d events", events), perOp(took), 20e3, duration, "")
	folded := testing.Benchmark(func(t *testing.B) {
		for t.Loop() {
			_, _ = ticket.Fold(history)
		}
	})
	b.table.show("  ÷ folding the ticket of them, without a clock", ratio(perOp(took)/perOp(folded)))
	b.table.show("  allocations", strconv.FormatInt(took.AllocsPerOp(), 10))
	return nil
}

// contested is the history of a ticket that was returned, paused, resolved, reopened and talked about.
func contested(at time.Time, policy string) ([]ticket.Event, error) {
	id, err := ticket.NewID(at, rand.Reader)
	if err != nil {
		return nil, err
	}
	actor := ticket.Actor{Kind: ticket.ActorUser, ID: "desk"}
	reg := ticket.Registration{
		Number: ticket.FormatNumber("LY", at, 1), Channel: channel, Key: "1", Kind: ticket.KindCase, Source: ticket.SourceCitizen,
		Type: ticket.TypeComplaint, Urgency: ticket.UrgencyNormal, Policy: policy, ReceivedAt: at,
	}
	t, e, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Actor: actor, Details: ticket.Details{Registration: &reg, Decision: &ticket.Decision{}},
		Private: &ticket.Private{Title: "路灯不亮", Text: longText, TrackCode: "7KQ4MZ"},
	}, at, rand.Reader)
	if err != nil {
		return nil, err
	}
	history, reached := []ticket.Event{e}, true
	do := func(after time.Duration, action ticket.Action, d ticket.Details) {
		if err != nil {
			return
		}
		at = at.Add(after)
		e, failed := t.Do(ticket.Command{Action: action, Actor: actor, Cause: ticket.Cause{Reason: "bench"}, Details: d, Private: &ticket.Private{Note: "记", PublicReply: "已处理"}}, at, rand.Reader)
		if failed != nil {
			err = fmt.Errorf("%s: %w", action, failed)
			return
		}
		history = append(history, e)
	}
	one, two, three := ticket.Details{Assignment: 1}, ticket.Details{Assignment: 2}, ticket.Details{Assignment: 3}
	do(time.Hour, ticket.Dispatch, ticket.Details{Unit: "u1"})
	do(3*time.Hour, ticket.Return, one)
	do(20*time.Hour, ticket.Dispatch, ticket.Details{Unit: "u2", Units: []string{"u3"}})
	do(time.Hour, ticket.Sign, two)
	do(time.Minute, ticket.Sign, three)
	do(time.Hour, ticket.Contact, two)
	do(time.Hour, ticket.Pause, two)
	do(240*time.Hour, ticket.Resume, two)
	do(48*time.Hour, ticket.Resolve, three)
	do(24*time.Hour, ticket.Resolve, two)
	do(24*time.Hour, ticket.CallBack, ticket.Details{Reached: &reached})
	do(time.Minute, ticket.Reopen, ticket.Details{})
	for err == nil && len(history) < events {
		do(time.Hour, ticket.Urge, ticket.Details{})
		do(time.Minute, ticket.Note, ticket.Details{})
	}
	return history[:min(len(history), events)], err
}
