package demo

import (
	"context"
	"errors"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// When the observer writes and when the town has dealt with it, on the storm day of the seed.
const (
	floodSeen   = 8*time.Hour + 37*time.Minute
	floodSolved = 90 * time.Minute // later: 10:07
)

// observerReportsFlood: a self-media observer, with no citizen's telephone number, reports water at a
// crossing of 滨河路 outside the main urban area. The town owns it, not the city's centre.
func observerReportsFlood(ctx context.Context, d *day, r *record) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	local := now.In(d.Zone)
	seen := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, d.Zone).Add(floodSeen)
	if local.Before(seen) && seen.Sub(local) < time.Hour { // the demo began before it happened
		if _, err := d.until(ctx, seen); err != nil {
			return err
		}
		if now, err = d.clock.now(ctx); err != nil {
			return err
		}
	}
	at := d.places.crossing
	a, err := d.form(ctx, "observer", fields{
		"clientReportId": d.places.key("flood"), "type": ticket.TypeHelp, "category": "01.04.01", "occurredAt": d.stamp(now),
		"description": "粉丝私信说，滨河路与聚才八路路口积水严重，水已漫过路面，还有漩涡，车辆不敢通行",
		"reporter":    fields{"type": "observer", "id": d.places.key("observer"), "name": "观察员小沂"},
		"location":    fields{"lng": at.lng, "lat": at.lat, "crs": "WGS84", "address": "滨河路与聚才八路交叉口"},
	}, photo(d.Run), photo(d.Run+5))
	if err != nil {
		return err
	}
	d.kept.flood = r
	if !r.took(a) {
		return nil
	}
	r.expect(ownedBy("s-371302105"), decidedBy("r-flood-outside"), is(ticket.UrgencyUrgent), underPolicy("flood"),
		that("照片两张", func(v *view) bool { return len(v.Media) == 2 }))
	v, err := d.ticket(ctx, townLogin, r.Number)
	if err != nil {
		return err
	}
	r.received = v.ReceivedAt
	r.note("%s", v.Unit.Title)
	for _, step := range []string{"sign", "contact"} {
		if _, err := d.act(ctx, townLogin, r.Number, step, fields{"assignment": v.lead()}); err != nil {
			return err
		}
	}
	return nil
}

// lead is the number of the lead assignment.
func (v *view) lead() int {
	for _, a := range v.Assignments {
		if a.Role == string(ticket.Lead) {
			return a.No
		}
	}
	return 0
}

// yellowCard waits until the unsigned ticket of the forty callers trips its first deadline.
func yellowCard(ctx context.Context, d *day, r *record) error {
	if d.kept.gate == nil || d.kept.gate.Number == "" {
		return errors.New("the forty callers have no ticket")
	}
	r.Number = d.kept.gate.Number
	v, err := d.ticket(ctx, dutyLogin, r.Number)
	if err != nil {
		return err
	}
	inTime, err := d.until(ctx, v.ReceivedAt.Add(12*time.Minute)) // to be signed within ten
	if err != nil {
		return err
	}
	if !inTime {
		r.note("时钟走得太慢，没有等")
		return nil
	}
	tripped, err := d.poll(ctx, 10*time.Second, func() (bool, error) {
		v, err = d.ticket(ctx, dutyLogin, r.Number)
		return err == nil && v.Level != "", err
	})
	if err != nil {
		return err
	}
	if !r.must(tripped, "nobody signed within ten minutes, and no card was drawn") {
		return nil
	}
	r.fill(v)
	if len(r.Deadlines) > 0 {
		r.note("%s", r.Deadlines[0])
	}
	r.expect(that("黄牌在案", func(v *view) bool { return v.Level != "" && v.Level != "remind" }))
	return nil
}

// townResolves: at 10:07 the town reports back, inside its policy, and the observer finds the answer
// by number and code.
func townResolves(ctx context.Context, d *day, r *record) error {
	flood := d.kept.flood
	if flood == nil || flood.Number == "" {
		return errors.New("the flood has no ticket")
	}
	r.Number, r.code = flood.Number, flood.code
	inTime, err := d.until(ctx, flood.received.Add(floodSolved))
	if err != nil {
		return err
	}
	const answer = "经义堂镇现场处置，10时05分积水已排除，道路恢复通行。感谢您及时反映。"
	v, err := d.act(ctx, townLogin, r.Number, "resolve", fields{"assignment": flood.leadNo(ctx, d), "public_reply": answer, "note": "抽水两车，清掏雨水篦子六处"})
	if err != nil {
		return err
	}
	for _, a := range v.Assignments { // who was called to help is no longer needed
		if a.Role == string(ticket.Assist) && ticket.AssignmentState(a.State).Active() {
			if _, err := d.act(ctx, deskLogin, r.Number, "withdraw", fields{"assignment": a.No, "reason": "self_resolved"}); err != nil {
				return err
			}
		}
	}
	r.expect(stands(ticket.StateResolved), that("办结没有超时", func(v *view) bool {
		for _, k := range v.Clocks {
			if k.Name == "resolve" && (k.Overdue || k.State == "missed") {
				return false
			}
		}
		return true
	}))
	t, err := d.track(ctx, r.Number, r.code)
	if err != nil {
		return err
	}
	answered := len(t.Replies) > 0 && t.Replies[len(t.Replies)-1].Text == answer
	if r.must(answered && !t.Overdue, "the observer does not find the answer") {
		at := v.resolvedAt().In(d.Zone)
		r.note("%s 办结，用时 %d 分钟，观察员凭查询码看到答复", at.Format("15:04"), int(at.Sub(flood.received).Minutes()))
	}
	if !inTime {
		r.note("时钟走得太慢，没有等到 %s：当场办结", flood.received.Add(floodSolved).In(d.Zone).Format("15:04"))
	}
	return nil
}

// resolvedAt is when the lead unit reported back.
func (v *view) resolvedAt() time.Time {
	for _, e := range v.Events {
		if e.Action == string(ticket.Resolve) {
			return e.At
		}
	}
	return time.Time{}
}

// leadNo reads the lead assignment's number once more: the desk may have changed it meanwhile.
func (r *record) leadNo(ctx context.Context, d *day) int {
	v, err := d.ticket(ctx, townLogin, r.Number)
	if err != nil {
		return 0 // the API then takes the handler's own
	}
	return v.lead()
}
