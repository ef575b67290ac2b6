package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

type item struct {
	Name  string         `json:"name" xml:"name"`
	Count int            `json:"count" xml:"count"`
	Rest  map[string]any `json:"rest" xml:"-"`
}

func gb18030(t testing.TB, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestJSON(t *testing.T) {
	t.Parallel()
	nested := func(n int) string {
		return `{"rest":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
	}
	tests := map[string]struct {
		body   string
		reason string // part of the error, "" for none
	}{
		"plain":                  {`{"name":"井盖","count":2}`, ""},
		"unknown field":          {`{"name":"a","new":1}`, ""},
		"byte order mark":        {"\xEF\xBB\xBF{\"name\":\"a\"}", ""},
		"white space after":      {"{\"name\":\"a\"}\r\n ", ""},
		"brackets inside a text": {`{"name":"` + strings.Repeat(`[{\"`, 100) + `"}`, ""},
		"just deep enough":       {nested(MaxDepth - 2), ""},
		"too deep":               {nested(MaxDepth - 1), "nested too deep"},
		"a million brackets":     {strings.Repeat("[", 1<<20), "nested too deep"},
		"empty":                  {"", "ends too early"},
		"cut":                    {`{"name":"a`, "ends too early"},
		"trailing document":      {`{"name":"a"}{"name":"b"}`, "more after the document"},
		"trailing garbage":       {`{"name":"a"}]`, "more after the document"},
		"wrong type":             {`{"count":"13812345678"}`, "count: at byte"},
		"a list for an object":   {`[1]`, "an object is expected"},
		"a fraction for a count": {`{"count":1.5}`, "a whole number is expected"},
		"not JSON":               {`<xml/>`, "syntax error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := JSON([]byte(tt.body), new(item))
			if (err == nil) != (tt.reason == "") || err != nil && !strings.Contains(err.Error(), tt.reason) {
				t.Fatalf("JSON() = %v, want %q", err, tt.reason)
			}
			var format *FormatError
			if err != nil && !errors.As(err, &format) {
				t.Errorf("JSON() returned %T, want *FormatError", err)
			}
		})
	}
}

func TestJSONKeepsLongNumbersAndReadsGB18030(t *testing.T) {
	t.Parallel()
	var got item
	if err := JSON(gb18030(t, `{"name":"滨河路𠮷","rest":{"id":24920700010000001}}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "滨河路𠮷" || got.Rest["id"] != json.Number("24920700010000001") {
		t.Errorf("got %q %v", got.Name, got.Rest["id"])
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	const phone = "13812345678"
	for name, err := range map[string]error{
		"json number": JSON([]byte(`{"name":`+phone+`}`), new(item)),
		"json count":  JSON([]byte(`{"count":"`+phone+`"}`), new(item)),
		"json big":    JSON([]byte(`{"count":`+phone+phone+phone+`}`), new(item)),
		"xml count":   XML([]byte(`<a><count>x`+phone+`</count></a>`), new(item)),
		"xml entity":  XML([]byte(`<a>&e`+phone+`;</a>`), new(item)),
		"xml tag":     XML([]byte(`<a><b`+phone+`></a>`), new(item)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "1381") {
			t.Errorf("%s: the error quotes the body: %v", name, err)
		}
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	const doctype = `<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>`
	tests := map[string]struct {
		body   string
		reason string
	}{
		"plain":            {`<xml><name><![CDATA[井盖]]></name><count>2</count></xml>`, ""},
		"prolog":           {`<?xml version="1.0" encoding="UTF-8"?><xml><name>a</name></xml>` + "\n", ""},
		"comment":          {`<!-- a --><xml/><!-- b -->`, ""},
		"NUL in the text":  {"<xml><name>a\x00b</name></xml>", ""},
		"just deep enough": {strings.Repeat("<a>", MaxDepth) + strings.Repeat("</a>", MaxDepth), ""},
		"too deep":         {strings.Repeat("<a>", MaxDepth+1) + strings.Repeat("</a>", MaxDepth+1), "nested too deep"},
		"DOCTYPE":          {doctype + `<a>&e;</a>`, "DOCTYPE"},
		"DOCTYPE inside":   {`<a>` + doctype + `</a>`, "DOCTYPE"},
		"unknown entity":   {`<a>&e;</a>`, "syntax error"},
		"two documents":    {`<a/><b/>`, "more after the document"},
		"text after":       {`<a/>b`, "text outside"},
		"text before":      {`b<a/>`, "text outside"},
		"cut":              {`<a><b>`, "ends too early"},
		"empty":            {``, "no element"},
		"wrong type":       {`<a><count>many</count></a>`, "wrong form"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := XML([]byte(tt.body), new(item))
			if (err == nil) != (tt.reason == "") || err != nil && !strings.Contains(err.Error(), tt.reason) {
				t.Fatalf("XML() = %v, want %q", err, tt.reason)
			}
		})
	}
}

func TestXMLHonoursItsProlog(t *testing.T) {
	t.Parallel()
	for _, charset := range []string{"GBK", "gb2312", "GB18030"} {
		var got item
		body := gb18030(t, `<?xml version="1.0" encoding='`+charset+`'?><xml><name>滨河路积水</name></xml>`)
		if err := XML(body, &got); err != nil || got.Name != "滨河路积水" {
			t.Errorf("%s: got %q, %v", charset, got.Name, err)
		}
	}
	var charset *text.CharsetError
	if err := XML([]byte(`<?xml version="1.0" encoding="klingon"?><a/>`), new(item)); !errors.As(err, &charset) {
		t.Errorf("unknown charset: %v", err)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	shanghai := time.FixedZone("CST", 8*3600)
	want := time.Date(2026, 1, 2, 0, 4, 5, 0, time.UTC)
	for _, s := range []string{
		"2026-01-02T08:04:05+08:00", "2026-01-02T00:04:05Z", "2026-01-02T08:04:05+0800", "2026-01-02T08:04:05",
		"2026-01-02 08:04:05", " 2026-1-2 8:4:5 ", "2026/1/2 08:04:05", "20260102080405", "1767312245", "1767312245000",
		"1767312245000000", "2026年1月2日 8时4分5秒", "2026年01月02日 08：04：05", "Fri Jan 02 08:04:05 +0800 2026", "2026-01-02T08:04:05.000+08:00",
	} {
		if got, err := Time(s, shanghai); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("Time(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "yesterday", "2026-13-01", "25:00", "-1767312245", "138123456789", strings.Repeat("1", 1000)} {
		if got, err := Time(s, shanghai); !errors.Is(err, ErrTime) {
			t.Errorf("Time(%q) = %v, %v, want ErrTime", s, got, err)
		}
	}
	if got, err := Time("2026-01-02", nil); err != nil || got.Hour() != 0 {
		t.Errorf("a date without a zone: %v, %v", got, err)
	}
}

func TestPlausible(t *testing.T) {
	t.Parallel()
	received := time.Date(2026, 7, 13, 8, 37, 0, 0, time.UTC)
	for at, want := range map[time.Time]bool{
		time.Unix(0, 0):                false,
		earliest.Add(-time.Nanosecond): false,
		earliest:                       true,
		received:                       true,
		received.Add(24 * time.Hour):   true,
		received.Add(24*time.Hour + 1): false,
		received.AddDate(73, 0, 0):     false,
		{}:                             false,
	} {
		if got := Plausible(at, received); got != want {
			t.Errorf("Plausible(%v) = %v", at, got)
		}
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	r := RetryAfter(Problem(422, "form.invalid", "提交内容有误", "", []ticket.Field{{Name: "description", Message: "不能为空 <>"}}), 1500*time.Millisecond)
	want := `{"title":"提交内容有误","status":422,"code":"form.invalid","errors":[{"name":"description","message":"不能为空 <>"}]}` + "\n"
	if string(r.Body) != want || r.Status != 422 {
		t.Errorf("got %d %s", r.Status, r.Body)
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/problem+json; charset=utf-8" {
		t.Errorf("Content-Type = %q", ct)
	}
	if after := r.Header.Get("Retry-After"); after != "2" {
		t.Errorf("Retry-After = %q, want it rounded up", after)
	}
	if r := Reply(200, func() {}); r.Status != 500 {
		t.Errorf("a body that is no JSON: %d", r.Status)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	h := http.Header{"Content-Type": {`text/plain; charset="GBK"`}}
	got, err := Text(gb18030(t, "滨河路"), h)
	if err != nil || string(got) != "滨河路" || MediaType(h) != "text/plain" {
		t.Errorf("Text() = %q, %v; MediaType() = %q", got, err, MediaType(h))
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"name":"a","rest":{"b":[1,2,{"c":null}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var v any
		if err := JSON(body, &v); err == nil {
			if _, err := json.Marshal(v); err != nil {
				t.Errorf("decoded but cannot be encoded: %v", err)
			}
		}
	})
}

func FuzzXML(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="gbk"?><a b="c"><d>&amp;</d></a>`))
	f.Add([]byte(`<!DOCTYPE a><a/>`))
	f.Fuzz(func(_ *testing.T, body []byte) { _ = XML(body, new(item)) })
}

func FuzzTime(f *testing.F) {
	f.Add("2026年1月2日 8时4分5秒")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := Time(s, time.UTC); err == nil && got.Location() != time.UTC {
			t.Errorf("%q: not in UTC", s)
		}
	})
}
