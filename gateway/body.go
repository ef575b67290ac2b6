package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// errBodyOver says that a body is larger than its path allows, errBodyBusy that others took up all the
// memory there is for bodies.
var (
	errBodyOver = errors.New("gateway: the body is too large")
	errBodyBusy = errors.New("gateway: too many large bodies at once")
)

// Large bodies share a bounded memory. It is counted by what has come, not by connections: senders who
// are slow, or only seem to send, keep nobody waiting.
const (
	largeBody  = 1 << 20   // what a body holds beyond this is counted
	piece      = 256 << 10 // in pieces of this size
	piecesMost = 768       // 192 MiB
	pieceWait  = 20 * time.Second
)

// newMeter counts what is read of r. The byte beyond the first large body is the end that is looked for.
func newMeter(r io.Reader, pieces chan struct{}) *meter {
	return &meter{r: r, pieces: pieces, left: largeBody + 1}
}

// meter takes a piece of the shared memory each time that it has read one.
type meter struct {
	r      io.Reader
	pieces chan struct{}
	left   int // bytes that may be read before the next piece
	held   int // pieces
}

// Read implements io.Reader. Errors besides those of r: errBodyBusy.
func (m *meter) Read(p []byte) (int, error) {
	if m.left == 0 && !m.take() {
		return 0, errBodyBusy
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

func (m *meter) take() bool {
	select {
	case m.pieces <- struct{}{}:
	default:
		ctx, cancel := context.WithTimeout(context.Background(), pieceWait)
		defer cancel()
		select {
		case m.pieces <- struct{}{}:
		case <-ctx.Done():
			return false
		}
	}
	m.held, m.left = m.held+1, piece
	return true
}

// release gives the memory back, once the request is answered.
func (m *meter) release() {
	for ; m.held > 0; m.held-- {
		<-m.pieces
	}
}

// readAll reads a body of a declared length (negative when it is chunked) and at most limit bytes.
// Errors: errBodyOver; io.ErrUnexpectedEOF when less came than was declared.
func readAll(r *meter, declared, limit int) ([]byte, error) {
	if declared > limit {
		drain(r.r, limit)
		return nil, errBodyOver
	}
	if declared >= 0 {
		var body bytes.Buffer // grows with what comes: a length is declared in no time
		body.Grow(min(declared, largeBody) + bytes.MinRead)
		n, err := io.Copy(&body, io.LimitReader(r, int64(declared)))
		if err == nil && n < int64(declared) {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			_, err = r.Read(make([]byte, 1)) // lets the stream see its end
			if errors.Is(err, io.EOF) {
				err = nil
			}
		}
		return body.Bytes(), err
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(body) > limit {
		drain(r.r, limit)
		return nil, errBodyOver
	}
	return body, err
}

// drain reads on as far as twice the limit, so that the sender of a body that is only somewhat too large
// reads the answer instead of meeting a closed connection.
func drain(r io.Reader, limit int) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r, max(2*int64(limit), drainLeast))) // the answer is the same if it breaks off
}

const drainLeast = 8 << 20
