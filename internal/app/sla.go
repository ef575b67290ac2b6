package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// explained is a clock with how its deadline came about.
type explained struct {
	sla.Clock
	Title     string        `json:"title"`
	UnitTitle string        `json:"unit_title,omitempty"`
	Segments  []sla.Segment `json:"segments"`
}

// clockReader reads one ticket.
type clockReader interface {
	recorded
	TicketByNumber(ctx context.Context, number string) (store.Item, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
}

// ExplainClocks says of each clock of a ticket how its deadline came about, stretch by stretch in the city's time. A
// gateway may go on serving.
func ExplainClocks(ctx context.Context, where Where, number string, asJSON bool, out io.Writer) (err error) {
	rows, end, err := where.peek(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	reader, ok := rows.(clockReader)
	if !ok {
		return fmt.Errorf("%s cannot be read by ticket", where.name())
	}
	item, err := reader.TicketByNumber(ctx, number)
	if ticket.IsKind(err, ticket.NotFound) {
		return fmt.Errorf("there is no ticket %q", number)
	}
	if err != nil {
		return err
	}
	history, err := reader.History(ctx, item.ID)
	if err != nil {
		return err
	}
	pack, err := activePack(ctx, rows)
	if err != nil {
		return err
	}
	now, err := where.now()
	if err != nil {
		return err
	}
	c := &city.City{Policies: pack.PolicySet, DefaultPolicy: pack.City.DefaultPolicy} // all that clocks rest on
	clocks, ok := c.Clocks(&item.Ticket, city.Upto(&item.Ticket, history), now)
	if !ok {
		return fmt.Errorf("the pack in force has neither policy %q of the ticket nor a default one", item.Policy)
	}
	calendar := pack.Calendar
	if _, own, ok := pack.PolicySet.Lookup(item.Policy); ok {
		calendar = own
	}
	list := make([]explained, len(clocks))
	for i, k := range clocks {
		list[i] = explained{Clock: k, Title: tracker.ClockTitle(k.Name) + "时限", Segments: sla.Explain(calendar, k)}
		if k.Unit != "" {
			list[i].UnitTitle = pack.Ruleset.UnitName(k.Unit)
		}
	}
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"number": item.Number, "policy": item.Policy, "now": now, "clocks": list})
	}
	fmt.Fprintf(out, "工单  %s\n时限办法  %s\n现在  %s\n", item.Number, item.Policy, calendar.Words(now))
	for _, k := range list {
		printClock(out, calendar, &k)
	}
	return nil
}

func printClock(out io.Writer, calendar *sla.Calendar, k *explained) {
	holder := "整单"
	if k.UnitTitle != "" {
		holder = k.UnitTitle
	}
	fmt.Fprintf(out, "\n%s  %s  %s\n", k.Title, holder, k.Limit)
	ended := ""
	if !k.StoppedAt.IsZero() {
		ended = "，" + calendar.Words(k.StoppedAt) + " 停止"
	}
	late := ""
	if k.Overdue {
		late = "，超时"
	}
	fmt.Fprintf(out, "  %s 开始，%s 到期%s%s\n", calendar.Words(k.StartedAt), calendar.Words(k.DueAt), ended, late)
	for _, s := range k.Segments {
		fmt.Fprintf(out, "    %s\n", s.Text)
	}
	if k.Provisional {
		fmt.Fprintln(out, "    暂定：期限跨入尚未公布放假安排的年份")
	}
}
