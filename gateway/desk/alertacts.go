package desk

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// reasonMost is how long a reason may be, characters.
const reasonMost = 200

// actOn reads an alert with its family, lets decide say what becomes of them, and writes that in one change;
// again when somebody else was faster.
func (d *Desk) actOn(ctx context.Context, v Viewer, id ticket.ID, decide func(c *city.City, a store.Alert, family []store.Alert, now time.Time) ([]store.AlertChange, error)) (Alert, error) {
	c := d.Live.Get()
	for n := 0; ; n++ {
		a, family, err := d.alert(ctx, c, v, id)
		if err != nil {
			return Alert{}, err
		}
		if n := slices.IndexFunc(family, func(f store.Alert) bool { return f.ID == id }); n >= 0 {
			a = family[n] // one reading decides: a change made between the two would pass for ours
		}
		changes, err := decide(c, a, family, d.Now())
		if err != nil {
			return Alert{}, err
		}
		if len(changes) == 0 { // nothing written is nothing done: nobody may be told otherwise
			return Alert{}, ticket.Errorf(ticket.Conflict, "store.conflict.alert", "告警刚刚有变动，请刷新后再试")
		}
		err = d.Store.Commit(ctx, store.Change{AlertChanges: changes})[0]
		if n < tries && ticket.IsKind(err, ticket.Conflict) {
			continue
		}
		if err != nil {
			return Alert{}, err
		}
		d.Committed(false)
		for i := range changes {
			if changes[i].Alert.ID == id {
				a = changes[i].Alert
			}
		}
		return alertRow(c, &a), nil
	}
}

// change is the next state of an alert and its line of history.
func change(a store.Alert, by string, now time.Time, what store.AlertAction, alter func(next *store.Alert, e *store.AlertEntry)) store.AlertChange {
	next := a
	next.Version++
	e := store.AlertEntry{Alert: a.ID, At: now, By: by, What: what}
	alter(&next, &e)
	e.Post = next.Post
	return store.AlertChange{Was: a, Alert: next, Entry: e}
}

// taken is the refusal of what somebody has done already.
func taken(a *store.Alert) error {
	who := func(by string) string {
		if by == "" {
			return "系统"
		}
		return by
	}
	if a.State() == store.AlertDone {
		return ticket.Errorf(ticket.Conflict, "alert.done", "这条告警已由 %s 办结", who(a.DoneBy))
	}
	return ticket.Errorf(ticket.Conflict, "alert.acked", "这条告警已由 %s 确认", who(a.AckedBy))
}

// Ack acknowledges an alert, and those that climbed from the same one: somebody has it now, and it climbs
// no further. Errors: NotFound when there is none in the viewer's scope; Conflict, with who did, when it is
// acknowledged already.
func (d *Desk) Ack(ctx context.Context, v Viewer, id ticket.ID) error {
	_, err := d.actOn(ctx, v, id, func(_ *city.City, a store.Alert, family []store.Alert, now time.Time) ([]store.AlertChange, error) {
		if !a.AckedAt.IsZero() {
			return nil, taken(&a)
		}
		return acked(family, v.Login, now), nil
	})
	return err
}

func acked(family []store.Alert, by string, now time.Time) (changes []store.AlertChange) {
	for _, a := range family {
		if a.AckedAt.IsZero() {
			changes = append(changes, change(a, by, now, store.AlertAcknowledged, func(next *store.Alert, _ *store.AlertEntry) {
				next.AckedBy, next.AckedAt, next.SnoozedUntil, next.Look = by, now, time.Time{}, time.Time{}
			}))
		}
	}
	return changes
}

// AckedGroup is what became of a group that was acknowledged at once.
type AckedGroup struct {
	Acked int  `json:"acked"`
	Lost  int  `json:"lost"` // somebody else acknowledged them meanwhile
	More  bool `json:"more"` // there are more of the group: ask again
}

