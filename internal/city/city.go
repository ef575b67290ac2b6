// Package city is the active city pack made ready for use: rules compiled, policies checked,
// channels built, texts at hand. The use cases read it through Live, so that a reload is one
// atomic swap and nobody ever sees half of a new pack.
//
// It reads no files: internal/app makes a City of a config.Pack.
package city

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/internal/classify"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// City is one version of a city's pack. It is never changed once it is live.
type City struct {
	ID, Name, Title string
	Hash            string // content hash of the pack
	Prefix          string // letters of public numbers
	AreaCode        string
	Zone            *time.Location
	Bounds          geo.Box // the box the city lies in
	Rules           *routing.Ruleset
	Classifier      *classify.Classifier // nil: the pack has none
	Policies        *sla.PolicySet
	DefaultPolicy   string
	Calendar        *sla.Calendar
	Calendars       []*sla.Calendar // the newest version of each of the pack
	Channels        map[string]*Channel
	Reasons         map[string]Reason
	Notices         *paging.Plan
	DutyUnit        string       // the unit of the duty desk
	Roster          *duty.Roster // who holds which post, by its rotations alone
	AlertRules      duty.Rules   // what becomes of alerts nobody acknowledges
	AllowHosts      []string
	Keep            map[string]Keep // by class of data
	// Say gives a text of the pack with its placeholders filled.
	Say func(id string, values map[string]string) string
}

// Keep is how long a class of data is kept, and why so long.
type Keep struct {
	Days  int
	Basis string
}

// Channel is one channel, built and ready.
type Channel struct {
	adapters.Channel
	Spec     adapters.Spec
	Adapter  adapters.Adapter
	PerMin   int // deliveries a minute the channel may send; 0: no limit of its own
	Example  bool
	Training bool // 演练: what comes by it never leaves the gateway
}

// Lane is the writer's lane of the channel's deliveries.
func (c *Channel) Lane() store.Lane {
	if c.Source == ticket.SourceMachine {
		return store.Machines
	}
	return store.Citizens
}

// Reason is a coded reason of the pack.
type Reason struct {
	Code, Title, Basis, Advice string
	For                        []string
	Evidence                   bool // a request for this reason needs an attachment that proves it
}

// Live holds the active city.
type Live struct{ p atomic.Pointer[City] }

// NewLive starts with c.
func NewLive(c *City) *Live {
	l := &Live{}
	l.p.Store(c)
	return l
}

// Get is the active city.
func (l *Live) Get() *City { return l.p.Load() }

// Set makes c the active city.
func (l *Live) Set(c *City) { l.p.Store(c) }

// Clocks evaluates a ticket's clocks by the policy it is pinned to. Where the pack no longer has that
// version, the one that held at registration does, else the default policy: no deadline is dropped by a reload.
// ok is false when not even that one is there.
func (c *City) Clocks(t *ticket.Ticket, history []ticket.Event, now time.Time) (clocks []sla.Clock, ok bool) {
	policy, calendar, ok := c.Terms(t)
	if !ok {
		return nil, false
	}
	return sla.Evaluate(history, policy, calendar, now), true
}

// Terms are the policy and the calendar a ticket's clocks go by; see [City.Clocks].
func (c *City) Terms(t *ticket.Ticket) (policy sla.Policy, calendar *sla.Calendar, ok bool) {
	if policy, calendar, ok = c.Policies.Lookup(t.Policy); !ok {
		id, _, _ := strings.Cut(t.Policy, "@")
		policy, calendar, ok = c.Policies.Lookup(c.PolicyKey(id, t.RegisteredAt))
	}
	return policy, calendar, ok
}

// Unrated reports whether a ticket is outside the public rates (不计率): its policy says so, a machine made it, which nobody
// asks whether it is satisfied, or two reviews ended it as unreasonable.
func (c *City) Unrated(t *ticket.Ticket) bool {
	policy, _, ok := c.Terms(t)
	return t.Source == ticket.SourceMachine || t.Training || t.Outcome.Unrated || ok && policy.Unrated
}

// CallsBack reports whether tickets of a policy, by its key, are called back: those that the public rates count, and
// others that have a clock for it. Nobody waits for a word on a patrol's log.
func (c *City) CallsBack(key string) bool {
	policy, _, ok := c.Policies.Lookup(key)
	_, clocked := policy.Clocks[sla.ClockCallback]
	return !ok || !policy.Unrated || clocked
}

// Change is the write of a ticket's next state: the row, its events, and when to look again.
// history is the whole of the ticket's events up to t, the new ones included; see [Upto].
func (c *City) Change(expect int64, t ticket.Ticket, history []ticket.Event, now time.Time) store.TicketChange {
	clocks, _ := c.Clocks(&t, history, now)
	return c.ChangeBy(expect, t, history[expect:], clocks)
}

// ChangeBy is Change for clocks that are known already.
func (c *City) ChangeBy(expect int64, t ticket.Ticket, events []ticket.Event, clocks []sla.Clock) store.TicketChange {
	change := store.TicketChange{Expect: expect, Ticket: t, Events: events, Unrated: c.Unrated(&t)}
	if look, ok := sla.NextLook(clocks); ok {
		change.Look = look
	}
	for _, k := range clocks {
		if k.Name == sla.ClockResolve && k.Assignment == 0 {
			change.Due, change.Provisional = k.DueAt, k.Provisional
		}
	}
	change.Callback = callbackAt(&t, clocks)
	return change
}

// callbackAt is when the citizen is to be called next: by the deadline or at the time the citizen asked for; at once where the
// citizen has spoken, is not content, and somebody must decide what follows. Zero when nobody is owed a call.
func callbackAt(t *ticket.Ticket, clocks []sla.Clock) time.Time {
	if t.State != ticket.StateResolved || t.Historic {
		return time.Time{}
	}
	if t.Callback.Done && (t.Outcome.Final == ticket.Dissatisfied || t.Outcome.SolvedByWord != nil && !*t.Outcome.SolvedByWord) {
		return t.Callback.At
	}
	for _, k := range clocks {
		if k.Name != sla.ClockCallback || k.State != sla.Running {
			continue
		}
		if !t.Callback.Appointed.IsZero() {
			return t.Callback.Appointed
		}
		return k.DueAt
	}
	return time.Time{}
}

// Upto leaves out of a history what was written after the ticket was read: the commit then meets
// the newer version and is a Conflict, as it must be.
func Upto(t *ticket.Ticket, history []ticket.Event) []ticket.Event {
	return history[:min(int64(len(history)), t.Version)]
}

// PolicyKey pins a policy by id for a ticket registered at a time: the version that holds then, or that of the
// default policy when the id is unknown, empty, or does not hold yet. A ticket of before the default policy's first day has the
// first version of that: no ticket is without deadlines.
func (c *City) PolicyKey(id string, at time.Time) string {
	p, ok := c.Policies.By(id, at)
	if !ok {
		p, ok = c.Policies.By(c.DefaultPolicy, at)
	}
	if first, known := c.Policies.First(c.DefaultPolicy); !ok && known {
		p, _ = c.Policies.By(c.DefaultPolicy, first)
	}
	return p.Key()
}

// HasSystem reports whether a unit has a system of its own that is told of its tickets. The others
// read them in the console; writing them notices would cost a tenth of intake for nothing.
func (c *City) HasSystem(unit string) bool {
	u, ok := c.Rules.Unit(unit)
	return ok && u.Notify != nil
}

// UnitTitle is the name of a unit as people know it; the id itself when the pack has none.
func (c *City) UnitTitle(id string) string {
	if u, ok := c.Rules.Unit(id); ok {
		return u.Name
	}
	return id
}
