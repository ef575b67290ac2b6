package webhook

import (
	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/signature"
)

// settings is a channel told by the pack. Values of dedupe, when, set and the like are expressions
// (see eval.go), each and media.each are JSONPath.
type settings struct {
	Verify    verifySettings               `yaml:"verify"`
	Decode    decodeSettings               `yaml:"decode"`
	Each      string                       `yaml:"each"`
	When      string                       `yaml:"when"`
	Dedupe    string                       `yaml:"dedupe"`
	Set       map[string]string            `yaml:"set"`
	Tables    map[string]map[string]string `yaml:"tables"`
	Media     mediaSettings                `yaml:"media"`
	Handshake handshakeSettings            `yaml:"handshake"`
	Ack       map[string]ackSettings       `yaml:"ack"`
	Tests     []testSettings               `yaml:"tests"`
}

type verifySettings struct {
	signature.Scheme `yaml:",inline"`
	Secrets          []adapters.SecretRef `yaml:"secrets"`
}

type decodeSettings struct {
	Format  string   `yaml:"format"`  // json, xml, form, csv, cloudevents
	Charset string   `yaml:"charset"` // when the sender declares none or a wrong one
	Unpack  []string `yaml:"unpack"`  // dotted fields whose text is itself JSON
	Lists   []string `yaml:"lists"`   // XML elements that are lists even when there is one
	Comma   string   `yaml:"comma"`   // of CSV, default ","
	Columns []string `yaml:"columns"` // of CSV without a header row
}

type mediaSettings struct {
	Each    string `yaml:"each"`
	URL     string `yaml:"url"`
	Role    string `yaml:"role"`
	Uploads *bool  `yaml:"uploads"` // take the files of a multipart body; default true
}

type handshakeSettings struct {
	Query       string               `yaml:"query"`  // GET parameter that is answered as it came
	When        string               `yaml:"when"`   // the delivery is a challenge
	Answer      string               `yaml:"answer"` // what is answered then
	CloudEvents *cloudEventsSettings `yaml:"cloudevents"`
}

type cloudEventsSettings struct {
	Origins []string `yaml:"origins"`
	Rate    int      `yaml:"rate"` // requests per minute that we allow; 0 says nothing of it
}

type ackSettings struct {
	Status int    `yaml:"status"`
	Type   string `yaml:"type"` // default application/json
	Body   string `yaml:"body"`
}

// testSettings is one example beside the mapping, run when the pack is checked.
type testSettings struct {
	Name     string           `yaml:"name"`
	Received string           `yaml:"received_at"`
	Request  testRequest      `yaml:"request"`
	Want     []map[string]any `yaml:"want"` // what the requests must hold, at least
	Unread   bool             `yaml:"unreadable"`
	Reply    *testReply       `yaml:"reply"` // of a handshake
}

type testRequest struct {
	Method  string            `yaml:"method"`
	Path    string            `yaml:"path"`
	Query   map[string]string `yaml:"query"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
}

type testReply struct {
	Status int    `yaml:"status"`
	Body   string `yaml:"body"`
}
