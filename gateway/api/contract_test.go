package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/citizen-hotline/gateway/gateway/api"
	"github.com/citizen-hotline/gateway/ticket"
)

// contract holds answers against the description.
type contract struct {
	t      *testing.T
	router routers.Router
	met    map[string]bool // operations that were answered with 2xx
}

func describe(t *testing.T) (*openapi3.T, *contract) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return doc, &contract{t: t, router: router, met: map[string]bool{}}
}

func TestTheDescriptionNamesEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	doc, _ := describe(t)
	var described, routes []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, n := range api.RouteNames() {
		routes = append(routes, n[0]+" "+n[1])
	}
	for _, r := range routes {
		if !slices.Contains(described, r) {
			t.Errorf("openapi.yaml does not describe %s", r)
		}
	}
	for _, d := range described {
		if !slices.Contains(routes, d) {
			t.Errorf("openapi.yaml describes %s, which is no route", d)
		}
	}
}

func TestTheDescriptionKnowsTheDomainsWords(t *testing.T) {
	t.Parallel()
	doc, _ := describe(t)
	states, actions := doc.Components.Schemas["State"].Value.Enum, doc.Components.Schemas["Action"].Value.Enum
	for _, s := range ticket.States {
		if !slices.Contains(states, any(string(s))) {
			t.Errorf("openapi.yaml does not know the state %s", s)
		}
	}
	own := []ticket.Action{ticket.Register, ticket.Escalate, ticket.Recalendar, ticket.Repeat, ticket.Restate, ticket.Expire}
	for _, a := range ticket.Actions {
		if slices.Contains(actions, any(string(a))) == slices.Contains(own, a) {
			t.Errorf("openapi.yaml and the actions people take disagree on %s", a)
		}
	}
}

// RoundTrip sends a request and holds request and answer against the description.
func (c *contract) RoundTrip(req *http.Request) (*http.Response, error) {
	c.t.Helper()
	var sent []byte
	if req.Body != nil {
		sent, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	c.check(req, sent, resp, body)
	return resp, nil
}

func (c *contract) check(req *http.Request, sent []byte, resp *http.Response, body []byte) {
	c.t.Helper()
	seen := req.Clone(req.Context())
	seen.URL.Scheme, seen.URL.Host, seen.Host = "", "", ""
	seen.Body = io.NopCloser(bytes.NewReader(sent))
	where := req.Method + " " + req.URL.Path
	route, params, err := c.router.FindRoute(seen)
	if err != nil {
		c.t.Errorf("%s stands not in the description: %v", where, err)
		return
	}
	input := &openapi3filter.RequestValidationInput{Request: seen, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
		ExcludeResponseBody: !strings.Contains(resp.Header.Get("Content-Type"), "json"), MultiError: true,
	}}
	if resp.StatusCode < 300 {
		c.met[req.Method+" "+route.Path] = true
		if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
			c.t.Errorf("%s was taken though it does not fit the description: %v", where, err)
		}
	}
	err = openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode,
		Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)), Options: input.Options,
	})
	if err != nil {
		c.t.Errorf("%s answered %d, which does not fit the description: %v\n%s", where, resp.StatusCode, err, body)
	}
}

