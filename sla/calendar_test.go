package sla

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// notice2026 is the State Council's notice for 2026 (2025-11-04,
// https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm).
func notice2026() Notice {
	n := Notice{Year: 2026, Papers: []string{"https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm"}}
	add := func(name, from, to string, off bool) {
		last := date(to)
		for d := date(from); !d.After(last); d = d.AddDate(0, 0, 1) {
			n.Days = append(n.Days, Day{Date: d.Format(time.DateOnly), Name: name, Off: off})
		}
	}
	add("元旦", "2026-01-01", "2026-01-03", true)
	add("元旦", "2026-01-04", "2026-01-04", false)
	add("春节", "2026-02-14", "2026-02-14", false)
	add("春节", "2026-02-15", "2026-02-23", true)
	add("春节", "2026-02-28", "2026-02-28", false)
	add("清明节", "2026-04-04", "2026-04-06", true)
	add("劳动节", "2026-05-01", "2026-05-05", true)
	add("劳动节", "2026-05-09", "2026-05-09", false)
	add("端午节", "2026-06-19", "2026-06-21", true)
	add("国庆节", "2026-09-20", "2026-09-20", false)
	add("中秋节", "2026-09-25", "2026-09-27", true)
	add("国庆节", "2026-10-01", "2026-10-07", true)
	add("国庆节", "2026-10-10", "2026-10-10", false)
	return n
}

var officeHours = []string{"09:00-12:00", "13:30-17:30"} // 7 hours

func spec2026() CalendarSpec {
	return CalendarSpec{
		ID: "cn", Title: "国务院放假安排", Version: 1, Zone: "Asia/Shanghai",
		Week: map[string][]string{"mon-fri": officeHours}, Years: []Notice{notice2026()},
	}
}

var cn2026 = sync.OnceValue(func() *Calendar {
	c, err := NewCalendar(spec2026())
	if err != nil {
		panic(err)
	}
	return c
})

func build(t testing.TB, spec CalendarSpec) *Calendar {
	t.Helper()
	c, err := NewCalendar(spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func date(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

// at reads a moment in Shanghai; seconds and milliseconds may follow.
func at(s string) time.Time {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05.999"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t
		}
	}
	panic("no time: " + s)
}

func TestNewCalendarRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*CalendarSpec)
		want   []string
	}{
		"everything at once": {
			func(s *CalendarSpec) {
				s.Version, s.Zone = 0, "Mars/Olympus"
				s.Week = map[string][]string{"mon": {"9-12"}, "tue": {"12:00-09:00"}, "wed": {"09:00-12:00", "11:00-13:00"}, "someday": nil}
			},
			[]string{"version 0", `zone "Mars/Olympus"`, `segment "9-12"`, `segment "12:00-09:00"`, `segment "11:00-13:00"`, `day "someday"`},
		},
		"no zone":         {func(s *CalendarSpec) { s.Zone = "" }, []string{`zone ""`}},
		"local zone":      {func(s *CalendarSpec) { s.Zone = "Local" }, []string{`zone "Local"`}},
		"id with version": {func(s *CalendarSpec) { s.ID = "cn@2" }, []string{`calendar "cn@2"`}},
		"no work at all":  {func(s *CalendarSpec) { s.Week = nil }, []string{"no working segment"}},
		"day twice":       {func(s *CalendarSpec) { s.Week["wed"] = officeHours }, []string{"wed is given twice"}},
		"beyond midnight": {func(s *CalendarSpec) { s.Week["sat"] = []string{"20:00-24:30"} }, []string{`segment "20:00-24:30"`}},
		"seasons overlap": {
			func(s *CalendarSpec) {
				s.Seasons = []Season{{Title: "冬", From: "11-01", To: "03-31"}, {Title: "春", From: "03-31", To: "05-01"}}
			},
			[]string{"season 春: overlaps season 冬 on 03-31"},
		},
		"season without dates": {func(s *CalendarSpec) { s.Seasons = []Season{{Title: "夏", From: "06-31"}} }, []string{"season 夏"}},
		"season without hours for a make-up day": {
			func(s *CalendarSpec) {
				s.Seasons = []Season{{Title: "休", From: "10-01", To: "10-31", Week: map[string][]string{"mon-fri": nil}}}
			},
			[]string{"2026-10-10", "give it segments"},
		},
		"notice twice": {func(s *CalendarSpec) { s.Years = append(s.Years, Notice{Year: 2026}) }, []string{"notice 2026: stands twice"}},
		"days of a notice": {
			func(s *CalendarSpec) {
				s.Years[0].Days = []Day{
					{Date: "2026-2-3"},
					{Date: "2027-01-01"},
					{Date: "2026-05-01"},
					{Date: "2026-05-01"},
					{Date: "2025-11-30"},
					{Date: "2026-05-04", Off: true, Segments: officeHours},
					{Date: "2026-05-05", Segments: []string{"x"}},
				}
			},
			[]string{`day "2026-2-3"`, `day "2027-01-01"`, `day "2026-05-01" (): stands twice`, `day "2025-11-30"`, "is off and has segments"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := spec2026()
			tt.change(&spec)
			_, err := NewCalendar(spec)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in:\n%v", want, err)
				}
			}
		})
	}
}

