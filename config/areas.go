package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/routing"
)

// areaProperties are the properties an area may have.
type areaProperties struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Region    string    `json:"region"`
	Datum     geo.Datum `json:"datum"`
	Schematic bool      `json:"schematic"` // 示意: drawn by hand, until surveyed borders replace it
	Basis     string    `json:"basis"`
}

// readAreas reads areas/*.geojson and converts every point to WGS-84.
func (l *loader) readAreas(bounds Bounds) []routing.Area {
	var areas []routing.Area
	for _, file := range slices.Sorted(maps.Keys(l.files)) {
		if s := sectionOf(file); s == nil || s.name != "areas" {
			continue
		}
		datum, err := datumOf(l.files[file])
		if err != nil {
			l.broken["areas"] = true
			l.add(file, 1, "%v", err)
			continue
		}
		err = eachFeature(l.files[file], func(line int, raw json.RawMessage) {
			if a, ok := l.area(file, line, raw, datum, bounds); ok {
				areas = append(areas, a)
			}
		})
		if err != nil {
			l.broken["areas"] = true
			l.add(file, jsonLine(l.files[file], err), "is not a GeoJSON FeatureCollection: %v; check it in a map editor", err)
		}
	}
	return areas
}

// datumOf is the datum a file declares for its areas: by a member "datum", by the "crs" of the GeoJSON
// of 2008, else WGS-84, as RFC 7946 says. What is no JSON is eachFeature's to report.
func datumOf(content []byte) (geo.Datum, error) {
	var file struct {
		Datum string `json:"datum"`
		CRS   struct {
			Properties struct {
				Name string `json:"name"`
			} `json:"properties"`
		} `json:"crs"`
	}
	_ = json.Unmarshal(content, &file) // a wrong type leaves the field empty
	if file.Datum != "" {
		return geo.ParseDatum(file.Datum)
	}
	name := file.CRS.Properties.Name
	if name == "" {
		return geo.WGS84, nil
	}
	if urn := strings.Split(name, ":"); len(urn) > 2 { // urn:ogc:def:crs:EPSG::4326
		name = strings.TrimPrefix("EPSG:"+urn[len(urn)-1], "EPSG:CRS")
		if strings.HasSuffix(urn[len(urn)-1], "84") {
			name = "crs84"
		}
	}
	datum, err := geo.ParseDatum(name)
	if err != nil {
		return "", fmt.Errorf("crs %q is not known; convert the file to WGS-84 and leave crs out", file.CRS.Properties.Name)
	}
	return datum, nil
}

// eachFeature visits the features of a collection with the line each begins on.
func eachFeature(content []byte, visit func(line int, raw json.RawMessage)) error {
	dec := json.NewDecoder(bytes.NewReader(content))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("it must hold one object"), err)
	}
	kind, listed, line, counted := "", false, 1, 0
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if key != "features" {
			var value any
			if err := dec.Decode(&value); err != nil {
				return err
			}
			if key == "type" {
				kind, _ = value.(string)
			}
			continue
		}
		if t, err := dec.Token(); err != nil || t != json.Delim('[') {
			return errors.Join(errors.New("features must be a list"), err)
		}
		listed = true
		for dec.More() {
			begin := int(dec.InputOffset())
			begin += bytes.IndexFunc(content[begin:], func(r rune) bool { return !strings.ContainsRune(", \t\r\n", r) })
			line += bytes.Count(content[counted:begin], []byte{'\n'})
			counted = begin
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				return err
			}
			visit(line, raw)
		}
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	if kind != "FeatureCollection" || !listed {
		return errors.New(`it must have the type "FeatureCollection" and a list "features"`)
	}
	return nil
}

// area reads one feature. What makes a polygon sound is internal/geo's to say.
func (l *loader) area(file string, line int, raw json.RawMessage, datum geo.Datum, bounds Bounds) (routing.Area, bool) {
	wrong := func(format string, args ...any) (routing.Area, bool) {
		l.add(file, line, format, args...)
		return routing.Area{}, false
	}
	var f struct {
		Properties json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return wrong("feature: cannot be read: %v; see RFC 7946", err)
	}
	var p areaProperties
	if err := strictJSON(f.Properties, &p); err != nil {
		return wrong("feature: properties cannot be read: %v; known are id, name, region, datum, schematic, basis", err)
	}
	name := label("area", p.ID)
	if p.ID == "" || p.Name == "" {
		return wrong("%s: properties lack id or name; give both", name)
	}
	options := geo.GeoJSONOptions{Datum: cmp.Or(p.Datum, datum), IDProperty: "id"}
	if bounds.sound() {
		options.Within = bounds.Box()
	}
	features, err := geo.ParseGeoJSON(slices.Concat([]byte(`{"type":"FeatureCollection","features":[`), raw, []byte("]}")), options)
	if err == nil {
		_, err = geo.Build(features)
	}
	if err != nil {
		return wrong("%s: %s", name, strings.TrimPrefix(err.Error(), fmt.Sprintf("geo: feature 1 (%q): ", p.ID)))
	}
	a := routing.Area{ID: p.ID, Name: p.Name, Region: p.Region, Source: routing.Source{File: file, Line: line}}
	for i, polygon := range features[0].Polygons {
		if rings := ringsOf(polygon); i == 0 {
			a.Rings = rings
		} else {
			a.More = append(a.More, rings)
		}
	}
	return a, true
}

func ringsOf(polygon orb.Polygon) [][][2]float64 {
	rings := make([][][2]float64, len(polygon))
	for i, ring := range polygon {
		rings[i] = make([][2]float64, len(ring))
		for j, p := range ring {
			rings[i][j] = p
		}
	}
	return rings
}

func strictJSON(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// jsonLine is the line an error of the JSON library points at, 1 when it points nowhere.
func jsonLine(content []byte, err error) int {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return 1 + bytes.Count(content[:min(int(syntax.Offset), len(content))], []byte{'\n'})
	}
	return 1
}
