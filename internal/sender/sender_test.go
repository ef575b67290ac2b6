package sender_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/sender"
)

var (
	shanghai = time.FixedZone("CST", 8*3600)
	noon     = time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
)

const (
	secret = "SEC-演示-0123456789abcdef"
	token  = "TOKEN-never-to-be-seen"
)

// page is what a storm makes: more matters than a page lists.
func page() *paging.Message {
	m := &paging.Message{
		ID: "pge_0123456789abcdef", At: noon, City: "临沂市12345", Destination: "ops", Route: "red-cards", Levels: []string{"red"}, Unit: "市住建局", UnitID: "b-zhujian",
		Clock: "resolve", Count: 47, Oldest: noon.Add(-3 * time.Hour), Since: noon.Add(-time.Hour), Why: []string{"general@1/resolve/red"}, Zone: shanghai, Lasts: 15 * time.Minute,
	}
	for i := range paging.Listed {
		m.Items = append(m.Items, paging.Item{Number: "LY26071300000" + strconv.Itoa(i), Unit: "市住建局", Level: "red", Clock: "办结", Due: noon.Add(-3 * time.Hour)})
	}
	return m
}

// platform is a destination's other end: what it got, and what it answers.
type platform struct {
	url    string
	answer string
	status int
	got    []call
}

type call struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte
}

