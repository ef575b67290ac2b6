package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/ticket"
)

// AlertSpec is alerts.yaml: where alerts go that nobody acknowledges, and how long they may sleep.
// What it leaves out is as in [duty.DefaultRules].
type AlertSpec struct {
	Climb  []ClimbSpec  `yaml:"climb" validate:"dive"`
	Snooze []SnoozeSpec `yaml:"snooze" validate:"dive"`
	Ahead  int          `yaml:"ahead_hours" validate:"min=0,max=336"` // before an unattended shift, for its alarm
}

// ClimbSpec is one rung of a level.
type ClimbSpec struct {
	Level   string `yaml:"level" validate:"required"`
	Minutes int    `yaml:"minutes" validate:"required,min=1,max=10080"` // since the alert was delivered, or woke
	To      string `yaml:"to" validate:"required"`                      // a post, or the role of a post of the alert's unit
}

// SnoozeSpec is how long alerts of a level may sleep in all.
type SnoozeSpec struct {
	Level   string `yaml:"level" validate:"required"`
	Minutes int    `yaml:"minutes" validate:"min=0,max=10080"` // 0: not at all
}

// alertLevels are the levels of alerts: those of the ladder, and alarms of the gateway itself.
var alertLevels = append(slices.Clone(ticket.Levels), "alarm")

func (l *loader) readAlerts() {
	l.mappings("alerts", func(file string, n ast.Node) { l.items.alerts = readItem[AlertSpec](l, file, n) })
}

// alertRules are the rules of a pack whose parts have been checked.
func (l *loader) alertRules() duty.Rules {
	rules, spec := duty.DefaultRules(), &l.items.alerts.value
	if spec.Climb != nil {
		rules.Climb = map[string][]duty.Rung{}
	}
	for _, c := range spec.Climb {
		rules.Climb[c.Level] = append(rules.Climb[c.Level], duty.Rung{After: time.Duration(c.Minutes) * time.Minute, To: c.To})
	}
	if spec.Snooze != nil {
		rules.Snooze = map[string]time.Duration{}
	}
	for _, z := range spec.Snooze {
		rules.Snooze[z.Level] = time.Duration(z.Minutes) * time.Minute
	}
	if spec.Ahead > 0 {
		rules.Ahead = time.Duration(spec.Ahead) * time.Hour
	}
	return rules
}

func (l *loader) checkAlerts(d *directory) {
	it := &l.items.alerts
	if it.node == nil {
		return
	}
	s := subjectOf(l, "rules of", "alerts", it)
	level := func(path, level string) bool {
		if slices.Contains(alertLevels, level) {
			return true
		}
		if level != "" { // else it is reported as missing
			s.wrong(path+".level", "level %q: no such level%s", level, suggestion(level, alertLevels))
		}
		return false
	}
	last := map[string]int{}
	for i, c := range it.value.Climb {
		path := fmt.Sprintf("climb[%d]", i)
		if level(path, c.Level) && c.Minutes > 0 && c.Minutes <= last[c.Level] {
			s.wrong(path+".minutes", "rungs of level %q are out of order: %d minutes come after %d; write them in the order of time", c.Level, c.Minutes, last[c.Level])
		}
		last[c.Level] = c.Minutes
		if !slices.Contains(postRoles, c.To) {
			s.ref(path+".to", c.To, d.posts)
		}
	}
	most, once := int(duty.SnoozeUrgent/time.Minute), map[string]bool{}
	for i, z := range it.value.Snooze {
		path := fmt.Sprintf("snooze[%d]", i)
		if !level(path, z.Level) {
			continue
		}
		if once[z.Level] {
			s.wrong(path+".level", "level %q is given twice; keep one", z.Level)
		}
		once[z.Level] = true
		if duty.Urgent(z.Level) && z.Minutes > most {
			s.wrong(path+".minutes", "alerts of level %q cannot wait: at most %d minutes", z.Level, most)
		}
	}
}
