package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestTheTableRefusesOverlaps(t *testing.T) {
	t.Parallel()
	storetest.OverlapsAreRefused(t, openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)}).Tables)
}

// While gateways are changed one by one, those of the version before raise and acknowledge alerts in their way:
// theirs are looked at, and nothing is written over an acknowledgement.
func TestAlertsOfAnOlderGateway(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)})
	id := storetest.NewMaker().ID(t, storetest.Day)
	old := func(text string, args ...any) {
		t.Helper()
		err := s.DB.Write(t.Context(), func(ctx context.Context, tx tables.Tx) error {
			_, err := tx.Exec(ctx, text, args...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	old(`INSERT INTO alerts (id, key, ticket, number, unit, region, level, post, text, at, acked_by, acked_at)
		VALUES (?, 'k', NULL, 'LY1', '住建局', '371302', 'red', 'zj.head', '红牌', ?, '', NULL)`, id[:], storetest.Day.UnixMilli())
	list, err := s.Alerts(t.Context(), store.AlertFilter{Look: storetest.Day})
	if err != nil || len(list) != 1 || list[0].Version != 1 {
		t.Fatalf("to look at: %+v, %v", list, err)
	}
	old(`UPDATE alerts SET acked_by = 'duty1', acked_at = ? WHERE id = ? AND acked_at IS NULL`, storetest.Day.UnixMilli(), id[:])
	late := store.AlertChange{Was: list[0], Alert: list[0], Entry: store.AlertEntry{At: storetest.Day.Add(time.Minute), What: store.AlertClimbed}}
	late.Alert.Version++
	if err := s.Commit(t.Context(), store.Change{AlertChanges: []store.AlertChange{late}})[0]; !ticket.IsKind(err, ticket.Conflict) {
		t.Errorf("a climb after the acknowledgement: %v", err)
	}
}
