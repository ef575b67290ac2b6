package open311

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/adaptertest"
	"github.com/citizen-hotline/gateway/ticket"
)

const testSettings = `
keys:
  - {name: fixmystreet, key: env:KEY}
  - {name: civic-app, key: env:SECOND}
jurisdictions: [linyi.example.cn]
publish: true
contact: 临沂市12345热线 开发者支持
key_service: 向热线办公室书面申请
`

func config() adaptertest.Config {
	return adaptertest.Config{
		Spec:     Spec(),
		Settings: testSettings,
		Secrets:  map[string]string{"env:KEY": "xyz", "env:SECOND": "second"},
		Desk:     newDesk(),
		Text: func(text string) adapters.Inbound {
			return post("api_key=xyz&service_code=001&lat=35.0653&long=118.3267&description=" + url.QueryEscape(text))
		},
	}
}

func TestAdapter(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, config())
}

func FuzzNormalize(f *testing.F) { adaptertest.Fuzz(f, config()) }

func FuzzQuery(f *testing.F) {
	a := build(f, testSettings)
	for _, s := range []string{"/requests.xml?status=open,closed", "/requests/json?page=2", "/services/002.json", "/tokens/x.xml", "/?start_date=2026-01-01+00:00:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.Parse(target)
		if err != nil {
			return
		}
		in := adapters.Inbound{Method: http.MethodGet, Path: u.Path, URL: target, Query: u.Query(), ReceivedAt: adaptertest.Received}
		r, ok := a.Query(t.Context(), in, newDesk())
		if !ok || !slices.Contains([]int{200, 400, 403, 404, 429, 503}, r.Status) {
			t.Errorf("%q: status %d, answered %v", target, r.Status, ok)
		}
	})
}

// Who has a key is told what is wrong with the rest, however badly the rest is written.
func TestAKeyIsFoundInABadBody(t *testing.T) {
	t.Parallel()
	a := build(t, testSettings)
	multipart := post("--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\nxyz\r\n--b\r\nContent-Disposition: form-data; name=\"lat\"\r\n\r\n1")
	multipart.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	var many strings.Builder
	for i := range maxAttributes + 1 {
		fmt.Fprintf(&many, "&attribute[a%d]=1", i)
	}
	const rest = "api_key=xyz&service_code=001&lat=35.06&long=118.32&description="
	for name, in := range map[string]adapters.Inbound{
		"semicolons":          post(rest + "a;b"),
		"bad escape":          post(rest + "%zz"),
		"no text":             post(rest + "%81%ff%ff%80%02%01"),
		"multipart cut off":   multipart,
		"too many attributes": post(rest + "a" + many.String()),
		"axes exchanged":      post("api_key=xyz&service_code=001&lat=87.6&long=43.8&description=Urumqi"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := a.Open(in); err != nil {
				t.Fatalf("Open: %v", err)
			}
			if _, err := a.Normalize(in); !ticket.IsKind(err, ticket.Invalid) {
				t.Errorf("Normalize: %v, want Invalid", err)
			}
			in.Body = bytes.ReplaceAll(in.Body, []byte("xyz"), []byte("zyx"))
			if _, err := a.Open(in); !ticket.IsKind(err, ticket.Forbidden) {
				t.Errorf("with a wrong key: %v, want Forbidden", err)
			}
		})
	}
}

