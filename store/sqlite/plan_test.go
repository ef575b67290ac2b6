package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// Lists that people and loops ask for all day run along an index and stop at their limit: none
// reads all tickets or sorts them.
func TestHotReadsUseTheirIndex(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: newRing(t)})
	list := func(f store.Filter) (string, []any) {
		var q query
		s.narrow(&q, f)
		order, err := seek(&q, f)
		if err != nil {
			t.Fatal(err)
		}
		return `SELECT t.doc FROM tickets t` + q.where() + order + ` LIMIT 51`, q.args
	}
	open := []ticket.State{ticket.StateTriage, ticket.StateDispatched, ticket.StateHandling, ticket.StatePaused}
	type read struct {
		text string
		args []any
	}
	filtered := func(f store.Filter) read {
		text, args := list(f)
		return read{text, args}
	}
	for name, tt := range map[string]struct {
		read
		index string
		sorts bool // few rows: the sort costs nothing
	}{
		"newest":          {filtered(store.Filter{}), "tickets_registered", false},
		"next page":       {filtered(store.Filter{Cursor: cursorOf(1, 2)}), "tickets_registered", false},
		"period":          {filtered(store.Filter{From: storetest.Day, To: storetest.Day}), "tickets_registered", false},
		"open by due":     {filtered(store.Filter{States: open, Order: "due"}), "tickets_due", false},
		"open, next page": {filtered(store.Filter{States: open, Order: "due", Cursor: cursorOf(1, 2)}), "tickets_due", false},
		"overdue by due":  {filtered(store.Filter{Overdue: true, Now: storetest.Day, Order: "due"}), "tickets_due", false},
		"triage":          {filtered(store.Filter{States: open[:1]}), "tickets_triage", false},
		"phone":           {filtered(store.Filter{Phone: "13800000000"}), "tickets_phone", true},
		"incident":        {filtered(store.Filter{Incident: ticket.ID{1}}), "tickets_incident", true},
		"thread":          {read{selectItem + `WHERE t.channel = ? AND t.thread = ? AND t.thread <> ''` + newestOpenOne, []any{"a", "b"}}, "tickets_thread", true},
		"fold":            {read{selectItem + `WHERE t.channel = ? AND t.fold_key = ? AND t.fold_key <> ''` + newestOpenOne, []any{"a", "b"}}, "tickets_fold", true},
		"timers":          {read{`SELECT id, look_at FROM tickets WHERE look_at <= ? ORDER BY look_at, pos LIMIT 10`, []any{1}}, "tickets_look", false},
		"oldest timer":    {read{`SELECT min(look_at) FROM tickets WHERE look_at <= ?`, []any{1}}, "tickets_look", false},
		"claim":           {read{`SELECT id FROM outbox WHERE state = 'pending' AND next_at <= ? ORDER BY next_at, id LIMIT 10`, []any{1}}, "outbox_pending", true},
		"dead notices":    {read{`SELECT id FROM outbox WHERE state = 'dead' AND id < ? ORDER BY id DESC LIMIT 10`, []any{1}}, "outbox_dead", false},
		"open alerts":     {read{`SELECT id FROM alerts WHERE acked_at IS NULL ORDER BY pos DESC LIMIT 10`, nil}, "alerts_open", false},
		"calls due":       {read{selectCall + ` WHERE c.call_back = 'due' ORDER BY c.pos DESC LIMIT 10`, nil}, "calls_due", false},
		"quarantine":      {read{`SELECT count(*) FROM deliveries WHERE state = 'quarantined'`, nil}, "deliveries_quarantined", false},
		"history":         {read{selectEvent + `WHERE e.ticket = ? ORDER BY e.seq`, []any{[]byte{1}}}, "sqlite_autoindex_events_1", false},
		"sender by phone": {read{selectSender, []any{[]byte{1}, []byte{2}, 5}}, "tickets_phone", true},
		"known request":   {read{selectRecognised, []any{"a", "b", []byte{1}, []byte{2}, 5}}, "r USING PRIMARY KEY", true},
		"known sender":    {read{selectRecognised, []any{"a", "b", []byte{1}, []byte{2}, 5}}, "tickets_sender", true},
		"sender by id":    {read{selectSender, []any{[]byte{1}, []byte{2}, 5}}, "tickets_sender", true},
	} {
		steps, err := built(t.Context(), s, "plan", `EXPLAIN QUERY PLAN `+tt.text, func(r row) (detail string, err error) {
			var id, parent, unused int
			err = r.Scan(&id, &parent, &unused, &detail)
			return detail, err
		}, tt.args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan := strings.Join(steps, "\n")
		if !strings.Contains(plan, tt.index) || strings.Contains(plan, "SCAN t\n") || !tt.sorts && strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s does not run along %s:\n%s", name, tt.index, plan)
		}
	}
}
