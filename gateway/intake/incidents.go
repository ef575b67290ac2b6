package intake

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/same"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// incidents remembers the requests of the last hours, so that many citizens who report one
// happening share its work. It is a memory aid, filled from the store after a restart (Warm);
// what it misses becomes tickets of their own, never less.
type incidents struct {
	mu     sync.Mutex
	recent []*report            // oldest first
	known  map[ticket.ID]bool   // of tickets in recent
	feed   int64                // position up to which other gateways' events have been read
	near   map[string][]*report // by cell, or by region for those without a point; any category
}

// report is one request in memory. Its Words stay empty: words takes them apart. It has no Names: all gates of a
// street share the street's.
type report struct {
	same.Report

	ticket ticket.ID // its own
	lead   ticket.ID // the incident it belongs to; its own ticket when it leads; zero until committed
	sender string
	words  words
	done   chan struct{} // closed when committed or given up
}

const (
	incidentWindow = same.Window
	incidentMost   = 20000 // reports kept in mind
	incidentLook   = 200   // of the newest reports of a neighbourhood are compared
	// cell is the side of a neighbourhood, degrees: a little more than same.NearRadius in China.
	cell = 0.004
)

func newIncidents() *incidents {
	return &incidents{near: map[string][]*report{}, known: map[ticket.ID]bool{}}
}

// happening is what meet found for one request.
type happening struct {
	all    *incidents
	own    *report
	match  *report
	nearby int // other reports within same.NearRadius, or of the same town when no point is known
	kept   bool
}

// meet looks for the happening a request is about and takes its place in memory at once, so that
// two citizens who call in the same second do not both become the first.
func (in *incidents) meet(r *ticket.Request, own *report) *happening {
	h := &happening{all: in}
	if r.Historic || r.Training || r.Confidential || r.Source == ticket.SourceMachine {
		return h
	}
	h.own = own
	in.mu.Lock()
	in.forget(own.At)
	around := in.around(own)
	in.add(own)
	in.mu.Unlock()

	for _, other := range around {
		if other.sender == own.sender {
			continue // one voice, however often it is raised
		}
		place := same.Between(&own.Report, &other.Report)
		if place != same.Far {
			h.nearby++
		}
		if other.Category != own.Category || other.Category == "" {
			continue
		}
		// The oldest match leads already, or will first: nobody waits for one who waits.
		if (h.match == nil || other.At.Before(h.match.At)) && own.reaches(other, place, same.Join) {
			h.match = other
		}
	}
	return h
}

// reaches reports whether the score of two reports is at least a limit. Of most neighbours the place alone says no, and
// their words are not taken apart.
func (r *report) reaches(o *report, between same.Place, limit float64) bool {
	needed := same.Needed(&r.Report, &o.Report, between, limit)
	return needed <= 1 && r.words.get().AtLeast(o.words.get(), needed)
}

// evident reports whether two reports that nobody calls urgent are of one happening all the same.
func (h *happening) evident() bool {
	return h.match != nil && h.own.reaches(h.match, same.Between(&h.own.Report, &h.match.Report), same.JoinEveryday)
}

// around are the newest reports of the neighbourhood, those without a place leaving none.
func (in *incidents) around(r *report) []*report {
	var found []*report
	for _, key := range r.neighbourhood() {
		list := in.near[key]
		found = append(found, list[max(0, len(list)-incidentLook):]...)
	}
	return found
}

// neighbourhood are the keys under which reports near r are found: its cell and those around it,
// or its town.
func (r *report) neighbourhood() []string {
	if !r.HasPoint {
		if r.Region == "" {
			return nil
		}
		return []string{r.Region}
	}
	keys := make([]string, 0, 9)
	for dx := -1; dx <= 1; dx++ {
		for dy := -1; dy <= 1; dy++ {
			keys = append(keys, cellKey(r.Point, dx, dy))
		}
	}
	return keys
}

func cellKey(p geo.Point, dx, dy int) string {
	return strconv.Itoa(int(math.Floor(p.Lng/cell))+dx) + ":" + strconv.Itoa(int(math.Floor(p.Lat/cell))+dy)
}

// key is where a report is kept.
func (r *report) key() string {
	if r.HasPoint {
		return cellKey(r.Point, 0, 0)
	}
	return r.Region
}

func (in *incidents) add(r *report) {
	if !r.ticket.IsZero() {
		in.known[r.ticket] = true
	}
	in.recent = append(in.recent, r)
	if k := r.key(); k != "" {
		in.near[k] = append(in.near[k], r)
	}
}

// forget drops what is too old or too much, and what was given up.
func (in *incidents) forget(now time.Time) {
	n := max(0, len(in.recent)-incidentMost)
	for n < len(in.recent) && now.Sub(in.recent[n].At) > incidentWindow {
		n++
	}
	for _, r := range in.recent[:n] {
		in.drop(r)
	}
	in.recent = in.recent[n:]
}

// drop takes a report out of its neighbourhood.
func (in *incidents) drop(r *report) {
	delete(in.known, r.ticket)
	k := r.key()
	list := in.near[k]
	if n := slices.Index(list, r); n >= 0 {
		if list = slices.Delete(list, n, n+1); len(list) == 0 {
			delete(in.near, k)
		} else {
			in.near[k] = list
		}
	}
}

// lead is the ticket that matched, once its commit is through, and the one that led it then. ok is false when there is
// nothing to share.
func (h *happening) lead(ctx context.Context) (match, lead ticket.ID, ok bool) {
	if h.match == nil {
		return match, lead, false
	}
	select {
	case <-h.match.done:
	case <-ctx.Done(): // its sender may have more time than ours
		return match, lead, false
	}
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	return h.match.ticket, h.match.lead, !h.match.lead.IsZero()
}

