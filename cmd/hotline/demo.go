package main

import (
	"context"
	"os"

	"github.com/citizen-hotline/gateway/internal/app"
)

type demoCmd struct {
	To   string `help:"Address of a gateway started with --demo." env:"HOTLINE_DEMO_TO" default:"http://127.0.0.1:8080" placeholder:"URL"`
	City string `help:"Folder of the city pack the gateway runs." env:"HOTLINE_CITY" default:"config/cities/linyi" placeholder:"DIR"`
	JSON bool   `help:"Print only the table, as JSON."`
}

// Run sends the storm day. It exits with 1 when anything was lost or is not as it must be.
func (c *demoCmd) Run(ctx context.Context) error {
	return quiet(app.Demo(ctx, c.To, c.City, c.JSON, os.Stdout))
}