// AckGroup acknowledges what waits for a unit at a level, at most 1000 alerts at once. Each is recorded by
// itself.
func (d *Desk) AckGroup(ctx context.Context, v Viewer, unit, level string) (out AckedGroup, err error) {
	c, now := d.Live.Get(), d.Now()
	f, some, err := d.alertFilter(ctx, c, v, AlertQuery{Open: true, Unit: unit, Level: level, Limit: 1000})
	if err != nil || !some {
		return out, err
	}
	rows, err := d.alerts(ctx, c, v, f)
	if err != nil {
		return out, err
	}
	var changes []store.Change
	seen := map[ticket.ID]bool{}
	for i := range rows {
		family := rows[i : i+1]
		if root := rows[i].Family(); seen[root] {
			continue
		} else if seen[root] = true; rows[i].Rung > 0 || root != rows[i].ID {
			if family, err = d.Store.Alerts(ctx, store.AlertFilter{Family: root, Open: true, Limit: 100}); err != nil {
				return out, err
			}
		}
		changes = append(changes, store.Change{AlertChanges: acked(family, v.Login, now)})
	}
	for _, err := range d.Store.Commit(ctx, changes...) {
		switch {
		case err == nil:
			out.Acked++
		case ticket.IsKind(err, ticket.Conflict):
			out.Lost++
		default:
			return out, err
		}
	}
	out.More = len(rows) == f.Limit
	d.Committed(false)
	return out, nil
}

// Finish says that the matter of an alert is seen to, for all of its family.
func (d *Desk) Finish(ctx context.Context, v Viewer, id ticket.ID, reason string) (Alert, error) {
	if err := reasonable(reason, false); err != nil {
		return Alert{}, err
	}
	return d.actOn(ctx, v, id, func(_ *city.City, a store.Alert, family []store.Alert, now time.Time) (changes []store.AlertChange, err error) {
		if !a.DoneAt.IsZero() {
			return nil, taken(&a)
		}
		for _, a := range family {
			if !a.DoneAt.IsZero() {
				continue
			}
			changes = append(changes, change(a, v.Login, now, store.AlertFinished, func(next *store.Alert, e *store.AlertEntry) {
				if next.AckedAt.IsZero() {
					next.AckedBy, next.AckedAt = v.Login, now
				}
				next.DoneBy, next.DoneAt, next.SnoozedUntil, next.Look = v.Login, now, time.Time{}, time.Time{}
				e.Reason = reason
			}))
		}
		return changes, nil
	})
}

// Snooze puts an alert off until a time: it does not climb until then, and then comes again. Errors:
// Conflict when somebody has it; Invalid when the time is past, or later than its level may wait.
func (d *Desk) Snooze(ctx context.Context, v Viewer, id ticket.ID, until time.Time, reason string) (Alert, error) {
	if err := reasonable(reason, false); err != nil {
		return Alert{}, err
	}
	return d.actOn(ctx, v, id, func(c *city.City, a store.Alert, _ []store.Alert, now time.Time) ([]store.AlertChange, error) {
		if !a.AckedAt.IsZero() {
			return nil, taken(&a)
		}
		first := a.SnoozedAt
		if first.IsZero() {
			first = now
		}
		end := c.AlertRules.SnoozeEnd(a.Level, first)
		if urgent, err := d.emergency(ctx, &a); err != nil {
			return nil, err
		} else if urgent && end.After(first.Add(duty.SnoozeUrgent)) {
			end = first.Add(duty.SnoozeUrgent)
		}
		switch {
		case !end.After(now):
			return nil, ticket.Errorf(ticket.Conflict, "alert.snooze.most", "这条%s告警不能再推迟，请确认或移交", LevelTitle(a.Level))
		case !until.After(now):
			return nil, invalid("until", "推迟到的时间已经过去")
		case until.After(end):
			return nil, invalid("until", "%s告警最迟推迟到 %s", LevelTitle(a.Level), local(c, end).Format("2006-01-02 15:04"))
		}
		return []store.AlertChange{change(a, v.Login, now, store.AlertPutOff, func(next *store.Alert, e *store.AlertEntry) {
			next.SnoozedAt, next.SnoozedUntil, next.Look = first, until, until
			e.Until, e.Reason = until, reason
		})}, nil
	})
}

// emergency reports whether an alert is about danger to life.
func (d *Desk) emergency(ctx context.Context, a *store.Alert) (bool, error) {
	if a.Ticket.IsZero() {
		return false, nil
	}
	item, err := d.Store.Ticket(ctx, a.Ticket)
	if ticket.IsKind(err, ticket.NotFound) {
		return false, nil
	}
	return item.Urgency == ticket.UrgencyEmergency, err
}