func TestCalendarOf2026(t *testing.T) {
	t.Parallel()
	c := cn2026()
	workdays := 0
	for d := at("2026-01-01 12:00"); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
		if c.IsWorkday(d) {
			workdays++
		}
	}
	if workdays != 248 {
		t.Errorf("2026 has %d workdays, want 248", workdays)
	}
	if got := c.WorkingDays(at("2025-12-31 12:00"), at("2026-12-31 12:00")); got != 248 {
		t.Errorf("WorkingDays over 2026 = %d, want 248", got)
	}
	if got := c.Working(at("2025-12-31 18:00"), at("2026-12-31 18:00")); got != 248*7*time.Hour {
		t.Errorf("Working over 2026 = %v, want %v", got, 248*7*time.Hour)
	}
	if got := c.Working(at("2026-02-14 16:00"), at("2026-02-13 16:00")); got != -7*time.Hour {
		t.Errorf("Working backwards = %v", got)
	}
	for _, tt := range []struct {
		at                string
		workday, workTime bool
	}{
		{"2026-02-14 09:00", true, true},
		{"2026-02-14 12:00", true, false},
		{"2026-02-14 08:59:59.999", true, false},
		{"2026-02-16 10:00", false, false},
		{"2026-02-24 17:29", true, true},
		{"2026-02-24 17:30", true, false},
		{"2026-03-01 10:00", false, false},
	} {
		if c.IsWorkday(at(tt.at)) != tt.workday || c.IsWorkTime(at(tt.at)) != tt.workTime {
			t.Errorf("%s: workday %v, work time %v", tt.at, c.IsWorkday(at(tt.at)), c.IsWorkTime(at(tt.at)))
		}
	}
	if day, ok := c.Listed(at("2026-02-28 01:00")); !ok || day.Off || day.Name != "春节" {
		t.Errorf("Listed(02-28) = %+v, %v", day, ok)
	}
	if c.HasNotice(2025) || !c.HasNotice(2026) || c.HasNotice(2027) || c.HasNotice(1000) || c.HasNotice(9000) {
		t.Error("HasNotice is wrong")
	}
}

func TestSeasonsAndHalfDays(t *testing.T) {
	t.Parallel()
	spec := spec2026()
	spec.Seasons = []Season{
		{Title: "夏季作息", From: "06-01", To: "09-30", Week: map[string][]string{"mon-fri": {"09:00-12:00", "15:00-18:00"}}},
		{Title: "冬季作息", From: "11-01", To: "03-31", Week: map[string][]string{"fri": {"09:00-12:00"}}},
	}
	spec.Years[0].Days = append(spec.Years[0].Days, Day{Date: "2026-03-09", Name: "妇女节", Segments: []string{"09:00-12:00"}})
	c := build(t, spec)
	for _, tt := range []struct {
		day  string
		want time.Duration
	}{
		{"2026-05-29", 7 * time.Hour},
		{"2026-06-01", 6 * time.Hour},
		{"2026-09-30", 6 * time.Hour},
		{"2026-10-08", 7 * time.Hour},
		{"2026-12-31", 7 * time.Hour},
		{"2027-01-01", 3 * time.Hour},
		{"2026-03-09", 3 * time.Hour},
		{"2026-03-08", 0},
		{"2026-09-20", 6 * time.Hour}, // a make-up Sunday of the summer
	} {
		from := at(tt.day + " 00:00")
		if got := c.Working(from, from.AddDate(0, 0, 1)); got != tt.want {
			t.Errorf("%s: %v of work, want %v", tt.day, got, tt.want)
		}
	}
	if !c.IsWorkday(at("2026-03-09 15:00")) {
		t.Error("a half day is a working day")
	}
}

