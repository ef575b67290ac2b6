package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
)

type calendarCmd struct {
	Show     calendarShowCmd   `cmd:"" help:"Print a year of a calendar: holidays, make-up workdays, hours, versions."`
	Deadline deadlineCmd       `cmd:"" help:"Work out a deadline and say how it comes about."`
	Import   calendarImportCmd `cmd:"" help:"Take a holiday notice as the next version of a calendar, after showing what it moves."`
	Diff     calendarDiffCmd   `cmd:"" help:"List the days that two versions of a calendar, or two packs, see differently."`
}

type deadlineCmd struct {
	City      string `help:"Folder of the city pack." env:"HOTLINE_CITY" required:"" placeholder:"DIR"`
	Calendar  string `help:"Calendar of the pack; the city's own without it."`
	Received  string `arg:"" help:"When it was received: 2026-02-13 or 2026-02-13 10:30."`
	Amount    int    `arg:"" help:"How many."`
	Unit      string `arg:"" help:"minutes, hours, natural_days, working_days or working_hours." enum:"minutes,hours,natural_days,working_days,working_hours" default:"working_days"`
	CountFrom string `help:"same_day or next_day." enum:"same_day,next_day" default:"next_day"`
	DueAt     string `help:"minute, end_of_work or end_of_day." enum:"minute,end_of_work,end_of_day" default:"end_of_day"`
	JSON      bool   `help:"Print JSON."`
}

// Run prints the deadline.
func (c *deadlineCmd) Run() error {
	l := app.LimitWords{Amount: c.Amount, Unit: c.Unit, CountFrom: c.CountFrom, DueAt: c.DueAt}
	return app.Deadline(c.City, c.Calendar, c.Received, l, c.JSON, os.Stdout)
}

type calendarShowCmd struct {
	City     string `help:"Folder of the city pack." env:"HOTLINE_CITY" required:"" placeholder:"DIR"`
	Year     int    `help:"Year; the one now without it." placeholder:"2026"`
	Calendar string `help:"Calendar of the pack, id or id@version; the city's own without it." placeholder:"ID"`
	JSON     bool   `help:"Print JSON."`
}

// Run prints the year.
func (c *calendarShowCmd) Run() error {
	return app.ShowCalendar(c.City, c.Calendar, cmp.Or(c.Year, time.Now().Year()), c.JSON, os.Stdout)
}

type calendarDiffCmd struct {
	City string `help:"Folder of the city pack." env:"HOTLINE_CITY" required:"" placeholder:"DIR"`
	From string `arg:"" optional:"" help:"Calendar, id or id@version; the version before the newest without it."`
	To   string `arg:"" optional:"" help:"Calendar to compare it with; the city's own without it."`
	With string `help:"Folder of another pack, in which the second calendar is looked up." type:"existingdir" placeholder:"DIR"`
	JSON bool   `help:"Print JSON."`
}

// Run prints the differences.
func (c *calendarDiffCmd) Run() error {
	if c.With != "" && c.To == "" {
		c.To = c.From
	}
	return app.DiffCalendars(c.City, c.From, c.To, c.With, c.JSON, os.Stdout)
}

type calendarImportCmd struct {
	Notice   string `arg:"" help:"The notice: JSON of holiday-cn, or the words of the State Council's notice as JSON or as plain text." type:"existingfile"`
	City     string `help:"Folder of the city pack." env:"HOTLINE_CITY" required:"" type:"existingdir" placeholder:"DIR"`
	Calendar string `help:"Calendar of the pack; the city's own without it." placeholder:"ID"`
	Data     string `help:"Folder of a city's data, to preview what moves on its open tickets." env:"HOTLINE_DATA" placeholder:"DIR"`
	Store    string `help:"PostgreSQL database to preview on; the keys are in the data folder." env:"HOTLINE_STORE" placeholder:"URL"`
	Since    string `help:"From when it holds, in the city's time: 2026-11-05 10:00; now without it." placeholder:"TIME"`
	Yes      bool   `help:"Write the new version without asking." xor:"write"`
	DryRun   bool   `help:"Write nothing." xor:"write"`
	JSON     bool   `help:"Print JSON."`
}

// Help says what is written, and when it holds.
func (c *calendarImportCmd) Help() string {
	return `What is used of a deadline before --since stays used; what is left follows the new version. A small file is written into the folder
of the pack, calendars/ID-VERSION.yaml, to be looked over, committed and published as usual: until then nothing changes. Without --yes it
asks on a terminal, and writes nothing elsewhere. With --data the deadlines of all open tickets are tried first; a gateway may
go on serving.`
}

// Run shows what the notice changes, and takes it.
func (c *calendarImportCmd) Run(ctx context.Context) error {
	o := app.CalendarImport{Notice: c.Notice, City: c.City, Calendar: c.Calendar, Since: c.Since, JSON: c.JSON, Out: os.Stdout}
	if c.Data != "" || c.Store != "" {
		o.Where = app.Where{Data: cmp.Or(c.Data, "./data"), Store: c.Store}
	}
	switch {
	case c.Yes:
		o.Agree = func() bool { return true }
	case !c.DryRun && !c.JSON && terminal(os.Stdin) != nil:
		o.Agree = func() bool {
			fmt.Print("写入新版本？[y/N] ")
			line, err := bufio.NewReader(os.Stdin).ReadString('\n')
			return err == nil && strings.EqualFold(strings.TrimSpace(line), "y")
		}
	}
	return app.ImportCalendar(ctx, o)
}
