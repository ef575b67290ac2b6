package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/adaptertest"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/ticket"
)

var secrets = map[string]string{
	"env:DOUYIN": "demo_client_secret", "env:ONENET": "demo_token", "env:BEARER": "demo-bearer-key", "env:CAMERA": "demo-camera", "env:VENDOR": "demo-vendor-key",
	"env:WEIBO": "xyz123xyz", // of the signature that open.weibo.com publishes (testdata/weibo/published_signature)
	"env:NEW":   "whsec_Y2hhbmdlZC1pbi0yMDI2LWFzLW9mdGVu",
	"env:OLD":   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}

// channels are platforms that join by configuration alone; each is a folder with its settings.
func channels(t testing.TB) map[string]adaptertest.Config {
	t.Helper()
	list := map[string]adaptertest.Config{
		"douyin": {
			Guard: adaptertest.Guard{Headers: []string{"X-Douyin-Signature"}, Body: true},
			Text:  saying(`{"event":"im_receive_msg","from_user_id":"u","content":{"conversation_short_id":"c","server_message_id":"s","message_type":"text","create_time":1783902600000,"text":%s}}`),
			Unknown: []adapters.Inbound{
				inbound(`{"event":"im_recall_msg","content":{}}`),
			},
		},
		"weibo": {
			Guard: adaptertest.Guard{Query: []string{"signature", "timestamp", "nonce"}}, Sign: signWeibo,
			Text: saying(`{"type":"text","sender_id":1,"created_at":"Thu Jan 01 08:00:00 +0800 2026","text":%s}`),
		},
		"onenet": {},
		"standard_webhooks": {
			Guard: adaptertest.Guard{Headers: []string{"webhook-id", "webhook-timestamp", "webhook-signature"}, Body: true}, Sign: signStandard,
			Text: saying(`{"type":"case.created","data":{"text":%s}}`),
		},
		"cloudevents":  {Unknown: []adapters.Inbound{inbound(`{"specversion":"1.0","id":"1","source":"s","type":"new"}`)}},
		"hikvision":    {Guard: adaptertest.Guard{Headers: []string{"Authorization"}}},
		"flood_gauge":  {Guard: adaptertest.Guard{Headers: []string{"X-Vendor-Signature", "X-Vendor-Time"}, Body: true}, Sign: signVendor},
		"exchange_csv": {},
		"asr_form":     {},
	}
	for name, cfg := range list {
		b, err := os.ReadFile(filepath.Join("testdata", name, "settings.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Spec, cfg.Settings, cfg.Secrets, cfg.Dir = Spec(), string(b), secrets, filepath.Join("testdata", name)
		list[name] = cfg
	}
	return list
}

func inbound(body string) adapters.Inbound {
	return adapters.Inbound{
		Method: http.MethodPost, Path: "/", Body: []byte(body), ReceivedAt: adaptertest.Received,
		Header: http.Header{"Content-Type": {"application/json"}, "Msg-Id": {"m"}, "Webhook-Id": {"w"}},
	}
}

func saying(format string) func(string) adapters.Inbound {
	return func(s string) adapters.Inbound {
		return inbound(fmt.Sprintf(format, `"`+strings.ReplaceAll(s, "\x00", `\u0000`)+`"`))
	}
}

func signWeibo(in *adapters.Inbound) {
	q := in.Query
	q.Set("timestamp", strconv.FormatInt(in.ReceivedAt.UnixMilli(), 10))
	q.Set("nonce", "57155157")
	q.Set("signature", signature.SortedSHA1("xyz123xyz", q.Get("timestamp"), "57155157"))
}

func signStandard(in *adapters.Inbound) {
	in.Header.Set("webhook-id", "msg_1")
	in.Header.Set("webhook-timestamp", strconv.FormatInt(in.ReceivedAt.Unix(), 10))
	s, err := signature.SignStandardWebhook(secrets["env:OLD"], "msg_1", in.ReceivedAt, in.Body)
	if err != nil {
		panic(err)
	}
	in.Header.Set("webhook-signature", s)
}

func signVendor(in *adapters.Inbound) {
	stamp := strconv.FormatInt(in.ReceivedAt.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secrets["env:VENDOR"]))
	mac.Write([]byte(stamp + "." + string(in.Body)))
	in.Header.Set("X-Vendor-Time", stamp)
	in.Header.Set("X-Vendor-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

func TestChannels(t *testing.T) {
	t.Parallel()
	for name, cfg := range channels(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adaptertest.Run(t, cfg)
			a, err := cfg.Spec.New(adaptertest.YAML(cfg.Settings), deps())
			if err != nil {
				t.Fatal(err)
			}
			if err := a.(adapters.SelfTester).SelfTest(); err != nil {
				t.Errorf("SelfTest: %v", err)
			}
		})
	}
}

func FuzzDouyin(f *testing.F)     { adaptertest.Fuzz(f, channels(f)["douyin"]) }
func FuzzHikvision(f *testing.F)  { adaptertest.Fuzz(f, channels(f)["hikvision"]) }
func FuzzFloodGauge(f *testing.F) { adaptertest.Fuzz(f, channels(f)["flood_gauge"]) }

func FuzzExpression(f *testing.F) {
	for _, s := range []string{`item.a + "x"`, `lookup("t", item.a) ?? 1`, `filter(item.list, # > 1) | len()`, `gcj02(item.lng, item.lat)`, `time("2006", item.a)`, `1..1000000`} {
		f.Add(s)
	}
	c := &compiler{tables: map[string]map[string]string{"t": {"a": "b"}}, zone: time.UTC}
	item := map[string]any{"a": "x", "list": []any{1, 2.5, nil}, "lng": 118.3, "lat": "35"}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := c.compile("set.text", source)
		if err != nil {
			return
		}
		if _, err := p.eval(env{Item: item, Root: item, Header: http.Header{}.Get, Query: http.Header{}.Get}); err != nil && strings.Contains(err.Error(), "35") {
			t.Errorf("%q: the error shows the data: %v", source, err)
		}
	})
}

