package phone

import "encoding/json"

// event is one moment of a call, as a telephone exchange or a small bridge beside it tells us. It is
// our own neutral format (README.md); vendors' formats are mapped onto it by the webhook adapter or
// a dialect of this one.
type event struct {
	Event      string      `json:"event"      validate:"required,max=32"`
	CallID     string      `json:"callId"     validate:"required,max=128"` // the exchange's own id
	Leg        string      `json:"leg"        validate:"max=64"`           // when a call has several of this event
	Seq        json.Number `json:"seq"        validate:"max=20"`           // the same, as a number
	Line       string      `json:"line"       validate:"max=64"`           // number dialled
	Caller     string      `json:"caller"     validate:"max=128"`
	Agent      string      `json:"agent"      validate:"max=64"`
	At         moment      `json:"at"         validate:"max=64"`
	Duration   float64     `json:"duration"   validate:"gte=0,lte=604800"` // seconds of talk, with hangup
	Recording  *recording  `json:"recording"  validate:"required_if=Event recording"`
	Transcript *transcript `json:"transcript" validate:"required_if=Event transcript"`
	Legs       []leg       `json:"legs"       validate:"max=64,dive"` // the agents the call went through, with hangup
}

// recording says where the exchange keeps a recording.
type recording struct {
	URL       string `json:"url"       validate:"required,http_url,max=2048"`
	SHA256    string `json:"sha256"    validate:"omitempty,hexadecimal,len=64"`
	MIME      string `json:"mime"      validate:"max=100"` // not trusted: the type is sniffed once it is here
	ExpiresAt moment `json:"expiresAt" validate:"max=64"`
}

// transcript is the text of a call as speech recognition heard it.
type transcript struct {
	Engine   string    `json:"engine"   validate:"max=64"`
	Lang     string    `json:"lang"     validate:"max=32"`
	Redacted bool      `json:"redacted"` // personal data was taken out at the source
	Segments []segment `json:"segments" validate:"required,max=20000,dive"`
}

// segment is one utterance. Times are milliseconds from the start of the recording.
type segment struct {
	StartMs    int64       `json:"startMs"`
	EndMs      int64       `json:"endMs"`
	Speaker    string      `json:"speaker" validate:"max=64"` // citizen or agent
	Channel    json.Number `json:"channel" validate:"max=8"`  // of a stereo recording: 0 left, 1 right
	Text       string      `json:"text"`
	Confidence float64     `json:"confidence"`
}

// leg is one agent's part of a call.
type leg struct {
	Agent    string  `json:"agent"    validate:"max=64"`
	Duration float64 `json:"duration" validate:"gte=0"`
}

// moment is a time in any form exchanges write it: text, or Unix seconds or milliseconds.
type moment string

// UnmarshalJSON takes text and numbers alike.
func (m *moment) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*m = moment(s)
		return nil
	}
	var n json.Number
	err := json.Unmarshal(b, &n)
	*m = moment(n)
	return err
}

// form is what an agent fills in during or after a call.
type form struct {
	ClientReportID string `json:"clientReportId" validate:"required,max=128,printascii"` // the header Idempotency-Key will do
	CallID         string `json:"callId"         validate:"max=128"`                     // none for a visitor at the counter
	Agent          string `json:"agent"          validate:"required,max=64"`
	Type           string `json:"type"           validate:"omitempty,oneof=consult help complaint report suggest praise other"`
	Urgency        string `json:"urgency"        validate:"omitempty,oneof=normal urgent emergency"`
	Category       string `json:"category"       validate:"max=64"`
	Region         string `json:"region"         validate:"max=64"`
	Title          string `json:"title"          validate:"max=100"`
	Text           string `json:"text"           validate:"required,max=20000"`
	OccurredAt     moment `json:"occurredAt"     validate:"max=64"`
	Line           string `json:"line"           validate:"max=64"`
	Caller         string `json:"caller"         validate:"max=128"`
	Appellant      person `json:"appellant"`
	OtherParty     person `json:"otherParty"`
	Place          place  `json:"place"`
	TicketNumber   string `json:"ticketNumber"   validate:"max=32"`
	Answer         string `json:"answer"         validate:"max=20000"` // given on the line: 直接答复
	Unit           string `json:"unit"           validate:"max=64"`    // dispatched by hand
	Confidential   bool   `json:"confidential"`
	Public         bool   `json:"public"`
	AnswerWanted   *bool  `json:"answerWanted"` // nil means yes
}

type person struct {
	Name      string `json:"name"      validate:"max=100"`
	Phone     string `json:"phone"     validate:"max=128"`
	Contact   string `json:"contact"   validate:"max=100"`
	IDNumber  string `json:"idNumber"  validate:"max=32"`
	Company   string `json:"company"   validate:"max=100"`
	Anonymous bool   `json:"anonymous"`
}

type place struct {
	Address string   `json:"address" validate:"max=500"`
	Lng     *float64 `json:"lng"`
	Lat     *float64 `json:"lat"`
	CRS     string   `json:"crs"     validate:"max=16"`
	Grid    string   `json:"grid"    validate:"max=64"`
}

// answer goes back for both.
type answer struct {
	Status    string `json:"status"`
	Receipt   string `json:"receipt,omitempty"`
	Number    string `json:"number,omitempty"`
	Code      string `json:"code,omitempty"`
	Unit      string `json:"unit,omitempty"`
	Joined    bool   `json:"joined,omitempty"`
	Emergency bool   `json:"emergency,omitempty"`
	Text      string `json:"text,omitempty"`
}
