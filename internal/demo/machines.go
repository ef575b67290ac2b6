package demo

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// gauge is what the water gauge of the flooded crossing sends.
func (d *day) gauge(kind string, depth int, at time.Time) fields {
	p := d.places.crossing.north(15)
	return fields{"type": "level." + kind, "timestamp": d.stamp(at), "data": fields{
		"device": d.places.key("FG-0007"), "site": "聚才八路", "depthCm": depth, "level": 3, "lng": p.lng, "lat": p.lat,
	}}
}

func gaugeRaises(ctx context.Context, d *day, r *record) error {
	d.kept.gauge = r
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	res, err := d.webhook(ctx, "flood-gauge", d.places.key("gauge-up"), d.gauge("alarm", 42, now))
	if err != nil {
		return err
	}
	r.must(res.status/100 == 2, "the gauge was answered %d", res.status)
	r.expect(ownedBy("s-371302105"), decidedBy("m-gauge-outside"), stands(ticket.StateClosed))
	return d.madeBy(ctx, r, "flood-gauge", now)
}

func gaugeClears(ctx context.Context, d *day, r *record) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	res, err := d.webhook(ctx, "flood-gauge", d.places.key("gauge-down"), d.gauge("clear", 1, now))
	if err != nil {
		return err
	}
	r.Number = d.kept.gauge.Number
	r.must(res.status/100 == 2, "the gauge was answered %d", res.status)
	r.expect(stands(ticket.StateClosed))
	return nil
}

// bin is a CloudEvent of a litter bin.
func (d *day) bin(kind string, fill int, at time.Time) fields {
	p := d.places.gate.north(40)
	name := d.places.key("00AB")
	return fields{
		"specversion": "1.0", "id": name + "-" + kind, "source": "urn:iot:bin:" + name, "type": "cn.city.waste.bin." + kind, "subject": "bin/" + name,
		"time": at.UTC().Format(time.RFC3339), "data": fields{"fillPct": fill, "loc": fields{"lng": p.lng, "lat": p.lat, "crs": "WGS84"}},
	}
}

func binFull(ctx context.Context, d *day, r *record) error {
	d.kept.bin = r
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	for range 2 { // the second is the sensor's own retry
		res, err := d.webhook(ctx, "bin-sensor", d.places.key("bin-full"), d.bin("full", 97, now))
		if err != nil {
			return err
		}
		r.must(res.status/100 == 2, "the sensor was answered %d", res.status)
	}
	r.expect(ownedBy("b-huanwei"), decidedBy("m-bin-full"), stands(ticket.StateClosed), that("重投不算重复告警", func(v *view) bool { return v.Counters.Repeats == 0 }))
	return d.madeBy(ctx, r, "bin-sensor", now)
}

func binEmptied(ctx context.Context, d *day, r *record) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	res, err := d.webhook(ctx, "bin-sensor", d.places.key("bin-empty"), d.bin("empty", 2, now))
	if err != nil {
		return err
	}
	r.Number = d.kept.bin.Number
	r.must(res.status/100 == 2, "the sensor was answered %d", res.status)
	r.expect(stands(ticket.StateClosed))
	return nil
}

// truckAlarms: a hundred alarms of one truck within ten minutes are one ticket with a count.
func truckAlarms(ctx context.Context, d *day, r *record) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	device := d.places.key("T-021")
	at := d.places.gate.east(200)
	for batch := range 10 {
		var alarms []fields
		for n := range 10 {
			seq := batch*10 + n + 1
			when := now.Add(-10*time.Minute + time.Duration(seq)*6*time.Second)
			alarms = append(alarms, fields{
				"deviceId": device, "seq": seq, "plate": "鲁Q示例1", "alarmType": 2, "time": d.stamp(when),
				"lng": at.lng, "lat": at.lat, "speed": 41.5,
			})
		}
		res, err := d.webhook(ctx, "truck", "", fields{"alarms": alarms})
		if err != nil {
			return err
		}
		if !r.must(res.status == http.StatusOK, "the truck's terminal was answered %d", res.status) {
			return nil
		}
	}
	r.note("100 次告警，1 张工单")
	r.expect(ownedBy("b-huanwei"), decidedBy("m-truck"), that("折进 99 次重复", func(v *view) bool { return v.Counters.Repeats == 99 }))
	return d.madeBy(ctx, r, "truck", now)
}

