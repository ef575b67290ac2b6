package sla

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Paper is the State Council's notice of a year's holidays in its own words (国务院办公厅关于某年部分节假日安排的通知).
type Paper struct {
	Title string   `json:"title"`         // names the year
	Date  string   `json:"date"`          // of the notice, YYYY-MM-DD; may be left out
	URL   string   `json:"url"`           // where it was published; may be left out
	Items []string `json:"items"`         // 元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
	Text  string   `json:"text,omitzero"` // the whole text instead of Items
}

// ReadNotice reads a year's notice in any of the forms there are: JSON of the holiday-cn project ([ParseNotice]), JSON that
// holds the words of the notice ([Paper]), or its plain text. The words may amend the notice of a year, which before gives; nil when
// there is none. The error names every part that is wrong.
func ReadNotice(doc []byte, before func(year int) (Notice, bool)) (Notice, error) {
	doc = bytes.TrimPrefix(doc, []byte("\ufeff"))
	if len(doc) > maxNoticeBytes {
		return Notice{}, fmt.Errorf("sla: a notice has at most %d bytes, got %d", maxNoticeBytes, len(doc))
	}
	if !utf8.Valid(doc) {
		return Notice{}, errors.New("sla: notice: is not UTF-8; save it as UTF-8")
	}
	if !bytes.HasPrefix(bytes.TrimSpace(doc), []byte("{")) {
		return ParsePaper(Paper{Text: string(doc)}, before)
	}
	var form map[string]json.RawMessage
	if err := json.Unmarshal(doc, &form); err != nil {
		return Notice{}, fmt.Errorf("sla: notice: %w", err)
	}
	if _, days := form["days"]; days {
		return ParseNotice(doc)
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	var p Paper
	if err := d.Decode(&p); err != nil {
		return Notice{}, fmt.Errorf(`sla: notice: %w; it holds either "year" and "days", or "title" and "items"`, err)
	}
	return ParsePaper(p, before)
}

// Limits on the words of a notice.
const (
	maxItems     = 40
	maxItemRunes = 500
)

var (
	titleYear  = regexp.MustCompile(`关于((?:19|20)\d\d)年[^。]*节假日安排`)
	itemNumber = regexp.MustCompile(`^(?:[一二三四五六七八九十]{1,3}、|[0-9]{1,2}[.、])`)
	address    = regexp.MustCompile(`https?://[^\s，。）)]+`)
)

// everyYear are the holidays that a notice names since 2008 (全国年节及纪念日放假办法).
var everyYear = []string{"元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"}

// ParsePaper makes the days of a notice of its words. It reads strictly: a sentence it does not understand is refused, and so
// are a weekday or a number of days that does not fit the dates, and a notice that leaves out one of the holidays.
func ParsePaper(p Paper, before func(year int) (Notice, bool)) (Notice, error) {
	head, items := p.Title, p.Items
	if p.Text != "" {
		if len(items) > 0 {
			return Notice{}, errors.New("sla: notice: has both items and text; give one of them")
		}
		var above string
		above, items = itemsOf(p.Text)
		head += above
	}
	published := cmp.Or(p.URL, address.FindString(p.Text))
	if a, amends := amendmentOf(plain(head)); amends {
		base, ok := Notice{}, false
		if before != nil {
			base, ok = before(a.year)
		}
		if !ok {
			return Notice{}, fmt.Errorf("sla: notice %d: %s: is amended, and the calendar has no notice of that year; import that first", a.year, a.name)
		}
		if published != "" {
			base.Papers = append(slices.Clone(base.Papers), published)
		}
		return a.amend(base, items)
	}
	year := titleYear.FindStringSubmatch(plain(head))
	if year == nil {
		return Notice{}, fmt.Errorf("sla: notice: title %q: is not that of a year's notice, 关于2026年部分节假日安排的通知, nor of one that amends it, 关于延长2020年春节假期的通知", short(head))
	}
	n := Notice{}
	n.Year, _ = strconv.Atoi(year[1]) // four digits
	if published != "" {
		n.Papers = []string{published}
	}
	r := paperReader{year: n.Year}
	if len(items) == 0 || len(items) > maxItems {
		r.wrong("has %d items; write each holiday as 元旦：1月1日放假…", len(items))
	}
	for i, item := range items[:min(len(items), maxItems)] {
		r.item(i+1, item)
	}
	if len(r.problems) == 0 && n.Year >= 2008 {
		for _, name := range everyYear {
			if !r.named[name] {
				r.wrong("%s: is missing; give the whole notice", name)
			}
		}
	}
	n.Days = r.days
	return r.notice(n)
}

// notice is what was read, its days in order, unless something of it is wrong.
func (r *paperReader) notice(n Notice) (Notice, error) {
	slices.SortStableFunc(n.Days, func(a, b Day) int { return strings.Compare(a.Date, b.Date) })
	if len(r.problems) == 0 {
		if _, err := n.days(); err != nil {
			r.problems = append(r.problems, err)
		}
	}
	if err := errors.Join(r.problems...); err != nil {
		return Notice{}, err
	}
	return n, nil
}

// itemsOf finds the numbered items in the text of a notice, and what stands before them. An item that does not end with
// a full stop goes on in the next line.
func itemsOf(text string) (head string, items []string) {
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimFunc(line, unicode.IsSpace)
		switch {
		case line == "":
		case itemNumber.MatchString(line):
			items, open = append(items, line), !strings.HasSuffix(line, "。")
		case open:
			items[len(items)-1] += line
			open = !strings.HasSuffix(line, "。")
		case len(items) == 0:
			head += line
		}
	}
	return head, items
}

