package sla

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Notice is one year's notice of the State Council on holidays (放假安排): the days that differ
// from the plain week. Year is the year in the notice's title; days of the December before may
// stand in it. A notice without days is one that is not out yet.
type Notice struct {
	Year   int      `yaml:"year" json:"year"`
	Papers []string `yaml:"papers,omitempty" json:"papers,omitempty"` // addresses of the published text
	Days   []Day    `yaml:"days,omitempty" json:"days,omitempty"`
}

// Day is one date that differs from the plain week: a holiday (Off), a make-up workday (not Off),
// or a day with hours of its own such as a half day (not Off, with Segments).
type Day struct {
	Date     string   `yaml:"date" json:"date"` // YYYY-MM-DD
	Name     string   `yaml:"name" json:"name"` // 春节
	Off      bool     `yaml:"off" json:"off"`
	Segments []string `yaml:"segments,omitempty" json:"segments,omitempty"` // empty: the hours of a plain workday
}

// Limits on a notice, so that a wrong file is refused rather than worked on.
const (
	maxNoticeBytes = 1 << 20
	maxNoticeDays  = 400
)

// ParseNotice reads a year in the form of the holiday-cn project, which follows the State
// Council's notices: {"year", "papers", "days": [{"name", "date", "isOffDay"}]}
// (https://github.com/NateScarlet/holiday-cn). Other keys are ignored. The error names every day
// that is wrong; a year whose notice is not out (no days) is no error.
func ParseNotice(doc []byte) (Notice, error) {
	if len(doc) > maxNoticeBytes {
		return Notice{}, fmt.Errorf("sla: a notice has at most %d bytes, got %d", maxNoticeBytes, len(doc))
	}
	var wire struct {
		Year   int      `json:"year"`
		Papers []string `json:"papers"`
		Days   []struct {
			Name  string `json:"name"`
			Date  string `json:"date"`
			IsOff *bool  `json:"isOffDay"`
		} `json:"days"`
	}
	if err := json.Unmarshal(doc, &wire); err != nil {
		return Notice{}, fmt.Errorf("sla: notice: %w", err)
	}
	n := Notice{Year: wire.Year, Papers: wire.Papers}
	var problems []error
	for _, d := range wire.Days {
		if d.IsOff == nil {
			problems = append(problems, fmt.Errorf("sla: notice %d: day %q: isOffDay is missing", wire.Year, d.Date))
			continue
		}
		n.Days = append(n.Days, Day{Date: d.Date, Name: d.Name, Off: *d.IsOff})
	}
	if _, err := n.days(); err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return Notice{}, err
	}
	return n, nil
}

// days gives the index of each of the notice's days, in their order, or every problem.
func (n Notice) days() ([]int, error) {
	if n.Year < firstYear || n.Year > lastYear {
		return nil, fmt.Errorf("sla: notice %d: the year must lie in %d–%d", n.Year, firstYear, lastYear)
	}
	if len(n.Days) > maxNoticeDays {
		return nil, fmt.Errorf("sla: notice %d: at most %d days, got %d", n.Year, maxNoticeDays, len(n.Days))
	}
	var problems []error
	indexes := make([]int, 0, len(n.Days))
	seen := make(map[int]bool, len(n.Days))
	for _, d := range n.Days {
		date, err := time.Parse(time.DateOnly, d.Date)
		switch {
		case err != nil:
			err = fmt.Errorf("sla: notice %d: day %q (%s): write the date as YYYY-MM-DD", n.Year, d.Date, d.Name)
		case date.Year() != n.Year && (date.Year() != n.Year-1 || date.Month() != time.December):
			err = fmt.Errorf("sla: notice %d: day %q (%s): must lie in %d or the December before", n.Year, d.Date, d.Name, n.Year)
		case seen[indexOf(date)]:
			err = fmt.Errorf("sla: notice %d: day %q (%s): stands twice", n.Year, d.Date, d.Name)
		case d.Off && len(d.Segments) > 0:
			err = fmt.Errorf("sla: notice %d: day %q (%s): is off and has segments; give one of the two", n.Year, d.Date, d.Name)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		seen[indexOf(date)] = true
		indexes = append(indexes, indexOf(date))
	}
	return indexes, errors.Join(problems...)
}
