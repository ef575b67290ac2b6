package demo

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// line is the channel of the merged hotline.
const line = "phone-12345"

// agentForm is what an agent fills in during a call.
func (d *day) agentForm(key, callID, caller string, more fields) fields {
	f := fields{"clientReportId": d.places.key(key), "agent": "A07", "caller": caller, "line": "12345"}
	if callID != "" {
		f["callId"] = callID
	}
	maps.Copy(f, more)
	return f
}

// answeredOnTheLine is the commonest path: register, answer and close in one step.
func answeredOnTheLine(ctx context.Context, d *day, r *record) error {
	a, err := d.phone(ctx, "/ticket", d.agentForm("answered", d.places.key("call-1"), d.places.phone(20), fields{
		"type": ticket.TypeConsult, "text": "请问身份证丢了在哪里补办，需要带什么材料？我住" + d.places.street,
		"answer": "可到就近派出所户籍窗口补办，带户口簿，当场拍照，约二十个工作日领取。",
	}))
	if err != nil {
		return err
	}
	r.took(a)
	r.expect(stands(ticket.StateClosed), that("答复已留存", func(v *view) bool { return strings.Contains(v.PublicReply, "户籍窗口") }))
	return nil
}

// wholeCall sends the moments of the call that the form above belongs to; the recording comes first,
// as it does when a hang-up is reported late.
func wholeCall(ctx context.Context, d *day, r *record) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	id, caller := d.places.key("call-1"), d.places.phone(20)
	moment := func(event string, before time.Duration, more fields) fields {
		f := fields{"event": event, "callId": id, "line": "12345", "caller": caller, "agent": "A07", "at": d.stamp(now.Add(-before))}
		maps.Copy(f, more)
		return f
	}
	for _, e := range []any{
		moment("recording", 0, fields{"recording": fields{"url": "https://recordings.example/" + id + ".wav", "mime": "audio/wav"}}),
		[]fields{moment("ring", 3*time.Minute, nil), moment("answer", 170*time.Second, nil)},
		moment("hangup", 30*time.Second, fields{"duration": 140}),
		moment("transcript", 0, fields{"transcript": fields{"engine": "demo", "lang": "zh", "segments": []fields{
			{"startMs": 0, "endMs": 3000, "speaker": "citizen", "text": "你好，身份证丢了怎么补办？"},
			{"startMs": 3000, "endMs": 9000, "speaker": "agent", "text": "带户口簿到就近派出所户籍窗口就可以。"},
		}}}),
	} {
		a, err := d.phone(ctx, "/events", e)
		if err != nil {
			return err
		}
		r.must(a.http == http.StatusOK, "the exchange was answered %d", a.http)
	}
	calls, err := d.calls(ctx, "?limit=200")
	if err != nil {
		return err
	}
	for _, c := range calls {
		if c.CallID == id {
			r.must(c.State == "ended" && c.Seconds == 140, "the call is %s, %d s", c.State, c.Seconds)
			r.note("通话 %d 秒，录音与转写在案", c.Seconds)
			return nil
		}
	}
	r.fail("the call is not listed")
	return nil
}

// missedCall is owed a call back.
func missedCall(ctx context.Context, d *day, r *record) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	id := d.places.key("call-2")
	for _, e := range []fields{
		{"event": "ring", "callId": id, "line": "12345", "caller": d.places.phone(21), "at": d.stamp(now.Add(-40 * time.Second))},
		{"event": "missed", "callId": id, "line": "12345", "caller": d.places.phone(21), "at": d.stamp(now)},
	} {
		if _, err := d.phone(ctx, "/events", e); err != nil {
			return err
		}
	}
	calls, err := d.calls(ctx, "?call_back_due=true&limit=200")
	if err != nil {
		return err
	}
	for _, c := range calls {
		if c.CallID == id {
			r.note("已列入回拨")
			return nil
		}
	}
	r.fail("nobody is told to call back")
	return nil
}

// ways is how forty people say one thing.
var ways = []string{
	"沂蒙路小区东门口积水很深，车都进不去", "我们小区门口积水到膝盖了，出不去", "小区大门口积水严重，请来抽水",
	"门口积水太深，老人孩子没法出门", "小区门口积水把电动车都泡了", "门口积水漫过路面，公交都绕行了",
	"东门口积水半米深，还在涨", "雨水倒灌到传达室，门口一片积水",
}

