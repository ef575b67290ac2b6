package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/routing"
)

// Roster says who holds which post when (值班表). Every post it lists is held at every minute of
// every day.
type Roster struct {
	duties map[string]*Duty
	zone   *time.Location
}

// Duty is the roster of one post.
type Duty struct {
	Post   string         `yaml:"post" validate:"required,id"`
	Title  string         `yaml:"title"`
	Start  string         `yaml:"start" validate:"required,date"` // the day on which the first name of each shift serves
	Shifts []Shift        `yaml:"shifts" validate:"required,min=1,dive"`
	At     routing.Source `yaml:"-" validate:"-"`
}

// Shift is one part of the day. Who takes turns, one name a day; a shift past midnight belongs to
// the day on which it begins.
type Shift struct {
	From string   `yaml:"from" validate:"required,clock"` // HH:MM, inclusive
	To   string   `yaml:"to" validate:"required,clock"`   // HH:MM, exclusive; not after From: on the next day
	Who  []string `yaml:"who" validate:"required,min=1,dive,required"`
}

const minutesOfDay = 24 * 60

// minuteOfDay reads HH:MM, 24:00 included; 0 when it has another form.
func minuteOfDay(clock string) int {
	if !clockForm.MatchString(clock) {
		return 0
	}
	h, _ := strconv.Atoi(clock[:2])
	m, _ := strconv.Atoi(clock[3:])
	return h*60 + m
}

// span is a shift in minutes from the midnight of its day; to may lie on the next day.
func (s Shift) span() (from, to int) {
	from, to = minuteOfDay(s.From), minuteOfDay(s.To)
	if to <= from {
		to += minutesOfDay
	}
	return from, to
}

// Posts lists the posts of the roster by id.
func (r *Roster) Posts() []string {
	posts := make([]string, 0, len(r.duties))
	for p := range r.duties {
		posts = append(posts, p)
	}
	slices.Sort(posts)
	return posts
}

// On is who holds the post at a moment, and until when. ok is false when the roster does not
// list the post.
func (r *Roster) On(post string, at time.Time) (who string, until time.Time, ok bool) {
	d, ok := r.duties[post]
	if !ok {
		return "", time.Time{}, false
	}
	local := at.In(r.zone)
	today := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, r.zone)
	for _, day := range []time.Time{today, today.AddDate(0, 0, -1)} {
		for _, s := range d.Shifts {
			from, to := s.span()
			begin, end := wall(day, from), wall(day, to)
			if !at.Before(begin) && at.Before(end) {
				return s.Who[turn(d.Start, day, len(s.Who))], end, true
			}
		}
	}
	return "", time.Time{}, false // a clock set back can repeat an hour, never skip one that matters
}

// Next is who takes over the post after the one who holds it at a moment, and when.
func (r *Roster) Next(post string, at time.Time) (who string, from time.Time, ok bool) {
	_, until, ok := r.On(post, at)
	if !ok {
		return "", time.Time{}, false
	}
	who, _, ok = r.On(post, until)
	return who, until, ok
}

// wall is a time of day counted in wall-clock minutes from midnight, past which it may run.
func wall(day time.Time, minute int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, minute, 0, 0, day.Location())
}

// turn is whose day it is. Days before the start count backwards.
func turn(start string, day time.Time, names int) int {
	first, _ := time.Parse(time.DateOnly, start) // the form was checked
	this := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	n := int(this.Sub(first)/(24*time.Hour)) % names
	return (n + names) % names
}

// gaps lists the parts of the day that no shift, or more than one, covers.
func (d Duty) gaps() []string {
	var cover [minutesOfDay]uint16
	for _, s := range d.Shifts {
		from, to := s.span()
		for m := from; m < to; m++ {
			cover[m%minutesOfDay]++
		}
	}
	var found []string
	for m := 0; m < minutesOfDay; {
		n := m
		for n < minutesOfDay && cover[n] == cover[m] {
			n++
		}
		switch part := clockText(m) + "–" + clockText(n); {
		case cover[m] == 0:
			found = append(found, "nobody serves "+part+"; add a shift")
		case cover[m] > 1:
			found = append(found, fmt.Sprintf("%d shifts overlap %s; end one where the other begins", cover[m], part))
		}
		m = n
	}
	return found
}

func clockText(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
