// Command hotline is the citizen-hotline gateway: one binary, many verbs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the city's zone must not depend on the machine

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// commands are the verbs. Flags may also be given by the environment.
type commands struct {
	Serve     serveCmd     `cmd:"" help:"Run the gateway."`
	Demo      demoCmd      `cmd:"" help:"Send a storm day to a running demo gateway, through its real channels."`
	Init      initCmd      `cmd:"" help:"Make the keys and the first administrator of a new city."`
	Check     checkCmd     `cmd:"" help:"Check a city pack: every error with file and line, then its own tests."`
	Units     unitsCmd     `cmd:"" help:"Hand the work of units over."`
	Rules     rulesCmd     `cmd:"" help:"Explain routing, list published packs, roll back."`
	Calendar  calendarCmd  `cmd:"" help:"Show a city's calendar, work out deadlines by it, take holiday notices."`
	SLA       slaCmd       `cmd:"" name:"sla" help:"Explain the deadlines of tickets."`
	Duty      dutyCmd      `cmd:"" help:"Say who is on duty, and what whoever takes over must know."`
	Import    importCmd    `cmd:"" help:"Import old tickets from CSV or XLSX."`
	Classify  classifyCmd  `cmd:"" help:"Train the classifier that names categories, judge it, try it."`
	Adapters  adaptersCmd  `cmd:"" help:"List channels' adapters, or try one on a recorded request."`
	Backup    backupCmd    `cmd:"" help:"Write a city's data into a folder, while it is served."`
	Restore   restoreCmd   `cmd:"" help:"Make a city of a backup."`
	Migrate   migrateCmd   `cmd:"" help:"Move a city to another database: SQLite to PostgreSQL, or back."`
	Rekey     rekeyCmd     `cmd:"" help:"Make a new key and seal all personal data with it."`
	Retention retentionCmd `cmd:"" help:"End what has been kept as long as the pack says."`
	Verify    verifyCmd    `cmd:"" help:"Check the chain of events of every ticket."`
	Health    healthCmd    `cmd:"" help:"Ask a running gateway whether it can take deliveries."`

	Version kong.VersionFlag `help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var code exitCode
	switch {
	case errors.As(err, &code):
		os.Exit(int(code))
	case err != nil:
		fmt.Fprintln(os.Stderr, "hotline:", err)
		os.Exit(1)
	}
}

// exitCode ends the program with a code and no further words: they have been printed.
type exitCode int //nolint:errname // it is a code that travels as an error, not an error

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

func run(ctx context.Context, args []string) error {
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("hotline"),
		kong.Description("One ticket format, one owner, every deadline: the gateway of a city's hotlines."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": version},
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}
