package sender

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/signature"
)

// webhook speaks Standard Webhooks (https://www.standardwebhooks.com).
type webhook struct{ base }

// page is a page as a webhook has it.
type page struct {
	Type        string        `json:"type"`
	Timestamp   time.Time     `json:"timestamp"`
	ID          string        `json:"id"`
	Destination string        `json:"destination"`
	Route       string        `json:"route,omitempty"`
	Title       string        `json:"title"`
	Levels      []string      `json:"levels"`
	Unit        string        `json:"unit,omitempty"`
	UnitID      string        `json:"unit_id,omitempty"`
	Count       int           `json:"count"`
	Standing    int           `json:"standing,omitempty"`
	Repeated    bool          `json:"repeated,omitempty"`
	Urgent      bool          `json:"urgent,omitempty"`
	OldestDue   time.Time     `json:"oldest_due,omitzero"`
	Items       []paging.Item `json:"items"`
	Why         []string      `json:"why"`
}

func (s webhook) Send(ctx context.Context, m *paging.Message) error {
	body, err := marshal(page{
		Type: "page", Timestamp: m.At, ID: m.ID, Destination: m.Destination, Route: m.Route, Title: m.Title(), Levels: m.Levels, Unit: m.Unit, UnitID: m.UnitID,
		Count: m.Count, Standing: m.Standing, Repeated: m.Repeated, Urgent: m.Urgent, OldestDue: m.Oldest, Items: m.Items, Why: m.Why,
	})
	if err != nil {
		return err
	}
	at := s.deps.Wall()
	signed, err := signature.SignStandardWebhook(s.secret, m.ID, at, body)
	if err != nil {
		return &RefusalError{Destination: s.d.ID, Code: "secret", Message: err.Error(), Final: true}
	}
	req, err := s.request(ctx, http.MethodPost, s.address, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set(signature.HeaderWebhookID, m.ID)
	req.Header.Set(signature.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(signature.HeaderWebhookSignature, signed)
	_, err = s.do(req)
	return err
}
