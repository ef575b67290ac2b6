package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// PreviewOptions say what is compared.
type PreviewOptions struct {
	City     string // folder of the pack whose policies might come into force
	Examples int    // tickets named of each kind at most
	Strict   bool   // ErrChecks when a version was edited in place and open deadlines change by it
	JSON     bool
}

// previewed is what `hotline sla preview` finds. The two comparisons say different things, and stand apart.
type previewed struct {
	Now      time.Time `json:"now"`
	InForce  string    `json:"in_force"`  // hash of the pack in force
	Compared string    `json:"candidate"` // hash of the pack of the folder
	Open     int       `json:"open"`      // open tickets
	// Edited are versions that say something else in the candidate under the same number, or are gone from it, and
	// "calendars" where those are not the same, "hours" where units go by others: what putting it in force does to open tickets at once.
	Edited []string    `json:"edited"`
	AtOnce sla.Preview `json:"at_once"`
	// UnderNewest is what would become of open tickets under the newest version of their policy. They stay with the
	// version they are pinned to; it is for the decision.
	UnderNewest sla.Preview `json:"under_newest"`
}

// What previewed.Edited says besides the keys of policies.
const (
	editedCalendars = "calendars"
	editedHours     = "hours"
)

// previewReader is what a preview reads.
type previewReader interface {
	recorded
	Watch(ctx context.Context, ids []ticket.ID) ([]store.Watched, error)
}

