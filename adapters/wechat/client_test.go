package wechat

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/adaptertest"
	"github.com/citizen-hotline/gateway/ticket"
)

// platform plays api.weixin.qq.com: it takes only the token it gave last.
type platform struct {
	mu     sync.Mutex
	tokens int
	valid  string
	forced []bool
	sent   []sendRequest
	code   int // answered to sends instead of 0
	kind   string
	media  string // answered to media/get
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json; encoding=utf-8")
	token := r.URL.Query().Get("access_token")
	switch {
	case r.URL.Path == "/cgi-bin/stable_token":
		var t tokenRequest
		if err := json.Unmarshal(body, &t); err != nil || t.Secret != "demo-app-secret" {
			_, _ = io.WriteString(w, `{"errcode":40125,"errmsg":"invalid appsecret"}`)
			return
		}
		p.tokens++
		p.forced = append(p.forced, t.ForceRefresh)
		p.valid = "token-" + string(rune('A'+p.tokens))
		_, _ = io.WriteString(w, `{"access_token":"`+p.valid+`","expires_in":7200}`)
	case r.URL.Path == "/video.mp4":
		w.Header().Set("Content-Type", "video/mp4")
		_, _ = io.WriteString(w, "moving pictures")
	case r.URL.Path == "/page":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>expired</html>")
	case r.URL.Path == "/none":
		http.NotFound(w, r)
	case token != p.valid:
		_, _ = io.WriteString(w, `{"errcode":40001,"errmsg":"invalid credential"}`)
	case r.URL.Path == "/cgi-bin/message/custom/send":
		var s sendRequest
		if err := json.Unmarshal(body, &s); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.sent = append(p.sent, s)
		_ = json.NewEncoder(w).Encode(apiError{p.code})
	case r.URL.Path == "/cgi-bin/media/get":
		if p.kind != "" {
			w.Header().Set("Content-Type", p.kind)
		}
		_, _ = io.WriteString(w, p.media)
	}
}

func (p *platform) with(edit func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	edit()
}

func deps(client *http.Client, _ string) adapters.Deps {
	return adapters.Deps{
		HTTP: client, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return adaptertest.Received },
		Secret: func(ref adapters.SecretRef) (string, error) {
			if s, ok := map[adapters.SecretRef]string{"env:TOKEN": sampleToken, "env:KEY": sampleKey, "env:SECRET": "demo-app-secret"}[ref]; ok {
				return s, nil
			}
			return "", errors.New("the secret is not set")
		},
	}
}

func newCaller(t *testing.T, p *platform) (*caller, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	a, err := Spec().New(adaptertest.YAML(safeSettings+"api: "+server.URL+"/"), deps(server.Client(), ""))
	if err != nil {
		t.Fatal(err)
	}
	return a.(*caller), server
}

var citizen = ticket.ReplyHandle{Address: "oCITIZEN", Until: adaptertest.Received.Add(time.Hour).UnixMilli()}

func TestReplySendsText(t *testing.T) {
	t.Parallel()
	p := new(platform)
	c, _ := newCaller(t, p)
	for range 3 {
		if _, err := c.Reply(t.Context(), citizen, ticket.Message{Title: "进展", Text: "已修复 <井盖> & 路面"}); err != nil {
			t.Fatal(err)
		}
	}
	want := sendRequest{ToUser: "oCITIZEN", MsgType: "text", Text: sendContent{"进展\n已修复 <井盖> & 路面"}}
	if len(p.sent) != 3 || p.sent[0] != want {
		t.Errorf("sent %+v, want 3 × %+v", p.sent, want)
	}
	if p.tokens != 1 {
		t.Errorf("%d tokens were asked for, want 1", p.tokens)
	}
}

func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	p := new(platform)
	c, _ := newCaller(t, p)
	send := func() error {
		_, err := c.Reply(t.Context(), citizen, ticket.Message{Text: "x"})
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	p.with(func() { p.valid = "taken away by another program" })
	if err := send(); err != nil {
		t.Fatalf("after the token was taken away: %v", err)
	}
	if p.tokens != 2 || p.forced[0] || !p.forced[1] {
		t.Errorf("tokens %d, forced %v; want 2, the second forced", p.tokens, p.forced)
	}
	p.with(func() { p.code = codeTokenInvalid })
	if err := send(); !ticket.IsKind(err, ticket.Unavailable) {
		t.Errorf("when every token is refused: %v, want Unavailable", err)
	}
	if p.tokens != 3 {
		t.Errorf("tokens %d, want 3: one renewal per call", p.tokens)
	}
}

