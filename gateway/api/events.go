package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

const eventsPath = "/events"

// Bounds of live streams.
const (
	heartbeat     = 15 * time.Second // a client that is gone is noticed by failed writes only
	streamLife    = 9 * time.Minute  // then the client comes again with Last-Event-ID, and is checked again
	mostWatchers  = 2000
	mostPerLogin  = 8
	watcherBuffer = 256
	replayMost    = 2000 // events; who missed more reads the lists again
	feedPage      = 200
)

// StreamLimit is how long a response of the stream may take to write, so that a client that reads
// nothing does not hold it for ever.
const StreamLimit = streamLife + time.Minute

// feed hands the events of the store to everybody who watches. One goroutine reads for all, and
// only while somebody watches.
type feed struct {
	api *API

	mu       sync.Mutex
	watchers map[*watcher]struct{}
	running  bool
	position int64 // everything up to here was handed out
}

// watcher is one client.
type watcher struct {
	viewer desk.Viewer
	out    chan desk.Happening
	lost   chan struct{} // closed when the client is too slow
}

func newFeed(a *API) *feed { return &feed{api: a, watchers: map[*watcher]struct{}{}} }

// join makes the viewer a watcher of everything after the position returned.
func (f *feed) join(ctx context.Context, v desk.Viewer) (*watcher, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := 0
	for w := range f.watchers {
		if w.viewer.Login == v.Login {
			same++
		}
	}
	if len(f.watchers) >= mostWatchers || same >= mostPerLogin {
		e := ticket.Errorf(ticket.TooMany, "events.too_many", "实时连接过多，请关闭其他页面")
		e.RetryAfter = time.Minute
		return nil, 0, e
	}
	if !f.running {
		end, err := f.api.Desk.FeedEnd(ctx)
		if err != nil {
			return nil, 0, err
		}
		f.position, f.running = end, true
		go f.run() //nolint:contextcheck // it reads for everybody and outlives the request that began it
	}
	w := &watcher{viewer: v, out: make(chan desk.Happening, watcherBuffer), lost: make(chan struct{})}
	f.watchers[w] = struct{}{}
	return w, f.position, nil
}

func (f *feed) leave(w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watchers, w)
}

// run reads the feed whenever something was committed, until nobody watches or the server stops.
func (f *feed) run() {
	wake, end := f.api.Hub.Subscribe()
	defer end()
	look := time.NewTicker(heartbeat) // finds that nobody watches any more, and what came without a wake-up
	defer look.Stop()
	for {
		if err := f.handOut(); err != nil {
			f.api.Log.Error("live events not read", slog.Any("error", err))
		}
		select {
		case <-f.api.Stop:
			return
		case <-wake:
		case <-look.C:
			if f.idle() {
				return
			}
		}
	}
}

// idle ends the reading when nobody watches.
func (f *feed) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = len(f.watchers) > 0
	return !f.running
}

func (f *feed) handOut() error {
	ctx, cancel := context.WithTimeout(context.Background(), heartbeat)
	defer cancel()
	for {
		f.mu.Lock()
		after := f.position
		f.mu.Unlock()
		page, err := f.api.Desk.Feed(ctx, after, feedPage)
		if err != nil || len(page) == 0 {
			return err
		}
		f.give(page)
		if len(page) < feedPage {
			return nil
		}
	}
}

// give hands a page to every watcher who sees it; one whose buffer is full is let go.
func (f *feed) give(page []desk.Happening) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range page {
		h := &page[i]
		for w := range f.watchers {
			if !f.api.Desk.Sees(w.viewer, h) {
				continue
			}
			select {
			case w.out <- *h:
			default:
				close(w.lost)
				delete(f.watchers, w)
			}
		}
	}
	f.position = page[len(page)-1].Position
}

// upTo is the position up to which a watcher has been given everything, 0 while something waits for it.
func (f *feed) upTo(w *watcher) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(w.out) > 0 {
		return 0
	}
	return f.position
}

