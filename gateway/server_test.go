package gateway_test

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
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
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

// gate is a whole gateway in this process, with a clock that stands still until a test moves it.
type gate struct {
	t    *testing.T
	url  string
	addr string
	data string
	now  atomic.Int64 // Unix ms
	log  *lines
	stop func() error
}

// lines is a log that tests read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func open(t *testing.T, change ...func(*app.Options)) *gate {
	t.Helper()
	g := &gate{t: t, data: t.TempDir(), log: &lines{}}
	g.now.Store(time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC).UnixMilli())
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = ln.Addr().String()
	g.url = "http://" + g.addr
	o := app.Options{
		City: "../config/cities/linyi", Where: app.Where{Data: g.data}, Listen: g.addr, Demo: true, Clock: func() time.Time { return time.UnixMilli(g.now.Load()).UTC() },
		Out: io.Discard, Log: g.log, LogLevel: "debug", Getenv: os.Getenv,
	}
	for _, c := range change {
		c(&o)
	}
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(errors.Join(err, ln.Close()))
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	g.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Errorf("the gateway did not stop as it should: %v", err)
		}
	})
	return g
}

func (g *gate) time() time.Time { return time.UnixMilli(g.now.Load()).UTC() }

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (g *gate) Send(method, path string, header map[string]string, body []byte) answer {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	return g.do(req)
}

func (g *gate) do(req *http.Request) answer {
	g.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{g.t, resp.StatusCode, resp.Header, string(b)}
}

func (a answer) Is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answered %d, want %d: %.300s", a.status, status, a.body)
	}
	return a
}

func (a answer) Has(part string) answer {
	a.t.Helper()
	if !strings.Contains(a.body, part) {
		a.t.Fatalf("the answer lacks %q: %.500s", part, a.body)
	}
	return a
}

var asJSON = map[string]string{"Content-Type": "application/json"}

func report(key string) []byte {
	return fmt.Appendf(nil, `{"clientReportId":%q,"description":"兰山区义堂镇滨河路路灯不亮，联系电话13800138000","reporter":{"type":"citizen","name":"王秀兰","phone":"13800138000"}}`, key)
}

func TestThePagesOfTheServer(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.Send("GET", "/livez", nil, nil).Is(200)
	g.Send("GET", "/readyz", nil, nil).Is(200)
	g.Send("POST", "/channels/miniapp", asJSON, report("r-1")).Is(201)
	home := g.Send("GET", "/", nil, nil).Is(200).Has("/api/v1/docs").Has("管理界面尚在建设").Has("<td>工单 tickets</td><td class=\"n\">1</td>")
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
		if got := home.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(home.header.Get("Content-Security-Policy"), "default-src 'none'") || home.header.Get("X-Request-Id") == "" {
		t.Error("no content security policy or no request id")
	}
	docs := g.Send("GET", "/api/v1/docs", nil, nil).Is(200).Has("/api/v1/tickets/{number}/actions/{action}")
	if strings.Contains(docs.body, "<script") || strings.Contains(docs.body, "http://") || strings.Contains(docs.body, "https://") {
		t.Error("the page of the API loads something from elsewhere")
	}
	g.Send("GET", "/metrics", nil, nil).Is(200).Has(`hotline_http_requests_total{method="POST",route="/channels/:channel",status="201"} 1`).Has("hotline_http_request_seconds_bucket")
	g.Send("GET", "/nowhere", nil, nil).Is(404).Has("http.unknown_path")
	g.Send("PUT", "/api/v1/tickets", nil, nil).Is(404)
	g.Send("POST", "/channels/pigeon", asJSON, report("r-2")).Is(404).Has("channel.unknown")
	g.Send("GET", "/now", nil, nil).Is(200).Has(`"demo":true`)
	if id := g.Send("GET", "/livez", map[string]string{"X-Request-Id": "abc-12345678"}, nil).header.Get("X-Request-Id"); id != "abc-12345678" {
		t.Errorf("a proxy's request id became %q", id)
	}
	if id := g.Send("GET", "/livez", map[string]string{"X-Request-Id": "a b<script>"}, nil).header.Get("X-Request-Id"); strings.Contains(id, "script") {
		t.Errorf("a harmful request id was taken over: %q", id)
	}
}

