// Package adaptertest is the suite every adapter passes: golden cases in a folder, and checks of
// what the contract promises (see [Run]). It is for tests only and imports what it likes.
//
// A golden case is a folder:
//
//	request.http     the delivery: request line, headers, blank line, body (every byte after it)
//	want.json        the requests made of it; or
//	want.err         why none were: "kind code" and one line per field, or "unreadable"
//	want.reply.http  what goes back over HTTP; optional, written for new cases by -update
//	outcome.json     the outcome to acknowledge; optional, the default follows from the result
//
// request.http may begin with directives:
//
//	# received-at: 2026-07-13T08:37:00+08:00    the clock (default: [Received])
//	# sign                                      sign it with Config.Sign first
//	# remote-ip: 192.0.2.7
//
// "go test ./adapters/x -update" writes what the adapter makes of each case; read the difference
// before you commit it.
package adaptertest

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

var update = flag.Bool("update", false, "write what the adapters make of the golden cases")

// Received is when deliveries arrive unless a case says otherwise: the storm day, 08:37 in the city.
var Received = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)

// Config is one adapter with one way of setting it.
type Config struct {
	Spec     adapters.Spec
	Settings string            // YAML, as in the pack
	Secrets  map[string]string // what secret references resolve to; none of it may ever be shown
	Deps     adapters.Deps     // what is not given is filled with harmless values
	Dir      string            // folder of cases, default "testdata"
	Guard    Guard             // what Open checks

	// Sign gives a delivery the credentials that Open wants.
	Sign func(in *adapters.Inbound)
	// Text builds an opened delivery whose free text is the one given. Without it the charset
	// checks are left out.
	Text func(text string) adapters.Inbound
	// Unknown are opened deliveries of a type the adapter does not know: ignored, never an error.
	Unknown []adapters.Inbound
	// Desk answers a Querier.
	Desk adapters.PublicDesk
}

// Guard says what Open checks, so that a check that is broken cannot pass for one that is not
// there. The zero Guard means that the channel lets everybody in.
type Guard struct {
	Headers []string // each must be there and unchanged
	Query   []string // the same, for parameters of the URL
	Body    bool     // every byte of the body is covered
}

func (g Guard) none() bool { return len(g.Headers) == 0 && len(g.Query) == 0 && !g.Body }

// Run runs the golden cases and then the conformance checks: a changed credential or body byte is
// refused; a body cut at any byte, nested too deep, hostile or in a strange charset never panics;
// GB18030 and characters outside the BMP survive; unknown types are ignored; every request has
// a key, and the same delivery gives equal requests; the input is not changed; every outcome can be
// acknowledged; no error shows a secret or a telephone number; unknown settings are refused.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	cfg = cfg.filled()
	s := &suite{Config: cfg, adapter: build(t, cfg)}
	if _, opens := s.adapter.(adapters.Opener); !opens && !cfg.Guard.none() {
		t.Fatalf("%s has a Guard but is no Opener", cfg.Spec.Name)
	}
	cases := s.cases(t)
	t.Run("golden", func(t *testing.T) {
		t.Parallel()
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { t.Parallel(); s.golden(t, c) })
		}
	})
	for name, check := range map[string]func(*testing.T, []goldenCase){
		"declaration":   s.declaration,
		"guard":         s.guard,
		"truncation":    s.truncation,
		"purity":        s.purity,
		"hostile":       s.hostile,
		"charsets":      s.charsets,
		"unknown types": s.unknown,
		"outcomes":      s.outcomes,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); check(t, cases) })
	}
}

// Fuzz feeds Normalize with bodies grown from the golden cases. What it makes of them must keep the
// contract as everything else.
func Fuzz(f *testing.F, cfg Config) {
	f.Helper()
	cfg = cfg.filled()
	s := &suite{Config: cfg, adapter: build(f, cfg)}
	seeds := s.cases(f)
	for i, c := range seeds {
		if in, err := s.open(c.in); err == nil {
			f.Add(i, in.Body)
		}
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		in, err := s.open(seeds[max(i, 0)%len(seeds)].in)
		if err != nil {
			return
		}
		in.Body = body
		_, _ = s.normalize(t, in) // checks what it returns
	})
}

// suite is a Config with its adapter built.
type suite struct {
	Config
	adapter adapters.Adapter
}

func (cfg Config) filled() Config {
	if cfg.Dir == "" {
		cfg.Dir = "testdata"
	}
	d := &cfg.Deps
	ch := &d.Channel
	if ch.ID == "" {
		ch.ID = cfg.Spec.Name
	}
	if ch.Title == "" {
		ch.Title = cfg.Spec.Title
	}
	if ch.Source == "" {
		ch.Source = ticket.SourceCitizen
	}
	if ch.Datum == "" {
		ch.Datum = ticket.GCJ02
	}
	if ch.Kind == "" {
		ch.Kind = ticket.KindCase
	}
	if ch.Zone == nil {
		ch.Zone = time.FixedZone("CST", 8*60*60)
	}
	if ch.NumberPrefix == "" {
		ch.NumberPrefix = "LY"
	}
	if d.HTTP == nil {
		d.HTTP = &http.Client{Transport: noNetwork{}}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = func() time.Time { return Received }
	}
	if d.Secret == nil {
		d.Secret = func(ref adapters.SecretRef) (string, error) {
			if s, ok := cfg.Secrets[string(ref)]; ok {
				return s, nil
			}
			return "", fmt.Errorf("secret %s is not set", ref)
		}
	}
	return cfg
}

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("adaptertest: no network here")
}

func build(t testing.TB, cfg Config) adapters.Adapter {
	t.Helper()
	a, err := cfg.Spec.New(YAML(cfg.Settings), cfg.Deps)
	if err != nil {
		t.Fatalf("New of %s: %v", cfg.Spec.Name, err)
	}
	return a
}

// open runs Open on a copy, when the adapter has it.
func (s *suite) open(in adapters.Inbound) (adapters.Inbound, error) {
	if o, ok := s.adapter.(adapters.Opener); ok {
		return o.Open(clone(in))
	}
	return clone(in), nil
}

var mobile = regexp.MustCompile(`(?:^|\D)(1[3-9]\d{9})(?:\D|$)`)

// discreet fails the test when a text that people may see shows a secret, or a telephone number.
func (s *suite) discreet(t testing.TB, what, text string) {
	t.Helper()
	for ref, secret := range s.Secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("%s shows the secret %s: %q", what, ref, strings.ReplaceAll(text, secret, "[secret]"))
		}
	}
	if m := mobile.FindStringSubmatch(text); m != nil {
		t.Errorf("%s shows a telephone number: %q", what, text)
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path) //nolint:gosec // a test's own folder
	if err != nil {
		t.Fatal(err)
	}
	return b
}
