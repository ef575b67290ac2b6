package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/all"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/ticket"
)

// LoadPack reads a pack as serve would and builds its channels with demo secrets, so that their
// settings are checked too.
func LoadPack(dir string) (*config.Pack, error) {
	registry, err := adapters.NewRegistry(all.Specs()...)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range registry.Specs() {
		names = append(names, s.Name)
	}
	p, err := config.LoadDir(dir, names...)
	if err != nil {
		return nil, err
	}
	log, err := newLog(Options{})
	if err != nil {
		return nil, err
	}
	secrets := config.Secrets{Demo: true}
	c, err := buildCity(p, lend{registry: registry, secret: secrets.Resolve, log: log, now: time.Now})
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, ch := range p.Channels {
		if built, ok := c.Channels[ch.ID]; ok {
			if t, can := built.Adapter.(adapters.SelfTester); can {
				if err := t.SelfTest(); err != nil {
					failed = append(failed, ch.Problem(err))
				}
			}
		}
	}
	return p, errors.Join(failed...)
}

// ErrChecks says that a check ran and did not pass; what failed has been printed.
var ErrChecks = errors.New("the pack does not pass")

// Check checks a pack and runs its tests, in words or as JSON.
func Check(dir string, asJSON bool, out io.Writer) error {
	p, err := LoadPack(dir)
	if err == nil {
		err = p.Holds(time.Now())
	}
	if err != nil {
		var problems config.Problems
		problems = problems.Merge(err)
		if asJSON {
			if err := json.NewEncoder(out).Encode(map[string]any{"ok": false, "problems": problems}); err != nil {
				return err
			}
			return ErrChecks
		}
		for _, problem := range problems {
			fmt.Fprintln(out, problem)
		}
		fmt.Fprintf(out, "%d problems\n", len(problems))
		return ErrChecks
	}
	results, failed := p.RunTests(), 0
	for _, r := range results {
		if !r.OK {
			failed++
		}
	}
	if asJSON {
		err := json.NewEncoder(out).Encode(map[string]any{
			"ok": failed == 0, "pack": p.Hash, "tests": len(results), "failed": failed,
			"units": len(p.Units), "regions": len(p.Regions), "categories": len(p.Categories), "channels": len(p.Channels),
		})
		if err == nil && failed > 0 {
			err = ErrChecks
		}
		return err
	}
	for _, r := range results {
		if !r.OK {
			fmt.Fprintf(out, "%s:%d: test %q: %s (%s)\n", r.Test.At.File, r.Test.At.Line, r.Test.Name, strings.Join(r.Diff, "; "), r.Reason)
		}
	}
	fmt.Fprintf(out, "%s %s: %d units, %d regions, %d categories, %d catalogue rows, %d rules, %d policies, %d channels\n", p.City.Name, p.Hash[:12],
		len(p.Units), len(p.Regions), len(p.Categories), len(p.Catalogue), len(p.Rules), len(p.Policies), len(p.Channels))
	fmt.Fprintf(out, "%d passed, %d failed\n", len(results)-failed, failed)
	if failed > 0 {
		return ErrChecks
	}
	return nil
}

// Question is a made-up request that `rules explain` asks the rules about.
type Question struct {
	Text, Address, Channel, Category, Region, Type, At string
	Lng, Lat                                           float64
	Datum                                              string
}

// Explain tells who would own a made-up request, and why, by the same function that decides live.
func Explain(dir string, q Question, asJSON bool, out io.Writer) error {
	p, err := LoadPack(dir)
	if err != nil {
		return err
	}
	test := config.TestFacts{
		Channel: q.Channel, Text: q.Text, Address: q.Address, Category: q.Category, Region: q.Region,
		Type: ticket.RequestType(q.Type), Datum: ticket.Datum(q.Datum), At: q.At,
	}
	if q.Datum != "" {
		test.Point = []float64{q.Lng, q.Lat}
	}
	facts := p.Facts(test)
	explanation := p.Ruleset.Classified(p.Ruleset.Explain(&facts), p.Classified(test))
	if asJSON {
		return json.NewEncoder(out).Encode(explanation)
	}
	_, err = io.WriteString(out, explanation.Text())
	return err
}

