package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// streetLight begins a conversation in the official account.
func streetLight(ctx context.Context, d *day, r *record) error {
	d.kept.light, d.kept.openid = r, d.places.key("openid-a")
	p, err := d.textPush(ctx, d.kept.openid, d.places.street+d.places.dark, d.msgID(1))
	if err != nil {
		return err
	}
	d.kept.lightPush = p
	words, err := d.wechat(ctx, p)
	if err != nil {
		return err
	}
	r.quoted(words)
	r.note("微信回：%s", words)
	r.expect(ownedBy("b-shizheng"), is(ticket.UrgencyNormal), that("催办两次、补充一次，仍是一张工单", func(v *view) bool {
		return v.Counters.Urges == 2 && v.Counters.Supplements >= 1
	}))
	return nil
}

// platformRetries: the platform got no answer in time and sends the same message, encrypted anew.
func platformRetries(ctx context.Context, d *day, r *record) error {
	for range 2 {
		words, err := d.wechat(ctx, d.kept.lightPush)
		if err != nil {
			return err
		}
		r.quoted(words)
		r.must(r.Number == d.kept.light.Number, "the retry got ticket %s, the first %s", r.Number, d.kept.light.Number)
	}
	return nil
}

// sendsPlace: a position in the midst of a conversation belongs to it.
func sendsPlace(ctx context.Context, d *day, r *record) error {
	p, err := d.placePush(ctx, d.kept.openid, d.places.gate.east(500).north(200), d.places.street, d.msgID(2))
	if err != nil {
		return err
	}
	return d.joins(ctx, r, p)
}

func urgesTwice(ctx context.Context, d *day, r *record) error {
	for n, words := range []string{"怎么还没人来修？", "我的工单" + d.kept.light.Number + "处理得怎么样了，催一下"} {
		p, err := d.textPush(ctx, d.kept.openid, words, d.msgID(3+n))
		if err != nil {
			return err
		}
		if err := d.joins(ctx, r, p); err != nil {
			return err
		}
	}
	return nil
}

// joins sends a push that must be added to the conversation's first ticket.
func (d *day) joins(ctx context.Context, r *record, p push) error {
	words, err := d.wechat(ctx, p)
	if err != nil {
		return err
	}
	r.quoted(words)
	r.must(r.Number == d.kept.light.Number, "it became ticket %s instead of joining %s", r.Number, d.kept.light.Number)
	return nil
}

// secondMatter: what else the same citizen has is a ticket of its own, linked to the first.
func secondMatter(ctx context.Context, d *day, r *record) error {
	p, err := d.textPush(ctx, d.kept.openid, "另外反映一件事，我们"+d.places.street+"单元的电梯坏了两天没人修，六楼的老人上下楼不方便", d.msgID(6))
	if err != nil {
		return err
	}
	words, err := d.wechat(ctx, p)
	if err != nil {
		return err
	}
	r.quoted(words)
	r.must(r.Number != d.kept.light.Number, "the second matter was swallowed by the first")
	r.expect(linked("related", d.kept.light.Number))
	return nil
}

// rescue is who must know of a person in the water.
var rescue = []string{"e-110", "e-119", "e-120"}

func drowning(ctx context.Context, d *day, r *record) error {
	p, err := d.textPush(ctx, d.places.key("openid-b"), "沂河滨河公园有人落水了，快来救人！人还在水里！", d.msgID(20))
	if err != nil {
		return err
	}
	words, err := d.wechat(ctx, p)
	if err != nil {
		return err
	}
	r.quoted(words)
	for _, n := range []string{"110", "120"} {
		r.must(strings.Contains(words, n), "the citizen is not told to call %s: %q", n, words)
	}
	r.expect(is(ticket.UrgencyEmergency), ownedBy("e-110"), decidedBy("e-help-now"), handedTo(rescue...))
	return d.handedOver(ctx, r)
}

// drowningByPhone: another witness is never folded away; each emergency is handed over.
func drowningByPhone(ctx context.Context, d *day, r *record) error {
	a, err := d.phone(ctx, "/ticket", d.agentForm("drowning", d.places.key("call-3"), d.places.phone(22), fields{
		"type": ticket.TypeHelp, "text": "沂河边有个孩子掉河里了，大家在喊人，快派人来",
	}))
	if err != nil {
		return err
	}
	r.took(a)
	r.must(a.Emergency, "the agent's screen does not say that it is an emergency")
	r.expect(is(ticket.UrgencyEmergency), ownedBy("e-110"), handedTo(rescue...))
	return d.handedOver(ctx, r)
}

// handedOver waits, some seconds at most, until every rescue desk has the ticket.
func (d *day) handedOver(ctx context.Context, r *record) error {
	if r.Number == "" {
		return nil
	}
	began := d.Wall()
	told, err := d.poll(ctx, 5*time.Second, func() (bool, error) {
		if d.sink == nil { // another demo plays the desks: the ticket says whether they signed
			v, err := d.ticket(ctx, dutyLogin, r.Number)
			return err == nil && handedTo(rescue...).holds(v), err
		}
		return slices.Equal(d.sink.units(r.Number), rescue), nil
	})
	if err != nil {
		return err
	}
	if r.must(told, "110, 119 and 120 did not have it within five seconds") {
		r.note("%d 毫秒内交到 110、119、120", d.Wall().Sub(began).Milliseconds())
	}
	return nil
}

// unreadable is a genuine push whose inside cannot be read: the platform hears success, an agent
// sees a stub.
func unreadable(ctx context.Context, d *day, r *record) error {
	before, err := d.quarantined(ctx)
	if err != nil {
		return err
	}
	res, err := d.sealed(ctx, fmt.Appendf(nil, "<xml><ToUserName>%s</ToUserName><MsgType><![CDATA[text]]></MsgType><Content>%s", officialAccount, d.places.key("broken")))
	if err != nil {
		return err
	}
	r.must(res.status == 200, "the platform was answered %d and would try again", res.status)
	after, err := d.quarantined(ctx)
	if err != nil {
		return err
	}
	r.must(after > before, "the delivery is not in quarantine")
	r.note("平台收到 success，来件在隔离区待修复")
	return nil
}
