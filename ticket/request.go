package ticket

import "time"

// Kind says what a request is. The values are stored and never reused.
type Kind string

// The kinds of requests an adapter may make of a delivery.
const (
	KindCase       Kind = "case"       // a matter, complete enough to become a ticket
	KindMessage    Kind = "message"    // one message of a conversation; may open or join a ticket
	KindUpdate     Kind = "update"     // something about a known matter or call
	KindMedia      Kind = "media"      // a recording or picture that belongs to something known
	KindTranscript Kind = "transcript" // the text of a recording
	KindReceipt    Kind = "receipt"    // the transport's word on something we sent
	KindAlarm      Kind = "alarm"      // a machine says that something is wrong
	KindClear      Kind = "clear"      // the machine says that it is over
)

// Kinds lists every kind, for checks of configuration.
var Kinds = []Kind{KindCase, KindMessage, KindUpdate, KindMedia, KindTranscript, KindReceipt, KindAlarm, KindClear}

// SourceClass says who speaks: it chooses queue, policy and whether rates count the ticket.
type SourceClass string

// The classes of sources.
const (
	SourceCitizen  SourceClass = "citizen"  // 市民
	SourceField    SourceClass = "field"    // 网格员、巡查
	SourceMachine  SourceClass = "machine"  // 传感器、摄像头
	SourceExchange SourceClass = "exchange" // 其他热线与平台
)

// Sources lists every class, for checks of configuration.
var Sources = []SourceClass{SourceCitizen, SourceField, SourceMachine, SourceExchange}

// RequestType is the official type of a request (诉求类型).
type RequestType string

// The five official types of the law, and two that statistics add (domain.md §2.1).
const (
	TypeConsult   RequestType = "consult"   // 咨询
	TypeHelp      RequestType = "help"      // 求助
	TypeComplaint RequestType = "complaint" // 投诉
	TypeReport    RequestType = "report"    // 举报
	TypeSuggest   RequestType = "suggest"   // 建议
	TypePraise    RequestType = "praise"    // 表扬
	TypeOther     RequestType = "other"     // 其他
)

// RequestTypes lists every type, for checks of configuration.
var RequestTypes = []RequestType{TypeConsult, TypeHelp, TypeComplaint, TypeReport, TypeSuggest, TypePraise, TypeOther}

// Urgency is how fast a matter must be looked at.
type Urgency string

// The three urgencies. Emergency means danger to life: it is handed over at once.
const (
	UrgencyNormal    Urgency = "normal"    // 普通
	UrgencyUrgent    Urgency = "urgent"    // 紧急
	UrgencyEmergency Urgency = "emergency" // 突发（危及生命）
)

// Urgencies lists every urgency from the least to the most urgent.
var Urgencies = []Urgency{UrgencyNormal, UrgencyUrgent, UrgencyEmergency}

// Datum names the coordinate system a channel declares.
type Datum string

// The coordinate systems met in China. CGCS2000 is taken as WGS-84 (they differ by centimetres).
const (
	WGS84 Datum = "wgs84"
	GCJ02 Datum = "gcj02"
	BD09  Datum = "bd09"
)

// Party is a person or body. All of it is personal data.
type Party struct {
	Name      string `json:"name,omitempty"`
	Phone     string `json:"phone,omitempty"`      // canonical form of internal/text, as given when unreadable
	Contact   string `json:"contact,omitempty"`    // second phone, mail or the like
	IDNumber  string `json:"id_number,omitempty"`  // 身份证号
	ChannelID string `json:"channel_id,omitempty"` // id within the channel: openid, device id, staff id
	Anonymous bool   `json:"anonymous,omitempty"`  // asked not to be named
	Company   string `json:"company,omitempty"`
}

// IsZero reports whether nothing is known of the party.
func (p Party) IsZero() bool { return p == Party{} }

// Place is where a matter happened, as given; the exact place is personal data.
type Place struct {
	Address  string  `json:"address,omitempty"`
	Lng      float64 `json:"lng,omitempty"`
	Lat      float64 `json:"lat,omitempty"`
	Datum    Datum   `json:"datum,omitempty"`    // of Lng and Lat; empty means no coordinates
	Accuracy float64 `json:"accuracy,omitempty"` // metres, 0 when unknown
	Grid     string  `json:"grid,omitempty"`     // grid code the source names
}

// HasPoint reports whether coordinates were given.
func (p Place) HasPoint() bool { return p.Datum != "" }

