package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/importer"
	"github.com/citizen-hotline/gateway/internal/replay"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

// ReplayOptions say which requests are asked about, and of which packs.
type ReplayOptions struct {
	Candidate string        // folder of the pack that might come into force
	City      string        // folder of the pack to compare with; empty: the active one of the data
	Since     time.Duration // of the recorded requests; 0: all
	File      string        // CSV or XLSX with requests instead of the recorded ones
	FailOver  float64       // share of moved requests, 0 … 1, above which it is ErrChecks; negative: never
	JSON      bool
}

// Replay asks the pack in force and a candidate about recorded requests, and says what would move. A gateway
// may go on serving. It is ErrChecks when more would move than FailOver allows.
func Replay(ctx context.Context, where Where, o ReplayOptions, report Report) (err error) {
	candidate, err := LoadPack(o.Candidate)
	if err != nil {
		return fmt.Errorf("--candidate: %w", err)
	}
	var rows recorded
	if o.File == "" || o.City == "" {
		var end func() error
		if rows, end, err = where.peek(ctx); err != nil {
			return err
		}
		defer closing(&err, end)
	}
	var pack *config.Pack
	if o.City != "" {
		pack, err = LoadPack(o.City)
	} else {
		pack, err = activePack(ctx, rows)
	}
	if err != nil {
		return err
	}
	c := replay.New(pack, candidate)
	if o.File != "" {
		err = replayFile(ctx, c, pack.City.Location, o.File, report)
	} else {
		err = replayRecorded(ctx, c, where, rows, o.Since, report)
	}
	if err != nil {
		return err
	}
	found := c.Report()
	if o.JSON {
		err = json.NewEncoder(report.Out).Encode(found)
	} else {
		printReplay(report.Out, &found)
	}
	if err == nil && o.FailOver >= 0 && found.Share() > o.FailOver {
		if !o.JSON {
			fmt.Fprintf(report.Out, "more than %.2f %% would move\n", o.FailOver*100)
		}
		return ErrChecks
	}
	return err
}

