package paging

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var shanghai = time.FixedZone("CST", 8*3600)

func quiet(t testing.TB, s string) (q Quiet) {
	t.Helper()
	if err := q.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return q
}

func at(s string) time.Time {
	v, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai)
	if err != nil {
		panic(err)
	}
	return v
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ hours, at, want string }{
		{"22:00-07:00", "2026-07-13 21:59", "2026-07-13 21:59"},
		{"22:00-07:00", "2026-07-13 22:00", "2026-07-14 07:00"},
		{"22:00-07:00", "2026-07-14 03:00", "2026-07-14 07:00"},
		{"22:00-07:00", "2026-07-14 06:59", "2026-07-14 07:00"},
		{"22:00-07:00", "2026-07-14 07:00", "2026-07-14 07:00"},
		{"22:00-07:00", "2026-12-31 23:00", "2027-01-01 07:00"},
		{"12:00-14:00", "2026-07-13 13:00", "2026-07-13 14:00"},
		{"12:00-14:00", "2026-07-13 02:00", "2026-07-13 02:00"},
		{"00:00-06:00", "2026-07-13 00:00", "2026-07-13 06:00"},
		{"18:00-00:00", "2026-07-13 20:00", "2026-07-14 00:00"},
	} {
		if got := quiet(t, tt.hours).Until(at(tt.at).UTC(), shanghai); !got.Equal(at(tt.want)) {
			t.Errorf("%s at %s: until %s, want %s", tt.hours, tt.at, got.In(shanghai).Format("2006-01-02 15:04"), tt.want)
		}
	}
}

// Whatever the hours and the moment: a page is at most a day late, never early, and never inside the hours.
func TestQuietHoursEnd(t *testing.T) {
	t.Parallel()
	newYork, err := time.LoadLocation("America/New_York") // its clocks are set back and forth
	if err != nil {
		t.Skip(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		q := Quiet{rapid.IntRange(0, 1439).Draw(t, "from"), rapid.IntRange(0, 1439).Draw(t, "to")}
		if q.From == q.To {
			return
		}
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 365*24*3600).Draw(t, "second")) * time.Second)
		zone := rapid.SampledFrom([]*time.Location{shanghai, newYork}).Draw(t, "zone")
		until := q.Until(from, zone)
		if until.Before(from) || until.Sub(from) > 25*time.Hour {
			t.Fatalf("%s at %s: until %s", q, from.In(zone), until.In(zone))
		}
		if again := q.Until(until, zone); !again.Equal(until) {
			t.Fatalf("%s ends at %s, and is quiet then until %s", q, until.In(zone), again.In(zone))
		}
	})
}

func FuzzQuiet(f *testing.F) {
	for _, s := range []string{"22:00-07:00", "24:00-07:00", "22:00-22:00", "", "2:00-7:00", "22.00-07.00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var q Quiet
		if q.UnmarshalText([]byte(s)) != nil {
			return
		}
		if q.String() != s || q.From == q.To {
			t.Errorf("%q reads as %q", s, q)
		}
	})
}

func TestRoutesMatchInOrder(t *testing.T) {
	t.Parallel()
	p := &Plan{Routes: []Route{
		{ID: "copy", Levels: []string{"red"}, Continue: true},
		{ID: "districts", Units: []string{"d-1"}},
		{ID: "duty", Roles: []string{"duty"}, Clocks: []string{"dispatch"}},
		{ID: "rest", Levels: []string{"red", "yellow"}},
	}}
	within := func(unit, above string) bool { return strings.HasPrefix(unit, above+"-") }
	for _, tt := range []struct {
		s    Subject
		want []string
	}{
		{Subject{Unit: "d-1-2", Level: "red"}, []string{"copy", "districts"}},
		{Subject{Unit: "d-1", Level: "remind"}, []string{"districts"}},
		{Subject{Unit: "d-2", Level: "yellow", Role: "duty", Clock: "dispatch"}, []string{"duty"}},
		{Subject{Unit: "d-2", Level: "yellow", Role: "duty", Clock: "sign"}, []string{"rest"}},
		{Subject{Unit: "d-2", Level: "remind"}, nil},
	} {
		var got []string
		for _, r := range p.Match(tt.s, within) {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v: %s", tt.s, diff)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	s := Subject{Unit: "u", Level: "red", Clock: "sign"}
	for _, tt := range []struct {
		by   []string
		kind string
		want string
	}{
		{nil, DingTalk, "r/ops///"},
		{[]string{ByLevel, ByUnit}, DingTalk, "r/ops/u/red/"},
		{[]string{ByClock}, Mail, "r/ops///sign"},
		{nil, Alertmanager, "r/ops/u/red/sign"}, // there they are what an alert is known by
	} {
		r := &Route{ID: "r", GroupBy: tt.by}
		if got := r.Group(&Destination{ID: "ops", Kind: tt.kind}, s); got != tt.want {
			t.Errorf("%v at %s: %s, want %s", tt.by, tt.kind, got, tt.want)
		}
	}
}

func storm(n int) *Message {
	m := &Message{
		ID: "pge_1", City: "临沂市12345", Destination: "ops", Route: "red-cards", Levels: []string{"red"}, Unit: "市住建局", Count: n, Standing: 3,
		Oldest: at("2026-07-13 09:00"), Why: []string{"general@1/resolve/red"}, Zone: shanghai,
	}
	for i := range min(n, Listed) {
		m.Items = append(m.Items, Item{Number: fmt.Sprintf("LY26071300%04d", i), Unit: "市住建局", Level: "red", Clock: "办结", Due: at("2026-07-13 09:00")})
	}
	return m
}

func TestAPageSaysWhatAndWhy(t *testing.T) {
	t.Parallel()
	m := storm(47)
	if got, want := m.Title(), "【红牌】市住建局 47 件（另有 3 件此前已通知、仍未处置）"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	text := m.Markdown(20_000)
	for _, want := range []string{
		"最早到期：7月13日 09:00", "LY260713000000 市住建局 办结 7月13日 09:00 到期", "另有 37 件未列出", "依据：general@1/resolve/red；路由：red-cards",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if got, want := m.Short(70), "【临沂市12345】【红牌】市住建局 47 件（另有 3 件此前已通知、仍未处置），LY260713000000 市住建局 办结 7月13…"; got != want {
		t.Errorf("short %q, want %q", got, want)
	}
}

// However long the names are, a page fits, stays whole characters, and says why as long as there is room.
func TestAPageFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := storm(rapid.IntRange(1, 500).Draw(t, "count"))
		m.Unit = rapid.StringOfN(rapid.RuneFrom([]rune("市住建局[](*)<a>\n")), 0, 200, -1).Draw(t, "unit")
		for i := range m.Items {
			m.Items[i].Unit = strings.Repeat("局", rapid.IntRange(0, 400).Draw(t, "length"))
		}
		limit := rapid.IntRange(600, 20_000).Draw(t, "limit")
		text := m.Markdown(limit)
		if len(text) > limit || !utf8.ValidString(text) {
			t.Fatalf("%d bytes of at most %d, valid %v", len(text), limit, utf8.ValidString(text))
		}
		if limit > 4000 && !strings.HasSuffix(text, escape(m.Reason())) {
			t.Fatalf("it does not say why:\n%s", text)
		}
	})
}
