package phone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/adaptertest"
	"github.com/citizen-hotline/gateway/ticket"
)

const (
	secret = "secret-of-the-exchange"
	pack   = "verify: {type: hmac}\nsecrets: [env:CTI]\narea_code: '0539'\nrecordings_url: https://pbx.example.cn/recordings\n"
)

func post(t testing.TB, path string, body any) adapters.Inbound {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return adapters.Inbound{Method: http.MethodPost, Path: path, Header: http.Header{"Content-Type": {"application/json"}}, Body: b, ReceivedAt: adaptertest.Received}
}

func config(t testing.TB) adaptertest.Config {
	t.Helper()
	return adaptertest.Config{
		Spec:     Spec(),
		Settings: pack,
		Secrets:  map[string]string{"env:CTI": secret},
		Deps:     adapters.Deps{Channel: adapters.Channel{Line: "12345"}},
		Guard:    adaptertest.Guard{Headers: []string{"X-Hotline-Signature", "X-Hotline-Timestamp"}, Body: true},
		Sign: func(in *adapters.Inbound) {
			ts := strconv.FormatInt(in.ReceivedAt.Unix(), 10)
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(ts + "." + string(in.Body)))
			in.Header.Set("X-Hotline-Timestamp", ts)
			in.Header.Set("X-Hotline-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		},
		Text: func(text string) adapters.Inbound {
			return post(t, "/ticket", map[string]any{"clientReportId": "x", "agent": "8001", "text": text})
		},
		Unknown: []adapters.Inbound{post(t, "/events", map[string]any{"event": "whisper", "callId": "1", "anything": []int{1}})},
	}
}

func TestPhone(t *testing.T) { t.Parallel(); adaptertest.Run(t, config(t)) }

func FuzzNormalize(f *testing.F) { adaptertest.Fuzz(f, config(f)) }

// Calls of which the exchange tells only blanks must not pass for one call.
func TestBlanksAreNoCall(t *testing.T) {
	t.Parallel()
	if got, err := build(t).Normalize(post(t, "/events", map[string]any{"event": "missed", "callId": " \t", "caller": "13900000000"})); err == nil {
		t.Errorf("taken as %v", got)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ settings, want string }{
		"no verify":         {"area_code: '0539'", "verify: type is missing"},
		"everybody":         {"verify: {type: none}", "invent calls"},
		"no secret":         {"verify: {type: hmac}", "no secret"},
		"unknown side":      {"verify: {type: bearer}\nsecrets: [env:CTI]\ncitizen_side: top", `"top" is neither left nor right`},
		"recordings no URL": {"verify: {type: bearer}\nsecrets: [env:CTI]\nrecordings_url: /recordings", "is no address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Spec().New(adaptertest.YAML(tt.settings), adapters.Deps{Secret: func(adapters.SecretRef) (string, error) { return secret, nil }})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, want %q", err, tt.want)
			}
		})
	}
}

func build(t *testing.T) adapters.Adapter {
	t.Helper()
	a, err := Spec().New(adaptertest.YAML(pack), adapters.Deps{Secret: func(adapters.SecretRef) (string, error) { return secret, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A caller is one caller however the exchange writes the number.
func TestCallerInEveryShape(t *testing.T) {
	t.Parallel()
	a := build(t)
	for raw, want := range map[string]string{
		"13812345678": "+8613812345678", "013812345678": "+8613812345678", "+86 138-1234-5678": "+8613812345678", "008613812345678": "+8613812345678",
		"sip:13812345678@10.0.0.1": "+8613812345678", "１３８１２３４５６７８": "+8613812345678",
		"8212345": "+865398212345", "0539-8212345": "+865398212345", "(0539) 8212345-801": "+865398212345;ext=801", "110": "short:110",
		"138****5678": "138****5678", "anonymous": "", "Restricted": "", "": "",
	} {
		got, err := a.Normalize(post(t, "/events", map[string]any{"event": "ring", "callId": "1", "caller": raw}))
		if err != nil || len(got) != 1 {
			t.Errorf("%q: %v, %v", raw, got, err)
			continue
		}
		if got[0].Appellant.Phone != want {
			t.Errorf("%q became %q, want %q", raw, got[0].Appellant.Phone, want)
		}
		if withheld := got[0].Attributes["caller"] == "withheld"; withheld != (want == "" && raw != "") {
			t.Errorf("%q: withheld = %v", raw, withheld)
		}
	}
}

// Facts of one call belong together in whatever order they come, and each has a key of its own.
func TestFactsOfACall(t *testing.T) {
	t.Parallel()
	a := build(t)
	events := []map[string]any{
		{"event": "recording", "recording": map[string]any{"url": "https://pbx.example.cn/1.wav"}},
		{"event": "hangup", "duration": 12},
		{"event": "ring"},
		{"event": "answer", "leg": "a", "agent": "8001"},
		{"event": "answer", "leg": "b", "agent": "8002"},
		{"event": "transcript", "transcript": map[string]any{"segments": []any{map[string]any{"text": "喂"}}}},
	}
	var keys []string
	for _, e := range events {
		e["callId"] = "c-1"
		got, err := a.Normalize(post(t, "/events", e))
		if err != nil || len(got) != 1 {
			t.Fatalf("%v: %v, %v", e, got, err)
		}
		if got[0].ThreadKey != "c-1" || got[0].Call.CallID != "c-1" || got[0].Call.Line != "" {
			t.Errorf("%v is not tied to its call: %+v", e, got[0])
		}
		keys = append(keys, got[0].Key)
	}
	want := []string{"c-1:recording", "c-1:hangup", "c-1:ring", "c-1:answer:a", "c-1:answer:b", "c-1:transcript"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// Two matters of one call are two tickets: nothing but the call may tie them together.
func TestTicketsOfOneCallStayApart(t *testing.T) {
	t.Parallel()
	a := build(t)
	for _, id := range []string{"t-1", "t-2"} {
		got, err := a.Normalize(post(t, "/ticket", map[string]any{"clientReportId": id, "callId": "c-1", "agent": "8001", "text": "事项" + id}))
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if got[0].Key != id || got[0].ThreadKey != "" || got[0].Call.CallID != "c-1" || got[0].Kind != ticket.KindCase {
			t.Errorf("got %+v", got[0])
		}
	}
}

// What the exchange sends is never answered as a mistake once it is kept: it can only repeat it.
func TestExchangeIsToldToStop(t *testing.T) {
	t.Parallel()
	ack := build(t).(adapters.Acknowledger)
	for result, want := range map[adapters.Result][2]int{ // events, agent's form
		adapters.Accepted: {200, 201}, adapters.Repeated: {200, 200}, adapters.Conflicting: {200, 409}, adapters.Quarantined: {200, 202},
		adapters.Ignored: {200, 200}, adapters.Rejected: {422, 422}, adapters.Refused: {401, 401}, adapters.Unavailable: {503, 503},
	} {
		for i, path := range []string{"/events", "/ticket"} {
			if r := ack.Acknowledge(adapters.Inbound{Path: path}, adapters.Outcome{Result: result}); r.Status != want[i] {
				t.Errorf("%s at %s: %d, want %d", result, path, r.Status, want[i])
			}
		}
	}
	if r := ack.Acknowledge(adapters.Inbound{Path: "/events"}, adapters.Outcome{Result: adapters.Unavailable}); r.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}
