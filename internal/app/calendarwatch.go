package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// calendarAhead is how many months before the first day without a notice somebody is told: the State Council publishes in November.
const calendarAhead = 2

// unpublished is the first year whose holidays a calendar does not know, and its first day.
func unpublished(c *sla.Calendar, now time.Time) (year int, first time.Time) {
	year = c.Unpublished(now)
	return year, time.Date(year, time.January, 1, 0, 0, 0, 0, c.Zone())
}

// daysTo counts days of the calendar, 0 when the day has come.
func daysTo(now, day time.Time) int {
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	y, m, d = day.Date()
	return max(0, int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(today)/(24*time.Hour)))
}

// runCalendarWatch looks once a day, and at each new pack, whether somebody must be told that a year's notice is missing.
func (a *App) runCalendarWatch(ctx context.Context) {
	var looked string
	a.every(ctx, a.clock.Pause(time.Minute), func() error {
		c, now := a.live.Get(), a.clock.Now()
		at := c.Hash + now.In(c.Zone).Format(time.DateOnly)
		if at == looked {
			return nil
		}
		raised, err := watchCalendars(ctx, a.store, c, now, rand.Reader)
		if err == nil {
			looked = at
		}
		if raised > 0 {
			a.hub.Publish()
		}
		return err
	})
}

// calendarStore is what the watch needs of a store.
type calendarStore interface {
	store.Writer
	Tickets(ctx context.Context, f store.Filter) (store.Page, error)
}

// watchCalendars tells the duty posts, once a year and calendar, that the holidays of a year are not known: two months before it
// begins, and for the city's own calendar as soon as deadlines of open tickets run into it. It says how many alerts were raised.
func watchCalendars(ctx context.Context, st calendarStore, c *city.City, now time.Time, random io.Reader) (raised int, err error) {
	var changes []store.Change
	for _, calendar := range c.Calendars {
		if calendar.Spec().Holidays != "" {
			continue // they are missing in the calendar they are taken from
		}
		year, first := unpublished(calendar, now)
		own, count := c.Calendar != nil && calendar.ID() == c.Calendar.ID(), 0
		if own {
			if count, err = provisionalFrom(ctx, st, first); err != nil {
				return 0, err
			}
		}
		if count == 0 && now.Before(first.AddDate(0, -calendarAhead, 0)) {
			continue
		}
		words := c.Say("calendar_unpublished", map[string]string{"calendar": calendar.Title(), "year": strconv.Itoa(year), "count": strconv.Itoa(count)})
		duty, _ := c.Rules.Unit(c.DutyUnit)
		for _, p := range duty.Posts {
			if p.Role != "duty" {
				continue
			}
			id, err := ticket.NewID(now, random)
			if err != nil {
				return 0, err
			}
			changes = append(changes, store.Change{Lane: store.Machines, Alerts: []store.Alert{{
				ID: id, Key: fmt.Sprintf("calendar/%s/%d/%s", calendar.ID(), year, p.ID), Unit: c.DutyUnit, Level: "alarm", Post: p.ID, Text: words, At: now,
			}}})
		}
	}
	for _, failed := range st.Commit(ctx, changes...) {
		switch {
		case failed == nil:
			raised++
		case ticket.IsKind(failed, ticket.Duplicate): // it was raised before
		default:
			err = errors.Join(err, failed)
		}
	}
	return raised, err
}

// provisionalFrom counts open tickets whose deadline is provisional and runs into a year, or into the last days before it, which its
// notice may move.
func provisionalFrom(ctx context.Context, st calendarStore, first time.Time) (n int, err error) {
	const page, most = 1000, 100
	filter := store.Filter{States: recalendarStates, Provisional: true, Order: "due", Limit: page}
	for range most {
		list, err := st.Tickets(ctx, filter)
		if err != nil {
			return 0, err
		}
		for i := range list.Items {
			if !list.Items[i].Due.Before(first.AddDate(0, 0, -3)) {
				n++
			}
		}
		if filter.Cursor = list.Next; list.Next == "" {
			break
		}
	}
	return n, nil
}
