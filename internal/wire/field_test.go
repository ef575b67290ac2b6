package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestComplaint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tag, param string
		kind       reflect.Kind
		want       string
	}{
		{"required", "", reflect.String, "不能为空"},
		{"max", "100", reflect.String, "最多 100 个字"},
		{"max", "9", reflect.Slice, "最多 9 项"},
		{"lte", "5", reflect.Float64, "不能大于 5"},
		{"gte", "0", reflect.Float64, "不能小于 0"},
		{"oneof", "a b", reflect.String, "只能是以下之一：a b"},
		{"heaven", "", reflect.String, "格式不正确"},
	} {
		if got := Complaint(tt.tag, tt.param, tt.kind); got != tt.want {
			t.Errorf("Complaint(%s=%s, %s) = %q, want %q", tt.tag, tt.param, tt.kind, got, tt.want)
		}
	}
}

func TestCorrectable(t *testing.T) {
	t.Parallel()
	err := Correctable(JSON([]byte(`{"count":"x"}`), new(item)), "x.format")
	var e *ticket.Error
	if !errors.As(err, &e) || e.Kind != ticket.Invalid || e.Code != "x.format" || len(e.Fields) != 1 || e.Fields[0].Name != "count" {
		t.Errorf("a wrong type: %v", err)
	}
	_, charset := Text([]byte("a"), http.Header{"Content-Type": {"text/plain; charset=klingon"}})
	if err := Correctable(charset, "x.format"); !ticket.IsKind(err, ticket.Invalid) {
		t.Errorf("an unknown charset: %v", err)
	}
	other := errors.New("other")
	if err := Correctable(other, "x"); err != other { //nolint:errorlint // the very same
		t.Errorf("another error: %v", err)
	}
	if err := Correctable(nil, "x"); err != nil {
		t.Errorf("no error: %v", err)
	}
}

func TestCoordinates(t *testing.T) {
	t.Parallel()
	num := func(f float64) *float64 { return &f }
	tests := map[string]struct {
		lng, lat *float64
		crs      string
		want     ticket.Datum
		wrong    string // name of the field complained of
	}{
		"none":                    {nil, nil, "", "", ""},
		"channel's datum":         {num(118.3), num(35.1), "", ticket.BD09, ""},
		"named":                   {num(118.3), num(35.1), "GCJ-02", ticket.GCJ02, ""},
		"CGCS2000":                {num(118.3), num(35.1), "CGCS2000", ticket.WGS84, ""},
		"unknown datum":           {num(118.3), num(35.1), "beijing54", "", "place.crs"},
		"half":                    {num(118.3), nil, "", "", "place"},
		"no fix":                  {num(0), num(0), "", "", "place"},
		"swapped":                 {num(35.1), num(118.3), "", "", "place"},
		"swapped in the far west": {num(39.5), num(75.9), "", "", "place"},
		"outside the world":       {num(181), num(35), "", "", "place"},
		"elsewhere is no fault":   {num(-0.12), num(51.5), "wgs84", ticket.WGS84, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := ticket.Place{Address: "a"}
			wrong := Coordinates(&p, tt.lng, tt.lat, tt.crs, ticket.BD09, "place")
			if p.Datum != tt.want || p.HasPoint() != (tt.want != "") {
				t.Errorf("place = %+v, want datum %q", p, tt.want)
			}
			if (len(wrong) > 0) != (tt.wrong != "") || len(wrong) > 0 && wrong[0].Name != tt.wrong {
				t.Errorf("complaints = %v, want one of %q", wrong, tt.wrong)
			}
		})
	}
}

func TestOccurred(t *testing.T) {
	t.Parallel()
	received := time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)
	for in, good := range map[string]bool{"": true, "2026-07-13 08:00": true, "1970-01-01": false, "2099-01-01": false, "soon": false} {
		at, wrong := Occurred(in, time.FixedZone("CST", 8*3600), received, "occurredAt")
		if (len(wrong) == 0) != good || at.IsZero() != (in == "" || !good) {
			t.Errorf("Occurred(%q) = %v, %v", in, at, wrong)
		}
	}
}

func TestPhone(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"138 1234 5678": "+8613812345678", "8212345": "+865398212345", "138****5678": "138****5678", "匿名": "", "": "",
	} {
		if got, withheld := Phone(raw, "0539"); got != want || withheld != (want == "") {
			t.Errorf("Phone(%q) = %q, %v, want %q", raw, got, withheld, want)
		}
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	const secret = "a-secret"
	deps := adapters.Deps{Secret: func(ref adapters.SecretRef) (string, error) {
		if ref == "env:A" {
			return secret, nil
		}
		return "", fmt.Errorf("secret %s is not set", ref)
	}}
	received := time.Unix(1783903020, 0).UTC()
	in := adapters.Inbound{
		Method: "POST", URL: "https://hotline.example.cn/channels/x/a%2Fb?c=d", Body: []byte("{}"), ReceivedAt: received, Header: http.Header{},
	}
	sign := func(text string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(text))
		return "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}

	own, err := NewGuard(GuardSettings{Verify: signature.Scheme{Type: "hmac"}, Secrets: []adapters.SecretRef{"env:A"}}, deps)
	if err != nil {
		t.Fatal(err)
	}
	in.Header.Set(HeaderTimestamp, "1783903020")
	in.Header.Set(HeaderSignature, sign("1783903020.{}"))
	if err := own.Check(in); err != nil {
		t.Errorf("our own signature: %v", err)
	}
	in.ReceivedAt = received.Add(signature.DefaultTolerance + time.Second)
	if err := own.Check(in); !ticket.IsKind(err, ticket.Unauthenticated) || !errors.Is(err, signature.ErrStale) {
		t.Errorf("an old signature: %v", err)
	}

	// What is signed of the address is path and query as they came, without the host.
	target, err := NewGuard(GuardSettings{
		Verify:  signature.Scheme{Type: "hmac", Alg: "sha256", Header: HeaderSignature, Prefix: "sha256=", Signed: "{path}|{query}"},
		Secrets: []adapters.SecretRef{"env:A"},
	}, deps)
	if err != nil {
		t.Fatal(err)
	}
	in.Header.Set(HeaderSignature, sign("/channels/x/a%2Fb|c=d"))
	if err := target.Check(in); err != nil {
		t.Errorf("path and query: %v", err)
	}

	for name, s := range map[string]GuardSettings{
		"verify: type is missing":             {},
		"secrets[0]: secret env:B is not set": {Verify: signature.Scheme{Type: "bearer"}, Secrets: []adapters.SecretRef{"env:B"}},
		"no secret":                           {Verify: signature.Scheme{Type: "bearer"}},
	} {
		if _, err := NewGuard(s, deps); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("NewGuard = %v, want %q", err, name)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, u := range []string{"https://a.b/c?d=e", "https://a.b", "https://a.b?c=d", "/c?d=https://x/y"} {
		got[u] = target(u)
	}
	want := map[string]string{"https://a.b/c?d=e": "/c?d=e", "https://a.b": "/", "https://a.b?c=d": "?c=d", "/c?d=https://x/y": "/c?d=https://x/y"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
}
