package phone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// kinds tells what each moment of a call is to intake.
var kinds = map[ticket.CallEvent]ticket.Kind{
	ticket.CallRing:       ticket.KindUpdate,
	ticket.CallAnswer:     ticket.KindUpdate,
	ticket.CallHangup:     ticket.KindUpdate,
	ticket.CallMissed:     ticket.KindUpdate, // intake makes it a duty to call back
	ticket.CallRecording:  ticket.KindMedia,
	ticket.CallTranscript: ticket.KindTranscript,
}

// events reads one event or a list of them. An exchange cannot correct itself, so an event that
// cannot be read is a plain error: the delivery is quarantined and the exchange is told that all is well.
func (p *phone) events(in adapters.Inbound) ([]ticket.Request, error) {
	body, err := wire.Text(in.Body, in.Header)
	if err != nil {
		return nil, err
	}
	var list []event
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		err = wire.JSON(body, &list)
	} else {
		list = make([]event, 1)
		err = wire.JSON(body, &list[0])
	}
	if err != nil {
		return nil, err
	}
	if len(list) > maxEvents {
		return nil, fmt.Errorf("phone: %d events in one delivery, at most %d are read", len(list), maxEvents)
	}
	var requests []ticket.Request
	for i, e := range list {
		e.CallID = clean(e.CallID) // blanks are no id: all such calls would be one
		kind, known := kinds[ticket.CallEvent(e.Event)]
		if !known && e.Event != "" && e.CallID != "" {
			continue // a moment that means nothing to us: kept, ignored
		}
		if err := p.readable(e); err != nil {
			return nil, fmt.Errorf("phone: event %d: %w", i, err)
		}
		req := p.request(e, kind, in.ReceivedAt)
		if !slices.ContainsFunc(requests, func(r ticket.Request) bool { return r.Key == req.Key }) {
			requests = append(requests, req)
		}
	}
	return requests, nil
}

// maxEvents bounds a batch; exchanges send tens.
const maxEvents = 1000

// readable names the first field that cannot be read, never its value.
func (p *phone) readable(e event) error {
	var failed validator.ValidationErrors
	if err := p.validate.Struct(e); errors.As(err, &failed) {
		_, path, _ := strings.Cut(failed[0].Namespace(), ".")
		return fmt.Errorf("%s fails the check %s", path, strings.TrimSuffix(failed[0].Tag()+"="+failed[0].Param(), "="))
	}
	return nil
}

func (p *phone) request(e event, kind ticket.Kind, receivedAt time.Time) ticket.Request {
	call := ticket.CallFact{
		CallID: e.CallID,
		Event:  ticket.CallEvent(e.Event),
		Line:   clean(e.Line),
		Agent:  clean(e.Agent),
	}
	if call.Line == "" {
		call.Line = p.channel.Line
	}
	if call.Event == ticket.CallHangup {
		call.Duration = int(e.Duration)
		if n := len(e.Legs); call.Agent == "" && n > 0 {
			call.Agent = clean(e.Legs[n-1].Agent)
		}
	}
	r := ticket.Request{
		Kind:       kind,
		Source:     p.channel.Source,
		Key:        call.CallID + ":" + e.Event + discriminator(e),
		ThreadKey:  call.CallID,
		Call:       &call,
		Attributes: map[string]string{},
	}
	p.times(&r, string(e.At), receivedAt)
	p.caller(&r, e.Caller)
	if len(e.Legs) > 1 {
		r.Attributes["legs"] = strconv.Itoa(len(e.Legs))
	}
	if e.Recording != nil && kind == ticket.KindMedia {
		p.recording(&r, *e.Recording)
	}
	if e.Transcript != nil && kind == ticket.KindTranscript {
		p.transcript(&r, *e.Transcript)
	}
	if len(r.Attributes) == 0 {
		r.Attributes = nil
	}
	return r
}

// discriminator tells apart events of one sort within a call: several legs, several recordings.
func discriminator(e event) string {
	var d string
	if e.Leg != "" {
		d += ":" + clean(e.Leg)
	}
	if e.Seq != "" {
		d += ":" + e.Seq.String()
	}
	if d == "" && e.Recording != nil && len(e.Recording.SHA256) >= 8 && e.Event == string(ticket.CallRecording) {
		d = ":" + strings.ToLower(e.Recording.SHA256[:8])
	}
	return d
}

// times sets when it happened. A clock that cannot be right is left out rather than refused: the fact
// matters more, and putting ReceivedAt in its place would make a retry look like another event.
func (p *phone) times(r *ticket.Request, at string, receivedAt time.Time) {
	if strings.TrimSpace(at) == "" {
		return
	}
	t, err := wire.Time(at, p.channel.Zone)
	if err != nil || !wire.Plausible(t, receivedAt) {
		r.Attributes["clock"] = "implausible"
		return
	}
	r.HappenedAt, r.Call.At = t, t
}

// caller sets who called. Callers who withhold their number are as welcome as others.
func (p *phone) caller(r *ticket.Request, raw string) {
	number, withheld := wire.Phone(clean(raw), p.settings.AreaCode)
	r.Appellant.Phone = number
	if withheld && strings.TrimSpace(raw) != "" {
		r.Attributes["caller"] = "withheld"
	}
}

func (p *phone) recording(r *ticket.Request, rec recording) {
	m := ticket.MediaRef{Ref: rec.URL, Role: "recording"}
	if t, err := wire.Time(string(rec.ExpiresAt), p.channel.Zone); err == nil {
		m.Expires = t.UnixMilli()
	}
	r.Media = []ticket.MediaRef{m}
	if rec.SHA256 != "" { // what the exchange says; MediaRef.SHA256 is set once we hold the content
		r.Attributes["sha256"] = strings.ToLower(rec.SHA256)
	}
}

// transcript writes one line per utterance, with who spoke.
func (p *phone) transcript(r *ticket.Request, t transcript) {
	var b strings.Builder
	for _, s := range t.Segments {
		words := clean(s.Text)
		if words == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.speaker(s))
		b.WriteString(words)
	}
	r.Text = b.String()
	for name, value := range map[string]string{"engine": clean(t.Engine), "lang": clean(t.Lang)} {
		if value != "" {
			r.Attributes[name] = value
		}
	}
	if t.Redacted {
		r.Attributes["redacted"] = "true"
	}
}

// speaker is the label of an utterance: what recognition says, else the side of a stereo recording.
func (p *phone) speaker(s segment) string {
	who := strings.ToLower(clean(s.Speaker))
	if who == "" && s.Channel != "" {
		who = "agent"
		if (s.Channel == json.Number("0")) == (p.settings.CitizenSide == "left") {
			who = "citizen"
		}
	}
	switch who {
	case "":
		return ""
	case "citizen", "caller", "customer":
		return "市民："
	case "agent", "operator":
		return "话务员："
	}
	return who + "："
}

// clean makes a short text fit for storage.
func clean(s string) string {
	s, _ = text.Clean(strings.TrimSpace(s), 0)
	return s
}
