package api_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// page asks for a page as a browser does, following nothing.
func (o *office) page(c *http.Client, method, target string, form url.Values, header http.Header) (int, string, http.Header) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+target, strings.NewReader(form.Encode()))
	if err != nil {
		o.t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	still := *c
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := still.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func TestThePagesOfTheDutyRoom(t *testing.T) {
	t.Parallel()
	o := open(t)
	stranger := &http.Client{}
	status, _, header := o.page(stranger, http.MethodGet, "/duty/brief?post=centre.duty", nil, nil)
	if status != http.StatusSeeOther || header.Get("Location") != "/login?next=%2Fduty%2Fbrief%3Fpost%3Dcentre.duty" {
		t.Fatalf("nobody is sent %d to %s", status, header.Get("Location"))
	}
	if status, body, _ := o.page(stranger, http.MethodGet, "/login?next=https://evil.example/duty", nil, nil); status != http.StatusOK || strings.Contains(body, "evil") {
		t.Errorf("the page to sign in: %d\n%s", status, body)
	}
	if status, body, _ := o.page(stranger, http.MethodPost, "/login", url.Values{"login": {"duty"}, "password": {"wrong"}}, nil); status != http.StatusUnauthorized || !strings.Contains(body, "不正确") {
		t.Errorf("a wrong password: %d\n%s", status, body)
	}
	if status, _, header := o.page(stranger, http.MethodPost, "/login", url.Values{"login": {"duty"}, "password": {password}, "next": {"//evil.example"}}, nil); status != http.StatusSeeOther || header.Get("Location") != "/duty" || !strings.Contains(header.Get("Set-Cookie"), "SameSite=Strict") {
		t.Errorf("signed in: %d, to %s, %s", status, header.Get("Location"), header.Get("Set-Cookie"))
	}
	if status, _, _ := o.page(stranger, http.MethodPost, "/duty/ack", url.Values{"unit": {"centre"}, "level": {"red"}}, nil); status != http.StatusUnauthorized {
		t.Errorf("nobody acknowledges: %d", status)
	}

	number, _ := o.Register("k-1", flood())
	o.Advance(5 * 60 * 60e9)
	o.until("an overdue clock raises an alert", func() bool {
		return !strings.Contains(string(o.Get("duty", "/alerts?open=true").Is(http.StatusOK).body), `"items":[]`)
	})
	officer := o.as("duty")
	status, body, header := o.page(officer, http.MethodGet, "/duty", nil, nil)
	if !strings.Contains(body, `http-equiv="refresh"`) {
		t.Error("the page stands still")
	}
	for _, want := range []string{"超时", "红牌", "全部确认", "值班长二席", "防汛一组"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page (%d) does not say %s", status, want)
		}
	}
	if strings.Contains(body, "<script") || !strings.Contains(header.Get("Content-Security-Policy"), "form-action 'self'") {
		t.Errorf("the page has scripts, or no policy: %s", header.Get("Content-Security-Policy"))
	}
	if strings.Contains(body, "王秀兰") || strings.Contains(body, "13800138000") {
		t.Error("the page names the citizen")
	}
	if status, body, _ := o.page(officer, http.MethodGet, "/duty?unit=s-371302105&level=red", nil, nil); status != http.StatusOK || !strings.Contains(body, number) {
		t.Errorf("a line does not open (%d): %s", status, body)
	}
	if status, body, _ := o.page(officer, http.MethodGet, "/duty/brief", nil, nil); status != http.StatusOK || !strings.Contains(body, "交接班简报") || !strings.Contains(body, number) {
		t.Errorf("the brief (%d): %s", status, body)
	}
	for _, form := range []url.Values{{}, {"unit": {"s-371302105"}}, {"level": {"red"}}, {"unit": {"s-371302105"}, "level": {"all"}}} {
		if status, _, _ := o.page(officer, http.MethodPost, "/duty/ack", form, nil); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
			t.Errorf("%v acknowledges what it does not name: %d", form, status)
		}
	}
	if a := string(o.Get("duty", "/alerts?open=true&unit=s-371302105&level=red").Is(http.StatusOK).body); a == `{"items":[]}` {
		t.Error("a form that names no line has acknowledged it")
	}
	cross := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}
	if status, _, _ := o.page(officer, http.MethodPost, "/duty/ack", url.Values{"unit": {"s-371302105"}, "level": {"red"}}, cross); status != http.StatusForbidden {
		t.Errorf("another site acknowledges: %d", status)
	}
	if status, _, _ := o.page(officer, http.MethodPost, "/duty/ack", url.Values{"unit": {"s-371302105"}, "level": {"red"}}, nil); status != http.StatusSeeOther {
		t.Errorf("the officer acknowledges a line: %d", status)
	}
	if a := string(o.Get("duty", "/alerts?open=true&unit=s-371302105&level=red").Is(http.StatusOK).body); a != `{"items":[]}` {
		t.Errorf("still open: %s", a)
	}
	if status, body, _ := o.page(o.as("agent"), http.MethodGet, "/duty", nil, nil); status != http.StatusForbidden || !strings.Contains(body, "无权") {
		t.Errorf("the agent: %d\n%s", status, body)
	}
	if status, body, _ := o.page(officer, http.MethodGet, "/duty/brief?post=nobody", nil, nil); status != http.StatusNotFound || !strings.Contains(body, "值班表") {
		t.Errorf("no such post: %d\n%s", status, body)
	}
}

// A page that asks for itself anew does not keep the session of somebody who left alive.
func TestAnIdleDutyPageSignsOut(t *testing.T) {
	t.Parallel()
	o := open(t)
	officer := o.as("duty")
	for minutes := 0; minutes <= 30; minutes += 10 {
		if status, _, _ := o.page(officer, http.MethodGet, "/duty?auto=true", nil, nil); minutes < 30 && status != http.StatusOK {
			t.Fatalf("after %d minutes: %d", minutes, status)
		}
		o.Advance(10*time.Minute + time.Second)
	}
	if status, _, _ := o.page(officer, http.MethodGet, "/duty?auto=true", nil, nil); status != http.StatusSeeOther {
		t.Errorf("after 40 minutes: %d", status)
	}
}
