package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/classify"
	"github.com/citizen-hotline/gateway/internal/importer"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Labelled says where texts with their categories are: in a file, or in the tickets of a city.
type Labelled struct {
	File             string // CSV or XLSX; empty: the tickets
	Text, Category   string // columns of the file
	Where            Where
	Newest           int     // tickets at most, newest first; of a file its last rows
	Precision        float64 // wanted of what is filled in
	Report           Report
	withoutText, bad int
}

// ClassifyTrain trains a model of labelled texts and writes its file.
func ClassifyTrain(ctx context.Context, from Labelled, day time.Time, path string) error {
	samples, err := from.samples(ctx)
	if err != nil {
		return err
	}
	bar := from.Report.bar(classify.Steps, "models")
	m, err := classify.Train(ctx, samples, classify.Options{Trained: day, Done: func() { _ = bar.Add(1) }})
	_ = bar.Finish() // a bar that cannot be drawn harms nobody
	if err != nil {
		return from.failed(err)
	}
	file, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	if err := replaceFile(path, file); err != nil {
		return err
	}
	out := from.Report.Out
	fmt.Fprintf(out, "%s: model %s of %s, %d texts, %d categories, %d grams, %d bytes\n",
		path, m.ID(), m.Trained().Format(time.DateOnly), m.Samples(), len(m.Categories()), m.Grams(), len(file))
	if p, ok := m.Curve().At(from.Precision); ok {
		fmt.Fprintf(out, "fills in from confidence %.3f on: %.1f %% of the texts held out, %.1f %% of them right\n", p.Confidence, 100*p.Coverage(), 100*p.Precision())
	} else {
		fmt.Fprintf(out, "fills nothing in, only suggests: on texts held out it is not sure to reach a precision of %g; give more texts\n", from.Precision)
	}
	return nil
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, content []byte) error {
	beside := path + ".new"
	if err := os.WriteFile(beside, content, 0o644); err != nil { //nolint:gosec // a model is no secret: it goes into the pack
		return err
	}
	return os.Rename(beside, path)
}

// ClassifyEval judges the models that labelled texts make, in words or as JSON.
func ClassifyEval(ctx context.Context, from Labelled, folds int, asJSON bool) error {
	samples, err := from.samples(ctx)
	if err != nil {
		return err
	}
	bar := from.Report.bar(int64(folds), "folds")
	r, err := classify.Evaluate(ctx, samples, classify.EvaluateOptions{Folds: folds, Precision: from.Precision, Done: func() { _ = bar.Add(1) }})
	_ = bar.Finish() // a bar that cannot be drawn harms nobody
	if err != nil {
		return from.failed(err)
	}
	if asJSON {
		return json.NewEncoder(from.Report.Out).Encode(r)
	}
	_, err = io.WriteString(from.Report.Out, r.Text())
	return err
}

// ClassifyTry says what a model makes of a text.
func ClassifyTry(path, text string, out io.Writer) error {
	file, err := readModel(path)
	if err != nil {
		return err
	}
	m, err := classify.Parse(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	best := m.Classify(nil, text, 3)
	if len(best) == 0 {
		fmt.Fprintln(out, "the text has no gram that the model knows")
		return nil
	}
	for _, c := range best {
		fmt.Fprintf(out, "%6.1f %%  %s\n", 100*c.Confidence, c.Category)
	}
	fmt.Fprintf(out, "spoke for the first: %s\n", strings.Join(m.Spoken(text, 10), " "))
	return nil
}

// readModel reads no more of a file than a model can have.
func readModel(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own argument
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(f, classify.MaxFile+1))
}

// failed says of what nothing could be learned.
func (l *Labelled) failed(err error) error {
	if errors.Is(err, classify.ErrNoSamples) && l.File == "" {
		return fmt.Errorf("%w: no ticket has a category that a person set or confirmed", err)
	}
	if errors.Is(err, classify.ErrNoSamples) {
		return fmt.Errorf("%s: %w (%d rows are without text or category, %d cannot be read)", l.File, err, l.withoutText, l.bad)
	}
	if l.File != "" {
		return fmt.Errorf("%s: %w", l.File, err)
	}
	return err
}

func (l *Labelled) samples(ctx context.Context) ([]classify.Sample, error) {
	if l.File != "" {
		return l.ofFile()
	}
	return l.ofStore(ctx)
}

// ofFile reads the columns of a table. Rows without both are counted, and left to who asks for labels.
func (l *Labelled) ofFile() (list []classify.Sample, err error) {
	t, at, err := importer.OpenNamed(l.File, l.Text, l.Category)
	if err != nil {
		return nil, err
	}
	defer closing(&err, t.Close)
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.File, err)
		}
		if row.Problem != nil {
			l.bad++
			continue
		}
		s := classify.Sample{Text: row.Cells[at[0]], Category: strings.TrimSpace(row.Cells[at[1]])}
		if strings.TrimSpace(s.Text) == "" || s.Category == "" {
			l.withoutText++
			continue
		}
		list = append(list, s)
	}
	if l.withoutText+l.bad > 0 {
		fmt.Fprintf(l.Report.Out, "%s: %d rows are without text or category, %d cannot be read: left out\n", l.File, l.withoutText, l.bad)
	}
	return list[max(0, len(list)-l.Newest):], nil
}

// textsOfSender is how many texts of one person teach: fewer than a run of characters must stand in to be learned.
const textsOfSender = 2

// ofStore reads the tickets whose category a person set or confirmed, the newest first, while gateways go on
// serving. Confidential ones teach nothing.
func (l *Labelled) ofStore(ctx context.Context) (list []classify.Sample, err error) {
	st, end, err := l.Where.peek(ctx)
	if err != nil {
		return nil, err
	}
	defer closing(&err, end)
	bar := l.Report.bar(-1, "tickets")
	defer func() { _ = bar.Finish() }() // a bar that cannot be drawn harms nobody
	ofSender := map[string]int{}
	for f := (store.Filter{HideConfidential: true, Limit: 1000}); ; {
		page, err := st.Tickets(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			t := &page.Items[i].Ticket
			_ = bar.Add(1)
			if t.Category == "" || t.Private.Text == "" {
				continue
			}
			if confirmed, err := byPerson(ctx, st, t); err != nil {
				return nil, err
			} else if !confirmed {
				continue
			}
			// What only one person says again and again is no word of the matter, and may be a name.
			if who := cmp.Or(t.Private.Appellant.Phone, t.Private.Appellant.ChannelID); who != "" {
				if ofSender[who]++; ofSender[who] > textsOfSender {
					continue
				}
			}
			words := text.ReplaceNames(t.Private.Title+"\n"+t.Private.Text, func(string) string { return "\n" }, namesOf(t)...)
			list = append(list, classify.Sample{Text: words, Category: t.Category})
			if len(list) == l.Newest {
				return list, nil
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return list, nil
		}
	}
}

// byPerson reports whether a person stands behind a ticket's category: they corrected it, or chose the
// unit or the answer with it before them.
func byPerson(ctx context.Context, r recorded, t *ticket.Ticket) (bool, error) {
	if t.Version == 1 {
		return false, nil
	}
	history, err := r.History(ctx, t.ID)
	if err != nil {
		return false, err
	}
	for i := range history {
		e := &history[i]
		if e.Actor.Kind != ticket.ActorUser {
			continue
		}
		switch e.Action { //nolint:exhaustive // the others say nothing of the category
		case ticket.Dispatch, ticket.Arbitrate, ticket.Answer:
			return true, nil
		case ticket.Amend:
			if e.Details.Category == t.Category {
				return true, nil
			}
		}
	}
	return false, nil
}