// getEvents streams what happens to the tickets the viewer sees.
func (a *API) getEvents(k *call) error {
	after, given, err := lastEventID(k)
	if err != nil {
		return err
	}
	w, start, err := a.feed.join(k.UserContext(), k.viewer)
	if err != nil {
		return err
	}
	s := &stream{api: a, watcher: w, secret: k.secret, token: k.token, after: after, start: start, replay: given}
	k.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	k.Set(fiber.HeaderCacheControl, "no-store")
	k.Set("X-Accel-Buffering", "no")
	k.Context().SetBodyStreamWriter(s.run)
	return nil
}

// lastEventID is the position a client has come to.
func lastEventID(k *call) (after int64, given bool, err error) {
	s := k.Get("Last-Event-ID")
	if s == "" {
		return 0, false, nil
	}
	after, err = strconv.ParseInt(s, 10, 64)
	if err != nil || after < 0 {
		return 0, false, fieldError("events.last_id", "Last-Event-ID", "应为事件编号")
	}
	return after, true, nil
}

// stream is one open response. It knows nothing of the request any more.
type stream struct {
	api          *API
	watcher      *watcher
	secret       string // of the session it was opened by
	token        string // or the token
	after, start int64  // the client has seen up to after; live events begin after start
	replay       bool
}

func (s *stream) run(w *bufio.Writer) {
	defer s.api.feed.leave(s.watcher)
	last, err := s.begin(w)
	if err != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for beats := 0; beats < int(streamLife/heartbeat); {
		select {
		case <-s.api.Stop:
			return
		case <-s.watcher.lost:
			_ = resync(w, last)
			return
		case h := <-s.watcher.out:
			if h.Position > last {
				last, err = h.Position, send(w, &h)
			}
		case <-beat.C:
			if beats++; beats%4 == 0 && !s.allowed() {
				return
			}
			last = max(last, s.api.feed.upTo(s.watcher))
			err = write(w, fmt.Sprintf("id: %d\n:\n\n", last)) // no event, but the client learns how far it has come
		}
		if err != nil {
			return // the client is gone
		}
	}
}

// begin sends what the client missed and returns the position it has then come to.
func (s *stream) begin(w *bufio.Writer) (int64, error) {
	if err := write(w, "retry: 3000\n\n"); err != nil {
		return 0, err
	}
	if !s.replay || s.after == s.start {
		return s.start, nil
	}
	if s.after > s.start { // of another store, or of the time before a backup
		return s.start, resync(w, s.start)
	}
	ctx, cancel := context.WithTimeout(context.Background(), heartbeat)
	defer cancel()
	missed, err := s.missed(ctx)
	if err != nil || len(missed) > replayMost {
		return s.start, errors.Join(err, resync(w, s.start))
	}
	for i := range missed {
		if s.api.Desk.Sees(s.watcher.viewer, &missed[i]) {
			if err := send(w, &missed[i]); err != nil {
				return 0, err
			}
		}
	}
	return s.start, nil
}

// missed reads what happened since the client was here, but hardly more than it will be sent.
func (s *stream) missed(ctx context.Context) (missed []desk.Happening, err error) {
	for at := s.after; at < s.start && len(missed) <= replayMost; {
		page, err := s.api.Desk.Feed(ctx, at, feedPage)
		if err != nil || len(page) == 0 {
			return missed, err
		}
		at = page[len(page)-1].Position
		missed = append(missed, slices.DeleteFunc(page, func(h desk.Happening) bool { return h.Position > s.start })...)
	}
	return missed, nil
}

// allowed reports whether the session or the token the stream was opened by still stands.
func (s *stream) allowed() bool {
	ctx, cancel := context.WithTimeout(context.Background(), heartbeat)
	defer cancel()
	look, by := s.api.Accounts.Watch, s.secret
	if s.token != "" {
		look, by = s.api.Accounts.Token, s.token
	}
	_, err := look(ctx, by)
	return err == nil || ticket.IsKind(err, ticket.Unavailable)
}

func send(w *bufio.Writer, h *desk.Happening) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return write(w, fmt.Sprintf("id: %d\nevent: ticket\ndata: %s\n\n", h.Position, data))
}

// resync tells a client that it missed events and must read its lists again.
func resync(w *bufio.Writer, at int64) error {
	return write(w, fmt.Sprintf("id: %d\nevent: resync\ndata: {}\n\n", at))
}

func write(w *bufio.Writer, s string) error {
	if _, err := w.WriteString(s); err != nil {
		return err
	}
	return w.Flush()
}
