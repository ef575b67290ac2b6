package api_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listener reads a stream of events.
type listener struct {
	t      *testing.T
	events chan event
	close  context.CancelFunc
}

type event struct{ id, name, data string }

// Listen opens the stream as an account, after the event with id last ("" for from now on).
func (o *office) Listen(login, last string) *listener {
	o.t.Helper()
	ctx, cancel := context.WithCancel(o.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+"/api/v1/events", nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	client := *o.as(login)
	client.Timeout = 0
	resp, err := client.Do(req) //nolint:bodyclose // closed by the reader below
	if err != nil {
		o.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		o.t.Fatalf("the stream is answered %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	l := &listener{t: o.t, events: make(chan event, 1000), close: cancel}
	o.t.Cleanup(cancel)
	go func() {
		defer close(l.events)
		defer resp.Body.Close() //nolint:errcheck // read to its end
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					l.events <- e
				}
				e = event{}
			}
		}
	}()
	return l
}

// Next waits for an event.
func (l *listener) Next() event {
	l.t.Helper()
	select {
	case e, ok := <-l.events:
		if !ok {
			l.t.Fatal("the stream ended")
		}
		return e
	case <-time.After(20 * time.Second):
		l.t.Fatal("no event came in 20 s")
	}
	return event{}
}

func TestLiveEventsReachThoseWhoSeeTheTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	duty, town := o.Listen("duty", ""), o.Listen("yitang", "")
	elsewhere, _ := o.Register("k-1", map[string]any{"text": "沂水县县城供热管道漏水，家里没有暖气", "appellant": map[string]any{"phone": "13700137000"}})
	number, code := o.Register("k-2", flood())
	first := town.Next()
	if first.name != "ticket" || !strings.Contains(first.data, number) || !strings.Contains(first.data, `"action":"register"`) {
		t.Errorf("the town's first event is %+v, want the registration of %s", first, number)
	}
	for range 4 {
		e := duty.Next()
		for _, personal := range []string{"王秀兰", "13800138000", "13700137000", code, "膝盖", "88号"} {
			if strings.Contains(e.data, personal) {
				t.Errorf("the stream tells %s: %s", personal, e.data)
			}
		}
	}
	town.Next() // dispatch
	town.close()

	// Who comes again with the last id misses nothing, and gets nothing twice.
	o.Post("yitang", "/tickets/"+number+"/actions/sign", nil).Is(http.StatusOK)
	back := o.Listen("yitang", first.id)
	for _, want := range []string{"dispatch", "sign"} {
		if e := back.Next(); !strings.Contains(e.data, `"action":"`+want+`"`) || !strings.Contains(e.data, number) {
			t.Fatalf("after the break came %+v, want %s of %s, not of %s", e, want, number, elsewhere)
		}
	}
	o.Post("yitang", "/tickets/"+number+"/actions/contact", nil).Is(http.StatusOK)
	if e := back.Next(); !strings.Contains(e.data, `"action":"contact"`) {
		t.Errorf("live again: %+v", e)
	}
}

func TestAnIDOfAnotherTimeAsksForAFreshStart(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Register("k-1", flood())
	if e := o.Listen("duty", "999999999").Next(); e.name != "resync" {
		t.Errorf("got %+v, want resync", e)
	}
	o.send(o.as("duty"), http.MethodGet, "/events", http.Header{"Last-Event-ID": {"yesterday"}}, nil).Is(http.StatusUnprocessableEntity)
}

func TestOneAccountCannotHoldEveryStream(t *testing.T) {
	t.Parallel()
	o := open(t)
	var open []*listener
	for range 8 {
		open = append(open, o.Listen("desk", ""))
	}
	o.send(o.as("desk"), http.MethodGet, "/events", nil, nil).Is(http.StatusTooManyRequests).Code("events.too_many")
	o.Listen("duty", "") // others are not kept out
	_ = open
}
