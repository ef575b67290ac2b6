package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

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
	c := &city.City{Policies: pack.PolicySet, DefaultPolicy: pack.City.DefaultPolicy, Rules: pack.Ruleset, Zone: pack.City.Location} // all that clocks rest on
	told, ok := c.ExplainClocks(&item.Ticket, city.Upto(&item.Ticket, history), now)
	if !ok {
		return fmt.Errorf("the pack in force has neither policy %q of the ticket nor a default one", item.Policy)
	}
	if asJSON {
		return json.NewEncoder(out).Encode(told)
	}
	terms := told.Policy + "  " + told.PolicyTitle
	if told.Statutory {
		terms += "（法定）"
	}
	fmt.Fprintf(out, "工单  %s\n时限办法  %s\n", told.Number, terms)
	if told.Basis != "" {
		fmt.Fprintf(out, "依据  %s\n", told.Basis)
	}
	fmt.Fprintf(out, "现在  %s\n", told.Calendar.Words(now))
	for i := range told.Clocks {
		printClock(out, told.Calendar, &told.Clocks[i])
	}
	return nil
}

func printClock(out io.Writer, calendar *sla.Calendar, k *city.ExplainedClock) {
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
