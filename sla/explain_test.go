package sla

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/ticket"
)

func texts(segments []Segment) []string {
	out := make([]string, len(segments))
	for i, s := range segments {
		out[i] = string(s.Kind) + " " + s.Text
	}
	return out
}

func TestExplainDue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start string
		l     Limit
		want  []string
	}{
		"working days": {
			"2026-02-13 10:24",
			Limit{Amount: 5, Unit: WorkingDays},
			[]string{
				"start 2月13日（周五）：起算当日不计，次日起算",
				"makeup 2月14日（周六）：春节调休上班，计第 1 个工作日",
				"holiday 2月15日（周日）至2月23日（周一）：春节放假，不计",
				"counted 2月24日（周二）至2月27日（周五）：计第 2 至第 5 个工作日",
			},
		},
		"from a holiday": {
			"2026-02-18 10:00",
			Limit{Amount: 1, Unit: WorkingDays},
			[]string{"holiday 2月18日（周三）至2月23日（周一）：春节放假，不计", "counted 2月24日（周二）：计第 1 个工作日"},
		},
		"same day": {
			"2026-03-05 10:00",
			Limit{Amount: 3, Unit: WorkingDays, CountFrom: SameDay},
			[]string{"counted 3月5日（周四）至3月6日（周五）：计第 1 至第 2 个工作日", "weekend 3月7日（周六）至3月8日（周日）：休息日，不计", "counted 3月9日（周一）：计第 3 个工作日"},
		},
		"working hours": {
			"2026-03-06 11:00",
			Limit{Amount: 6, Unit: WorkingHours},
			[]string{
				"counted 3月6日（周五）11:00至3月6日（周五）12:00：计 1 小时，累计 1 小时",
				"night 3月6日（周五）12:00至3月6日（周五）13:30：非工作时间，不计",
				"counted 3月6日（周五）13:30至3月6日（周五）17:30：计 4 小时，累计 5 小时",
				"night 3月6日（周五）17:30至3月7日（周六）00:00：非工作时间，不计",
				"weekend 3月7日（周六）至3月8日（周日）：休息日，不计",
				"night 3月9日（周一）00:00至3月9日（周一）09:00：非工作时间，不计",
				"counted 3月9日（周一）09:00至3月9日（周一）10:00：计 1 小时，累计 6 小时",
			},
		},
		"wall hours": {
			"2026-02-18 10:00",
			Limit{Amount: 24, Unit: Hours},
			[]string{"counted 2月18日（周三）10:00至2月19日（周四）10:00：连续计 24 小时，节假日照计"},
		},
		"natural days": {
			"2026-02-13 10:00",
			Limit{Amount: 7, Unit: NaturalDays},
			[]string{"start 2月13日（周五）：起算当日不计，次日起算", "counted 2月14日（周六）00:00至2月20日（周五）24:00：连续计 7 个自然日，节假日照计"},
		},
		"into a year without a notice": {
			"2026-12-31 10:00",
			Limit{Amount: 2, Unit: WorkingDays},
			[]string{
				"start 12月31日（周四）：起算当日不计，次日起算", "counted 2027年1月1日（周五）：计第 1 个工作日",
				"weekend 2027年1月2日（周六）至2027年1月3日（周日）：休息日，不计", "counted 2027年1月4日（周一）：计第 2 个工作日",
				"guessed 涉及的年份尚无放假安排通知，暂按平常周次推算，通知发布后重新计算",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, texts(ExplainDue(cn2026(), at(tt.start), tt.l))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExplainClock(t *testing.T) {
	t.Parallel()
	d := ticket.Details{Assignment: 1, Amount: 3, LimitUnit: "working_days"}
	s := begin(t, "2026-03-02 10:00").do("2026-03-02 10:30", ticket.Dispatch, unit("u1")).do("2026-03-02 11:00", ticket.Sign, on(1)).
		do("2026-03-03 10:00", ticket.Pause, on(1)).do("2026-03-04 10:20", ticket.Resume, on(1)).
		do("2026-03-04 11:00", ticket.AskExtend, d).do("2026-03-04 12:00", ticket.Extend, d)
	want := []string{
		"start 3月2日（周一）：起算当日不计，次日起算", "counted 3月3日（周二）至3月6日（周五）：计第 1 至第 4 个工作日",
		"weekend 3月7日（周六）至3月8日（周日）：休息日，不计", "counted 3月9日（周一）：计第 5 个工作日",
		"extended 批准延期 3 个工作日",
		"paused 3月3日（周二）10:00至3月4日（周三）10:20：挂起，期间工作时间 7 小时 20 分钟 不计入；截止时间为3月16日（周一）09:20",
	}
	if diff := cmp.Diff(want, texts(Explain(cn2026(), find(t, s.clocks("2026-03-05 10:00"), ClockResolve, 0)))); diff != "" {
		t.Error(diff)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		"2026-02-27 23:59:59.999": "2026年2月27日（周五）24:00",
		"2026-02-27 23:59":        "2026年2月27日（周五）23:59",
		"2026-02-28 00:00":        "2026年2月28日（周六）00:00",
		"2026-12-31 23:59:59.999": "2026年12月31日（周四）24:00",
	} {
		if got := cn2026().Words(at(when).UTC()); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
}

// An extension in working days makes a deadline by the wall clock rest on the calendar: into a year without a notice it is
// provisional, and explained so.
func TestWorkingDaysAddedToHoursAreProvisional(t *testing.T) {
	t.Parallel()
	p := general()
	p.Clocks[ClockResolve] = ClockRule{Limit: Limit{Amount: 72, Unit: Hours}}
	s := begin(t, "2026-12-22 10:00").do("2026-12-22 11:00", ticket.Dispatch, unit("u1")).do("2026-12-22 12:00", ticket.Sign, on(1))
	d := ticket.Details{Assignment: 1, Amount: 8, LimitUnit: string(WorkingDays)}
	for no := range 2 {
		if find(t, Evaluate(s.events, p, cn2026(), at("2026-12-22 13:00")), ClockResolve, no).Provisional {
			t.Errorf("resolve/%d by the wall alone is provisional", no)
		}
	}
	s.do("2026-12-22 13:00", ticket.AskExtend, d).do("2026-12-22 14:00", ticket.Extend, d)
	for no := range 2 {
		k := find(t, Evaluate(s.events, p, cn2026(), at("2026-12-22 15:00")), ClockResolve, no)
		if !k.Provisional || k.DueAt.Before(at("2027-01-01 00:00")) {
			t.Errorf("resolve/%d is due %v, provisional: %t", no, k.DueAt, k.Provisional)
		}
		if told := Explain(cn2026(), k); told[len(told)-1].Kind != SegmentGuessed {
			t.Errorf("resolve/%d is explained as %+v", no, told)
		}
	}
}
