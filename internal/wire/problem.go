package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

// problem is a problem document (RFC 9457 §3). code and errors are our extension members; type is
// left out, which means about:blank: the code says what happened.
type problem struct {
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	Code   string         `json:"code,omitempty"`
	Errors []ticket.Field `json:"errors,omitempty"`
}

// Problem is the reply that tells a caller what went wrong: an RFC 9457 problem document with
// a stable code and, when single fields were wrong, which and why.
func Problem(status int, code, title, detail string, fields []ticket.Field) adapters.Reply {
	r := Reply(status, problem{Title: title, Status: status, Detail: detail, Code: code, Errors: fields})
	r.Header.Set("Content-Type", "application/problem+json; charset=utf-8")
	return r
}

// Reply is a JSON reply. Text keeps <, > and & as they are: nobody reads it as HTML.
func Reply(status int, body any) adapters.Reply {
	b, err := marshal(body)
	if err != nil { // only a body that cannot be JSON at all, which is a mistake of the caller's types
		status, b = http.StatusInternalServerError, []byte(`{"title":"Internal Server Error","status":500}`)
	}
	return adapters.Reply{
		Status: status,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Cache-Control": {"no-store"}},
		Body:   b,
	}
}

// NotPost answers who comes to an address of reports in another way than by POST: a crawler, a browser, a
// monitor. ok is false for a POST, which is a delivery.
func NotPost(in adapters.Inbound) (r adapters.Reply, ok bool) {
	if in.Method == http.MethodPost {
		return adapters.Reply{}, false
	}
	r = Problem(http.StatusMethodNotAllowed, "http.method", "此地址只接受 POST", "", nil)
	r.Header.Set("Allow", http.MethodPost)
	return r, true
}

// RetryAfter sets the header that tells the caller when to come again, in whole seconds, rounded up.
func RetryAfter(r adapters.Reply, after time.Duration) adapters.Reply {
	seconds := max(1, int64((after+time.Second-1)/time.Second))
	r.Header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	return r
}

func marshal(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