const least = `
verify: {type: none}
decode: {format: json}
dedupe: string(item.id)
set: {text: item.text}
`

func deps() adapters.Deps {
	return adapters.Deps{
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return adaptertest.Received }, HTTP: http.DefaultClient,
		Channel: adapters.Channel{Zone: time.FixedZone("CST", 8*60*60), Source: ticket.SourceMachine, Kind: ticket.KindCase},
		Secret: func(ref adapters.SecretRef) (string, error) {
			if s, ok := secrets[string(ref)]; ok {
				return s, nil
			}
			return "", fmt.Errorf("secret %s is not set", ref)
		},
	}
}

func build(t testing.TB, settings string) *adapter {
	t.Helper()
	a, err := Spec().New(adaptertest.YAML(settings), deps())
	if err != nil {
		t.Fatal(err)
	}
	return a.(*adapter)
}

// A mistake is found when the pack is loaded; the error names the setting and the place in it.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	replaced := func(old, with string) string { return strings.Replace(least, old, with, 1) }
	for name, tt := range map[string]struct {
		settings string
		want     []string
	}{
		"no verify":              {replaced("verify: {type: none}", ""), []string{"verify.type: is required"}},
		"unknown scheme":         {replaced("none", "magic"), []string{"verify: ", "magic"}},
		"unknown secret":         {replaced("{type: none}", "{type: bearer, secrets: ['env:NONE']}"), []string{"verify.secrets[0]"}},
		"unknown format":         {replaced("json", "yaml"), []string{`decode.format: "yaml"`}},
		"syntax of a field":      {replaced("item.text", `'item.text + '`), []string{"set.text: line 1, column"}},
		"unknown name":           {replaced("item.text", "itm.text"), []string{"set.text: line 1, column 1", "itm"}},
		"unknown function":       {replaced("item.text", `'"x" + upperCase(item.text)'`), []string{"set.text: line 1, column 7", "upperCase"}},
		"the clock":              {replaced("item.text", "string(now())"), []string{"set.text", "now"}},
		"second line":            {replaced("{text: item.text}", "\n  text: |\n    item.text +\n    itm.more"), []string{"set.text: line 2, column 1"}},
		"too large":              {replaced("item.text", "'"+strings.Repeat("1+", 600)+"1'"), []string{"set.text", "maximum allowed nodes"}},
		"unknown field":          {replaced("text:", "phon: item.x, text:"), []string{"set.phon: is no field of a request", "appellant.phone"}},
		"unknown table":          {replaced("item.text", `'lookup("kinds", item.k)'`), []string{`set.text: lookup of table "kinds"`}},
		"no dedupe":              {replaced("dedupe: string(item.id)", ""), []string{"dedupe: is required"}},
		"no text":                {replaced("{text:", "{category:"), []string{"set.text: is required"}},
		"bad JSONPath":           {least + "each: $.[", []string{"each: "}},
		"media without url":      {least + "media: {each: $.pics}", []string{"media: each and url"}},
		"handshake half":         {least + "handshake: {when: 'true'}", []string{"handshake: when and answer"}},
		"handshake for nobody":   {least + "handshake: {cloudevents: {}}", []string{"handshake.cloudevents"}},
		"unknown result":         {least + "ack: {taken: {status: 200}}", []string{"ack.taken: is no result"}},
		"redirect":               {least + "ack: {accepted: {status: 302}}", []string{"ack.accepted: status: 302"}},
		"forger is welcome":      {least + "ack: {refused: {status: 200}}", []string{"ack.refused: status: 200"}},
		"unknown placeholder":    {least + "ack: {accepted: {status: 200, body: '{\"a\":\"{ticket}\"}'}}", []string{"ack.accepted: body: {ticket}"}},
		"broken JSON":            {least + "ack: {accepted: {status: 200, body: '{\"a\":{number}}'}}", []string{"ack.accepted: body: is no JSON"}},
		"test without end":       {least + "tests: [{name: x, request: {body: '{}'}}]", []string{"tests[0] x: needs one of"}},
		"comma of JSON":          {replaced("format: json", "format: json, comma: ';'"), []string{"decode.comma"}},
		"all faults at once":     {replaced("item.text", "itm") + "each: $.[\nwhen: itm", []string{"each: ", "when: line 1", "set.text: line 1"}},
		"cloudevents with each":  {"verify: {type: none}\ndecode: {format: cloudevents}\neach: $.data[*]\nset: {text: item}", []string{"dedupe: is required with each"}},
		"charset of another age": {replaced("format: json", "format: json, charset: ebcdic"), []string{"decode.charset"}},
	} {
		_, err := Spec().New(adaptertest.YAML(tt.settings), deps())
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: New = %v, want %q", name, err, want)
			}
		}
	}
}

