// Package paging says who outside the console is told of an alert, when, and in which words: the
// destinations and routes of a city pack, the groups they make, quiet hours, and the message of a
// group. It is pure: internal/outbox keeps and sends, internal/sender speaks to the destinations.
//
// The words wait, interval and repeat mean what Alertmanager means by them
// (https://prometheus.io/docs/alerting/latest/configuration/#route).
package paging

import (
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// The kinds of destinations.
const (
	Webhook      = "webhook"      // Standard Webhooks
	DingTalk     = "dingtalk"     // 钉钉 group robot
	WeCom        = "wecom"        // 企业微信 group robot
	Feishu       = "feishu"       // 飞书 group robot
	Mail         = "mail"         // SMTP
	SMS          = "sms"          // an HTTP interface that sends text messages
	Alertmanager = "alertmanager" // POST /api/v2/alerts
)

// Kinds lists the kinds of destinations.
var Kinds = []string{Webhook, DingTalk, WeCom, Feishu, Mail, SMS, Alertmanager}

// LevelAlarm is the level of an alert that no ladder step raised.
const LevelAlarm = "alarm"

// Levels lists the levels of alerts from the mildest.
var Levels = append(slices.Clone(ticket.Levels), LevelAlarm)

// Clocks lists the clocks a route may name, as package sla does.
var Clocks = []string{"dispatch", "sign", "contact", "resolve", "callback"}

// What a group may be made by.
const (
	ByUnit  = "unit"
	ByLevel = "level"
	ByClock = "clock"
)

// Destination is where pages go (通知去向): a group chat, a mailbox, a telephone, another system.
type Destination struct {
	ID     string `yaml:"id"`
	Kind   string `yaml:"kind"`
	Title  string `yaml:"title"`
	URL    string `yaml:"url"`    // an address, or a reference to one that is secret itself
	Token  string `yaml:"token"`  // reference: access_token of a DingTalk robot, key of a WeCom one, the last part of a Feishu hook
	Secret string `yaml:"secret"` // reference: what signs, or the password
	Rate   int    `yaml:"rate"`   // pages a minute; 0: as the kind of destination allows
	SMTP   *SMTP  `yaml:"smtp"`
	Text   *Text  `yaml:"sms"`
}

// SMTP is how a mail leaves.
type SMTP struct {
	Host string   `yaml:"host"`
	Port int      `yaml:"port"` // 0: 587, or 465 with tls: implicit
	TLS  string   `yaml:"tls"`  // starttls (also when empty), implicit, none
	User string   `yaml:"user"` // empty: no authentication
	From string   `yaml:"from"`
	To   []string `yaml:"to"`
}

// The ways a mail server is spoken to.
const (
	TLSStart    = "starttls"
	TLSImplicit = "implicit"
	TLSNone     = "none"
)

// Text is the request that makes a provider send a text message. URL of the destination is where it goes.
type Text struct {
	Method  string            `yaml:"method"` // empty: POST
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"` // with {text}, {to}, {id}, {secret}
	To      []string          `yaml:"to"`
	OK      Success           `yaml:"ok"`
}

// Success is how a provider says in JSON that it took a message.
type Success struct {
	Pointer string `yaml:"pointer"` // RFC 6901
	Equals  string `yaml:"equals"`
}

// PerMinute is the rate in force: DingTalk and WeCom refuse more than 20 messages a minute.
func (d *Destination) PerMinute() int {
	switch {
	case d.Rate > 0:
		return d.Rate
	case d.Kind == DingTalk, d.Kind == WeCom:
		return 20
	case d.Kind == Feishu:
		return 100
	default:
		return 60
	}
}

// Route says which alerts go to which destinations (通知路由). Parts left empty let every alert through.
type Route struct {
	ID       string        `yaml:"id"`
	Levels   []string      `yaml:"levels"`
	Units    []string      `yaml:"units"` // these and those below them
	Posts    []string      `yaml:"posts"`
	Roles    []string      `yaml:"roles"`
	Clocks   []string      `yaml:"clocks"`
	To       []string      `yaml:"to"` // destinations
	GroupBy  []string      `yaml:"group_by"`
	Wait     time.Duration `yaml:"group_wait"`      // before the first page of a group
	Interval time.Duration `yaml:"group_interval"`  // between pages of a group
	Repeat   time.Duration `yaml:"repeat_interval"` // until what still stands is told again; 0: never
	Quiet    Quiet         `yaml:"quiet"`           // 免打扰
	Loud     []string      `yaml:"quiet_except"`    // levels that quiet hours do not hold
	Continue bool          `yaml:"continue"`        // routes after this one are tried, too
}

// Watch is how the gateway watches itself.
type Watch struct {
	Through     string        `yaml:"through"`     // destination told when something is stuck
	Lag         time.Duration `yaml:"lag"`         // deadlines looked at so late; 0: 1 m
	Undelivered time.Duration `yaml:"undelivered"` // notices that wait so long past their time; 0: 10 m
	Repeat      time.Duration `yaml:"repeat"`      // until a trouble that lasts is told again; 0: 1 h
	Heartbeat   *Heartbeat    `yaml:"heartbeat"`
}

// Heartbeat is the address an outside monitor expects to be called.
type Heartbeat struct {
	URL   string        `yaml:"url"`   // an address, or a reference to one
	Every time.Duration `yaml:"every"` // 0: 1 m
}

// Plan is all of it, checked. The zero Plan tells nobody.
type Plan struct {
	Destinations []Destination `yaml:"destinations"`
	Routes       []Route       `yaml:"routes"`
	Watch        Watch         `yaml:"watch"`
}

// Destination finds a destination by id.
func (p *Plan) Destination(id string) (*Destination, bool) {
	if p == nil {
		return nil, false
	}
	i := slices.IndexFunc(p.Destinations, func(d Destination) bool { return d.ID == id })
	if i < 0 {
		return nil, false
	}
	return &p.Destinations[i], true
}

// Route finds a route by id. What a route of an earlier pack wrote is delivered by the zero Route: at once.
func (p *Plan) Route(id string) Route {
	if p != nil {
		for i := range p.Routes {
			if p.Routes[i].ID == id {
				return p.Routes[i]
			}
		}
	}
	return Route{ID: id}
}

// Subject is of an alert what routes look at.
type Subject struct {
	Unit  string // whose work it is about
	Post  string // who must see it
	Role  string // of the post
	Level string
	Clock string // "" when no clock raised it
}

// Match finds the routes of an alert: the first that fits, and those after it while they say continue.
// within reports whether a unit lies below another.
func (p *Plan) Match(s Subject, within func(unit, above string) bool) []*Route {
	if p == nil {
		return nil
	}
	var found []*Route
	for i := range p.Routes {
		r := &p.Routes[i]
		if !r.takes(s, within) {
			continue
		}
		found = append(found, r)
		if !r.Continue {
			break
		}
	}
	return found
}

func (r *Route) takes(s Subject, within func(unit, above string) bool) bool {
	among := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	under := len(r.Units) == 0 || slices.ContainsFunc(r.Units, func(u string) bool { return u == s.Unit || within(s.Unit, u) })
	return under && among(r.Levels, s.Level) && among(r.Posts, s.Post) && among(r.Roles, s.Role) && among(r.Clocks, s.Clock)
}

// Group is the key of what is paged together: the route, the destination, and what the route groups by. For
// Alertmanager the clock always counts, since it is part of the alert's identity there.
func (r *Route) Group(d *Destination, s Subject) string {
	parts := []string{r.ID, d.ID}
	for _, by := range []struct{ name, value string }{{ByUnit, s.Unit}, {ByLevel, s.Level}, {ByClock, s.Clock}} {
		if !slices.Contains(r.GroupBy, by.name) && d.Kind != Alertmanager {
			by.value = ""
		}
		parts = append(parts, by.value)
	}
	if slices.Contains(r.Loud, s.Level) {
		parts = append(parts, "loud") // what quiet hours do not hold is not held with what they do
	}
	return strings.Join(parts, "/")
}

// Again is until when what still stands at a destination is told again; 0: never. Alertmanager ends an alert it
// does not hear of, so there it is always told again.
func (r *Route) Again(d *Destination) time.Duration {
	if r.Repeat == 0 && d.Kind == Alertmanager {
		return 5 * time.Minute
	}
	return r.Repeat
}

// From is the earliest time at or after at when the route may page of a level.
func (r *Route) From(at time.Time, level string, zone *time.Location) time.Time {
	if slices.Contains(r.Loud, level) {
		return at
	}
	return r.Quiet.Until(at, zone)
}
