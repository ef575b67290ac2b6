package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/app"
)

const (
	cityDir  = "../config/cities/linyi"
	password = "storm-day-2026" // of the demo's accounts, which it prints at its start
)

// morning is when the tests begin: 08:37 on the storm day in Linyi.
var morning = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)

// office is a whole hotline: a gateway in this process, on a folder of its own, with a clock that
// the test moves.
type office struct {
	t     *testing.T
	url   string
	where app.Where
	now   atomic.Int64 // Unix ms
	stop  func() error // stops as SIGTERM does; safe to call twice

	mu       sync.Mutex
	sessions map[string]*http.Client
}

// open starts an office.
func open(t *testing.T) *office {
	t.Helper()
	return openAt(t, app.Where{Data: t.TempDir()})
}

// both runs a test on a city in a file and on one in a server.
func both(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	inTurn(t, func(t *testing.T, start func() *office) {
		t.Parallel()
		test(t, start())
	})
}

// inTurn is both for a test that needs what there is only once, such as the address at which the
// demo's emergency desks answer.
func inTurn(t *testing.T, test func(t *testing.T, start func() *office)) {
	t.Helper()
	t.Run("file", func(t *testing.T) { test(t, func() *office { return open(t) }) })
	t.Run("server", func(t *testing.T) {
		test(t, func() *office { return openAt(t, app.Where{Data: t.TempDir(), Store: server.Database(t)}) })
	})
}

// openAt starts an office where its data are.
func openAt(t *testing.T, where app.Where) *office {
	t.Helper()
	o := &office{t: t, where: where, sessions: map[string]*http.Client{}}
	o.now.Store(morning.UnixMilli())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.url = "http://" + ln.Addr().String()
	log := &tail{}
	a, err := app.New(t.Context(), app.Options{
		City: cityDir, Where: where, Listen: ln.Addr().String(), Demo: true, Clock: o.clock,
		Out: io.Discard, Log: log, LogLevel: "warn", Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(errors.Join(err, ln.Close()))
	}
	a.Greet(t.Context())
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	o.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := o.stop(); err != nil {
			t.Errorf("the gateway did not stop as it should: %v", err)
		}
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", log)
		}
	})
	o.until("the gateway is ready", func() bool {
		resp, err := http.Get(o.url + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return o
}

// tail keeps the end of a log.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, p...)
	if over := len(w.buf) - 16<<10; over > 0 {
		w.buf = w.buf[over:]
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.buf)
}

func (o *office) clock() time.Time { return time.UnixMilli(o.now.Load()).UTC() }

// Advance lets time pass.
func (o *office) Advance(d time.Duration) { o.now.Add(d.Milliseconds()) }

// Tick lets time pass by itself until the test ends, at the speed of a demo.
func (o *office) Tick() {
	done := o.t.Context().Done()
	go func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				o.Advance(120 * 10 * time.Millisecond)
			}
		}
	}()
}

