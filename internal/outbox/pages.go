package outbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Cause is what raised alerts, as far as paging goes.
type Cause struct {
	// Key is the same for all alerts of one cause, which a destination is told of once; empty: the key of each.
	Key        string
	Rule       string // rule, policy and step: why it is told
	Unit       string // whose work it is about; empty: the unit of the alert
	Clock      string // "" when no clock raised it
	Step       string
	Assignment int       // of the clock
	Due        time.Time // of the clock
	Statutory  bool      // a clock of the law: no silence holds it back
	Again      string    // tells this page of an alert from those before: it is told once more, by routes that name posts or roles
}

// PageNotice is what is kept of an alert for its page: enough to say what it is about and whether it still
// stands, nothing of the citizen.
type PageNotice struct {
	Route      string `json:"route"`
	Number     string `json:"number,omitempty"`
	Unit       string `json:"unit,omitempty"`
	UnitName   string `json:"unit_name,omitempty"`
	Level      string `json:"level"`
	Clock      string `json:"clock,omitempty"`
	Step       string `json:"step,omitempty"`
	Assignment int    `json:"assignment,omitempty"`
	Text       string `json:"text"`
	Rule       string `json:"rule"`
	Alert      string `json:"alert"` // key of the alert in the console, or what the keys of its cause begin with
	Due        int64  `json:"due,omitempty"`
	At         int64  `json:"at"`
	Urgent     bool   `json:"urgent,omitempty"`
	Statutory  bool   `json:"statutory,omitempty"`
	Call       bool   `json:"call,omitempty"` // it only asks for somebody who takes the alert: it has climbed, woke or was handed over
}

// Pages makes the notices by which the destinations of the pack hear of alerts, to be written in the commit
// that raises them. t is the ticket the alerts are about, nil when there is none. A destination gets one notice of
// a cause, however many alerts and routes lead to it. An emergency goes by itself and at once; everything else
// waits for its group.
func Pages(c *city.City, t *ticket.Ticket, alerts []store.Alert, why Cause) ([]store.Notice, error) {
	var list []store.Notice
	told := map[string]bool{}
	for i := range alerts {
		a := &alerts[i]
		s := paging.Subject{Unit: cmp.Or(why.Unit, a.Unit), Post: a.Post, Role: roleOf(c, a.Post), Level: a.Level, Clock: why.Clock}
		for _, r := range c.Notices.Match(s, c.Rules.WithinUnit) {
			if why.Again != "" && len(r.Roles)+len(r.Posts) == 0 {
				continue // who is copied in on everything has had it
			}
			for _, to := range r.To {
				d, ok := c.Notices.Destination(to)
				key := strings.Join([]string{KindPage, cmp.Or(why.Key, a.Key) + why.Again, to}, "/")
				if !ok || told[key] {
					continue
				}
				told[key] = true
				n, err := page(c, t, a, s, why, r, d, key)
				if err != nil {
					return nil, err
				}
				list = append(list, n)
			}
		}
	}
	return list, nil
}

func page(c *city.City, t *ticket.Ticket, a *store.Alert, s paging.Subject, why Cause, r *paging.Route, d *paging.Destination, key string) (store.Notice, error) {
	body := PageNotice{
		Route: r.ID, Number: a.Number, Unit: s.Unit, Level: a.Level, Clock: why.Clock, Step: why.Step, Assignment: why.Assignment,
		Text: a.Text, Rule: cmp.Or(why.Rule, "alert/"+a.Level), Alert: cmp.Or(why.Key, a.Key), At: a.At.UnixMilli(), Statutory: why.Statutory,
		Call: why.Again != "",
	}
	if s.Unit != "" {
		body.UnitName = c.UnitTitle(s.Unit)
	}
	if !why.Due.IsZero() {
		body.Due = why.Due.UnixMilli()
	}
	n := store.Notice{
		Key: key, Ticket: a.Ticket, Kind: KindPage, Target: d.ID, Group: r.Group(d, s), Due: r.From(a.At.Add(r.Wait), a.Level, c.Zone), Created: a.At,
		Why: body.Rule + " → " + r.ID,
	}
	if t != nil {
		n.Withheld = t.Training
		if t.Urgency == ticket.UrgencyEmergency {
			body.Urgent, n.Kind, n.Group, n.Due = true, KindUrgentPage, key, a.At
		}
	}
	var err error
	if n.Body, err = json.Marshal(body); err != nil {
		return n, fmt.Errorf("outbox: page of %s: %w", a.Key, err)
	}
	return n, nil
}

// roleOf is the role of a post in its unit.
func roleOf(c *city.City, post string) string {
	unit, _, ok := cutLast(post, ".")
	if !ok {
		return ""
	}
	u, _ := c.Rules.Unit(unit)
	for _, p := range u.Posts {
		if p.ID == post {
			return p.Role
		}
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
