package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
)

type checkCmd struct {
	Pack string `arg:"" help:"Folder of the city pack." type:"existingdir"`
	JSON bool   `help:"Print JSON."`
}

// Run exits with 1 when the pack does not pass.
func (c *checkCmd) Run() error { return quiet(app.Check(c.Pack, c.JSON, os.Stdout)) }

// quiet turns a failed check, which has been printed, into its exit code.
func quiet(err error) error {
	if errors.Is(err, app.ErrChecks) {
		return exitCode(1)
	}
	return err
}

type rulesCmd struct {
	Explain  explainCmd  `cmd:"" help:"Say who would own a request, and why; or why a ticket landed where it did."`
	Lint     lintCmd     `cmd:"" help:"Look for rules that do nothing, places and matters nobody owns, words that repeat others."`
	Test     testCmd     `cmd:"" help:"Run the pack's tests, and name the rules that none of them touches."`
	Replay   replayCmd   `cmd:"" help:"Ask a candidate about recorded requests, and say what would move."`
	Suggest  suggestCmd  `cmd:"" help:"List the rules and catalogue rows whose tickets come back, and propose tests."`
	Shadow   shadowCmd   `cmd:"" help:"Say what the candidate of serve --shadow would have decided otherwise."`
	Promote  promoteCmd  `cmd:"" help:"Put the candidate of serve --shadow in force."`
	History  historyCmd  `cmd:"" help:"List the packs that were in force."`
	Rollback rollbackCmd `cmd:"" help:"Bring an earlier pack back into force."`
}

type explainCmd struct {
	whereFlags
	City     string  `help:"Folder of the city pack." env:"HOTLINE_CITY" placeholder:"DIR"`
	Number   string  `help:"Explain this ticket instead of a made-up request."`
	Text     string  `arg:"" optional:"" help:"What the citizen says."`
	Address  string  `help:"Where, in words."`
	Channel  string  `help:"Channel it comes by."`
	Category string  `help:"Category id the channel hints at."`
	Region   string  `help:"Region id the channel hints at."`
	Type     string  `help:"Request type: consult, help, complaint, report, suggest, praise, other."`
	At       string  `help:"When, in the city's time: 2026-07-13 08:37."`
	Lng      float64 `help:"Longitude."`
	Lat      float64 `help:"Latitude."`
	Datum    string  `help:"Coordinate system: wgs84, gcj02 or bd09."`
	JSON     bool    `help:"Print JSON."`
}

// Run explains a ticket or a made-up request.
func (c *explainCmd) Run(ctx context.Context) error {
	switch {
	case c.Number != "":
		return app.ExplainTicket(ctx, c.where(), c.Number, c.JSON, os.Stdout)
	case c.City == "" || c.Text == "":
		return errors.New("give --city DIR and a text, or --number of a ticket")
	}
	if c.Datum == "" && (c.Lng != 0 || c.Lat != 0) {
		c.Datum = "wgs84"
	}
	return app.Explain(c.City, app.Question{
		Text: c.Text, Address: c.Address, Channel: c.Channel, Category: c.Category, Region: c.Region,
		Type: c.Type, At: c.At, Lng: c.Lng, Lat: c.Lat, Datum: c.Datum,
	}, c.JSON, os.Stdout)
}

type replayCmd struct {
	whereFlags
	Candidate string `help:"Folder of the pack that might come into force." required:"" type:"existingdir" placeholder:"DIR"`
	City      string `help:"Folder of the pack to compare with; the active one of the data folder without it." placeholder:"DIR"`
	Since     string `help:"How far back: 30d, 12h; all requests without it." placeholder:"30d" xor:"what"`
	File      string `help:"Requests of a CSV or XLSX file, as for import, instead of the recorded ones." type:"existingfile" xor:"what"`
	FailOver  string `help:"Exit with 1 when more would move: 2%." placeholder:"2%"`
	JSON      bool   `help:"Print JSON."`
}

// Help says what is compared.
func (c *replayCmd) Help() string {
	return `Each request is decided by the pack in force, from what was seen when it came, and by the candidate, which finds place
and category for itself unless the channel named them. A gateway may go on serving.`
}

// Run replays. It exits with 1 when more would move than --fail-over allows.
func (c *replayCmd) Run(ctx context.Context) error {
	back, err := since(c.Since)
	if err != nil {
		return err
	}
	o := app.ReplayOptions{Candidate: c.Candidate, City: c.City, File: c.File, Since: back, FailOver: -1, JSON: c.JSON}
	if c.FailOver != "" {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(c.FailOver, "%"), 64)
		if err != nil || percent < 0 || percent > 100 || !strings.HasSuffix(c.FailOver, "%") {
			return fmt.Errorf("--fail-over %q: write a share of the requests, 2%%", c.FailOver)
		}
		o.FailOver = percent / 100
	}
	return quiet(app.Replay(ctx, c.where(), o, app.Report{Out: os.Stdout, Progress: terminal(os.Stderr)}))
}

