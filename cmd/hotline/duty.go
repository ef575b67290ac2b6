package main

import (
	"context"
	"os"

	"github.com/citizen-hotline/gateway/internal/app"
)

type dutyCmd struct {
	Who   whoCmd   `cmd:"" help:"Say who holds which post, and who does next."`
	Brief briefCmd `cmd:"" help:"Print the brief of a shift: what is late, due, paused, surging, and who holds it."`
}

// dutyFlags say where, when and whose.
type dutyFlags struct {
	whereFlags
	At   string `help:"When, in the city's time: 2026-07-13 20:00; now without it." placeholder:"TIME"`
	Post string `help:"Post, for example centre.duty."`
	JSON bool   `help:"Print JSON."`
}

type whoCmd struct{ dutyFlags }

// Run says who is on duty; a gateway may go on serving.
func (c *whoCmd) Run(ctx context.Context) error {
	return app.WhoIsOnDuty(ctx, c.where(), c.At, c.Post, c.JSON, os.Stdout)
}

type briefCmd struct{ dutyFlags }

// Run prints the brief; a gateway may go on serving.
func (c *briefCmd) Run(ctx context.Context) error {
	return app.ShiftBrief(ctx, c.where(), c.At, c.Post, c.JSON, os.Stdout)
}
