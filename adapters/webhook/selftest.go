package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// testReceived is when examples arrive unless they say otherwise.
var testReceived = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)

func checkTests(tests []testSettings) error {
	var faults []error
	for i, t := range tests {
		name := t.title(i)
		if _, err := t.received(); err != nil {
			faults = append(faults, fmt.Errorf("%s: received_at: %w", name, err))
		}
		ends := 0
		for _, given := range []bool{t.Want != nil, t.Unread, t.Reply != nil} {
			if given {
				ends++
			}
		}
		if ends != 1 {
			faults = append(faults, fmt.Errorf("%s: needs one of want (an empty list: ignored), unreadable or reply", name))
		}
	}
	return errors.Join(faults...)
}

func (t testSettings) title(i int) string {
	if t.Name == "" {
		return fmt.Sprintf("tests[%d]", i)
	}
	return fmt.Sprintf("tests[%d] %s", i, t.Name)
}

func (t testSettings) received() (time.Time, error) {
	if t.Received == "" {
		return testReceived, nil
	}
	return wire.Time(t.Received, time.UTC)
}

// SelfTest runs the examples of the settings, all of them. They are not signed: what they show is
// decoding and mapping. The error says which example differs in what.
func (a *adapter) SelfTest() error {
	var faults []error
	for i, t := range a.settings.Tests {
		if err := a.selfTest(t); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", t.title(i), err))
		}
	}
	return errors.Join(faults...)
}

func (a *adapter) selfTest(t testSettings) error {
	in := a.inbound(t)
	if t.Reply != nil {
		r, ok := a.Handshake(in)
		switch {
		case !ok:
			return errors.New("it is no handshake")
		case r.Status != t.Reply.Status || string(r.Body) != t.Reply.Body:
			return fmt.Errorf("the answer is %d %s, want %d %s", r.Status, r.Body, t.Reply.Status, t.Reply.Body)
		}
		return nil
	}
	requests, err := a.Normalize(in)
	if t.Unread {
		if err == nil {
			return fmt.Errorf("it gives %d requests, want it to be unreadable", len(requests))
		}
		return nil
	}
	if err != nil {
		if failed, ok := errors.AsType[*evalError](err); ok { // an example is nobody's personal data
			return fmt.Errorf("%w: %w", err, failed.cause)
		}
		return err
	}
	if len(requests) != len(t.Want) {
		return fmt.Errorf("it gives %d requests, want %d", len(requests), len(t.Want))
	}
	var faults []error
	for i, want := range t.Want {
		faults = append(faults, compare(requests[i], want))
	}
	return errors.Join(faults...)
}

func (a *adapter) inbound(t testSettings) adapters.Inbound {
	received, _ := t.received() // checked by New
	in := adapters.Inbound{
		Channel: a.channel.ID, Method: t.Request.Method, Path: t.Request.Path, Query: url.Values{}, Header: http.Header{},
		Body: []byte(t.Request.Body), ReceivedAt: received,
	}
	if in.Method == "" {
		in.Method = http.MethodPost
	}
	for name, value := range t.Request.Query {
		in.Query.Set(name, value)
	}
	for name, value := range t.Request.Headers {
		in.Header.Set(name, value)
	}
	return in
}

// compare looks only at what want names: words of the request, as in its JSON, dotted where they lie
// deeper (appellant.phone).
func compare(r ticket.Request, want map[string]any) error {
	got, err := treeOf(r)
	if err != nil {
		return err
	}
	wanted, err := treeOf(want) // the same number types on both sides
	if err != nil {
		return err
	}
	var faults []error
	fields, _ := wanted.(map[string]any)
	for name, value := range fields {
		at := got
		for part := range strings.SplitSeq(name, ".") {
			object, _ := at.(map[string]any)
			at = object[part]
		}
		if !reflect.DeepEqual(at, value) {
			faults = append(faults, fmt.Errorf("%s is %v, want %v", name, at, value))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

func treeOf(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tree any
	return tree, json.Unmarshal(b, &tree)
}
