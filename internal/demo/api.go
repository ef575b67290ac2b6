package demo

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// read gets something of the API as one of the demo's accounts.
func (d *day) read(ctx context.Context, login, target string, into any) error {
	return d.wire.json(ctx, d.desks[login], http.MethodGet, target, nil, into)
}

// ticket reads one ticket as an account sees it.
func (d *day) ticket(ctx context.Context, login, number string) (*view, error) {
	v := new(view)
	return v, d.read(ctx, login, "/api/v1/tickets/"+number, v)
}

// act does an action on a ticket.
func (d *day) act(ctx context.Context, login, number, action string, body fields) (*view, error) {
	v := new(view)
	return v, d.wire.json(ctx, d.desks[login], http.MethodPost, "/api/v1/tickets/"+number+"/actions/"+action, body, v)
}

// call is a call as the duty officer sees it.
type call struct {
	CallID   string   `json:"call_id"`
	State    string   `json:"state"`
	CallBack string   `json:"call_back"`
	Seconds  int      `json:"seconds"`
	Tickets  []string `json:"tickets"`
}

func (d *day) calls(ctx context.Context, query string) ([]call, error) {
	var list struct {
		Items []call `json:"items"`
	}
	return list.Items, d.read(ctx, dutyLogin, "/api/v1/calls"+query, &list)
}

// quarantined counts the deliveries in quarantine.
func (d *day) quarantined(ctx context.Context) (int, error) {
	var counts struct {
		Quarantined int `json:"quarantined"`
	}
	return counts.Quarantined, d.read(ctx, dutyLogin, "/api/v1/counts", &counts)
}

// track is what a citizen learns with number and code.
type track struct {
	StateTitle string `json:"state_title"`
	Unit       string `json:"unit"`
	Overdue    bool   `json:"overdue"`
	Steps      []struct {
		Title string    `json:"title"`
		Done  bool      `json:"done"`
		At    time.Time `json:"at"`
	} `json:"steps"`
	Replies []struct {
		Text string `json:"text"`
	} `json:"replies"`
}

func (d *day) track(ctx context.Context, number, code string) (track, error) {
	var t track
	return t, d.wire.json(ctx, nil, http.MethodGet, "/api/v1/track/"+number+"?code="+url.QueryEscape(code), nil, &t)
}

// contains is strings.Contains that takes an empty part for a mistake.
func contains(s, part string) bool { return part != "" && strings.Contains(s, part) }