// HandOver is to whom an alert goes.
type HandOver struct {
	Post   string // empty: it stays at its post
	Person string // login or seat; empty: whoever is on duty at the post
	Reason string
}

// HandOver gives an alert to another post or person. It is delivered anew there, and must be acknowledged
// anew, also when it was acknowledged before. Errors: NotFound; Conflict when it is done; Invalid when
// there is no such post or person in the viewer's scope, or no reason.
func (d *Desk) HandOver(ctx context.Context, v Viewer, id ticket.ID, to HandOver) (Alert, error) {
	if err := reasonable(to.Reason, true); err != nil {
		return Alert{}, err
	}
	if to.Post == "" && to.Person == "" {
		return Alert{}, invalid("post", "请写明移交给哪个岗位或哪个人")
	}
	c := d.Live.Get()
	unit := ""
	if to.Post != "" {
		var known bool
		if _, unit, known = c.Post(to.Post); !known || !v.owns(c, unit) {
			return Alert{}, invalid("post", "没有岗位 %q，或不在您的管辖范围内", to.Post)
		}
	}
	if to.Person != "" {
		if err := d.person(ctx, c, v, to.Person); err != nil {
			return Alert{}, err
		}
	}
	return d.actOn(ctx, v, id, func(c *city.City, a store.Alert, _ []store.Alert, now time.Time) ([]store.AlertChange, error) {
		if !a.DoneAt.IsZero() {
			return nil, taken(&a)
		}
		if to.Post != "" && a.Post == to.Post && a.Person == to.Person {
			return nil, invalid("post", "告警已经在这个岗位")
		}
		if err := d.mayLearn(ctx, c, &a, unit); err != nil {
			return nil, err
		}
		return []store.AlertChange{change(a, v.Login, now, store.AlertHandedOver, func(next *store.Alert, e *store.AlertEntry) {
			if to.Post != "" {
				next.Post, next.Unit = to.Post, unit
			}
			next.Person, next.AckedBy, next.AckedAt, next.SnoozedUntil = to.Person, "", time.Time{}, time.Time{}
			next.DeliveredTo, next.DeliveredAt, next.Look = "", time.Time{}, now
			next.Root, next.Rung = ticket.ID{}, 0 // from here it climbs by itself, from the first rung
			e.Person, e.Reason = to.Person, to.Reason
		})}, nil
	})
}

// owns reports whether a unit is the viewer's, or below.
func (v Viewer) owns(c *city.City, unit string) bool {
	return v.Unit == "" || unit == v.Unit || c.Rules.WithinUnit(unit, v.Unit)
}

// mayLearn refuses to hand an alert about a confidential matter to a unit that has no part in it.
func (d *Desk) mayLearn(ctx context.Context, c *city.City, a *store.Alert, unit string) error {
	if a.Ticket.IsZero() || unit == "" || unit == c.DutyUnit {
		return nil
	}
	item, err := d.Store.Ticket(ctx, a.Ticket)
	if ticket.IsKind(err, ticket.NotFound) {
		return nil
	}
	if err == nil && item.Confidential && !(Viewer{Unit: unit}).shares(c, &item.Ticket) {
		return invalid("post", "这张工单保密，该岗位所在单位没有参与办理")
	}
	return err
}

// person refuses a name that is neither an account in the viewer's scope nor a seat of the rosters.
func (d *Desk) person(ctx context.Context, c *city.City, v Viewer, name string) error {
	u, err := d.Store.User(ctx, name)
	switch {
	case err == nil && !u.Disabled && v.owns(c, u.Unit):
		return nil
	case err != nil && !ticket.IsKind(err, ticket.NotFound):
		return err
	}
	for _, post := range c.Roster.Posts() {
		if _, unit, _ := c.Post(post); !v.owns(c, unit) {
			continue
		}
		r, _ := c.Roster.Rotation(post)
		for _, s := range r.Shifts {
			if slices.Contains(s.Who, name) {
				return nil
			}
		}
	}
	return invalid("person", "没有这个账号或席位")
}

// reasonable refuses a reason that is missing, or too long.
func reasonable(reason string, must bool) error {
	switch {
	case must && reason == "":
		return invalid("reason", "请写明原因")
	case utf8.RuneCountInString(reason) > reasonMost:
		return invalid("reason", "原因最长 %d 字", reasonMost)
	}
	return nil
}
