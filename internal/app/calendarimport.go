package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// CalendarImport is a notice to take into a calendar of a pack.
type CalendarImport struct {
	Notice   string // file
	City     string // folder of the pack
	Calendar string // id; empty: the city's own
	Where    Where  // with tickets to try it on; nothing in it: none
	Since    string // from when it holds, in the city's time; empty: now
	JSON     bool
	// Agree is asked, after all was shown, whether the version is written; nil: it is not.
	Agree func() bool
	Out   io.Writer
	now   func() time.Time // for tests; nil: the world's time
}

// imported is what an import found and did.
type imported struct {
	Notice     sla.Notice         `json:"notice"`
	Calendar   string             `json:"calendar"` // the new version
	Since      time.Time          `json:"since"`
	File       string             `json:"file"` // in the pack
	Unchanged  bool               `json:"unchanged,omitempty"`
	Kept       int                `json:"kept,omitempty"` // days with hours of the city's own, kept from the version before
	Difference calendarDifference `json:"difference"`
	Preview    *calendarPreview   `json:"preview,omitempty"`
	Written    bool               `json:"written"`
}

// ImportCalendar shows what a notice changes in a calendar of a pack and, where there are tickets, in their deadlines, and
// writes it as the next version of the calendar into the folder of the pack. It is not in force before the pack is published.
func ImportCalendar(ctx context.Context, o CalendarImport) error {
	doc, err := readFile(o.Notice, 1<<20)
	if err != nil {
		return err
	}
	p, err := LoadPack(o.City)
	if err != nil {
		return err
	}
	was, err := o.newest(p)
	if err != nil {
		return err
	}
	n, err := sla.ReadNotice(doc, was.Notice)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Notice, err)
	}
	if len(n.Days) == 0 {
		return fmt.Errorf("%s: notice %d has no days: it is not out yet", o.Notice, n.Year)
	}
	if err := was.Fits(n); err != nil {
		return fmt.Errorf("%s: %w", o.Notice, err)
	}
	now, err := o.time()
	if err != nil {
		return err
	}
	found := imported{Notice: n}
	spec := nextSpec(was, n, cmp.Or(o.Since, now.In(was.Zone()).Format("2006-01-02 15:04")), &found)
	if found.Unchanged {
		return o.tell(&found, func(out io.Writer) {
			fmt.Fprintf(out, "日历 %s 已经是这样：%d 年的放假安排没有变化\n", was.Key(), n.Year)
		})
	}
	is, err := was.Next(spec)
	if err != nil {
		return err
	}
	if last := lastDay(n); last < is.Since().In(is.Zone()).Format(time.DateOnly) {
		return fmt.Errorf("%s: notice %d ends on %s, before the new version would hold (%s): it would change nothing; give an earlier --since",
			o.Notice, n.Year, last, spec.Since)
	}
	found.Calendar, found.Since, found.Difference = is.Key(), is.Since(), differenceOf(was, is)
	found.File = path.Join("calendars", fmt.Sprintf("%s-%d.yaml", spec.ID, spec.Version))
	text := calendarFile(was, spec)
	candidate, err := withFile(p, found.File, text)
	if err != nil {
		return fmt.Errorf("the pack would not load with %s, and nothing is written: %w", found.File, err)
	}
	if o.Where != (Where{}) {
		if found.Preview, err = previewCalendar(ctx, o.Where, candidate, was, is); err != nil {
			return err
		}
	}
	if !o.JSON {
		found.print(o.Out, is, p.Ruleset.UnitName)
	}
	if o.Agree != nil && o.Agree() {
		if err := writeNew(o.City, found.File, text); err != nil {
			return err
		}
		found.Written = true
	}
	return o.tell(&found, func(out io.Writer) {
		if !found.Written {
			fmt.Fprintf(out, "没有写入；加 --yes 写入 %s\n", filepath.Join(o.City, found.File))
			return
		}
		fmt.Fprintf(out, "已写入 %s；核对后提交版本库并照常发布城市包，发布后生效\n", filepath.Join(o.City, found.File))
	})
}

// newest is the newest version of the calendar that takes the notice.
func (o *CalendarImport) newest(p *config.Pack) (*sla.Calendar, error) {
	if sla.Pinned(o.Calendar) {
		return nil, fmt.Errorf("--calendar %q: a notice makes a new version; name the calendar without one", o.Calendar)
	}
	c, err := packCalendar(p, o.Calendar)
	if err != nil {
		return nil, err
	}
	if of := c.Spec().Holidays; of != "" {
		return nil, fmt.Errorf("calendar %s takes its holidays from %s: import the notice into that one", c.ID(), of)
	}
	return p.CalendarByID(c.ID()), nil
}

func (o *CalendarImport) time() (time.Time, error) {
	switch {
	case o.now != nil:
		return o.now(), nil
	case o.Where != (Where{}):
		return o.Where.now()
	}
	return time.Now(), nil
}

// tell ends an import in JSON or in words.
func (o *CalendarImport) tell(found *imported, words func(io.Writer)) error {
	if o.JSON {
		return json.NewEncoder(o.Out).Encode(found)
	}
	words(o.Out)
	return nil
}

