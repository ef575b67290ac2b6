package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// wire speaks HTTP with the gateway.
type wire struct {
	client *http.Client
	base   *url.URL

	sent, acknowledged atomic.Int64 // deliveries; a refusal with a reason is an acknowledgement too
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// maxReply bounds an answer, bytes.
const maxReply = 8 << 20

// tries is how often a delivery is sent while the gateway says "later", as every platform does.
const tries = 5

// deliver sends one delivery until it is acknowledged. build makes the request anew for each attempt,
// because signatures grow old.
func (w *wire) deliver(ctx context.Context, build func(context.Context) (*http.Request, error)) (reply, error) {
	w.sent.Add(1)
	var last error
	for range tries {
		req, err := build(ctx)
		if err != nil {
			return reply{}, err
		}
		r, err := w.do(req)
		pause := time.Second
		switch {
		case ctx.Err() != nil:
			return reply{}, ctx.Err()
		case err != nil:
			last = err
		case r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests:
			last = fmt.Errorf("status %d", r.status)
			if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err == nil {
				pause = min(time.Duration(seconds)*time.Second, 5*time.Second)
			}
		default:
			w.acknowledged.Add(1)
			return r, nil
		}
		if err := rest(ctx, pause); err != nil {
			return reply{}, err
		}
	}
	return reply{}, fmt.Errorf("not acknowledged after %d attempts: %w", tries, last)
}

func (w *wire) do(req *http.Request) (reply, error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	return reply{resp.StatusCode, resp.Header, body}, err
}

// url is an address below the gateway's.
func (w *wire) url(path string, query url.Values) string {
	u := *w.base
	u.Path += path
	u.RawQuery = query.Encode()
	return u.String()
}

// account is somebody who logs in.
type account struct {
	login, password string

	mu      sync.Mutex
	cookies []*http.Cookie
}

// open begins a session, in place of one that ended: idle sessions end by the gateway's clock, and a
// demo's clock runs fast.
func (w *wire) open(ctx context.Context, a *account) error {
	r, err := w.ask(ctx, nil, http.MethodPost, "/api/v1/login", map[string]string{"login": a.login, "password": a.password})
	if err != nil {
		return err
	}
	resp := http.Response{Header: r.header}
	cookies := resp.Cookies()
	if len(cookies) == 0 {
		return errors.New("the gateway opened no session")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cookies = cookies
	return nil
}

func (a *account) session() []*http.Cookie {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cookies
}

// statusError is an answer of the API that is not a success.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// status is the HTTP status of an error of ask, 0 for other errors.
func status(err error) int {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status
	}
	return 0
}

// ask calls the API as an account, nil for anybody. target is a path, with its query if it has one.
func (w *wire) ask(ctx context.Context, as *account, method, target string, body any) (reply, error) {
	r, err := w.askOnce(ctx, as, method, target, body)
	if as != nil && status(err) == http.StatusUnauthorized {
		if err := w.open(ctx, as); err != nil {
			return r, err
		}
		return w.askOnce(ctx, as, method, target, body)
	}
	return r, err
}

func (w *wire) askOnce(ctx context.Context, as *account, method, target string, body any) (reply, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, w.base.String()+target, content)
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", w.base.Scheme+"://"+w.base.Host)
	}
	if as != nil {
		for _, c := range as.session() {
			req.AddCookie(c)
		}
	}
	r, err := w.do(req)
	if err == nil && r.status/100 != 2 {
		err = &statusError{r.status, string(r.body[:min(len(r.body), 300)])}
	}
	return r, err
}

// json is ask with an answer to decode.
func (w *wire) json(ctx context.Context, as *account, method, target string, body, into any) error {
	r, err := w.ask(ctx, as, method, target, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(r.body, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, target, err)
	}
	return nil
}
