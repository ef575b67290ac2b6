package desk

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/same"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Similar is a ticket that may be about the same matter as another, with what speaks for it.
type Similar struct {
	Ticket   Summary  `json:"ticket"`
	Score    float64  `json:"score"`           // 0 … 1
	Words    []string `json:"words,omitempty"` // in common, those that tell most first
	Names    []string `json:"names,omitempty"` // of places that both texts name
	Place    string   `json:"place"`
	Metres   *int     `json:"metres,omitempty"` // to 100 m where the viewer sees places no better
	Minutes  int      `json:"minutes"`          // between the two
	Category string   `json:"category"`
	Evidence string   `json:"evidence"` // the same in words
}

const (
	similarMost   = 20                  // tickets are shown
	similarLook   = 500                 // of a category or region are compared
	similarNamed  = 200                 // that hold the name of a place are compared
	similarNames  = 3                   // names of places are searched for
	similarPeriod = 30 * 24 * time.Hour // before and after, unless the names of places speak for a ticket
	similarWords  = 5                   // words in common are shown
)

// Similar lists the tickets that may be about the same matter as one, the likeliest first: by words, place, time and
// category, from same.Suggest on. Those that are set apart from it, follow the same incident or are confidential are left
// out, and so is all that the viewer does not see. The words shown, and those compared, are what the viewer may read.
func (d *Desk) Similar(ctx context.Context, v Viewer, number string) ([]Similar, error) {
	c, now := d.Live.Get(), d.Now()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return nil, err
	}
	if item.Confidential {
		if err := d.log(ctx, v, store.Access{What: "view", Ticket: item.ID, Fields: []string{"similar"}}); err != nil {
			return nil, err
		}
	}
	sight := v.sight(c)
	own := comparedOf(c, &item, sight)
	others, err := d.comparable(ctx, c, v, &own, now)
	if err != nil {
		return nil, err
	}
	sets := []text.Set{own.report.Words}
	for i := range others {
		sets = append(sets, others[i].report.Words)
	}
	telling := same.NewTelling(sets...)
	telling.Weigh(&own.report)
	var list []Similar
	found := map[string]*compared{}
	for i := range others {
		o := &others[i]
		telling.Weigh(&o.report)
		s := same.Compare(&own.report, &o.report)
		if s.Value < same.Suggest {
			continue
		}
		row := Similar{
			Ticket: d.summary(c, &o.item, sight, now), Score: math.Round(s.Value*100) / 100, Names: s.Names, Place: s.Place.String(),
			Metres: sight.metres(s.Metres), Minutes: int(s.Apart.Minutes()), Category: s.Category.String(),
		}
		list, found[row.Ticket.Number] = append(list, row), o
	}
	slices.SortFunc(list, func(a, b Similar) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), b.Ticket.RegisteredAt.Compare(a.Ticket.RegisteredAt), cmp.Compare(b.Ticket.Number, a.Ticket.Number))
	})
	list = list[:min(len(list), similarMost)]
	for i := range list {
		list[i].Words = same.Common(own.words, found[list[i].Ticket.Number].words, similarWords, telling)
		list[i].Evidence = similarEvidence(&list[i])
	}
	return list, nil
}

// compared is a ticket with what it is compared by, as a viewer may read it.
type compared struct {
	item   store.Item
	words  string
	report same.Report
}

func comparedOf(c *city.City, item *store.Item, sight Sight) compared {
	p := &item.Private
	r, words := store.ReportOf(&item.Ticket), []rune(sight.words(p, p.Title+"\n"+p.Text)) // masked first: half a number is not known as one
	out := compared{item: *item, words: string(words[:min(len(words), same.Most)]), report: intake.Circumstances(c, &r)}
	out.report.At = item.ReceivedAt // an archive is registered long after
	out.report.Words = text.NewSet(out.words)
	out.report.Names = slices.DeleteFunc(same.Names(out.words), func(name string) bool {
		return slices.ContainsFunc(c.Rules.RegionPath(item.Region), func(id string) bool {
			r, _ := c.Rules.Region(id)
			return r.Name == name // the region says it already
		})
	})
	return out
}

// comparable reads the tickets that one may be like, in the viewer's scope.
func (d *Desk) comparable(ctx context.Context, c *city.City, v Viewer, own *compared, now time.Time) ([]compared, error) {
	t := &own.item.Ticket
	base, some, err := d.filter(ctx, c, v, Query{
		States: slices.DeleteFunc(slices.Clone(ticket.States), func(s ticket.State) bool { return s == ticket.StateMerged }), Historic: true,
	}, now)
	if err != nil || !some {
		return nil, err
	}
	filters, err := d.lookedThrough(ctx, c, base, own)
	if err != nil {
		return nil, err
	}
	var list []compared
	seen := map[ticket.ID]bool{t.ID: true}
	for _, f := range filters {
		page, err := d.Store.Tickets(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			other := &page.Items[i]
			if !seen[other.ID] && !other.Confidential && !other.Quarantined && v.sees(c, &other.Ticket) &&
				other.ID != t.Incident && !t.SetApart(other.ID) && !other.SetApart(t.ID) {
				list = append(list, comparedOf(c, other, v.sight(c)))
			}
			seen[other.ID] = true
		}
	}
	return list, nil
}

// lookedThrough are the lists in which a ticket's like may stand: those of its category and the ones beside it, those
// of its town, and those whose text names the same places.
func (d *Desk) lookedThrough(ctx context.Context, c *city.City, base store.Filter, own *compared) ([]store.Filter, error) {
	r, at := &own.report, own.item.RegisteredAt
	period := base
	period.From, period.To, period.Limit = at.Add(-similarPeriod), at.Add(similarPeriod), similarLook
	var filters []store.Filter
	if top := cmp.Or(r.Above, r.Category); top != "" {
		f := period
		f.Categories = subtree(top, c.Rules.ChildCategories)
		filters = append(filters, f)
	}
	if r.Region != "" && (len(period.Regions) == 0 || slices.Contains(period.Regions, r.Region)) {
		f := period
		f.Regions = []string{r.Region}
		filters = append(filters, f)
	}
	for _, name := range r.Names[:min(len(r.Names), similarNames)] {
		ids, err := d.Index.Find(ctx, name, similarNamed)
		if err != nil {
			return nil, err
		}
		if len(ids) > 0 {
			f := base
			f.IDs, f.Limit = ids, similarNamed
			filters = append(filters, f)
		}
	}
	return filters, nil
}

// metres is a distance as far as the viewer may know where either end is; nil when there is none to tell.
func (s Sight) metres(m float64) *int {
	if m < 0 || s == SightNone {
		return nil
	}
	round := int(math.Round(m))
	if s == SightMasked {
		round = int(math.Ceil(m/100)) * 100
	}
	return &round
}
