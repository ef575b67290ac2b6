package tracker_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla/tracker"
)

// While the clock is not to be trusted nothing is judged; nothing of it is lost.
func TestNothingIsJudgedByAClockInDoubt(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.Dispatched(1, "flood", "s-371302105", false, w.now)
	asked := make(chan bool)
	sound := make(chan error)
	tr := tracker.New(tracker.Options{
		Store: w.store, Live: city.NewLive(w.city), Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond,
		Now: func() time.Time { return w.now.Add(3 * time.Hour) },
		Sound: func(ctx context.Context) error {
			select {
			case asked <- true:
				return <-sound
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { tr.Run(ctx); close(done) }()
	for range 3 {
		<-asked
		sound <- errors.New("a day off")
	}
	<-asked
	if steps := w.steps(id); len(steps) != 0 {
		t.Errorf("judged all the same: %v", steps)
	}
	sound <- nil
	<-asked // it has looked by now
	if steps := w.steps(id); len(steps) == 0 {
		t.Error("not judged once the clock was right")
	}
	stop()
	sound <- nil
	<-done
}