func TestManyRepliesShareOneToken(t *testing.T) {
	t.Parallel()
	p := new(platform)
	c, _ := newCaller(t, p)
	var wg sync.WaitGroup
	var failed atomic.Int32
	for range 20 {
		wg.Go(func() {
			if _, err := c.Reply(t.Context(), citizen, ticket.Message{Text: "x"}); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if p.tokens != 1 || failed.Load() != 0 {
		t.Errorf("%d tokens were asked for and %d replies failed, want 1 and 0", p.tokens, failed.Load())
	}
}

func TestReplyErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code int
		kind ticket.ErrorKind
		want string
	}{
		"48 hours over": {codeWindowOver, ticket.Conflict, "reply.window_closed"},
		"five sent":     {codeWindowCount, ticket.Conflict, "reply.window_closed"},
		"quota":         {codeDailyQuota, ticket.TooMany, "wechat.quota"},
		"busy":          {codeBusy, ticket.Unavailable, "wechat.busy"},
		"bad openid":    {40003, ticket.Conflict, "wechat.refused"},
	} {
		p := &platform{code: tt.code}
		c, _ := newCaller(t, p)
		_, err := c.Reply(t.Context(), citizen, ticket.Message{Text: "x"})
		var e *ticket.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || e.Code != tt.want {
			t.Errorf("%s: %v, want %s %s", name, err, tt.kind, tt.want)
		}
	}
}

func TestReplyOutsideTheWindowIsNotTried(t *testing.T) {
	t.Parallel()
	p := new(platform)
	c, _ := newCaller(t, p)
	late := ticket.ReplyHandle{Address: "o", Until: adaptertest.Received.Add(-time.Second).UnixMilli()}
	_, err := c.Reply(t.Context(), late, ticket.Message{Text: "x"})
	if !ticket.IsKind(err, ticket.Conflict) || p.tokens != 0 {
		t.Errorf("err %v, tokens %d; want Conflict without a call", err, p.tokens)
	}
	if _, err := c.Reply(t.Context(), citizen, ticket.Message{}); !ticket.IsKind(err, ticket.Invalid) {
		t.Errorf("an empty reply: %v, want Invalid", err)
	}
}

// net/http puts the URL into its errors, and the token stands in the URL.
func TestErrorsShowNoToken(t *testing.T) {
	t.Parallel()
	p := new(platform)
	c, server := newCaller(t, p)
	if _, err := c.Reply(t.Context(), citizen, ticket.Message{Text: "x"}); err != nil {
		t.Fatal(err)
	}
	server.Close()
	_, err := c.Reply(t.Context(), citizen, ticket.Message{Text: "x"})
	if !ticket.IsKind(err, ticket.Unavailable) || strings.Contains(err.Error(), "token-") || strings.Contains(err.Error(), "access_token") {
		t.Errorf("err = %v, want Unavailable without the token", err)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	p := new(platform)
	c, server := newCaller(t, p)
	for name, tt := range map[string]struct {
		ref, kind, media string
		want             string
		err              ticket.ErrorKind
	}{
		"picture":          {"M1", "image/jpeg", "JPEG", "JPEG", 0},
		"video":            {"M2", "", `{"video_url":"` + server.URL + `/video.mp4"}`, "moving pictures", 0},
		"gone":             {"M3", "", `{"errcode":40007,"errmsg":"invalid media_id"}`, "", ticket.NotFound},
		"gone, text/plain": {"M4", "text/plain", `{"errcode":40007,"errmsg":"invalid media_id"}`, "", ticket.NotFound},
		"neither":          {"M5", "", `{}`, "", ticket.Unavailable},
		"no JSON":          {"M6", "", `<html>`, "", ticket.Unavailable},
		"PicUrl":           {server.URL + "/video.mp4", "", "", "moving pictures", 0},
		"page for a file":  {server.URL + "/page", "", "", "", ticket.NotFound},
		"missing":          {server.URL + "/none", "", "", "", ticket.Unavailable},
	} {
		p.with(func() { p.kind, p.media = tt.kind, tt.media })
		body, err := c.Fetch(t.Context(), ticket.MediaRef{Ref: tt.ref})
		if err != nil {
			if tt.want != "" || !ticket.IsKind(err, tt.err) {
				t.Errorf("%s: %v, want kind %s", name, err, tt.err)
			}
			continue
		}
		got, err := io.ReadAll(body)
		if err != nil || string(got) != tt.want || tt.want == "" {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tt.want)
		}
		if err := body.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}
