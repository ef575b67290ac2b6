package tables

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Reports implements [store.Reader]. Every gateway reads all tickets of the others this way, so it leaves
// the document of a ticket alone, which costs most.
func (s *Tables) Reports(ctx context.Context, ids []ticket.ID, from time.Time) ([]store.Report, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := []any{from.UnixMilli()}
	for i := range ids {
		args = append(args, ids[i][:])
	}
	return built(ctx, s.DB, "tickets", `SELECT t.id, t.state, t.channel, t.category, t.region, t.unit, t.incident, t.registered_at, t.sealed
		FROM tickets t WHERE t.registered_at >= ? AND (t.flags & 5) = 0 AND t.source <> 'machine' AND t.id IN (`+marks(len(ids))+`)
		ORDER BY t.registered_at, t.pos`, s.scanReport, args...)
}

func (s *Tables) scanReport(row Row) (r store.Report, err error) {
	var (
		id, incident dbID
		at           dbTime
		sealed       []byte
		private      struct {
			Title     string       `json:"title"`
			Text      string       `json:"text"`
			Place     ticket.Place `json:"place"`
			Appellant struct {
				Phone     string `json:"phone"`
				ChannelID string `json:"channel_id"`
			} `json:"appellant"`
		}
	)
	if err := row.Scan(&id, &r.State, &r.Channel, &r.Category, &r.Region, &r.Unit, &incident, &at, &sealed); err != nil {
		return r, err
	}
	if err := s.openJSON(&private, sealed, placeTicket, id.ID[:]); err != nil {
		return r, err
	}
	r.Ticket, r.Incident, r.RegisteredAt = id.ID, incident.ID, at.Time
	r.Title, r.Text, r.Place = private.Title, private.Text, private.Place
	r.Phone, r.ChannelID = private.Appellant.Phone, private.Appellant.ChannelID
	return r, nil
}

// registration is a first event with where it stands in the list.
type registration struct {
	event   ticket.Event
	at, pos int64
}

// Registrations implements [store.Reader].
func (s *Tables) Registrations(ctx context.Context, from time.Time, cursor string, limit int) ([]ticket.Event, string, error) {
	after := []int64{from.UnixMilli(), 0}
	if cursor != "" {
		var err error
		if after, err = parseCursor(cursor, 2); err != nil {
			return nil, "", err
		}
	}
	limit = pageLimit(limit)
	list, err := many(ctx, s.DB, "events", `SELECT t.registered_at, t.pos, `+eventColumns+` FROM tickets t JOIN events e ON e.ticket = t.id AND e.seq = 1
		WHERE t.registered_at >= ? AND (t.registered_at, t.pos) > (?, ?) ORDER BY t.registered_at, t.pos LIMIT +?`,
		s.scanRegistration, after[0], after[0], after[1], limit+1)
	if err != nil {
		return nil, "", err
	}
	list, next := cut(list, limit, func(r registration) string { return cursorOf(r.at, r.pos) })
	events := make([]ticket.Event, len(list))
	for i := range list {
		events[i] = list[i].event
	}
	return events, next, nil
}

func (s *Tables) scanRegistration(row Row) (r registration, err error) {
	var kept keptEvent
	if err := row.Scan(append([]any{&r.at, &r.pos}, kept.columns()...)...); err != nil {
		return r, err
	}
	item, err := s.event(&kept)
	r.event = item.Event
	return r, err
}