// readFile reads a file that may not be larger than most.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the file that was named
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	doc, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(doc)) > most {
		err = fmt.Errorf("%s: is larger than %d bytes", name, most)
	}
	return doc, err
}

// nextSpec is the version that takes a notice. Days with hours of the city's own, such as half days, stay unless the notice speaks of them.
func nextSpec(was *sla.Calendar, n sla.Notice, since string, found *imported) sla.CalendarSpec {
	n.Days = slices.Clone(n.Days)
	for _, y := range was.Spec().Years {
		if y.Year != n.Year {
			continue
		}
		listed := map[string]bool{}
		for _, d := range n.Days {
			listed[d.Date] = true
		}
		for _, d := range y.Days {
			if len(d.Segments) > 0 && !listed[d.Date] {
				n.Days = append(n.Days, d)
				found.Kept++
			}
		}
		slices.SortStableFunc(n.Days, func(a, b sla.Day) int { return cmp.Compare(a.Date, b.Date) })
		before := slices.SortedStableFunc(slices.Values(y.Days), func(a, b sla.Day) int { return cmp.Compare(a.Date, b.Date) })
		found.Unchanged = slices.EqualFunc(before, n.Days, func(a, b sla.Day) bool {
			return a.Date == b.Date && a.Off == b.Off && slices.Equal(a.Segments, b.Segments)
		})
	}
	return sla.CalendarSpec{ID: was.ID(), Version: was.Version() + 1, Since: since, Years: []sla.Notice{n}}
}

// lastDay is the last date a notice speaks of.
func lastDay(n sla.Notice) (last string) {
	for _, d := range n.Days {
		last = max(last, d.Date)
	}
	return last
}

// plainName is a name that needs no quotes in YAML.
var plainName = regexp.MustCompile(`^[\p{Han}、]+$`)

func yamlText(s string) string {
	if plainName.MatchString(s) {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b) // JSON's texts are YAML's
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can be written
	return string(bytes.TrimSpace(b.Bytes()))
}

// calendarFile writes a version as a file of the pack.
func calendarFile(was *sla.Calendar, spec sla.CalendarSpec) []byte {
	var b bytes.Buffer
	n := spec.Years[0]
	fmt.Fprintf(&b, "# %s第 %d 版：%d 年放假安排，自 %s 起执行，此前的日子按第 %d 版。\n", was.Title(), spec.Version, n.Year, spec.Since, was.Version())
	fmt.Fprintf(&b, "# 没有写的（作息、其他年份）沿用第 %d 版。由 hotline calendar import 写成。\n", was.Version())
	fmt.Fprintf(&b, "id: %s\nversion: %d\nsince: %q\nyears:\n  - year: %d\n", yamlText(spec.ID), spec.Version, spec.Since, n.Year)
	if len(n.Papers) > 0 {
		fmt.Fprintln(&b, "    papers:")
		for _, at := range n.Papers {
			fmt.Fprintf(&b, "      - %s\n", yamlText(at))
		}
	}
	fmt.Fprintln(&b, "    days:")
	for _, d := range n.Days {
		hours := ""
		if len(d.Segments) > 0 {
			quoted := make([]string, len(d.Segments))
			for i, s := range d.Segments {
				quoted[i] = yamlText(s)
			}
			hours = ", segments: [" + strings.Join(quoted, ", ") + "]"
		}
		fmt.Fprintf(&b, "      - {date: %q, name: %s, off: %t%s}\n", d.Date, yamlText(d.Name), d.Off, hours)
	}
	return b.Bytes()
}

// withFile is a pack with one file more.
func withFile(p *config.Pack, name string, text []byte) (*config.Pack, error) {
	if _, there := p.Files[name]; there {
		return nil, fmt.Errorf("%s is there already", name)
	}
	more := *p
	more.Files = maps.Clone(p.Files)
	more.Files[name] = text
	archive, err := config.Archive(&more)
	if err != nil {
		return nil, err
	}
	files, err := config.FromArchive(archive)
	if err != nil {
		return nil, err
	}
	return config.Load(files)
}

// writeNew writes a file into a folder, whole or not at all, and never over another.
func writeNew(dir, name string, text []byte) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}

// calendarPreview is what a version would do to the tickets that are open.
type calendarPreview struct {
	Now     time.Time     `json:"now"`
	Tickets int           `json:"tickets"` // open
	Moved   int           `json:"moved"`   // deadlines
	Overdue int           `json:"overdue"` // that become overdue
	Saved   int           `json:"saved"`   // that are no longer overdue
	Settled int           `json:"settled"` // that are no longer provisional
	Doubt   int           `json:"doubt"`   // that become provisional
	Moves   []ticketMoves `json:"moves"`
}

// ticketMoves are the deadlines of one ticket that would move.
type ticketMoves struct {
	Number string     `json:"number"`
	Clocks []sla.Move `json:"clocks"`
}