// since reads how far back --since looks: days or a Go duration, up to a hundred years, beyond which a duration in nanoseconds would
// soon wrap into the future; 0, all there is, without it.
func since(s string) (time.Duration, error) {
	const day, most = 24 * time.Hour, 100 * 365
	if s == "" {
		return 0, nil
	}
	if n, ok := strings.CutSuffix(s, "d"); ok {
		if d, err := strconv.Atoi(n); err == nil && d > 0 && d <= most {
			return time.Duration(d) * day, nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d > 0 && d <= most*day {
		return d, nil
	}
	return 0, fmt.Errorf("--since %q: write 30d or 12h, up to %dd", s, most)
}

type shadowCmd struct {
	whereFlags
	JSON bool `help:"Print JSON."`
}

// Run shows what the shadow found; a gateway may go on serving.
func (c *shadowCmd) Run(ctx context.Context) error {
	return app.ShowShadow(ctx, c.where(), c.JSON, os.Stdout)
}

type promoteCmd struct {
	whereFlags
	Hash string `arg:"" optional:"" help:"The candidate that was looked at, as rules shadow shows it; whichever there is without it."`
}

// Run promotes. The data folder must not be in use: a running gateway promotes by its API.
func (c *promoteCmd) Run(ctx context.Context) error {
	return app.Promote(ctx, c.where(), c.Hash, os.Stdout)
}

type suggestCmd struct {
	whereFlags
	Since string `help:"How far back: 90d; all tickets without it." placeholder:"90d"`
	Cases string `help:"Write a test for each ticket that came back into this new file, to be reviewed." placeholder:"FILE"`
	JSON  bool   `help:"Print JSON."`
}

// Run lists what comes back; a gateway may go on serving.
func (c *suggestCmd) Run(ctx context.Context) error {
	back, err := since(c.Since)
	if err != nil {
		return err
	}
	return app.Suggest(ctx, c.where(), back, c.Cases, c.JSON, os.Stdout)
}

type unitsCmd struct {
	Move moveCmd `cmd:"" help:"Hand the open work of a unit over to another, as it stands."`
}

type moveCmd struct {
	whereFlags
	From   string `arg:"" help:"Unit that holds the work."`
	To     string `arg:"" help:"Unit that takes it over."`
	Reason string `help:"Reason code of the pack, for move." default:"reorganised"`
	DryRun bool   `help:"Only say what would be moved."`
}

// Help says what goes over.
func (c *moveCmd) Help() string {
	return `For merged or renamed offices. Each open ticket gets an event of its own; signed work stays signed, and clocks run on. Work of
units below stays there: move them by themselves. With a file the gateway must be stopped; one that runs takes
POST /api/v1/tickets/bulk/move?unit=FROM. It may be broken off and run again.`
}

// Run moves. It exits with 1 when some could not be moved.
func (c *moveCmd) Run(ctx context.Context) error {
	return quiet(app.MoveUnit(ctx, c.where(), c.From, c.To, c.Reason, c.DryRun, os.Stdout))
}

type lintCmd struct {
	Pack   string `arg:"" help:"Folder of the city pack." type:"existingdir"`
	Strict bool   `help:"Exit with 1 when there is anything to say."`
	JSON   bool   `help:"Print JSON."`
}

// Run looks the pack over.
func (c *lintCmd) Run() error { return quiet(app.Lint(c.Pack, c.Strict, c.JSON, os.Stdout)) }

type testCmd struct {
	Pack string `arg:"" help:"Folder of the city pack." type:"existingdir"`
	JSON bool   `help:"Print JSON."`
}

// Run exits with 1 when a test fails.
func (c *testCmd) Run() error { return quiet(app.TestRules(c.Pack, c.JSON, os.Stdout)) }

type historyCmd struct {
	whereFlags
	JSON bool `help:"Print JSON."`
}

// Run lists the packs.
func (c *historyCmd) Run(ctx context.Context) error {
	return app.History(ctx, c.where(), c.JSON, os.Stdout)
}

type rollbackCmd struct {
	whereFlags
	Hash string `arg:"" optional:"" help:"Pack to bring back; without it the one before the active."`
}

// Run rolls back. The data folder must not be in use: a running gateway rolls back by its API.
func (c *rollbackCmd) Run(ctx context.Context) error {
	return app.Rollback(ctx, c.where(), c.Hash, os.Stdout)
}

type slaCmd struct {
	Explain clocksCmd  `cmd:"" help:"Say of each clock of a ticket how its deadline came about."`
	Preview previewCmd `cmd:"" help:"Say what changed policies would do to the deadlines of open tickets."`
}

type previewCmd struct {
	whereFlags
	City     string `help:"Folder of the pack whose policies might come into force." required:"" type:"existingdir" env:"HOTLINE_CITY" placeholder:"DIR"`
	Examples int    `help:"How many tickets to name." default:"20"`
	Strict   bool   `help:"Exit with 1 when open deadlines change because a version was edited in place."`
	JSON     bool   `help:"Print JSON."`
}

// Help says what is compared.
func (c *previewCmd) Help() string {
	return `Compares all open tickets under the pack in force with the pack of a folder, and says two things apart: what changes at
once, because a policy version was edited in place or the calendar is another; and what would become of open tickets under the
newest version of their policy, for the decision. They stay with the version they were registered under. A gateway may go on serving.`
}

// Run compares. It exits with 1 when --strict finds what it looks for.
func (c *previewCmd) Run(ctx context.Context) error {
	if c.Examples < 0 {
		return fmt.Errorf("--examples %d: must be 0 or more", c.Examples)
	}
	o := app.PreviewOptions{City: c.City, Examples: c.Examples, Strict: c.Strict, JSON: c.JSON}
	return quiet(app.PreviewPolicies(ctx, c.where(), o, app.Report{Out: os.Stdout, Progress: terminal(os.Stderr)}))
}

type clocksCmd struct {
	whereFlags
	Number string `arg:"" help:"Number of the ticket."`
	JSON   bool   `help:"Print JSON."`
}

// Run explains the clocks; a gateway may go on serving.
func (c *clocksCmd) Run(ctx context.Context) error {
	return app.ExplainClocks(ctx, c.where(), strings.ToUpper(c.Number), c.JSON, os.Stdout)
}
