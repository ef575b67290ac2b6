package app

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/sla"
)

// packCalendar is a calendar of a pack by its name, the city's own without one.
func packCalendar(p *config.Pack, name string) (*sla.Calendar, error) {
	if name == "" {
		return p.Calendar, nil
	}
	if c := p.CalendarByID(name); c != nil {
		return c, nil
	}
	var known []string
	for _, c := range p.NewestCalendars() {
		known = append(known, c.ID())
	}
	return nil, fmt.Errorf("pack %s has no calendar %q; it has %s, each also as id@version", p.City.ID, name, strings.Join(known, ", "))
}

// calendarVersion is one version of a calendar, as it is shown.
type calendarVersion struct {
	Version int       `json:"version"`
	Since   time.Time `json:"since,omitzero"` // zero: from the beginning
	Years   []int     `json:"years,omitempty"`
	Papers  []string  `json:"papers,omitempty"`
}

// calendarYear is a year of a calendar, as it is shown.
type calendarYear struct {
	Calendar    string            `json:"calendar"` // id@version
	Title       string            `json:"title"`
	Zone        string            `json:"zone"`
	Year        int               `json:"year"`
	Notice      bool              `json:"notice"`            // its holidays are known
	Published   []int             `json:"published"`         // years whose holidays are known
	Provisional int               `json:"provisional_from"`  // first year from this one on whose holidays are not
	Versions    []calendarVersion `json:"versions"`          // newest first
	Week        []weekWords       `json:"week"`              // the plain week
	Seasons     []sla.Season      `json:"seasons,omitempty"` // other hours of a part of every year
	Workdays    int               `json:"workdays"`
	Days        []sla.DayPlan     `json:"days"`
}

// weekWords are the hours of a day or of several days of the week.
type weekWords struct {
	Days  string   `json:"days"`
	Hours []string `json:"hours"`
}

// ShowCalendar prints a year of a calendar of a pack: its versions, hours, and month by month holidays and make-up workdays.
func ShowCalendar(dir, name string, year int, asJSON bool, out io.Writer) error {
	p, err := LoadPack(dir)
	if err != nil {
		return err
	}
	c, err := packCalendar(p, name)
	if err != nil {
		return err
	}
	if year < 2000 || year > 2099 {
		return fmt.Errorf("--year %d: calendars know the years 2000 to 2099", year)
	}
	y := yearOf(c, year)
	if asJSON {
		return json.NewEncoder(out).Encode(y)
	}
	y.print(out)
	return nil
}

func yearOf(c *sla.Calendar, year int) calendarYear {
	first := time.Date(year, time.January, 1, 12, 0, 0, 0, c.Zone())
	spec := c.Spec()
	y := calendarYear{
		Calendar: c.Key(), Title: c.Title(), Zone: c.Zone().String(), Year: year, Notice: c.HasNotice(year), Provisional: c.Unpublished(first),
		Versions: versionsOf(c), Week: weekOf(spec.Week), Seasons: spec.Seasons,
	}
	for n := range 100 {
		if c.HasNotice(2000 + n) {
			y.Published = append(y.Published, 2000+n)
		}
	}
	for d := first; d.Year() == year; d = d.AddDate(0, 0, 1) {
		plan := c.Plan(d)
		if len(plan.Hours) > 0 {
			y.Workdays++
		}
		y.Days = append(y.Days, plan)
	}
	return y
}

func versionsOf(c *sla.Calendar) []calendarVersion {
	var list []calendarVersion
	for ; c != nil; c = c.Previous() {
		v := calendarVersion{Version: c.Version(), Since: c.Since()}
		for _, n := range c.Own().Years {
			if len(n.Days) > 0 {
				v.Years, v.Papers = append(v.Years, n.Year), append(v.Papers, n.Papers...)
			}
		}
		slices.Sort(v.Years)
		list = append(list, v)
	}
	return list
}