// exchangeFrom110 is an order of the police hotline that is no police matter; it comes twice.
func exchangeFrom110(ctx context.Context, d *day, r *record) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	source := "JQ" + d.places.key("0123")
	message := fields{
		"specVersion": "1", "messageId": d.places.key("110-1"), "action": "dispatch", "seq": 1, "sentAt": d.stamp(now),
		"from": fields{"hotline": "110", "orgCode": "371300-110"},
		"case": fields{
			"sourceNo": source, "urgent": false, "type": "求助", "title": "路灯杆被撞歪", "content": "报警人称路灯杆被撞歪，无人受伤，非警务，请转有关单位",
			"occurredAt": d.stamp(now.Add(-5 * time.Minute)), "caller": fields{"name": "王某", "phone": d.places.phone(23), "anonymous": false, "secrecy": true},
			"place": fields{"regionCode": "371302003", "address": "解放路与沂蒙路路口", "lng": d.places.gate.lng, "lat": d.places.gate.lat, "crs": "WGS84"}, "attachments": []any{},
		},
	}
	for range 2 {
		res, err := d.webhook(ctx, "link-110", d.places.key("110-1"), message)
		if err != nil {
			return err
		}
		var ack struct {
			Code   int    `json:"code"`
			CaseNo string `json:"caseNo"`
		}
		err = json.Unmarshal(res.body, &ack)
		if !r.must(err == nil && ack.CaseNo != "", "110 was answered %d %.100s", res.status, res.body) {
			break
		}
		r.must(r.Number == "" || r.Number == ack.CaseNo, "the repeat got ticket %s", ack.CaseNo)
		r.Number = ack.CaseNo
	}
	r.expect(underPolicy("exchange-110"), that("对方编号在案，报警人保密", func(v *view) bool { return v.Foreign == source && v.Confidential }))
	return nil
}

func badSignature(ctx context.Context, d *day, r *record) error {
	return d.refused(ctx, r, forge{secret: d.Secret("env:HOTLINE_OF_SOMEBODY_ELSE")})
}

func staleSignature(ctx context.Context, d *day, r *record) error {
	return d.refused(ctx, r, forge{age: time.Hour})
}

// refused sends what must not come in, and looks that nothing of it did.
func (d *day) refused(ctx context.Context, r *record, f forge) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(d.gauge("alarm", 200, now))
	if err != nil {
		return err
	}
	res, err := d.post(ctx, outgoing{channel: "flood-gauge", path: "/", id: d.places.key("forged"), contentType: "application/json", body: body, forge: f})
	if err != nil {
		return err
	}
	r.must(res.status == http.StatusUnauthorized || res.status == http.StatusForbidden, "it was answered %d", res.status)
	r.must(len(res.body) < 500, "a forger is told %d bytes", len(res.body))
	r.note("%d，不说原因", res.status)
	return nil
}

// madeBy finds the ticket that a machine's delivery made: machines are told no number. It is the
// newest of the channel.
func (d *day) madeBy(ctx context.Context, r *record, channel string, since time.Time) error {
	var list struct {
		Items []struct {
			Number       string    `json:"number"`
			RegisteredAt time.Time `json:"registered_at"`
		} `json:"items"`
	}
	if err := d.read(ctx, dutyLogin, "/api/v1/tickets?limit=1&channel="+channel, &list); err != nil {
		return err
	}
	if r.must(len(list.Items) == 1 && list.Items[0].RegisteredAt.After(since.Add(-2*time.Minute)), "channel %s made no ticket", channel) {
		r.Number = list.Items[0].Number
	}
	return nil
}
