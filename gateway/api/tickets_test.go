package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestABodyIsReadStrictly(t *testing.T) {
	t.Parallel()
	o := open(t)
	cases := map[string]struct{ body, code, field string }{
		"an unknown field":       {`{"channel":"phone-12345","text":"路灯不亮","colour":"red"}`, "body.unknown_field", "colour"},
		"no text":                {`{"channel":"phone-12345"}`, "body.invalid", "text"},
		"blank text":             {`{"channel":"phone-12345","text":"  "}`, "body.invalid", "text"},
		"an unknown channel":     {`{"channel":"pigeon","text":"路灯不亮"}`, "body.invalid", "channel"},
		"an unknown unit":        {`{"channel":"phone-12345","text":"路灯不亮","unit":"x"}`, "body.invalid", "unit"},
		"answer and unit":        {`{"channel":"phone-12345","text":"路灯不亮","unit":"s-371302105","answer":"好"}`, "body.invalid", "unit"},
		"a wrong number":         {`{"channel":"phone-12345","text":"路灯不亮","ticket_number":"LY123"}`, "body.invalid", "ticket_number"},
		"half a point":           {`{"channel":"phone-12345","text":"路灯不亮","place":{"lng":118.3}}`, "body.invalid", "place"},
		"swapped coordinates":    {`{"channel":"phone-12345","text":"路灯不亮","place":{"lng":35.05,"lat":118.3}}`, "body.invalid", "place"},
		"a date of 2099":         {`{"channel":"phone-12345","text":"路灯不亮","happened_at":"2099-01-01T00:00:00Z"}`, "body.invalid", "happened_at"},
		"a word for a number":    {`{"channel":"phone-12345","text":7}`, "body.format", "text"},
		"two documents":          {`{"channel":"phone-12345","text":"路灯不亮"} {}`, "body.format", ""},
		"not JSON":               {`路灯不亮`, "body.format", ""},
		"nested without end":     {strings.Repeat("[", 10000), "body.format", ""},
		"no UTF-8":               {"{\"text\":\"\xc2\xb7\xb5\xc6\"}", "body.charset", ""},
		"a type nobody knows":    {`{"channel":"phone-12345","text":"路灯不亮","type":"wish"}`, "body.invalid", "type"},
		"an overlong text":       {`{"channel":"phone-12345","text":"` + strings.Repeat("水", 20001) + `"}`, "body.invalid", "text"},
		"a key that is too long": {`{"channel":"phone-12345","text":"路灯不亮","key":"` + strings.Repeat("k", 129) + `"}`, "body.invalid", "key"},
	}
	for name, c := range cases {
		a := o.send(o.as("agent"), http.MethodPost, "/tickets", nil, c.body)
		if a.status != http.StatusUnprocessableEntity || a.field("code") != c.code || c.field != "" && !strings.Contains(string(a.body), `"name":"`+c.field) {
			t.Errorf("%s is answered %d %s", name, a.status, a.body)
		}
		if strings.Contains(string(a.body), "路灯不亮") {
			t.Errorf("%s: the answer repeats what was sent: %s", name, a.body)
		}
	}
	o.send(o.as("agent"), http.MethodPost, "/tickets", nil, `{"text":"`+strings.Repeat("x", 2<<20)+`"}`).Is(http.StatusRequestEntityTooLarge).Code("http.too_large")
	for _, q := range []string{"?limit=0", "?limit=201", "?state=lost", "?colour=red", "?from=yesterday", "?overdue=perhaps", "?unit=nowhere", "?cursor=x", "?order=size"} {
		o.Get("duty", "/tickets"+q).Is(http.StatusUnprocessableEntity)
	}
}

func TestTheSameRequestTwiceIsOneTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, code := o.Register("k-1", flood())
	again := o.send(o.as("agent"), http.MethodPost, "/tickets", http.Header{"Idempotency-Key": {"k-1"}}, flood2()).Is(http.StatusOK)
	if again.field("number") != number || again.field("code") != code || again.field("status") != "duplicate" {
		t.Errorf("the repeat got %s", again.body)
	}
	other := flood()
	other["channel"], other["text"] = "phone-12345", "另一件事：路灯不亮"
	o.send(o.as("agent"), http.MethodPost, "/tickets", http.Header{"Idempotency-Key": {"k-1"}}, other).Is(http.StatusConflict).Code("request.conflict")
	// Another agent's key is another key.
	a := o.send(o.as("duty"), http.MethodPost, "/tickets", http.Header{"Idempotency-Key": {"k-1"}}, map[string]any{"channel": "phone-12345", "text": "沂州路窨井盖缺失"}).Is(http.StatusCreated)
	if a.field("number") == number {
		t.Error("two agents' keys were taken for one")
	}
}

func TestWhoSeesWhatOfACitizen(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, code := o.Register("k-1", flood())
	view := func(login string) answer { t.Helper(); return o.Get(login, "/tickets/"+number).Is(http.StatusOK) }

	agent := view("agent")
	if agent.field("appellant.name") != "王秀兰" || agent.field("track_code") != code || agent.field("place.address") != "兰山区义堂镇滨河路88号3单元201" {
		t.Errorf("the agent, who must call the citizen, sees %s", agent.body)
	}
	desk := view("desk")
	if desk.field("appellant.name") != "王*" || strings.Contains(string(desk.body), "13800138000") || strings.Contains(string(desk.body), "88号") || strings.Contains(string(desk.body), code) {
		t.Errorf("the desk sees more than masks: %s", desk.body)
	}
	o.Post("admin", "/users", map[string]any{"login": "stats", "name": "分析", "password": "long-enough-word", "roles": []string{"analyst"}}).Is(http.StatusCreated)
	c, _, _ := o.login("stats", "long-enough-word")
	o.send(c, http.MethodPost, "/password", nil, map[string]string{"old": "long-enough-word", "new": "longer-than-enough"}).Is(http.StatusNoContent)
	c, _, _ = o.login("stats", "longer-than-enough")
	analyst := o.send(c, http.MethodGet, "/tickets/"+number, nil, nil).Is(http.StatusOK)
	for _, hidden := range []string{"appellant", "place.address", "王", "滨河路88号"} {
		if analyst.field(hidden) != "" || strings.Contains(string(analyst.body), hidden+"*") {
			t.Errorf("the analyst sees %s: %s", hidden, analyst.body)
		}
	}
	o.send(c, http.MethodGet, "/search?q=13800138000", nil, nil).Is(http.StatusForbidden)

	o.Post("yitang", "/tickets/"+number+"/actions/reveal", nil).Is(http.StatusUnprocessableEntity)
	o.Post("yitang", "/tickets/"+number+"/actions/reveal", map[string]any{"reason": "because"}).Is(http.StatusUnprocessableEntity)
	shown := o.Post("yitang", "/tickets/"+number+"/actions/reveal", map[string]any{"reason": "contact_citizen", "fields": []string{"appellant"}}).Is(http.StatusOK)
	if !strings.HasSuffix(shown.field("appellant.phone"), "13800138000") || strings.Contains(string(shown.body), "88号") {
		t.Errorf("a reveal of the appellant shows %s", shown.body)
	}
	if again := view("yitang"); strings.Contains(string(again.body), "13800138000") {
		t.Error("a reveal stays open")
	}
	access := o.Get("auditor", "/tickets/"+number+"/access").Is(http.StatusOK)
	for _, part := range []string{`"reveal"`, `"yitang"`, `"appellant"`, "办理需要联系诉求人"} {
		if !strings.Contains(string(access.body), part) {
			t.Errorf("the access log lacks %s: %s", part, access.body)
		}
	}
}

