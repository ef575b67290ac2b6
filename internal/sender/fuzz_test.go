package sender

import (
	"encoding/json"
	"net/url"
	"testing"
)

// What a provider answers is anybody's: a pointer into it finds a value or none.
func FuzzLookup(f *testing.F) {
	f.Add(`{"result":{"code":0}}`, "/result/code")
	f.Add(`[{"a/b":1}]`, "/0/a~1b")
	f.Add(`{"":1}`, "/")
	f.Add(`[]`, "/-1")
	f.Fuzz(func(_ *testing.T, body, pointer string) {
		var v any
		if json.Unmarshal([]byte(body), &v) == nil {
			lookup(v, pointer)
		}
	})
}

// Whatever a page says, it stays one value of the template it is put into.
func FuzzTemplate(f *testing.F) {
	f.Add(`【红牌】"住建"\ {to}`, "13900001111")
	f.Add("a&b=c\n", "1")
	f.Fuzz(func(t *testing.T, text, to string) {
		values := map[string]string{"{text}": text, "{to}": to}
		var body map[string]string
		if err := json.Unmarshal([]byte(fill(`{"c":"{text}","m":"{to}"}`, values, escapeJSON)), &body); err != nil || len(body) != 2 {
			t.Errorf("JSON: %v, %v", body, err)
		}
		form, err := url.ParseQuery(fill("c={text}&m={to}", values, url.QueryEscape))
		if err != nil || form.Get("c") != text || form.Get("m") != to {
			t.Errorf("form: %v, %v", form, err)
		}
	})
}
