package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/gateway/api"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

// Who may call what. A route that is missing here fails the test, and so does a role that is let in
// without standing here.
var (
	everyRole = []string{"agent", "desk", "callback", "unit_handler", "unit_head", "duty", "supervisor", "analyst", "auditor", "integrator", "admin"}
	readers   = without(everyRole, "integrator", "admin")
	allowed   = map[string][]string{
		"GET /openapi.yaml": {"anonymous"}, "GET /docs": {"anonymous"}, "GET /now": {"anonymous"}, "GET /track/{number}": {"anonymous"}, "POST /login": {"anonymous"},
		"POST /track/{number}/rating": {"anonymous"},
		"GET /me":                     everyRole, "GET /units": everyRole, "GET /categories": everyRole, "GET /regions": everyRole, "GET /reasons": everyRole, "GET /roles": everyRole,
		"GET /channels": {"duty", "integrator", "admin"},

		"GET /tickets": readers, "GET /tickets/{number}": readers, "POST /tickets/{number}/actions/{action}": readers, "POST /tickets/bulk/{action}": readers, "GET /media/{sha256}": readers,
		"GET /search": readers, "GET /events": readers,
		"POST /tickets":                     {"agent", "desk", "duty"},
		"GET /tickets/{number}/similar":     readers,
		"GET /tickets/{number}/clocks":      readers,
		"GET /tickets/{number}/explanation": without(everyRole, "analyst"),
		"GET /tickets/{number}/access":      {"auditor"},

		"POST /media":     {"desk", "unit_handler", "unit_head", "duty", "supervisor"},
		"GET /callbacks":  {"callback", "duty"},
		"GET /calls":      {"agent", "desk", "callback", "duty"},
		"GET /deliveries": {"desk", "duty", "integrator"}, "POST /deliveries/{id}/redrive": {"desk", "duty", "integrator"},
		"GET /alerts": {"desk", "unit_handler", "unit_head", "duty", "supervisor"}, "POST /alerts/{id}/ack": {"unit_head", "duty", "supervisor"},
		"GET /alerts/{id}": {"desk", "unit_handler", "unit_head", "duty", "supervisor"}, "POST /alerts/ack": {"unit_head", "duty", "supervisor"},
		"POST /alerts/{id}/snooze": {"unit_head", "duty", "supervisor"}, "POST /alerts/{id}/handover": {"unit_head", "duty", "supervisor"},
		"POST /alerts/{id}/done": {"unit_head", "duty", "supervisor"},
		"GET /duty":              {"desk", "unit_handler", "unit_head", "duty", "supervisor"}, "GET /duty/brief": {"desk", "unit_handler", "unit_head", "duty", "supervisor"},
		"GET /duty/overrides": {"desk", "unit_handler", "unit_head", "duty", "supervisor"}, "POST /duty/overrides": {"unit_head", "duty"},
		"POST /duty/overrides/{id}/withdraw": {"unit_head", "duty"}, "POST /duty/swaps": {"unit_head", "duty"},
		"GET /notices": {"duty", "integrator", "admin"}, "POST /notices/redrive": {"duty", "integrator", "admin"},
		"GET /pages": {"duty", "integrator", "admin"}, "GET /destinations": {"duty", "integrator", "admin"}, "POST /destinations/{id}/test": {"duty", "integrator", "admin"},
		"GET /silences": {"desk", "unit_handler", "unit_head", "duty", "supervisor"}, "POST /silences": {"duty"}, "POST /silences/{id}/end": {"duty"},
		"GET /counts": {"unit_head", "duty", "supervisor", "analyst", "auditor"},
		"GET /pack":   {"admin"}, "POST /pack/rollback": {"admin"}, "GET /pack/shadow": {"admin"}, "POST /pack/promote": {"admin"},
		"GET /users": {"admin"}, "POST /users": {"admin"}, "POST /users/{login}/disable": {"admin"},

		"POST /password": everyRole, "POST /logout": everyRole, // last: they end the session
	}
)

func without(list []string, out ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(out, s) })
}

// machines makes one account with a token for each role.
func machines(o *office) map[string]string {
	tokens := map[string]string{}
	for _, r := range desk.Roles {
		body := map[string]any{"login": "m-" + r.ID, "name": r.Title, "roles": []string{r.ID}, "machine": true}
		if strings.HasPrefix(r.ID, "unit_") {
			body["unit"] = "s-371302105"
		}
		tokens[r.ID] = o.Post("admin", "/users", body).Is(http.StatusCreated).field("token")
	}
	return tokens
}

func TestEveryRouteLetsInWhoItShould(t *testing.T) {
	t.Parallel()
	o := open(t)
	tokens := machines(o)
	for _, name := range api.RouteNames() {
		method, path := name[0], name[1]
		roles, stands := allowed[method+" "+path]
		if !stands {
			t.Errorf("%s %s stands in no row of this test's table", method, path)
			continue
		}
		target := strings.NewReplacer("{number}", "LY0000000000000", "{action}", "vanish", "{sha256}", "00", "{id}", "none", "{login}", "nobody").Replace(path)
		anonymous := o.probe(method, target, "")
		if want := slices.Contains(roles, "anonymous"); want == (anonymous == http.StatusUnauthorized) && path != "/login" {
			t.Errorf("%s %s answers %d to nobody", method, path, anonymous)
		}
		if slices.Contains(roles, "anonymous") {
			continue
		}
		for _, role := range everyRole {
			status := o.probe(method, target, tokens[role])
			switch let := slices.Contains(roles, role); {
			case status == http.StatusUnauthorized:
				t.Errorf("%s %s does not know the %s", method, path, role)
			case let && status == http.StatusForbidden:
				t.Errorf("%s %s refuses the %s", method, path, role)
			case !let && status != http.StatusForbidden:
				t.Errorf("%s %s answers %d to the %s, who has no business there", method, path, status, role)
			}
		}
	}
	for name := range allowed {
		if !slices.ContainsFunc(api.RouteNames(), func(n [2]string) bool { return n[0]+" "+n[1] == name }) {
			t.Errorf("the test's table has %s, which is no route", name)
		}
	}
}

// probe asks with a token and gives the status; a stream is left at once.
func (o *office) probe(method, target, token string) int {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+"/api/v1"+target, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode
}

func TestEveryActionIsRefusedToRolesWithoutIt(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, _ := o.Register("r-1", flood())
	tokens := machines(o)
	for _, r := range desk.Roles {
		if !slices.Contains(readers, r.ID) {
			continue // the route itself refuses them
		}
		for _, action := range []string{"answer", "triage", "dispatch", "add_unit", "withdraw", "arbitrate", "supervise", "sign", "resolve", "send_on", "call_back", "reveal", "merge", "note"} {
			// An empty body is incomplete or illegal for every one of these but sign and supplement.
			status := o.probe(http.MethodPost, "/tickets/"+number+"/actions/"+action, tokens[r.ID])
			may := slices.ContainsFunc(r.Actions, func(a ticket.Action) bool { return string(a) == action })
			if may == (status == http.StatusForbidden) {
				t.Errorf("%s by the %s answers %d; the table of roles says %v", action, r.ID, status, may)
			}
		}
	}
}