// previewCalendar evaluates every open ticket by two versions of a calendar. A gateway may go on serving.
func previewCalendar(ctx context.Context, where Where, candidate *config.Pack, was, is *sla.Calendar) (_ *calendarPreview, err error) {
	rows, end, err := where.peek(ctx)
	if err != nil {
		return nil, err
	}
	defer closing(&err, end)
	preview := &calendarPreview{Moves: []ticketMoves{}}
	if preview.Now, err = where.now(); err != nil {
		return nil, err
	}
	c := &city.City{Policies: candidate.PolicySet, DefaultPolicy: candidate.City.DefaultPolicy} // all that clocks rest on
	for filter := (store.Filter{States: recalendarStates, Limit: 500}); ; {
		page, err := rows.Tickets(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			t := &page.Items[i].Ticket
			history, err := rows.History(ctx, t.ID)
			if err != nil {
				return nil, fmt.Errorf("ticket %s: %w", t.Number, err)
			}
			preview.add(c, t, city.Upto(t, history), was, is)
		}
		if filter.Cursor = page.Next; page.Next == "" {
			return preview, nil
		}
	}
}

// add counts what moves on a ticket.
func (p *calendarPreview) add(c *city.City, t *ticket.Ticket, history []ticket.Event, was, is *sla.Calendar) {
	p.Tickets++
	before, same := c.ClocksAsOf(t, history, p.Now, is.ID(), was.Version())
	if same {
		return
	}
	after, _ := c.Clocks(t, history, p.Now)
	moves := sla.Moves(before, after)
	for _, m := range moves {
		count := func(n *int, yes bool) {
			if yes {
				*n++
			}
		}
		count(&p.Moved, !m.Was.Equal(m.Is))
		count(&p.Overdue, m.Overdue && !m.WasOverdue)
		count(&p.Saved, !m.Overdue && m.WasOverdue)
		count(&p.Settled, !m.Provisional && m.WasProvisional)
		count(&p.Doubt, m.Provisional && !m.WasProvisional)
	}
	if len(moves) > 0 {
		p.Moves = append(p.Moves, ticketMoves{Number: t.Number, Clocks: moves})
	}
}

// previewLines is how many tickets a preview names in words.
const previewLines = 20

func (found *imported) print(out io.Writer, is *sla.Calendar, unitName func(string) string) {
	fmt.Fprintf(out, "%d 年放假安排：%d 天\n", found.Notice.Year, len(found.Notice.Days))
	for from := 0; from < len(found.Notice.Days); {
		to, days := from+1, found.Notice.Days
		for to < len(days) && days[to].Name == days[from].Name && days[to].Off == days[from].Off && follows(days[to-1].Date, days[to].Date) {
			to++
		}
		fmt.Fprintf(out, "  %s  %s%s\n", dayRange(days[from].Date, days[to-1].Date), days[from].Name, map[bool]string{true: "放假", false: "调休上班"}[days[from].Off])
		from = to
	}
	if found.Kept > 0 {
		fmt.Fprintf(out, "另有 %d 天本市自定的作息沿用\n", found.Kept)
	}
	fmt.Fprintf(out, "自 %s 起执行\n", is.Words(found.Since))
	found.Difference.print(out)
	if found.Preview != nil {
		found.Preview.print(out, is, unitName)
	}
}

// follows reports whether a date is the day after another.
func follows(before, after string) bool {
	d, err := time.Parse(time.DateOnly, before)
	return err == nil && d.AddDate(0, 0, 1).Format(time.DateOnly) == after
}

func (p *calendarPreview) print(out io.Writer, c *sla.Calendar, unitName func(string) string) {
	fmt.Fprintf(out, "在办工单 %d 件：%d 个时限变动，%d 个变为超期，%d 个不再是暂定\n", p.Tickets, p.Moved, p.Overdue, p.Settled)
	if p.Saved > 0 {
		fmt.Fprintf(out, "%d 个不再超期\n", p.Saved)
	}
	if p.Doubt > 0 {
		fmt.Fprintf(out, "%d 个变为暂定\n", p.Doubt)
	}
	for i, t := range p.Moves {
		if i == previewLines {
			fmt.Fprintf(out, "  … 另有 %d 件，用 --json 列全\n", len(p.Moves)-previewLines)
			return
		}
		for _, m := range t.Clocks {
			holder := "整单"
			if m.Unit != "" {
				holder = unitName(m.Unit)
			}
			fmt.Fprintf(out, "  %s  %s时限  %s  %s\n", t.Number, m.Name.Title(), holder, moveWords(m, c))
		}
	}
}

func moveWords(m sla.Move, c *sla.Calendar) string {
	words := c.Words(m.Was) + " → " + c.Words(m.Is)
	if m.Was.Equal(m.Is) {
		words = c.Words(m.Is) + " 不变"
	}
	switch {
	case m.Overdue && !m.WasOverdue:
		words += "，变为超期"
	case !m.Overdue && m.WasOverdue:
		words += "，不再超期"
	}
	switch {
	case m.WasProvisional && !m.Provisional:
		words += "，不再是暂定"
	case m.Provisional && !m.WasProvisional:
		words += "，变为暂定"
	}
	return words
}