func TestHelpers(t *testing.T) {
	t.Parallel()
	item := map[string]any{"n": 1783902600, "ms": 1783902600123, "s": "1783902600", "local": "2026-07-13 08:30:00", "big": "12345678901234567890", "nothing": nil}
	at := time.Date(2026, 7, 13, 0, 30, 0, 0, time.UTC)
	c := &compiler{tables: map[string]map[string]string{"t": {"1": "one"}}, zone: time.FixedZone("CST", 8*60*60)}
	for source, want := range map[string]any{
		`fromUnix(item.n)`:                              at,
		`fromUnix(item.s)`:                              at,
		`fromUnixMs(item.ms)`:                           at.Add(123 * time.Millisecond),
		`time(item.local)`:                              at,
		`time("02.01.2006 15:04", "13.07.2026 08:30")`:  at,
		`time("2026-07-13T00:30:00Z")`:                  at,
		`phone("0086 139-1234-5678")`:                   "+8613912345678",
		`phone(nil)`:                                    "",
		`lookup("t", 1)`:                                "one",
		`lookup("t", 2) ?? "other"`:                     "other",
		`gcj02(118.3, "35.1")`:                          ticket.Place{Lng: 118.3, Lat: 35.1, Datum: ticket.GCJ02},
		`bd09(118.3, 35.1)`:                             ticket.Place{Lng: 118.3, Lat: 35.1, Datum: ticket.BD09},
		`wgs84(nil, "")`:                                nil,
		`wgs84(0, "0.0")`:                               nil, // no fix: the alarm counts without a place
		`digest("a", "bc") == digest("ab", "c")`:        false,
		`digest("a", nil) == digest("a", "")`:           true,
		`item.big + "x"`:                                "12345678901234567890x",
		`header("X-Id") + query("q")`:                   "hq",
		`item.missing ?? "none"`:                        "none",
		`item.nothing?.deeper ?? "none"`:                "none",
		`[item.n, item.s] | map(string(#)) | join("/")`: "1783902600/1783902600",
	} {
		p, err := c.compile("set.text", source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got, err := p.eval(env{Item: item, Root: item, Header: func(string) string { return "h" }, Query: func(string) string { return "q" }})
		if err != nil {
			t.Errorf("%s: %v: %v", source, err, errors.Unwrap(err))
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
	for _, source := range []string{
		`fromUnix("soon")`, `time("soon")`, `gcj02(35.1, 118.3)`, `wgs84(999, 35)`, `gcj02(118.3, nil)`, `item.nothing.deeper`, `"a" + item.nothing`,
		`len(1..10000000)`, `repeat("积水", 10000000)`, `int("139" + "12345678x")`,
	} {
		p, err := c.compile("set.text", source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if value, err := p.eval(env{Item: item, Root: item}); err == nil {
			t.Errorf("%s = %v, want an error", source, value)
		} else if !strings.Contains(err.Error(), "set.text: line 1, column") || strings.Contains(err.Error(), "12345678") {
			t.Errorf("%s: the error must name the setting and no data: %v", source, err)
		}
	}
}

// Numbers keep their digits, whole ones their type.
func TestJSONNumbers(t *testing.T) {
	t.Parallel()
	docs, err := jsonTree([]byte(`{"a":1,"b":-2.5,"c":9007199254740993,"d":123456789012345678901234567890,"e":1e3,"f":1e999,"g":[true,null,"x\u0000y"]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": 1, "b": -2.5, "c": 9007199254740993, "d": "123456789012345678901234567890", "e": 1000.0, "f": "1e999", "g": []any{true, nil, "x\uFFFDy"}}
	if diff := cmp.Diff(want, docs[0]); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestXMLTree(t *testing.T) {
	t.Parallel()
	d := decodeSettings{Format: formatXML, Lists: []string{"pic"}}
	docs, err := d.xmlTree([]byte(`<?xml version="1.0"?><n:alarm xmlns:n="urn:x" id="7"><site>滨河路</site><pic>1</pic><v unit="cm">40</v><v>41</v><empty/></n:alarm>`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"#name": "alarm", "@id": "7", "site": "滨河路", "pic": []any{"1"}, "empty": "",
		"v": []any{map[string]any{"@unit": "cm", "#text": "40"}, "41"},
	}
	if diff := cmp.Diff(want, docs[0]); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// SelfTest must fail when an example and the mapping disagree, and say in what.
func TestSelfTestFails(t *testing.T) {
	t.Parallel()
	const request = "\n    request: {body: '{\"id\":1,\"text\":\"水\"}'}\n    "
	for name, tt := range map[string]struct{ test, want string }{
		"other value":       {"want: [{text: 火}]", "text is 水, want 火"},
		"other number":      {"want: []", "it gives 1 requests, want 0"},
		"readable":          {"unreadable: true", "it gives 1 requests, want it to be unreadable"},
		"no handshake":      {"reply: {status: 200, body: x}", "it is no handshake"},
		"dotted":            {"want: [{appellant.phone: x}]", "appellant.phone is <nil>, want x"},
		"agrees":            {"want: [{text: 水, key: \"1\", kind: case}]", ""},
		"agrees on nothing": {"want: [{}]", ""},
	} {
		err := build(t, least+"tests:\n  - name: one"+request+tt.test).SelfTest()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), "tests[0] one: "+tt.want)) {
			t.Errorf("%s: SelfTest = %v, want %q", name, err, tt.want)
		}
	}
	err := build(t, least+"tests:\n  - {name: nil, request: {body: '{\"id\":1,\"text\":{}}'}, want: [{}]}").SelfTest()
	if err == nil || !strings.Contains(err.Error(), "set.text: gives an object") {
		t.Errorf("SelfTest = %v, want the setting that failed", err)
	}
}

// An unsigned handshake may pass only as the handshake: nothing else that is OPTIONS does.
func TestPreflightIsNoWayIn(t *testing.T) {
	t.Parallel()
	a := build(t, "verify: {type: bearer, secrets: ['env:BEARER']}\ndecode: {format: cloudevents}\nset: {text: item.type}\nhandshake: {cloudevents: {origins: ['*']}}")
	in := inbound(`{"specversion":"1.0","id":"1","source":"s","type":"forged"}`)
	in.Method = http.MethodOptions
	if _, err := a.Open(in); !ticket.IsKind(err, ticket.Unauthenticated) {
		t.Errorf("OPTIONS without origin: %v, want Unauthenticated", err)
	}
	in.Header.Set("WebHook-Request-Origin", "x")
	if _, err := a.Open(in); err != nil {
		t.Errorf("preflight: %v", err)
	}
	if r, ok := a.Handshake(in); !ok || r.Header.Get("WebHook-Allowed-Origin") != "*" {
		t.Errorf("a preflight with a body must end as a handshake: %v %+v", ok, r)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/1.jpg":
			_, _ = io.WriteString(w, "JPEG")
		case "/gone":
			w.WriteHeader(http.StatusGone)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	a := build(t, least)
	body, err := a.Fetch(t.Context(), ticket.MediaRef{Ref: server.URL + "/1.jpg"})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(body); err != nil || string(b) != "JPEG" {
		t.Errorf("%q, %v", b, err)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	for path, kind := range map[string]ticket.ErrorKind{"/gone": ticket.NotFound, "/bad": ticket.Unavailable} {
		if _, err := a.Fetch(t.Context(), ticket.MediaRef{Ref: server.URL + path}); !ticket.IsKind(err, kind) {
			t.Errorf("%s: %v, want %s", path, err, kind)
		}
	}
	server.Close()
	if _, err := a.Fetch(t.Context(), ticket.MediaRef{Ref: server.URL + "/1.jpg?key=secret"}); !ticket.IsKind(err, ticket.Unavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("unreachable: %v, want Unavailable without the address", err)
	}
	if _, err := a.Fetch(t.Context(), ticket.MediaRef{Ref: "http://[bad"}); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("no address: %v, want NotFound", err)
	}
}
