package outbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestABreakerLeavesADestinationAloneThatFails(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	wall := time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
	r.worker.Wall = func() time.Time { return wall }
	r.down = true
	step := func(d time.Duration) int {
		wall = wall.Add(d)
		r.Advance(d, outbox.KindPage)
		return len(r.arrived())
	}
	for n := range 12 { // as many groups, so as many pages
		r.Raised([]string{chengguan, zhujian}[n%2], []string{"red", "supervise"}[n/2%2], normal, func(_ *ticket.Registration, c *outbox.Cause) { c.Unit = fmt.Sprintf("u%d", n) })
	}
	if n := step(wait); n < 5 || n > 12 {
		t.Fatalf("%d tries before it opened", n)
	}
	state := r.worker.Destinations()[0]
	if state.ID != "chat" || state.Breaker != outbox.BreakerOpen || !strings.Contains(state.Error, "500") {
		t.Fatalf("the destination stands as %+v", state)
	}
	if n := step(30 * time.Second); n != 0 {
		t.Errorf("%d tries while it is open", n)
	}
	if n := step(11 * time.Minute); n != 1 {
		t.Errorf("%d tries to find out whether it is back, want 1", n)
	}
	r.down = false
	step(11 * time.Minute)
	for range 20 {
		step(11 * time.Minute)
	}
	if n := r.stands(store.NoticeDelivered); n != 12 || r.worker.Destinations()[0].Breaker != outbox.BreakerClosed {
		t.Errorf("%d of 12 were told in the end; it stands as %+v", n, r.worker.Destinations()[0])
	}
	pages, err := r.store.PageList(t.Context(), store.NoticeDelivered, 0, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if p.Attempts > 4 {
			t.Errorf("page %d counts %d attempts: waiting for the breaker counts", p.ID, p.Attempts)
		}
	}
}

func TestAPageNobodyTakesIsADeadLetterAndComesBack(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	wall := time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
	r.worker.Wall = func() time.Time { return wall }
	r.Raised(chengguan, "red", normal)
	r.down = true
	for range 30 {
		wall = wall.Add(25 * time.Hour)
		r.Advance(25*time.Hour, outbox.KindPage)
	}
	dead, err := r.store.Notices(t.Context(), store.NoticeDead, 0, 10)
	if err != nil || len(dead) != 1 || !strings.Contains(dead[0].Error, "500") || dead[0].Why != "general@1/resolve/red → red" {
		t.Fatalf("dead letters: %+v, %v", dead, err)
	}
	r.down = false
	r.arrived()
	if n, err := r.store.Redrive(t.Context(), []int64{dead[0].ID}, r.now); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	wall = wall.Add(time.Hour)
	r.Advance(time.Second, outbox.KindPage)
	r.expect("driven again", "chat: 【红牌】"+r.city.UnitTitle(chengguan)+" 1 件")
}

func TestARateIsKept(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.city.Notices.Destinations[0].Rate = 20
	wall := time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
	r.worker.Wall = func() time.Time { return wall }
	for n := range 50 {
		r.Raised(chengguan, "red", normal, func(_ *ticket.Registration, c *outbox.Cause) { c.Unit = fmt.Sprintf("u%d", n) })
	}
	r.now = r.now.Add(wait)
	var minutes []int
	sum := 0
	for second := range 240 {
		wall = wall.Add(time.Second)
		r.Advance(time.Second, outbox.KindPage)
		sum += len(r.arrived())
		if second%60 == 59 {
			minutes, sum = append(minutes, sum), 0
		}
	}
	total := 0
	for _, n := range minutes {
		if total += n; n > 20 {
			t.Errorf("pages a minute: %v, want at most 20", minutes)
		}
	}
	if total != 50 {
		t.Errorf("%d of 50 pages in four minutes: %v", total, minutes)
	}
}

func TestADestinationIsTried(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.worker.Wall = func() time.Time { return noon }
	if err := r.worker.Try(t.Context(), "chat", "duty1"); err != nil {
		t.Fatal(err)
	}
	r.expect("a test message", "chat: 【告警】测试消息，由 duty1 发出，无需处理")
	r.down = true
	if err := r.worker.Try(t.Context(), "chat", "duty1"); !ticket.IsKind(err, ticket.Unavailable) || !strings.Contains(err.Error(), "500") {
		t.Errorf("a chat that is away: %v", err)
	}
	if err := r.worker.Try(t.Context(), "nowhere", "duty1"); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("no such chat: %v", err)
	}
	r.city.Notices.Destinations[0].Rate = 1
	if err := r.worker.Try(t.Context(), "chat", "duty1"); !ticket.IsKind(err, ticket.TooMany) {
		t.Errorf("past its rate: %v", err)
	}
}
