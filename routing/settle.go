package routing

import (
	"slices"

	"github.com/citizen-hotline/gateway/ticket"
)

// settle goes through the stages in order; each fills what is still open.
func (q *query) settle(rec *Recorder) Result {
	rs := q.rs
	r := Result{rs: rs, region: q.region}
	for s, winner := range q.best {
		if ruleStages[s] == StageDefault {
			row := rs.catalogue.row(q.category, q.region)
			r.applyRow(row)
			if rec != nil {
				rec.rows(q, row)
			}
		}
		r.applyRule(winner)
	}
	if r.from.owner.open() {
		if u := rs.office(q.region); u != none {
			r.Unit, r.from.owner = rs.units.ids[u], origin{StageDefault, OriginOffice}
		}
	}
	if r.from.owner.open() {
		r.Triage = q.triage()
		r.from.owner = origin{StageTriage, r.Triage}
	}
	if r.from.policy.open() && rs.city.DefaultPolicy != "" {
		r.Policy, r.from.policy = rs.city.DefaultPolicy, origin{StageDefault, OriginPolicy}
	}
	r.raise(q.f.Urgency)
	if rec != nil {
		rec.finish(q, r)
	}
	return r
}

// applyRule lets a stage's winner fill what is open.
func (r *Result) applyRule(winner int32) {
	if winner == none {
		return
	}
	compiled := &r.rs.rules[winner]
	rule := &r.rs.city.Rules[compiled.at]
	a := &rule.Then
	r.fill(origin{rule.Stage, rule.ID}, compiled.unit, a.Triage, a.Assist, a.Urgency, a.Policy)
	if r.from.tags.open() && len(a.Tags) > 0 {
		r.tags, r.from.tags = a.Tags, origin{rule.Stage, rule.ID}
	}
}

// applyRow lets a catalogue row fill what is open.
func (r *Result) applyRow(row int32) {
	if row == none {
		return
	}
	c := &r.rs.city.Catalogue[row]
	r.fill(origin{StageCatalogue, c.ID}, r.rs.catalogue.targets[row], "", c.Assist, c.Urgency, c.Policy)
}

// fill sets the fields that are open and that something is said about. A unit that stands for the
// office of a place stays open while the place is too vague.
func (r *Result) fill(o origin, unit target, triage string, assist []string, urgency ticket.Urgency, policy string) {
	if r.from.owner.open() {
		if at := r.rs.resolve(unit, r.region); at != none {
			r.Unit, r.from.owner = r.rs.units.ids[at], o
		} else if triage != "" {
			r.Triage, r.from.owner = triage, o
		}
	}
	if r.from.assist.open() && len(assist) > 0 {
		r.assist, r.from.assist = assist, o
	}
	if r.from.urgency.open() && urgency != "" {
		r.Urgency, r.from.urgency = urgency, o
	}
	if r.from.policy.open() && policy != "" {
		r.Policy, r.from.policy = policy, o
	}
}

// triage says what is missing for an owner.
func (q *query) triage() string {
	switch {
	case q.category == none && q.region == none:
		return TriageUnclear
	case q.region == none:
		return TriageNoPlace
	case q.category == none:
		return TriageNoCategory
	default:
		return TriageNoOwner
	}
}

// raise lets the source's own word raise the urgency, never lower it.
func (r *Result) raise(word ticket.Urgency) {
	said, decided := slices.Index(ticket.Urgencies, word), slices.Index(ticket.Urgencies, r.Urgency)
	switch {
	case said > decided:
		r.Urgency, r.from.urgency = word, origin{StageRequest, OriginUrgency}
	case decided < 0:
		r.Urgency, r.from.urgency = ticket.UrgencyNormal, origin{StageDefault, OriginUrgency}
	}
}
