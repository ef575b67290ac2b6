package api_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/signature"
)

// deliver posts bytes to a channel.
func (o *office) deliver(channel string, header http.Header, body []byte) answer {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.url+"/channels/"+channel, bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		o.t.Fatal(err)
	}
	return answer{o.t, resp.StatusCode, resp.Header, b.Bytes()}
}

func secret(ref string) string { return config.DemoSecret(adapters.SecretRef(ref)) }

func TestAttachmentsAreForThoseWhoSeeTheTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range map[string]string{"clientReportId": "m-1", "description": "兰山区义堂镇街道积水", "reporter.type": "gridWorker", "reporter.id": "w-7"} {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	picture := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), bytes.Repeat([]byte{7}, 400)...)
	page := []byte("<html><script>alert(1)</script></html>")
	for name, content := range map[string][]byte{"a.png": picture, "b.png": page} {
		part, err := w.CreateFormFile("photo", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	stamp := strconv.FormatInt(morning.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret("env:HOTLINE_GRID_SECRET")))
	fmt.Fprintf(mac, "%s.%s", stamp, form.Bytes())
	number := o.deliver("grid", http.Header{
		"Content-Type": {w.FormDataContentType()}, "X-Hotline-Timestamp": {stamp},
		"X-Hotline-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}, form.Bytes()).Is(http.StatusCreated).field("number")

	var view struct {
		Media []struct{ SHA256, MIME, Name string }
	}
	o.Get("duty", "/tickets/"+number).Is(http.StatusOK).Read(&view)
	if len(view.Media) != 2 {
		t.Fatalf("the ticket has %+v", view.Media)
	}
	for _, m := range view.Media {
		a := o.Get("duty", "/media/"+m.SHA256+"?ticket="+number).Is(http.StatusOK)
		isPicture := m.MIME == "image/png"
		want, kind := page, "application/octet-stream"
		if isPicture {
			want, kind = picture, "image/png"
		}
		if !bytes.Equal(a.body, want) || a.header.Get("Content-Type") != kind {
			t.Errorf("%s comes as %s, %d bytes", m.Name, a.header.Get("Content-Type"), len(a.body))
		}
		if inline := strings.HasPrefix(a.header.Get("Content-Disposition"), "inline"); inline != isPicture || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s (%s) would run in a browser: %v", m.Name, m.MIME, a.header)
		}
	}
	sha := view.Media[0].SHA256
	other, _ := o.Register("k-1", map[string]any{"text": "沂水县县城供热管道漏水，家里没有暖气"})
	o.Get("duty", "/media/"+sha+"?ticket="+other).Is(http.StatusNotFound)
	o.Get("duty", "/media/"+sha).Is(http.StatusNotFound)
	o.Get("duty", "/media/..%2F..%2Fkeys.json?ticket="+number).Is(http.StatusNotFound)
	o.Post("admin", "/users", map[string]any{"login": "hedong", "name": "河东", "roles": []string{"unit_head"}, "unit": "d-371312", "machine": true}).Is(http.StatusCreated)
	o.Get("", "/media/"+sha+"?ticket="+number).Is(http.StatusUnauthorized)
}

func TestWhatCannotBeReadWaitsInQuarantine(t *testing.T) {
	t.Parallel()
	o := open(t)
	body := []byte(`{"type":"level.alarm","data":"nothing we know"`)
	signed, err := signature.SignStandardWebhook(secret("env:HOTLINE_FLOOD_GAUGE_SECRET"), "msg_1", morning, body)
	if err != nil {
		t.Fatal(err)
	}
	o.deliver("flood-gauge", http.Header{
		"Content-Type": {"application/json"}, signature.HeaderWebhookID: {"msg_1"}, signature.HeaderWebhookSignature: {signed},
		signature.HeaderWebhookTimestamp: {strconv.FormatInt(morning.Unix(), 10)},
	}, body).Is(http.StatusOK)
	var list struct {
		Items []struct{ ID, State, Code string }
	}
	o.Get("integrator", "/deliveries?state=quarantined&channel=flood-gauge").Is(http.StatusOK).Read(&list)
	if len(list.Items) != 1 || list.Items[0].Code == "" {
		t.Fatalf("in quarantine: %+v", list.Items)
	}
	o.Post("integrator", "/deliveries/"+list.Items[0].ID+"/redrive", nil).Is(http.StatusUnprocessableEntity).Code("delivery.unreadable")
	o.Post("integrator", "/deliveries/0198f7b0-1111-7000-8000-000000000002/redrive", nil).Is(http.StatusNotFound)
	o.Post("integrator", "/deliveries/1/redrive", nil).Is(http.StatusNotFound)
	if o.Get("duty", "/counts").Is(http.StatusOK).field("quarantined") != "1" {
		t.Error("the figures do not count it")
	}
	// Its stub is a ticket an agent can already work on.
	if a := o.Get("desk", "/tickets?state=triage").Is(http.StatusOK); !strings.Contains(string(a.body), `"quarantined":true`) {
		t.Errorf("the desk sees no stub: %s", a.body)
	}
}

func TestTheDutyOfficerHearsOfOverdueClocksAndConfirms(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, _ := o.Register("k-1", flood())
	o.Advance(5 * time.Hour)
	var list struct {
		Items []struct{ ID, Number, Level string }
	}
	o.until("an overdue clock raises an alert", func() bool {
		o.Get("duty", "/alerts?open=true&limit=1000").Is(http.StatusOK).Read(&list)
		return len(list.Items) > 0
	})
	id := list.Items[0].ID
	if list.Items[0].Number != number {
		t.Errorf("the alert is about %s, want %s", list.Items[0].Number, number)
	}
	o.Post("yitang", "/alerts/"+id+"/ack", nil).Is(http.StatusForbidden)
	o.Post("duty", "/alerts/"+id+"/ack", nil).Is(http.StatusOK)
	o.Post("duty", "/alerts/"+id+"/ack", nil).Is(http.StatusConflict)
	if a := o.Get("duty", "/alerts?open=true&limit=1000").Is(http.StatusOK); strings.Contains(string(a.body), id) {
		t.Error("an acknowledged alert is still open")
	}
}

func TestAPackComesBackOnlyIfItIsKnown(t *testing.T) {
	t.Parallel()
	o := open(t)
	active := o.Get("admin", "/pack").Is(http.StatusOK).field("active")
	o.Post("admin", "/pack/rollback", map[string]any{"hash": strings.Repeat("0", 64)}).Is(http.StatusNotFound)
	o.Post("admin", "/pack/rollback", map[string]any{"hash": "abc"}).Is(http.StatusUnprocessableEntity)
	if now := o.Get("admin", "/pack").Is(http.StatusOK).field("active"); now != active {
		t.Errorf("a refused roll-back changed the pack to %s", now)
	}
}
