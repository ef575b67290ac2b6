package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/importer"
)

// ImportOptions tell what is imported, and where to. To and Data exclude each other; To wins.
type ImportOptions struct {
	Where    // which no gateway may be using meanwhile, unless it is a server
	File     string
	Sheet    string // of a workbook; empty: the first that is visible
	Source   string // the system the old numbers are of
	Channel  string // of the pack; a form channel with historic set
	City     string // folder of a pack to publish first; empty: the active pack of the data folder
	To       string // address of a running gateway
	Token    string // secret of the channel, for To
	Rejected string // file for rows that are not taken; empty: FILE.rejected.csv
	JSON     bool   // the last line as JSON
	Out      io.Writer
	Err      io.Writer
	Progress io.Writer // a terminal for the progress bar; nil: none
	Log      io.Writer // what the store and intake have to say; nil: nothing
}

// ErrRejected says that some rows were not taken; they have been listed.
var ErrRejected = errors.New("import: some rows were rejected")

// sourceName is what the name of an old system may be: it begins the key of its rows.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// rejectedShown is how many rejected rows are told on the terminal; all are in the file.
const rejectedShown = 20

// Import hands the rows of a file to the channel for archives, through the same door as live reports.
// The last line of Out counts what became of them. ErrRejected means that all others were taken.
func Import(ctx context.Context, o ImportOptions) (err error) {
	if !sourceName.MatchString(o.Source) {
		return fmt.Errorf("--source %q: letters, digits, dot, dash and underscore, at most 40", o.Source)
	}
	table, err := importer.Open(o.File, o.Sheet)
	if err != nil {
		return err
	}
	defer table.Close() //nolint:errcheck // it was only read
	door, closeDoor, err := o.door(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDoor()) }()
	return o.run(ctx, table, door)
}

func (o *ImportOptions) run(ctx context.Context, table *importer.Table, door importer.Door) error {
	path := o.Rejected
	if path == "" {
		path = o.File + ".rejected.csv"
	}
	file, told := importer.NewRejections(path, table.Header()), []string{}
	bar, err := o.bar()
	if err != nil {
		return err
	}
	start := time.Now()
	summary, err := importer.Run(ctx, table, importer.Options{
		Source: o.Source, Door: door, Wait: pause, Done: func() { _ = bar.Add(1) }, // a bar that cannot be drawn harms nobody
		Reject: func(row importer.Row, p importer.Problem) error {
			if len(told) < rejectedShown {
				told = append(told, fmt.Sprintf("line %d: %s", row.Line, p.String()))
			}
			return file.Write(row, p)
		},
	})
	_ = bar.Exit()
	kept, closeErr := file.Close()
	err = errors.Join(err, closeErr)

	for _, line := range told {
		fmt.Fprintln(o.Err, line)
	}
	if kept != "" {
		fmt.Fprintf(o.Err, "%d rejected rows are in %s: mend them there and import that file\n", summary.Rejected, kept)
	}
	o.report(summary, time.Since(start), kept)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("import stopped; run it again to go on from here")
	case err != nil:
		return err
	case summary.Rejected > 0:
		return ErrRejected
	}
	return nil
}

// report prints the last line.
func (o *ImportOptions) report(s importer.Summary, took time.Duration, kept string) {
	if o.JSON {
		_ = json.NewEncoder(o.Out).Encode(struct { //nolint:errchkjson // numbers and a path
			importer.Summary
			Seconds float64 `json:"seconds"`
			File    string  `json:"rejected_file,omitempty"`
		}{s, took.Round(time.Millisecond).Seconds(), kept})
		return
	}
	fmt.Fprintf(o.Err, "%d rows in %s\n", s.Imported+s.Skipped+s.Rejected, took.Round(10*time.Millisecond))
	fmt.Fprintln(o.Out, s)
}

