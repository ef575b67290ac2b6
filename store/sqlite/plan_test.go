package sqlite

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// recorder notes what is asked of a database.
type recorder struct {
	tables.Database
	text string
	args []any
}

func (r *recorder) Read(ctx context.Context, text string, constant bool, args []any, each func(tables.Row) error) error {
	r.text, r.args = text, args
	return r.Database.Read(ctx, text, constant, args, each)
}

// Lists that people and loops ask for all day run along an index and stop at their limit: none
// reads all tickets or sorts them.
func TestHotReadsUseTheirIndex(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)})
	open := []ticket.State{ticket.StateTriage, ticket.StateDispatched, ticket.StateHandling, ticket.StatePaused}
	m := storetest.NewMaker()
	for i := range 30 {
		storetest.Must(t, s, m.Ticket(t, storetest.Day.Add(time.Duration(i)*time.Second)).Change())
	}
	page := func(f store.Filter) string { // the cursor of a list's second page
		f.Limit = 10
		p, err := s.Tickets(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return p.Next
	}
	type question func(ctx context.Context, s *Store) error
	list := func(f store.Filter) question {
		return func(ctx context.Context, s *Store) error {
			_, err := s.Tickets(ctx, f)
			return err
		}
	}
	recognise := func(ctx context.Context, s *Store) error {
		_, _, err := s.Recognise(ctx, store.Recognition{Channel: "a", Key: "b", Sender: store.Sender{Phone: "1", Channel: "a", ChannelID: "2"}})
		return err
	}
	for name, tt := range map[string]struct {
		ask   question
		index string
		sorts bool // few rows: the sort costs nothing
	}{
		"newest":         {list(store.Filter{}), "tickets_registered", false},
		"next page":      {list(store.Filter{Cursor: page(store.Filter{})}), "tickets_registered", false},
		"period":         {list(store.Filter{From: storetest.Day, To: storetest.Day}), "tickets_registered", false},
		"open by due":    {list(store.Filter{States: open, Order: "due"}), "tickets_due", false},
		"overdue by due": {list(store.Filter{Overdue: true, Now: storetest.Day, Order: "due"}), "tickets_due", false},
		"open, next page": {
			list(store.Filter{States: open, Order: "due", Cursor: page(store.Filter{Order: "due"})}), "tickets_due", false,
		},
		"triage":    {list(store.Filter{States: open[:1]}), "tickets_triage", false},
		"callbacks": {list(store.Filter{Order: "callback"}), "tickets_callback", false},
		"disputed":  {list(store.Filter{Queue: store.QueueArbitration}), "tickets_waiting", false},
		"orders":    {list(store.Filter{Queue: store.QueueOrders}), "tickets_waiting", false},
		"phone":     {list(store.Filter{Phone: "13800000000"}), "tickets_phone", true},
		"incident":  {list(store.Filter{Incident: ticket.ID{1}}), "tickets_incident", true},
		"thread": {func(ctx context.Context, s *Store) error {
			_, err := s.Thread(ctx, "a", "b")
			return err
		}, "tickets_thread", true},
		"fold": {func(ctx context.Context, s *Store) error {
			_, err := s.Fold(ctx, "a", "b")
			return err
		}, "tickets_fold", true},
		"timers": {func(ctx context.Context, s *Store) error {
			_, err := s.Due(ctx, storetest.Day, 10)
			return err
		}, "tickets_look", false},
		"oldest timer": {func(ctx context.Context, s *Store) error {
			_, err := s.OldestDue(ctx, storetest.Day)
			return err
		}, "tickets_look", false},
		"claim": {func(ctx context.Context, s *Store) error {
			_, err := s.Claim(ctx, storetest.Day, time.Minute, 10)
			return err
		}, "outbox_pending", false},
		"the next group": {func(ctx context.Context, s *Store) error {
			_, _, err := s.NextGroup(ctx, "page", storetest.Day)
			return err
		}, "outbox_waiting", false},
		"what waits in a group": {func(ctx context.Context, s *Store) error {
			_, err := s.Waiting(ctx, "g", 10)
			return err
		}, "outbox_group", false},
		"pages to send": {func(ctx context.Context, s *Store) error {
			_, err := s.ClaimPages(ctx, "page", storetest.Day, time.Minute, 10)
			return err
		}, "pages_pending", false},
		"what is in a page": {func(ctx context.Context, s *Store) error {
			_, _, err := s.PageNotices(ctx, store.NoticePage{ID: 1, Group: "g"}, 10)
			return err
		}, "outbox_standing", false}, // the last of two questions
		"what to look at again": {func(ctx context.Context, s *Store) error {
			_, err := s.Repeats(ctx, storetest.Day, 10)
			return err
		}, "outbox_repeat", false},
		"what a silence held back": {func(ctx context.Context, s *Store) error {
			_, err := s.Silenced(ctx, 1, 0, 10)
			return err
		}, "outbox_silenced", false},
		"dead notices": {func(ctx context.Context, s *Store) error {
			_, err := s.Notices(ctx, store.NoticeDead, 0, 10)
			return err
		}, "outbox_dead", false},
		"open alerts": {func(ctx context.Context, s *Store) error {
			_, err := s.Alerts(ctx, store.AlertFilter{Open: true})
			return err
		}, "alerts_open", false},
		"alerts to look at": {func(ctx context.Context, s *Store) error {
			_, err := s.Alerts(ctx, store.AlertFilter{Look: storetest.Day})
			return err
		}, "alerts_look", false},
		"alerts in hand": {func(ctx context.Context, s *Store) error {
			_, err := s.Alerts(ctx, store.AlertFilter{Unfinished: true})
			return err
		}, "alerts_undone", false},
		"due in a shift": {list(store.Filter{States: open, DueFrom: storetest.Day, DueBefore: storetest.Day, Order: "due"}), "tickets_due", false},
		"count of a shift": {func(ctx context.Context, s *Store) error {
			_, err := s.CountTickets(ctx, store.Filter{States: open, DueFrom: storetest.Day, DueBefore: storetest.Day})
			return err
		}, "tickets_due", false},
		"registered in a time": {func(ctx context.Context, s *Store) error {
			_, err := s.Registered(ctx, storetest.Day, storetest.Day)
			return err
		}, "tickets_registered", true},
		"overrides of a time": {func(ctx context.Context, s *Store) error {
			_, err := s.Overrides(ctx, store.OverrideFilter{Posts: []string{"a"}, From: storetest.Day, To: storetest.Day})
			return err
		}, "duty_overrides_post", true},
		"calls due": {func(ctx context.Context, s *Store) error {
			_, _, err := s.Calls(ctx, store.CallFilter{CallBackDue: true})
			return err
		}, "calls_due", false},
		"quarantine": {func(ctx context.Context, s *Store) error {
			_, _, err := s.Deliveries(ctx, store.DeliveryFilter{States: []store.DeliveryState{store.DeliveryQuarantined}})
			return err
		}, "deliveries_quarantined", true},
		"history": {func(ctx context.Context, s *Store) error {
			_, err := s.History(ctx, ticket.ID{1})
			return err
		}, "sqlite_autoindex_events_1", false},
		"sender by phone": {recognise, "tickets_phone", true},
		"sender by id":    {recognise, "tickets_sender", true},
		"known request":   {recognise, "r USING PRIMARY KEY", true},
	} {
		r := &recorder{Database: s.DB}
		watched := &Store{Tables: &tables.Tables{Ring: s.Ring, DB: r}}
		if err := tt.ask(t.Context(), watched); err != nil && !ticket.IsKind(err, ticket.NotFound) {
			t.Fatalf("%s: %v", name, err)
		}
		var plan strings.Builder
		err := s.DB.Read(t.Context(), `EXPLAIN QUERY PLAN `+r.text, false, r.args, func(row tables.Row) error {
			var id, parent, unused int
			var detail string
			err := row.Scan(&id, &parent, &unused, &detail)
			plan.WriteString(detail + "\n")
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p := plan.String(); !strings.Contains(p, tt.index) || strings.Contains(p, "SCAN t\n") || !tt.sorts && strings.Contains(p, "TEMP B-TREE") {
			t.Errorf("%s does not run along %s:\n%s", name, tt.index, p)
		}
	}
}
