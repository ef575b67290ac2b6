// Package same measures how far two reports speak of one happening: by their words, by where and when it was, and by
// what it is about. It gives one number and the evidence it is made of. Two limits stand on that number: from Join on
// a report joins an incident by itself, from Suggest on a person is shown that two tickets may be one matter.
//
// It is pure: no I/O, no clock, no state.
package same

import (
	"math"
	"time"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
)

// Report is of a report what it is compared by. Parts that are not known stay empty and speak neither way.
type Report struct {
	Words text.Set // of title and text
	// Names are those of places in the text, as Names finds them. They count only while a point is missing, and never
	// for joining: whoever joins reports leaves them out, for all gates of a street share its name.
	Names    []string
	weights  *weights  // nil: all words and names weigh alike
	Point    geo.Point // WGS-84
	HasPoint bool
	Region   string // one small enough to be one place: a town, a street
	Category string
	Above    string // the category above Category
	At       time.Time
}

// Place says how the places of two reports lie to each other.
type Place int

// The relations of two places.
const (
	PlaceUnknown Place = iota // of one of them nothing is known
	Spot                      // at most SpotRadius apart: the same gate, the same crossing
	Near                      // at most NearRadius apart
	Far                       // further
	Region                    // the same town or street; no more is known
)

// Category says how the categories of two reports lie to each other.
type Category int

// The relations of two categories.
const (
	CategoryUnknown Category = iota // one of them has none
	SameCategory                    // one and the same
	Related                         // siblings, or one below the other
	OtherCategory
)

// String is the relation as the API names it.
func (p Place) String() string { return [...]string{"unknown", "spot", "near", "far", "region"}[p] }

// String is the relation as the API names it.
func (c Category) String() string { return [...]string{"unknown", "same", "related", "other"}[c] }

// How far apart, in metres and in time, reports of one happening lie.
const (
	SpotRadius = 80.0
	NearRadius = 300.0
	// Window is how long one happening is reported; what lies further apart counts less and less.
	Window = 6 * time.Hour
	// fade is when time no longer speaks for two reports.
	fade = 365 * 24 * time.Hour
)

// What each piece of evidence is worth at most. Words, spot, time and category add up to 1; near, region and names stand in
// the spot's place.
const (
	worthWords    = 0.5
	worthSpot     = 0.4
	worthNear     = 0.065
	worthFar      = -0.3
	worthRegion   = 0.065
	worthNames    = 0.12
	worthTime     = 0.06
	worthCategory = 0.04
	worthOther    = -0.45
)

// Limits of Score.Value. With the same category and within Window they mean, in similarity of words: Join 0.05 at one
// spot, 0.8 nearby or in one small region; JoinEveryday 0.3 at one spot, and nowhere else.
const (
	// Join is from where on two citizens' reports are one happening, whose work is shared without asking.
	Join = 0.611
	// JoinEveryday is the same for matters nobody calls urgent: neighbours have wages and fees of their own.
	JoinEveryday = 0.773
	// Suggest is from where on a person is shown the other ticket. It was chosen on real messages: see docs/intake.md.
	Suggest = 0.285
)

// Score is how far two reports speak of one happening, with the evidence.
type Score struct {
	Value    float64 // 0 … 1
	Words    float64 // similarity of the words, 0 … 1
	Place    Place
	Metres   float64       // between the points; negative when one is missing
	Names    []string      // of places that both texts name; empty when both points are known
	Apart    time.Duration // between the reports, never negative
	Category Category
}

// Compare measures two reports; the order makes no difference. Words and names weigh as much as a Telling gave them,
// when one has weighed both reports, else alike.
func Compare(a, b *Report) Score {
	s := Score{Words: similarity(a, b), Apart: a.At.Sub(b.At).Abs(), Category: categories(a, b)}
	s.Place, s.Metres = places(a, b)
	value := worthWords*math.Sqrt(s.Words) + beside(s.Place, s.Category, s.Apart)
	if s.Metres < 0 {
		var most float64
		s.Names, most = names(a, b)
		value += worthNames * most
	}
	s.Value = min(max(value, 0), 1)
	return s
}

// Needed is the similarity of words, all weighed alike, from which the score of two reports without names reaches a
// limit, when their places lie as Between says. 0 or less means that it does so whatever they say, more than 1 that it
// never does. It needs no words: those who compare many reports take apart only the words that can decide.
func Needed(a, b *Report, between Place, limit float64) float64 {
	root := (limit - beside(between, categories(a, b), a.At.Sub(b.At).Abs())) / worthWords
	return root * math.Abs(root)
}

// Between says how the places of two reports lie to each other.
func Between(a, b *Report) Place {
	p, _ := places(a, b)
	return p
}

// beside is what the circumstances beside the words are worth.
func beside(p Place, c Category, apart time.Duration) float64 {
	value := worthTime * closeness(apart)
	switch p {
	case Spot:
		value += worthSpot
	case Near:
		value += worthNear
	case Far:
		value += worthFar
	case Region:
		value += worthRegion
	case PlaceUnknown:
	}
	switch c {
	case SameCategory:
		value += worthCategory
	case OtherCategory:
		value += worthOther
	case Related, CategoryUnknown:
	}
	return value
}

// closeness is 1 within Window and falls with the logarithm of the time to 0 at fade.
func closeness(apart time.Duration) float64 {
	switch {
	case apart <= Window:
		return 1
	case apart >= fade:
		return 0
	}
	return 1 - math.Log(float64(apart)/float64(Window))/math.Log(float64(fade)/float64(Window))
}

func places(a, b *Report) (p Place, metres float64) {
	if a.HasPoint && b.HasPoint {
		switch metres = geo.Distance(a.Point, b.Point); {
		case metres <= SpotRadius:
			return Spot, metres
		case metres <= NearRadius:
			return Near, metres
		}
		return Far, metres
	}
	if a.Region != "" && a.Region == b.Region {
		return Region, -1
	}
	return PlaceUnknown, -1
}

func categories(a, b *Report) Category {
	switch {
	case a.Category == "" || b.Category == "":
		return CategoryUnknown
	case a.Category == b.Category:
		return SameCategory
	case a.Above != "" && (a.Above == b.Above || a.Above == b.Category), b.Above != "" && b.Above == a.Category:
		return Related
	}
	return OtherCategory
}