// A retry has the same key inside the window, for every field that makes two posts the same;
// another place, service or sender has another.
func TestKeyTellsRepeatsFromOthers(t *testing.T) {
	t.Parallel()
	a := build(t, testSettings)
	const base = "api_key=xyz&service_code=001&lat=35.06530&long=118.3267&description=a&device_id=d1"
	key := func(body string, at time.Time) string {
		in := post(body)
		in.ReceivedAt = at
		requests, err := a.Normalize(in)
		if err != nil {
			t.Fatal(err)
		}
		return requests[0].Key
	}
	noon := time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
	want := key(base, noon)
	for name, tt := range map[string]struct {
		body string
		at   time.Time
		same bool
	}{
		"retry":                     {base, noon.Add(9 * time.Minute), true},
		"other precision":           {strings.Replace(base, "35.06530", "35.065300004", 1), noon, true},
		"photograph added":          {base + "&media_url=https://x.example.invalid/1.jpg", noon, true},
		"later than ten minutes":    {base, noon.Add(10 * time.Minute), false},
		"two metres off":            {strings.Replace(base, "35.06530", "35.06532", 1), noon, false},
		"other service":             {strings.Replace(base, "001", "002", 1), noon, false},
		"other device":              {strings.Replace(base, "d1", "d2", 1), noon, false},
		"other client":              {strings.Replace(base, "xyz", "second", 1), noon, false},
		"other text":                {strings.Replace(base, "=a&", "=b&", 1), noon, false},
		"same letters, other field": {strings.Replace(base, "device_id", "email", 1), noon, false},
	} {
		if got := key(tt.body, tt.at); (got == want) != tt.same {
			t.Errorf("%s: key %s, first %s, want same: %v", name, got, want, tt.same)
		}
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ settings, want string }{
		"no keys":            {"publish: true", "keys: at least one"},
		"key without name":   {"keys: [{key: env:KEY}]", "keys[0].name"},
		"unknown secret":     {"keys: [{name: a, key: env:NONE}]", "keys[0].key"},
		"unknown datum":      {"keys: [{name: a, key: env:KEY}]\ndatum: mars", `datum: "mars"`},
		"empty jurisdiction": {"keys: [{name: a, key: env:KEY}]\njurisdictions: ['']", "jurisdictions"},
	} {
		_, err := Spec().New(adaptertest.YAML(tt.settings), deps())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want %q", name, err, tt.want)
		}
	}
}

func TestSeveralJurisdictionsMustBeNamed(t *testing.T) {
	t.Parallel()
	a := build(t, "keys: [{name: a, key: env:KEY}]\njurisdictions: [a.example, b.example]")
	in := adapters.Inbound{Method: http.MethodGet, Path: "/services.xml", Query: url.Values{}}
	if r, _ := a.Query(t.Context(), in, newDesk()); r.Status != http.StatusBadRequest {
		t.Errorf("without jurisdiction_id: %d, want 400", r.Status)
	}
	in.Query.Set("jurisdiction_id", "b.example")
	if r, _ := a.Query(t.Context(), in, newDesk()); r.Status != http.StatusOK {
		t.Errorf("with jurisdiction_id: %d, want 200", r.Status)
	}
}