// plain writes a text with the punctuation and the digits of ASCII and without spaces.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		}
		return r
	}, s)
}

func short(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return s
}

// paperReader reads the items of one notice.
type paperReader struct {
	year     int
	days     []Day
	named    map[string]bool
	problems []error
}

func (r *paperReader) wrong(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("sla: notice %d: %w", r.year, fmt.Errorf(format, args...)))
}

// item reads the sentences about one holiday.
func (r *paperReader) item(no int, text string) {
	if utf8.RuneCountInString(text) > maxItemRunes {
		r.wrong("item %d: has more than %d characters", no, maxItemRunes)
		return
	}
	line := unnumbered(text)
	name, body, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, "0123456789。,()") {
		r.wrong("item %d %q: write the holiday's name and a colon first", no, short(text))
		return
	}
	if r.named == nil {
		r.named = map[string]bool{}
	}
	for one := range strings.SplitSeq(name, "、") {
		r.named[one] = true
	}
	before := len(r.days)
	for _, sentence := range strings.FieldsFunc(body, func(c rune) bool { return c == '。' || c == ';' }) {
		if err := r.sentence(name, sentence); err != nil {
			r.wrong("item %d %s: %w", no, name, err)
			return
		}
	}
	if len(r.days) == before {
		r.wrong("item %d %s: names no day", no, name)
	}
}

// sentence reads the clauses up to a full stop.
func (r *paperReader) sentence(name, text string) error {
	off := 0 // days off in it
	for _, clause := range clauses(text) {
		if strings.HasPrefix(clause, "鼓励") {
			return nil // advice to employers (2024): no day off
		}
		if clause == "与周末连休" || clause == "不调休" {
			continue
		}
		if total, ok := inDays(clause, "共"); ok {
			if total != off {
				return fmt.Errorf("%q: the days given are %d", clause, off)
			}
			continue
		}
		n, err := r.clause(name, clause)
		if err != nil {
			return err
		}
		off += n
	}
	return nil
}

// clauses splits a sentence at its commas, but not inside brackets.
func clauses(text string) []string {
	depth := 0
	return strings.FieldsFunc(text, func(c rune) bool {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		return c == ',' && depth <= 0
	})
}

// inDays reads 共3天.
func inDays(clause, before string) (int, bool) {
	rest, ok := strings.CutPrefix(clause, before)
	if !ok {
		return 0, false
	}
	rest, ok = strings.CutSuffix(rest, "天")
	n, err := strconv.Atoi(rest)
	return n, ok && err == nil && n > 0
}

// clause reads dates and what is said of them, and gives how many days off that were.
func (r *paperReader) clause(name, text string) (off int, err error) {
	dates, verb, err := r.dates(text)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", text, err)
	}
	add := func(isOff bool) {
		for _, d := range dates {
			r.days = append(r.days, Day{Date: d.Format(time.DateOnly), Name: name, Off: isOff})
		}
	}
	if verb == "上班" {
		add(false)
		return 0, nil
	}
	days, counted := inDays(strings.TrimPrefix(verb, "放假调休"), "")
	if !counted {
		days, counted = inDays(verb, "放假")
	}
	switch {
	case counted && days != len(dates):
		return 0, fmt.Errorf("%q: the days given are %d", text, len(dates))
	case counted, verb == "放假", verb == "放假调休", verb == "补休":
		add(true)
		return len(dates), nil
	}
	return 0, fmt.Errorf("%q: %q is not understood; days are 放假, 放假调休, 补休 or 上班", text, verb)
}

