package config

import (
	"slices"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/duty"
)

// Duty is the roster of one post (值班表) as it is written. Who holds the post when is reckoned in
// package duty.
type Duty struct {
	Post     string  `yaml:"post" validate:"required,id"`
	Title    string  `yaml:"title"`
	Start    string  `yaml:"start" validate:"required,date"` // the day on which the first name of each shift serves
	Turn     Turn    `yaml:"turn"`
	Count    string  `yaml:"count" validate:"omitempty,oneof=all workdays served"` // which days pass the turn on
	Handoff  string  `yaml:"handoff" validate:"omitempty,clock"`                   // a shift that begins earlier is of the turn of the day before
	Fallback string  `yaml:"fallback"`                                             // the post that gets the alerts of shifts nobody holds
	Shifts   []Shift `yaml:"shifts" validate:"required,min=1,dive"`
}

// Turn says how long a name serves before the next one does; the zero Turn is a day.
type Turn struct {
	Days  int `yaml:"days" validate:"min=0,max=366"`
	Weeks int `yaml:"weeks" validate:"min=0,max=52"`
}

// Shift is one part of the day; one past midnight belongs to the day on which it begins. An empty
// name leaves its turn to nobody.
type Shift struct {
	From string   `yaml:"from" validate:"required,clock"`                        // HH:MM, inclusive
	To   string   `yaml:"to" validate:"required,clock"`                          // HH:MM, exclusive; not after From: on the next day
	On   string   `yaml:"on" validate:"omitempty,oneof=every workdays days_off"` // by the city's calendar; empty: every day
	Who  []string `yaml:"who" validate:"required,min=1,max=366,dive,max=64"`
}

// minuteOfDay reads HH:MM, 24:00 included; 0 when it has another form.
func minuteOfDay(clock string) int {
	if !clockForm.MatchString(clock) {
		return 0
	}
	h, _ := strconv.Atoi(clock[:2])
	m, _ := strconv.Atoi(clock[3:])
	return h*60 + m
}

// wall is a time of day counted in wall-clock minutes from midnight, past which it may run.
func wall(day time.Time, minute int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, minute, 0, 0, day.Location())
}

// rotation is the roster as package duty reckons with it.
func (d *Duty) rotation() duty.Rotation {
	start, _ := time.Parse(time.DateOnly, d.Start) // the form is checked
	r := duty.Rotation{
		Post: d.Post, Title: d.Title, Fallback: d.Fallback, Start: start, Turn: d.Turn.Days + 7*d.Turn.Weeks,
		Count: duty.Count(d.Count), Handoff: minuteOfDay(d.Handoff),
	}
	for _, s := range d.Shifts {
		on := duty.Days(s.On)
		if s.On == "every" {
			on = duty.EveryDay
		}
		r.Shifts = append(r.Shifts, duty.Shift{From: minuteOfDay(s.From), To: minuteOfDay(s.To), On: on, Who: s.Who})
	}
	return r
}

// roster makes the rosters of a pack whose parts have been checked.
func (l *loader) roster(p *Pack) *duty.Roster {
	rotations := make([]duty.Rotation, len(l.items.roster))
	for i := range l.items.roster {
		rotations[i] = l.items.roster[i].value.rotation()
	}
	var workday func(time.Time) bool
	if p.Calendar != nil {
		workday = p.Calendar.IsWorkday
	}
	return duty.NewRoster(rotations, p.City.Location, workday)
}

// checkRoster wants every post it lists held at every minute, or left to nobody on purpose.
func (l *loader) checkRoster(d *directory) {
	roster := l.items.roster
	listed := make([]string, 0, len(roster))
	for i := range roster {
		listed = append(listed, roster[i].value.Post)
	}
	for i := range roster {
		own := &roster[i].value
		s := subjectOf(l, "roster of post", own.Post, &roster[i])
		s.ref("post", own.Post, d.posts)
		s.ref("fallback", own.Fallback, d.posts)
		switch {
		case own.Fallback == "" || l.broken["roster"]:
		case own.Fallback == own.Post:
			s.wrong("fallback", "is the post itself; name another one")
		case d.posts.has(own.Fallback) && !slices.Contains(listed, own.Fallback):
			s.wrong("fallback", "post %q has no roster, so nobody would know who is there; give it one, or name a post that has", own.Fallback)
		}
		if own.Turn.Days > 0 && own.Turn.Weeks > 0 {
			s.wrong("turn", "gives days and weeks; keep one")
		}
		if len(l.shape.check(own)) > 0 {
			continue // its times are reported already
		}
		r := own.rotation()
		for _, gap := range r.Problems() {
			s.wrong("shifts", "%s", gap)
		}
		if own.Fallback == "" && r.Leaves() {
			s.wrong("shifts", "leaves shifts to nobody; name the post that stands in as fallback")
		}
	}
}
