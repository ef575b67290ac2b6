package sla

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// amendingTitle is that of a notice that changes a year's: 关于延长2020年春节假期的通知, 关于调整2019年劳动节假期安排的通知.
var amendingTitle = regexp.MustCompile(`关于(延长|调整)((?:19|20)\d\d)年([^。]+?)假期(?:安排)?的通知`)

// amendment is what the title of an amending notice says.
type amendment struct {
	longer bool // the holiday is made longer; else it is arranged anew
	year   int
	name   string
}

func amendmentOf(head string) (amendment, bool) {
	m := amendingTitle.FindStringSubmatch(head)
	if m == nil {
		return amendment{}, false
	}
	year, _ := strconv.Atoi(m[2]) // four digits
	return amendment{longer: m[1] == "延长", year: year, name: m[3]}, true
}

// amend reads the words of an amending notice over the notice of its year.
func (a amendment) amend(base Notice, items []string) (Notice, error) {
	r := paperReader{year: a.year}
	n := Notice{Year: base.Year, Papers: base.Papers, Days: slices.Clone(base.Days)}
	before := len(n.Days)
	if n.Days = slices.DeleteFunc(n.Days, func(d Day) bool { return d.Name == a.name }); len(n.Days) == before {
		return Notice{}, fmt.Errorf("sla: notice %d: %s: is amended, and the notice before has no such holiday", a.year, a.name)
	}
	if a.longer {
		was := slices.DeleteFunc(slices.Clone(base.Days), func(d Day) bool { return d.Name != a.name })
		r.extended(a, was, items)
	} else {
		for i, item := range items {
			r.item(i+1, item)
		}
		if len(r.problems) == 0 && !r.named[a.name] {
			r.wrong("%s: is missing; write it as %s：…", a.name, a.name)
		}
	}
	n.Days = append(n.Days, r.days...)
	return r.notice(n)
}

// extended reads 延长2020年春节假期至2月2日（星期日），2月3日（星期一）起正常上班。 Its other items (schools, wages) name no days.
func (r *paperReader) extended(a amendment, was []Day, items []string) {
	prefix := fmt.Sprintf("延长%d年%s假期至", a.year, a.name)
	found := slices.IndexFunc(items, func(item string) bool { return strings.HasPrefix(unnumbered(item), prefix) })
	if found < 0 {
		r.wrong("%s: no item says until when; write %s2月2日…", a.name, prefix)
		return
	}
	wrong := func(err error) { r.wrong("item %d %s: %w", found+1, a.name, err) }
	parts := clauses(strings.TrimRight(strings.TrimPrefix(unnumbered(items[found]), prefix), "。"))
	if len(parts) == 0 {
		wrong(errors.New("says no day"))
		return
	}
	end, rest, err := r.date(parts[0], time.Time{})
	if err == nil && rest != "" {
		err = fmt.Errorf("%q is not understood", rest)
	}
	if err != nil {
		wrong(err)
		return
	}
	last := r.keep(was, end)
	if !end.After(last) {
		wrong(fmt.Errorf("until %s: the holiday lasts until %s already", end.Format(time.DateOnly), last.Format(time.DateOnly)))
		return
	}
	if end.Sub(last) > maxRange*24*time.Hour {
		wrong(fmt.Errorf("until %s: is more than %d days longer", end.Format(time.DateOnly), maxRange))
		return
	}
	for d := last.AddDate(0, 0, 1); !d.After(end); d = d.AddDate(0, 0, 1) {
		r.days = append(r.days, Day{Date: d.Format(time.DateOnly), Name: a.name, Off: true})
	}
	for _, clause := range parts[1:] {
		d, verb, err := r.date(clause, end)
		switch {
		case err != nil:
			wrong(err)
		case verb != "起正常上班" || !d.Equal(end.AddDate(0, 0, 1)):
			wrong(fmt.Errorf("%q: is not understood; work begins again the day after, 起正常上班", clause))
		default:
			r.days = append(r.days, Day{Date: d.Format(time.DateOnly), Name: a.name})
		}
	}
}

// keep takes over the days of a holiday that is made longer, but for make-up workdays that it now covers, and gives its last day off.
func (r *paperReader) keep(was []Day, end time.Time) (last time.Time) {
	for _, d := range was {
		if at, err := time.Parse(time.DateOnly, d.Date); err == nil && d.Off && at.After(last) {
			last = at
		}
	}
	for _, d := range was {
		if at, err := time.Parse(time.DateOnly, d.Date); err == nil && (!at.After(last) || at.After(end.AddDate(0, 0, 1))) {
			r.days = append(r.days, d)
		}
	}
	return last
}

// unnumbered is an item in plain writing without its number.
func unnumbered(item string) string {
	line := plain(item)
	return line[len(itemNumber.FindString(line)):]
}
