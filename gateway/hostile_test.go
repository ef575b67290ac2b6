package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/app"
	"github.com/citizen-hotline/gateway/internal/signature"
)

// Senders who begin a large body and leave it there must not keep out those who send theirs.
func TestTheSlowKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	g := open(t)
	for range 40 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // the test is over
		head := "POST /channels/miniapp HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 60000000\r\n\r\n"
		if _, err := io.WriteString(c, head+strings.Repeat("x", 20_000)); err != nil {
			t.Fatal(err)
		}
	}
	contentType, body := photos(t, "after-the-slow", append(png, make([]byte, 3<<20)...), 1)
	header := g.signed("env:HOTLINE_GRID_SECRET", body)
	header["Content-Type"] = contentType
	g.Send("POST", "/channels/grid", header, body).Is(201)
}

// part is one part of a multipart body, a file when it has a name.
type part struct{ field, file, mediaType, content string }

func multipartOf(t *testing.T, parts ...part) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		disposition := fmt.Sprintf("form-data; name=%q", p.field)
		if p.file != "" {
			disposition += fmt.Sprintf("; filename=%q", p.file)
		}
		to, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {p.mediaType}})
		if err == nil {
			_, err = io.WriteString(to, p.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// Browsers name every Blob and cameras send the event as a file: that is the message, no attachment.
func TestTheMessageMayBeAFile(t *testing.T) {
	t.Parallel()
	g := open(t)
	picture := part{"photo", "现场.png", "image/png", string(png)}
	for _, report := range []part{
		{"report", "blob", "application/json", string(report("blob"))},
		{"report", "r.json", "application/octet-stream", string(report("curl"))},
	} {
		contentType, body := multipartOf(t, report, picture)
		g.Send("POST", "/channels/miniapp", map[string]string{"Content-Type": contentType}, body).Is(201)
	}
	if n := g.kept(); n != 1 {
		t.Errorf("%d files were kept, want the picture alone", n)
	}
	g.hook(t, "camera", part{"event", "event.json", "application/json", alarm("FG-1")}, picture).Is(200).Has(`"result":"accepted"`)
}

func alarm(device string) string {
	return fmt.Sprintf(`{"type":"level.alarm","data":{"device":%q,"site":"聚才八路","depthCm":9,"lng":118.243,"lat":35.112}}`, device)
}

// hook sends a multipart body to a sensor's channel, signed as Standard Webhooks say.
func (g *gate) hook(t *testing.T, id string, parts ...part) answer {
	t.Helper()
	contentType, body := multipartOf(t, parts...)
	at := g.time()
	signed, err := signature.SignStandardWebhook(config.DemoSecret("env:HOTLINE_FLOOD_GAUGE_SECRET"), id, at, body)
	if err != nil {
		t.Fatal(err)
	}
	return g.Send("POST", "/channels/flood-gauge", map[string]string{
		"Content-Type": contentType, "Webhook-Id": id,
		"Webhook-Timestamp": strconv.FormatInt(at.Unix(), 10), "Webhook-Signature": signed,
	}, body)
}

// A platform cannot correct itself: whatever its files are like, its delivery is kept.
func TestNoFileLosesAPlatformsDelivery(t *testing.T) {
	t.Parallel()
	g := open(t)
	pictures := make([]part, 12)
	for i := range pictures {
		pictures[i] = part{"photo", "p.png", "image/png", string(png) + strconv.Itoa(i)}
	}
	event := part{"event", "", "application/json", alarm("FG-2")}
	g.hook(t, "many", append([]part{event}, pictures...)...).Is(200).Has(`"result":"accepted"`)
	if n := g.kept(); n != 0 {
		t.Errorf("%d files were kept of a delivery that was kept whole", n)
	}
	g.hook(t, "no-event", pictures[0]).Is(200).Has(`"result":"quarantined"`)
}

// What is open to everybody keeps no more of anybody than a report can need, and no half of one.
func TestTextIsNoFile(t *testing.T) {
	t.Parallel()
	g := open(t)
	long := strings.Repeat("水", 1<<20)
	g.Send("POST", "/channels/miniapp", asJSON, fmt.Appendf(nil, `{"clientReportId":"l","description":%q}`, long)).Is(413).Has("2 MB")
	contentType, body := multipartOf(t, part{"photo", "p.png", "image/png", string(png)}, part{"report", "", "application/json", long})
	g.Send("POST", "/channels/miniapp", map[string]string{"Content-Type": contentType}, body).Is(422).Has("http.too_large")
	g.Send("POST", "/open311/v2/requests.xml", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, []byte("description="+long)).Is(400).Has("<errors>")
	g.Send("POST", "/channels/wechat", nil, make([]byte, 2<<20)).Is(413).Has("1536 KB")

	contentType, body = photos(t, "cut", png, 3)
	g.Send("POST", "/channels/miniapp", map[string]string{"Content-Type": contentType}, body[:len(body)-100]).Is(422).Has("media.form")
	if n := g.kept(); n != 0 {
		t.Errorf("%d files were kept of forms that were refused", n)
	}
}

func TestReportsComeByPost(t *testing.T) {
	t.Parallel()
	g := open(t)
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"} {
		body := report("m-" + method)
		if a := g.Send(method, "/channels/miniapp", asJSON, body).Is(405); a.header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", method, a.header.Get("Allow"))
		}
		g.Send(method, "/channels/phone-12345/events", g.signed("env:HOTLINE_PHONE_12345_SECRET", body), body).Is(405)
		g.Send(method, "/channels/phone-12345/events", nil, body).Is(401)
	}
}

// Strangers must not silence a channel for those who are let in.
func TestStrangersUseUpNobodysLimit(t *testing.T) {
	t.Parallel()
	g := open(t, func(o *app.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	counter := func(from, token string, n int) int {
		body := fmt.Appendf(nil, `{"clientReportId":"c-%s-%d","description":"义堂镇滨河路路灯不亮","reporter":{"type":"agent","id":"a1"}}`, from, n)
		return g.Send("POST", "/channels/counter", map[string]string{"Content-Type": "application/json", "X-Forwarded-For": from, "Authorization": "Bearer " + token}, body).status
	}
	last := 0
	for n := range 200 { // counter: 120 a minute, 30 at once
		last = counter("203.0.113.9", "guess", n)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the stranger is still read: %d", last)
	}
	if got := counter("198.51.100.7", config.DemoSecret(adapters.SecretRef("env:HOTLINE_COUNTER_SECRET")), 0); got != http.StatusCreated {
		t.Errorf("the counter is answered %d", got)
	}
}

// Some proxies add a header line of their own instead of a word to the sender's.
func TestTheProxysOwnLineCounts(t *testing.T) {
	t.Parallel()
	g := open(t, func(o *app.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for n := range 40 {
		got := g.raw(fmt.Sprintf("GET /api/v1/track/LY2607130000011?code=AAAAAA HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+
			"X-Forwarded-For: 203.0.113.%d\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n", n))
		if strings.HasPrefix(got, "HTTP/1.1 429 ") {
			return
		}
	}
	t.Error("an invented address before the proxy's own line is believed")
}
