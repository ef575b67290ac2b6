package main

import (
	"context"
	"fmt"
	"os"

	"github.com/citizen-hotline/gateway/internal/app"
)

// whereFlags say where a city's data is.
type whereFlags struct {
	Data  string `help:"Folder of keys, attachments and, without --store, the database." env:"HOTLINE_DATA" default:"./data" placeholder:"DIR"`
	Store string `help:"PostgreSQL database instead of a file in the folder: postgres://user@host:5432/database. Give the password by PGPASSFILE, PGPASSWORD or HOTLINE_STORE, not on the command line." env:"HOTLINE_STORE" placeholder:"URL"`
}

func (f whereFlags) where() app.Where { return app.Where{Data: f.Data, Store: f.Store} }

type initCmd struct {
	whereFlags
	Login string `help:"Login of the first administrator." default:"admin"`
}

// Run makes keys and the first administrator.
func (c *initCmd) Run(ctx context.Context) error {
	return app.Initialise(ctx, c.where(), c.Login, os.Stdout)
}

type verifyCmd struct{ whereFlags }

// Run checks every ticket's chain.
func (c *verifyCmd) Run(ctx context.Context) error { return app.Verify(ctx, c.where(), os.Stdout) }

type healthCmd struct {
	URL    string `help:"Address of the gateway; without it the one of --listen." env:"HOTLINE_HEALTH_URL" placeholder:"URL"`
	Listen string `help:"Address the gateway listens on." env:"HOTLINE_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
}

// Run exits with 0 when the gateway is ready, with 1 and the reason when it is not.
func (c *healthCmd) Run(ctx context.Context) error {
	if err := app.Health(ctx, c.URL, c.Listen); err != nil {
		return err
	}
	fmt.Println("ready")
	return nil
}

type adaptersCmd struct {
	List listCmd `cmd:"" help:"List the adapters of this build, with settings and powers."`
	Try  tryCmd  `cmd:"" help:"Read a recorded HTTP request as a channel of the pack would, and print what it makes of it."`
}

type listCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run lists adapters.
func (c *listCmd) Run() error { return app.ListAdapters(c.JSON, os.Stdout) }

type tryCmd struct {
	City       string `help:"Folder of the city pack." env:"HOTLINE_CITY" required:"" placeholder:"DIR"`
	Channel    string `arg:"" help:"Channel of the pack."`
	Request    string `arg:"" help:"File with the HTTP request: request line, headers, a blank line, body." type:"existingfile"`
	At         string `help:"When it is taken to arrive (RFC 3339); now without it."`
	Unverified bool   `help:"Skip the signature: for requests recorded with secrets you do not have."`
}

// Run tries one request; nothing is stored or sent.
func (c *tryCmd) Run() error {
	return app.TryAdapter(c.City, c.Channel, c.Request, c.At, c.Unverified, os.Stdout)
}
