package demo

import (
	"context"
	"fmt"

	"github.com/citizen-hotline/gateway/ticket"
)

// scene is one thing that happens on the storm day.
type scene struct {
	title   string
	channel string // where it comes in
	play    func(ctx context.Context, d *day, r *record) error
}

// letter is a scene that is only what somebody writes, and what must become of it.
type letter struct {
	title    string
	channel  string
	text     func(p places) string
	kind     ticket.RequestType
	category string
	at       func(p places) point // zero: nobody sent a position
	address  string
	public   bool
	photos   int
	who      int // of the run's citizens
	expect   []expectation
}

func says(words string) func(places) string { return func(places) string { return words } }

// letters come over the forms: mini-program, app, site.
var letters = []letter{
	{
		title: "建议设置防落水栏杆：是建议，不是险情", channel: "miniapp", kind: ticket.TypeSuggest, who: 1,
		text: says("滨河公园河边没有护栏，孩子常来玩水，建议设置防落水栏杆"),
		at:   func(p places) point { return p.gate.east(900).north(120) }, address: "滨河公园",
		expect: []expectation{decidedBy("r-life-prevention"), is(ticket.UrgencyNormal), spares("e-110", "e-119", "e-120")},
	},
	{
		title: "垃圾几天没清，附两张照片", channel: "miniapp", kind: ticket.TypeComplaint, category: "01.02.01", who: 2, photos: 2,
		text: says("小区门口垃圾桶旁垃圾堆了好几天没清运，雨一泡味道更大"), at: func(p places) point { return p.gate.east(150).north(160) },
		expect: []expectation{is(ticket.UrgencyNormal), that("两张照片都在", func(v *view) bool { return len(v.Media) == 2 && v.Media[0].SHA256 != v.Media[1].SHA256 })},
	},
	{
		title: "英文与表情", channel: "miniapp", kind: ticket.TypeHelp, category: "01.03.02", who: 3,
		text: says("The manhole cover on Jiefang Road is gone, bikes nearly fall in 🚲⚠️ please fix it soon 🙏"),
		at:   func(p places) point { return p.gate.east(60).north(60) }, address: "Jiefang Road × Yimeng Road",
		expect: []expectation{that("表情没有丢", func(v *view) bool { return contains(v.Text, "🚲⚠️") && contains(v.Text, "🙏") })},
	},
	{
		title: "同意公开的诉求，Open311 可查", channel: "miniapp", kind: ticket.TypeComplaint, category: "01.03.01", who: 4, public: true,
		text: says("北城新区市民中心门口路面破损，坑坑洼洼，下雨看不见坑"), at: func(p places) point { return p.gate.north(330) }, address: "市民中心门口",
		expect: []expectation{ownedBy("b-shizheng"), is(ticket.UrgencyNormal)},
	},
}

// report is the letter as the form channel wants it.
func (l letter) report(d *day, key, happened string) fields {
	f := fields{
		"clientReportId": d.places.key(key), "type": l.kind, "description": l.text(d.places), "occurredAt": happened, "consent": true,
		"reporter": fields{"type": "citizen", "name": fmt.Sprintf("市民%d", l.who), "phone": d.places.phone(l.who)},
	}
	if l.category != "" {
		f["category"] = l.category
	}
	if l.public {
		f["public"], f["title"] = true, "市民中心门口路面破损"
	}
	where := fields{"address": l.address}
	if l.at != nil {
		at := l.at(d.places)
		where["lng"], where["lat"], where["crs"] = at.lng, at.lat, "WGS84"
	}
	f["location"] = where
	return f
}

// scene files the letter.
func (l letter) scene(n int) scene {
	return scene{l.title, l.channel, func(ctx context.Context, d *day, r *record) error {
		now, err := d.clock.now(ctx)
		if err != nil {
			return err
		}
		var photos [][]byte
		for k := range l.photos {
			photos = append(photos, photo(d.Run+int64(k*31)))
		}
		a, err := d.form(ctx, l.channel, l.report(d, fmt.Sprintf("letter-%d", n), d.stamp(now)), photos...)
		if err != nil {
			return err
		}
		r.took(a)
		r.expect(l.expect...)
		if l.public {
			return d.readable(ctx, r)
		}
		return nil
	}}
}
