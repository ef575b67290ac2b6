package routing

import (
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Source is where in the pack something is written, so that errors and explanations can point at it.
type Source struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Unit is a body that can own a ticket (承办单位).
type Unit struct {
	ID         string   `yaml:"id" json:"id"`
	Name       string   `yaml:"name" json:"name"`
	Short      string   `yaml:"short,omitempty" json:"short,omitempty"`
	Kind       string   `yaml:"kind" json:"kind"` // one of UnitKinds
	Parent     string   `yaml:"parent,omitempty" json:"parent,omitempty"`
	Region     string   `yaml:"region,omitempty" json:"region,omitempty"` // the region it is the office of
	Posts      []Post   `yaml:"posts,omitempty" json:"posts,omitempty"`
	External   bool     `yaml:"external,omitempty" json:"external,omitempty"` // not government: gets the content without identity
	Hours      string   `yaml:"hours,omitempty" json:"hours,omitempty"`       // calendar of its own; empty: the city's
	Retired    string   `yaml:"retired,omitempty" json:"retired,omitempty"`   // date; open work must have gone to ReplacedBy
	ReplacedBy string   `yaml:"replaced_by,omitempty" json:"replaced_by,omitempty"`
	Phone      string   `yaml:"phone,omitempty" json:"phone,omitempty"`
	Notify     *Notify  `yaml:"notify,omitempty" json:"notify,omitempty"`
	Tags       []string `yaml:"tags,omitempty" json:"tags,omitempty"`
	Source     Source   `yaml:"-" json:"source,omitzero"`
}

// UnitKinds lists the kinds of units.
var UnitKinds = []string{"government", "centre", "bureau", "district", "street", "utility", "emergency", "justice", "volunteer"}

// Post is a position in a unit (岗位): what rosters and ladders name; users hold posts.
type Post struct {
	ID    string `yaml:"id" json:"id"`     // unique in the city: <unit>.<role>
	Role  string `yaml:"role" json:"role"` // handler, head, deputy, duty, supervision
	Title string `yaml:"title" json:"title"`
}

// Notify is how a unit's own system is told of its tickets.
type Notify struct {
	URL    string `yaml:"url" json:"url"`
	Secret string `yaml:"secret" json:"secret"` // reference: env:NAME or file:PATH
}

// Category is a node of the category tree (诉求分类).
type Category struct {
	ID          string   `yaml:"id" json:"id"`
	Name        string   `yaml:"name" json:"name"`
	Parent      string   `yaml:"parent,omitempty" json:"parent,omitempty"`
	Keywords    []string `yaml:"keywords,omitempty" json:"keywords,omitempty"` // leaves: words that speak for it
	Description string   `yaml:"description,omitempty" json:"description,omitempty"`
	Public      bool     `yaml:"public,omitempty" json:"public,omitempty"` // citizens may choose it (Open311)
	Type        string   `yaml:"type,omitempty" json:"type,omitempty"`     // usual request type
	Source      Source   `yaml:"-" json:"source,omitzero"`
}

// Region is a node of the region tree (区划/网格): city, district, street, community, grid.
type Region struct {
	ID     string   `yaml:"id" json:"id"` // division code
	Name   string   `yaml:"name" json:"name"`
	Short  []string `yaml:"short,omitempty" json:"short,omitempty"` // short names used in speech
	Parent string   `yaml:"parent,omitempty" json:"parent,omitempty"`
	Level  string   `yaml:"level" json:"level"`                       // city, district, street, community, grid
	Places []string `yaml:"places,omitempty" json:"places,omitempty"` // roads, landmarks, villages that lie in it alone
	// Crossings are pairs of roads that meet in it, 解放路与沂蒙路: neither road need lie in it alone.
	Crossings []string `yaml:"crossings,omitempty" json:"crossings,omitempty"`
	Roads     []Road   `yaml:"roads,omitempty" json:"roads,omitempty"` // roads it shares with other regions
	Source    Source   `yaml:"-" json:"source,omitzero"`
}

// Road is the stretch of a longer road that lies in a region.
type Road struct {
	Name string `yaml:"name" json:"name"`
	From int32  `yaml:"from,omitempty" json:"from,omitempty"` // house numbers, inclusive; 0 for open
	To   int32  `yaml:"to,omitempty" json:"to,omitempty"`
	Side string `yaml:"side,omitempty" json:"side,omitempty"` // odd or even; empty for both
}

// Area is a polygon that rules can name (片区). Regions may have one too: its ID is then the region's.
type Area struct {
	ID     string         `json:"id"`
	Name   string         `json:"name"`
	Region string         `json:"region,omitempty"` // the region whose border it is
	Rings  [][][2]float64 `json:"-"`                // WGS-84 lng, lat; first ring outer, the rest holes
	// More are the further polygons of an area of several parts, each like Rings.
	More   [][][][2]float64 `json:"-"`
	Source Source           `json:"source,omitzero"`
}

// Row is one row of the catalogue (派单目录): category × region → unit. The most specific row
// wins: the longest category path first, then the longest region path. Empty means any.
type Row struct {
	ID       string         `yaml:"id" json:"id"`
	Category string         `yaml:"category" json:"category"`
	Region   string         `yaml:"region,omitempty" json:"region,omitempty"`
	Unit     string         `yaml:"unit" json:"unit"` // a unit id, or @street, @district: the office of the place
	Assist   []string       `yaml:"assist,omitempty" json:"assist,omitempty"`
	Policy   string         `yaml:"policy,omitempty" json:"policy,omitempty"`
	Urgency  ticket.Urgency `yaml:"urgency,omitempty" json:"urgency,omitempty"`
	Source   Source         `yaml:"-" json:"source,omitzero"`
}

// Stage is a stage of the decision. Each is first match wins; later stages fill only what
// earlier ones left open.
type Stage string

// The stages in their order.
const (
	StageEmergency Stage = "emergency" // danger to life
	StageStatutory Stage = "statutory" // who must take it by law
	StageRules     Stage = "rules"     // the city's own
	StageCatalogue Stage = "catalogue" // category × region
	StageDefault   Stage = "default"   // first receiver 首接负责: the office of the place
	StageTriage    Stage = "triage"    // the duty desk
)

// Stages lists the stages in their order.
var Stages = []Stage{StageEmergency, StageStatutory, StageRules, StageCatalogue, StageDefault, StageTriage}

// Rule is what stands above the catalogue: when its condition holds, it sets what it names.
type Rule struct {
	ID     string    `yaml:"id" json:"id"`
	Title  string    `yaml:"title" json:"title"`
	Stage  Stage     `yaml:"stage" json:"stage"` // emergency, statutory, rules or default
	Basis  string    `yaml:"basis,omitempty" json:"basis,omitempty"`
	When   Condition `yaml:"when" json:"when"`
	Then   Action    `yaml:"then" json:"then"`
	Source Source    `yaml:"-" json:"source,omitzero"`
}

// Condition holds when every part that is given holds. It is finite and decidable on purpose:
// that is what makes explanation, counter-example and lint possible.
type Condition struct {
	Channel  []string             `yaml:"channel,omitempty" json:"channel,omitempty"`
	Line     []string             `yaml:"line,omitempty" json:"line,omitempty"` // hotline number the channel stands for
	Kind     []ticket.Kind        `yaml:"kind,omitempty" json:"kind,omitempty"`
	Source   []ticket.SourceClass `yaml:"source,omitempty" json:"source,omitempty"`
	Type     []ticket.RequestType `yaml:"type,omitempty" json:"type,omitempty"`
	Urgency  []ticket.Urgency     `yaml:"urgency,omitempty" json:"urgency,omitempty"`   // the request's own word, not what rules make of it
	Category []string             `yaml:"category,omitempty" json:"category,omitempty"` // subtrees
	Region   []string             `yaml:"region,omitempty" json:"region,omitempty"`     // subtrees
	Area     []string             `yaml:"area,omitempty" json:"area,omitempty"`         // inside one of these polygons
	Outside  []string             `yaml:"outside,omitempty" json:"outside,omitempty"`   // known to be inside none of these
	Tag      []string             `yaml:"tag,omitempty" json:"tag,omitempty"`
	Keywords *Keywords            `yaml:"keywords,omitempty" json:"keywords,omitempty"`
	Numbers  []Range              `yaml:"numbers,omitempty" json:"numbers,omitempty"`
	Window   *Window              `yaml:"window,omitempty" json:"window,omitempty"`
}

// Keywords is a set of words in title and text (folded: width, case, traditional).
// Masks are phrases whose occurrences do not count: 落水 inside 防落水栏杆.
type Keywords struct {
	Any  []string `yaml:"any,omitempty" json:"any,omitempty"`
	All  []string `yaml:"all,omitempty" json:"all,omitempty"`
	None []string `yaml:"none,omitempty" json:"none,omitempty"`
	Mask []string `yaml:"mask,omitempty" json:"mask,omitempty"`
}

// Range bounds a number among the facts, both ends inclusive; nil means open.
type Range struct {
	Fact string   `yaml:"fact" json:"fact"` // one of NumberFacts
	Min  *float64 `yaml:"min,omitempty" json:"min,omitempty"`
	Max  *float64 `yaml:"max,omitempty" json:"max,omitempty"`
}

// NumberFacts lists the numbers a rule may look at.
var NumberFacts = []string{"reports_nearby", "people_affected", "hour", "text_length", "repeat_count", "level", "value"}

// Window is a time of day on certain days, in the city's zone. To before From runs past midnight.
type Window struct {
	From string   `yaml:"from,omitempty" json:"from,omitempty"` // HH:MM inclusive
	To   string   `yaml:"to,omitempty" json:"to,omitempty"`     // HH:MM exclusive
	Days []string `yaml:"days,omitempty" json:"days,omitempty"` // workday, holiday, mon … sun
}

// Action is what a rule sets. Empty fields are left to later stages.
type Action struct {
	Unit    string         `yaml:"unit,omitempty" json:"unit,omitempty"` // unit id, @street, @district
	Assist  []string       `yaml:"assist,omitempty" json:"assist,omitempty"`
	Urgency ticket.Urgency `yaml:"urgency,omitempty" json:"urgency,omitempty"`
	Policy  string         `yaml:"policy,omitempty" json:"policy,omitempty"`
	Tags    []string       `yaml:"tags,omitempty" json:"tags,omitempty"`
	Triage  string         `yaml:"triage,omitempty" json:"triage,omitempty"` // reason code: send to the desk on purpose
}

// City is what a ruleset is compiled from: the parts of a pack that routing looks at.
type City struct {
	Hash          string // content hash of the pack
	Zone          *time.Location
	Units         []Unit
	Categories    []Category
	Regions       []Region
	Areas         []Area
	Catalogue     []Row
	Rules         []Rule
	DefaultPolicy string
	Workday       func(day time.Time) bool // of the city's calendar, for windows
}

// Facts is what routing sees of a request. It is stored with the ticket, so that the decision
// can be explained later by the same function.
type Facts struct {
	Channel  string
	Line     string
	Kind     ticket.Kind
	Source   ticket.SourceClass
	Type     ticket.RequestType
	Urgency  ticket.Urgency // the source's own word
	Category string
	Region   string
	Areas    []string // polygons the point lies in; nil when no point is known
	HasPoint bool
	Tags     []string
	Text     string // title, a line break, text; as the citizen wrote it
	Numbers  Numbers
	At       time.Time // received
}

// Numbers are the facts of NumberFacts, in that order; NaN means unknown.
type Numbers [7]float64

// Place is what is known of where a matter happened, for Locate.
type Place struct {
	Address  string
	Text     string  // title and text, searched when the address names nothing
	Lng, Lat float64 // WGS-84
	HasPoint bool
	Hint     string // region id the channel names
}

// Location is where routing believes it happened and why.
type Location struct {
	Region     string   `json:"region,omitempty"`
	Areas      []string `json:"areas,omitempty"`
	Confidence float64  `json:"confidence"`           // 0 … 1
	Evidence   []string `json:"evidence,omitempty"`   // the words or the polygon that spoke for it
	Candidates []string `json:"candidates,omitempty"` // regions when it is not sure
	By         string   `json:"by,omitempty"`         // point, hint, address, text
}
