package desk_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var (
	yitangHead      = desk.Viewer{Login: "yitang-head", Roles: []string{"unit_head"}, Unit: "s-371302105", Posts: []string{"s-371302105.head"}}
	allocatorOnDuty = desk.Viewer{Login: "night-desk", Roles: []string{"duty"}}
	drainage        = desk.Viewer{Login: "drainage", Roles: []string{"unit_head"}, Unit: "b-paishui"}
)

// alarmed keeps an alert as the tracker would.
func (o *office) alarmed(key, unit, level, post string, about ticket.ID) ticket.ID {
	o.t.Helper()
	id, err := ticket.NewID(o.now, rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	a := store.Alert{ID: id, Key: key, Ticket: about, Unit: unit, Region: "371302105", Level: level, Post: post, Text: "签收超时", At: o.now}
	if err := o.store.Commit(o.t.Context(), store.Change{Alerts: []store.Alert{a}})[0]; err != nil {
		o.t.Fatal(err)
	}
	return id
}

func (o *office) at(s string) time.Time {
	o.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, o.live.Get().Zone)
	if err != nil {
		o.t.Fatal(err)
	}
	return at
}

// refused asks for an error of a kind that says something.
func refused(t *testing.T, what string, err error, kind ticket.ErrorKind, words string) {
	t.Helper()
	said := []string{fmt.Sprint(err)}
	if e, ok := errors.AsType[*ticket.Error](err); ok {
		for _, f := range e.Fields {
			said = append(said, f.Message)
		}
	}
	text := strings.Join(said, " ")
	if !ticket.IsKind(err, kind) || !strings.Contains(text, words) {
		t.Errorf("%s: %s, want %s with %q", what, text, kind, words)
	}
}

// Two officers acknowledge the same alert in the same moment: one has it, the other hears who.
func TestTwoOfficersAcknowledgeAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	for round := range 10 {
		id := o.alarmed(fmt.Sprintf("k-%d", round), "s-371302105", "red", "s-371302105.head", ticket.ID{})
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			v := desk.Viewer{Login: fmt.Sprintf("officer-%d", i), Roles: []string{"duty"}}
			all.Go(func() { errs[i] = o.desk.Ack(t.Context(), v, id) })
		}
		all.Wait()
		first := slices.IndexFunc(errs, func(err error) bool { return err == nil })
		for i, err := range errs {
			switch {
			case i == first:
			case err == nil:
				t.Fatalf("officers %d and %d both have it", first, i)
			default:
				refused(t, "the second", err, ticket.Conflict, fmt.Sprintf("officer-%d", first))
			}
		}
		story, err := o.desk.AlertStory(t.Context(), officer, id)
		if err != nil || len(story.History) != 1 || story.History[0].By != story.AckedBy {
			t.Errorf("the history is %+v, %v", story.History, err)
		}
	}
}

