package sla

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The notice of 26 January 2020, as far as it names days.
const longer2020 = `国务院办公厅关于延长
2020年春节假期的通知
一、延长2020年春节假期至2月2日（农历正月初九，星期日），2月3日（星期一）起正常上班。
二、各地大专院校、中小学、幼儿园推迟开学，具体时间由教育部门另行通知。
http://www.gov.cn/zhengce/zhengceku/2020-01/27/content_5472352.htm`

// The notice that made the Spring Festival holiday of 2020 longer, read over the one before, gives the days that are known of the year.
func TestAnAmendingNotice(t *testing.T) {
	t.Parallel()
	first, want := published2020(t)
	n, err := ReadNotice([]byte(longer2020), func(year int) (Notice, bool) { return first, year == 2020 })
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.Days {
		if strings.Contains(n.Days[i].Name, "/") {
			n.Days[i].Name = "国庆节、中秋节" // the two collections name it differently
		}
	}
	if diff := cmp.Diff(want.Days, n.Days); diff != "" {
		t.Error(diff)
	}
	if err := cn2026().Fits(n); err != nil || !slices.Contains(n.Papers, "http://www.gov.cn/zhengce/zhengceku/2020-01/27/content_5472352.htm") {
		t.Errorf("%v, %v", err, n.Papers)
	}
}

func TestAHolidayArrangedAnew(t *testing.T) {
	t.Parallel()
	base := func(int) (Notice, bool) {
		return Notice{Year: 2019, Days: []Day{{Date: "2019-05-01", Name: "劳动节", Off: true}, {Date: "2019-06-07", Name: "端午节", Off: true}}}, true
	}
	read := func(doc string) (Notice, error) { return ReadNotice([]byte(doc), base) }
	n, err := read(`{"title": "国务院办公厅关于调整2019年劳动节假期安排的通知", "items": ["劳动节：2019年5月1日至4日放假调休，共4天。4月28日（星期日）、5月5日（星期日）上班。"]}`)
	want := []Day{
		{Date: "2019-04-28", Name: "劳动节"}, {Date: "2019-05-01", Name: "劳动节", Off: true}, {Date: "2019-05-02", Name: "劳动节", Off: true},
		{Date: "2019-05-03", Name: "劳动节", Off: true}, {Date: "2019-05-04", Name: "劳动节", Off: true}, {Date: "2019-05-05", Name: "劳动节"},
		{Date: "2019-06-07", Name: "端午节", Off: true},
	}
	if diff := cmp.Diff(want, n.Days); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for doc, want := range map[string]string{
		`{"title": "关于调整2019年元宵节假期安排的通知", "items": ["元宵节：2月19日放假。"]}`:               "元宵节: is amended, and the notice before has no such holiday",
		`{"title": "关于调整2019年劳动节假期安排的通知", "items": ["端午节：6月8日放假。"]}`:                "劳动节: is missing",
		`{"title": "关于延长2019年劳动节假期的通知", "items": ["学校推迟开学。"]}`:                      "no item says until when",
		`{"title": "关于延长2019年劳动节假期的通知", "items": ["延长2019年劳动节假期至4月30日。"]}`:          "lasts until 2019-05-01 already",
		`{"title": "关于延长2019年劳动节假期的通知", "items": ["延长2019年劳动节假期至9月30日。"]}`:          "more than 31 days longer",
		`{"title": "关于延长2019年劳动节假期的通知", "items": ["延长2019年劳动节假期至5月3日，5月5日起正常上班。"]}`: "work begins again the day after",
		`{"title": "关于延长2019年劳动节假期的通知", "items": ["延长2019年劳动节假期至5月3日停课。"]}`:         `"停课" is not understood`,
		`{"title": "关于延长2019年劳动节假期的通知", "items": ["延长2019年劳动节假期至5月32日。"]}`:          "5月32日: is no day of 2019",
		`{"title": "关于延长2019年劳动节假期的通知", "items": ["延长2019年劳动节假期至"]}`:                "says no day",
	} {
		if _, err := read(doc); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", doc, err, want)
		}
	}
}