// weekOf lists the hours of a week from Monday on; days with the same key stay together.
func weekOf(week map[string][]string) []weekWords {
	titles := strings.NewReplacer("mon", "周一", "tue", "周二", "wed", "周三", "thu", "周四", "fri", "周五", "sat", "周六", "sun", "周日", "-", "至")
	order := "montuewedthufrisatsun"
	keys := slices.SortedFunc(maps.Keys(week), func(a, b string) int { return strings.Index(order, a[:3]) - strings.Index(order, b[:3]) })
	list := make([]weekWords, 0, len(keys))
	for _, key := range keys {
		list = append(list, weekWords{Days: titles.Replace(key), Hours: week[key]})
	}
	return list
}

func (y *calendarYear) print(out io.Writer) {
	fmt.Fprintf(out, "%s  %s  %s\n", y.Title, y.Calendar, y.Zone)
	for _, v := range y.Versions {
		line := fmt.Sprintf("  第 %d 版", v.Version)
		if !v.Since.IsZero() {
			line += "，自 " + v.Since.Format("2006-01-02 15:04") + " 起"
		}
		if len(v.Years) > 0 {
			line += "，" + runsOfYears(v.Years) + "的放假安排"
		}
		if n := len(v.Papers); n > 0 {
			line += "  " + v.Papers[n-1]
		}
		fmt.Fprintln(out, line)
	}
	printWeek(out, "平常作息", y.Week)
	for _, s := range y.Seasons {
		printWeek(out, fmt.Sprintf("%s（%s 至 %s）", s.Title, s.From, s.To), weekOf(s.Week))
	}
	known := "没有放假安排"
	if len(y.Published) > 0 {
		known = "已有 " + runsOfYears(y.Published) + "的放假安排"
	}
	fmt.Fprintf(out, "%s；跨入 %d 年的期限为暂定\n", known, y.Provisional)
	if !y.Notice {
		fmt.Fprintf(out, "%d 年的放假安排尚未公布：下面按平常周次推算，暂定\n", y.Year)
	}
	fmt.Fprintf(out, "%d 年共 %d 个工作日\n", y.Year, y.Workdays)
	for from := 0; from < len(y.Days); {
		to := from + 1
		for to < len(y.Days) && y.Days[to].Date[:7] == y.Days[from].Date[:7] {
			to++
		}
		printMonth(out, y.Days[from:to])
		from = to
	}
	fmt.Fprintln(out, "\n休 放假  班 调休上班  特 另定作息  - 休息日")
}

func printWeek(out io.Writer, title string, week []weekWords) {
	fmt.Fprintf(out, "%s", title)
	for _, d := range week {
		hours := strings.Join(d.Hours, "、")
		if hours == "" {
			hours = "休息"
		}
		fmt.Fprintf(out, "  %s %s", d.Days, hours)
	}
	fmt.Fprintln(out)
}

// dayMarks are two columns wide, as a Chinese character is.
var dayMarks = map[sla.DayKind]string{
	sla.DayHoliday: "休", sla.DayMakeup: "班", sla.DaySpecial: "特", sla.DayRest: "- ", sla.DayWork: "  ",
}

// printMonth draws a month from Monday to Sunday, and says below what its notice says.
func printMonth(out io.Writer, days []sla.DayPlan) {
	first, err := time.Parse(time.DateOnly, days[0].Date)
	if err != nil {
		return // a calendar's own dates are dates
	}
	work := 0
	for _, d := range days {
		if len(d.Hours) > 0 {
			work++
		}
	}
	fmt.Fprintf(out, "\n%d年%d月  %d 个工作日\n 周一  周二  周三  周四  周五  周六  周日\n", first.Year(), first.Month(), work)
	column := (int(first.Weekday()) + 6) % 7
	line := strings.Repeat(" ", 6*column)
	for i, d := range days {
		line += fmt.Sprintf(" %2d%s ", i+1, dayMarks[d.Kind])
		if column = (column + 1) % 7; column == 0 || i == len(days)-1 {
			fmt.Fprintln(out, strings.TrimRight(line, " "))
			line = ""
		}
	}
	for from := 0; from < len(days); {
		to := from + 1
		for to < len(days) && days[to].Name != "" && days[to].Words() == days[from].Words() {
			to++
		}
		if days[from].Name != "" {
			fmt.Fprintf(out, " %s：%s\n", dayRange(days[from].Date, days[to-1].Date), days[from].Words())
		}
		from = to
	}
}

