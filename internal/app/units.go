package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/ticket"
)

// MoveUnit hands the open work of a unit over to another as it stands, each ticket with an event of its own. With
// dry nothing is done. The reason is a code of the pack for moves. Of a file the gateway must be stopped; one
// that runs does it by its API.
func MoveUnit(ctx context.Context, where Where, from, to, reason string, dry bool, out io.Writer) (err error) {
	a, err := openStore(ctx, where)
	if err != nil {
		return fmt.Errorf("%w (a gateway that is running takes POST /api/v1/tickets/bulk/move?unit=%s)", err, from)
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	c, err := a.firstCity(ctx)
	if err != nil {
		return err
	}
	for _, unit := range []string{from, to} {
		if _, known := c.Rules.Unit(unit); !known {
			return fmt.Errorf("the pack in force has no unit %q", unit)
		}
	}
	a.live = city.NewLive(c)
	d := desk.New(desk.Options{Store: a.store, Live: a.live, Now: a.clock.Now, Random: rand.Reader, Log: a.log, Committed: func(bool) {}})
	officer := desk.Viewer{Login: author(), Kind: ticket.ActorUser, Roles: []string{"duty"}}
	cmd := ticket.Command{Action: ticket.Move, Cause: ticket.Cause{Reason: reason}, Details: ticket.Details{Unit: to}}
	query := desk.Query{
		Unit: from, States: []ticket.State{ticket.StateDispatched, ticket.StateHandling, ticket.StatePaused}, Historic: true, Limit: 200,
	}
	moved, left := 0, 0
	for {
		page, err := d.ActOnAll(ctx, officer, query, cmd, dry)
		for _, item := range page.Items {
			switch {
			case item.OK:
				moved++
			case item.Code == "bulk.share": // a unit below holds it
			default:
				left++
				fmt.Fprintf(out, "%s: %s\n", item.Number, item.Reason)
			}
		}
		if err != nil {
			return fmt.Errorf("%w; %d are moved, run it again to go on", err, moved)
		}
		if query.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	fmt.Fprintf(out, "%s %s -> %s: %s=%d left=%d\n", c.UnitTitle(from), from, to, map[bool]string{true: "would_move", false: "moved"}[dry], moved, left)
	if left > 0 {
		return ErrChecks
	}
	return nil
}
