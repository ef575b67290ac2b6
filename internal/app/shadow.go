package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/replay"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// shadow is a candidate that decides beside the pack in force, after the fact: no citizen waits for it.
type shadow struct {
	of        store.Shadow
	candidate *config.Pack
	pack      *config.Pack // in force
	after     int64        // the event it has come to
}

// openShadow makes the candidate of the folder named by --shadow the city's shadow.
func (a *App) openShadow(ctx context.Context) error {
	if a.options.Shadow == "" {
		return nil
	}
	p, err := config.LoadDir(a.options.Shadow, a.adapterNames()...)
	if err != nil {
		return fmt.Errorf("--shadow: %w", err)
	}
	archive, err := config.Archive(p)
	if err != nil {
		return fmt.Errorf("--shadow: %w", err)
	}
	end, err := a.store.FeedEnd(ctx)
	if err != nil {
		return err
	}
	of, err := a.store.StartShadow(ctx, store.Pack{Hash: p.Hash, Author: author(), Note: "shadow " + a.options.Shadow, At: a.clock.Now(), Archive: archive}, end)
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "a candidate decides beside the pack in force", slog.String("candidate", of.Hash[:12]))
	return nil
}

// shadowPage is how many tickets a shadow looks at before others get a turn.
const shadowPage = 200

// runShadow lets the city's shadow decide what was registered. With several gateways those that were started
// with --shadow all do, and each ticket counts once.
func (a *App) runShadow(ctx context.Context) {
	if a.options.Shadow == "" {
		return
	}
	var s shadow
	a.every(ctx, 2*time.Second, func() error {
		for {
			n, err := a.shadow(ctx, &s)
			if err != nil || n < shadowPage {
				return err
			}
		}
	})
}

// shadow decides the next tickets and says how many.
func (a *App) shadow(ctx context.Context, s *shadow) (int, error) {
	of, err := a.store.Shadow(ctx)
	if ticket.IsKind(err, ticket.NotFound) {
		*s = shadow{} // it was promoted or ended
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if s.of.ID != of.ID || s.of.Hash != of.Hash {
		*s = shadow{of: of, after: of.Position}
		if s.candidate, err = storedPack(ctx, a.store, of.Hash); err != nil {
			return 0, err
		}
	}
	if live := a.live.Get().Hash; s.pack == nil || s.pack.Hash != live {
		if s.pack, err = storedPack(ctx, a.store, live); err != nil {
			return 0, err
		}
	}
	registered, err := a.store.FeedRegistered(ctx, s.after, shadowPage)
	if err != nil || len(registered) == 0 {
		return 0, err
	}
	decisions := make([]store.Shadowed, 0, len(registered))
	for i := range registered {
		history, err := a.store.History(ctx, registered[i].Ticket)
		if err != nil {
			return 0, err
		}
		t, err := ticket.Fold(history[:1])
		if err != nil {
			return 0, err
		}
		if t.Private.Text == "" && t.Private.Title == "" {
			continue // nothing was said, or it has ended
		}
		seen := intake.FactsOf(&t)
		facts := replay.Reread(s.pack, s.candidate, seen, saidBy(&t))
		d := s.candidate.Ruleset.Decide(&facts, nil).Decision()
		decisions = append(decisions, store.Shadowed{
			Ticket: t.ID, Number: t.Number, Was: t.Decision.Unit, Would: d.Unit, Rule: d.Origins["unit"].Rule,
		})
	}
	if err := a.store.PutShadowed(ctx, of.ID, decisions); err != nil {
		return 0, err
	}
	s.after = registered[len(registered)-1].Position
	return len(registered), nil
}

// ShowShadow says what the city's shadow would have decided otherwise. A gateway may go on serving.
func ShowShadow(ctx context.Context, where Where, asJSON bool, out io.Writer) (err error) {
	rows, end, err := where.peek(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	r, ok := rows.(store.Shadows)
	if !ok {
		return errors.New("this data has no shadows")
	}
	of, err := r.Shadow(ctx)
	if ticket.IsKind(err, ticket.NotFound) {
		return errors.New("no candidate decides beside the pack in force: start a gateway with --shadow DIR")
	}
	if err != nil {
		return err
	}
	found, err := r.Shadowed(ctx, of.ID)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"candidate": of.Hash, "author": of.Author, "since": of.At, "decided": found.Decided, "moved": found.Moved, "flows": found.Flows})
	}
	candidate, err := storedPack(ctx, rows, of.Hash)
	if err != nil {
		return err
	}
	name := func(unit string) string {
		if unit == "" {
			return "待分拨"
		}
		return candidate.Ruleset.UnitName(unit)
	}
	fmt.Fprintf(out, "候选 %.12s（%s，自 %s）：已比对 %d 件，其中 %d 件会改派\n", of.Hash, of.Author, of.At.In(candidate.City.Location).Format("2006-01-02 15:04"), found.Decided, found.Moved)
	for n, f := range found.Flows {
		if n == shownFlows {
			fmt.Fprintf(out, "  … 还有 %d 种去向\n", len(found.Flows)-n)
			break
		}
		fmt.Fprintf(out, "  %6d  %s → %s（如 %s）\n", f.Count, name(f.Was), name(f.Would), f.Example)
	}
	fmt.Fprintf(out, "decided=%d moved=%d\n", found.Decided, found.Moved)
	return nil
}

// Promote puts the city's shadow in force, in a data folder that no gateway has open (a running one promotes by
// its API), or in a server. hash, which may be shortened, names the candidate that was looked at; empty is whichever
// there is.
func Promote(ctx context.Context, where Where, hash string, out io.Writer) (err error) {
	a, err := openStore(ctx, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	hash, err = a.Promote(ctx, hash, author(), "promote")
	if err == nil {
		fmt.Fprintf(out, "pack %s is in force\n", hash[:12])
	}
	return err
}

// Promote puts the city's shadow in force and ends it as a shadow, after checking that it is the one that was looked
// at, that it loads and fits the open tickets. It returns the pack's hash.
func (a *App) Promote(ctx context.Context, hash, author, note string) (string, error) {
	of, err := a.store.Shadow(ctx)
	if ticket.IsKind(err, ticket.NotFound) {
		return "", ticket.Errorf(ticket.NotFound, "pack.shadow.none", "没有正在试运行的候选包；用 serve --shadow 目录 启动一个")
	}
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(of.Hash, hash) {
		return "", ticket.Errorf(ticket.Conflict, "pack.shadow.other", "正在试运行的候选包是 %.12s，不是 %.12s；请先查看它的结论", of.Hash, hash)
	}
	c, _, err := a.loadStored(ctx, of.Hash)
	if err != nil {
		return "", fmt.Errorf("the candidate cannot come into force: %w", err)
	}
	kept, err := a.store.PackByHash(ctx, of.Hash)
	if err != nil {
		return "", err
	}
	kept.Author, kept.Note, kept.At = author, note, a.clock.Now()
	if err := a.store.PublishPack(ctx, kept); err != nil {
		return "", err
	}
	if a.live != nil {
		a.swap(c)
		if a.options.City != "" {
			a.log.WarnContext(ctx, "the folder of --city still holds the pack before: put the promoted one there, or the next start brings the old one back",
				slog.String("city", a.options.City), slog.String("promoted", of.Hash[:12]))
		}
	}
	return of.Hash, a.store.EndShadow(ctx)
}
