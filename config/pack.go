package config

import (
	"reflect"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/internal/classify"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// Pack is a city as its files describe it, checked and compiled. It is not changed after [Load].
type Pack struct {
	City       City
	Units      []routing.Unit
	Categories []routing.Category
	Regions    []routing.Region
	Areas      []routing.Area
	Catalogue  []routing.Row
	Rules      []routing.Rule
	Policies   []sla.Policy
	Calendars  []sla.CalendarSpec
	Channels   []Channel
	Notices    *paging.Plan
	Roster     *duty.Roster
	AlertRules duty.Rules
	Retention  []Retention
	Reasons    []Reason
	Texts      map[string]string // as the pack gives them; [Pack.Text] knows the defaults
	Tests      []Test

	Hash  string            // SHA-256 in hex over Files: what the pack is stored under
	Files map[string][]byte // the pack as it was read, by path

	Ruleset    *routing.Ruleset
	PolicySet  *sla.PolicySet
	Calendar   *sla.Calendar        // the city's own
	Classifier *classify.Classifier // nil: the pack has none

	calendars []*sla.Calendar
}

// City is city.yaml: who the city is and what holds for all of it.
type City struct {
	ID            string    `yaml:"id" validate:"required,id"`
	Name          string    `yaml:"name" validate:"required"`
	Title         string    `yaml:"title" validate:"required"`         // of the hotline
	Code          string    `yaml:"code" validate:"required,digits"`   // division code of the city's region
	Prefix        string    `yaml:"prefix" validate:"required,prefix"` // letters of public numbers
	Zone          string    `yaml:"zone" validate:"required"`          // IANA name
	Bounds        Bounds    `yaml:"bounds" validate:"required"`
	AreaCode      string    `yaml:"area_code" validate:"required,digits"` // of telephone numbers without one
	DefaultPolicy string    `yaml:"default_policy" validate:"required"`
	Calendar      string    `yaml:"calendar" validate:"required"`
	StormDay      *StormDay `yaml:"storm_day"` // nil: the pack has no demonstration
	AllowHosts    []string  `yaml:"allow_hosts" validate:"dive,host"`

	Location *time.Location `yaml:"-" validate:"-"` // of Zone
}

// Bounds is the box the city lies in, WGS-84 degrees; it finds swapped coordinates.
type Bounds struct {
	West  float64 `yaml:"west" validate:"required,min=-180,max=180"`
	South float64 `yaml:"south" validate:"required,min=-90,max=90"`
	East  float64 `yaml:"east" validate:"required,max=180,gtfield=West"`
	North float64 `yaml:"north" validate:"required,max=90,gtfield=South"`
}

// Box is the box in the form of internal/geo.
func (b Bounds) Box() geo.Box {
	return geo.Box{MinLng: b.West, MinLat: b.South, MaxLng: b.East, MaxLat: b.North}
}

// sound reports whether the box encloses anything.
func (b Bounds) sound() bool { return b.East > b.West && b.North > b.South }

// StormDay is when the demonstration's clock begins.
type StormDay struct {
	Date  string `yaml:"date" validate:"required,date"`
	Clock string `yaml:"clock" validate:"required,clock"`
}

// At is the moment in the city's zone.
func (d StormDay) At(zone *time.Location) time.Time {
	day, _ := time.ParseInLocation(time.DateOnly, d.Date, zone) // the form was checked
	return wall(day, minuteOfDay(d.Clock))
}

// Channel is one way requests come in: an adapter with settings.
type Channel struct {
	ID       string             `yaml:"id" validate:"required,id"`
	Title    string             `yaml:"title" validate:"required"`
	Adapter  string             `yaml:"adapter" validate:"required"`
	Source   ticket.SourceClass `yaml:"source" validate:"required,oneof=citizen field machine exchange"`
	Line     string             `yaml:"line" validate:"omitempty,line"` // hotline number it stands for
	Datum    ticket.Datum       `yaml:"datum" validate:"omitempty,oneof=wgs84 gcj02 bd09"`
	Region   string             `yaml:"region"` // of every request, when the channel belongs to one place
	Kind     ticket.Kind        `yaml:"kind" validate:"omitempty,oneof=case message update media transcript receipt alarm clear"`
	Example  bool               `yaml:"example"`  // the line's name is invented
	Training bool               `yaml:"training"` // 演练: what comes by it never leaves the gateway
	Enabled  *bool              `yaml:"enabled"`  // nil: yes; see On
	Rate     Rate               `yaml:"rate"`
	Settings Settings           `yaml:"settings" validate:"-"`
	At       routing.Source     `yaml:"-" validate:"-"`
}

// Rate bounds what a channel may send; zero means no limit of its own.
type Rate struct {
	PerMinute int `yaml:"per_minute" validate:"min=0,max=1000000"`
}

// On reports whether the channel takes deliveries.
func (c Channel) On() bool { return c.Enabled == nil || *c.Enabled }

// Problem locates what an adapter said of the channel's settings. Problems that already know
// their place keep it.
func (c Channel) Problem(err error) Problems {
	var ps Problems
	if ps = ps.Merge(err); len(ps) == 1 && ps[0].File == "" {
		ps[0] = Problem{c.At.File, c.At.Line, label("channel", c.ID) + ": " + ps[0].Text}
	}
	return ps
}

// ForAdapter is what the channel's adapter may know of it.
func (p *Pack) ForAdapter(c Channel) adapters.Channel {
	return adapters.Channel{
		ID: c.ID, Title: c.Title, Source: c.Source, Datum: c.Datum, Region: c.Region, Kind: c.Kind,
		Line: c.Line, Zone: p.City.Location, NumberPrefix: p.City.Prefix,
	}
}

// Settings is a channel's own part of the pack: a node of the file that only its adapter can read.
type Settings struct {
	file  string
	line  int
	node  ast.Node
	shape *shape
}

var _ adapters.Settings = Settings{}

// Decode fills the struct that into points to and checks its validate tags. Keys that are left
// out keep what into held. The error is [Problems]: unknown keys, wrong types and values, each
// with its file and line.
func (s Settings) Decode(into any) error {
	d := decoder{file: s.file}
	if err := d.root(s.node, into); err != nil {
		return err
	}
	if s.shape != nil && reflect.TypeOf(into).Elem().Kind() == reflect.Struct {
		d.judge(s.shape, into, func(path string) int { return max(s.line, find(s.node, path)) })
	}
	return d.problems.err()
}

// ClassifierSpec is classifier.yaml: the trained model that names categories where the channel and the keywords do not.
type ClassifierSpec struct {
	Model     string  `yaml:"model" validate:"required,model"`         // file beside classifier.yaml
	Precision float64 `yaml:"precision" validate:"required,gt=0,lt=1"` // wanted of the categories it fills in
}

// Retention says how long one class of data is kept.
type Retention struct {
	Class string         `yaml:"class" validate:"required,oneof=ticket raw recording media access_log event"`
	Days  int            `yaml:"days" validate:"required,min=1,max=36500"`
	Basis string         `yaml:"basis" validate:"required"`
	At    routing.Source `yaml:"-" validate:"-"`
}

// RetentionClasses lists the classes of data; a pack says of each how long it is kept.
var RetentionClasses = []string{"ticket", "raw", "recording", "media", "access_log", "event"}

// Reason is a coded reason that a person gives for a command, or a rule for triage.
type Reason struct {
	Code   string   `yaml:"code" validate:"required,id"`
	Title  string   `yaml:"title" validate:"required"`
	For    []string `yaml:"for" validate:"required,min=1,unique,dive,oneof=return object pause extend refuse decline reopen triage transfer reveal arbitrate supervise terminate merge withdraw hold release move resolve close"`
	Basis  string   `yaml:"basis"`
	Advice string   `yaml:"advice"` // what the citizen is told
	// Evidence: a pause, extension or end is asked for by this reason only with an attachment that proves it.
	Evidence bool `yaml:"evidence"`

	At routing.Source `yaml:"-" validate:"-"`
}

// Words the structs of other packages may use.
var (
	postRoles   = []string{"handler", "head", "deputy", "duty", "supervision"}
	ladderRoles = append([]string{"citizen"}, postRoles...)
)

// DutyUnit is the unit of the duty desk: the first of kind centre, "" when there is none.
func (p *Pack) DutyUnit() string {
	for _, u := range p.Units {
		if u.Kind == "centre" {
			return u.ID
		}
	}
	return ""
}

// CalendarByID is a calendar by its name: the newest version of an id, or the one of id@version; nil when the pack has none.
func (p *Pack) CalendarByID(name string) *sla.Calendar { return sla.Named(p.calendars, name) }

// NewestCalendars are the newest versions of the pack's calendars, by id.
func (p *Pack) NewestCalendars() []*sla.Calendar {
	var newest []*sla.Calendar
	for _, c := range p.calendars {
		if sla.Named(p.calendars, c.ID()) == c {
			newest = append(newest, c)
		}
	}
	return newest
}