// until polls a condition; what is the sentence that must come true.
func (o *office) until(what string, holds func() bool) {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		if holds() {
			return
		}
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

// fields are a JSON object.
type fields map[string]any

// answer is what the gateway's own formats answer.
type answer struct {
	Status int         `json:"-"`
	Header http.Header `json:"-"`
	Body   []byte      `json:"-"`

	Number string         `json:"number"`
	Code   string         `json:"code"`
	Joined bool           `json:"joined"`
	Errors []ticketFields `json:"errors"`
}

type ticketFields struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// send posts raw bytes anywhere.
func (o *office) send(method, path string, header http.Header, body []byte) answer {
	o.t.Helper()
	a, err := o.try(method, path, header, body)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (o *office) try(method, path string, header http.Header, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		return answer{}, err
	}
	_ = json.Unmarshal(a.Body, &a) // not every answer is JSON
	return a, nil
}

// secret is what a reference of the pack stands for in a demo.
func secret(ref string) string { return config.DemoSecret(adapters.SecretRef(ref)) }

// signed are the headers of the gateway's own signature.
func (o *office) signed(ref string, body []byte) http.Header {
	stamp := strconv.FormatInt(o.clock().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret(ref)))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	return http.Header{"Content-Type": {"application/json"}, "X-Hotline-Timestamp": {stamp}, "X-Hotline-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
}

// said is what became of one report.
type said struct {
	o *office
	answer
}

// Post files a report on a public form.
func (o *office) Post(channel string, report fields) said {
	o.t.Helper()
	body, err := json.Marshal(report)
	if err != nil {
		o.t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if channel == "observer" {
		header.Set("Authorization", "Bearer "+secret("env:HOTLINE_OBSERVER_SECRET"))
	}
	a := o.send(http.MethodPost, "/channels/"+channel+"/", header, body)
	if a.Status/100 != 2 || a.Number == "" {
		o.t.Fatalf("%s answered %d %s", channel, a.Status, a.Body)
	}
	return said{o, a}
}

// Ring lets an agent fill in the form of the hotline.
func (o *office) Ring(form fields) said {
	o.t.Helper()
	form["agent"] = "A01"
	body, err := json.Marshal(form)
	if err != nil {
		o.t.Fatal(err)
	}
	a := o.send(http.MethodPost, "/channels/phone-12345/ticket", o.signed("env:HOTLINE_PHONE_12345_SECRET", body), body)
	if a.Status/100 != 2 || a.Number == "" {
		o.t.Fatalf("the agent's form was answered %d %s", a.Status, a.Body)
	}
	return said{o, a}
}

// view is what the tests read of a ticket.
type view struct {
	Number      string                 `json:"number"`
	State       string                 `json:"state"`
	Level       string                 `json:"level"`
	Unit        struct{ Title string } `json:"unit"`
	Text        string                 `json:"text"`
	PublicReply string                 `json:"public_reply"`
	Assignments []struct {
		No    int                        `json:"no"`
		Unit  struct{ ID, Title string } `json:"unit"`
		State string                     `json:"state"`
	} `json:"assignments"`
	Events []struct {
		Action string `json:"action"`
		Words  string `json:"words"`
	} `json:"events"`
	Clocks []struct {
		Name    string `json:"name"`
		State   string `json:"state"`
		Overdue bool   `json:"overdue"`
	} `json:"clocks"`
}

// as is the client of an account that has logged in.
func (o *office) as(login string) *http.Client {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.sessions[login]; c != nil {
		return c
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	resp, err := c.Post(o.url+"/api/v1/login", "application/json", strings.NewReader(fmt.Sprintf(`{"login":%q,"password":%q}`, login, password)))
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		o.t.Fatalf("%s cannot log in: %d %s", login, resp.StatusCode, body)
	}
	o.sessions[login] = c
	return c
}

// api calls the API as an account and decodes its answer. A session that has ended is begun again.
func (o *office) api(login, method, target string, body, into any) int {
	o.t.Helper()
	for again := false; ; again = true {
		var content io.Reader
		if body != nil {
			b, err := json.Marshal(body)
			if err != nil {
				o.t.Fatal(err)
			}
			content = bytes.NewReader(b)
		}
		req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+"/api/v1"+target, content)
		if err != nil {
			o.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := o.as(login).Do(req)
		if err != nil {
			o.t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			o.t.Fatal(err)
		}
		if resp.StatusCode == http.StatusUnauthorized && !again {
			o.mu.Lock()
			delete(o.sessions, login)
			o.mu.Unlock()
			continue
		}
		if resp.StatusCode/100 == 2 && into != nil {
			if err := json.Unmarshal(answer, into); err != nil {
				o.t.Fatalf("%s %s: %v in %s", method, target, err, answer)
			}
		}
		return resp.StatusCode
	}
}

// Ticket reads the ticket as the duty officer sees it.
func (s said) Ticket() view {
	s.o.t.Helper()
	var v view
	if code := s.o.api("duty", http.MethodGet, "/tickets/"+s.Number, nil, &v); code != http.StatusOK {
		s.o.t.Fatalf("ticket %s: %d", s.Number, code)
	}
	return v
}

// OwnedBy checks who answers for it.
func (s said) OwnedBy(unit string) said {
	s.o.t.Helper()
	if v := s.Ticket(); v.Unit.Title != unit {
		s.o.t.Fatalf("ticket %s (%s) is owned by %q, want %q", v.Number, v.State, v.Unit.Title, unit)
	}
	return s
}

// Escalated waits until the ladder has reached a level.
func (s said) Escalated(level string) said {
	s.o.t.Helper()
	s.o.until(s.Number+" is escalated to "+level, func() bool { return s.Ticket().Level == level })
	return s
}

// Does lets an account take an action on the ticket.
func (s said) Does(login, action string, body fields) view {
	s.o.t.Helper()
	var v view
	if code := s.o.api(login, http.MethodPost, "/tickets/"+s.Number+"/actions/"+action, body, &v); code != http.StatusOK {
		s.o.t.Fatalf("%s may not %s %s: %d", login, action, s.Number, code)
	}
	return v
}
