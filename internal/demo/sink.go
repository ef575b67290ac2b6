package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/internal/signature"
)

// sink plays the systems of 110, 119, 120 and 122: it takes the notices of emergencies, checks their
// signatures and acknowledges them.
type sink struct {
	mu      sync.Mutex
	notices []handover
	pages   []page
	forged  int
}

// handover is one notice that an emergency desk took.
type handover struct {
	unit, ticket string
	at           time.Time // of the world
}

// openSink listens where the pack sends emergencies. Where that is not possible, a line says so and
// the day goes on: whether a desk took the emergency over is read from the ticket in any case.
func (d *day) openSink(ctx context.Context) (stop func()) {
	s := &sink{}
	var servers []*http.Server
	hosts := map[string]*http.ServeMux{}
	for _, desk := range d.Desks {
		u, err := url.Parse(desk.URL)
		if err != nil || !loopback(u.Hostname()) {
			continue
		}
		v, err := signature.Compile(signature.Scheme{Type: signature.TypeStandardWebhooks}, [][]byte{[]byte(d.Secret(desk.Secret))})
		if err != nil {
			d.say("%s 的通知密钥不可用：%v", desk.Unit, err)
			continue
		}
		if hosts[u.Host] == nil {
			hosts[u.Host] = http.NewServeMux()
		}
		hosts[u.Host].Handle("POST "+u.Path, s.take(desk.Unit, v, d.Wall))
	}
	for _, p := range d.Pages {
		u, err := url.Parse(p.URL)
		if err != nil || !loopback(u.Hostname()) {
			continue
		}
		if hosts[u.Host] == nil {
			hosts[u.Host] = http.NewServeMux()
		}
		hosts[u.Host].Handle("POST "+u.Path, s.takePage(p, d.Secret(p.Token), d.Secret(p.Secret), d.Wall))
	}
	for host, mux := range hosts {
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", host)
		if err != nil {
			d.say("接警席收件口 %s 打不开（%v）：可能另一场演示正在用，继续。", host, err)
			continue
		}
		server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
		servers = append(servers, server)
		go server.Serve(ln) //nolint:errcheck // it ends when the day does
		d.sink = s
	}
	return func() {
		for _, server := range servers {
			_ = server.Close()
		}
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// maxNotice bounds a notice, bytes.
const maxNotice = 1 << 20

func (s *sink) take(unit string, v *signature.Verifier, wall func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
		if err == nil {
			err = v.Verify(signature.Request{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header, Body: body, ReceivedAt: wall()})
		}
		var notice struct {
			Ticket string `json:"ticket"`
		}
		if err == nil {
			err = json.Unmarshal(body, &notice)
		}
		if err == nil && notice.Ticket == "" {
			err = errors.New("no ticket number")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.forged++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.notices = append(s.notices, handover{unit, notice.Ticket, wall()})
		w.WriteHeader(http.StatusNoContent)
	})
}

// units lists who was told of a ticket.
func (s *sink) units(ticket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var units []string
	for _, n := range s.notices {
		if n.ticket == ticket && !slices.Contains(units, n.unit) {
			units = append(units, n.unit)
		}
	}
	slices.Sort(units)
	return units
}
