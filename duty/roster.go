package duty

import (
	"slices"
	"time"
)

// Rotation is the roster of one post.
type Rotation struct {
	Post     string
	Title    string
	Fallback string    // the post that gets the alerts of shifts nobody holds; empty: the city's duty post
	Start    time.Time // the day on which the first name of each shift serves, at 00:00 UTC
	Turn     int       // how many counted days a name serves in a row; 0 means 1
	Count    Count
	Handoff  int // minute of the day before which a shift still belongs to the turn of the day before
	Shifts   []Shift
}

// Count says which days pass the turn on.
type Count string

// The days that may count.
const (
	CountAll    Count = "all"      // every day; the default
	CountWork   Count = "workdays" // workdays only: who is on before a holiday stays on through it
	CountServed Count = "served"   // days on which the shift is served: holidays go round among themselves
)

// Days says on which days a shift is served.
type Days string

// The days a shift may be served on, by the city's calendar.
const (
	EveryDay Days = ""
	Workdays Days = "workdays"
	DaysOff  Days = "days_off"
)

// Shift is one part of the day. A shift past midnight belongs to the day on which it begins.
type Shift struct {
	From, To int // minutes of the day, From inclusive, To exclusive; To not after From: on the next day
	On       Days
	Who      []string // take turns; an empty name: nobody
}

// minutesOfDay is a day by the wall clock; the days on which clocks change have it, too.
const minutesOfDay = 24 * 60

// span is a shift in minutes from the midnight of its day; to may lie on the next day.
func (s Shift) span() (from, to int) {
	if s.To <= s.From {
		return s.From, s.To + minutesOfDay
	}
	return s.From, s.To
}

func (s Shift) serves(workday bool) bool {
	return s.On == EveryDay || (s.On == Workdays) == workday
}

// Period is a time in which one person, or nobody, holds a post. From is inclusive, To exclusive.
type Period struct {
	Post     string
	Who      string // a login or the name of a seat; empty: nobody
	From, To time.Time
	Override *Override // by which it is so; nil: by the rotation
}

// Attended reports whether somebody holds the post.
func (p Period) Attended() bool { return p.Who != "" }

// Roster is all rotations of a city. It does not change and is safe for concurrent use.
type Roster struct {
	rotations map[string]*rotation
	posts     []string
	zone      *time.Location
	workday   func(time.Time) bool
}

type rotation struct {
	Rotation
	counted []int // how many days of Count, of all shifts alike, lie before the nth day from Start
}

// NewRoster makes a Roster of rotations that [Rotation.Problems] finds nothing wrong with. workday
// tells of a day of the city whether it is one; nil: Monday to Friday are.
func NewRoster(rotations []Rotation, zone *time.Location, workday func(time.Time) bool) *Roster {
	if workday == nil {
		workday = func(t time.Time) bool { return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday }
	}
	r := &Roster{rotations: make(map[string]*rotation, len(rotations)), zone: zone, workday: workday}
	for i := range rotations {
		own := &rotation{Rotation: rotations[i]}
		own.Turn = max(own.Turn, 1)
		if own.Count != CountAll && own.Count != "" {
			own.counted = r.countDays(own.Start)
		}
		r.rotations[own.Post] = own
		r.posts = append(r.posts, own.Post)
	}
	slices.Sort(r.posts)
	return r
}

// Posts lists the posts of the roster by id.
func (r *Roster) Posts() []string { return slices.Clone(r.posts) }

// Rotation is the rotation of a post; ok is false when the roster does not list it.
func (r *Roster) Rotation(post string) (Rotation, bool) {
	if own, ok := r.rotations[post]; ok {
		return own.Rotation, true
	}
	return Rotation{}, false
}

// Shift is the shift of a post at a moment, by the rotation alone. ok is false when the roster does
// not list the post.
func (r *Roster) Shift(post string, at time.Time) (p Period, ok bool) {
	own, ok := r.rotations[post]
	if !ok {
		return Period{}, false
	}
	local := at.In(r.zone)
	today := midnight(local)
	for _, day := range []time.Time{today, today.AddDate(0, 0, -1)} {
		workday := r.workday(noon(day, r.zone))
		for i := range own.Shifts {
			s := &own.Shifts[i]
			if !s.serves(workday) {
				continue
			}
			from, to := s.span()
			begin, end := wall(day, from, r.zone), wall(day, to, r.zone)
			if !at.Before(begin) && at.Before(end) {
				return Period{Post: post, Who: r.turn(own, s, day), From: begin, To: end}, true
			}
		}
	}
	// No shift covers the moment: the rotation was not checked, or the zone left a whole day out.
	return Period{Post: post, From: at, To: at.Add(time.Minute)}, true
}

// turn is whose turn a shift of a day is. Days before the start count backwards.
func (r *Roster) turn(own *rotation, s *Shift, day time.Time) string {
	if s.From < own.Handoff {
		day = day.AddDate(0, 0, -1)
	}
	n := int(day.Sub(own.Start) / (24 * time.Hour)) // both are midnights in UTC
	switch own.Count {
	case CountWork:
		n = r.workdays(own, n) - boolInt(!r.workday(noon(day, r.zone)))
	case CountServed:
		if s.On != EveryDay {
			if work := r.workdays(own, n); s.On == Workdays {
				n = work
			} else {
				n -= work
			}
		}
	case CountAll:
	}
	n = floorDiv(n, own.Turn) % len(s.Who)
	return s.Who[(n+len(s.Who))%len(s.Who)]
}

// countedDays is how many days from a rotation's start on are counted ahead; a query later than that
// counts on from there.
const countedDays = 20 * 366

// countDays counts the workdays before each day from start on.
func (r *Roster) countDays(start time.Time) []int {
	counted := make([]int, countedDays+1)
	for n := range countedDays {
		counted[n+1] = counted[n] + boolInt(r.workday(noon(start.AddDate(0, 0, n), r.zone)))
	}
	return counted
}

// workdays is how many workdays lie from the start up to the nth day after it, that day left out;
// negative when the day lies before the start.
func (r *Roster) workdays(own *rotation, n int) int {
	if n >= 0 && n < len(own.counted) {
		return own.counted[n]
	}
	count, first := 0, 0
	if n >= len(own.counted) {
		first = len(own.counted) - 1
		count = own.counted[first]
	}
	for d := first; d < n; d++ {
		count += boolInt(r.workday(noon(own.Start.AddDate(0, 0, d), r.zone)))
	}
	for d := n; d < 0; d++ {
		count -= boolInt(r.workday(noon(own.Start.AddDate(0, 0, d), r.zone)))
	}
	return count
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func floorDiv(a, b int) int {
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}
