package form

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/adaptertest"
	"github.com/citizen-hotline/gateway/ticket"
)

// delivery is a JSON report with the text.
func delivery(t testing.TB) func(text string) adapters.Inbound {
	t.Helper()
	return func(text string) adapters.Inbound {
		b, err := json.Marshal(map[string]any{"clientReportId": "x", "description": text, "consent": true})
		if err != nil {
			t.Fatal(err)
		}
		return adapters.Inbound{
			Method: http.MethodPost, Path: "/", Header: http.Header{"Content-Type": {"application/json"}}, Body: b, ReceivedAt: adaptertest.Received,
		}
	}
}

// public is a form anybody may send.
func public(t testing.TB) adaptertest.Config {
	t.Helper()
	return adaptertest.Config{
		Spec: Spec(), Dir: "testdata/public", Text: delivery(t),
		Settings: "verify: {type: none}\nconsent_required: true\narea_code: '0539'\n",
	}
}

// staff is the channel of grid workers, observers and counters.
func staff(t testing.TB) adaptertest.Config {
	t.Helper()
	return adaptertest.Config{
		Spec: Spec(), Dir: "testdata/staff", Text: delivery(t),
		Settings: "verify: {type: bearer}\nsecrets: [env:GRID, env:OBSERVERS]\nreporters: [gridWorker, observer, agent]\narea_code: '0539'\n",
		Secrets:  map[string]string{"env:GRID": "token-of-the-grid-app", "env:OBSERVERS": "token-of-the-observers"},
		Deps:     adapters.Deps{Channel: adapters.Channel{Source: ticket.SourceField}},
		Guard:    adaptertest.Guard{Headers: []string{"Authorization"}},
	}
}

// kiosk is a device that signs.
func kiosk(t testing.TB) adaptertest.Config {
	t.Helper()
	const secret = "secret-of-the-kiosk"
	return adaptertest.Config{
		Spec: Spec(), Dir: "testdata/kiosk", Text: delivery(t),
		Settings: "verify: {type: hmac}\nsecrets: [env:KIOSK]\n",
		Secrets:  map[string]string{"env:KIOSK": secret},
		Guard:    adaptertest.Guard{Headers: []string{"X-Hotline-Signature", "X-Hotline-Timestamp"}, Body: true},
		Sign: func(in *adapters.Inbound) {
			ts := strconv.FormatInt(in.ReceivedAt.Unix(), 10)
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(ts + "." + string(in.Body)))
			in.Header.Set("X-Hotline-Timestamp", ts)
			in.Header.Set("X-Hotline-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		},
	}
}

// archive is what the import of an old system's tickets comes by.
func archive(t testing.TB) adaptertest.Config {
	t.Helper()
	return adaptertest.Config{
		Spec: Spec(), Dir: "testdata/archive", Text: delivery(t),
		Settings: "verify: {type: bearer}\nsecrets: [env:IMPORT]\nhistoric: true\narea_code: '0539'\n",
		Secrets:  map[string]string{"env:IMPORT": "token-of-the-import"},
		Guard:    adaptertest.Guard{Headers: []string{"Authorization"}},
	}
}

func TestPublicForm(t *testing.T) { t.Parallel(); adaptertest.Run(t, public(t)) }
func TestStaff(t *testing.T)      { t.Parallel(); adaptertest.Run(t, staff(t)) }
func TestKiosk(t *testing.T)      { t.Parallel(); adaptertest.Run(t, kiosk(t)) }
func TestArchive(t *testing.T)    { t.Parallel(); adaptertest.Run(t, archive(t)) }

func FuzzNormalize(f *testing.F) { adaptertest.Fuzz(f, public(f)) }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{"env:A": "a-secret", "env:EMPTY": ""}
	for name, tt := range map[string]struct{ settings, want string }{
		"no verify":             {"area_code: '0539'", "verify: type is missing"},
		"unknown type":          {"verify: {type: magic}", `unknown type "magic"`},
		"bearer without tokens": {"verify: {type: bearer}", "no secret"},
		"empty token":           {"verify: {type: bearer}\nsecrets: [env:EMPTY]", "secret 1 is empty"},
		"secret that is absent": {"verify: {type: bearer}\nsecrets: [env:A, env:B]", "secrets[1]: secret env:B is not set"},
		"unknown reporter":      {"verify: {type: none}\nreporters: [robot]", `"robot" is not one of`},
		"claimed by anybody":    {"verify: {type: none}\nreporters: [gridWorker]", "anybody could claim"},
		"not YAML of ours":      {"verify: [none]", "form: settings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Spec().New(adaptertest.YAML(tt.settings), adapters.Deps{Secret: func(ref adapters.SecretRef) (string, error) {
				if s, ok := secrets[string(ref)]; ok {
					return s, nil
				}
				return "", ticket.Errorf(ticket.Internal, "secret.missing", "secret %s is not set", ref)
			}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "a-secret") {
				t.Errorf("New shows a secret: %v", err)
			}
		})
	}
}

// The edge may take the file parts out of the body once they are kept: what is left reads the same.
func TestFilesMayBeTakenOut(t *testing.T) {
	t.Parallel()
	cfg := public(t)
	a, err := cfg.Spec.New(adaptertest.YAML(cfg.Settings), adapters.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	in := adapters.Inbound{
		Path: "/", ReceivedAt: adaptertest.Received, Header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}},
		Body:  []byte("--b\r\nContent-Disposition: form-data; name=\"report\"\r\n\r\n" + `{"clientReportId":"x","description":"y","consent":true}` + "\r\n--b--\r\n"),
		Media: []adapters.Upload{{Field: "photo", MediaRef: ticket.MediaRef{SHA256: strings.Repeat("0", 64), MIME: "video/mp4", Fetched: true}}},
	}
	got, err := a.Normalize(in)
	if err != nil || len(got) != 1 || len(got[0].Media) != 1 || got[0].Media[0].Role != "video" {
		t.Fatalf("Normalize = %+v, %v", got, err)
	}
	in.Media = make([]adapters.Upload, maxPhotos+1)
	if _, err := a.Normalize(in); !ticket.IsKind(err, ticket.Invalid) {
		t.Errorf("ten files: %v, want Invalid", err)
	}
}