// What the desk is asked for, by the parameters of GET /requests.
func TestFilter(t *testing.T) {
	t.Parallel()
	now := adaptertest.Received
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	open := true
	for query, want := range map[string]adapters.PublicFilter{
		"":                   {From: now.Add(-maxSpan), Limit: 1000, Page: 1},
		"status=open,closed": {From: now.Add(-maxSpan), Limit: 1000, Page: 1},
		"status=open&service_code=1,2&page=3&page_size=50":                  {From: now.Add(-maxSpan), Limit: 50, Page: 3, Open: &open, Categories: []string{"1", "2"}},
		"service_request_id=A,B&status=x&start_date=x":                      {Numbers: []string{"A", "B"}, Limit: 1000, Page: 1},
		"start_date=2026-07-01T00:00:00Z":                                   {From: at("2026-07-01T00:00:00Z"), To: at("2026-09-29T00:00:01Z"), Limit: 1000, Page: 1},
		"end_date=2026-07-01T08:00:00%2B08:00":                              {From: at("2026-04-02T00:00:00Z"), To: at("2026-07-01T00:00:01Z"), Limit: 1000, Page: 1},
		"start_date=2026-07-01T08:00:00+08:00&end_date=2026-07-01 02:00:00": {From: at("2026-07-01T00:00:00Z"), To: at("2026-07-01T02:00:01Z"), Limit: 1000, Page: 1},
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, faults := filterOf(adapters.Inbound{Query: q, ReceivedAt: now})
		if len(faults) > 0 {
			t.Errorf("%s: %v", query, faults)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestDeskInTroubleIsUnavailable(t *testing.T) {
	t.Parallel()
	a := build(t, testSettings)
	d := newDesk()
	d.err = ticket.Errorf(ticket.Unavailable, "store.down", "the store at 10.0.0.1 is down")
	for _, path := range []string{"/requests.xml", "/requests/LY2607130000014.json", "/tokens/R260713000001.xml"} {
		r, _ := a.Query(t.Context(), adapters.Inbound{Method: http.MethodGet, Path: path, ReceivedAt: adaptertest.Received}, d)
		if r.Status != http.StatusServiceUnavailable || strings.Contains(string(r.Body), "10.0.0.1") {
			t.Errorf("%s: %d %s, want 503 without detail", path, r.Status, r.Body)
		}
	}
}

// A real city's answers read into our structures: the names of elements are the protocol's.
func TestRealAnswersHaveOurShape(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "open311", "sf-fixtures")
	read := func(name string, into any) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skipf("reference data is absent: %v", err)
		}
		if err := xml.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var list requestList
	read("service_requests.xml", &list)
	if len(list.Requests) < 2 || list.Requests[0].ID != "638344" || list.Requests[0].Status != "closed" || *list.Requests[0].Long != -122.4651145 {
		t.Errorf("service_requests.xml read as %+v", list)
	}
	var posted submissionList
	read("post_service_request.xml", &posted)
	if len(posted.Submissions) != 1 || *posted.Submissions[0].ID != "293944" {
		t.Errorf("post_service_request.xml read as %+v", posted)
	}
	var tokens tokenList
	read("request_id_from_token.xml", &tokens)
	if diff := cmp.Diff([]tokenFor{{"638344", "12345"}}, tokens.Tokens); diff != "" {
		t.Errorf("request_id_from_token.xml: %s", diff)
	}
	var faults faultList
	read("get_service_request_not_found.xml", &faults)
	if len(faults.Faults) != 1 || faults.Faults[0].Code != 404 {
		t.Errorf("get_service_request_not_found.xml read as %+v", faults)
	}
	var offered serviceList
	read("services.xml", &offered)
	if len(offered.Services) == 0 || offered.Services[0].Code == "" {
		t.Errorf("services.xml read as %+v", offered)
	}
	var def definition
	read("service_definition.xml", &def)
	if def.Code != "DMV66" { // that city leaves out the <attributes> of the protocol
		t.Errorf("service_definition.xml read as %+v", def)
	}
}

// go-open311 decodes identifiers as text and dates as times, validopen311 wants zipcode, and
// open311-adapter refuses fractions of a second.
func TestAnswersSuitRealClients(t *testing.T) {
	t.Parallel()
	a := build(t, testSettings)
	get := func(path string) string {
		r, _ := a.Query(t.Context(), adapters.Inbound{Method: http.MethodGet, Path: path, ReceivedAt: adaptertest.Received}, newDesk())
		return string(r.Body)
	}
	var parsed []struct {
		ID       string     `json:"service_request_id"`
		Updated  time.Time  `json:"updated_datetime"`
		Expected *time.Time `json:"expected_datetime"`
		Lat      *float64   `json:"lat"`
	}
	if err := json.Unmarshal([]byte(get("/requests.json")), &parsed); err != nil || len(parsed) != 2 || parsed[1].Expected != nil || parsed[1].Lat != nil {
		t.Errorf("JSON read as %+v, %v", parsed, err)
	}
	body := get("/requests.xml")
	if !strings.Contains(body, "<zipcode>") || strings.Contains(body, "<expected_datetime></expected_datetime>") || regexp.MustCompile(`:\d\d\.\d`).MatchString(body) {
		t.Errorf("XML: %s", body)
	}
}

func build(t testing.TB, settings string) *adapter {
	t.Helper()
	a, err := Spec().New(adaptertest.YAML(settings), deps())
	if err != nil {
		t.Fatal(err)
	}
	return a.(*adapter)
}

func deps() adapters.Deps {
	return adapters.Deps{
		Channel: adapters.Channel{Zone: time.FixedZone("CST", 8*60*60)},
		Secret: func(ref adapters.SecretRef) (string, error) {
			if s, ok := config().Secrets[string(ref)]; ok {
				return s, nil
			}
			return "", ticket.Errorf(ticket.Invalid, "secret", "secret %s is not set", ref)
		},
	}
}

func post(body string) adapters.Inbound {
	return adapters.Inbound{
		Method: http.MethodPost, Path: "/requests.xml", Body: []byte(body), ReceivedAt: adaptertest.Received,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

// desk is a public desk with two tickets, in memory.
type desk struct {
	tickets []adapters.PublicTicket
	err     error
}

func newDesk() *desk {
	registered := time.Date(2026, 7, 13, 0, 37, 12, 345e6, time.UTC)
	return &desk{tickets: []adapters.PublicTicket{
		{
			Number: "LY2607130000014", Open: true, StateTitle: "办理中", Category: "001", Service: "井盖缺失", Summary: "路口井盖缺失 <待核实> & 已设围挡",
			Unit: "兰山区住建局", Registered: registered, Updated: registered.Add(time.Hour), Expected: registered.Add(48 * time.Hour),
			Lng: 118.327, Lat: 35.065, Region: "兰山区", PublicReply: "已派人现场处置",
		},
		{Number: "LY2607130000022", StateTitle: "已办结", Category: "002", Service: "路灯不亮", Summary: "路灯已修复", Unit: "市城管局", Registered: registered, Updated: registered},
	}}
}

func (d *desk) PublicTicket(_ context.Context, number string) (adapters.PublicTicket, error) {
	if d.err != nil {
		return adapters.PublicTicket{}, d.err
	}
	for _, t := range d.tickets {
		if t.Number == number {
			return t, nil
		}
	}
	return adapters.PublicTicket{}, ticket.Errorf(ticket.NotFound, "ticket.unknown", "no such ticket")
}

func (d *desk) PublicTickets(_ context.Context, f adapters.PublicFilter) ([]adapters.PublicTicket, error) {
	if d.err != nil {
		return nil, d.err
	}
	var found []adapters.PublicTicket
	for _, t := range d.tickets {
		if len(f.Numbers) > 0 && !slices.Contains(f.Numbers, t.Number) ||
			len(f.Categories) > 0 && !slices.Contains(f.Categories, t.Category) ||
			f.Open != nil && *f.Open != t.Open || t.Registered.Before(f.From) || !f.To.IsZero() && !t.Registered.Before(f.To) {
			continue
		}
		found = append(found, t)
	}
	from := min((f.Page-1)*f.Limit, len(found))
	return found[from:min(from+f.Limit, len(found))], nil
}

func (d *desk) ByReceipt(_ context.Context, receipt string) (string, error) {
	switch {
	case d.err != nil:
		return "", d.err
	case receipt == "R260713000001":
		return "LY2607130000014", nil
	case receipt == "R260713000002":
		return "", nil
	}
	return "", ticket.Errorf(ticket.NotFound, "delivery.unknown", "no such receipt")
}

func (*desk) Services() []adapters.Service {
	return []adapters.Service{
		{Code: "001", Name: "井盖缺失", Group: "市政设施", Description: "井盖缺失、破损、移位", Keywords: []string{"井盖", "窨井"}},
		{Code: "002", Name: "路灯不亮", Group: "市政设施", Attributes: []adapters.Attribute{
			{Code: "pole", Description: "灯杆编号", Hint: "见灯杆铭牌", Datatype: "string"},
			{Code: "state", Description: "故障现象", Datatype: "singlevaluelist", Required: true, Values: []adapters.Value{{Key: "off", Name: "不亮"}, {Key: "blink", Name: "闪烁"}}},
		}},
	}
}
