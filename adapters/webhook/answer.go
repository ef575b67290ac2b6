package webhook

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// handshake is how a platform's question about the address itself is answered.
type handshake struct {
	query  string
	when   *program
	answer *program
	events *cloudEventsSettings
}

// maxEcho bounds a parameter that is answered as it came, bytes.
const maxEcho = 1024

func compileHandshake(c *compiler, s handshakeSettings) (*handshake, error) {
	h := &handshake{query: s.Query, events: s.CloudEvents}
	if s.CloudEvents != nil && (len(s.CloudEvents.Origins) == 0 || s.CloudEvents.Rate < 0) {
		return nil, errors.New(`handshake.cloudevents: needs origins, the senders that may ask (or "*"), and no negative rate`)
	}
	if (s.When == "") != (s.Answer == "") {
		return nil, errors.New("handshake: when and answer belong together")
	}
	if s.When == "" {
		return h, nil
	}
	var err1, err2 error
	h.when, err1 = c.compile("handshake.when", s.When)
	h.answer, err2 = c.compile("handshake.answer", s.Answer)
	return h, errors.Join(err1, err2)
}

// Handshake answers what the settings declare; everything else is a delivery.
func (a *adapter) Handshake(in adapters.Inbound) (adapters.Reply, bool) {
	h := a.handshake
	switch {
	case h.isPreflight(in):
		return h.preflight(in), true
	case h.query != "" && in.Method == http.MethodGet:
		echo := in.Query.Get(h.query)
		if echo == "" || len(echo) > maxEcho {
			return plainText(http.StatusBadRequest, h.query+" is missing"), true
		}
		return plainText(http.StatusOK, echo), true
	case h.when == nil:
		return adapters.Reply{}, false
	}
	docs, _, err := a.settings.Decode.decode(in)
	if err != nil || len(docs) != 1 {
		return adapters.Reply{}, false
	}
	e := env{Item: docs[0], Root: docs[0], Header: in.Header.Get, Query: in.Query.Get}
	if asked, err := h.when.eval(e); err != nil || asked != true {
		return adapters.Reply{}, false
	}
	value, err := h.answer.eval(e)
	if err != nil {
		return adapters.Reply{}, false
	}
	switch value.(type) {
	case map[string]any, []any:
		r := wire.Reply(http.StatusOK, value)
		r.Body = bytes.TrimSuffix(r.Body, []byte("\n"))
		return r, true
	}
	return plainText(http.StatusOK, textOf(value)), true
}

// preflight grants or refuses (CloudEvents Web Hooks §4.2); without the headers it is a refusal.
func (h *handshake) preflight(in adapters.Inbound) adapters.Reply {
	origin := in.Header.Get("WebHook-Request-Origin")
	r := adapters.Reply{Status: http.StatusOK, Header: http.Header{"Allow": {"POST"}}}
	switch {
	case slices.Contains(h.events.Origins, "*"):
		r.Header.Set("WebHook-Allowed-Origin", "*")
	case slices.Contains(h.events.Origins, origin):
		r.Header.Set("WebHook-Allowed-Origin", origin)
	default:
		r.Status = http.StatusForbidden
		return r
	}
	if h.events.Rate > 0 {
		r.Header.Set("WebHook-Allowed-Rate", strconv.Itoa(h.events.Rate))
	}
	return r
}

// plainText is text that no browser takes for a page, whatever it holds.
func plainText(status int, body string) adapters.Reply {
	return adapters.Reply{
		Status: status, Body: []byte(body),
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}},
	}
}

// answer is what the sender gets for one result.
type answer struct {
	status      int
	contentType string
	body        string
}

// placeholder finds what a body may name; braces of JSON have no letters alone between them.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

var placeholders = []string{"{receipt}", "{number}", "{text}", "{code}"}

// successes fall back to the answer for accepted, as a platform must see no difference.
var successes = []adapters.Result{adapters.Accepted, adapters.Repeated, adapters.Conflicting, adapters.Ignored, adapters.Quarantined}

