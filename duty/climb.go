package duty

import "time"

// Rules say what becomes of alerts.
type Rules struct {
	Climb  map[string][]Rung        // by level, in order; a level without rungs does not climb
	Snooze map[string]time.Duration // by level: how long an alert may sleep in all; none: not at all
	Ahead  time.Duration            // how long before an unattended shift its alarm comes
}

// Rung is where an alert goes that nobody has acknowledged.
type Rung struct {
	After time.Duration // since the alert was delivered, or woke
	To    string        // a post, or the role of a post of the alert's unit
}

// SnoozeUrgent is the most an emergency and a step-up may sleep, whatever a pack says.
const SnoozeUrgent = 10 * time.Minute

// Urgent reports whether alerts of a level may never be put off for longer than [SnoozeUrgent].
func Urgent(level string) bool { return level == "step_up" || level == "alarm" }

// DefaultRules hold where a pack says nothing.
func DefaultRules() Rules {
	return Rules{
		Climb: map[string][]Rung{
			"alarm":     {{10 * time.Minute, "supervision"}},
			"yellow":    {{60 * time.Minute, "duty"}},
			"red":       {{15 * time.Minute, "head"}, {30 * time.Minute, "duty"}},
			"supervise": {{30 * time.Minute, "duty"}},
			"step_up":   {{10 * time.Minute, "duty"}, {20 * time.Minute, "supervision"}},
		},
		Snooze: map[string]time.Duration{
			"remind": 8 * time.Hour, "yellow": 2 * time.Hour, "red": 30 * time.Minute, "supervise": 30 * time.Minute,
			"step_up": 5 * time.Minute, "alarm": 5 * time.Minute,
		},
		Ahead: 24 * time.Hour,
	}
}

// Rung is the nth rung of a level, counted from 0; ok is false past the last.
func (r Rules) Rung(level string, n int) (Rung, bool) {
	rungs := r.Climb[level]
	if n < 0 || n >= len(rungs) {
		return Rung{}, false
	}
	return rungs[n], true
}

// Look is when an alert must be looked at that was delivered at a time and has climbed n rungs; zero
// when it climbs no further.
func (r Rules) Look(level string, n int, delivered time.Time) time.Time {
	if rung, ok := r.Rung(level, n); ok {
		return delivered.Add(rung.After)
	}
	return time.Time{}
}

// SnoozeEnd is the latest moment until which an alert of a level may sleep that slept first at a
// time.
func (r Rules) SnoozeEnd(level string, first time.Time) time.Time {
	most := r.Snooze[level]
	if Urgent(level) {
		most = min(most, SnoozeUrgent)
	}
	return first.Add(most)
}
