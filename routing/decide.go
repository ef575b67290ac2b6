package routing

import (
	"math/bits"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/ticket"
)

// StageRequest is the origin of an urgency that the request brought along. It is no stage of the
// decision: the source's own word only ever raises what the stages say.
const StageRequest Stage = "request"

// Reason codes of tickets that no stage finds an owner for. Rules may bring their own.
const (
	TriageNoPlace    = "no_place"    // the category is known, the region is not
	TriageNoCategory = "no_category" // the region is known but has no office, the category is not known
	TriageNoOwner    = "no_owner"    // both are known and nobody owns them
	TriageUnclear    = "unclear"     // neither is known
)

// Field names a field of a decision that has an origin of its own.
type Field string

// The fields of a decision. FieldTriage is set where FieldUnit is not.
const (
	FieldUnit    Field = "unit"
	FieldAssist  Field = "assist"
	FieldUrgency Field = "urgency"
	FieldPolicy  Field = "policy"
	FieldTags    Field = "tags"
	FieldTriage  Field = "triage"
)

// Result is a decision as Decide leaves it: a value that shares its strings with the ruleset.
// Either Unit or Triage is set.
type Result struct {
	Unit    string
	Triage  string
	Urgency ticket.Urgency
	Policy  string

	rs           *Ruleset
	region       int32
	assist, tags []string
	from         origins
}

// origins are where the fields of a result came from; owner is unit or triage.
type origins struct{ owner, assist, urgency, policy, tags origin }

// origin is where a field came from; the zero value means that nothing has decided it.
type origin struct {
	stage Stage
	rule  string
}

func (o origin) open() bool { return o.stage == "" }

func (o origin) ticket() ticket.Origin { return ticket.Origin{Stage: string(o.stage), Rule: o.rule} }

// Decision makes the result what is stored with a ticket: assisting units resolved for the place,
// each once and never the lead, and the origin of every field that is set.
func (r Result) Decision() ticket.Decision {
	d := ticket.Decision{
		Pack: r.rs.city.Hash, Unit: r.Unit, Urgency: r.Urgency, Policy: r.Policy, Triage: r.Triage,
		Tags: slices.Clone(r.tags), Origins: map[string]ticket.Origin{},
	}
	for _, name := range r.assist {
		if r.Unit == "" {
			break // nobody leads, so nobody assists: the desk will say
		}
		at := r.rs.resolve(r.rs.target(name), r.region)
		if at == none {
			continue // an office of a place that is not known
		}
		if id := r.rs.units.ids[at]; id != r.Unit && !slices.Contains(d.Assist, id) {
			d.Assist = append(d.Assist, id)
		}
	}
	set := func(f Field, given bool, o origin) {
		if given {
			d.Origins[string(f)] = o.ticket()
		}
	}
	set(FieldUnit, d.Unit != "", r.from.owner)
	set(FieldTriage, d.Triage != "", r.from.owner)
	set(FieldAssist, d.Assist != nil, r.from.assist)
	set(FieldUrgency, true, r.from.urgency)
	set(FieldPolicy, d.Policy != "", r.from.policy)
	set(FieldTags, d.Tags != nil, r.from.tags)
	return d
}

// query is one request as the engine sees it: names replaced by numbers, and the room needed to
// answer. Queries are pooled, so that a decision allocates nothing.
type query struct {
	rs *Ruleset
	f  *Facts

	category, region  int32
	channel, line     int32
	kind, source, typ uint16
	areas, tags       []int32
	local             time.Time
	timed, read       bool // local is set; the text was searched
	found             found
	origins           *[]span  // only while recording: where each folded character came from
	best              [4]int32 // by rule stage: the winner
}

// Decide finds the owner of a request and what else the city's rules say of it. With a recorder it
// also notes why; the answer is the same. Without one it allocates nothing.
func (rs *Ruleset) Decide(f *Facts, rec *Recorder) Result {
	q := rs.queries.Get().(*query)
	q.begin(f)
	if rec == nil {
		q.tryFiled()
	} else {
		q.tryAll(rec)
	}
	r := q.settle(rec)
	q.end()
	rs.queries.Put(q)
	return r
}

func newQuery(rs *Ruleset) *query {
	return &query{rs: rs, found: newFound(len(rs.auto.words))}
}

// begin looks the facts up. Names the pack does not know count as unknown.
func (q *query) begin(f *Facts) {
	rs := q.rs
	q.f = f
	q.category, q.region = rs.categories.find(f.Category), rs.regions.find(f.Region)
	q.channel, q.line = find(rs.channels, f.Channel), find(rs.lines, f.Line)
	q.kind, q.source, q.typ = bit(f.Kind, ticket.Kinds), bit(f.Source, ticket.Sources), bit(f.Type, ticket.RequestTypes)
	q.areas, q.tags = q.areas[:0], q.tags[:0]
	for _, a := range f.Areas {
		if n := find(rs.areas, a); n != none {
			q.areas = append(q.areas, n)
		}
	}
	for _, t := range f.Tags {
		if n := find(rs.tags, t); n != none {
			q.tags = append(q.tags, n)
		}
	}
	q.timed, q.read = false, false
	for s := range q.best {
		q.best[s] = none
	}
}

