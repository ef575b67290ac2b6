package intake

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// incidents remembers the requests of the last hours, so that many citizens who report one
// happening share its work. It is a memory aid, filled from the store after a restart (Warm);
// what it misses becomes tickets of their own, never less.
type incidents struct {
	mu     sync.Mutex
	recent []*report // oldest first
}

// report is one request in memory.
type report struct {
	id       ticket.ID // zero until it is committed
	lead     ticket.ID // the incident it belongs to; its own id when it leads
	sender   string
	source   ticket.SourceClass
	category string
	region   string
	point    geo.Point
	hasPoint bool
	words    text.Set
	at       time.Time
	done     chan struct{} // closed when committed or given up
}

const (
	incidentWindow = 6 * time.Hour
	incidentMost   = 20000 // reports kept in mind
	incidentRadius = 300.0 // metres between two points of one happening
	incidentSpot   = 80.0  // metres: the same gate, the same crossing
	// sameHappening is the similarity of two citizens' words about one happening in one category;
	// the closer the place, the less will do: at one spot the category is
	// nearly enough, further along the street it may be the next gate.
	sameHappening     = 0.55
	sameHappeningNear = 0.8
	sameHappeningSpot = 0.05
	never             = 2.0
)

func newIncidents() *incidents { return &incidents{} }

// happening is what meet found for one request.
type happening struct {
	all    *incidents
	own    *report
	match  *report
	nearby int
	kept   bool
}

// meet looks for the happening a request is about and takes its place in memory at once, so that
// two citizens who call in the same second do not both become the first.
func (in *incidents) meet(a admission, now time.Time) *happening {
	r := &a.request
	h := &happening{all: in}
	if r.Historic || r.Source == ticket.SourceMachine {
		return h
	}
	own := newReport(a, now)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.forget(now)
	best := 0.0
	for _, other := range in.recent {
		if own.near(other) {
			h.nearby++
		}
		if other.sender == own.sender || other.category != own.category || other.category == "" {
			continue
		}
		if score := own.words.Similarity(other.words); score >= own.enough(other) && score > best {
			best, h.match = score, other
		}
	}
	h.own = own
	in.recent = append(in.recent, own)
	return h
}

// lead is the ticket that leads the happening, once its commit is through.
func (h *happening) lead() (ticket.ID, bool) {
	if h.match == nil {
		return ticket.ID{}, false
	}
	<-h.match.done
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	return h.match.lead, !h.match.lead.IsZero()
}

// settled says that the request's ticket is on disk.
func (h *happening) settled(t *ticket.Ticket) {
	if h.own == nil {
		return
	}
	h.all.mu.Lock()
	h.own.id, h.own.lead = t.ID, leadOf(t)
	h.kept = true
	h.all.mu.Unlock()
	close(h.own.done)
}

// leave lets go of the place when the request was not kept.
func (h *happening) leave() {
	if h.own == nil || h.kept {
		return
	}
	h.all.mu.Lock()
	for n, r := range h.all.recent {
		if r == h.own {
			h.all.recent = append(h.all.recent[:n:n], h.all.recent[n+1:]...)
			break
		}
	}
	h.all.mu.Unlock()
	close(h.own.done)
}

// forget drops what is too old or too much.
func (in *incidents) forget(now time.Time) {
	n := max(0, len(in.recent)-incidentMost)
	for n < len(in.recent) && now.Sub(in.recent[n].at) > incidentWindow {
		n++
	}
	if n > 0 {
		in.recent = append([]*report(nil), in.recent[n:]...)
	}
}

// Warm fills the memory of recent happenings from the store, after a restart.
func (i *Intake) Warm(ctx context.Context) error {
	now, c := i.Now(), i.Live.Get()
	filter := store.Filter{
		From: now.Add(-incidentWindow), HideHistoric: true, Limit: 1000,
		Sources: []ticket.SourceClass{ticket.SourceCitizen, ticket.SourceField, ticket.SourceExchange},
	}
	var found []*report // newest first, as the store lists them
	for len(found) < incidentMost {
		page, err := i.Store.Tickets(ctx, filter)
		if err != nil {
			return err
		}
		for n := range page.Items {
			found = append(found, remembered(c, &page.Items[n].Ticket))
		}
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	slices.Reverse(found)
	i.incidents.mu.Lock()
	i.incidents.recent = append(found, i.incidents.recent...)
	i.incidents.mu.Unlock()
	return nil
}

// remembered is the report a stored ticket once was.
func remembered(c *city.City, t *ticket.Ticket) *report {
	p := &t.Private
	r := &report{
		id: t.ID, lead: leadOf(t), source: t.Source, category: t.Category, region: t.Region,
		words: text.NewSet(p.Title + "\n" + p.Text), at: t.RegisteredAt, done: make(chan struct{}),
	}
	close(r.done)
	r.point, r.hasPoint = wgs84(c, p.Place)
	r.sender = senderName(store.Sender{Phone: p.Appellant.Phone, Channel: t.Channel, ChannelID: p.Appellant.ChannelID}, t.Channel+":"+t.Key)
	return r
}

// leadOf is the ticket whose work a ticket shares, its own when it leads; zero when there is
// nothing to share.
func leadOf(t *ticket.Ticket) ticket.ID {
	switch {
	case t.State == ticket.StateMerged:
		return t.Incident
	case t.State.Open() && t.LeadUnit() != "":
		return t.ID
	default:
		return ticket.ID{}
	}
}

func newReport(a admission, now time.Time) *report {
	r := &a.request
	where := locate(a.city, r)
	own := &report{
		sender: senderKey(a), source: r.Source, category: category(a.city, r), region: where.Region,
		words: text.NewSet(r.Title + "\n" + r.Text), at: now, done: make(chan struct{}),
	}
	own.point, own.hasPoint = wgs84(a.city, r.Place)
	return own
}

// near reports whether two requests are about one spot: within the radius when both have a point,
// else in the same street-level region.
func (r *report) near(o *report) bool {
	if r.hasPoint && o.hasPoint {
		return geo.Distance(r.point, o.point) <= incidentRadius
	}
	return r.region != "" && r.region == o.region && len(r.region) >= 9
}

// enough is the similarity that makes two requests one happening: a spot asks for little, a street
// for more, no known place for nearly the same words; other places for more than there is.
func (r *report) enough(o *report) float64 {
	if r.hasPoint && o.hasPoint {
		switch d := geo.Distance(r.point, o.point); {
		case d <= incidentSpot:
			return sameHappeningSpot
		case d <= incidentRadius:
			return sameHappeningNear
		}
		return never
	}
	if r.region != "" && o.region != "" && r.region != o.region {
		return never
	}
	return sameHappening
}