// TestAnswersFitTheDescription goes through every operation once, well and badly.
func TestAnswersFitTheDescription(t *testing.T) {
	t.Parallel()
	o := open(t)
	doc, c := describe(t)
	c.t = t
	for _, login := range []string{"agent", "desk", "duty", "auditor", "integrator", "admin", "callback", "yitang"} {
		o.as(login).Transport = c
	}
	public := &http.Client{Transport: c}

	number, code := o.Register("r-1", flood())
	o.Register("r-2", map[string]any{"text": "建议在沂河路加装路灯", "confidential": true, "type": "suggest", "happened_at": "2026-07-13T08:00:00+08:00"})
	o.send(o.as("agent"), http.MethodPost, "/tickets", http.Header{"Idempotency-Key": {"r-1"}}, flood2()).Is(http.StatusOK)
	o.Post("agent", "/tickets", map[string]any{"channel": "nowhere", "text": "x"}).Is(http.StatusUnprocessableEntity)

	file := http.Header{"Content-Type": {"application/octet-stream"}}
	proof := o.send(o.as("yitang"), http.MethodPost, "/media", file, "%PDF-1.7 鉴定委托书").Is(http.StatusCreated).field("sha256")
	steps := []struct {
		login, action string
		body          any
	}{
		{"yitang", "sign", nil},
		{"yitang", "contact", map[string]any{"note": "已电话联系"}},
		{"yitang", "reveal", map[string]any{"reason": "contact_citizen", "fields": []string{"appellant"}}},
		{"yitang", "ask_extend", map[string]any{"reason": "works_needed", "amount": 1, "limit_unit": "hours"}},
		{"desk", "refuse_extend", map[string]any{"reason": "complex"}},
		{"yitang", "ask_pause", map[string]any{"reason": "awaits_weather", "until": "2026-07-13T10:00:00+08:00"}},
		{"desk", "refuse_pause", map[string]any{"reason": "not_proved"}},
		{"yitang", "ask_pause", map[string]any{"reason": "awaits_procedure", "media": []any{map[string]any{"sha256": proof, "name": "委托书.pdf", "role": "evidence"}}}},
		{"desk", "pause", nil},
		{"yitang", "resume", nil},
		{"agent", "urge", map[string]any{}},
		{"duty", "supervise", map[string]any{"reason": "pushing_away", "until": "2026-07-13T12:00:00+08:00"}},
		{"yitang", "reply", map[string]any{"note": "泵车已在途中"}},
		{"yitang", "ask_terminate", map[string]any{"reason": "self_resolved"}},
		{"desk", "refuse_terminate", map[string]any{"reason": "still_reasonable"}},
		{"agent", "amend", map[string]any{"category": "01.04.01", "appellant": map[string]any{"name": "王秀兰", "phone": "13900139000"}}},
		{"yitang", "resolve", map[string]any{"public_reply": "积水已排除。", "note": "泵车两台"}},
		{"callback", "call_back", map[string]any{"reached": true, "solved": true, "satisfaction": "satisfied"}},
		{"callback", "close", nil},
	}
	for _, s := range steps {
		if s.action == "call_back" {
			if list := o.Get("callback", "/callbacks").Is(http.StatusOK); !strings.Contains(string(list.body), "13900139000") {
				t.Errorf("the citizen to be called is not listed: %s", list.body)
			}
			o.send(public, http.MethodPost, "/track/"+number+"/rating", nil, map[string]any{"code": "WRONG1", "solved": true, "satisfaction": "satisfied"}).Is(http.StatusNotFound)
			o.send(public, http.MethodPost, "/track/"+number+"/rating", nil, map[string]any{"code": code, "satisfaction": "satisfied"}).Is(http.StatusUnprocessableEntity)
			o.send(public, http.MethodPost, "/track/"+number+"/rating", nil, map[string]any{"code": code, "solved": true, "satisfaction": "satisfied", "text": "谢谢"}).Is(http.StatusOK)
			o.send(public, http.MethodPost, "/track/"+number+"/rating", nil, map[string]any{"code": code, "solved": true, "satisfaction": "satisfied"}).Is(http.StatusConflict).Code("rating.given")
		}
		o.Advance(60e9)
		o.Post(s.login, "/tickets/"+number+"/actions/"+s.action, s.body).Is(http.StatusOK)
	}
	o.Post("duty", "/tickets/"+number+"/actions/sign", nil).Is(http.StatusForbidden)
	o.Post("desk", "/tickets/"+number+"/actions/answer", map[string]any{"public_reply": "x"}).Is(http.StatusConflict).Code("ticket.move.illegal")

	for _, target := range []string{
		"/tickets?state=closed,triage&limit=10", "/tickets/" + number, "/tickets/" + number + "/explanation", "/tickets/" + number + "/clocks", "/search?q=13900139000", "/calls", "/alerts?open=true",
		"/notices?state=pending", "/counts", "/units", "/categories", "/regions", "/reasons", "/roles", "/channels", "/me", "/deliveries?state=taken",
		"/pages", "/pages?state=pending", "/destinations", "/silences?active=true", "/notices?state=silenced&silence=7", "/notices?state=withheld",
	} {
		o.Get("duty", target).Is(http.StatusOK)
	}
	quiet := map[string]any{"reason": "系统割接", "unit": "s-371302105", "until": "2026-07-13T14:00:00+08:00"}
	silence := o.Post("duty", "/silences", quiet).Is(http.StatusCreated).field("id")
	o.Get("duty", "/silences").Is(http.StatusOK)
	o.Post("duty", "/silences/"+silence+"/end", nil).Is(http.StatusOK)
	o.Post("duty", "/silences/"+silence+"/end", nil).Is(http.StatusConflict).Code("silence.ended")
	o.Post("duty", "/silences/999/end", nil).Is(http.StatusNotFound).Code("silence.unknown")
	o.Post("duty", "/silences", map[string]any{"reason": "全部", "until": "2026-07-13T14:00:00+08:00"}).Is(http.StatusUnprocessableEntity)
	dutyAndAlerts(o)
	second := o.Post("desk", "/tickets", map[string]any{"channel": "phone-12345", "text": flood()["text"], "place": flood()["place"]}).Is(http.StatusCreated).field("number")
	if like := o.Get("desk", "/tickets/"+second+"/similar").Is(http.StatusOK); !strings.Contains(string(like.body), number) {
		t.Errorf("%s is not like %s: %s", number, second, like.body)
	}
	o.Post("desk", "/tickets/"+second+"/actions/link", map[string]any{"other": number, "relation": "repeat"}).Is(http.StatusUnprocessableEntity)
	o.Post("desk", "/tickets/"+second+"/actions/link", map[string]any{"other": number, "relation": "distinct"}).Is(http.StatusOK)
	if like := o.Get("duty", "/tickets/"+number+"/similar").Is(http.StatusOK); strings.Contains(string(like.body), second) {
		t.Errorf("%s is like %s again, which was set apart: %s", second, number, like.body)
	}
	o.Get("auditor", "/tickets/"+number+"/access").Is(http.StatusOK)
	o.Get("admin", "/users").Is(http.StatusOK)
	history := o.Get("admin", "/pack").Is(http.StatusOK)
	o.Post("admin", "/users", map[string]any{"login": "meter", "name": "水司系统", "roles": []string{"unit_handler"}, "unit": "s-371302105", "machine": true}).Is(http.StatusCreated)
	o.Post("admin", "/users/meter/disable", nil).Is(http.StatusNoContent)
	o.Post("duty", "/tickets/bulk/urge?unit=s-371302105&dry_run=true", map[string]any{}).Is(http.StatusOK)
	o.Post("duty", "/tickets/bulk/urge", map[string]any{}).Is(http.StatusUnprocessableEntity)
	candidate := o.Get("admin", "/pack/shadow").Is(http.StatusOK).field("hash")
	o.Post("admin", "/pack/promote", map[string]any{"hash": strings.Repeat("a", 64)}).Is(http.StatusConflict)
	o.Post("admin", "/pack/promote", map[string]any{"hash": candidate, "note": "试运行一周无误"}).Is(http.StatusOK)
	o.Get("admin", "/pack/shadow").Is(http.StatusNotFound)
	o.Post("admin", "/pack/promote", map[string]any{"hash": candidate}).Is(http.StatusNotFound)
	o.Post("admin", "/pack/rollback", map[string]any{"hash": history.field("active")}).Is(http.StatusOK)
	o.Post("duty", "/notices/redrive", map[string]any{"ids": []int{1}}).Is(http.StatusOK)
	o.send(public, http.MethodGet, "/track/"+number+"?code="+code, nil, nil).Is(http.StatusOK)
	o.send(public, http.MethodGet, "/track/"+number+"?code=WRONG1", nil, nil).Is(http.StatusNotFound)
	for _, target := range []string{"/now", "/docs", "/openapi.yaml"} {
		o.send(public, http.MethodGet, target, nil, nil).Is(http.StatusOK)
	}
	o.send(public, http.MethodPost, "/login", nil, map[string]string{"login": "desk", "password": password}).Is(http.StatusOK)
	o.send(public, http.MethodPost, "/login", nil, map[string]string{"login": "desk", "password": "wrong"}).Is(http.StatusUnauthorized)
	o.Post("integrator", "/password", map[string]string{"old": password, "new": "another-long-word"}).Is(http.StatusNoContent)
	o.Post("auditor", "/logout", nil).Is(http.StatusNoContent)

	// Those below need something of their own and have their own tests.
	o.Post("duty", "/destinations/nowhere/test", nil).Is(http.StatusNotFound).Code("destination.unknown")
	elsewhere := []string{"POST /destinations/{id}/test", "GET /media/{sha256}", "GET /events", "POST /deliveries/{id}/redrive", "POST /alerts/{id}/ack"}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if name := method + " " + path; !c.met[name] && !slices.Contains(elsewhere, name) {
				t.Errorf("%s was never answered well in this test", name)
			}
		}
	}
}

