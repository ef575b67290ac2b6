// Package replay asks two versions of a city's pack about the same requests, and counts what would change:
// owners, urgencies, deadlines. It reads no store and no file: whoever has requests hands them over.
package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// Flow is how many requests would go from one owner to another. Empty means the duty desk (triage).
type Flow struct {
	From     string `json:"from"`
	To       string `json:"to"`
	FromName string `json:"from_name"`
	ToName   string `json:"to_name"`
	Count    int    `json:"count"`
}

// Sample is one request that would move, explained by both packs.
type Sample struct {
	Number string `json:"number"` // of the ticket, or the row of the file
	From   string `json:"from"`
	To     string `json:"to"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Report is what a replay found.
type Report struct {
	Pack      string   `json:"pack"` // content hash of the pack in force
	Candidate string   `json:"candidate"`
	Requests  int      `json:"requests"`
	Unread    int      `json:"unread"` // whose words were kept long enough and have ended; not among the requests
	Moved     int      `json:"moved"`
	Urgency   int      `json:"urgency_changed"`
	Earlier   int      `json:"due_earlier"`
	Later     int      `json:"due_later"`
	Flows     []Flow   `json:"flows"` // the largest first
	Samples   []Sample `json:"samples"`
}

// Share is the part of the requests that would move, 0 … 1.
func (r *Report) Share() float64 {
	if r.Requests == 0 {
		return 0
	}
	return float64(r.Moved) / float64(r.Requests)
}

// How many moved requests are explained: of each flow, and in all.
const (
	samplesOfFlow = 2
	samplesMost   = 10
)

// Comparison compares requests one by one. It is not safe for concurrent use.
type Comparison struct {
	pack, candidate *config.Pack
	report          Report
	flows           map[[2]string]*flow
}

// flow gathers the requests that would go one way.
type flow struct {
	count   int
	samples []kept
}

// kept is a request that may be explained at the end.
type kept struct {
	number        string
	before, after routing.Facts
}

// New compares the pack in force with a candidate.
func New(pack, candidate *config.Pack) *Comparison {
	return &Comparison{
		pack: pack, candidate: candidate, flows: map[[2]string]*flow{},
		report: Report{Pack: pack.Hash, Candidate: candidate.Hash, Flows: []Flow{}, Samples: []Sample{}},
	}
}

// Said compares a request of which nothing is known but what was said; each pack finds place and category for
// itself.
func (c *Comparison) Said(number string, f config.TestFacts, at time.Time) {
	before, after := c.pack.Facts(f), c.candidate.Facts(f)
	before.At, after.At = at, at
	c.add(number, before, after)
}

// Recorded compares a request that became a ticket: seen is what the decision was made by, said the same as
// it was said. Both packs read it anew, so that nothing but the packs makes a difference.
func (c *Comparison) Recorded(number string, seen routing.Facts, said Said) {
	if seen.Text == "\n" {
		c.report.Unread++
		return
	}
	c.add(number, Reread(c.pack, c.pack, seen, said), Reread(c.pack, c.candidate, seen, said))
}

// Said is a request as it came, for a pack to find place and category for itself. With Known its facts have
// category, region and type exactly as the channel named them; without, nobody noted that.
type Said struct {
	Facts config.TestFacts
	Known bool
}

// Reread is what a candidate sees of a request of which the pack in force saw that: place, category and type as
// it finds them itself, unless the channel named them. Where nobody noted what the channel named, it is what the pack
// in force would find otherwise.
func Reread(pack, candidate *config.Pack, seen routing.Facts, said Said) routing.Facts {
	if !said.Known {
		was := pack.Facts(said.Facts)
		if was.Category != seen.Category {
			said.Facts.Category = seen.Category
		}
		if was.Region != seen.Region {
			said.Facts.Region = seen.Region
		}
		if was.Type != seen.Type && seen.Type != ticket.TypeOther {
			said.Facts.Type = seen.Type
		}
	}
	now, after := candidate.Facts(said.Facts), seen
	after.Category, after.Type, after.Region, after.Areas = now.Category, now.Type, now.Region, now.Areas
	return after
}

func (c *Comparison) add(number string, before, after routing.Facts) {
	r := &c.report
	r.Requests++
	was, now := c.pack.Ruleset.Decide(&before, nil), c.candidate.Ruleset.Decide(&after, nil)
	if was.Urgency != now.Urgency {
		r.Urgency++
	}
	switch then, next := due(c.pack, was, before.At), due(c.candidate, now, after.At); { // without a deadline is later than any
	case then.Equal(next):
	case then.IsZero() || !next.IsZero() && next.Before(then):
		r.Earlier++
	default:
		r.Later++
	}
	if was.Unit == now.Unit {
		return
	}
	r.Moved++
	key := [2]string{was.Unit, now.Unit}
	f := c.flows[key]
	if f == nil {
		f = &flow{}
		c.flows[key] = f
	}
	if f.count++; len(f.samples) < samplesOfFlow {
		f.samples = append(f.samples, kept{number, before, after})
	}
}

// due is the citizen's deadline of a request; the zero time when its policy has none.
func due(p *config.Pack, r routing.Result, at time.Time) time.Time {
	policy, ok := p.PolicySet.By(r.Policy, at)
	if !ok {
		if policy, ok = p.PolicySet.By(p.City.DefaultPolicy, at); !ok {
			return time.Time{}
		}
	}
	_, calendar, ok := p.PolicySet.Lookup(policy.Key())
	rule, has := policy.Clocks[sla.ClockResolve]
	if !ok || !has || at.IsZero() {
		return time.Time{}
	}
	end, _ := calendar.Due(at, rule.Limit)
	return end
}

// Report is what has been found so far, with explanations.
func (c *Comparison) Report() Report {
	r := c.report
	for key, f := range c.flows {
		r.Flows = append(r.Flows, Flow{
			From: key[0], To: key[1], Count: f.count, FromName: c.name(c.pack, key[0]), ToName: c.name(c.candidate, key[1]),
		})
	}
	slices.SortFunc(r.Flows, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, way := range r.Flows {
		for _, k := range c.flows[[2]string{way.From, way.To}].samples {
			if len(r.Samples) == samplesMost {
				return r
			}
			r.Samples = append(r.Samples, Sample{
				Number: k.number, From: way.From, To: way.To,
				Before: c.pack.Ruleset.Explain(&k.before).Text(), After: c.candidate.Ruleset.Explain(&k.after).Text(),
			})
		}
	}
	return r
}

func (c *Comparison) name(p *config.Pack, unit string) string {
	if unit == "" {
		return "待分拨"
	}
	return p.Ruleset.UnitName(unit)
}