// call gives the request's place the ticket's id, before the commit: when the feed tells of the ticket
// it is known already.
func (h *happening) call(id ticket.ID) {
	if h.own == nil {
		return
	}
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	h.own.ticket = id
	h.all.known[id] = true
}

// settled says that the request's ticket is on disk.
func (h *happening) settled(t *ticket.Ticket) {
	if h.own == nil {
		return
	}
	h.all.mu.Lock()
	h.own.lead = leadOf(t.ID, t.Incident, t.State, t.LeadUnit())
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
	h.all.drop(h.own)
	h.all.mu.Unlock()
	close(h.own.done)
}

// followMost is how many events one look at the feed reads.
const followMost = 500

// Follow learns of the happenings that other gateways took since the last look, so that their citizens'
// reports share work with ours. Two that come in the same moment still become two.
func (i *Intake) Follow(ctx context.Context) error {
	for {
		i.incidents.mu.Lock()
		after := i.incidents.feed
		i.incidents.mu.Unlock()
		events, err := i.Store.FeedRegistered(ctx, after, followMost)
		if err != nil || len(events) == 0 {
			return err
		}
		if err := i.learn(ctx, events); err != nil {
			return err
		}
		i.incidents.mu.Lock()
		i.incidents.feed = events[len(events)-1].Position
		i.incidents.mu.Unlock()
		if len(events) < followMost {
			return nil
		}
	}
}

// learn takes the tickets that other gateways registered into memory, as they stand now.
func (i *Intake) learn(ctx context.Context, registered []store.FeedItem) error {
	var strange []ticket.ID
	i.incidents.mu.Lock()
	for n := range registered {
		if id := registered[n].Ticket; !i.incidents.known[id] {
			strange = append(strange, id)
		}
	}
	i.incidents.mu.Unlock()
	if len(strange) == 0 {
		return nil
	}
	found, err := i.Store.Reports(ctx, strange, i.Now().Add(-incidentWindow))
	if err != nil {
		return err
	}
	reports := make([]*report, len(found))
	for n := range found {
		reports[n] = remembered(i.Live.Get(), &found[n])
	}
	i.incidents.mu.Lock()
	defer i.incidents.mu.Unlock()
	i.incidents.forget(i.Now())
	for _, r := range reports {
		if !i.incidents.known[r.ticket] { // ours, committed meanwhile
			i.incidents.add(r)
		}
	}
	return nil
}

// Warm fills the memory of recent happenings from the store, after a restart.
func (i *Intake) Warm(ctx context.Context) error {
	now, c := i.Now(), i.Live.Get()
	end, err := i.Store.FeedEnd(ctx) // first: what comes meanwhile is read again, and known
	if err != nil {
		return err
	}
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
			if page.Items[n].Training {
				continue
			}
			r := store.ReportOf(&page.Items[n].Ticket)
			found = append(found, remembered(c, &r))
		}
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	slices.Reverse(found)
	i.incidents.mu.Lock()
	defer i.incidents.mu.Unlock()
	i.incidents.feed = end
	for _, r := range found {
		i.incidents.add(r)
	}
	return nil
}

// Circumstances are by what a ticket is compared with others, beside its words.
func Circumstances(c *city.City, of *store.Report) same.Report {
	r := same.Report{Category: of.Category, Region: town(c, of.Region), At: of.RegisteredAt}
	if path := c.Rules.CategoryPath(of.Category); len(path) > 1 {
		r.Above = path[len(path)-2]
	}
	r.Point, r.HasPoint = wgs84(c, of.Place)
	return r
}

// remembered is the report a stored ticket once was.
func remembered(c *city.City, of *store.Report) *report {
	r := &report{
		Report: Circumstances(c, of),
		ticket: of.Ticket, lead: leadOf(of.Ticket, of.Incident, of.State, of.Unit),
		words: words{text: cut(of.Title + "\n" + of.Text)}, done: make(chan struct{}),
	}
	close(r.done)
	r.sender = senderName(store.Sender{Phone: of.Phone, Channel: of.Channel, ChannelID: of.ChannelID}, of.Ticket.String())
	return r
}

// leadOf is the ticket whose work a ticket shares, its own when it leads; zero when there is
// nothing to share.
func leadOf(own, incident ticket.ID, state ticket.State, unit string) ticket.ID {
	switch {
	case state == ticket.StateMerged:
		return incident
	case state.Open() && unit != "":
		return own
	default:
		return ticket.ID{}
	}
}

// words are those by which a report is compared. Most never are, so they are taken apart when the
// first neighbour asks.
type words struct {
	once sync.Once
	text string
	set  text.Set
}

func (w *words) get() text.Set {
	w.once.Do(func() {
		w.set, w.text = text.NewSet(w.text), ""
	})
	return w.set
}

// cut keeps what is compared of a text, in memory of its own: it may be part of a body of a megabyte.
func cut(s string) string {
	runes := 0
	for at := range s {
		if runes++; runes > same.Most {
			return strings.Clone(s[:at])
		}
	}
	return strings.Clone(s)
}

// town is the region when it is small enough to be one place, else nothing: the same words from two
// ends of a district are two matters.
func town(c *city.City, region string) string {
	if r, ok := c.Rules.Region(region); !ok || r.Level == "city" || r.Level == "district" {
		return ""
	}
	return region
}

// newReport is a request as a report, by the facts already found.
func newReport(a admission, f *routing.Facts, now time.Time) *report {
	own := &report{
		Report: same.Report{Category: f.Category, Region: town(a.city, f.Region), At: now},
		sender: senderName(senderOf(a), a.channel.ID+":"+a.request.Key), words: words{text: cut(f.Text)}, done: make(chan struct{}),
	}
	own.Point, own.HasPoint = wgs84(a.city, a.request.Place)
	return own
}
