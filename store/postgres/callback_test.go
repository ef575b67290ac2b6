package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/store/tables"
)

// While gateways are changed one by one, one of the version before closes a ticket and leaves alone what it does not know of:
// nobody is called again for that.
func TestATicketThatAnOlderGatewayClosesIsNotCalledBack(t *testing.T) {
	t.Parallel()
	s, m := openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)}), storetest.NewMaker()
	for range 2 {
		c := m.Ticket(t, storetest.Day).Change()
		c.Tickets[0].Callback = storetest.Day.Add(time.Hour)
		storetest.Must(t, s, c)
	}
	err := s.DB.Write(t.Context(), func(ctx context.Context, tx tables.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE tickets SET state = 'closed', open = 0 WHERE pos = (SELECT min(pos) FROM tickets)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Tickets(t.Context(), store.Filter{Order: "callback"})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d are to be called, %v", len(page.Items), err)
	}
	if c, err := s.Counts(t.Context(), storetest.Day); err != nil || c.Callbacks != 1 {
		t.Errorf("counts are %+v, %v", c, err)
	}
}