// ExplainTicket explains the owner of a registered ticket from the facts kept with it and the pack
// it was decided by.
func ExplainTicket(ctx context.Context, where Where, number string, asJSON bool, out io.Writer) (err error) {
	a, err := openStore(ctx, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	item, err := a.store.TicketByNumber(ctx, number)
	if err != nil {
		return err
	}
	_, p, err := a.loadStored(ctx, item.Decision.Pack)
	if err != nil {
		return err
	}
	history, err := a.store.History(ctx, item.ID)
	if err != nil {
		return err
	}
	facts, err := intake.DecidedFacts(history)
	if err != nil {
		return err
	}
	explanation := p.Ruleset.Classified(p.Ruleset.Explain(&facts), item.Decision.Classified)
	if asJSON {
		return json.NewEncoder(out).Encode(explanation)
	}
	_, err = io.WriteString(out, explanation.Text())
	return err
}

// History lists the packs that were in force, newest first.
func History(ctx context.Context, where Where, asJSON bool, out io.Writer) (err error) {
	a, err := openStore(ctx, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	packs, err := a.store.PackHistory(ctx, 100)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(packs)
	}
	if len(packs) == 0 {
		fmt.Fprintln(out, "no pack was published yet: hotline serve --city DIR publishes one")
	}
	for n, p := range packs {
		mark := " "
		if n == 0 {
			mark = "*"
		}
		fmt.Fprintf(out, "%s %s  %s  %s  %s\n", mark, p.Hash[:12], p.At.Local().Format(time.DateTime), p.Author, p.Note)
	}
	return nil
}

// Rollback brings an earlier pack back into force, in a data folder that no gateway has open (a
// running one rolls back by its API). The hash may be shortened as far as it is unambiguous; empty means the one before the active.
func Rollback(ctx context.Context, where Where, hash string, out io.Writer) (err error) {
	a, err := openStore(ctx, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	full, err := a.bringBack(ctx, hash, author(), "rollback")
	if err == nil {
		fmt.Fprintf(out, "pack %s is in force again\n", full[:12])
	}
	return err
}

// bringBack makes an earlier pack the active one after checking that it loads and fits the open
// tickets, and returns its whole hash.
func (a *App) bringBack(ctx context.Context, hash, author, note string) (string, error) {
	full, err := a.earlierPack(ctx, hash)
	if err != nil {
		return "", err
	}
	if _, _, err := a.loadStored(ctx, full); err != nil {
		return "", fmt.Errorf("pack %s cannot come back: %w", full[:12], err)
	}
	kept, err := a.store.PackByHash(ctx, full)
	if err != nil {
		return "", err
	}
	kept.Author, kept.Note, kept.At = author, note, a.clock.Now()
	return full, a.store.PublishPack(ctx, kept)
}

// earlierPack resolves a shortened hash among the packs that were in force.
func (a *App) earlierPack(ctx context.Context, prefix string) (string, error) {
	packs, err := a.store.PackHistory(ctx, 1000)
	if err != nil {
		return "", err
	}
	found := ""
	for n, p := range packs {
		if n == 0 && prefix == "" || !strings.HasPrefix(p.Hash, prefix) || prefix == "" && p.Hash == packs[0].Hash {
			continue
		}
		if prefix == "" {
			return p.Hash, nil
		}
		if found != "" && found != p.Hash {
			return "", ticket.Errorf(ticket.Invalid, "pack.ambiguous", "%q fits several packs: give more of the hash", prefix)
		}
		found = p.Hash
	}
	if found == "" {
		return "", ticket.Errorf(ticket.NotFound, "pack.unknown", "no earlier pack %q; `hotline rules history` lists them", prefix)
	}
	return found, nil
}

// openStore opens a city's data for a verb that needs the store and the packs alone.
func openStore(ctx context.Context, where Where) (*App, error) {
	o := Options{Where: where}
	ring, err := where.keys()
	if err != nil {
		return nil, err
	}
	st, err := where.open(ctx, ring, lanes.Observer{})
	if err != nil {
		return nil, err
	}
	log, err := newLog(o)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	registry, err := adapters.NewRegistry(all.Specs()...)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	secrets := config.Secrets{Dir: where.Data, Demo: true} // channels are built to check them, never used
	a := &App{
		options: o, log: log, clock: realClock(), store: st,
		lend: lend{registry: registry, secret: secrets.Resolve, log: log, now: time.Now},
	}
	a.onStop("store", st.Close)
	return a, nil
}

// LimitWords is a limit as the command line gives it. CountFrom and DueAt count for days only.
type LimitWords struct {
	Amount                 int
	Unit, CountFrom, DueAt string
}

func (w LimitWords) limit() sla.Limit {
	l := sla.Limit{Amount: w.Amount, Unit: sla.LimitUnit(w.Unit)}
	if l.Unit == sla.NaturalDays || l.Unit == sla.WorkingDays {
		l.CountFrom, l.DueAt = sla.CountFrom(w.CountFrom), sla.DueAt(w.DueAt)
	}
	return l
}

// Deadline works out one deadline by a calendar of a pack, and says how.
func Deadline(dir, calendar, received string, limit LimitWords, asJSON bool, out io.Writer) error {
	l := limit.limit()
	p, err := LoadPack(dir)
	if err != nil {
		return err
	}
	c, err := packCalendar(p, calendar)
	if err != nil {
		return err
	}
	if err := l.Validate(); err != nil {
		return err
	}
	start, err := moment(received, c.Zone())
	if err != nil {
		return err
	}
	due, provisional := c.Due(start, l)
	segments := sla.ExplainDue(c, start, l)
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"start": start, "due": due, "provisional": provisional, "limit": l, "segments": segments})
	}
	fmt.Fprintf(out, "收到  %s\n时限  %s\n到期  %s\n", c.Words(start), l, c.Words(due))
	if provisional {
		fmt.Fprintln(out, "暂定：期限跨入尚未公布放假安排的年份")
	}
	for _, s := range segments {
		fmt.Fprintf(out, "  %s\n", s.Text)
	}
	return nil
}

// moment reads a time as people write it, in the city's zone.
func moment(s string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q: write 2026-02-13, 2026-02-13 10:30 or RFC 3339", s)
}
