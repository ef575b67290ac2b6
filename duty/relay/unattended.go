package relay

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// astray moves the alerts that wait at posts nobody holds any more to the posts that stand in.
func (r *Relay) astray(ctx context.Context, c *city.City, book *duty.Book, now time.Time) ([]store.Change, error) {
	var empty []string
	for _, post := range book.Posts() {
		if reached, _ := book.Reach(post, now); reached != post {
			empty = append(empty, post)
		}
	}
	if len(empty) == 0 {
		return nil, nil
	}
	waiting, err := r.Store.Alerts(ctx, store.AlertFilter{Open: true, Posts: empty, Limit: 1000})
	if err != nil {
		return nil, err
	}
	var changes []store.Change
	for i := range waiting {
		a := &waiting[i]
		if a.Person != "" || a.DeliveredAt.IsZero() || a.State() == store.AlertSnoozed {
			continue // somebody has it, or it will be delivered by itself
		}
		change, err := r.deliver(ctx, c, book, a, now)
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// covered are the ends of alarms about shifts that somebody holds by now: nobody need look after them any more.
func (r *Relay) covered(ctx context.Context, book *duty.Book, now time.Time) ([]store.Change, error) {
	waiting, err := r.Store.Alerts(ctx, store.AlertFilter{Unfinished: true, Levels: []string{alarm}, Limit: 1000})
	if err != nil {
		return nil, err
	}
	var changes []store.Change
	for i := range waiting {
		a := &waiting[i]
		post, from, ok := shiftOf(a.Key)
		if !ok {
			continue
		}
		if from.Before(now) {
			from = now // it goes on, or is over
		}
		if p, listed := book.On(post, from); !listed || !p.Attended() {
			continue
		}
		next := *a
		next.DoneAt, next.SnoozedUntil, next.Look = now, time.Time{}, time.Time{}
		if next.AckedAt.IsZero() {
			next.AckedAt = now
		}
		changes = append(changes, write(a, next, store.AlertEntry{At: now, What: store.AlertFinished}))
	}
	return changes, nil
}

// shiftOf reads from the key of an alarm which shift it is about; see alarmsOf.
func shiftOf(key string) (post string, from time.Time, ok bool) {
	parts := strings.SplitN(key, "/", 4)
	if len(parts) < 4 || parts[0] != unattendedKey {
		return "", time.Time{}, false
	}
	seconds, err := strconv.ParseInt(parts[2], 10, 64)
	return parts[1], time.Unix(seconds, 0), err == nil
}

// unattendedKey begins the keys of alarms about shifts that nobody holds.
const unattendedKey = "unattended"

// alarm is the level of alerts about the hotline itself.
const alarm = "alarm"

// unattended are the alarms about shifts that nobody holds: ahead of time, and again when one begins. Each has a
// key of its own; the alarms that were raised before are looked up, so that not every run writes.
func (r *Relay) unattended(ctx context.Context, c *city.City, book *duty.Book, now time.Time) ([]store.Change, error) {
	wanted := map[string]store.Alert{}
	for _, post := range book.Posts() {
		book.Periods(post, now, now.Add(c.AlertRules.Ahead), func(p duty.Period) bool {
			if !p.Attended() {
				for _, a := range alarmsOf(c, book, p, now) {
					wanted[a.Key] = a
				}
			}
			return true
		})
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	keys := make([]string, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var changes []store.Change
	for some := range slices.Chunk(keys, 500) {
		raised, err := r.Store.Alerts(ctx, store.AlertFilter{Keys: some, Limit: len(some)})
		if err != nil {
			return nil, err
		}
		for i := range raised {
			delete(wanted, raised[i].Key)
		}
	}
	for _, key := range keys {
		a, missing := wanted[key]
		if !missing {
			continue
		}
		var err error
		if a.ID, err = ticket.NewID(now, r.Random); err != nil {
			return nil, err
		}
		changes = append(changes, store.Change{Lane: store.Machines, Alerts: []store.Alert{a}})
	}
	return changes, nil
}

// alarmsOf are the alarms about one shift: to supervision, to the officer on duty, and to the head of the
// unit whose post it is; never to the post that nobody holds.
func alarmsOf(c *city.City, book *duty.Book, p duty.Period, now time.Time) []store.Alert {
	when, moment := "ahead", "unattended_soon"
	if !p.From.After(now) {
		when, moment = "start", "unattended"
	}
	_, unit, _ := c.Post(p.Post)
	to := append(c.PostsOf(c.DutyUnit, "supervision"), c.PostsOf(c.DutyUnit, "duty")...)
	if unit != c.DutyUnit {
		to = append(to, c.PostsOf(unit, "head")...)
	}
	reached, _ := book.Reach(p.Post, p.From)
	said := c.Say(moment, map[string]string{
		"post": c.PostTitle(p.Post), "from": clock(c, p.From), "to": clock(c, p.To), "fallback": c.PostTitle(reached),
	})
	by := "rotation"
	if p.Override != nil {
		by = p.Override.ID
	}
	slices.Sort(to)
	var list []store.Alert
	for _, post := range slices.Compact(to) {
		if post == p.Post {
			continue
		}
		_, of, _ := c.Post(post)
		list = append(list, store.Alert{
			Key:  fmt.Sprintf(unattendedKey+"/%s/%d/%s/%s/%s", p.Post, p.From.Unix(), by, when, post),
			Unit: of, Level: alarm, Post: post, Text: said, At: now,
		})
	}
	return list
}

func clock(c *city.City, at time.Time) string { return at.In(c.Zone).Format("1月2日 15:04") }