// MediaRef names one attachment: where it can be fetched, or once stored the hash of its content.
type MediaRef struct {
	SHA256  string `json:"sha256,omitempty"` // hex; set once the content is in the media store
	MIME    string `json:"mime,omitempty"`   // sniffed, never the client's word
	Size    int64  `json:"size,omitempty"`   // bytes
	Name    string `json:"name,omitempty"`
	Ref     string `json:"ref,omitempty"`     // the channel's own reference: MediaId, URL, upload id
	Role    string `json:"role,omitempty"`    // photo, video, voice, recording, proof …
	Expires int64  `json:"expires,omitempty"` // Unix ms after which Ref is gone, 0 when unknown
	Fetched bool   `json:"fetched,omitempty"`
}

// ReplyHandle is how the citizen can be answered on the channel the request came by.
type ReplyHandle struct {
	Address string `json:"address"`         // openid, session webhook id, phone
	Until   int64  `json:"until,omitempty"` // Unix ms after which the channel refuses replies, 0 when open
	Token   string `json:"token,omitempty"` // what the channel wants back with a reply
}

// Message is something to tell a citizen or a unit in words.
type Message struct {
	Title string `json:"title,omitempty"`
	Text  string `json:"text"`
}

// CallEvent is a moment in the life of a call (来电).
type CallEvent string

// The moments of a call.
const (
	CallRing       CallEvent = "ring"
	CallAnswer     CallEvent = "answer"
	CallHangup     CallEvent = "hangup"
	CallMissed     CallEvent = "missed"
	CallRecording  CallEvent = "recording"
	CallTranscript CallEvent = "transcript"
)

// CallFact is what one delivery tells about a call. Deliveries may come in any order.
type CallFact struct {
	CallID   string    `json:"call_id"` // the exchange's own id, unique per channel
	Event    CallEvent `json:"event"`
	Line     string    `json:"line,omitempty"` // number dialled: 12345, 12368 …
	Agent    string    `json:"agent,omitempty"`
	At       time.Time `json:"at"`
	Duration int       `json:"duration,omitempty"` // seconds of talk, with hangup
}

// Request is what an adapter makes of a delivery: pure data, the input of intake (诉求).
type Request struct {
	Key        string      `json:"key"` // unique per channel; what a retry repeats
	Kind       Kind        `json:"kind"`
	Source     SourceClass `json:"source"`
	ThreadKey  string      `json:"thread_key,omitempty"` // conversation the request belongs to
	FoldKey    string      `json:"fold_key,omitempty"`   // repeats with this key fold into one ticket
	HappenedAt time.Time   `json:"happened_at,omitzero"` // as the source says; zero when unknown
	Historic   bool        `json:"historic,omitempty"`   // from an archive: nobody is notified
	Training   bool        `json:"training,omitempty"`   // 演练: treated like any other, and nothing about it leaves the gateway

	Type     RequestType `json:"type,omitempty"`
	Urgency  Urgency     `json:"urgency,omitempty"`  // the source's own word; only ever raises
	Category string      `json:"category,omitempty"` // the channel's hint, a category id of the pack
	Region   string      `json:"region,omitempty"`   // the channel's hint, a region id of the pack
	Tags     []string    `json:"tags,omitempty"`

	Title      string       `json:"title,omitempty"`
	Text       string       `json:"text,omitempty"`
	Appellant  Party        `json:"appellant,omitzero"`   // 诉求人
	FiledBy    Party        `json:"filed_by,omitzero"`    // 代为提交的人，for example a grid worker or an observer
	OtherParty Party        `json:"other_party,omitzero"` // 被反映人
	Place      Place        `json:"place,omitzero"`
	Media      []MediaRef   `json:"media,omitempty"`
	Reply      *ReplyHandle `json:"reply,omitempty"`
	Call       *CallFact    `json:"call,omitempty"`

	TicketNumber  string            `json:"ticket_number,omitempty"`  // a number of ours the source quotes
	ForeignNumber string            `json:"foreign_number,omitempty"` // the number the matter has elsewhere
	Confidential  bool              `json:"confidential,omitempty"`
	Public        bool              `json:"public,omitempty"` // the citizen agrees to publication
	NoCallback    bool              `json:"no_callback,omitempty"`
	Answer        string            `json:"answer,omitempty"`     // 直接答复 given while the citizen was on the line
	Unit          string            `json:"unit,omitempty"`       // a unit the agent chose by hand
	Attributes    map[string]string `json:"attributes,omitempty"` // what the channel says besides; not personal
}
