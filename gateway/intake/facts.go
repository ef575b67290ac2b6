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
	return f, where, said
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

// record is how the facts that are not fields of a ticket are kept with it.
func record(f *routing.Facts) map[string]string {
	m := map[string]string{}
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
		Tags: strings.Fields(t.Facts["given_tags"]), Text: t.Private.Title + "\n" + t.Private.Text, At: t.ReceivedAt,
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