func open(t *testing.T) *platform {
	t.Helper()
	p := &platform{status: http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		p.got = append(p.got, call{r.Method, r.URL.Path, r.URL.Query(), r.Header, body})
		w.WriteHeader(p.status)
		_, _ = io.WriteString(w, p.answer)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func send(t *testing.T, d paging.Destination, m *paging.Message) error {
	t.Helper()
	d.ID = "ops"
	s, err := sender.New(&d, sender.Deps{
		HTTP: http.DefaultClient, Wall: func() time.Time { return noon },
		Secret: func(ref string) (string, error) {
			return map[string]string{"env:SECRET": secret, "env:TOKEN": token, "env:WHSEC": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}[ref], nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t.Context(), m)
}

// hmacBy is an HMAC-SHA256 in base64 by a program that is not ours. The key is given in hex.
func hmacBy(t *testing.T, program string, key, message []byte) string {
	t.Helper()
	args := map[string][]string{
		"openssl": {"dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + hexOf(key), "-binary"},
		"python3": {"-c", "import sys,hmac,hashlib,base64;sys.stdout.write(base64.b64encode(hmac.new(bytes.fromhex(sys.argv[1]),sys.stdin.buffer.read(),hashlib.sha256).digest()).decode())", hexOf(key)},
		"node":    {"-e", "const c=require('crypto').createHmac('sha256',Buffer.from(process.argv[1],'hex'));c.update(require('fs').readFileSync(0));process.stdout.write(c.digest('base64'))", hexOf(key)},
	}[program]
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not there to check the signature: %v", program, err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = strings.NewReader(string(message))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	if program == "openssl" {
		return base64Of(out)
	}
	return strings.TrimSpace(string(out))
}

var programs = []string{"openssl", "python3", "node"}

func TestDingTalk(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.answer = `{"errcode":0,"errmsg":"ok"}`
	d := paging.Destination{Kind: paging.DingTalk, URL: p.url + "/robot/send", Token: "env:TOKEN", Secret: "env:SECRET"}
	if err := send(t, d, page()); err != nil {
		t.Fatal(err)
	}
	got := p.got[0]
	if got.query.Get("access_token") != token || got.query.Get("timestamp") != "1783915200000" {
		t.Errorf("query %v", got.query)
	}
	var body struct {
		Type     string `json:"msgtype"`
		Markdown struct{ Title, Text string }
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.Type != "markdown" || !strings.Contains(body.Markdown.Text, "另有 37 件未列出") ||
		!strings.Contains(body.Markdown.Text, "依据：general@1/resolve/red；路由：red-cards") || body.Markdown.Title != "【红牌】市住建局 47 件" {
		t.Errorf("body %s, %v", got.body, err)
	}
	for _, program := range programs {
		t.Run("signed as "+program+" says", func(t *testing.T) {
			t.Parallel()
			if want := hmacBy(t, program, []byte(secret), []byte("1783915200000\n"+secret)); got.query.Get("sign") != want {
				t.Errorf("sign %q, want %q", got.query.Get("sign"), want)
			}
		})
	}
}

func TestFeishu(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.answer = `{"StatusCode":0,"StatusMessage":"success","code":0,"msg":"success"}`
	d := paging.Destination{Kind: paging.Feishu, URL: p.url + "/open-apis/bot/v2/hook", Token: "env:TOKEN", Secret: "env:SECRET"}
	if err := send(t, d, page()); err != nil {
		t.Fatal(err)
	}
	got := p.got[0]
	var body struct {
		Timestamp, Sign string
		Type            string `json:"msg_type"`
		Card            struct {
			Elements []struct{ Content string }
		}
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.Type != "interactive" || body.Timestamp != "1783915200" || !strings.Contains(body.Card.Elements[0].Content, "另有 37 件未列出") {
		t.Errorf("body %s, %v", got.body, err)
	}
	if got.path != "/open-apis/bot/v2/hook/"+token {
		t.Errorf("path %s", got.path)
	}
	for _, program := range programs {
		t.Run("signed as "+program+" says", func(t *testing.T) {
			t.Parallel()
			if want := hmacBy(t, program, []byte("1783915200\n"+secret), nil); body.Sign != want { // the opposite of DingTalk
				t.Errorf("sign %q, want %q", body.Sign, want)
			}
		})
	}
	p.answer = `{"StatusCode":0,"StatusMessage":"success"}` // an old hook
	if err := send(t, d, page()); err != nil {
		t.Errorf("an old hook's success: %v", err)
	}
}

func TestWeCom(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.answer = `{"errcode":0,"errmsg":"ok"}`
	if err := send(t, paging.Destination{Kind: paging.WeCom, URL: p.url + "/cgi-bin/webhook/send", Token: "env:TOKEN"}, page()); err != nil {
		t.Fatal(err)
	}
	var body struct {
		Type     string `json:"msgtype"`
		Markdown struct{ Content string }
	}
	err := json.Unmarshal(p.got[0].body, &body)
	if err != nil || body.Type != "markdown" || !strings.Contains(body.Markdown.Content, "47 件") || p.got[0].query.Get("key") != token {
		t.Errorf("got %+v, %v", p.got[0], err)
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	p := open(t)
	if err := send(t, paging.Destination{Kind: paging.Webhook, URL: p.url, Secret: "env:WHSEC"}, page()); err != nil {
		t.Fatal(err)
	}
	wh, err := standardwebhooks.NewWebhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	if err := wh.VerifyIgnoringTimestamp(p.got[0].body, p.got[0].header); err != nil {
		t.Errorf("the standard's own library: %v", err)
	}
	if id := p.got[0].header.Get("Webhook-Id"); id != "pge_0123456789abcdef" {
		t.Errorf("id %q", id)
	}
}

func TestTextMessages(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.answer = `{"result":{"code":0}}`
	d := paging.Destination{Kind: paging.SMS, URL: p.url + "/send?u={to}", Secret: "env:SECRET", Text: &paging.Text{
		Headers: map[string]string{"Authorization": "Bearer {secret}"}, Body: `{"mobile":"{to}","content":"{text}","id":"{id}"}`,
		To: []string{"13900001111", "13900002222"}, OK: paging.Success{Pointer: "/result/code", Equals: "0"},
	}}
	m := page()
	m.Unit = `"住建"\局{to}`
	if err := send(t, d, m); err != nil {
		t.Fatal(err)
	}
	var body struct{ Mobile, Content, ID string }
	if err := json.Unmarshal(p.got[1].body, &body); err != nil || body.Mobile != "13900002222" || body.ID != m.ID+"-2" {
		t.Fatalf("body %s, %v", p.got[1].body, err)
	}
	if !strings.Contains(body.Content, `"住建"\局{to}`) || utf8.RuneCountInString(body.Content) > 200 {
		t.Errorf("content %q", body.Content)
	}
	if p.got[0].query.Get("u") != "13900001111" || p.got[0].header.Get("Authorization") != "Bearer "+secret {
		t.Errorf("got %+v", p.got[0])
	}
	d.Text.Headers["Content-Type"], d.Text.Body = "application/x-www-form-urlencoded", "m={to}&c={text}"
	if err := send(t, d, m); err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(p.got[2].body))
	if err != nil || form.Get("m") != "13900001111" || !strings.HasPrefix(form.Get("c"), "【临沂市12345】") {
		t.Errorf("form %v, %v", form, err)
	}
	p.answer = `{"result":{"code":"40"}}`
	if err := send(t, d, m); err == nil || !strings.Contains(err.Error(), "/result/code 40") {
		t.Errorf("a refusal in the answer: %v", err)
	}
}

// What platforms answer when they do not take a message, most of it with HTTP 200.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind, answer string
		status       int
		want         string
		final        bool
	}{
		"dingtalk signature":   {paging.DingTalk, `{"errcode":310000,"errmsg":"sign not match"}`, 200, "ops refused the page (errcode 310000): sign not match", false},
		"dingtalk too many":    {paging.DingTalk, `{"errcode":130101,"errmsg":"send too fast"}`, 200, "errcode 130101", false},
		"wecom key":            {paging.WeCom, `{"errcode":93000,"errmsg":"invalid webhook url"}`, 200, "errcode 93000", false},
		"feishu signature":     {paging.Feishu, `{"code":19021,"msg":"sign match fail"}`, 200, "code 19021): sign match fail", false},
		"feishu, an old hook":  {paging.Feishu, `{"StatusCode":9499,"StatusMessage":"Bad Request"}`, 200, "StatusCode 9499): Bad Request", false},
		"a page of a proxy":    {paging.WeCom, `<html>Login</html>`, 200, "is not JSON", false},
		"an answer of nothing": {paging.DingTalk, `{}`, 200, "has no errcode", false},
		"a broken gateway":     {paging.DingTalk, ``, 502, "HTTP 502", false},
		"a hook that is gone":  {paging.Webhook, ``, 410, "HTTP 410", true},
		"a redirect":           {paging.Alertmanager, ``, 302, "HTTP 302", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			p.answer, p.status = tt.answer, tt.status
			d := paging.Destination{Kind: tt.kind, URL: p.url, Token: "env:TOKEN", Secret: "env:SECRET"}
			if tt.kind == paging.Webhook {
				d.Secret = "env:WHSEC"
			}
			err := send(t, d, page())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), secret) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			f, ok := err.(*sender.RefusalError) //nolint:errorlint // not wrapped here
			if !ok || f.Final != tt.final {
				t.Errorf("%#v; final %v is wanted", err, tt.final)
			}
		})
	}
}

func TestAnAddressThatDoesNotAnswerKeepsItsToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	for _, kind := range []string{paging.DingTalk, paging.WeCom, paging.Feishu} {
		err := send(t, paging.Destination{Kind: kind, URL: server.URL, Token: "env:TOKEN", Secret: "env:SECRET"}, page())
		if err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// The limits of the platforms: DingTalk and Feishu 20 KB, WeCom 4096 bytes.
func TestLongPagesAreCutToWhatThePlatformTakes(t *testing.T) {
	t.Parallel()
	m := page()
	for i := range m.Items {
		m.Items[i].Unit = strings.Repeat("很长的单位名称", 200)
	}
	for kind, most := range map[string]int{paging.DingTalk: 20_000, paging.Feishu: 20 << 10, paging.WeCom: 4_400} {
		p := open(t)
		p.answer = `{"errcode":0,"code":0}`
		if err := send(t, paging.Destination{Kind: kind, URL: p.url, Token: "env:TOKEN", Secret: "env:SECRET"}, m); err != nil {
			t.Fatal(err)
		}
		body := string(p.got[0].body)
		if len(body) > most || !strings.Contains(body, "内容过长") || !strings.Contains(body, "依据：") {
			t.Errorf("%s: %d bytes: %s…", kind, len(body), body[:200])
		}
	}
}

func TestASecretThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	_, err := sender.New(&paging.Destination{ID: "ops", Kind: paging.WeCom, Token: "env:NONE"}, sender.Deps{Secret: func(ref string) (string, error) {
		return "", context.DeadlineExceeded
	}})
	if err == nil || !strings.Contains(err.Error(), "ops") {
		t.Errorf("error %v", err)
	}
}