// fortyCallers: everybody keeps a ticket and is owed a reply, one of them leads the work.
func fortyCallers(ctx context.Context, d *day, r *record) error {
	d.kept.gate = r
	numbers := make([]string, 40)
	err := beside(ctx, len(numbers), func(ctx context.Context, n int) error {
		at := d.places.gate.east(float64(n % 5 * 8)).north(float64(n % 3 * 6))
		words, who := ways[n%len(ways)], d.places.phone(100+n)
		var a answer
		var err error
		if n%5 < 3 {
			a, err = d.phone(ctx, "/ticket", d.agentForm(fmt.Sprintf("gate-%d", n), "", who, fields{
				"type": ticket.TypeHelp, "category": "01.04.01", "text": words,
				"place": fields{"address": "沂蒙路小区东门", "lng": at.lng, "lat": at.lat, "crs": "WGS84"},
			}))
		} else {
			a, err = d.form(ctx, "miniapp", fields{
				"clientReportId": d.places.key(fmt.Sprintf("gate-%d", n)), "type": ticket.TypeHelp, "category": "01.04.01", "description": words,
				"reporter": fields{"type": "citizen", "phone": who}, "location": fields{"lng": at.lng, "lat": at.lat, "crs": "WGS84", "address": "沂蒙路小区东门"},
			})
		}
		if err != nil {
			return fmt.Errorf("caller %d: %w", n, err)
		}
		if a.Number == "" {
			return fmt.Errorf("caller %d was answered %d %s without a ticket", n, a.http, a.Code)
		}
		numbers[n] = a.Number
		return nil
	})
	if err != nil {
		return err
	}
	lead, err := d.oneHappening(ctx, r, numbers)
	if err != nil {
		return err
	}
	r.Number = lead
	r.note("40 人 40 张工单，39 张并入一张办理")
	r.expect(ownedBy("b-paishui"), decidedBy("r-flood-core"), underPolicy("flood"))
	return nil
}

// otherGate: a few people about the next gate of the same street.
func otherGate(ctx context.Context, d *day, r *record) error {
	at := d.places.gate.north(240)
	numbers := make([]string, 3)
	for n := range numbers {
		a, err := d.form(ctx, "miniapp", fields{
			"clientReportId": d.places.key(fmt.Sprintf("other-gate-%d", n)), "type": ticket.TypeHelp, "category": "01.04.01",
			"description": "阳光花园西门地库坡道被淹，雨水倒灌，已停了十几辆车",
			"reporter":    fields{"type": "citizen", "phone": d.places.phone(160 + n)},
			"location":    fields{"lng": at.lng, "lat": at.lat, "crs": "WGS84", "address": "沂蒙路阳光花园西门"},
		})
		if err != nil {
			return err
		}
		if !r.took(a) {
			return nil
		}
		numbers[n] = a.Number
	}
	lead, err := d.oneHappening(ctx, r, numbers)
	if err != nil {
		return err
	}
	r.Number = lead
	r.must(lead != d.kept.gate.Number, "the next gate was folded into the first")
	r.expect(ownedBy("b-paishui"), decidedBy("r-flood-core"))
	return nil
}

// oneHappening checks that of some tickets exactly one leads and the others are merged into it.
func (d *day) oneHappening(ctx context.Context, r *record, numbers []string) (lead string, err error) {
	views := make([]*view, len(numbers))
	err = beside(ctx, len(numbers), func(ctx context.Context, n int) error {
		v, err := d.ticket(ctx, dutyLogin, numbers[n])
		views[n] = v
		return err
	})
	if err != nil {
		return "", err
	}
	seen := map[string]bool{}
	for _, v := range views {
		seen[v.Number] = true
		if v.State != string(ticket.StateMerged) {
			r.must(lead == "", "%s and %s both lead", lead, v.Number)
			lead = v.Number
		}
	}
	r.must(len(seen) == len(numbers), "%d callers got %d tickets", len(numbers), len(seen))
	if !r.must(lead != "", "nobody leads: all are merged elsewhere") {
		return numbers[0], nil
	}
	for _, v := range views {
		if v.Number != lead {
			r.must(linked("merged", lead).holds(v), "%s does not follow %s", v.Number, lead)
		}
	}
	r.others = numbers
	return lead, nil
}
