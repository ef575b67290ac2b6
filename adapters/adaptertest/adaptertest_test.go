package adaptertest

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// toy is a small adapter with one fault at choice; the suite must find each, and nothing in the one
// without.
type toy struct{ fault, token string }

type toySettings struct {
	Token adapters.SecretRef `yaml:"token"`
}

func toySpec(fault string) adapters.Spec {
	return adapters.Spec{
		Name: "toy", Title: "玩具", Doc: "A toy.", OwnsKeys: true,
		Fields: []adapters.Field{{Name: "token", Title: "令牌", Type: adapters.TypeSecret}},
		New: func(s adapters.Settings, d adapters.Deps) (adapters.Adapter, error) {
			var set toySettings
			if err := s.Decode(&set); err != nil && fault != "lenient settings" {
				return nil, err
			}
			token, err := d.Secret(set.Token)
			return &toy{fault, token}, err
		},
	}
}

func (a *toy) Open(in adapters.Inbound) (adapters.Inbound, error) {
	switch given := in.Header.Get("Token"); {
	case given == a.token, a.fault == "no guard":
		return in, nil
	case a.fault == "tells the secret":
		return in, ticket.Errorf(ticket.Unauthenticated, "x", "want %s", a.token)
	}
	return in, ticket.Errorf(ticket.Unauthenticated, "x", "no")
}

func (a *toy) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	var v struct{ ID, Text, Phone string }
	switch err := wire.JSON(in.Body, &v); {
	case a.fault == "tells the phone" && len(in.Body) > 2:
		return nil, errors.New("cannot read 13812345678 of it")
	case a.fault == "panics on a cut body" && err != nil:
		panic("cut")
	case a.fault == "takes anything":
	case err != nil:
		return nil, wire.Correctable(err, "toy.format")
	case v.ID == "unknown" && a.fault != "refuses unknown types":
		return nil, nil
	case v.ID == "" || v.ID == "unknown":
		return nil, ticket.Errorf(ticket.Invalid, "toy.id", "id is missing")
	}
	r := ticket.Request{Key: v.ID, Kind: ticket.KindCase, Source: ticket.SourceCitizen, Text: clean(v.Text)}
	switch a.fault {
	case "no key":
		r.Key = ""
	case "unstable":
		r.Key = strconv.FormatInt(time.Now().UnixNano(), 10)
	case "dirty text":
		r.Text = v.Text
	case "unknown kind":
		r.Kind = "story"
	case "point without datum":
		r.Place.Lng = 118
	case "outside the world":
		r.Place = ticket.Place{Lng: 35, Lat: 118, Datum: ticket.WGS84}
	case "clock of 2099":
		r.HappenedAt = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	case "changes its input":
		in.Body[0] = ' '
	case "drops text":
		r.Text = ""
	case "same key twice":
		return []ticket.Request{r, r}, nil
	}
	return []ticket.Request{r}, nil
}

func (a *toy) Acknowledge(_ adapters.Inbound, out adapters.Outcome) adapters.Reply {
	if a.fault == "no status" && out.Result == adapters.Unavailable {
		return adapters.Reply{}
	}
	return wire.Reply(http.StatusOK, out.Result)
}

