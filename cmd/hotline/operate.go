package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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

type backupCmd struct {
	whereFlags
	To string `arg:"" help:"Folder of the backup; made when it is not there, and empty when it is." type:"path"`
}

// Help says what is in it.
func (c *backupCmd) Help() string {
	return `Gateways go on serving meanwhile. The folder holds the database as one file, whatever the engine, the attachments,
and manifest.json, written last. The keys are not in it: keep keys.json in two other places.`
}

// Run writes a backup.
func (c *backupCmd) Run(ctx context.Context) error {
	return app.Backup(ctx, c.where(), c.To, app.Report{Out: os.Stdout, Progress: terminal(os.Stderr)})
}

type restoreCmd struct {
	whereFlags
	From string `arg:"" help:"Folder of the backup." type:"existingdir"`
}

// Help says what must be there.
func (c *restoreCmd) Help() string {
	return `The data folder must have the city's keys.json and no database; with --store the database must be empty. A restore into a
server that was broken off goes on when it is run again. At the end every ticket is verified.`
}

// Run restores a backup.
func (c *restoreCmd) Run(ctx context.Context) error {
	return app.Restore(ctx, c.From, c.where(), app.Report{Out: os.Stdout, Progress: terminal(os.Stderr)})
}

type rekeyCmd struct {
	whereFlags
	Prepare bool `help:"Only make the key, to copy keys.json to the other gateways before it seals anything." xor:"step"`
	Destroy bool `help:"Destroy the older keys when nothing is sealed with them: what they sealed cannot be read in old backups any more." xor:"step"`
}

// Help says how it is done with several gateways.
func (c *rekeyCmd) Help() string {
	return `A gateway may go on serving. With --store, where several gateways may serve: run it with --prepare, copy keys.json to all of
them and wait a few seconds, then run it without: all of them take the new key into use. A change of keys that was broken off
goes on with the same key. Keep the old keys as long as backups need them. With --destroy no backup made before can be
read any more, nor what had ended in it: make a new one at once, and copy keys.json over its older copies.`
}

// Run rotates the key.
func (c *rekeyCmd) Run(ctx context.Context) error {
	return app.Rekey(ctx, c.where(), app.RekeyOptions{Prepare: c.Prepare, Destroy: c.Destroy}, app.Report{Out: os.Stdout, Progress: terminal(os.Stderr)})
}

type retentionCmd struct {
	whereFlags
	DryRun bool      `help:"Only count."`
	At     time.Time `help:"Count as if it were that day; with --dry-run." format:"2006-01-02" placeholder:"2036-01-01"`
}

// Help says what ends, and what does not.
func (c *retentionCmd) Help() string {
	return `How long each class of data is kept stands in the city's pack (retention). Personal data of tickets ends so many days after
their work ended, by an event of its own; histories, chains and statistics stay. Held tickets keep everything. With a file
the gateway must be stopped, unless for --dry-run; or start it with --retention 03:30. What is ended can still be read in
backups: see rekey --destroy.`
}

// Run ends what has been kept long enough.
func (c *retentionCmd) Run(ctx context.Context) error {
	return app.Retention(ctx, c.where(), app.RetentionOptions{DryRun: c.DryRun, At: c.At}, app.Report{Out: os.Stdout})
}

type migrateCmd struct {
	From string `help:"Where the city is: sqlite:FOLDER or postgres://…" required:"" env:"HOTLINE_MIGRATE_FROM" placeholder:"DATABASE"`
	To   string `help:"Where it shall be; empty as yet." required:"" env:"HOTLINE_MIGRATE_TO" placeholder:"DATABASE"`
	Data string `help:"Folder of the city's keys." env:"HOTLINE_DATA" default:"./data" placeholder:"DIR"`
}

// Help says what happens to both.
func (c *migrateCmd) Help() string {
	return `Stop the gateways first. Every row is copied as it is, compared, and every ticket verified; the source is not changed.
What was broken off goes on when it is run again. Attachments and keys stay in the data folder.`
}

// Run moves a city.
func (c *migrateCmd) Run(ctx context.Context) error {
	from, err := c.database("--from", c.From)
	if err != nil {
		return err
	}
	to, err := c.database("--to", c.To)
	if err != nil {
		return err
	}
	return app.Migrate(ctx, from, to, app.Report{Out: os.Stdout, Progress: terminal(os.Stderr)})
}

// database reads an address. The keys are those of --data, wherever the database is.
func (c *migrateCmd) database(flag, address string) (app.Where, error) {
	if folder, ok := strings.CutPrefix(address, "sqlite:"); ok && folder != "" {
		return app.Where{Data: c.Data, File: filepath.Join(folder, "hotline.db")}, nil
	}
	if strings.HasPrefix(address, "postgres") {
		return app.Where{Data: c.Data, Store: address}, nil
	}
	return app.Where{}, fmt.Errorf("%s: write sqlite:FOLDER or postgres://user@host:5432/database", flag)
}