// bar draws how far the import has come. It reads the file once more, to know where the end is.
func (o *ImportOptions) bar() (*progressbar.ProgressBar, error) {
	if o.Progress == nil {
		return progressbar.DefaultSilent(1), nil // of unknown length it would spin in a goroutine of its own
	}
	rows, err := importer.Count(o.File, o.Sheet)
	if err != nil {
		return nil, err
	}
	return progressbar.NewOptions(rows, progressbar.OptionSetWriter(o.Progress), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("rows"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish()), nil
}

// pause waits in the world's time.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// door opens the way in: over the network, or into the data folder.
func (o *ImportOptions) door(ctx context.Context) (importer.Door, func() error, error) {
	if o.To != "" {
		h, err := importer.NewHTTP(o.To, o.Channel, o.token())
		if err != nil {
			return nil, nil, err
		}
		return h, func() error { h.Close(); return nil }, nil
	}
	a, err := openForImport(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	ch, err := a.archive(o.Channel)
	if err != nil {
		return nil, nil, errors.Join(err, a.Close())
	}
	end := func() error {
		if a.clock.start.IsZero() {
			return a.Close()
		}
		return errors.Join(saveDemo(o.Data, a.clock), a.Close())
	}
	return &folder{app: a, channel: ch}, end, nil
}

// token is the channel's secret. A demo on this machine has one that everybody knows.
func (o *ImportOptions) token() string {
	if o.Token != "" {
		return o.Token
	}
	u, err := url.Parse(o.To)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		return config.DemoSecret("env:HOTLINE_IMPORT_SECRET")
	}
	return ""
}

// openForImport opens a data folder, its city and its intake: nothing that serves, sends or watches.
func openForImport(ctx context.Context, o *ImportOptions) (_ *App, err error) {
	if _, err := os.Stat(filepath.Join(o.Data, "keys.json")); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no keys: make a data folder with `hotline init --data %s`, or send the rows to a gateway with --to URL", o.Data, o.Data)
	}
	a, err := openStore(ctx, o.Where)
	if err != nil {
		return nil, fmt.Errorf("%w (a gateway that is running takes rows with --to URL)", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.log, err = newLog(Options{Log: o.Log, LogLevel: "warn"}); err != nil {
		return nil, err
	}
	at, err := resumeDemo(o.Data, time.Time{})
	if err != nil {
		return nil, err
	}
	a.clock = demoClock(at, 1) // the world's time, unless the folder is a demo's
	a.options.City, a.lend.now = o.City, a.clock.Now
	c, err := a.firstCity(ctx)
	if err != nil {
		return nil, err
	}
	a.live = city.NewLive(c)
	a.intake = intake.New(intake.Options{Store: a.store, Live: a.live, Now: a.clock.Now, Random: rand.Reader, Log: a.log})
	return a, nil
}

// archive is the channel for old tickets. Any other would tell people about them.
func (a *App) archive(id string) (*city.Channel, error) {
	c := a.live.Get()
	ch, ok := c.Channels[id]
	if !ok {
		return nil, fmt.Errorf("pack %s has no channel %q: add one with adapter form and historic: true", c.ID, id)
	}
	requests, err := ch.Adapter.Normalize(inbound(id, []byte(`{"clientReportId":"probe","description":"probe","reporter":{"type":"citizen"}}`), a.clock.Now()))
	if err != nil || len(requests) != 1 || !requests[0].Historic {
		return nil, fmt.Errorf("channel %s of pack %s is not for archives: set adapter form with reporters [citizen] and historic: true", id, c.ID)
	}
	return ch, nil
}

// inbound is a row as if it had been posted. Whoever can open the data folder needs no token.
func inbound(channel string, body []byte, at time.Time) adapters.Inbound {
	return adapters.Inbound{
		Channel: channel, Method: http.MethodPost, Path: "/", Header: http.Header{"Content-Type": {"application/json"}},
		Body: body, RemoteIP: netip.IPv6Loopback(), ReceivedAt: at,
	}
}

// folder is the door of a data folder.
type folder struct {
	app     *App
	channel *city.Channel
}

// Take registers one report.
func (f *folder) Take(ctx context.Context, r importer.Report) (importer.Answer, error) {
	in := inbound(f.channel.ID, r.Body, f.app.clock.Now())
	out := f.app.intake.Deliver(ctx, f.channel, in, in)
	switch out.Result {
	case adapters.Accepted:
		return importer.Answer{Result: importer.Imported}, nil
	case adapters.Repeated:
		return importer.Answer{Result: importer.Skipped}, nil
	case adapters.Unavailable:
		return importer.Answer{Result: importer.Busy, Text: out.Code, RetryAfter: out.RetryAfter}, nil
	case adapters.Rejected:
		return importer.Answer{Result: importer.Rejected, Text: out.Text, Fields: out.Errors}, nil
	case adapters.Conflicting:
		return importer.Answer{Result: importer.Rejected, Text: importer.Conflict}, nil
	default:
		return importer.Answer{Result: importer.Rejected, Text: "未成为工单：" + string(out.Result)}, nil
	}
}
