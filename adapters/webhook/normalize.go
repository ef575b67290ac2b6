package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ohler55/ojg/jp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// Bounds of what a mapping may write, bytes.
const (
	maxText  = 64 << 10
	maxShort = 2000
	maxKey   = 300
)

// mapping is the compiled settings from each to media.
type mapping struct {
	each     jp.Expr  // nil: the document itself
	when     *program // nil: always
	dedupe   *program // nil: source and id of the CloudEvent
	set      []setter // in the order of names
	media    jp.Expr  // nil: none
	mediaURL *program
	role     string
	uploads  bool
	events   bool // CloudEvents: time and key have defaults
}

// setter writes the value of one expression into a request.
type setter struct {
	program *program
	assign  func(m *mapped, value any) error
}

// mapped is a request while it is written.
type mapped struct {
	ticket.Request
	zone       *time.Location
	receivedAt time.Time
}

func compileMapping(c *compiler, s *settings) (*mapping, error) {
	m := &mapping{role: cmp.Or(s.Media.Role, "photo"), uploads: s.Media.Uploads == nil || *s.Media.Uploads, events: s.Decode.Format == formatCloudEvents}
	var faults []error
	path := func(setting, source string) jp.Expr {
		if source == "" {
			return nil
		}
		x, err := jp.ParseString(source)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %q is no JSONPath: %w", setting, source, err))
		}
		return x
	}
	compiled := func(setting, source string) *program {
		if source == "" {
			return nil
		}
		p, err := c.compile(setting, source)
		if err != nil {
			faults = append(faults, err)
		}
		return p
	}
	m.each, m.media = path("each", s.Each), path("media.each", s.Media.Each)
	m.when, m.dedupe, m.mediaURL = compiled("when", s.When), compiled("dedupe", s.Dedupe), compiled("media.url", s.Media.URL)
	switch {
	case s.Dedupe == "" && !m.events:
		faults = append(faults, errors.New("dedupe: is required: an expression that a retry repeats and another request does not"))
	case s.Dedupe == "" && s.Each != "":
		faults = append(faults, errors.New("dedupe: is required with each: the items of an event share its id"))
	}
	if (s.Media.Each == "") != (s.Media.URL == "") {
		faults = append(faults, errors.New("media: each and url belong together"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Set)) {
		assign, err := assignment(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if p := compiled("set."+name, s.Set[name]); p != nil {
			m.set = append(m.set, setter{p, assign})
		}
	}
	if s.Set["text"] == "" && s.Set["title"] == "" && s.Set["ticket_number"] == "" {
		faults = append(faults, errors.New("set.text: is required, or a desk could not see what it is about"))
	}
	return m, errors.Join(faults...)
}

// requests maps every item of every document.
func (m *mapping) requests(a *adapter, in adapters.Inbound, docs []any, document string) ([]ticket.Request, error) {
	e := env{Header: in.Header.Get, Query: in.Query.Get}
	var list []ticket.Request
	for _, doc := range docs {
		items := []any{doc}
		if m.each != nil {
			items = m.each.Get(doc)
		}
		if len(items)+len(list) > maxItems {
			return nil, fmt.Errorf("webhook: the delivery holds more than %d items; ask the sender to split it", maxItems)
		}
		for _, item := range items {
			e.Root, e.Item = doc, item
			if wanted, err := m.wanted(e); err != nil {
				return nil, err
			} else if !wanted {
				continue
			}
			r, err := m.request(a, in, e)
			if err != nil {
				return nil, err
			}
			if len(list) == 0 && m.uploads {
				r.Media = append(r.Media, uploads(in.Media, document)...)
			}
			if list, err = appendUnique(list, r); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// appendUnique drops an item that stands in its delivery twice. Two that differ under one key are a
// mistake of dedupe.
func appendUnique(list []ticket.Request, r ticket.Request) ([]ticket.Request, error) {
	for _, before := range list {
		if before.Key != r.Key {
			continue
		}
		if !reflect.DeepEqual(before, r) {
			return nil, errors.New("webhook: dedupe gives two different items of one delivery the same key; add what tells them apart")
		}
		return list, nil
	}
	return append(list, r), nil
}

func (m *mapping) wanted(e env) (bool, error) {
	if m.when == nil {
		return true, nil
	}
	value, err := m.when.eval(e)
	if err != nil {
		return false, err
	}
	yes, ok := value.(bool)
	if !ok {
		return false, errors.New("webhook: when: gives neither true nor false for this delivery")
	}
	return yes, nil
}

func (m *mapping) request(a *adapter, in adapters.Inbound, e env) (ticket.Request, error) {
	r := &mapped{zone: a.channel.Zone, receivedAt: in.ReceivedAt}
	r.Kind = cmp.Or(a.channel.Kind, ticket.KindCase)
	r.Source = cmp.Or(a.channel.Source, ticket.SourceMachine)
	r.Region = a.channel.Region
	if err := m.key(&r.Request, e); err != nil {
		return ticket.Request{}, err
	}
	if event, ok := e.Root.(map[string]any); ok && m.events {
		if err := happenedAt(r, event["time"]); err != nil {
			return ticket.Request{}, err
		}
	}
	for _, s := range m.set {
		value, err := s.program.eval(e)
		if err != nil {
			return ticket.Request{}, err
		}
		if err := s.assign(r, value); err != nil {
			return ticket.Request{}, fmt.Errorf("webhook: %s: %w", s.program.setting, err)
		}
	}
	if err := m.attachments(r, e); err != nil {
		return ticket.Request{}, err
	}
	return r.Request, complete(&r.Request)
}

func (m *mapping) key(r *ticket.Request, e env) error {
	if m.dedupe == nil {
		event, _ := e.Root.(map[string]any)
		r.Key = textOf(event["source"]) + " " + textOf(event["id"])
	} else {
		value, err := m.dedupe.eval(e)
		if err != nil {
			return err
		}
		r.Key = textOf(value)
	}
	if r.Key, _ = text.Clean(r.Key, 0); len(r.Key) > maxKey {
		return fmt.Errorf("webhook: dedupe: gives more than %d bytes; shorten it with digest()", maxKey)
	}
	if strings.TrimSpace(r.Key) == "" {
		return errors.New("webhook: dedupe: gives nothing for this delivery")
	}
	return nil
}

// complete wants what a request of its kind cannot do without.
func complete(r *ticket.Request) error {
	switch {
	case r.Kind == ticket.KindClear && r.FoldKey == "":
		return errors.New("webhook: set.fold_key: gives nothing, and a clear must say which alarm is over")
	case r.Kind == ticket.KindClear, r.Kind == ticket.KindUpdate:
		return nil
	case r.Text == "" && r.Title == "" && len(r.Media) == 0:
		return errors.New("webhook: set.text: gives nothing for this delivery")
	}
	return nil
}

func (m *mapping) attachments(r *mapped, e env) error {
	if m.media == nil {
		return nil
	}
	for _, item := range m.media.Get(e.Item) {
		if len(r.Media) == maxAttachments {
			return fmt.Errorf("webhook: media: more than %d attachments", maxAttachments)
		}
		value, err := m.mediaURL.eval(env{Item: item, Root: e.Root, Header: e.Header, Query: e.Query})
		if err != nil {
			return err
		}
		address, err := short(value)
		if err != nil {
			return fmt.Errorf("webhook: media.url: %w", err)
		}
		if address == "" {
			continue
		}
		if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
			return errors.New("webhook: media.url: gives no http or https address")
		}
		r.Media = append(r.Media, ticket.MediaRef{Ref: address, Role: m.role})
	}
	return nil
}

const maxAttachments = 50

// uploads are the files of a multipart body except the one the document was read from.
func uploads(files []adapters.Upload, document string) []ticket.MediaRef {
	var refs []ticket.MediaRef
	for _, f := range files {
		if f.Field == document {
			continue
		}
		f.Role = cmp.Or(f.Role, roleOf(f.MIME))
		refs = append(refs, f.MediaRef)
	}
	return refs
}

func roleOf(mime string) string {
	switch kind, _, _ := strings.Cut(mime, "/"); kind {
	case "video", "audio":
		return kind
	}
	return "photo"
}

// happenedAt takes a time, or what wire.Time reads. One that nobody can mean is left out: clocks of
// devices are often wrong, and the alarm counts all the same.
func happenedAt(r *mapped, value any) error {
	at, ok := value.(time.Time)
	if !ok {
		s := textOf(value)
		if s == "" {
			return nil
		}
		var err error
		if at, err = wire.Time(s, r.zone); err != nil {
			return err
		}
	}
	r.HappenedAt = time.Time{}
	if wire.Plausible(at, r.receivedAt) {
		r.HappenedAt = at.UTC()
	}
	return nil
}

func short(value any) (string, error) {
	switch value.(type) {
	case nil, string, int, float64, bool:
	default:
		return "", fmt.Errorf("gives %s, want text or a number", kindOf(value))
	}
	s, cut := text.Clean(strings.TrimSpace(textOf(value)), maxShort)
	if cut {
		return "", fmt.Errorf("gives more than %d bytes", maxShort)
	}
	return s, nil
}

// kindOf names a type without its content.
func kindOf(value any) string {
	switch value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return fmt.Sprintf("a value of type %T", value)
}
