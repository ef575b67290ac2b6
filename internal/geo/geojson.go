package geo

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paulmach/orb"
)

// GeoJSONOptions says how a file of areas is to be read.
type GeoJSONOptions struct { //nolint:revive // GeoJSON is the name of the format (RFC 7946), not a stutter
	// Datum of the coordinates, required: GeoJSON says WGS-84, files drawn on Chinese maps are not.
	Datum Datum
	// IDProperty is the property that holds the id; empty means the feature's own "id" member.
	IDProperty string
	// Within is the box the areas must lie in (WGS-84), to catch swapped and foreign coordinates.
	// The zero Box checks nothing.
	Within Box
}

// LoadGeoJSON reads a FeatureCollection (RFC 7946) of Polygons and MultiPolygons and indexes it. All
// faults are reported at once, each naming its feature; see Build. Altitudes are ignored. The caller
// bounds the size of data.
func LoadGeoJSON(data []byte, opts GeoJSONOptions) (*Index, error) {
	features, err := ParseGeoJSON(data, opts)
	if err != nil {
		return nil, err
	}
	return Build(features)
}

type wireCollection struct {
	Type     string        `json:"type"`
	Features []wireFeature `json:"features"`
}

type wireFeature struct {
	Type       string                     `json:"type"`
	ID         json.RawMessage            `json:"id"`
	Properties map[string]json.RawMessage `json:"properties"`
	Geometry   *struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

// ParseGeoJSON reads the features of a FeatureCollection without indexing them; rings are as they
// stand in the file, converted to WGS-84.
func ParseGeoJSON(data []byte, opts GeoJSONOptions) ([]Feature, error) {
	if opts.Datum == "" {
		return nil, errors.New("geo: the datum of the file is not declared; write wgs84, gcj02 or bd09")
	}
	var wire wireCollection
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, fmt.Errorf("geo: not GeoJSON: %w", err)
	}
	if wire.Type != "FeatureCollection" {
		return nil, fmt.Errorf("geo: type %q at the top; a FeatureCollection is expected", wire.Type)
	}
	features := make([]Feature, 0, len(wire.Features))
	var faults []error
	for i, w := range wire.Features {
		f, err := w.feature(opts)
		if err != nil {
			faults = append(faults, fmt.Errorf("geo: feature %d (%q): %w", i+1, f.ID, err))
			continue
		}
		features = append(features, f)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return features, nil
}

func (w wireFeature) feature(opts GeoJSONOptions) (Feature, error) {
	raw := w.ID
	if opts.IDProperty != "" {
		raw = w.Properties[opts.IDProperty]
	}
	id, err := idText(raw)
	f := Feature{ID: id}
	switch {
	case w.Type != "Feature":
		return f, fmt.Errorf("type %q; a Feature is expected", w.Type)
	case err != nil:
		return f, err
	case w.Geometry == nil:
		return f, errors.New("no geometry; give it a Polygon or remove it")
	}
	var polygons [][][][]float64
	switch w.Geometry.Type {
	case "Polygon":
		polygons = make([][][][]float64, 1)
		err = json.Unmarshal(w.Geometry.Coordinates, &polygons[0])
	case "MultiPolygon":
		err = json.Unmarshal(w.Geometry.Coordinates, &polygons)
	default:
		return f, fmt.Errorf("geometry %q; only Polygon and MultiPolygon have an inside", w.Geometry.Type)
	}
	if err != nil {
		return f, fmt.Errorf("coordinates are not those of a %s: %w", w.Geometry.Type, err)
	}
	for i, rings := range polygons {
		polygon := make(orb.Polygon, len(rings))
		for j, positions := range rings {
			if polygon[j], err = readRing(positions, opts); err != nil {
				return f, fmt.Errorf("polygon %d, ring %d: %w", i+1, j+1, err)
			}
		}
		f.Polygons = append(f.Polygons, polygon)
	}
	return f, nil
}

// idText reads an id that is a string or, as RFC 7946 allows, a number.
func idText(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", errors.New("no id; give it one, it is what rules and regions refer to")
	}
	if raw[0] == '"' {
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return "", errors.New("its id is neither a string nor a number")
	}
	return n.String(), nil
}

func readRing(positions [][]float64, opts GeoJSONOptions) (orb.Ring, error) {
	ring := make(orb.Ring, len(positions))
	for k, pos := range positions {
		if len(pos) < 2 {
			return nil, fmt.Errorf("position %d has %d numbers; write [longitude, latitude]", k+1, len(pos))
		}
		p, err := ToWGS84(pos[0], pos[1], opts.Datum)
		exchanged := Point{Lng: pos[1], Lat: pos[0]}
		switch {
		case err != nil && Check(exchanged) == nil,
			err == nil && opts.Within != (Box{}) && !opts.Within.Contains(p) && opts.Within.Contains(exchanged):
			return nil, fmt.Errorf("position %d [%v, %v] looks swapped; GeoJSON (RFC 7946) is [longitude, latitude]", k+1, pos[0], pos[1])
		case err != nil:
			return nil, fmt.Errorf("position %d: %w", k+1, err)
		case opts.Within != (Box{}) && !opts.Within.Contains(p):
			return nil, fmt.Errorf("position %d [%v, %v] lies outside the city's box; check the datum and the order", k+1, pos[0], pos[1])
		}
		ring[k] = orb.Point{p.Lng, p.Lat}
	}
	return ring, nil
}
