package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/city"
)

// dutyRoom is what the verbs about duty work from.
type dutyRoom struct {
	rows desk.BriefStore
	city *city.City
	now  time.Time
	at   time.Time
}

// operator is whoever stands at the machine: nothing of the city is hidden from them.
var operator = desk.Viewer{Login: "operator", Roles: []string{"duty", "supervisor"}}

// dutyRoom opens a city's data to read, beside gateways that serve.
func (w Where) dutyRoom(ctx context.Context, at string) (r dutyRoom, end func() error, err error) {
	rows, shut, err := w.peek(ctx)
	if err != nil {
		return r, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, shut())
		}
	}()
	reader, ok := rows.(desk.BriefStore)
	if !ok {
		return r, nil, fmt.Errorf("%s cannot be read for a brief", w.name())
	}
	pack, err := activePack(ctx, rows)
	if err != nil {
		return r, nil, err
	}
	r.rows, r.city = reader, &city.City{
		Title: pack.City.Title, Zone: pack.City.Location, Rules: pack.Ruleset, DutyUnit: pack.DutyUnit(), Say: pack.Text,
		Roster: pack.Roster, AlertRules: pack.AlertRules, Channels: map[string]*city.Channel{},
	}
	if r.now, err = w.now(); err != nil {
		return r, nil, err
	}
	if r.at, err = momentIn(pack.City.Location, at, r.now); err != nil {
		return r, nil, err
	}
	if years := r.at.Sub(r.now).Hours() / (24 * 366); years > 2 || years < -10 { // as the API says
		return r, nil, fmt.Errorf("--at %q: rosters are reckoned from ten years ago to two years ahead", at)
	}
	return r, shut, nil
}

// momentIn reads a time as people write it in the city; now when it is empty.
func momentIn(zone *time.Location, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return now, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at, nil
		}
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, fmt.Errorf("--at %q: write a time of the city such as %q", s, "2026-07-13 20:00")
	}
	return at, nil
}

// WhoIsOnDuty says who holds which post at a time, and who does next.
func WhoIsOnDuty(ctx context.Context, where Where, at, post string, asJSON bool, out io.Writer) (err error) {
	r, end, err := where.dutyRoom(ctx, at)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	book, err := r.city.BookNow(ctx, r.rows, r.at)
	if err != nil {
		return err
	}
	posts := desk.DutyPosts(r.city, operator, book)
	if post != "" {
		if !slices.Contains(posts, post) {
			return fmt.Errorf("post %q has no roster; those that have: %v", post, posts)
		}
		posts = []string{post}
	}
	list := desk.OnDutyAt(r.city, book, posts, r.at)
	local := r.at.In(r.city.Zone)
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"at": local, "items": list})
	}
	fmt.Fprintf(out, "%s  当班  %s\n", r.city.Title, local.Format("2006-01-02 15:04"))
	desk.WriteOnDuty(out, list)
	return nil
}

// ShiftBrief tells what whoever takes over the shift of a post at a time must know.
func ShiftBrief(ctx context.Context, where Where, at, post string, asJSON bool, out io.Writer) (err error) {
	r, end, err := where.dutyRoom(ctx, at)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	brief, err := desk.MakeBrief(ctx, r.rows, r.city, operator, post, r.at, r.now)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(brief)
	}
	brief.WriteText(out)
	return nil
}
