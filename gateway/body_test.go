package gateway

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Large bodies share what memory there is; who finds none waits, and is sent away in the end.
func TestLargeBodiesShareTheMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pieces := make(chan struct{}, 4)
		read := func(size int) (*meter, error) {
			m := newMeter(strings.NewReader(strings.Repeat("x", size)), pieces)
			body, err := readAll(m, size, 64<<20)
			if err == nil && len(body) != size {
				t.Errorf("%d bytes were read, want %d", len(body), size)
			}
			return m, err
		}
		small, err := read(largeBody)
		if err != nil || small.held != 0 {
			t.Errorf("a small body holds %d pieces: %v", small.held, err)
		}
		first, err := read(largeBody + 3*piece)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		second, err := read(largeBody + 3*piece)
		if !errors.Is(err, errBodyBusy) || time.Since(begun) != pieceWait {
			t.Errorf("after %v: %v, want errBodyBusy after %v", time.Since(begun), err, pieceWait)
		}
		second.release()
		go func() {
			time.Sleep(pieceWait / 2) // in the bubble's time
			first.release()
		}()
		third, err := read(largeBody + 3*piece)
		if err != nil {
			t.Errorf("when the first had gone: %v", err)
		}
		third.release()
		if len(pieces) != 0 {
			t.Errorf("%d pieces were never given back", len(pieces))
		}
	})
}

// The time to handle a delivery begins when its body is there: a photograph over a slow network may take
// longer than that.
func TestTimeBeginsAfterTheBody(t *testing.T) {
	t.Parallel()
	s := &Server{Options: Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}, metrics: newMetrics(prometheus.NewRegistry()), pieces: make(chan struct{}, 1)}
	s.app = fiber.New(fiber.Config{DisableStartupMessage: true, StreamRequestBody: true})
	deadline := make(chan time.Time, 1)
	s.app.Post("/", s.observe, s.readBody, func(c *fiber.Ctx) error {
		at, _ := c.UserContext().Deadline()
		deadline <- at
		return nil
	})
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.app.Listener(ln) }()
	defer s.app.Shutdown() //nolint:errcheck // the test is over
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500001\r\n\r\n"+strings.Repeat("x", 500_000)); err != nil {
		t.Fatal(err)
	}
	last := time.Now()
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Fatal(err)
	}
	if at := <-deadline; at.Before(last.Add(handleTimeout)) {
		t.Errorf("of %v there were %v left when the body was there", handleTimeout, at.Sub(last))
	}
}
