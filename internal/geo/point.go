package geo

import (
	"errors"
	"fmt"
	"math"
)

// Point is a place in degrees, WGS-84 unless said otherwise.
type Point struct {
	Lng float64 `json:"lng" yaml:"lng"`
	Lat float64 `json:"lat" yaml:"lat"`
}

// Box is a rectangle of degrees; its borders belong to it.
type Box struct {
	MinLng float64 `json:"min_lng" yaml:"min_lng"`
	MinLat float64 `json:"min_lat" yaml:"min_lat"`
	MaxLng float64 `json:"max_lng" yaml:"max_lng"`
	MaxLat float64 `json:"max_lat" yaml:"max_lat"`
}

// Contains reports that p lies in b or on its border.
func (b Box) Contains(p Point) bool {
	return b.MinLng <= p.Lng && p.Lng <= b.MaxLng && b.MinLat <= p.Lat && p.Lat <= b.MaxLat
}

// Errors of Check, to be told apart with errors.Is.
var (
	ErrOutsideWorld = errors.New("outside the world: longitude goes from -180 to 180, latitude from -90 to 90")
	ErrNullIsland   = errors.New("0,0 is what a device without a fix sends; leave the coordinates out instead")
)

// Check refuses what cannot be a place: not a number, outside the world (ErrOutsideWorld), or 0,0
// (ErrNullIsland; anything within about ten metres of it).
func Check(p Point) error {
	if !(math.Abs(p.Lng) <= 180 && math.Abs(p.Lat) <= 90) { // also catches NaN
		return fmt.Errorf("geo: longitude %v, latitude %v: %w", p.Lng, p.Lat, ErrOutsideWorld)
	}
	if math.Abs(p.Lng) < 1e-4 && math.Abs(p.Lat) < 1e-4 {
		return fmt.Errorf("geo: longitude %v, latitude %v: %w", p.Lng, p.Lat, ErrNullIsland)
	}
	return nil
}

// Guard is Check for senders that mix the order up. When the pair as given lies outside the city's
// box and the exchanged pair inside, it returns the exchanged pair and swapped = true. In every other
// case nothing is touched: a place outside the city may well be meant.
func Guard(p Point, city Box) (fixed Point, swapped bool, err error) {
	exchanged := Point{Lng: p.Lat, Lat: p.Lng}
	if !city.Contains(p) && city.Contains(exchanged) && Check(exchanged) == nil {
		return exchanged, true, nil
	}
	if err := Check(p); err != nil {
		return Point{}, false, err
	}
	return p, false, nil
}

// earthRadius is the mean radius of the IUGG, metres.
const earthRadius = 6371008.8

// Distance is the great-circle distance in metres (haversine; within 0.5 % of the ellipsoid).
func Distance(a, b Point) float64 {
	const rad = math.Pi / 180
	sinLat := math.Sin((b.Lat - a.Lat) * rad / 2)
	sinLng := math.Sin((b.Lng - a.Lng) * rad / 2)
	h := sinLat*sinLat + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*sinLng*sinLng
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

// Public rounds p to three decimals, about 100 metres: what the public may see of a citizen's place.
func (p Point) Public() Point {
	return Point{Lng: math.Round(p.Lng*1000) / 1000, Lat: math.Round(p.Lat*1000) / 1000}
}
