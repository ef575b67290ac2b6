package gateway

import (
	"errors"
	"io"
)

// errBodyOver says that a body is larger than its path allows.
var errBodyOver = errors.New("gateway: the body is too large")

// readAll reads a body of a declared length (negative when it is chunked) and at most limit bytes.
// Errors: errBodyOver; io.ErrUnexpectedEOF when less came than was declared.
func readAll(r io.Reader, declared, limit int) ([]byte, error) {
	if declared > limit {
		drain(r, limit)
		return nil, errBodyOver
	}
	if declared >= 0 {
		body := make([]byte, declared)
		_, err := io.ReadFull(r, body)
		if err == nil {
			_, err = r.Read(make([]byte, 1)) // lets the stream see its end
			if errors.Is(err, io.EOF) {
				err = nil
			}
		}
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(body) > limit {
		drain(r, limit)
		return nil, errBodyOver
	}
	return body, err
}

// drain reads on as far as twice the limit, so that the sender of a body that is only somewhat too large
// reads the answer instead of meeting a closed connection.
func drain(r io.Reader, limit int) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r, 2*int64(limit))) // the answer is the same if it breaks off
}
