package geo

import (
	"fmt"
	"math"
	"strings"
)

// Datum names the system a pair of coordinates is written in.
type Datum string

// The datums met on Chinese channels.
const (
	WGS84 Datum = "wgs84" // GPS devices, Open311, GB/T 28181-2022; CGCS2000 differs by centimetres and is read as this
	GCJ02 Datum = "gcj02" // WeChat, Tencent, AMap, Alipay, DingTalk
	BD09  Datum = "bd09"  // Baidu
)

// ParseDatum reads a datum as channels and city packs write it: wgs84, WGS-84, EPSG:4326, cgcs2000,
// gcj02, GCJ-02, bd09, bd09ll; case, dashes and underscores do not matter.
func ParseDatum(s string) (Datum, error) {
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s)) {
	case "wgs84", "gps", "epsg:4326", "cgcs2000", "epsg:4490", "crs84":
		return WGS84, nil
	case "gcj02", "amap", "mars":
		return GCJ02, nil
	case "bd09", "bd09ll", "baidu":
		return BD09, nil
	}
	return "", fmt.Errorf("geo: unknown datum %q; write wgs84, gcj02 or bd09", s)
}

// UnmarshalText lets settings and packs name a datum in any of its spellings.
func (d *Datum) UnmarshalText(b []byte) error {
	parsed, err := ParseDatum(string(b))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// ToWGS84 converts a pair in degrees to WGS-84. Points outside China are not shifted by GCJ-02 and
// come back unchanged. It returns the errors of Check, and one for an unknown datum; an undeclared
// datum is never guessed.
func ToWGS84(lng, lat float64, from Datum) (Point, error) {
	p := Point{Lng: lng, Lat: lat}
	if err := Check(p); err != nil {
		return Point{}, err
	}
	switch from {
	case WGS84:
		return p, nil
	case GCJ02:
		return gcjToWGS(p), nil
	case BD09:
		return gcjToWGS(bdToGCJ(p)), nil
	}
	return Point{}, fmt.Errorf("geo: unknown datum %q; declare wgs84, gcj02 or bd09", string(from))
}

// FromWGS84 converts p to another datum, for maps that show it; the errors are those of ToWGS84.
func FromWGS84(p Point, to Datum) (Point, error) {
	if err := Check(p); err != nil {
		return Point{}, err
	}
	switch to {
	case WGS84:
		return p, nil
	case GCJ02:
		return wgsToGCJ(p), nil
	case BD09:
		return gcjToBD(wgsToGCJ(p)), nil
	}
	return Point{}, fmt.Errorf("geo: unknown datum %q; write wgs84, gcj02 or bd09", string(to))
}

// The GCJ-02 shift is a published formula on the Krasovsky 1940 ellipsoid; constants as in
// channels.md §16.
const (
	krasovskyA = 6378245.0              // semi-major axis, metres
	krasovskyE = 0.00669342162296594323 // first eccentricity squared
)

// chinaBox is where the shift applies. It holds Hong Kong, Macau and Taiwan too, where maps are not
// shifted in practice; a pack for those declares wgs84.
var chinaBox = Box{MinLng: 73.66, MinLat: 3.86, MaxLng: 135.05, MaxLat: 53.55}

func shifted(p Point) bool {
	return chinaBox.MinLng < p.Lng && p.Lng < chinaBox.MaxLng && chinaBox.MinLat < p.Lat && p.Lat < chinaBox.MaxLat
}

func wgsToGCJ(p Point) Point {
	if !shifted(p) {
		return p
	}
	d := gcjShift(p)
	return Point{Lng: p.Lng + d.Lng, Lat: p.Lat + d.Lat}
}

// gcjToWGS inverts the shift by fixed-point iteration: the shift changes by far less than the point
// does, so each round gains about three digits. One round alone is wrong by up to 2 metres.
func gcjToWGS(p Point) Point {
	if !shifted(p) {
		return p
	}
	w := p
	for range 8 {
		d := gcjShift(w)
		next := Point{Lng: p.Lng - d.Lng, Lat: p.Lat - d.Lat}
		done := math.Abs(next.Lng-w.Lng) < 1e-11 && math.Abs(next.Lat-w.Lat) < 1e-11
		w = next
		if done {
			break
		}
	}
	return w
}

// gcjShift is the offset, in degrees, that GCJ-02 adds at WGS-84 point p.
func gcjShift(p Point) Point {
	x, y := p.Lng-105, p.Lat-35
	root := math.Sqrt(math.Abs(x))
	waves := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3
	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*root + waves +
		(20*math.Sin(y*math.Pi)+40*math.Sin(y/3*math.Pi))*2/3 +
		(160*math.Sin(y/12*math.Pi)+320*math.Sin(y*math.Pi/30))*2/3
	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*root + waves +
		(20*math.Sin(x*math.Pi)+40*math.Sin(x/3*math.Pi))*2/3 +
		(150*math.Sin(x/12*math.Pi)+300*math.Sin(x/30*math.Pi))*2/3

	phi := p.Lat / 180 * math.Pi
	magic := 1 - krasovskyE*math.Sin(phi)*math.Sin(phi)
	meridian := krasovskyA * (1 - krasovskyE) / (magic * math.Sqrt(magic))
	parallel := krasovskyA / math.Sqrt(magic) * math.Cos(phi)
	return Point{Lng: east * 180 / (parallel * math.Pi), Lat: north * 180 / (meridian * math.Pi)}
}

const bdPi = math.Pi * 3000 / 180

func gcjToBD(p Point) Point {
	z := math.Hypot(p.Lng, p.Lat) + 2e-5*math.Sin(p.Lat*bdPi)
	theta := math.Atan2(p.Lat, p.Lng) + 3e-6*math.Cos(p.Lng*bdPi)
	return Point{Lng: z*math.Cos(theta) + 0.0065, Lat: z*math.Sin(theta) + 0.006}
}

// bdToGCJ starts from the published inverse, which is off by up to a few decimetres, and corrects it
// until gcjToBD gives p back.
func bdToGCJ(p Point) Point {
	x, y := p.Lng-0.0065, p.Lat-0.006
	z := math.Hypot(x, y) - 2e-5*math.Sin(y*bdPi)
	theta := math.Atan2(y, x) - 3e-6*math.Cos(x*bdPi)
	g := Point{Lng: z * math.Cos(theta), Lat: z * math.Sin(theta)}
	for range 8 {
		b := gcjToBD(g)
		dLng, dLat := p.Lng-b.Lng, p.Lat-b.Lat
		g.Lng += dLng
		g.Lat += dLat
		if math.Abs(dLng) < 1e-11 && math.Abs(dLat) < 1e-11 {
			break
		}
	}
	return g
}