// recorded is what is read of a city's data besides serving.
type recorded interface {
	packReader
	Registrations(ctx context.Context, from time.Time, cursor string, limit int) ([]ticket.Event, string, error)
	Tickets(ctx context.Context, f store.Filter) (store.Page, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
}

// peek opens a city's data to read, while gateways go on serving.
func (w Where) peek(ctx context.Context) (recorded, func() error, error) {
	ring, err := w.keys()
	if err != nil {
		return nil, nil, err
	}
	if !w.shared() {
		return sqlite.Peek(w.file(), ring)
	}
	opened, err := w.openToCopy(ctx, ring, false)
	if err != nil {
		return nil, nil, err
	}
	return opened, opened.Close, nil
}

// activePack reads the pack in force.
func activePack(ctx context.Context, r packReader) (*config.Pack, error) {
	active, err := r.ActivePack(ctx)
	if ticket.IsKind(err, ticket.NotFound) {
		return nil, errors.New("no city pack was published yet: start once with --city DIR")
	}
	if err != nil {
		return nil, err
	}
	return storedPack(ctx, r, active.Hash)
}

// storedPack reads a pack that was kept.
func storedPack(ctx context.Context, r packReader, hash string) (*config.Pack, error) {
	kept, err := r.PackByHash(ctx, hash)
	if err != nil {
		return nil, err
	}
	files, err := config.FromArchive(kept.Archive)
	if err != nil {
		return nil, err
	}
	return config.Load(files)
}

// replayPage is how many requests are read at a time: nothing is read for long.
const replayPage = 500

// replayRecorded compares the requests that became tickets.
func replayRecorded(ctx context.Context, c *replay.Comparison, where Where, rows recorded, since time.Duration, report Report) error {
	var from time.Time
	if since > 0 {
		now, err := where.now()
		if err != nil {
			return err
		}
		from = now.Add(-since)
	}
	bar := report.bar(-1, "requests")
	defer bar.Finish() //nolint:errcheck // it only shows progress
	for cursor := ""; ; {
		events, next, err := rows.Registrations(ctx, from, cursor, replayPage)
		if err != nil {
			return err
		}
		for i := range events {
			t, err := ticket.Fold(events[i : i+1])
			if err != nil {
				return err
			}
			seen := intake.FactsOf(&t)
			c.Recorded(t.Number, seen, saidBy(&t))
		}
		_ = bar.Add(len(events))
		if cursor = next; next == "" {
			return ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// row is what a replay reads of a file's row, as the importer writes it for the form channel.
type row struct {
	Number      string             `json:"foreignNumber"`
	Type        ticket.RequestType `json:"type"`
	Category    string             `json:"category"`
	Region      string             `json:"region"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	OccurredAt  string             `json:"occurredAt"`
	Location    struct {
		Lng, Lat *float64
		CRS      string `json:"crs"`
		Address  string `json:"address"`
	} `json:"location"`
}

// replayFile compares the rows of a file.
func replayFile(ctx context.Context, c *replay.Comparison, zone *time.Location, path string, report Report) error {
	table, err := importer.Open(path, "")
	if err != nil {
		return err
	}
	defer table.Close() //nolint:errcheck // only read
	bar := report.bar(-1, "rows")
	defer bar.Finish() //nolint:errcheck // it only shows progress
	unread := 0
	for {
		line, err := table.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		_ = bar.Add(1)
		r, problem := table.Report(line, "replay")
		if problem != nil {
			unread++
			continue
		}
		var said row
		if err := json.Unmarshal(r.Body, &said); err != nil {
			return err
		}
		number := said.Number
		if number == "" {
			number = fmt.Sprintf("%s:%d", path, line.Line)
		}
		at, _ := wire.Time(said.OccurredAt, zone) // without one there is no deadline to compare
		f := config.TestFacts{Type: said.Type, Category: said.Category, Region: said.Region, Title: said.Title, Text: said.Description, Address: said.Location.Address}
		if !at.IsZero() {
			f.At = at.In(zone).Format("2006-01-02 15:04")
		}
		if said.Location.Lng != nil && said.Location.Lat != nil {
			f.Point, f.Datum = []float64{*said.Location.Lng, *said.Location.Lat}, datumOf(said.Location.CRS)
		}
		c.Said(number, f, at)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if unread > 0 {
		fmt.Fprintf(report.Out, "%d rows of %s could not be read; `hotline import` says why\n", unread, path)
	}
	return nil
}

// datumOf is a coordinate system as the form channel names it.
func datumOf(crs string) ticket.Datum {
	switch crs {
	case "GCJ02":
		return ticket.GCJ02
	case "BD09":
		return ticket.BD09
	}
	return ticket.WGS84
}

// shownFlows is how many ways tickets would go are printed; all are in the JSON.
const shownFlows = 20

func printReplay(out io.Writer, r *replay.Report) {
	fmt.Fprintf(out, "城市包 %.12s → 候选 %.12s：%d 件来件\n", r.Pack, r.Candidate, r.Requests)
	if r.Unread > 0 {
		fmt.Fprintf(out, "另有 %d 件的内容已到期销毁，未比对\n", r.Unread)
	}
	fmt.Fprintf(out, "改派 %d 件（%.2f %%），紧急程度改变 %d 件，期限提前 %d 件、推后 %d 件\n", r.Moved, r.Share()*100, r.Urgency, r.Earlier, r.Later)
	for n, f := range r.Flows {
		if n == shownFlows {
			fmt.Fprintf(out, "  … 还有 %d 种去向\n", len(r.Flows)-n)
			break
		}
		fmt.Fprintf(out, "  %6d  %s → %s\n", f.Count, f.FromName, f.ToName)
	}
	for _, s := range r.Samples {
		fmt.Fprintf(out, "\n== %s：%s → %s\n-- 现行\n%s-- 候选\n%s", s.Number, s.From, s.To, s.Before, s.After)
	}
	fmt.Fprintf(out, "requests=%d moved=%d\n", r.Requests, r.Moved)
}