var results = append(slices.Clone(successes), adapters.Rejected, adapters.Unavailable, adapters.Refused)

func compileAck(s map[string]ackSettings) (map[adapters.Result]*answer, error) {
	answers := map[adapters.Result]*answer{}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(s)) {
		set := s[name]
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("ack."+name+": "+format, args...))
		}
		a := &answer{status: set.Status, contentType: set.Type, body: set.Body}
		if !slices.Contains(results, adapters.Result(name)) {
			fault("is no result; use one of %v", results)
		}
		if a.contentType == "" {
			a.contentType = "application/json; charset=utf-8"
		}
		switch {
		case a.status == 0:
			fault("status: is required")
		case a.status < 200 || a.status > 599 || 300 <= a.status && a.status < 400:
			fault("status: %d must be 200 to 299 or 400 to 599", a.status)
		case name == string(adapters.Refused) && a.status < 400:
			fault("status: %d would tell a forger that it was taken; use 401 or 403", a.status)
		}
		for _, p := range placeholder.FindAllString(a.body, -1) {
			if !slices.Contains(placeholders, p) {
				fault("body: %s is not known; use %s", p, strings.Join(placeholders, " "))
			}
		}
		if strings.Contains(a.contentType, "json") && a.body != "" && !json.Valid([]byte(a.fill(adapters.Outcome{}))) {
			fault("body: is no JSON; placeholders belong between quotation marks")
		}
		answers[adapters.Result(name)] = a
	}
	return answers, errors.Join(faults...)
}

// Acknowledge answers in the sender's own form, in JSON of ours where the settings say nothing.
func (a *adapter) Acknowledge(_ adapters.Inbound, out adapters.Outcome) adapters.Reply {
	set := a.ack[out.Result]
	if set == nil && slices.Contains(successes, out.Result) {
		set = a.ack[adapters.Accepted]
	}
	if set == nil {
		return standard(out)
	}
	r := adapters.Reply{Status: set.status, Header: http.Header{"Content-Type": {set.contentType}, "X-Content-Type-Options": {"nosniff"}}, Body: []byte(set.fill(out))}
	if out.Result == adapters.Unavailable {
		wire.RetryAfter(r, out.RetryAfter)
	}
	return r
}

func standard(out adapters.Outcome) adapters.Reply {
	switch {
	case out.Result == adapters.Refused:
		return adapters.Reply{Status: http.StatusForbidden, Header: http.Header{}}
	case out.Result == adapters.Rejected:
		return wire.Problem(http.StatusBadRequest, out.Code, "the delivery cannot be taken as it is", out.Text, out.Errors)
	case !slices.Contains(successes, out.Result):
		return wire.RetryAfter(wire.Problem(http.StatusServiceUnavailable, out.Code, "the delivery could not be stored", "send it again", nil), out.RetryAfter)
	}
	body := struct {
		Result  adapters.Result `json:"result"`
		Receipt string          `json:"receipt,omitempty"`
		Numbers []string        `json:"numbers,omitempty"`
	}{Result: out.Result, Receipt: out.Delivery}
	for _, t := range out.Tickets {
		body.Numbers = append(body.Numbers, t.Number)
	}
	return wire.Reply(http.StatusOK, body)
}

// fill puts the outcome into the body, escaped for its type.
func (a *answer) fill(out adapters.Outcome) string {
	number := ""
	if len(out.Tickets) > 0 {
		number = out.Tickets[0].Number
	}
	return strings.NewReplacer(
		"{receipt}", a.escape(out.Delivery), "{number}", a.escape(number), "{text}", a.escape(out.Text), "{code}", a.escape(out.Code),
	).Replace(a.body)
}

func (a *answer) escape(s string) string {
	switch {
	case strings.Contains(a.contentType, "json"):
		quoted, err := json.Marshal(s)
		if err != nil {
			return ""
		}
		return string(quoted[1 : len(quoted)-1])
	case strings.Contains(a.contentType, "xml"), strings.Contains(a.contentType, "html"):
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			return ""
		}
		return b.String()
	}
	return s
}
