package form

// report is the body of a report: our own format, JSON in camel case, described in README.md.
// Unknown fields are allowed, so that a newer app may talk to an older gateway.
type report struct {
	ClientReportID string   `json:"clientReportId" validate:"required,max=128,printascii"`
	Kind           string   `json:"kind"           validate:"max=32"` // GB/T 30428.2: event 事件 or component 部件; kept, not used
	Type           string   `json:"type"           validate:"omitempty,oneof=consult help complaint report suggest praise other"`
	Urgency        string   `json:"urgency"        validate:"omitempty,oneof=normal urgent emergency"`
	Category       string   `json:"category"       validate:"max=64"`
	CategoryCode   string   `json:"categoryCode"   validate:"max=64"` // the older name of category
	Region         string   `json:"region"         validate:"max=64"`
	Title          string   `json:"title"          validate:"max=100"`
	Description    string   `json:"description"    validate:"required,max=20000"`
	OccurredAt     string   `json:"occurredAt"     validate:"max=64"`
	Reporter       reporter `json:"reporter"`
	Appellant      *person  `json:"appellant"`
	OtherParty     *person  `json:"otherParty"`
	Location       location `json:"location"`
	Photos         []string `json:"photos"         validate:"max=9,dive,startswith=upload:,max=128"`
	TicketNumber   string   `json:"ticketNumber"   validate:"max=32"` // this adds to a ticket the citizen has
	ForeignNumber  string   `json:"foreignNumber"  validate:"max=64"` // historic channels only: its number in the old system
	Unit           string   `json:"unit"           validate:"max=64"` // agents only
	Confidential   bool     `json:"confidential"`
	Public         bool     `json:"public"`
	AnswerWanted   *bool    `json:"answerWanted"` // nil means yes
	Consent        bool     `json:"consent"`      // to the processing of personal data
	OfflineQueued  bool     `json:"offlineQueued"`
}

// person is somebody named in a report. Nothing here is ever refused for its content: a citizen
// with a number nobody understands is still a citizen.
type person struct {
	Name      string `json:"name"      validate:"max=100"`
	Phone     string `json:"phone"     validate:"max=64"`
	Contact   string `json:"contact"   validate:"max=100"`
	IDNumber  string `json:"idNumber"  validate:"max=32"`
	Company   string `json:"company"   validate:"max=100"`
	Anonymous bool   `json:"anonymous"`
}

// reporter is who fills in the form.
type reporter struct {
	Type      string `json:"type"      validate:"oneof=citizen gridWorker observer agent"` // the channel's first when empty
	ID        string `json:"id"        validate:"max=128"`
	GridCode  string `json:"gridCode"  validate:"max=64"` // 单元网格 or 责任网格 code
	Name      string `json:"name"      validate:"max=100"`
	Phone     string `json:"phone"     validate:"max=64"`
	Contact   string `json:"contact"   validate:"max=100"`
	IDNumber  string `json:"idNumber"  validate:"max=32"`
	Company   string `json:"company"   validate:"max=100"`
	Anonymous bool   `json:"anonymous"`
}

// The types of reporters.
const (
	citizen    = "citizen"    // 市民
	gridWorker = "gridWorker" // 网格员
	observer   = "observer"   // 自媒体观察员
	agent      = "agent"      // 话务员、窗口人员
)

// location is where the matter is. Lng and Lat come together or not at all.
type location struct {
	Lng      *float64 `json:"lng"`
	Lat      *float64 `json:"lat"`
	CRS      string   `json:"crs"      validate:"max=16"` // WGS84, GCJ02, BD09, CGCS2000; the channel's own when empty
	Accuracy float64  `json:"accuracy" validate:"gte=0,lte=1000000"`
	Address  string   `json:"address"  validate:"max=500"`
}

// The fields of a multipart form are the paths of the JSON document (reporter.name, location.lng); these
// are the ones that are not text.
var (
	numberFields = map[string]bool{"location.lng": true, "location.lat": true, "location.accuracy": true}
	boolFields   = map[string]bool{
		"confidential": true, "public": true, "answerWanted": true, "consent": true, "offlineQueued": true,
		"reporter.anonymous": true, "appellant.anonymous": true, "otherParty.anonymous": true,
	}
)

// answer is what an app gets for a report that was taken.
type answer struct {
	Status    string `json:"status"` // accepted, quarantined or ignored
	Receipt   string `json:"receipt,omitempty"`
	Number    string `json:"number,omitempty"`
	Code      string `json:"code,omitempty"`
	Unit      string `json:"unit,omitempty"`
	Joined    bool   `json:"joined,omitempty"`    // it was added to a ticket there was already
	Emergency bool   `json:"emergency,omitempty"` // the app should offer to call 110, 119 or 120
	Text      string `json:"text"`
}
