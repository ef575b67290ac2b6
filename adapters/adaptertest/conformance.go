package adaptertest

import (
	"bytes"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// normalize is the one way the suite calls Normalize: every result is checked against the contract.
func (s *suite) normalize(t testing.TB, in adapters.Inbound) ([]ticket.Request, error) {
	t.Helper()
	requests, err := s.adapter.Normalize(in)
	if err != nil {
		s.discreet(t, "an error", err.Error())
		if len(requests) > 0 {
			t.Errorf("Normalize returned %d requests beside the error %v", len(requests), err)
		}
		return nil, err
	}
	keys := map[string]bool{}
	for i, r := range requests {
		if r.Key == "" {
			t.Errorf("request %d has no Key", i)
		}
		if keys[r.Key] {
			t.Errorf("request %d repeats the key %q within its delivery", i, r.Key)
		}
		keys[r.Key] = true
		s.wellFormed(t, i, r, in)
	}
	return requests, nil
}

func (s *suite) wellFormed(t testing.TB, i int, r ticket.Request, in adapters.Inbound) {
	t.Helper()
	oneOf := func(ok bool, field string, value any) {
		if !ok {
			t.Errorf("request %d: %s %q is not one of ours", i, field, value)
		}
	}
	oneOf(slices.Contains(ticket.Kinds, r.Kind), "Kind", r.Kind)
	oneOf(slices.Contains(ticket.Sources, r.Source), "Source", r.Source)
	oneOf(r.Type == "" || slices.Contains(ticket.RequestTypes, r.Type), "Type", r.Type)
	oneOf(r.Urgency == "" || slices.Contains(ticket.Urgencies, r.Urgency), "Urgency", r.Urgency)
	oneOf(slices.Contains([]ticket.Datum{"", ticket.WGS84, ticket.GCJ02, ticket.BD09}, r.Place.Datum), "Datum", r.Place.Datum)
	switch p := r.Place; {
	case !p.HasPoint() && (p.Lng != 0 || p.Lat != 0):
		t.Errorf("request %d has coordinates without a datum", i)
	case p.Lng < -180 || p.Lng > 180 || p.Lat < -90 || p.Lat > 90:
		t.Errorf("request %d lies outside the world: %v, %v", i, p.Lng, p.Lat)
	}
	times := map[string]time.Time{"HappenedAt": r.HappenedAt}
	if r.Call != nil {
		times["Call.At"] = r.Call.At
		if r.Call.CallID == "" || r.Call.Duration < 0 {
			t.Errorf("request %d: a call needs an id and no negative duration: %+v", i, *r.Call)
		}
	}
	for name, at := range times {
		if !at.IsZero() && (at.Location() != time.UTC || !r.Historic && !wire.Plausible(at, in.ReceivedAt)) {
			t.Errorf("request %d: %s = %v is not UTC or not plausible", i, name, at)
		}
	}
	for _, text := range slices.Concat([]string{
		r.Key, r.ThreadKey, r.FoldKey, r.Title, r.Text, r.Category, r.Region, r.Place.Address, r.Place.Grid, r.Answer,
		r.Appellant.Name, r.Appellant.Phone, r.FiledBy.Name, r.FiledBy.ChannelID, r.OtherParty.Name,
	}, r.Tags, slices.Collect(maps.Values(r.Attributes))) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			t.Errorf("request %d holds text that is not clean UTF-8: %q", i, text)
		}
	}
}

// taken are the cases that Open lets in, opened.
func (s *suite) taken(cases []goldenCase) map[string]adapters.Inbound {
	open := map[string]adapters.Inbound{}
	for _, c := range cases {
		if in, err := s.open(c.in); err == nil {
			open[c.name] = in
		}
	}
	return open
}

func (s *suite) declaration(t *testing.T, _ []goldenCase) {
	spec := s.Spec
	if _, err := adapters.NewRegistry(spec); err != nil {
		t.Error(err)
	}
	if spec.Title == "" || spec.Doc == "" {
		t.Error("Spec needs a Title and a Doc")
	}
	for _, f := range spec.Fields {
		if f.Name == "" || f.Title == "" || f.Type == "" {
			t.Errorf("setting %q needs a name, a title and a type", f.Name)
		}
	}
	_, err := spec.New(YAML(strings.TrimRight(s.Settings, "\n")+"\nno_such_setting: 1\n"), s.Deps)
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("an unknown setting must be refused by name, got %v", err)
	} else {
		s.discreet(t, "an error of New", err.Error())
	}
	for _, section := range []string{"What it is", "Settings", "Wire", "Acknowledgement", "Traps", "Tests"} {
		if !bytes.Contains(mustRead(t, "README.md"), []byte("\n## "+section+"\n")) {
			t.Errorf("README.md has no section %q", section)
		}
	}
}

