package paging

import (
	"fmt"
	"time"
)

// Quiet are the hours of the day during which nobody is paged, by the city's clock. The zero Quiet has none.
type Quiet struct {
	From, To int // minutes from midnight; To is exclusive and lies on the next day when it is not after From
}

// IsZero reports whether there are no quiet hours.
func (q Quiet) IsZero() bool { return q == Quiet{} }

// String writes the hours as they are read.
func (q Quiet) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
}

// UnmarshalText reads HH:MM-HH:MM.
func (q *Quiet) UnmarshalText(text []byte) error {
	s := string(text)
	if len(s) != len("22:00-07:00") || s[5] != '-' {
		return fmt.Errorf(`quiet hours %q: write them as "22:00-07:00"`, s)
	}
	from, err := minuteOf(s[:5])
	if err != nil {
		return err
	}
	to, err := minuteOf(s[6:])
	if err != nil {
		return err
	}
	if from == to {
		return fmt.Errorf("quiet hours %q: end where they begin; a route that never pages has no use, leave the hours or the route out", s)
	}
	*q = Quiet{from, to}
	return nil
}

func minuteOf(clock string) (int, error) {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return 0, fmt.Errorf(`%q is not a time of day from "00:00" to "23:59"`, clock)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Until is at when it lies outside the quiet hours, else their end.
func (q Quiet) Until(at time.Time, zone *time.Location) time.Time {
	if q.IsZero() {
		return at
	}
	local := at.In(zone)
	for back := range 2 {
		day := local.Day() - back
		end := day
		if q.To <= q.From {
			end++
		}
		from := time.Date(local.Year(), local.Month(), day, 0, q.From, 0, 0, zone)
		to := time.Date(local.Year(), local.Month(), end, 0, q.To, 0, 0, zone)
		if !local.Before(from) && local.Before(to) {
			return to
		}
	}
	return at
}
