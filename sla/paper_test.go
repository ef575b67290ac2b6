package sla

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The days made of a notice's words are those that holiday-cn made of it.
func TestNoticesInTheirOwnWords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "notices", "20*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, f := range files {
		doc, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n, err := ReadNotice(doc, nil)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if want := strings.TrimSuffix(filepath.Base(f), filepath.Ext(f)); strconv.Itoa(n.Year) != want {
			t.Errorf("%s is of %d", f, n.Year)
		}
		if err := cn2026().Fits(n); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		doc, err = os.ReadFile(filepath.Join("..", "..", "shared", "data", "calendar", "holiday-cn", strconv.Itoa(n.Year)+".json"))
		if err != nil {
			continue // not beside the project
		}
		want, err := ReadNotice(doc, nil)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(want.Days, func(a, b Day) int { return strings.Compare(a.Date, b.Date) })
		if diff := cmp.Diff(want.Days, n.Days); diff != "" {
			t.Errorf("%s: %s", f, diff)
		}
	}
	n, err := ReadNotice([]byte(paperOf("一、元旦：1月1日放假1天，1月2日(星期五)补休。")), nil)
	if err != nil || !slices.ContainsFunc(n.Days, func(d Day) bool { return d.Date == "2026-01-02" && d.Off }) {
		t.Errorf("补休: %v, %v", n.Days, err)
	}
}

// paperOf is a notice of 2026 with other items in the place of those for the same holidays.
func paperOf(items ...string) string {
	lines := []string{
		"国务院办公厅关于2026年部分节假日安排的通知", "一、元旦：1月1日放假。", "二、春节：2月15日至23日放假调休，共9天。", "三、清明节：4月4日放假。", "四、劳动节：5月1日放假。",
		"五、端午节：6月19日放假。", "六、中秋节：9月25日放假。", "七、国庆节：10月1日放假。",
	}
	for _, item := range items {
		name, _, _ := strings.Cut(item, "：")
		for i, l := range lines {
			if strings.HasPrefix(l, name+"：") {
				lines[i] = item
			}
		}
	}
	return strings.Join(lines, "\n")
}

func TestWordsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ doc, want string }{
		"a day that does not exist":      {paperOf("三、清明节：4月31日放假。"), `item 3 清明节: "4月31日放假": 4月31日: is no day of 2026`},
		"a wrong weekday":                {paperOf("二、春节：2月15日（周六）至23日放假调休，共9天。"), "2月15日 is stated as 周六, and is a 周日 of 2026"},
		"a wrong number of days":         {paperOf("二、春节：2月15日至23日放假调休，共8天。"), `item 2 春节: "共8天": the days given are 9`},
		"a wrong number of days at once": {paperOf("一、元旦：1月1日放假2天。"), `item 1 元旦: "1月1日放假2天": the days given are 1`},
		"a range that runs back":         {paperOf("四、劳动节：5月5日至1日放假。"), "must end after it begins"},
		"a range over the new year":      {paperOf("一、元旦：12月31日至1月2日放假。"), "give the year where it changes"},
		"another year":                   {paperOf("一、元旦：2027年1月1日放假。"), `day "2027-01-01" (元旦): must lie in 2026 or the December before`},
		"a day twice":                    {paperOf("六、中秋节：10月1日放假。"), `day "2026-10-01" (国庆节): stands twice`},
		"something else":                 {paperOf("三、清明节：4月4日停课。"), `"停课" is not understood`},
		"no date":                        {paperOf("三、清明节：放假三天。"), "a clause begins with a date"},
		"a remark nobody knows":          {paperOf("三、清明节：4月4日（暂定）放假。"), `"暂定" is not understood`},
		"no day at all":                  {paperOf("三、清明节：不调休。"), "item 3 清明节: names no day"},
		"no name":                        {paperOf() + "\n八、4月4日放假。", "item 8 "},
		"a holiday left out":             {strings.ReplaceAll(paperOf(), "七、国庆节：10月1日放假。", ""), "国庆节: is missing"},
		"an amendment":                   {"国务院办公厅关于延长2020年春节假期的通知\n一、延长2020年春节假期至2月2日。", "notice 2020: 春节: is amended, and the calendar has no notice of that year"},
		"no items":                       {"国务院办公厅关于2026年部分节假日安排的通知", "has 0 items"},
		"nothing":                        {"", "is not that of a year's notice"},
		"neither form":                   {`{"holidays": {}}`, `either "year" and "days", or "title" and "items"`},
		"both":                           {`{"title": "关于2026年部分节假日安排的通知", "items": ["x"], "text": "y"}`, "both items and text"},
		"other letters":                  {"\xb9\xfa\xce\xf1\xd4\xba", "is not UTF-8"},
		"a long item":                    {paperOf("三、清明节：" + strings.Repeat("四", 600)), "more than 500 characters"},
		"broken JSON":                    {`{"title": `, "notice: unexpected end"},
	} {
		if n, err := ReadNotice([]byte(tt.doc), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v %v, want %s", name, n, err, tt.want)
		}
	}
}

// A make-up workday is a day that would be off: any other is a slip.
func TestAMakeUpDayThatIsAWorkday(t *testing.T) {
	t.Parallel()
	n, err := ReadNotice([]byte(paperOf("二、春节：2月15日至23日放假调休，共9天。2月25日上班。")), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = cn2026().Fits(n)
	if want := `day "2026-02-25" (春节): is stated as a make-up workday, and is a workday (周三) by the week anyway`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	n, err = ReadNotice([]byte(paperOf("二、春节：2月15日至23日放假调休，共9天。2月24日（周二）上班。")), nil)
	if err != nil || cn2026().Fits(n) != nil {
		t.Errorf("the day on which work begins again: %v, %v", err, cn2026().Fits(n))
	}
}

func FuzzReadNotice(f *testing.F) {
	f.Add([]byte(paperOf()))
	f.Add([]byte(`{"title":"关于2025年部分节假日安排的通知","items":["元旦：1月1日（周三）放假1天，不调休。"]}`))
	f.Add([]byte(`{"year":2026,"days":[{"name":"元旦","date":"2026-01-01","isOffDay":true}]}`))
	f.Add([]byte("关于延长2026年春节假期的通知\n一、延长2026年春节假期至2月26日（周四），2月27日（周五）起正常上班。"))
	f.Add([]byte(`{"title":"关于调整2026年劳动节假期安排的通知","items":["劳动节：5月1日至4日放假调休，共4天。"]}`))
	f.Add([]byte("关于2006年节假日安排的通知\n一、元旦：2005年12月31日、1月1日至3日放假(农历),共4天;1月8日上班。"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := ReadNotice(doc, func(int) (Notice, bool) { return notice2026(), true })
		if err != nil {
			return
		}
		if _, err := n.days(); err != nil {
			t.Errorf("read, but no calendar takes it: %v", err)
		}
	})
}