// guard changes every credential and every byte of the body in turn.
func (s *suite) guard(t *testing.T, cases []goldenCase) {
	if s.Guard.none() {
		return
	}
	tested := 0
	refused := func(what string, in adapters.Inbound) {
		_, err := s.open(in)
		if !ticket.IsKind(err, ticket.Unauthenticated) && !ticket.IsKind(err, ticket.Forbidden) {
			t.Errorf("%s: Open = %v, want Unauthenticated or Forbidden", what, err)
			return
		}
		s.discreet(t, "a refusal", err.Error())
	}
	for _, c := range cases {
		if _, err := s.open(c.in); err != nil {
			continue
		}
		tested++
		for _, name := range s.Guard.Headers {
			values := changed(c.in.Header.Get(name))
			for _, v := range values {
				in := clone(c.in)
				in.Header.Set(name, v)
				refused(c.name+": header "+name+" changed", in)
			}
			in := clone(c.in)
			in.Header.Del(name)
			refused(c.name+": header "+name+" missing", in)
		}
		for _, name := range s.Guard.Query {
			for _, v := range changed(c.in.Query.Get(name)) {
				in := clone(c.in)
				in.Query.Set(name, v)
				in.URL = withQuery(in.URL, in.Query)
				refused(c.name+": parameter "+name+" changed", in)
			}
			in := clone(c.in)
			in.Query.Del(name)
			in.URL = withQuery(in.URL, in.Query)
			refused(c.name+": parameter "+name+" missing", in)
		}
		if s.Guard.Body {
			for i := 0; i < len(c.in.Body); i += stride(len(c.in.Body)) {
				in := clone(c.in)
				in.Body[i] ^= 1
				refused(c.name+": body changed", in)
			}
		}
	}
	if tested == 0 {
		t.Error("no case passes Open, so the guard was not tested")
	}
}

// changed gives variants of a credential: each byte changed in turn, and one byte cut off.
func changed(value string) []string {
	var list []string
	for i := range len(value) {
		b := []byte(value)
		// The other case would leave a hexadecimal digit the same digit, and the last sign of base64
		// has bits that count for nothing, so move to another digit well away.
		if b[i] == 'Q' {
			b[i] = 'g'
		} else {
			b[i] = 'Q'
		}
		list = append(list, string(b))
	}
	if value != "" {
		list = append(list, value[:len(value)-1])
	}
	return list
}

func withQuery(raw string, q url.Values) string {
	base, _, _ := strings.Cut(raw, "?")
	if len(q) == 0 {
		return base
	}
	return base + "?" + q.Encode()
}

// stride is every byte of an ordinary body; a few hundred places are enough of a very long one.
func stride(size int) int {
	if size <= 8<<10 {
		return 1
	}
	return size / 300
}

// truncation cuts the opened and the raw body at every byte.
func (s *suite) truncation(t *testing.T, cases []goldenCase) {
	for _, c := range cases {
		for n := 0; n < len(c.in.Body); n += stride(len(c.in.Body)) {
			in := clone(c.in)
			in.Body = in.Body[:n]
			if in, err := s.open(in); err == nil {
				_, _ = s.normalize(t, in)
			} else {
				s.discreet(t, "a refusal", err.Error())
			}
		}
	}
	for _, in := range s.taken(cases) {
		for n := 0; n < len(in.Body); n += stride(len(in.Body)) {
			short := clone(in)
			short.Body = short.Body[:n]
			_, _ = s.normalize(t, short)
		}
	}
}

// unchanged compares by reflection first: cmp walks a body byte by byte.
func unchanged(t *testing.T, who string, before, after adapters.Inbound) {
	t.Helper()
	if reflect.DeepEqual(before, after) {
		return
	}
	diff := cmp.Diff(before, after, cmpopts.EquateComparable(adapters.Inbound{}.RemoteIP))
	t.Errorf("%s changed its input (-before +after):\n%s", who, diff)
}

// purity runs every case several times at once: equal results, unchanged input.
func (s *suite) purity(t *testing.T, cases []goldenCase) {
	for _, c := range cases {
		var wg sync.WaitGroup
		results := make([][]ticket.Request, 4)
		for i := range results {
			wg.Go(func() {
				raw := clone(c.in)
				var in adapters.Inbound
				var err error
				if o, ok := s.adapter.(adapters.Opener); ok {
					in, err = o.Open(raw)
					unchanged(t, c.name+": Open", c.in, raw)
				} else {
					in = raw
				}
				if err != nil {
					return
				}
				before := clone(in)
				results[i], _ = s.normalize(t, in)
				unchanged(t, c.name+": Normalize", before, in)
			})
		}
		wg.Wait()
		for _, again := range results[1:] {
			if diff := cmp.Diff(results[0], again); diff != "" {
				t.Errorf("%s: the same delivery gave other requests (-first +again):\n%s", c.name, diff)
			}
		}
	}
}

