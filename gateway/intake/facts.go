package intake

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/ticket"
)

// locate finds where a request happened, by its coordinates, the channel's hint, its address or
// its words.
func locate(c *city.City, r *ticket.Request) routing.Location {
	p := routing.Place{Address: r.Place.Address, Text: r.Title + "\n" + r.Text, Hint: r.Region}
	if point, ok := wgs84(c, r.Place); ok {
		p.Lng, p.Lat, p.HasPoint = point.Lng, point.Lat, true
	}
	return c.Rules.Locate(p)
}

// wgs84 converts a place's coordinates; ok is false when there are none or they make no sense:
// then the request is routed by its words, and what was given stays on the ticket.
func wgs84(c *city.City, p ticket.Place) (geo.Point, bool) {
	if !p.HasPoint() {
		return geo.Point{}, false
	}
	fixed, _, err := geo.Guard(geo.Point{Lng: p.Lng, Lat: p.Lat}, c.Bounds)
	if err != nil {
		return geo.Point{}, false
	}
	point, err := geo.ToWGS84(fixed.Lng, fixed.Lat, geo.Datum(p.Datum))
	return point, err == nil
}

// facts is what routing sees of a request: with it, where that is and what the classifier said of it.
func facts(c *city.City, ch *city.Channel, r *ticket.Request, receivedAt time.Time) (routing.Facts, routing.Location, *ticket.Classified) {
	where := locate(c, r)
	about, said := c.Classifier.Complete(named(c, r), r.Title+"\n"+r.Text)
	f := routing.Facts{
		Channel: ch.ID, Line: ch.Line, Kind: r.Kind, Source: r.Source, Type: r.Type, Urgency: r.Urgency,
		Category: about, Region: where.Region, Areas: where.Areas, Tags: r.Tags,
		Text: r.Title + "\n" + r.Text, At: receivedAt,
	}
	if r.Call != nil && r.Call.Line != "" {
		f.Line = r.Call.Line
	}
	_, f.HasPoint = wgs84(c, r.Place)
	if f.Type == "" {
		if k, ok := c.Rules.Category(f.Category); ok {
			f.Type = ticket.RequestType(k.Type)
		}
	}
	f.Numbers = numbersOf(c, r, receivedAt)
	return f, where, nameless(said, r)
}

// nameless leaves out of what the classifier says the grams that are part of a name the request tells: a decision is
// kept in the clear.
func nameless(said *ticket.Classified, r *ticket.Request) *ticket.Classified {
	if said == nil {
		return nil
	}
	kept := *said
	kept.Grams = slices.DeleteFunc(slices.Clone(said.Grams), func(gram string) bool {
		for _, party := range []ticket.Party{r.Appellant, r.FiledBy, r.OtherParty} {
			for _, name := range []string{party.Name, party.Contact, party.Company} {
				if name != "" && (strings.Contains(name, gram) || strings.Contains(gram, name)) {
					return true
				}
			}
		}
		return false
	})
	return &kept
}

// named is the category that the channel's hint names when the pack knows it, else the one that the pack's
// keywords speak for.
func named(c *city.City, r *ticket.Request) string {
	if _, ok := c.Rules.Category(r.Category); ok {
		return r.Category
	}
	return c.Rules.Subject(r.Title + "\n" + r.Text)
}

// reportsNearby is the place of the number that the memory of happenings fills in.
var reportsNearby = slices.Index(routing.NumberFacts, "reports_nearby")

// numbersOf are the declared numbers in the order of routing.NumberFacts; NaN is unknown.
func numbersOf(c *city.City, r *ticket.Request, receivedAt time.Time) routing.Numbers {
	var n routing.Numbers
	for k, name := range routing.NumberFacts {
		switch name {
		case "reports_nearby":
			n[k] = 0 // counted when the happening is looked for
		case "hour":
			n[k] = float64(receivedAt.In(c.Zone).Hour())
		case "text_length":
			n[k] = float64(len([]rune(r.Text)))
		default:
			v, err := strconv.ParseFloat(r.Attributes[name], 64)
			if err != nil {
				v = math.NaN()
			}
			n[k] = v
		}
	}
	return n
}

// What of the facts came from the channel, as record notes it. Tickets from before it did have no note.
const (
	said         = "said" // a list of the four below
	saidCategory = "category"
	saidRegion   = "region"
	saidType     = "type"
	saidTitle    = "title"
)

// record is how the facts that are not fields of a ticket are kept with it.
func record(r *ticket.Request, f *routing.Facts) map[string]string {
	m := map[string]string{said: "-"} // noted, also when it named nothing
	for _, fact := range []struct {
		name  string
		named bool
	}{
		{saidCategory, r.Category != "" && r.Category == f.Category},
		{saidRegion, r.Region != "" && r.Region == f.Region},
		{saidType, r.Type != ""},
		{saidTitle, strings.TrimSpace(r.Title) != ""},
	} {
		if fact.named {
			m[said] += " " + fact.name
		}
	}
	put := func(k, v string) {
		if v != "" {
			m[k] = v
		}
	}
	put("line", f.Line)
	put("areas", strings.Join(f.Areas, " "))
	put("given_urgency", string(f.Urgency))
	put("given_tags", strings.Join(f.Tags, " "))
	if f.HasPoint {
		m["has_point"] = "true"
	}
	for k, v := range f.Numbers {
		if !math.IsNaN(v) {
			m[routing.NumberFacts[k]] = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return m
}

// FactsOf gives back the facts a ticket was decided by, so that the same function can explain it.
func FactsOf(t *ticket.Ticket) routing.Facts {
	f := routing.Facts{
		Channel: t.Channel, Line: t.Facts["line"], Kind: t.Kind, Source: t.Source, Type: t.Type,
		Urgency: ticket.Urgency(t.Facts["given_urgency"]), Category: t.Category, Region: t.Region,
		Areas: strings.Fields(t.Facts["areas"]), HasPoint: t.Facts["has_point"] == "true",
		Tags: strings.Fields(t.Facts["given_tags"]), Text: SaidTitle(t) + "\n" + t.Private.Text, At: t.ReceivedAt,
	}
	if f.Type == ticket.TypeOther && t.Facts[said] != "" && !wasSaid(t, saidType) {
		f.Type = "" // kept as other, for a ticket has some type; routing saw none
	}
	for k, name := range routing.NumberFacts {
		v, err := strconv.ParseFloat(t.Facts[name], 64)
		if err != nil {
			v = math.NaN()
		}
		f.Numbers[k] = v
	}
	return f
}

// SaidTitle is the title the request came with; routing saw none where a ticket has one of its own making.
func SaidTitle(t *ticket.Ticket) string {
	if t.Facts[said] != "" && !wasSaid(t, saidTitle) || t.Facts[said] == "" && t.Private.Title == title(&ticket.Request{Text: t.Private.Text}) {
		return ""
	}
	return t.Private.Title
}

// Hints are the category, region and type that the channel named. known is false for tickets from before that
// was noted.
func Hints(t *ticket.Ticket) (category, region string, typ ticket.RequestType, known bool) {
	if wasSaid(t, saidCategory) {
		category = t.Category
	}
	if wasSaid(t, saidRegion) {
		region = t.Region
	}
	if wasSaid(t, saidType) {
		typ = t.Type
	}
	return category, region, typ, t.Facts[said] != ""
}

// wasSaid reports whether the channel named a fact.
func wasSaid(t *ticket.Ticket, fact string) bool {
	return slices.Contains(strings.Fields(t.Facts[said]), fact)
}