func TestAnAlertIsPutOffHandedOverAndFinished(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.alarmed("k", "s-371302105", "red", "s-371302105.handler", ticket.ID{})
	ctx := t.Context()
	_, err := o.desk.Snooze(ctx, yitangHead, id, o.now.Add(31*time.Minute), "")
	refused(t, "longer than a red one may", err, ticket.Invalid, "最迟推迟到 2026-07-13 09:07")
	_, err = o.desk.Snooze(ctx, yitangHead, id, o.now.Add(-time.Minute), "")
	refused(t, "into the past", err, ticket.Invalid, "已经过去")
	a, err := o.desk.Snooze(ctx, yitangHead, id, o.now.Add(20*time.Minute), "正在现场")
	if err != nil || a.State != store.AlertSnoozed || a.StateTitle != "已推迟" {
		t.Fatalf("put off: %+v, %v", a, err)
	}
	o.Advance(10 * time.Minute)
	_, err = o.desk.Snooze(ctx, yitangHead, id, o.now.Add(25*time.Minute), "还在现场")
	refused(t, "again and again", err, ticket.Invalid, "09:07") // half an hour in all, from the first time
	o.Advance(30 * time.Minute)
	_, err = o.desk.Snooze(ctx, yitangHead, id, o.now.Add(time.Minute), "")
	refused(t, "after all its time", err, ticket.Conflict, "不能再推迟")

	_, err = o.desk.HandOver(ctx, yitangHead, id, desk.HandOver{Post: "centre.duty", Reason: "请中心协调"})
	refused(t, "a unit gives its alerts away", err, ticket.Invalid, "管辖范围")
	_, err = o.desk.HandOver(ctx, officer, id, desk.HandOver{Post: "b-paishui.handler"})
	refused(t, "without a reason", err, ticket.Invalid, "原因")
	_, err = o.desk.HandOver(ctx, officer, id, desk.HandOver{Person: "王五", Reason: "交给他"})
	refused(t, "to somebody nobody knows", err, ticket.Invalid, "席位")
	if err := o.desk.Ack(ctx, officer, id); err != nil {
		t.Fatal(err)
	}
	a, err = o.desk.HandOver(ctx, officer, id, desk.HandOver{Post: "b-paishui.handler", Person: "防汛二组", Reason: "泵站故障，电话13800138000"})
	if err != nil || a.State != store.AlertOpen || a.Unit.ID != "b-paishui" || a.Person != "防汛二组" {
		t.Fatalf("handed over: %+v, %v", a, err)
	}
	if list, err := o.desk.Alerts(ctx, drainage, desk.AlertQuery{Open: true}); err != nil || len(list) != 1 {
		t.Errorf("whoever got it sees %v, %v", list, err)
	}
	_, err = o.desk.Finish(ctx, yitangHead, id, "")
	refused(t, "it is not Yitang's any more", err, ticket.NotFound, "没有这条告警")
	if a, err = o.desk.Finish(ctx, drainage, id, "已修复"); err != nil || a.State != store.AlertDone || a.AckedBy != "drainage" {
		t.Fatalf("finished: %+v, %v", a, err)
	}
	_, err = o.desk.Finish(ctx, officer, id, "")
	refused(t, "finished again", err, ticket.Conflict, "drainage")
	refused(t, "acknowledged when done", o.desk.Ack(ctx, officer, id), ticket.Conflict, "drainage")
	story, err := o.desk.AlertStory(ctx, officer, id)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, e := range story.History {
		words = append(words, e.Title+" "+e.By+" "+e.Reason)
	}
	has(t, "the story", strings.Join(words, " / "), "推迟 yitang-head 正在现场", "确认 duty", "移交 duty 泵站故障", "办结 drainage 已修复")
}

// An alert about danger to life waits minutes, whatever its level says.
func TestAnEmergencyIsNotPutOff(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "e-1", Text: "金雀山路沂河桥下有人落水，快来救人", Place: ticket.Place{Address: "兰山区沂河桥"}})
	item, err := o.store.TicketByNumber(t.Context(), m.Number)
	if err != nil || item.Urgency != ticket.UrgencyEmergency {
		t.Fatalf("%s, %v", item.Urgency, err)
	}
	id := o.alarmed("k", "centre", "red", "centre.duty", item.ID)
	_, err = o.desk.Snooze(t.Context(), officer, id, o.now.Add(11*time.Minute), "")
	refused(t, "an emergency", err, ticket.Invalid, "最迟推迟到 2026-07-13 08:47")
}

