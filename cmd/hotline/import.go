package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/citizen-hotline/gateway/internal/app"
)

type importCmd struct {
	whereFlags
	File     string `arg:"" help:"CSV (UTF-8, UTF-16 or GB18030; comma, semicolon or tab) or XLSX with a header row." type:"existingfile"`
	Channel  string `help:"Channel of the pack for archives: adapter form, historic: true." default:"import"`
	Source   string `help:"System the old numbers are of: equal numbers of two systems are two tickets." default:"archive"`
	Sheet    string `help:"Sheet of a workbook; the first visible one without it." placeholder:"NAME"`
	City     string `help:"City pack to publish first; the active one of the data folder without it." env:"HOTLINE_CITY" placeholder:"DIR"`
	To       string `help:"Send to this running gateway instead of the data folder." placeholder:"URL"`
	Token    string `help:"Secret of the channel, for --to." env:"HOTLINE_IMPORT_SECRET" placeholder:"SECRET"`
	Rejected string `help:"File for rows that cannot be taken; FILE.rejected.csv without it." placeholder:"PATH"`
	JSON     bool   `help:"Print the last line as JSON."`
}

// Help says what the flags do not.
func (c *importCmd) Help() string {
	return `Columns are known by their names in Chinese and English, for example 工单编号, 受理时间, 来电号码, 姓名, 标题, 诉求内容, 地址, 经度, 纬度.
Rows that were imported before are skipped, so an import that was stopped goes on when it is run again. Nobody is notified.
Exit code: 0 all rows are tickets, 3 all but the rejected ones, 1 it could not be done or was stopped.`
}

// errRejectedRows ends an import that took all rows but some that are wrong.
const errRejectedRows = exitCode(3)

// Run imports the file.
func (c *importCmd) Run(ctx context.Context) error {
	err := app.Import(ctx, app.ImportOptions{
		File: c.File, Sheet: c.Sheet, Source: c.Source, Channel: c.Channel, City: c.City, Where: c.where(),
		To: c.To, Token: c.Token, Rejected: c.Rejected, JSON: c.JSON, Out: os.Stdout, Err: os.Stderr, Log: os.Stderr, Progress: terminal(os.Stderr),
	})
	if errors.Is(err, app.ErrRejected) {
		return errRejectedRows
	}
	return err
}

// terminal is f when a person is watching it. The null device, which a service has for its input, is one of characters, too.
func terminal(f *os.File) io.Writer {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return nil
	}
	return f
}
