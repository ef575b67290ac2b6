package gateway

import (
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// silent are the connections that have not sent a byte yet. Clients open such ahead of need; an
// orderly stop must not wait for them to speak, so it hangs them up.
type silent struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	shut  bool
}

// note is told of each change of a connection's state.
func (s *silent) note(c net.Conn, state fasthttp.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != fasthttp.StateNew:
		delete(s.conns, c)
	case s.shut:
		_ = c.Close() // it learns of the end at its first word
	default:
		if s.conns == nil {
			s.conns = map[net.Conn]struct{}{}
		}
		s.conns[c] = struct{}{}
	}
}

// hangUp closes them all, and those that come after.
func (s *silent) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	for c := range s.conns {
		_ = c.Close()
	}
}
