package gateway

import (
	"net"
	"sync"
	"sync/atomic"
)

// silent are the connections that have not sent a byte yet. Clients open such ahead of need, and
// the server counts them as busy; an orderly stop must not wait for them to speak, so it hangs
// them up.
type silent struct {
	mu    sync.Mutex
	conns map[*conn]struct{}
	shut  bool
}

// listener hands out connections that tell when they first speak.
type listener struct {
	net.Listener
	silent *silent
	once   sync.Once
	err    error
}

// Close takes no more connections. It may be called more than once.
func (l *listener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.silent.add(c), nil
}

// conn is a connection under watch until it speaks.
type conn struct {
	net.Conn
	silent *silent
	spoke  atomic.Bool
}

// Read notes the first bytes.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.spoke.Load() && !c.spoke.Swap(true) {
		c.silent.remove(c)
	}
	return n, err
}

// Close ends the watch.
func (c *conn) Close() error {
	c.silent.remove(c)
	return c.Conn.Close()
}

func (s *silent) add(nc net.Conn) *conn {
	c := &conn{Conn: nc, silent: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		_ = nc.Close() // it learns of the end at its first word
		return c
	}
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	s.conns[c] = struct{}{}
	return c
}

func (s *silent) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// hangUp closes them all, and those that come after.
func (s *silent) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	for c := range s.conns {
		_ = c.Conn.Close()
	}
}