// PreviewPolicies compares the deadlines of all open tickets under the pack in force with those under the pack of a
// folder. A gateway may go on serving.
func PreviewPolicies(ctx context.Context, where Where, o PreviewOptions, report Report) (err error) {
	candidate, err := LoadPack(o.City)
	if err != nil {
		return fmt.Errorf("--city: %w", err)
	}
	rows, end, err := where.peek(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	reader, ok := rows.(previewReader)
	if !ok {
		return fmt.Errorf("%s cannot be read by ticket", where.name())
	}
	pack, err := activePack(ctx, rows)
	if err != nil {
		return err
	}
	now, err := where.now()
	if err != nil {
		return err
	}
	p := newPreviewer(pack, candidate, now, o.Examples)
	if err := p.walk(ctx, reader, report); err != nil {
		return err
	}
	found := p.found()
	if o.JSON {
		err = json.NewEncoder(report.Out).Encode(found)
	} else {
		printPreview(report.Out, pack, &found)
	}
	if err == nil && o.Strict && found.AtOnce.Total != (sla.Tally{}) {
		return ErrChecks
	}
	return err
}

// previewer compares ticket by ticket.
type previewer struct {
	now              time.Time
	pack, candidate  *config.Pack
	inForce, would   *city.City
	open             int
	atOnce, newest   *sla.Comparison
	edited           map[string]bool
	otherCalendars   bool
	otherHours       bool            // units have the hours of another calendar
	affected, judged map[string]bool // by policy key: whether anything can change, and whether that is known
}

func newPreviewer(pack, candidate *config.Pack, now time.Time, examples int) *previewer {
	terms := func(p *config.Pack) *city.City {
		return &city.City{Policies: p.PolicySet, DefaultPolicy: p.City.DefaultPolicy, Rules: p.Ruleset, Zone: p.City.Location} // all that clocks rest on
	}
	p := &previewer{
		now: now, pack: pack, candidate: candidate, inForce: terms(pack), would: terms(candidate),
		atOnce: sla.NewComparison(examples), newest: sla.NewComparison(examples),
		edited: map[string]bool{}, otherCalendars: !reflect.DeepEqual(pack.Calendars, candidate.Calendars), otherHours: otherHours(pack, candidate),
		affected: map[string]bool{}, judged: map[string]bool{},
	}
	for _, key := range candidate.PolicySet.Edited(pack.PolicySet) {
		p.edited[key] = true
	}
	return p
}

// otherHours reports whether a unit that holds tickets would count by another calendar.
func otherHours(pack, candidate *config.Pack) bool {
	return slices.ContainsFunc(pack.Ruleset.Units(), func(u routing.Unit) bool {
		return pack.Calendar.For(u.ID).Key() != candidate.Calendar.For(u.ID).Key()
	})
}

// previewPage is how many tickets are read at a time: nothing is read for long.
const previewPage = 500

// walk reads every open ticket, and the history of those whose terms are not the same.
func (p *previewer) walk(ctx context.Context, rows previewReader, report Report) error {
	filter := store.Filter{States: recalendarStates, Limit: previewPage}
	bar := report.bar(-1, "open tickets")
	defer bar.Finish() //nolint:errcheck // it only shows progress
	for {
		page, err := rows.Tickets(ctx, filter)
		if err != nil {
			return err
		}
		var ids []ticket.ID
		for i := range page.Items {
			if p.open++; p.touches(&page.Items[i].Ticket) {
				ids = append(ids, page.Items[i].ID)
			}
		}
		watched, err := rows.Watch(ctx, ids)
		if err != nil {
			return err
		}
		for i := range watched {
			p.compare(&watched[i])
		}
		_ = bar.Add(len(page.Items))
		if filter.Cursor = page.Next; page.Next == "" {
			return ctx.Err()
		}
	}
}

// touches reports whether anything can change for a ticket: its version is not the same in both packs, or is not the
// newest of the candidate. Where the calendars or the units' hours differ everything can.
func (p *previewer) touches(t *ticket.Ticket) bool {
	key := t.Policy
	if !p.judged[key] {
		id, _, _ := strings.Cut(key, "@")
		_, _, there := p.candidate.PolicySet.Lookup(key)
		newest, _, ok := p.candidate.PolicySet.Newest(id)
		p.judged[key], p.affected[key] = true, p.otherCalendars || p.otherHours || p.edited[key] || !there || ok && newest.Key() != key
		if _, _, was := p.pack.PolicySet.Lookup(key); was && !there {
			p.edited[key] = true
		}
	}
	return p.affected[key]
}

func (p *previewer) compare(w *store.Watched) {
	history := city.Upto(&w.Ticket, w.History)
	before, ok := p.inForce.Clocks(&w.Ticket, history, p.now)
	if !ok {
		return
	}
	holder := w.LeadUnit()
	if after, ok := p.would.Clocks(&w.Ticket, history, p.now); ok {
		to, _, _ := p.would.Terms(&w.Ticket)
		p.atOnce.Ticket(w.Number, holder, w.Policy, to.Key(), before, after)
	}
	id, _, _ := strings.Cut(w.Policy, "@")
	if newest, calendar, ok := p.candidate.PolicySet.Newest(id); ok && newest.Key() != w.Policy {
		p.newest.Ticket(w.Number, holder, w.Policy, newest.Key(), before, sla.Evaluate(history, newest, calendar, p.now))
	}
}

func (p *previewer) found() previewed {
	found := previewed{
		Now: p.now, InForce: p.pack.Hash, Compared: p.candidate.Hash, Open: p.open,
		Edited: []string{}, AtOnce: p.atOnce.Preview(), UnderNewest: p.newest.Preview(),
	}
	for _, policy := range p.pack.Policies {
		if p.edited[policy.Key()] {
			found.Edited = append(found.Edited, policy.Key())
		}
	}
	if p.otherCalendars {
		found.Edited = append(found.Edited, editedCalendars)
	}
	if p.otherHours && !p.otherCalendars {
		found.Edited = append(found.Edited, editedHours)
	}
	return found
}

// printPreview writes a preview for people.
func printPreview(out io.Writer, pack *config.Pack, f *previewed) {
	calendar := pack.Calendar
	fmt.Fprintf(out, "在办工单  %d 张\n现在  %s\n现行城市包  %.12s\n对照城市包  %.12s\n", f.Open, calendar.Words(f.Now), f.InForce, f.Compared)
	fmt.Fprintln(out, "\n一、一旦启用，立即影响在办工单")
	if len(f.Edited) == 0 {
		fmt.Fprintln(out, "  没有：在用的版本、日历和单位作息都没有改动")
	} else {
		printEdited(out, f.Edited)
		printComparison(out, pack, &f.AtOnce)
	}
	fmt.Fprintln(out, "\n二、假如改按最新版本（仅供决策：在办工单仍按登记时的版本）")
	if f.UnderNewest.Looked == 0 {
		fmt.Fprintln(out, "  没有在办工单用的是旧版本")
		return
	}
	printComparison(out, pack, &f.UnderNewest)
}

// printEdited says what reaches open tickets: versions changed in place, which are better made anew, and calendars and hours,
// which hold for all.
func printEdited(out io.Writer, edited []string) {
	var policies, others []string
	for _, what := range edited {
		switch what {
		case editedCalendars:
			others = append(others, "日历")
		case editedHours:
			others = append(others, "单位作息")
		default:
			policies = append(policies, what)
		}
	}
	if len(policies) > 0 {
		fmt.Fprintf(out, "  没有换版本号就改动的：%s\n", strings.Join(policies, "、"))
		fmt.Fprintln(out, "  改时限请新增版本（version 加一，写明 from），在办工单才能按登记时的规定办完")
	}
	if len(others) > 0 {
		fmt.Fprintf(out, "  不同的：%s\n", strings.Join(others, "、"))
	}
}

func printComparison(out io.Writer, pack *config.Pack, p *sla.Preview) {
	fmt.Fprintf(out, "  比较 %d 张：%s\n", p.Looked, tallyWords(p.Total))
	if p.Total == (sla.Tally{}) {
		return
	}
	fmt.Fprintln(out, "  按政策")
	for _, t := range p.Policies {
		name := t.From
		if t.To != t.From {
			name += " → " + t.To
		}
		fmt.Fprintf(out, "    %s：%s\n", name, tallyWords(t.Tally))
	}
	fmt.Fprintln(out, "  按单位")
	const most = 20
	for i, t := range p.Units {
		if i == most {
			fmt.Fprintf(out, "    另有 %d 家单位\n", len(p.Units)-most)
			break
		}
		fmt.Fprintf(out, "    %s：%s\n", unitName(pack, t.Unit), tallyWords(t.Tally))
	}
	fmt.Fprintln(out, "  例如")
	for i := range p.Examples {
		fmt.Fprintf(out, "    %s\n", exampleWords(pack, &p.Examples[i]))
	}
}

func unitName(pack *config.Pack, unit string) string {
	if unit == "" {
		return "尚无承办单位"
	}
	return pack.Ruleset.UnitName(unit)
}

// tallyWords writes what is not zero: 3 张工单，2 个期限提前，1 个变为超期.
func tallyWords(t sla.Tally) string {
	if t == (sla.Tally{}) {
		return "没有变化"
	}
	words := []string{fmt.Sprintf("%d 张工单有变化", t.Tickets)}
	for _, part := range []struct {
		n    int
		text string
	}{
		{t.Earlier, "个期限提前"},
		{t.Later, "个期限推后"},
		{t.Added, "个时限新增"},
		{t.Dropped, "个时限取消"},
		{t.Overdue, "个变为超期"},
		{t.Relieved, "个不再超期"},
		{t.Missed, "个已办的改判超时"},
		{t.Met, "个已办的改判按时"},
		{t.Steps, "级阶梯立即触发"},
	} {
		if part.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	return strings.Join(words, "，")
}

func exampleWords(pack *config.Pack, m *sla.MovedClock) string {
	words := func(at time.Time) string {
		if at.IsZero() {
			return "无"
		}
		return pack.Calendar.Words(at)
	}
	holder := "整单"
	if m.Assignment > 0 {
		holder = unitName(pack, m.Unit)
	}
	line := fmt.Sprintf("%s  %s  %s时限  %s → %s", m.Number, holder, m.Clock.Title(), words(m.Before), words(m.After))
	switch {
	case m.Ended && m.Overdue && !m.WasOverdue:
		line += "，改判超时"
	case m.Ended && !m.Overdue && m.WasOverdue:
		line += "，改判按时"
	case m.Overdue && !m.WasOverdue:
		line += "，变为超期"
	case !m.Overdue && m.WasOverdue:
		line += "，不再超期"
	}
	return line
}