// dayRange writes days as people do: 2月15日至23日.
func dayRange(from, to string) string {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return from
	}
	words := fmt.Sprintf("%d月%d日", a.Month(), a.Day())
	switch {
	case from == to:
		return words
	case a.Month() == b.Month() && a.Year() == b.Year():
		return fmt.Sprintf("%s至%d日", words, b.Day())
	default:
		return fmt.Sprintf("%s至%d月%d日", words, b.Month(), b.Day())
	}
}

// runsOfYears writes years as people do: 2017–2026、2028 年.
func runsOfYears(years []int) string {
	var parts []string
	for i := 0; i < len(years); {
		j := i
		for j+1 < len(years) && years[j+1] == years[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(years[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d–%d", years[i], years[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, "、") + " 年"
}

// DiffCalendars prints the days that two calendars see differently: two of one pack, or those of the same name of two packs.
func DiffCalendars(dir, from, to, other string, asJSON bool, out io.Writer) error {
	p, err := LoadPack(dir)
	if err != nil {
		return err
	}
	q := p
	if other != "" {
		if q, err = LoadPack(other); err != nil {
			return err
		}
	}
	is, err := packCalendar(q, to)
	if err != nil {
		return err
	}
	was, err := packCalendar(p, from)
	if err != nil {
		return err
	}
	if other == "" && from == "" {
		if was = is.Previous(); was == nil {
			return fmt.Errorf("calendar %s has one version; name two calendars, or another pack with --with", is.Key())
		}
	}
	if was.Zone().String() != is.Zone().String() {
		return fmt.Errorf("calendar %s is in %s and %s in %s: their days are not the same", was.Key(), was.Zone(), is.Key(), is.Zone())
	}
	d := differenceOf(was, is)
	if asJSON {
		return json.NewEncoder(out).Encode(d)
	}
	d.print(out)
	return nil
}

// calendarDifference is what lies between two calendars.
type calendarDifference struct {
	From        string           `json:"from"`
	To          string           `json:"to"`
	Published   []int            `json:"published,omitempty"`   // years whose holidays only the second knows
	Unpublished []int            `json:"unpublished,omitempty"` // and only the first
	Days        int              `json:"days"`                  // that differ
	Differences []sla.Difference `json:"differences"`
}

func differenceOf(was, is *sla.Calendar) calendarDifference {
	d := calendarDifference{From: was.Key(), To: is.Key(), Differences: sla.Differences(was, is)}
	for y := 2000; y < 2100; y++ {
		switch {
		case is.HasNotice(y) && !was.HasNotice(y):
			d.Published = append(d.Published, y)
		case was.HasNotice(y) && !is.HasNotice(y):
			d.Unpublished = append(d.Unpublished, y)
		}
	}
	for _, run := range d.Differences {
		d.Days += run.Days
	}
	return d
}

func (d *calendarDifference) print(out io.Writer) {
	fmt.Fprintf(out, "%s → %s：%d 天的作息不同\n", d.From, d.To, d.Days)
	if len(d.Published) > 0 {
		fmt.Fprintf(out, "新有 %s的放假安排\n", runsOfYears(d.Published))
	}
	if len(d.Unpublished) > 0 {
		fmt.Fprintf(out, "不再有 %s的放假安排\n", runsOfYears(d.Unpublished))
	}
	const most = 200
	for i, run := range d.Differences {
		if i == most {
			fmt.Fprintf(out, "  … 另有 %d 段，用 --json 列全\n", len(d.Differences)-most)
			break
		}
		weekday := run.Was.Weekday
		if run.Days > 1 {
			weekday = fmt.Sprintf("%d 天", run.Days)
		}
		fmt.Fprintf(out, "  %s年%s（%s）  %s → %s\n", run.From[:4], dayRange(run.From, run.To), weekday, run.Was.Words(), run.Is.Words())
	}
}
