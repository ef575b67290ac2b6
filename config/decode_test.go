package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type wire struct {
	Name    string           `yaml:"name" validate:"required"`
	Count   int              `yaml:"count"`
	Share   float64          `yaml:"share"`
	On      *bool            `yaml:"on"`
	Wait    time.Duration    `yaml:"wait"`
	List    []string         `yaml:"list"`
	Map     map[string]inner `yaml:"map"`
	Inner   inner            `yaml:"inner"`
	Any     any              `yaml:"any"`
	Embed   `yaml:",inline"`
	Plain   map[string]string `json:"plain"`
	Default string
}

type inner struct {
	ID string `yaml:"id"`
}

// Embed is inlined into wire.
type Embed struct {
	Extra string `yaml:"extra"`
}

func settingsOf(t *testing.T, text string) Settings {
	t.Helper()
	n, problem := parseYAML("channels/a.yaml", []byte(text))
	if problem != nil {
		t.Fatal(problem)
	}
	return Settings{file: "channels/a.yaml", line: 1, node: n, shape: newShape()}
}

func TestSettingsDecode(t *testing.T) {
	t.Parallel()
	yes := true
	for _, tc := range []struct {
		name, text string
		want       wire
	}{
		{"everything", `
name: "名 称"
count: -3
share: 0.5
on: true
wait: 1m30s
list: [a, 'b']
map: {one: {id: x}}
inner:
  id: |-
    two
    lines
any: {deep: [1, two]}
extra: e
plain: {k: v}
default: lower`, wire{
			Name: "名 称", Count: -3, Share: 0.5, On: &yes, Wait: 90 * time.Second, List: []string{"a", "b"},
			Map: map[string]inner{"one": {"x"}}, Inner: inner{"two\nlines"}, Any: map[string]any{"deep": []any{uint64(1), "two"}},
			Embed: Embed{"e"}, Plain: map[string]string{"k": "v"}, Default: "lower",
		}},
		{"keys left out keep what was there", "name: n\nshare: 2", wire{Name: "n", Share: 2, Count: 7}},
		{"an empty key is one left out", "name: n\ncount:\nlist: null", wire{Name: "n", Count: 7}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := wire{}
			if tc.want.Count == 7 {
				got.Count = 7
			}
			if err := settingsOf(t, tc.text).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettingsDecodeProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"several at once", "naem: x\ncount: many\nlist: one\ninner: [1]", `
channels/a.yaml:1: key "naem": is not known here; did you mean "name"?
channels/a.yaml:2: count "many": is not a whole number; write a whole number
channels/a.yaml:3: list "one": is not a list; write a list
channels/a.yaml:4: inner: holds a list instead of keys and values`},
		{"numbers are not texts", "name: 03\nlist: [1, true]", `
channels/a.yaml:1: name "03": is not a text; put it in quotes
channels/a.yaml:2: list "1": is not a text; put it in quotes
channels/a.yaml:2: list "true": is not a text; put it in quotes`},
		{"twice", "name: a\nextra: b\nname: c", `
channels/a.yaml:3: key "name": is given twice, first in line 1; keep one`},
		{"missing", "extra: b", `
channels/a.yaml:1: name: is missing; give it`},
		{"deep", "name: a\nmap:\n  one:\n    id: {x: y}\n    od: z", `
channels/a.yaml:4: id: holds keys and values instead of a text
channels/a.yaml:5: key "od": is not known here; did you mean "id"?`},
		{"wait is no duration", "name: a\nwait: soon", `
channels/a.yaml:2: wait: time: invalid duration "soon"; mend the value`},
		{"nothing at all", "[]", `
channels/a.yaml:1: settings: holds a list instead of keys and values`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := settingsOf(t, tc.text).Decode(&wire{})
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(strings.TrimSpace(tc.want), err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if err := (Settings{}).Decode(wire{}); err == nil {
		t.Error("a value that is no pointer is taken")
	}
}

// FuzzSettings reads any text as settings: problems with a line, never a panic.
func FuzzSettings(f *testing.F) {
	f.Add("name: a\nmap: {one: {id: x}}\nany: [1, {a: b}]\nwait: 1s")
	f.Add("- - - {[(")
	f.Add("? a\n: b\n- c")
	f.Add("name: |\n  a\n  b\nname: >-\n c")
	f.Add("extra: 0x1F\nshare: .inf\ncount: 1e3\non: yes")
	s := newShape()
	f.Fuzz(func(t *testing.T, text string) {
		n, problem := parseYAML("channels/a.yaml", []byte(text))
		if problem != nil {
			if problem.Text == "" || problem.Line == 0 {
				t.Errorf("problem without text or line: %v", problem)
			}
			return
		}
		err := (Settings{file: "channels/a.yaml", line: 1, node: n, shape: s}).Decode(&wire{})
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Errorf("%T: %v", err, err)
		}
	})
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	var into struct {
		AppSecret string `yaml:"app_secret" validate:"secret"`
		Token     int    `yaml:"token"`
	}
	err := settingsOf(t, "app_secret: hunter2\ntoken: hunter3").Decode(&into)
	if err == nil || strings.Contains(err.Error(), "hunter") {
		t.Errorf("got %v", err)
	}
	err = settingsOf(t, "app_secret: hunter2").Decode(&into)
	if err == nil || strings.Contains(err.Error(), "hunter") {
		t.Errorf("got %v", err)
	}
}

func TestParseYAMLRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"anchor", "a: &x 1\nb: *x", "anchors"},
		{"merge key", "a:\n  <<: {b: 1}", "merge keys"},
		{"tag", "a: !!str 1", "tag"},
		{"second document", "a: 1\n---\nb: 2", "second document"},
		{"deep brackets", strings.Repeat("[", 1000), "deeper"},
		{"deep dashes", strings.Repeat("- ", 1000), "deeper"},
		{"unclosed quote", "a: \"b\nc: d", "could not find end character"},
		{"broken indent", "a:\n  b: 1\n c: 2", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, p := parseYAML("x.yaml", []byte(tc.text))
			if p == nil || p.Line == 0 || !strings.Contains(p.Text, tc.want) {
				t.Errorf("got %v, want %q with a line", p, tc.want)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"name", "kind", "parent", "region"}
	for word, want := range map[string]string{
		"naem": "name", "nam": "name", "parnet": "parent", "regoin": "region", "colour": "", "id": "", "": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
