package phone

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/adaptertest"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestFetch(t *testing.T) {
	t.Parallel()
	const token = "token-of-the-archive"
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/rec/a.wav":
			if r.Header.Get("Authorization") != "Bearer "+token {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, "RIFF")
		case "/rec/login":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>")
		case "/rec/gone":
			w.WriteHeader(http.StatusGone)
		case "/rec/busy":
			w.WriteHeader(http.StatusBadGateway)
		case "/echo":
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		}
	})
	archive, elsewhere := httptest.NewTLSServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(archive.Close)
	t.Cleanup(elsewhere.Close)
	a, err := Spec().New(adaptertest.YAML(pack+"recordings_token: env:ARCHIVE\n"), adapters.Deps{
		HTTP: archive.Client(), // both servers share the test certificate
		Now:  func() time.Time { return adaptertest.Received },
		Secret: func(ref adapters.SecretRef) (string, error) {
			return map[adapters.SecretRef]string{"env:CTI": secret, "env:ARCHIVE": token}[ref], nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := a.(*phone)
	if p.source.url, err = p.source.url.Parse(archive.URL + "/rec"); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		ref  ticket.MediaRef
		want string
		kind ticket.ErrorKind
	}{
		"with the token":           {ticket.MediaRef{Ref: archive.URL + "/rec/a.wav", Expires: adaptertest.Received.UnixMilli()}, "RIFF", 0},
		"no token to other hosts":  {ticket.MediaRef{Ref: elsewhere.URL + "/echo"}, "", 0},
		"a page instead of a file": {ticket.MediaRef{Ref: archive.URL + "/rec/login"}, "", ticket.Unavailable},
		"gone":                     {ticket.MediaRef{Ref: archive.URL + "/rec/gone"}, "", ticket.NotFound},
		"busy":                     {ticket.MediaRef{Ref: archive.URL + "/rec/busy"}, "", ticket.Unavailable},
		"expired":                  {ticket.MediaRef{Ref: archive.URL + "/rec/a.wav", Expires: adaptertest.Received.UnixMilli() - 1}, "", ticket.NotFound},
		"no address":               {ticket.MediaRef{Ref: "http://a b"}, "", ticket.NotFound},
		"no such server":           {ticket.MediaRef{Ref: "https://127.0.0.1:1/a.wav"}, "", ticket.Unavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := p.Fetch(t.Context(), tt.ref)
			if tt.kind != 0 {
				if !ticket.IsKind(err, tt.kind) || strings.Contains(err.Error(), token) {
					t.Errorf("Fetch = %v, want %s", err, tt.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close() //nolint:errcheck // a test's
			if got, err := io.ReadAll(body); err != nil || string(got) != tt.want {
				t.Errorf("read %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// The exchange, the desk and FreeSWITCH may each have a secret of their own, and none opens the
// others' doors.
func TestEachSenderHasItsDoor(t *testing.T) {
	t.Parallel()
	secrets := map[adapters.SecretRef]string{"env:CTI": "cti-token", "env:DESK": "desk-token", "env:FS": "fs-password"}
	a, err := Spec().New(adaptertest.YAML(`
verify: {type: bearer}
secrets: [env:CTI]
desk:
  verify: {type: bearer}
  secrets: [env:DESK]
freeswitch:
  verify: {type: basic, user: fs}
  secrets: [env:FS]
`), adapters.Deps{Secret: func(ref adapters.SecretRef) (string, error) { return secrets[ref], nil }})
	if err != nil {
		t.Fatal(err)
	}
	cti, desk := "Bearer cti-token", "Bearer desk-token"
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth("fs", "fs-password")
	fs := r.Header.Get("Authorization")
	for path, welcome := range map[string]string{"/": cti, "/events": cti, "/ticket": desk, "/cdr/freeswitch": fs, "/ticket/": cti} {
		for _, credential := range []string{cti, desk, fs, ""} {
			in := adapters.Inbound{Path: path, Header: http.Header{"Authorization": {credential}}, ReceivedAt: adaptertest.Received}
			_, err := a.(adapters.Opener).Open(in)
			if (err == nil) != (credential == welcome) || err != nil && !ticket.IsKind(err, ticket.Unauthenticated) {
				t.Errorf("%s with %q: %v", path, credential, err)
			}
		}
	}
}
