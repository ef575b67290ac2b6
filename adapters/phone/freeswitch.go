package phone

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// cdr is the part we read of a call detail record as FreeSWITCH's mod_json_cdr posts it at hang-up.
// Source: developer.signalwire.com/freeswitch/module-reference/event-handlers/mod_json_cdr.
type cdr struct {
	Variables map[string]any `json:"variables"` // channel variables; URL-encoded text unless encode-values is off
	Callflow  []struct {
		CallerProfile struct {
			CallerIDNumber    string `json:"caller_id_number"`
			DestinationNumber string `json:"destination_number"`
		} `json:"caller_profile"`
	} `json:"callflow"` // the latest profile first
}

// get is a variable as text, decoded.
func (c cdr) get(name string) string {
	s := ""
	if v, ok := c.Variables[name]; ok && v != nil {
		s = fmt.Sprint(v)
	}
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	return clean(s)
}

// freeswitch makes the end of a call of a record: a hang-up, or a missed call when nobody answered,
// and the recording when there is one and settings say where recordings are served. The record of the
// other leg (outbound) tells nothing new and is ignored.
func (p *phone) freeswitch(in adapters.Inbound) ([]ticket.Request, error) {
	body, err := cdrBody(in)
	if err != nil {
		return nil, err
	}
	var c cdr
	if err := wire.JSON(body, &c); err != nil {
		return nil, err
	}
	id := c.get("uuid")
	switch {
	case c.get("direction") == "outbound" || strings.HasPrefix(in.Query.Get("uuid"), "b_"):
		return nil, nil
	case id == "" || len(id) > 128:
		return nil, errors.New("phone: call detail record: variables.uuid is missing or longer than 128 characters")
	case len(c.Callflow) == 0:
		return nil, errors.New("phone: call detail record: callflow is empty")
	}
	first := c.Callflow[len(c.Callflow)-1].CallerProfile
	seconds, _ := strconv.ParseFloat(c.get("billsec"), 64)
	e := event{
		Event: string(ticket.CallHangup), CallID: id, Caller: first.CallerIDNumber, Line: first.DestinationNumber,
		Agent: c.get("cc_agent"), At: moment(c.get("end_epoch")), Duration: min(max(seconds, 0), maxDuration),
	}
	if e.Agent == "" {
		e.Agent = c.get("last_sent_callee_id_number")
	}
	if answered := c.get("answer_epoch"); answered == "" || answered == "0" {
		e.Event, e.Duration = string(ticket.CallMissed), 0
	}
	requests := []ticket.Request{p.request(e, ticket.KindUpdate, in.ReceivedAt)}
	if file := c.get("record_file_path"); file != "" && p.source.url != nil && e.Event == string(ticket.CallHangup) {
		e.Event, e.Duration = string(ticket.CallRecording), 0
		e.Recording = &recording{URL: p.source.url.JoinPath(url.PathEscape(path.Base(file))).String()}
		requests = append(requests, p.request(e, ticket.KindMedia, in.ReceivedAt))
	}
	return requests, nil
}

// maxDuration is a week in seconds: nobody talks longer, and counters that overflowed say such things.
const maxDuration = 7 * 24 * 60 * 60

// cdrBody unwraps what the module's setting "encode" did: nothing, or a form with the document in the
// field cdr, percent-encoded or in base64.
func cdrBody(in adapters.Inbound) ([]byte, error) {
	if wire.MediaType(in.Header) != "application/x-www-form-urlencoded" {
		return wire.Text(in.Body, in.Header)
	}
	fields, err := url.ParseQuery(string(in.Body))
	if err != nil || fields.Get("cdr") == "" {
		return nil, errors.New("phone: call detail record: the form has no readable field cdr")
	}
	doc := strings.TrimSpace(fields.Get("cdr"))
	if strings.HasPrefix(doc, "{") {
		return []byte(doc), nil
	}
	// The module does not percent-encode base64, so its plus signs arrive as blanks.
	b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(doc, " ", "+"))
	if err != nil {
		return nil, errors.New("phone: call detail record: field cdr is neither JSON nor base64")
	}
	return b, nil
}