func TestLaterNoticeWins(t *testing.T) {
	t.Parallel()
	spec := spec2026()
	spec.Years = []Notice{
		{Year: 2019, Days: []Day{{Date: "2018-12-29", Name: "元旦", Off: false}, {Date: "2018-12-31", Name: "元旦", Off: true}}},
		{Year: 2018, Days: []Day{{Date: "2018-12-31", Name: "别的", Off: false}}},
		{Year: 2020},
	}
	c := build(t, spec)
	if !c.IsWorkday(at("2018-12-29 10:00")) || c.IsWorkday(at("2018-12-31 10:00")) {
		t.Error("the notice of 2019 does not hold in December 2018")
	}
	if !c.HasNotice(2019) || c.HasNotice(2020) {
		t.Error("a notice without days is one that is not out")
	}
}

// TestPublishedYears holds the calendar against the notices of 2007–2026 and against a second,
// independent collection, day by day.
func TestPublishedYears(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "shared", "data", "calendar")
	files, err := filepath.Glob(filepath.Join(folder, "holiday-cn", "2*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no published notices beside the project")
	}
	spec := spec2026()
	spec.Years = nil
	want := map[string]bool{}
	for _, f := range files {
		doc, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n, err := ParseNotice(doc)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		spec.Years = append(spec.Years, n)
		for _, d := range n.Days {
			want[d.Date] = !d.Off
		}
	}
	c := build(t, spec)
	compareDays(t, c, "2007-01-01", want)
	if c.HasNotice(2027) {
		t.Error("the notice of 2027 has no days: it is not out")
	}

	doc, err := os.ReadFile(filepath.Join(folder, "chinese-days.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no second collection beside the project")
	}
	var second struct {
		Holidays map[string]string `json:"holidays"`
		Workdays map[string]string `json:"workdays"`
	}
	if err := json.Unmarshal(doc, &second); err != nil {
		t.Fatal(err)
	}
	want = map[string]bool{}
	for d := range second.Holidays {
		want[d] = false
	}
	for d := range second.Workdays {
		want[d] = true
	}
	compareDays(t, c, "2007-01-01", want)
}

// compareDays walks to the end of 2026; days that are not listed follow the plain week.
func compareDays(t *testing.T, c *Calendar, from string, listed map[string]bool) {
	t.Helper()
	for d := at(from + " 12:00"); d.Year() <= 2026; d = d.AddDate(0, 0, 1) {
		key := d.Format(time.DateOnly)
		want, ok := listed[key]
		if !ok {
			want = d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
		}
		if c.IsWorkday(d) != want {
			t.Errorf("%s %s: workday %v, want %v", key, d.Weekday(), !want, want)
		}
	}
}