// Whoever acknowledges first acknowledges for all to whom the same alert has climbed.
func TestAFamilyIsAcknowledgedTogether(t *testing.T) {
	t.Parallel()
	o := open(t)
	root := o.alarmed("k", "s-371302105", "red", "s-371302105.handler", ticket.ID{})
	above, err := ticket.NewID(o.now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	child := store.Alert{ID: above, Key: "k/climb/1", Unit: "centre", Level: "red", Post: "centre.duty", Root: root, At: o.now}
	other := o.alarmed("other", "centre", "red", "centre.duty", ticket.ID{})
	if err := o.store.Commit(t.Context(), store.Change{Alerts: []store.Alert{child}})[0]; err != nil {
		t.Fatal(err)
	}
	done, err := o.desk.AckGroup(t.Context(), officer, "centre", "red")
	if err != nil || done.Acked != 2 || done.More {
		t.Fatalf("the line: %+v, %v", done, err)
	}
	if a, err := o.desk.HandOver(t.Context(), officer, above, desk.HandOver{Post: "centre.desk", Reason: "请分拨席处理"}); err != nil || a.ClimbedFrom != "" || a.State != store.AlertOpen {
		t.Errorf("handed over, it is one by itself: %+v, %v", a, err)
	}
	if err := o.desk.Ack(t.Context(), allocatorOnDuty, above); err != nil {
		t.Error(err)
	}
	for _, id := range []ticket.ID{root, other} {
		refused(t, id.String(), o.desk.Ack(t.Context(), officer, id), ticket.Conflict, "duty")
	}
}

// A storm is a few lines, by unit and level, the worst first; a unit sees its own lines.
func TestAStormIsAFewLines(t *testing.T) {
	t.Parallel()
	o := open(t)
	for i := range 96 {
		level := []string{"yellow", "red", "remind"}[i%3]
		unit := []string{"s-371302105", "b-paishui"}[i%2]
		o.alarmed(fmt.Sprintf("k-%d", i), unit, level, unit+".handler", ticket.ID{})
	}
	groups, err := o.desk.AlertGroups(t.Context(), officer, desk.AlertQuery{Open: true})
	if err != nil || groups.Total != 96 || len(groups.Items) != 6 {
		t.Fatalf("%d alerts in %d lines, %v", groups.Total, len(groups.Items), err)
	}
	if levels := []string{groups.Items[0].Level, groups.Items[2].Level, groups.Items[4].Level}; !slices.Equal(levels, []string{"red", "yellow", "remind"}) {
		t.Errorf("the lines are in the order %v", levels)
	}
	line := groups.Items[0]
	opened, err := o.desk.Alerts(t.Context(), officer, desk.AlertQuery{Open: true, Unit: line.Unit.ID, Level: line.Level, Limit: 1000})
	if err != nil || int64(len(opened)) != line.Count {
		t.Errorf("a line of %d opens to %d, %v", line.Count, len(opened), err)
	}
	own, err := o.desk.AlertGroups(t.Context(), yitangHead, desk.AlertQuery{Open: true})
	if err != nil || own.Total != 48 || len(own.Items) != 3 {
		t.Errorf("the unit sees %d in %d lines, %v", own.Total, len(own.Items), err)
	}
}

func TestShiftsAreArranged(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	evening := desk.Arrangement{Post: "b-paishui.handler", From: o.at("2026-07-13 20:00"), To: o.at("2026-07-14 08:00"), Who: "防汛三组", Reason: "二组在外抢险"}
	made, err := o.desk.Arrange(ctx, drainage, evening)
	if err != nil || made.KindTitle != "替班" {
		t.Fatalf("arranged: %+v, %v", made, err)
	}
	_, err = o.desk.Arrange(ctx, officer, desk.Arrangement{Post: "b-paishui.handler", From: o.at("2026-07-14 07:00"), To: o.at("2026-07-14 09:00"), Reason: "无人"})
	refused(t, "what overlaps", err, ticket.Conflict, "已由 drainage 安排替班")
	for what, a := range map[string]desk.Arrangement{
		"the past":         {Post: "b-paishui.handler", From: o.at("2026-07-13 07:00"), To: o.at("2026-07-13 09:00"), Reason: "x"},
		"no time":          {Post: "b-paishui.handler", From: o.at("2026-07-15 07:00"), To: o.at("2026-07-15 07:00"), Reason: "x"},
		"two months":       {Post: "b-paishui.handler", From: o.at("2026-07-15 07:00"), To: o.at("2026-09-15 07:00"), Reason: "x"},
		"in three years":   {Post: "b-paishui.handler", From: o.at("2029-07-15 07:00"), To: o.at("2029-07-16 07:00"), Reason: "x"},
		"no reason":        {Post: "b-paishui.handler", From: o.at("2026-07-15 07:00"), To: o.at("2026-07-15 08:00")},
		"nobody we know":   {Post: "b-paishui.handler", From: o.at("2026-07-15 07:00"), To: o.at("2026-07-15 08:00"), Who: "王五", Reason: "x"},
		"half a minute":    {Post: "b-paishui.handler", From: o.at("2026-07-15 07:00").Add(30 * time.Second), To: o.at("2026-07-15 08:00"), Reason: "x"},
		"a seat elsewhere": {Post: "b-paishui.handler", From: o.at("2026-07-15 07:00"), To: o.at("2026-07-15 08:00"), Who: "值班长一席", Reason: "x"},
	} {
		_, err := o.desk.Arrange(ctx, drainage, a)
		refused(t, what, err, ticket.Invalid, "")
	}
	_, err = o.desk.Arrange(ctx, yitangHead, evening)
	refused(t, "another unit's post", err, ticket.NotFound, "值班表")
	on, err := o.desk.Duty(ctx, drainage, "b-paishui.handler", o.at("2026-07-13 23:00"))
	if err != nil || on[0].Who != "防汛三组" || on[0].Kind != "override" {
		t.Errorf("in the evening: %+v, %v", on, err)
	}

	// It is under way when it is taken back: what was served stays served.
	o.now = o.at("2026-07-13 22:00").UTC()
	id, err := ticket.ParseID(made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.desk.Withdraw(ctx, drainage, id); err != nil {
		t.Fatal(err)
	}
	refused(t, "taken back twice", o.desk.Withdraw(ctx, officer, id), ticket.Conflict, "drainage")
	for when, want := range map[string]string{"2026-07-13 21:00": "防汛三组", "2026-07-13 23:00": "防汛二组"} {
		if on, err := o.desk.Duty(ctx, officer, "b-paishui.handler", o.at(when)); err != nil || on[0].Who != want {
			t.Errorf("at %s: %+v, %v", when, on[0], err)
		}
	}
}

func TestTwoPeopleSwapTheirShifts(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	part := func(when string) desk.SwapPart { return desk.SwapPart{Post: "centre.duty", At: o.at(when)} }
	who := func(when string) string {
		on, err := o.desk.Duty(ctx, officer, "centre.duty", o.at(when))
		if err != nil {
			t.Fatal(err)
		}
		return on[0].Who
	}
	one, other := who("2026-07-14 09:00"), who("2026-07-15 09:00")
	halves, err := o.desk.SwapShifts(ctx, officer, part("2026-07-14 09:00"), part("2026-07-15 12:00"), "互换")
	if err != nil || len(halves) != 2 || halves[0].Swap != halves[1].Swap {
		t.Fatalf("swapped: %+v, %v", halves, err)
	}
	if who("2026-07-14 19:59") != other || who("2026-07-15 08:00") != one {
		t.Errorf("after the swap %s and %s serve", who("2026-07-14 19:59"), who("2026-07-15 08:00"))
	}
	_, err = o.desk.SwapShifts(ctx, officer, part("2026-07-14 09:00"), part("2026-07-16 09:00"), "再换")
	refused(t, "a shift that is swapped already", err, ticket.Conflict, "换班")
	_, err = o.desk.SwapShifts(ctx, officer, part("2026-07-13 09:00"), part("2026-07-16 09:00"), "x")
	refused(t, "a shift that has begun", err, ticket.Invalid, "已经开始")
	_, err = o.desk.SwapShifts(ctx, officer, part("2026-07-16 09:00"), part("2026-07-20 09:00"), "x")
	refused(t, "somebody's own", err, ticket.Invalid, "同一个人")
	id, _ := ticket.ParseID(halves[1].ID)
	if err := o.desk.Withdraw(ctx, officer, id); err != nil {
		t.Fatal(err)
	}
	if who("2026-07-14 09:00") != one || who("2026-07-15 09:00") != other {
		t.Error("one half of the swap is still there")
	}
}

// What is mine is what waits at my posts, by account and by roster, and what was handed to me.
func TestWhatIsMine(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.alarmed("post", "centre", "red", "centre.duty", ticket.ID{})
	seat := desk.Viewer{Login: "值班长二席", Roles: []string{"duty"}} // on duty by the roster this morning
	for v, want := range map[*desk.Viewer]int{&officer: 1, &seat: 1, &allocator: 0} {
		if list, err := o.desk.Alerts(t.Context(), *v, desk.AlertQuery{Open: true, Mine: true}); err != nil || len(list) != want {
			t.Errorf("%s has %d, %v; want %d", v.Login, len(list), err, want)
		}
	}
}

func TestTheBriefOfAShift(t *testing.T) {
	t.Parallel()
	o := open(t)
	for i := range 12 {
		o.Report(ticket.Request{
			Key: fmt.Sprintf("f-%d", i), Text: fmt.Sprintf("义堂镇滨河路与聚才八路路口积水第%d处，水深到膝盖", i), Appellant: ticket.Party{Name: "王秀兰", Phone: fmt.Sprintf("138001380%02d", i)},
			Place: ticket.Place{Address: "兰山区义堂镇滨河路88号3单元201"},
		})
	}
	o.Advance(time.Minute)
	o.alarmed("k", "s-371302105", "red", "s-371302105.handler", ticket.ID{})
	if _, err := o.desk.Arrange(t.Context(), officer, desk.Arrangement{Post: "centre.callback", From: o.at("2026-07-14 08:30"), To: o.at("2026-07-14 20:30"), Reason: "全员培训"}); err != nil {
		t.Fatal(err)
	}
	brief, err := o.desk.Brief(t.Context(), officer, "", o.now)
	if err != nil {
		t.Fatal(err)
	}
	if brief.Post != "centre.duty" || brief.Who != "值班长二席" || brief.Open != 12 || brief.AlertsN != 1 || len(brief.Empty) != 1 {
		t.Errorf("the brief: post %s, %s, open %d, alerts %d, unattended %d", brief.Post, brief.Who, brief.Open, brief.AlertsN, len(brief.Empty))
	}
	if len(brief.Surges) == 0 || brief.Surges[0].Count != 12 || brief.Surging.Days != 0 {
		t.Errorf("surges %+v, %+v", brief.Surges, brief.Surging)
	}
	var text bytes.Buffer
	brief.WriteText(&text)
	has(t, "the brief", text.String(), "交接班简报", "值班长二席", "在办 12", "无人当班的班次", "没有往日数据可比", "红牌")
	for _, secret := range append(secrets, "138001380", "第3处") {
		if strings.Contains(text.String(), secret) {
			t.Errorf("the brief says %s:\n%s", secret, text.String())
		}
	}
	hides(t, "the brief as data", brief, append(secrets, "138001380", "第3处")...)

	// A unit's brief is about the unit.
	own, err := o.desk.Brief(t.Context(), drainage, "", o.now)
	if err != nil || own.Post != "b-paishui.handler" || own.Unit == nil || own.Open != 0 || own.AlertsN != 0 || len(own.Surges) != 0 {
		t.Errorf("the unit's brief: %+v, %v", own, err)
	}
	_, err = o.desk.Brief(t.Context(), yitangHead, "b-paishui.handler", o.now)
	refused(t, "another unit's brief", err, ticket.NotFound, "值班表")

	// Late the next day, and due in its shift.
	o.Advance(30 * 24 * time.Hour)
	late, err := o.desk.Brief(t.Context(), officer, "", o.now)
	if err != nil || late.Late.Total != 12 || len(late.Late.Items) != 12 || late.Late.Items[0].Unit.ID == "" {
		t.Errorf("a month later %d are late, %v", late.Late.Total, err)
	}
	if !slices.IsSortedFunc(late.Late.Items, func(a, b desk.BriefTicket) int { return a.Due.Compare(b.Due) }) {
		t.Errorf("the longest overdue does not come first: %+v", late.Late.Items)
	}
}