func TestAConfidentialTicketIsInvisibleToOthers(t *testing.T) {
	t.Parallel()
	o := open(t)
	form := flood()
	form["confidential"] = true
	number, _ := o.Register("k-1", form)
	for _, login := range []string{"agent", "desk", "callback"} {
		o.Get(login, "/tickets/"+number).Is(http.StatusNotFound)
		if a := o.Get(login, "/tickets").Is(http.StatusOK); strings.Contains(string(a.body), number) {
			t.Errorf("the list of %s holds it", login)
		}
		if a := o.Get(login, "/tickets?unit=s-371302105").Is(http.StatusOK); strings.Contains(string(a.body), number) {
			t.Errorf("%s finds it by its unit", login)
		}
		if a := o.Get(login, "/search?q="+number).Is(http.StatusOK); strings.Contains(string(a.body), `"number"`+":\""+number) {
			t.Errorf("%s finds it by its number", login)
		}
	}
	o.Get("duty", "/tickets/"+number).Is(http.StatusOK)
	o.Get("yitang", "/tickets/"+number).Is(http.StatusOK)
	if a := o.Get("auditor", "/tickets/"+number+"/access").Is(http.StatusOK); strings.Count(string(a.body), `"view"`) < 2 {
		t.Errorf("views of a confidential ticket are not logged: %s", a.body)
	}
}

func TestTwoPeopleAtOneTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, _ := o.Register("k-1", flood())
	tag := o.Get("yitang", "/tickets/"+number).Is(http.StatusOK).header.Get("ETag")
	act := func(tag string) answer {
		return o.send(o.as("yitang"), http.MethodPost, "/tickets/"+number+"/actions/note", http.Header{"If-Match": {tag}}, map[string]string{"note": "已派人"})
	}
	next := act(tag).Is(http.StatusOK)
	act(tag).Is(http.StatusConflict).Code("ticket.version")
	act(next.header.Get("ETag")).Is(http.StatusOK)
	act("soon").Is(http.StatusUnprocessableEntity)
}

func TestSearchFindsTwoCharacterWordsSoonAfterTheCommit(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, _ := o.Register("k-1", flood())
	for _, q := range []string{"积水", "膝盖", "聚才八路"} {
		o.until("a search for "+q+" finds the ticket", func() bool {
			return strings.Contains(string(o.Get("duty", "/search?q="+q).Is(http.StatusOK).body), number)
		})
	}
	for _, q := range []string{"13800138000", "+86 138-0013-8000", strings.ToLower(number)} {
		a := o.send(o.as("duty"), http.MethodGet, "/search?q="+strings.NewReplacer("+", "%2B", " ", "%20").Replace(q), nil, nil).Is(http.StatusOK)
		if !strings.Contains(string(a.body), number) {
			t.Errorf("a search for %s finds %s", q, a.body)
		}
	}
	if a := o.Get("duty", "/search?q=垃圾").Is(http.StatusOK); strings.Contains(string(a.body), number) {
		t.Error("a word it does not hold finds it")
	}
	o.Get("duty", "/search?q=").Is(http.StatusUnprocessableEntity)
}

func TestACitizenFollowsTheTicketByNumberAndCode(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, code := o.Register("k-1", flood())
	track := func(code string) answer {
		return o.send(http.DefaultClient, http.MethodGet, "/track/"+strings.ToLower(number)+"?code="+code, nil, nil)
	}
	done := func(a answer) string {
		var body struct {
			Steps []struct {
				Title string
				Done  bool
			}
		}
		a.Read(&body)
		var names []string
		for _, s := range body.Steps {
			if s.Done {
				names = append(names, s.Title)
			}
		}
		return strings.Join(names, " ")
	}
	if got := done(track(strings.ToLower(code)).Is(http.StatusOK)); got != "受理 登记 分拨" {
		t.Errorf("at first: %s", got)
	}
	o.Advance(10 * time.Minute)
	o.Post("yitang", "/tickets/"+number+"/actions/sign", nil).Is(http.StatusOK)
	o.Advance(80 * time.Minute)
	o.Post("yitang", "/tickets/"+number+"/actions/resolve", map[string]any{"public_reply": "积水已于10时07分排除。", "note": "水泵是借的"}).Is(http.StatusOK)
	a := track(code).Is(http.StatusOK)
	if !strings.Contains(string(a.body), "积水已于10时07分排除") || strings.Contains(string(a.body), "水泵") {
		t.Errorf("the citizen reads %s", a.body)
	}
	for range 5 {
		track("AAAAAA")
	}
	track(code).Is(http.StatusTooManyRequests).Code("track.locked")
	o.Advance(61 * time.Minute)
	track(code).Is(http.StatusOK)
}
