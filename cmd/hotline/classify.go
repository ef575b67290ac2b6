package main

import (
	"context"
	"os"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
)

type classifyCmd struct {
	Train classifyTrainCmd `cmd:"" help:"Train a model from texts whose category is known."`
	Eval  classifyEvalCmd  `cmd:"" help:"Say how good the models are that such texts make."`
	Try   classifyTryCmd   `cmd:"" help:"Say what a model makes of a text."`
}

// labelledFlags say where texts with their categories are.
type labelledFlags struct {
	whereFlags
	File           string  `arg:"" optional:"" help:"CSV (UTF-8, UTF-16 or GB18030) or XLSX with a header row; without it the tickets of --data or --store whose category a person set or confirmed." type:"existingfile"`
	TextColumn     string  `help:"Column of the text." default:"text" placeholder:"NAME"`
	CategoryColumn string  `help:"Column of the category." default:"category" placeholder:"NAME"`
	Newest         int     `help:"Take at most so many tickets, the newest, or the last rows of the file." default:"50000"`
	Precision      float64 `help:"Precision that is wanted of categories that are filled in." default:"0.97"`
}

func (f *labelledFlags) labelled() app.Labelled {
	return app.Labelled{
		File: f.File, Text: f.TextColumn, Category: f.CategoryColumn, Where: f.where(), Newest: f.Newest, Precision: f.Precision,
		Report: app.Report{Out: os.Stdout, Progress: terminal(os.Stderr)},
	}
}

type classifyTrainCmd struct {
	labelledFlags
	Out string    `help:"File of the model." required:"" type:"path"`
	Day time.Time `help:"Day that is written into the model; today without it." format:"2006-01-02" placeholder:"2026-07-13"`
}

// Help says what becomes of the file.
func (c *classifyTrainCmd) Help() string {
	return `The same texts, in any order, make the same model. Put it beside classifier.yaml of the city pack, which names it, and check
the pack. Texts that are given twice count once; those labelled two ways are left out.`
}

// Run trains a model.
func (c *classifyTrainCmd) Run(ctx context.Context) error {
	if c.Day.IsZero() {
		c.Day = time.Now()
	}
	return app.ClassifyTrain(ctx, c.labelled(), c.Day, c.Out)
}

type classifyEvalCmd struct {
	labelledFlags
	Folds int  `help:"Parts into which the texts are dealt; each is judged by a model of the others." default:"5"`
	JSON  bool `help:"Print JSON."`
}

// Run judges models.
func (c *classifyEvalCmd) Run(ctx context.Context) error {
	return app.ClassifyEval(ctx, c.labelled(), c.Folds, c.JSON)
}

type classifyTryCmd struct {
	Model string `arg:"" help:"File of the model." type:"existingfile"`
	Text  string `arg:"" help:"What the citizen says."`
}

// Run tries one text.
func (c *classifyTryCmd) Run() error { return app.ClassifyTry(c.Model, c.Text, os.Stdout) }
