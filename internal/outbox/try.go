package outbox

import (
	"context"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/ticket"
)

// Try sends a test message to a destination, past routes and breaker but within its rate: whoever sets one up
// wants to see it arrive. Errors: NotFound when the pack has none of that id; TooMany within its rate; Unavailable,
// with what the destination answered, when it did not take the message.
func (w *Worker) Try(ctx context.Context, destination, by string) error {
	c, wall := w.Live.Get(), w.Wall()
	d, ok := c.Notices.Destination(destination)
	if !ok {
		return ticket.Errorf(ticket.NotFound, "destination.unknown", "没有这个通知去向")
	}
	at, ok, err := w.Store.TakeTurn(ctx, d.ID, d.PerMinute(), wall, false)
	if err != nil {
		return err
	}
	if !ok {
		e := ticket.Errorf(ticket.TooMany, "destination.rate", "该去向每分钟最多 %d 条，请稍后再试", d.PerMinute())
		e.RetryAfter = at.Sub(wall)
		return e
	}
	now := w.Now()
	err = w.page(ctx, d, &paging.Message{
		ID: "tst_" + ticket.Chain(ticket.Hash{}, []byte(d.ID+by+now.String())).String()[:32], At: now, Since: now, City: c.Title, Destination: d.ID,
		Levels: []string{paging.LevelAlarm}, Count: 1, Zone: c.Zone, Over: d.Kind == paging.Alertmanager, // nobody is called there
		Items: []paging.Item{{Level: paging.LevelAlarm, Text: "测试消息，由 " + by + " 发出，无需处理", Why: "test"}}, Why: []string{"test"},
	})
	if err != nil {
		w.breakers.tell(d.ID, wall, plain(err))
		return ticket.Errorf(ticket.Unavailable, "destination.failed", "测试消息没有被接收：%s", plain(err))
	}
	w.breakers.tell(d.ID, wall, "") // it is back: what waits for it goes
	return nil
}