func find(in map[string]int32, name string) int32 {
	if n, ok := in[name]; ok {
		return n
	}
	return none
}

// pooledHits is how much room for hits a query may keep for the next one.
const pooledHits = 1 << 14

// end forgets the request.
func (q *query) end() {
	q.f, q.origins = nil, nil
	if cap(q.found.hits) > pooledHits {
		q.found.hits = nil
	}
}

// tryFiled tries the rules that the index files under what the request is.
func (q *query) tryFiled() {
	rs := q.rs
	x := &rs.index
	q.try(x.always)
	for at := q.category; at != none; at = rs.categories.parent[at] {
		q.try(x.category[at])
	}
	for at := q.region; at != none; at = rs.regions.parent[at] {
		q.try(x.region[at])
	}
	if q.channel != none {
		q.try(x.channel[q.channel])
	}
	if q.line != none {
		q.try(x.line[q.line])
	}
	for _, a := range q.areas {
		q.try(x.area[a])
	}
	for _, t := range q.tags {
		q.try(x.tag[t])
	}
	if x.words {
		q.search()
		for i := range q.found.hits {
			if h := &q.found.hits[i]; h.prev == none { // each word once
				q.try(x.word[h.word])
			}
		}
	}
}

// try keeps, per stage, the first rule in order that holds.
func (q *query) try(rules []int32) {
	for _, id := range rules {
		r := &q.rs.rules[id]
		if best := q.best[r.stage]; best != none && best <= id {
			continue
		}
		if q.fails(&r.clause, r.rest) == partNone {
			q.best[r.stage] = id
		}
	}
}

// fails is the first of the given parts of the clause that does not hold, partNone when all do.
func (q *query) fails(k *clause, given uint16) part {
	for left := given; left != 0; left &= left - 1 {
		p := part(bits.TrailingZeros16(left))
		if p == partAny {
			q.search()
			return q.found.fails(q.rs.auto, k.words)
		}
		if !q.holds(k, p) {
			return p
		}
	}
	return partNone
}

// holds reports whether one part of the clause that is given holds.
func (q *query) holds(k *clause, p part) bool {
	switch p {
	case partKind:
		return k.kinds&q.kind != 0
	case partSource:
		return k.sources&q.source != 0
	case partType:
		return k.types&q.typ != 0
	case partUrgency:
		return k.urgencies&bit(q.f.Urgency, ticket.Urgencies) != 0
	case partChannel:
		return slices.Contains(k.channels, q.channel)
	case partLine:
		return slices.Contains(k.lines, q.line)
	case partCategory:
		return q.rs.categories.inAny(q.category, k.categories)
	case partRegion:
		return q.rs.regions.inAny(q.region, k.regions)
	case partArea:
		return meet(k.areas, q.areas)
	case partOutside:
		return q.f.HasPoint && !meet(k.outside, q.areas)
	case partTag:
		return meet(k.tags, q.tags)
	case partWindow:
		return !q.f.At.IsZero() && k.window.holds(q.clock(), q.rs.city.Workday)
	default: // keywords and numbers are asked elsewhere
	}
	for _, b := range k.numbers {
		if !b.holds(q.number(b.fact)) {
			return false
		}
	}
	return true
}

// meet reports whether two short lists share a number.
func meet(a, b []int32) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return true
		}
	}
	return false
}

// search reads the text, once.
func (q *query) search() {
	if !q.read {
		q.found.search(q.rs.auto, q.f.Text, q.origins)
		q.read = true
	}
}

// clock is when the request was received, in the city's time; looked up once.
func (q *query) clock() time.Time {
	if !q.timed {
		q.local, q.timed = q.f.At.In(q.rs.city.Zone), true
	}
	return q.local
}

// The facts that follow from others when the request does not bring them.
const (
	factHour       = 2
	factTextLength = 3
)

// number is a fact of NumberFacts. The hour (with minutes as a fraction) and the length of the text
// in characters are worked out when the facts leave them open.
func (q *query) number(fact int) float64 {
	v := q.f.Numbers[fact]
	switch {
	case v == v: // known
	case fact == factHour && !q.f.At.IsZero():
		local := q.clock()
		return float64(local.Hour()) + float64(local.Minute())/60
	case fact == factTextLength:
		return float64(utf8.RuneCountInString(q.f.Text))
	}
	return v
}