func TestParseNotice(t *testing.T) {
	t.Parallel()
	n, err := ParseNotice([]byte(`{"$schema":"x","year":2019,"papers":["p"],"days":[{"name":"元旦","date":"2018-12-30","isOffDay":true},{"name":"元旦","date":"2018-12-29","isOffDay":false}]}`))
	want := Notice{Year: 2019, Papers: []string{"p"}, Days: []Day{{Date: "2018-12-30", Name: "元旦", Off: true}, {Date: "2018-12-29", Name: "元旦"}}}
	if diff := cmp.Diff(want, n); err != nil || diff != "" {
		t.Errorf("error %v, diff %s", err, diff)
	}
	for name, doc := range map[string]string{
		"not JSON":       `{`,
		"year missing":   `{"days":[]}`,
		"date":           `{"year":2019,"days":[{"name":"元旦","date":"2019-13-01","isOffDay":true}]}`,
		"off missing":    `{"year":2019,"days":[{"name":"元旦","date":"2019-01-01"}]}`,
		"another year":   `{"year":2019,"days":[{"name":"元旦","date":"2018-11-30","isOffDay":true}]}`,
		"date twice":     `{"year":2019,"days":[{"date":"2019-01-01","isOffDay":true},{"date":"2019-01-01","isOffDay":true}]}`,
		"something more": `{"year":2019,"days":[]} x`,
		"too large":      `{"year":2019,"papers":["` + strings.Repeat("x", maxNoticeBytes) + `"]}`,
		"too many days":  `{"year":2019,"days":[` + strings.Repeat(`{"date":"2019-01-01","isOffDay":true},`, maxNoticeDays) + `{"date":"2019-01-02","isOffDay":true}]}`,
	} {
		if _, err := ParseNotice([]byte(doc)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// randomCalendar draws a year of holidays, make-up days and half days around plain weeks.
func randomCalendar(t *rapid.T) CalendarSpec {
	spec := spec2026()
	days := map[string]Day{}
	for i := range rapid.IntRange(0, 40).Draw(t, "days") {
		d := date("2026-01-01").AddDate(0, 0, rapid.IntRange(0, 364).Draw(t, "day")).Format(time.DateOnly)
		days[d] = Day{Date: d, Name: "假", Off: rapid.Bool().Draw(t, "off")}
		if i%5 == 0 {
			days[d] = Day{Date: d, Name: "半天", Segments: []string{"08:30-11:47"}}
		}
	}
	spec.Years[0].Days = nil
	for _, d := range days {
		spec.Years[0].Days = append(spec.Years[0].Days, d)
	}
	return spec
}

func randomTime(t *rapid.T, label string) time.Time {
	return at("2026-01-01 00:00").Add(time.Duration(rapid.Int64Range(0, 330*dayMS).Draw(t, label)) * time.Millisecond)
}

// TestScales: a position and the moment it stands for belong together, and time never runs back.
func TestScales(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, err := NewCalendar(randomCalendar(t))
		if err != nil {
			t.Fatal(err)
		}
		a, b := randomTime(t, "a"), randomTime(t, "b")
		if b.Before(a) {
			a, b = b, a
		}
		for _, unit := range LimitUnits {
			pa, pb := c.pos(unit, a), c.pos(unit, b)
			if pa > pb {
				t.Fatalf("%s runs back from %v to %v", unit, a, b)
			}
			back, ok := c.at(unit, pa)
			if !ok || back.After(a) || c.pos(unit, back) != pa {
				t.Fatalf("%s: at(pos(%v)) = %v, %v", unit, a, back, ok)
			}
		}
		if back, ok := c.latest(c.pos(WorkingHours, a)); !ok || back.Before(a) && c.IsWorkTime(a) || c.pos(WorkingHours, back) != c.pos(WorkingHours, a) {
			t.Fatalf("latest(pos(%v)) = %v, %v", a, back, ok)
		}
		if d, ms := c.local(a); !c.instant(d, ms).Equal(a) {
			t.Fatalf("local and instant disagree about %v", a)
		}
	})
}

func FuzzParseNotice(f *testing.F) {
	f.Add([]byte(`{"year":2026,"papers":["p"],"days":[{"name":"元旦","date":"2026-01-01","isOffDay":true}]}`))
	f.Add([]byte(`{"year":2027,"papers":[],"days":[]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := ParseNotice(doc)
		if err != nil {
			return
		}
		spec := spec2026()
		spec.Years = []Notice{n}
		if _, err := NewCalendar(spec); err != nil {
			t.Errorf("parsed, but no calendar takes it: %v", err)
		}
	})
}

func FuzzNewCalendar(f *testing.F) {
	f.Add("mon-fri", "09:00-12:00", "13:30-17:30", "06-01", "09-30", "2026-02-14", 2026, false)
	f.Add("sun", "00:00-24:00", "", "11-01", "03-31", "2025-12-31", 2026, true)
	f.Fuzz(func(t *testing.T, days, first, second, from, to, day string, year int, off bool) {
		c, err := NewCalendar(CalendarSpec{
			ID: "x", Version: 1, Zone: "Asia/Shanghai", Week: map[string][]string{days: {first, second}, "tue": {first}},
			Seasons: []Season{{Title: "s", From: from, To: to, Week: map[string][]string{days: {second}}}},
			Years:   []Notice{{Year: year, Days: []Day{{Date: day, Off: off}}}},
		})
		if err != nil {
			return
		}
		start := at("2026-02-13 10:00")
		for _, unit := range LimitUnits {
			if due, _ := c.Due(start, Limit{Amount: 5, Unit: unit}); due.Before(start) {
				t.Errorf("5 %s are due %v, before their start", unit, due)
			}
		}
	})
}