// maxRange bounds a holiday.
const maxRange = 31

var oneDate = regexp.MustCompile(`^(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日(?:\(([^()]*)\))?`)

// dates reads days, or a range of days, up to the verb behind them.
func (r *paperReader) dates(text string) (days []time.Time, verb string, err error) {
	var last time.Time
	for rest := text; ; {
		var d time.Time
		if d, rest, err = r.date(rest, last); err != nil {
			return nil, "", err
		}
		last = d
		if after, isRange := strings.CutPrefix(rest, "至"); isRange {
			var end time.Time
			if end, rest, err = r.date(after, last); err != nil {
				return nil, "", err
			}
			if !end.After(d) || end.Sub(d) > maxRange*24*time.Hour {
				return nil, "", fmt.Errorf("from %s to %s: must end after it begins, and within %d days; give the year where it changes", d.Format(time.DateOnly), end.Format(time.DateOnly), maxRange)
			}
			for ; d.Before(end); d = d.AddDate(0, 0, 1) {
				days = append(days, d)
			}
			last = end
		}
		days = append(days, last)
		after, more := strings.CutPrefix(rest, "、")
		if !more {
			return days, rest, nil
		}
		rest = after
	}
}

// date reads one date. Year and month are those of the date before where they are left out, else the notice's year.
func (r *paperReader) date(text string, before time.Time) (d time.Time, rest string, err error) {
	m := oneDate.FindStringSubmatch(text)
	if m == nil {
		return d, "", errors.New("is not understood; a clause begins with a date such as 1月1日")
	}
	year, month := r.year, 0
	if !before.IsZero() {
		month = int(before.Month())
		if m[2] == "" {
			year = before.Year()
		}
	}
	if m[1] != "" {
		year, _ = strconv.Atoi(m[1]) // digits
	}
	if m[2] != "" {
		month, _ = strconv.Atoi(m[2]) // digits
	}
	day, _ := strconv.Atoi(m[3]) // digits
	d = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if month < 1 || d.Day() != day || int(d.Month()) != month {
		return d, "", fmt.Errorf("%s: is no day of %d", m[0], year)
	}
	return d, text[len(m[0]):], remarks(d, m[4])
}

// remarks checks what stands in brackets behind a date: its weekday, and its day in the lunar calendar, which is left unread.
func remarks(d time.Time, text string) error {
	if text == "" {
		return nil
	}
	for _, part := range strings.FieldsFunc(text, func(c rune) bool { return c == '、' || c == ',' }) {
		word, isWeekday := strings.CutPrefix(part, "星期")
		if !isWeekday {
			word, isWeekday = strings.CutPrefix(part, "周")
		}
		is := weekdayWords[d.Weekday()]
		switch {
		case isWeekday && ("周"+word == is || word == "天" && d.Weekday() == time.Sunday):
		case isWeekday:
			return fmt.Errorf("%d月%d日 is stated as %s, and is a %s of %d", d.Month(), d.Day(), part, is, d.Year())
		case strings.HasPrefix(part, "农历"), strings.HasPrefix(part, "正月"), strings.HasPrefix(part, "腊月"), part == "除夕":
		default:
			return fmt.Errorf("%d月%d日: %q is not understood; brackets hold a weekday such as 周六", d.Month(), d.Day(), part)
		}
	}
	return nil
}

// Fits says what of a notice contradicts the calendar's weeks: a make-up workday (调休上班) on a day that is worked anyway. The
// first day after days off of the same name is none: it only says when work begins again.
func (c *Calendar) Fits(n Notice) error {
	indexes, err := n.days()
	if err != nil {
		return err
	}
	off := map[int]string{}
	for i, d := range indexes {
		if n.Days[i].Off {
			off[d] = n.Days[i].Name
		}
	}
	var problems []error
	for i, d := range indexes {
		listed := n.Days[i]
		if listed.Off || len(listed.Segments) > 0 || c.plain[d] == 0 {
			continue
		}
		if name, begins := off[d-1]; begins && name == listed.Name {
			continue
		}
		problems = append(problems, fmt.Errorf("sla: notice %d: day %q (%s): is stated as a make-up workday, and is a workday (%s) by the week anyway; look the date up in the notice",
			n.Year, listed.Date, listed.Name, weekdayWords[dateOf(d).Weekday()]))
	}
	return errors.Join(problems...)
}
