package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
)

// office is a whole gateway in this process, with a clock that stands still until a test moves it.
type office struct {
	t   *testing.T
	url string
	now *atomic.Int64 // Unix ms

	mu       sync.Mutex
	sessions map[string]*http.Client
}

const password = "storm-day-2026" // of the demo's accounts

var morning = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC) // 08:37 in Linyi

// open starts an office on a folder of its own.
func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: new(atomic.Int64), sessions: map[string]*http.Client{}}
	o.now.Store(morning.UnixMilli())
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.url = "http://" + ln.Addr().String()
	var log bytes.Buffer
	a, err := app.New(t.Context(), app.Options{
		City: "../../config/cities/linyi", Shadow: "../../config/cities/linyi", Where: app.Where{Data: t.TempDir()}, Listen: ln.Addr().String(), Demo: true,
		Clock: func() time.Time { return time.UnixMilli(o.now.Load()).UTC() }, Out: io.Discard, Log: &log, LogLevel: "error", Getenv: os.Getenv,
	})
	if err != nil {
		t.Fatal(errors.Join(err, ln.Close()))
	}
	a.Greet(t.Context())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the gateway did not stop as it should: %v", err)
		}
		if log.Len() > 0 {
			t.Errorf("the gateway logged errors:\n%s", log.String())
		}
	})
	return o
}

// Advance lets time pass. People who idled that long log in again.
func (o *office) Advance(d time.Duration) {
	o.now.Add(d.Milliseconds())
	if d > 20*time.Minute {
		o.mu.Lock()
		defer o.mu.Unlock()
		clear(o.sessions)
	}
}

// as is the client of an account that has logged in; "" is nobody.
func (o *office) as(login string) *http.Client {
	o.t.Helper()
	if login == "" {
		return http.DefaultClient
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.sessions[login]; c != nil {
		return c
	}
	c, status, body := o.login(login, password)
	if status != http.StatusOK {
		o.t.Fatalf("%s cannot log in: %d %s", login, status, body)
	}
	o.sessions[login] = c
	return c
}

func (o *office) login(login, password string) (client *http.Client, status int, body string) {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	client = &http.Client{Jar: jar, Timeout: 30 * time.Second}
	a := o.send(client, http.MethodPost, "/login", nil, map[string]string{"login": login, "password": password})
	return client, a.status, string(a.body)
}

// answer is what the API said.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// send makes one request below /api/v1.
func (o *office) send(c *http.Client, method, target string, header http.Header, body any) answer {
	o.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			o.t.Fatal(err)
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+"/api/v1"+target, content)
	if err != nil {
		o.t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	a := answer{t: o.t, status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		o.t.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

// Get and Post ask as an account.
func (o *office) Get(login, target string) answer {
	o.t.Helper()
	return o.send(o.as(login), http.MethodGet, target, nil, nil)
}

func (o *office) Post(login, target string, body any) answer {
	o.t.Helper()
	return o.send(o.as(login), http.MethodPost, target, nil, body)
}

// Is checks the status.
func (a answer) Is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// Code checks the stable code of a problem.
func (a answer) Code(code string) answer {
	a.t.Helper()
	var p struct{ Code string }
	a.Read(&p)
	if p.Code != code {
		a.t.Fatalf("code %q, want %q: %s", p.Code, code, a.body)
	}
	return a
}

// Read decodes the body.
func (a answer) Read(into any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
}

// field is one value of the body by its dotted path.
func (a answer) field(path string) string {
	a.t.Helper()
	var at any
	a.Read(&at)
	for name := range strings.SplitSeq(path, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[name]
	}
	if at == nil {
		return ""
	}
	return fmt.Sprint(at)
}

// Register takes down a request by the agent and returns its number and code.
func (o *office) Register(key string, form map[string]any) (number, code string) {
	o.t.Helper()
	if form["channel"] == nil {
		form["channel"] = "phone-12345"
	}
	a := o.send(o.as("agent"), http.MethodPost, "/tickets", http.Header{"Idempotency-Key": {key}}, form).Is(http.StatusCreated)
	return a.field("number"), a.field("code")
}

// until polls a condition; what is the sentence that must come true.
func (o *office) until(what string, holds func() bool) {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(end) {
			o.t.Fatalf("after 20 s it is not so that %s", what)
		}
		select {
		case <-o.t.Context().Done():
			o.t.Fatal("stopped while waiting that " + what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// flood is the seed's report; the owner is the town.
func flood() map[string]any {
	return map[string]any{
		"text": "义堂镇滨河路与聚才八路路口积水，水深到膝盖", "place": map[string]any{"address": "兰山区义堂镇滨河路88号3单元201"},
		"appellant": map[string]any{"name": "王秀兰", "phone": "13800138000"},
	}
}
