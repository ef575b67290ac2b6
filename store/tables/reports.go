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