func TestTheLogHoldsNobodysData(t *testing.T) {
	t.Parallel()
	g := open(t)
	a := g.Send("POST", "/channels/miniapp?phone=13900139000", asJSON, report("r-1")).Is(201)
	var made struct{ Number, Code string }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil {
		t.Fatal(err)
	}
	g.Send("GET", "/api/v1/track/"+made.Number+"?code="+made.Code, nil, nil).Is(200)
	g.Send("GET", "/api/v1/search?q=13800138000", nil, nil).Is(401)
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	log := g.log.String()
	if !strings.Contains(log, "/channels/:channel") || !strings.Contains(log, "status=201") {
		t.Fatalf("requests are not logged by their route:\n%s", log)
	}
	for _, personal := range []string{"13800138000", "13900139000", "王秀兰", "滨河路", made.Code, "127.0.0.1"} {
		if strings.Contains(log, personal) {
			t.Errorf("the log holds %s", personal)
		}
	}
}

func TestBodiesAreBoundedByTheirPath(t *testing.T) {
	t.Parallel()
	g := open(t)
	over := bytes.Repeat([]byte("x"), 2<<20)
	g.Send("POST", "/channels/wechat", map[string]string{"Content-Type": "text/xml"}, over).Is(413).Has("http.too_large")
	g.Send("POST", "/api/v1/login", asJSON, over).Is(413)
	g.Send("POST", "/open311/v2/requests.json", map[string]string{"Content-Type": "multipart/form-data; boundary=b"}, bytes.Repeat([]byte("x"), 33<<20)).Is(400)
	g.Send("POST", "/nowhere", nil, over).Is(413)

	// A chunked body declares no length.
	req, err := http.NewRequestWithContext(t.Context(), "POST", g.url+"/api/v1/login", io.MultiReader(bytes.NewReader(over), bytes.NewReader(over)))
	if err != nil {
		t.Fatal(err)
	}
	g.do(req).Is(413)
	req, err = http.NewRequestWithContext(t.Context(), "POST", g.url+"/channels/miniapp", io.MultiReader(bytes.NewReader(report("chunked"))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	g.do(req).Is(201)
}

// raw speaks HTTP by hand over one connection and returns everything that came back.
func (g *gate) raw(request string) string {
	g.t.Helper()
	c, err := (&net.Dialer{}).DialContext(g.t.Context(), "tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if _, err := io.WriteString(c, request); err != nil {
		g.t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		g.t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	b, _ := io.ReadAll(c)
	return string(b)
}

func TestABodyIsNeverTakenForTheNextRequest(t *testing.T) {
	t.Parallel()
	g := open(t)
	inner := "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, head := range map[string]string{
		"a path that is not there":  "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		"a route without a body":    "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		"an unknown channel":        "POST /channels/pigeon HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		"a route that asks who":     "POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		"a channel that refuses":    "POST /channels/observer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
		"a platform's verification": "GET /channels/wechat HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
	} {
		if got := g.raw(fmt.Sprintf(head, len(inner), inner)); strings.Count(got, "HTTP/1.1 ") != 1 {
			t.Errorf("%s: one request was answered like this:\n%s", name, got)
		}
	}
	two := "POST /channels/miniapp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(report("p-1"))) + "\r\n\r\n" + string(report("p-1")) + inner
	if got := g.raw(two); strings.Count(got, "HTTP/1.1 ") != 2 || !strings.Contains(got, "201 Created") {
		t.Errorf("two requests on one connection were answered like this:\n%s", got)
	}
	if got := g.raw("POST /channels/miniapp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"cut"); strings.Contains(got, " 201 ") || strings.Count(got, "HTTP/1.1 ") > 1 {
		t.Errorf("half a body was answered like this:\n%s", got)
	}
}

// signed are the headers of a channel with our own signature.
func (g *gate) signed(ref string, body []byte) map[string]string {
	stamp := strconv.FormatInt(g.now.Load()/1000, 10)
	mac := hmac.New(sha256.New, []byte(config.DemoSecret(adapters.SecretRef(ref))))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	return map[string]string{"X-Hotline-Timestamp": stamp, "X-Hotline-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil))}
}

// photos is a multipart report with n pictures.
func photos(t *testing.T, key string, picture []byte, n int) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range map[string]string{"clientReportId": key, "description": "兰山区义堂镇街道积水", "reporter.type": "gridWorker", "reporter.id": "w-7", "reporter.gridCode": "371302105001"} {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		part, err := w.CreateFormFile("photo", fmt.Sprintf("现场%d.png", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(append(bytes.Clone(picture), byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// png begins like a picture.
var png = append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), bytes.Repeat([]byte{7}, 5000)...)

func (g *gate) kept() int {
	g.t.Helper()
	files, err := filepath.Glob(filepath.Join(g.data, "media", "??", "*"))
	if err != nil {
		g.t.Fatal(err)
	}
	return len(files)
}

func TestPhotographsAreKeptOnlyOfThoseWeKnow(t *testing.T) {
	t.Parallel()
	g := open(t)
	upload := func(key string, picture []byte, n int, ref string) answer {
		t.Helper()
		contentType, body := photos(t, key, picture, n)
		header := g.signed(ref, body)
		header["Content-Type"] = contentType
		return g.Send("POST", "/channels/grid", header, body)
	}
	upload("u-0", png, 2, "env:HOTLINE_SOMEBODY_ELSE").Is(401)
	if n := g.kept(); n != 0 {
		t.Fatalf("a stranger's %d files were kept", n)
	}
	upload("u-1", png, 2, "env:HOTLINE_GRID_SECRET").Is(201)
	if n := g.kept(); n != 2 {
		t.Fatalf("%d files were kept, want 2", n)
	}
	upload("u-1", png, 2, "env:HOTLINE_GRID_SECRET").Is(200) // the same again: the same files, the same ticket
	if n := g.kept(); n != 2 {
		t.Fatalf("after the retry %d files are kept, want 2", n)
	}
	upload("u-2", png, 10, "env:HOTLINE_GRID_SECRET").Is(422).Has("media.too_many")
	upload("u-3", bytes.Repeat([]byte{1}, 20<<20), 1, "env:HOTLINE_GRID_SECRET").Is(422).Has("media.too_large")

	contentType, body := photos(t, "u-4", png, 1)
	cut := body[:len(body)-3000]
	header := g.signed("env:HOTLINE_GRID_SECRET", cut)
	header["Content-Type"] = contentType
	g.Send("POST", "/channels/grid", header, cut).Is(422)
}

func TestAChannelHasItsLimit(t *testing.T) {
	t.Parallel()
	g := open(t)
	refused := 0
	desk := map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + config.DemoSecret("env:HOTLINE_COUNTER_SECRET")}
	for n := range 200 { // counter: 120 a minute, 30 at once
		if a := g.Send("POST", "/channels/counter", desk, report(strconv.Itoa(n))); a.status == 429 {
			a.Has("rate.limited")
			if a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			refused++
		}
	}
	if refused != 170 {
		t.Errorf("%d of 200 at once were refused, want 170", refused)
	}
	for range 400 { // 600 a minute, 150 at once
		a := g.Send("GET", "/open311/v2/services.xml", nil, nil)
		if a.status == 429 {
			a.Has("<errors>").Has("<code>429</code>")
			return
		}
	}
	t.Error("Open311 was never limited")
}

func TestOnlyTrustedProxiesNameTheCaller(t *testing.T) {
	t.Parallel()
	// Guesses are counted by address: who can name its own can guess for ever.
	guess := func(g *gate, forwarded string) int {
		return g.Send("GET", "/api/v1/track/LY2607130000011?code=AAAAAA", map[string]string{"X-Forwarded-For": forwarded}, nil).status
	}
	blocked := func(g *gate, name func(int) string) bool {
		for n := range 40 {
			if guess(g, name(n)) == 429 {
				return true
			}
		}
		return false
	}
	believing := func(o *app.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	invented := func(n int) string { return fmt.Sprintf("203.0.113.%d", n) }
	if !blocked(open(t), invented) {
		t.Error("without trusted proxies an invented address is believed")
	}
	if blocked(open(t, believing), invented) {
		t.Error("behind a trusted proxy forty callers are taken for one")
	}
	if !blocked(open(t, believing), func(n int) string { return invented(n) + ", 198.51.100.7" }) {
		t.Error("what stands left of the proxy's own word is believed")
	}
}

func TestStopAnswersWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	g := open(t)
	var all sync.WaitGroup
	var lost atomic.Int64
	begun := make(chan struct{}, 100)
	client := &http.Client{Timeout: 20 * time.Second}
	for n := range 40 {
		all.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), "POST", g.url+"/channels/miniapp", bytes.NewReader(report("s-"+strconv.Itoa(n))))
			if err != nil {
				lost.Add(1)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			begun <- struct{}{}
			if err != nil {
				return // not taken: the sender tries again
			}
			defer resp.Body.Close() //nolint:errcheck // it was only read
			if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 201 && resp.StatusCode != 503 {
				lost.Add(1)
			}
		})
	}
	<-begun
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	all.Wait()
	if n := lost.Load(); n > 0 {
		t.Errorf("%d senders were left with half an answer", n)
	}
}

func TestAnIdleConnectionDoesNotHoldUpTheStop(t *testing.T) {
	t.Parallel()
	g := open(t)
	silentConn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silentConn.Close() //nolint:errcheck // the gateway hangs up first
	if err := g.stop(); err != nil {
		t.Error(err)
	}
}