func clean(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

func toyConfig(t *testing.T, fault string) Config {
	t.Helper()
	body := func(id, text string) adapters.Inbound {
		b, err := json.Marshal(map[string]string{"id": id, "text": text})
		if err != nil {
			t.Fatal(err)
		}
		return adapters.Inbound{Method: "POST", Path: "/", Header: http.Header{}, Body: b, ReceivedAt: Received}
	}
	return Config{
		Spec: toySpec(fault), Settings: "token: env:TOY\n", Secrets: map[string]string{"env:TOY": "the-toys-token"},
		Guard:   Guard{Headers: []string{"Token"}},
		Text:    func(text string) adapters.Inbound { return body("x", text) },
		Unknown: []adapters.Inbound{body("unknown", "")},
		Sign:    func(in *adapters.Inbound) { in.Header.Set("Token", "the-toys-token") },
	}
}

const toyFault = "HOTLINE_TOY_FAULT"

// TestToy is the suite over the toy. It runs by itself only as a child of TestSuiteFindsFaults, which
// gives it a folder to work in.
func TestToy(t *testing.T) {
	t.Parallel()
	fault, child := os.LookupEnv(toyFault)
	if !child {
		t.Skip("runs as a child of TestSuiteFindsFaults")
	}
	Run(t, toyConfig(t, fault))
}

func TestSuiteFindsFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("README.md", "\n## What it is\n\n## Settings\n\n## Wire\n\n## Acknowledgement\n\n## Traps\n\n## Tests\n")
	write("testdata/good/request.http", "# sign\nPOST / HTTP/1.1\nContent-Type: application/json\n\n{\"id\":\"1\",\"text\":\"路灯不亮\"}")
	write("testdata/good/want.json", "[\n  {\n    \"key\": \"1\",\n    \"kind\": \"case\",\n    \"source\": \"citizen\",\n    \"text\": \"路灯不亮\"\n  }\n]\n")
	write("testdata/bad/request.http", "# sign\nPOST / HTTP/1.1\n\n{}")
	write("testdata/bad/want.err", "invalid toy.id\n")
	write("testdata/bad/want.reply.http", "HTTP/1.1 200 OK\nCache-Control: no-store\nContent-Type: application/json; charset=utf-8\n\n\"rejected\"\n")
	write("testdata/stranger/request.http", "POST / HTTP/1.1\n\n{}")
	write("testdata/stranger/want.err", "unauthenticated x\n")

	for fault, complaint := range map[string]string{
		"":                      "",
		"lenient settings":      "an unknown setting must be refused by name",
		"no guard":              "want Unauthenticated or Forbidden",
		"tells the secret":      "shows the secret env:TOY",
		"tells the phone":       "shows a telephone number",
		"panics on a cut body":  "panic: cut",
		"takes anything":        "became 1 requests",
		"refuses unknown types": "want to be ignored",
		"no key":                "has no Key",
		"unstable":              "gave other requests",
		"dirty text":            "not clean UTF-8",
		"unknown kind":          `Kind "story" is not one of ours`,
		"point without datum":   "coordinates without a datum",
		"outside the world":     "lies outside the world",
		"clock of 2099":         "is not UTC or not plausible",
		"changes its input":     "Normalize changed its input",
		"drops text":            "did not survive",
		"same key twice":        "repeats the key",
		"no status":             "status 0",
	} {
		t.Run("fault: "+fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestToy$")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), toyFault+"="+fault)
			out, err := cmd.CombinedOutput()
			switch {
			case fault == "" && err != nil:
				t.Errorf("the toy without a fault fails: %v\n%s", err, out)
			case fault != "" && (err == nil || !strings.Contains(string(out), complaint)):
				t.Errorf("the fault was not found as %q: %v\n%s", complaint, err, out)
			}
		})
	}
}

func TestYAMLIsStrict(t *testing.T) {
	t.Parallel()
	var set toySettings
	for text, want := range map[string]string{"": "", "token: a": "", "tokn: a": "[1:1]", "token: a\ntoken: b": "[2:1]", "token: [": "["} {
		err := YAML(text).Decode(&set)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := &suite{Config: Config{Spec: toySpec("")}.filled()}
	in, err := s.read([]byte("# received-at: 2026-01-01T08:00:00+08:00\n# remote-ip: 198.51.100.7\nPOST /channels/toy/a/b?c=d%20e HTTP/1.1\r\nX-Y: z: 1\r\n\r\n\nbody\n"))
	if err != nil {
		t.Fatal(err)
	}
	if in.Path != "/a/b" || in.Query.Get("c") != "d e" || in.Header.Get("x-y") != "z: 1" || string(in.Body) != "\nbody\n" ||
		in.RemoteIP.String() != "198.51.100.7" || !in.ReceivedAt.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) ||
		in.URL != "https://hotline.example.cn/channels/toy/a/b?c=d%20e" {
		t.Errorf("read = %+v", in)
	}
	for _, raw := range []string{"", "POST / HTTP/1.1\nA: b", "POST\n\n", "# speed: 9\nPOST /\n\n", "POST /\nno colon\n\n", "# received-at: noon\nPOST /\n\n"} {
		if _, err := s.read([]byte(raw)); err == nil {
			t.Errorf("%q was read", raw)
		}
	}
}
