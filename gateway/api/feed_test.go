package api

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/live"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// still is a store in which nothing ever happens.
type still struct{ desk.Store }

func (still) Feed(context.Context, int64, int) ([]store.FeedItem, error) { return nil, nil }
func (still) FeedEnd(context.Context) (int64, error)                     { return 0, nil }

func watching(t *testing.T) *feed {
	t.Helper()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	a := &API{Options: Options{
		Hub: live.NewHub(), Log: slog.New(slog.DiscardHandler), Stop: stop,
		Desk: desk.New(desk.Options{Store: still{}, Live: city.NewLive(&city.City{})}),
	}}
	a.feed = newFeed(a)
	return a.feed
}

func TestASlowClientIsLetGoAndTold(t *testing.T) {
	t.Parallel()
	f := watching(t)
	duty := desk.Viewer{Login: "duty", Roles: []string{"duty"}}
	slow, start, err := f.join(t.Context(), duty)
	if err != nil {
		t.Fatal(err)
	}
	quick, _, err := f.join(t.Context(), duty)
	if err != nil {
		t.Fatal(err)
	}
	for n := range watcherBuffer + 1 {
		f.give([]desk.Happening{{Position: int64(n + 1), Number: "LY0", Action: ticket.Note}})
		if n%2 == 0 {
			for len(quick.out) > 0 {
				<-quick.out
			}
		}
	}
	select {
	case <-slow.lost:
	default:
		t.Fatal("a client that reads nothing still holds the stream up")
	}
	select {
	case <-quick.lost:
		t.Fatal("a client that reads was let go")
	default:
	}
	f.leave(quick)
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	(&stream{api: f.api, watcher: &watcher{viewer: duty, out: make(chan desk.Happening), lost: slow.lost}, after: start, start: start}).run(w)
	if !strings.HasSuffix(out.String(), "event: resync\ndata: {}\n\n") {
		t.Errorf("the slow client is told %q", out.String())
	}
}

func TestNobodyReadsWhenNobodyWatches(t *testing.T) {
	t.Parallel()
	f := watching(t)
	w, _, err := f.join(t.Context(), desk.Viewer{Login: "duty", Roles: []string{"duty"}})
	if err != nil {
		t.Fatal(err)
	}
	if f.idle() {
		t.Error("the reading ends while somebody watches")
	}
	f.leave(w)
	if !f.idle() {
		t.Error("the reading goes on for nobody")
	}
}

func TestAViewerWithoutTheRightSeesNoEvent(t *testing.T) {
	t.Parallel()
	f := watching(t)
	w, _, err := f.join(t.Context(), desk.Viewer{Login: "admin", Roles: []string{"admin"}})
	if err != nil {
		t.Fatal(err)
	}
	f.give([]desk.Happening{{Position: 1, Action: ticket.Note}})
	if len(w.out) != 0 {
		t.Error("an administrator of accounts is told of tickets")
	}
	duty, _, err := f.join(t.Context(), desk.Viewer{Login: "duty", Roles: []string{"duty"}})
	if err != nil {
		t.Fatal(err)
	}
	f.give([]desk.Happening{{Position: 2, Action: ticket.Reveal}})
	if len(duty.out) != 0 {
		t.Error("a reveal is told to everybody")
	}
}