// dutyAndAlerts arranges shifts, and waits for an alert to act on.
func dutyAndAlerts(o *office) {
	o.t.Helper()
	o.Get("duty", "/duty?at=2026-07-13T22:00:00%2B08:00").Is(http.StatusOK)
	o.Get("duty", "/duty?post=nobody").Is(http.StatusNotFound)
	o.Get("duty", "/duty?at=1066-10-14T09:00:00Z").Is(http.StatusUnprocessableEntity)
	o.Get("duty", "/duty/brief").Is(http.StatusOK)
	cover := map[string]any{"post": "centre.duty", "from": "2026-07-14T08:00:00+08:00", "until": "2026-07-14T20:00:00+08:00", "who": "值班长四席", "reason": "外出开会"}
	id := o.Post("duty", "/duty/overrides", cover).Is(http.StatusCreated).field("id")
	o.Post("duty", "/duty/overrides", cover).Is(http.StatusConflict).Code("duty.overlap")
	o.Post("duty", "/duty/overrides", map[string]any{"post": "centre.duty", "until": "2026-07-14T20:00:00+08:00", "reason": "谁来？"}).Is(http.StatusUnprocessableEntity)
	o.Post("yitang", "/duty/overrides", cover).Is(http.StatusForbidden)
	o.Get("duty", "/duty/overrides?post=centre.duty").Is(http.StatusOK)
	o.Post("duty", "/duty/overrides/"+id+"/withdraw", nil).Is(http.StatusOK)
	o.Post("duty", "/duty/overrides/"+id+"/withdraw", nil).Is(http.StatusConflict)
	o.Post("duty", "/duty/swaps", map[string]any{
		"one": map[string]any{"post": "centre.duty", "at": "2026-07-14T09:00:00+08:00"}, "other": map[string]any{"post": "centre.duty", "at": "2026-07-15T09:00:00+08:00"},
		"reason": "互换一班",
	}).Is(http.StatusCreated)

	o.Post("duty", "/duty/overrides", map[string]any{"post": "centre.callback", "until": "2026-07-14T08:30:00+08:00", "absent": true, "reason": "值班人突发疾病"}).Is(http.StatusCreated)
	var list struct {
		Items []struct{ ID, Post, State string }
	}
	o.Advance(61e9) // the rosters are looked at every minute
	o.until("the shift that nobody holds is alarmed", func() bool {
		o.Get("duty", "/alerts?open=true&level=alarm").Is(http.StatusOK).Read(&list)
		return len(list.Items) > 0 && list.Items[0].State == "open"
	})
	alert := "/alerts/" + list.Items[0].ID
	o.Get("duty", "/alerts?group=unit,level").Is(http.StatusOK)
	o.Get("duty", alert).Is(http.StatusOK)
	o.Post("duty", alert+"/snooze", map[string]any{"minutes": 4, "reason": "正在联系"}).Is(http.StatusOK)
	o.Post("duty", alert+"/snooze", map[string]any{"minutes": 400}).Is(http.StatusUnprocessableEntity)
	o.Post("duty", alert+"/snooze", map[string]any{}).Is(http.StatusUnprocessableEntity)
	o.Post("duty", alert+"/handover", map[string]any{"post": "centre.desk", "reason": "请分拨席安排替班"}).Is(http.StatusOK)
	o.Post("duty", alert+"/handover", map[string]any{"post": "nowhere", "reason": "x"}).Is(http.StatusUnprocessableEntity)
	o.Post("duty", alert+"/done", map[string]any{"reason": "已安排"}).Is(http.StatusOK)
	o.Post("duty", alert+"/done", nil).Is(http.StatusConflict).Code("alert.done")
	o.Post("duty", "/alerts/ack", map[string]any{"unit": "centre", "level": "alarm"}).Is(http.StatusOK)
	o.Get("duty", alert).Is(http.StatusOK)
}

// flood2 is flood as a client would send it again: the same content, its fields in another order.
func flood2() json.RawMessage {
	return json.RawMessage(`{"text":"义堂镇滨河路与聚才八路路口积水，水深到膝盖","appellant":{"phone":"13800138000","name":"王秀兰"},
		"channel":"phone-12345","place":{"address":"兰山区义堂镇滨河路88号3单元201"}}`)
}
