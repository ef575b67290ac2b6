package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// publish makes the pack in a folder the active one, if it is not already. Everything that can
// fail is done before: a pack that does not load, does not build or does not fit the open tickets
// never replaces a good one.
func (a *App) publish(ctx context.Context, dir, author, note string) (*city.City, error) {
	p, err := config.LoadDir(dir, a.adapterNames()...)
	if err != nil {
		return nil, err
	}
	c, err := a.prepare(ctx, p)
	if err != nil {
		return nil, err
	}
	active, err := a.store.ActivePack(ctx)
	if err != nil && !ticket.IsKind(err, ticket.NotFound) {
		return nil, err
	}
	if active.Hash == p.Hash {
		return c, nil
	}
	archive, err := config.Archive(p)
	if err != nil {
		return nil, err
	}
	if active.Hash != "" {
		a.warnEdited(ctx, p, active.Hash)
	}
	return c, a.store.PublishPack(ctx, store.Pack{Hash: p.Hash, Author: author, Note: note, At: a.clock.Now(), Archive: archive})
}

// warnEdited says which policies were changed without a new number: open tickets that are pinned to them are judged by
// the new terms from now on. The pack is taken all the same; a slip of the pen must be mendable.
func (a *App) warnEdited(ctx context.Context, p *config.Pack, before string) {
	old, err := storedPack(ctx, a.store, before)
	if err != nil {
		return // what was in force cannot be read any more; the new pack can
	}
	if keys := p.PolicySet.Edited(old.PolicySet); len(keys) > 0 {
		a.log.WarnContext(ctx, "policies were changed without a new version: deadlines of open tickets move; see hotline sla preview",
			slog.Any("policies", keys))
	}
}

// prepare builds the city of a pack and checks that it fits the tickets that are open.
func (a *App) prepare(ctx context.Context, p *config.Pack) (*city.City, error) {
	open, err := a.store.OpenUnits(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.Fits(open); err != nil {
		return nil, err
	}
	if err := p.Holds(a.clock.Now()); err != nil {
		return nil, err
	}
	return buildCity(p, a.lend)
}

// loadStored makes a city of a pack kept in the store.
func (a *App) loadStored(ctx context.Context, hash string) (*city.City, *config.Pack, error) {
	kept, err := a.store.PackByHash(ctx, hash)
	if err != nil {
		return nil, nil, err
	}
	files, err := config.FromArchive(kept.Archive)
	if err != nil {
		return nil, nil, err
	}
	p, err := config.Load(files, a.adapterNames()...)
	if err != nil {
		return nil, nil, err
	}
	c, err := a.prepare(ctx, p)
	return c, p, err
}

// firstCity is the city the gateway starts with: the folder named, else the active pack.
func (a *App) firstCity(ctx context.Context) (*city.City, error) {
	if a.options.City != "" {
		return a.publish(ctx, a.options.City, author(), "serve --city "+a.options.City)
	}
	active, err := a.store.ActivePack(ctx)
	if ticket.IsKind(err, ticket.NotFound) {
		return nil, errors.New("no city pack was published yet: start once with --city DIR")
	}
	if err != nil {
		return nil, err
	}
	c, _, err := a.loadStored(ctx, active.Hash)
	return c, err
}

// Reload publishes the folder the gateway was started with, if it changed, and swaps it in.
// On an error the pack in force stays.
func (a *App) Reload(ctx context.Context) error {
	if a.options.City == "" {
		return a.follow(ctx)
	}
	c, err := a.publish(ctx, a.options.City, author(), "reload")
	if err != nil {
		return fmt.Errorf("the pack in force stays: %w", err)
	}
	a.swap(c)
	return nil
}

// follow takes up the active pack of the store when another replica, or a roll-back, changed it.
func (a *App) follow(ctx context.Context) error {
	active, err := a.store.ActivePack(ctx)
	if err != nil || active.Hash == a.live.Get().Hash {
		return err
	}
	c, _, err := a.loadStored(ctx, active.Hash)
	if err != nil {
		return fmt.Errorf("pack %s is active but does not load here; the pack in force stays: %w", active.Hash, err)
	}
	a.swap(c)
	return nil
}

func (a *App) swap(c *city.City) {
	if c.Hash != a.live.Get().Hash {
		a.live.Set(c)
		a.log.Info("city pack in force", slog.String("city", c.ID), slog.String("pack", c.Hash))
	}
}

func (a *App) adapterNames() []string {
	var names []string
	for _, s := range a.lend.registry.Specs() {
		names = append(names, s.Name)
	}
	return names
}

func author() string {
	if u := os.Getenv("USER"); u != "" {
		return u
	}
	return "hotline"
}

// Rollback brings an earlier pack back into force in a running gateway.
func (a *App) Rollback(ctx context.Context, hash, author, note string) error {
	if _, err := a.bringBack(ctx, hash, author, note); err != nil {
		return err
	}
	return a.follow(ctx)
}
