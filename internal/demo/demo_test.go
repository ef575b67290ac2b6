package demo

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/internal/signature"
)

var noon = time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)

func TestSinkTakesOnlyWhatIsSigned(t *testing.T) {
	t.Parallel()
	const key = "c2l4dGVlbiBieXRlcyBhbmQgbW9yZQ"
	v, err := signature.Compile(signature.Scheme{Type: signature.TypeStandardWebhooks}, [][]byte{[]byte(key)})
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	h := s.take("e-110", v, func() time.Time { return noon })
	send := func(secret, body string) int {
		signed, err := signature.SignStandardWebhook(secret, "n1", noon, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/notify/e-110", strings.NewReader(body))
		req.Header.Set(signature.HeaderWebhookID, "n1")
		req.Header.Set(signature.HeaderWebhookTimestamp, strconv.FormatInt(noon.Unix(), 10))
		req.Header.Set(signature.HeaderWebhookSignature, signed)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return rec.Code
	}
	if code := send(key, `{"ticket":"LY2607130000011"}`); code/100 != 2 {
		t.Errorf("a true notice was answered %d", code)
	}
	if code := send("YW5vdGhlciBzaXh0ZWVuIGJ5dGVz", `{"ticket":"LY2607130000029"}`); code/100 == 2 {
		t.Errorf("a forged notice was answered %d", code)
	}
	if code := send(key, `{}`); code/100 == 2 {
		t.Errorf("a notice about nothing was answered %d", code)
	}
	if diff := cmp.Diff([]string{"e-110"}, s.units("LY2607130000011")); diff != "" {
		t.Error(diff)
	}
	if got := s.units("LY2607130000029"); len(got) != 0 {
		t.Errorf("the forged notice counts: %v", got)
	}
}

func TestDeliverComesAgainWhenToldTo(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 || r.URL.Path == "/never" {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{client: server.Client(), base: base}
	get := func(path string) error {
		_, err := w.deliver(t.Context(), func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodPost, w.url(path, nil), http.NoBody)
		})
		return err
	}
	if err := get("/"); err != nil || asked.Load() != 3 {
		t.Errorf("after %d attempts: %v", asked.Load(), err)
	}
	if err := get("/never"); err == nil {
		t.Error("what was never acknowledged counts as delivered")
	}
	if sent, got := w.sent.Load(), w.acknowledged.Load(); sent != 2 || got != 1 {
		t.Errorf("%d sent, %d acknowledged", sent, got)
	}
}

func TestRunSaysWhatIsWrongWithTheAddress(t *testing.T) {
	t.Parallel()
	o := Options{Wall: func() time.Time { return noon }, HTTP: &http.Client{Timeout: time.Second}}
	for _, to := range []string{"", "nowhere", "ftp://127.0.0.1", "http://127.0.0.1:1"} {
		o.To = to
		if err := Run(t.Context(), o); err == nil || errors.Is(err, ErrDiffers) {
			t.Errorf("%q: %v", to, err)
		}
	}
}

func TestReportCountsWhatDiffers(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &day{Options: Options{Out: &out}, wire: &wire{}}
	good := &record{Row: Row{Scene: "好"}}
	d.rows = []*record{good}
	if err := d.report(); err != nil {
		t.Errorf("a good day: %v", err)
	}
	bad := &record{Row: Row{Scene: "坏"}}
	bad.must(false, "去了别处")
	d.rows = []*record{good, bad}
	if err := d.report(); !errors.Is(err, ErrDiffers) || !strings.Contains(out.String(), "✗ 去了别处") {
		t.Errorf("%v\n%s", err, out.String())
	}
	d.rows = []*record{good}
	d.wire.sent.Store(1)
	if err := d.report(); !errors.Is(err, ErrDiffers) {
		t.Errorf("one delivery was lost: %v", err)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"": 0, "abc": 3, "积水": 4, "110 转来": 8, "，": 2, "✓": 1} {
		if got := columns(s); got != want {
			t.Errorf("%q takes %d columns, want %d", s, got, want)
		}
	}
	if got := shorten("滨河路与聚才八路", 7); got != "滨河路…" || columns(got) > 7 {
		t.Errorf("shortened to %q", got)
	}
}

func TestPhotosAreValidAndDiffer(t *testing.T) {
	t.Parallel()
	a, b := photo(1), photo(2)
	for _, p := range [][]byte{a, b} {
		if _, err := jpeg.Decode(bytes.NewReader(p)); err != nil {
			t.Error(err)
		}
	}
	if bytes.Equal(a, b) || len(a) > 10_000 {
		t.Errorf("two photos of %d and %d bytes", len(a), len(b))
	}
}
