package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// written puts a notice into a file.
func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// notice2027 is a notice as it might be worded; it is not out yet.
const notice2027 = `国务院办公厅关于2027年部分节假日安排的通知
一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日（周五）至11日（周四）放假调休，共7天。1月31日（周日）、2月20日（周六）上班。
三、清明节：4月3日（周六）至5日（周一）放假，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。5月8日（周六）上班。
五、端午节：6月9日（周三）放假1天，不调休。
六、中秋节：9月15日（周三）放假1天，不调休。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。10月9日（周六）上班。
`

// contains wants all parts in what was said.
func contains(t *testing.T, said string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(said, p) {
			t.Errorf("it does not say %q:\n%s", p, said)
		}
	}
}

func TestACalendarIsShown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := ShowCalendar(linyi, "", 2026, false, &out); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "临沂市工作日历  linyi@", "2026 年共 248 个工作日", "2026年2月  16 个工作日", "14班  15休", " 2月15日至23日：春节放假", "夏令作息（05-01 至 09-30）  周一至周五")
	out.Reset()
	if err := ShowCalendar(linyi, "linyi", 2031, true, &out); err != nil {
		t.Fatal(err)
	}
	var year struct {
		Notice   bool
		Workdays int
		Days     []struct{ Date, Kind string }
	}
	if err := json.Unmarshal(out.Bytes(), &year); err != nil || year.Notice || len(year.Days) != 365 || year.Workdays != 261 || year.Days[4].Kind != "rest" {
		t.Errorf("%v: %+v", err, year)
	}
	if err := ShowCalendar(linyi, "moon", 2026, false, &out); err == nil || !strings.Contains(err.Error(), `no calendar "moon"; it has linyi`) {
		t.Errorf("a calendar nobody has: %v", err)
	}
	if err := ShowCalendar(linyi, "", 1066, false, &out); err == nil || !strings.Contains(err.Error(), "--year 1066") {
		t.Errorf("a year nobody knows: %v", err)
	}
	if err := ShowCalendar("../../config/cities/nyc", "", 2026, false, &out); err != nil {
		t.Error(err)
	}
}

func TestANoticeIsTaken(t *testing.T) {
	t.Parallel()
	dir, notice := copyOf(t), written(t, "notice.txt", notice2027)
	var out bytes.Buffer
	o := CalendarImport{Notice: notice, City: dir, Since: "2026-11-05 10:00", Out: &out}
	if err := ImportCalendar(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "2027 年放假安排：31 天", "2月5日至11日  春节放假", "2月20日  春节调休上班", "自 2026年11月5日（周四）10:00 起执行", "21 天的作息不同", "没有写入")
	if _, err := os.Stat(filepath.Join(dir, "calendars", "linyi-2.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("it was only looked at, and a file is there: %v", err)
	}
	out.Reset()
	o.Agree = func() bool { return true }
	if err := ImportCalendar(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "已写入")
	p, err := LoadPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p.Calendar.Version() != 2 || !p.Calendar.HasNotice(2027) || !p.Calendar.HasNotice(2026) {
		t.Errorf("the pack has %v", p.Calendar)
	}
	out.Reset()
	if err := DiffCalendars(dir, "", "", "", false, &out); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "linyi@1 → linyi@2", "新有 2027 年的放假安排", "2027年2月5日至11日（5 天）  工作日 09:00-12:00、13:00-17:00 → 春节放假")
	out.Reset()
	if err := DiffCalendars(linyi, "", "", dir, true, &out); err != nil || !strings.Contains(out.String(), `"days":21`) {
		t.Errorf("two packs: %v, %s", err, out.String())
	}
	// The same notice again changes nothing, and says so.
	out.Reset()
	if err := ImportCalendar(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "已经是这样")
}

func TestNoticesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	yes := func() bool { return true }
	for name, tt := range map[string]struct {
		notice, file, since, calendar, want string
	}{
		"an impossible day":     {strings.Replace(notice2027, "6月9日（周三）", "6月31日", 1), "n.txt", "", "", "6月31日: is no day of 2027"},
		"a wrong weekday":       {strings.Replace(notice2027, "1月31日（周日）", "1月31日（周六）", 1), "n.txt", "", "", "1月31日 is stated as 周六"},
		"a plain workday":       {strings.Replace(notice2027, "2月20日（周六）", "2月22日（周一）", 1), "n.txt", "", "", `day "2027-02-22" (春节): is stated as a make-up workday, and is a workday`},
		"not out":               {`{"year": 2027, "days": []}`, "n.json", "", "", "notice 2027 has no days: it is not out yet"},
		"a day twice":           {`{"year": 2027, "days": [{"name":"元旦","date":"2027-01-01","isOffDay":true},{"name":"元旦","date":"2027-01-01","isOffDay":false}]}`, "n.json", "", "", `day "2027-01-01" (元旦): stands twice`},
		"another year":          {`{"year": 2027, "days": [{"name":"元旦","date":"2028-01-01","isOffDay":true}]}`, "n.json", "", "", `day "2028-01-01" (元旦): must lie in 2027`},
		"no instant":            {notice2027, "n.txt", "5 November", "", `since "5 November"`},
		"a calendar not there":  {notice2027, "n.txt", "", "moon", `no calendar "moon"`},
		"holidays of another":   {notice2027, "n.txt", "", "court", "takes its holidays from linyi: import the notice into that one"},
		"too late for its days": {notice2027, "n.txt", "2027-12-01 09:00", "", "notice 2027 ends on 2027-10-09, before the new version would hold (2027-12-01 09:00): it would change nothing"},
		"a version":             {notice2027, "n.txt", "", "linyi@1", "name the calendar without one"},
	} {
		dir := copyOf(t)
		o := CalendarImport{Notice: written(t, tt.file, tt.notice), City: dir, Calendar: tt.calendar, Since: tt.since, Agree: yes, Out: io.Discard}
		if err := ImportCalendar(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "calendars", "*-*")); len(files) != 0 {
			t.Errorf("%s: the pack has %v", name, files)
		}
	}
	dir := copyOf(t)
	if err := os.WriteFile(filepath.Join(dir, "retention.yaml"), []byte("- {class: ticket}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ImportCalendar(t.Context(), CalendarImport{Notice: written(t, "n.txt", notice2027), City: dir, Agree: yes, Out: io.Discard}); err == nil {
		t.Error("a notice is taken into a pack that does not load")
	}
}

// Before a notice is taken it is tried on all open tickets, beside the gateway that serves them.
func TestANoticeIsTriedOnOpenTickets(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w, st, c, _, _ := caseload(t, in, 30)
			// One whose deadline rests on a year without a notice.
			d := storetest.NewMaker().Ticket(t, published.AddDate(0, 5, 15), func(g *ticket.Registration, _ *ticket.Private) {
				g.Number, g.Key = ticket.FormatNumber("LY", published.AddDate(0, 5, 15), 1), "december"
			}).Triage(published.AddDate(0, 5, 15))
			storetest.Must(t, st, store.Change{Tickets: []store.TicketChange{c.Change(0, d.Ticket, d.Events, published)}})
			dir := copyOf(t)
			if err := os.WriteFile(w.path(clockFile), []byte(published.AddDate(0, 5, 16).Format(time.RFC3339)), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := ImportCalendar(t.Context(), CalendarImport{Notice: written(t, "n.txt", notice2027), City: dir, Where: w, Since: "2026-12-01 09:00", Out: &out}); err != nil {
				t.Fatal(err)
			}
			contains(t, out.String(), "在办工单 31 件：1 个时限变动，0 个变为超期，1 个不再是暂定", d.Ticket.Number+"  办结时限  整单  ")
			out.Reset()
			if err := ImportCalendar(t.Context(), CalendarImport{Notice: typhoon(t), City: dir, Where: w, Since: "2026-07-15 20:00", JSON: true, Out: &out}); err != nil {
				t.Fatal(err)
			}
			var told struct {
				Written bool
				Preview struct {
					Tickets, Moved, Overdue, Saved int
					Moves                          []struct{ Number string }
				}
			}
			// All that is told in words, whole: the citizens' clocks and those of the units.
			if err := json.Unmarshal(out.Bytes(), &told); err != nil || told.Written || told.Preview.Moved != 60 || len(told.Preview.Moves) != 30 {
				t.Errorf("%v: %s", err, out.String())
			}
		})
	}
}