// hostile sends bodies nobody means well with; none may panic or become a request.
func (s *suite) hostile(t *testing.T, cases []goldenCase) {
	const doctype = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>`
	bodies := map[string]struct {
		mime string
		body []byte
	}{
		"deep lists":        {"application/json", bytes.Repeat([]byte("["), 1<<20)},
		"deep objects":      {"application/json", bytes.Repeat([]byte(`{"a":`), 1<<18)},
		"a million zeros":   {"application/json", []byte("[" + strings.Repeat("0,", 1<<20) + "0]")},
		"a long number":     {"application/json", []byte(`{"clientReportId":` + strings.Repeat("9", 1<<20) + `}`)},
		"two documents":     {"application/json", []byte(`{}{}`)},
		"null":              {"application/json", []byte(`null`)},
		"empty":             {"application/json", nil},
		"no JSON":           {"application/json", []byte(`<html>502 Bad Gateway</html>`)},
		"binary":            {"application/json", bytes.Repeat([]byte{0xFF, 0x00, 0x81, 0xFE}, 1000)},
		"entities":          {"text/xml", []byte(doctype + `<xml><ToUserName>&lol2;</ToUserName></xml>`)},
		"external entity":   {"text/xml", []byte(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>`)},
		"deep elements":     {"text/xml", bytes.Repeat([]byte("<a>"), 1<<18)},
		"unknown charset":   {"application/json; charset=klingon", []byte(`{}`)},
		"multipart, no end": {"multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"report\"\r\n\r\n{")},
		"multipart, none":   {"multipart/form-data", []byte("--x--")},
		"many parts":        {"multipart/form-data; boundary=x", []byte(strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n", 5000) + "--x--")},
	}
	tried := map[string]bool{}
	bases := s.taken(cases)
	for _, golden := range slices.Sorted(maps.Keys(bases)) {
		base := bases[golden]
		if route := base.Method + base.Path; tried[route] {
			continue
		} else {
			tried[route] = true
		}
		inHeaders := base.Header.Get("Ce-Specversion") != "" // a CloudEvent in binary mode is one without any body
		for name, b := range bodies {
			in := clone(base)
			in.Body, in.Media = bytes.Clone(b.body), nil
			in.Header.Set("Content-Type", b.mime)
			if requests, err := s.normalize(t, in); err == nil && len(requests) > 0 && len(base.Body) > 0 && !inHeaders && base.Method != "GET" {
				t.Errorf("%s became %d requests", name, len(requests))
			}
			_, _ = s.open(in) // must not panic either
		}
	}
}

const survivor = "滨河路积水约20厘米，车牌鲁Q𠮷𪚥，请速处理😀！"

// charsets sends the text in UTF-8, as GB18030, and with a NUL.
func (s *suite) charsets(t *testing.T, _ []goldenCase) {
	if s.Text == nil {
		return
	}
	holds := func(in adapters.Inbound, want string) {
		t.Helper()
		requests, err := s.normalize(t, in)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			return
		}
		if !slices.ContainsFunc(requests, func(r ticket.Request) bool { return strings.Contains(r.Title+r.Text+r.Answer, want) }) {
			t.Errorf("%q did not survive: %+v", want, requests)
		}
	}
	in := s.Text(survivor)
	holds(in, survivor)
	holds(s.Text("a\x00b"), "a\uFFFDb")
	if !bytes.Contains(in.Body, []byte(survivor)) {
		return // escaped, so the bytes are ASCII whatever the charset
	}
	encoded, err := simplifiedchinese.GB18030.NewEncoder().Bytes(in.Body)
	if err != nil {
		t.Fatal(err)
	}
	in.Body = encoded
	holds(in, survivor)
}

func (s *suite) unknown(t *testing.T, _ []goldenCase) {
	for i, in := range s.Unknown {
		if requests, err := s.normalize(t, clone(in)); err != nil || len(requests) > 0 {
			t.Errorf("unknown type %d: %d requests, error %v; want to be ignored", i, len(requests), err)
		}
	}
}

// outcomes renders everything that can become of a delivery.
func (s *suite) outcomes(t *testing.T, cases []goldenCase) {
	ack, ok := s.adapter.(adapters.Acknowledger)
	if !ok {
		return
	}
	ref := adapters.TicketRef{Number: "LY2607130001233", Code: "7K3M9P", Unit: "柳青街道办事处"}
	for _, c := range cases {
		for _, result := range []adapters.Result{
			adapters.Accepted, adapters.Repeated, adapters.Conflicting, adapters.Ignored, adapters.Rejected,
			adapters.Quarantined, adapters.Unavailable, adapters.Refused, "unheard of",
		} {
			for _, tickets := range [][]adapters.TicketRef{nil, {ref}, {ref, ref}} {
				in := clone(c.in)
				r := ack.Acknowledge(in, adapters.Outcome{
					Result: result, Delivery: "R260713000001", Tickets: tickets, Text: "已受理", Code: "x.y", At: Received, Nonce: "0123456789abcdef",
					Errors: []ticket.Field{{Name: "description", Message: "不能为空"}}, RetryAfter: 5 * time.Second,
				})
				if r.Status < 200 || r.Status > 599 {
					t.Errorf("%s, %s: status %d", c.name, result, r.Status)
				}
				s.discreet(t, "a reply", string(r.Body))
				unchanged(t, c.name+": Acknowledge", c.in, in)
			}
		}
	}
}

func clone(in adapters.Inbound) adapters.Inbound {
	in.Header, in.Body, in.Media = in.Header.Clone(), bytes.Clone(in.Body), slices.Clone(in.Media)
	in.Query = maps.Clone(in.Query)
	for k, v := range in.Query {
		in.Query[k] = slices.Clone(v)
	}
	return in
}
