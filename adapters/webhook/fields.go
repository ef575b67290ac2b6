package webhook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

type assign func(r *mapped, value any) error

// kinds are those a webhook may give; calls and transcripts come through their own channels.
var kinds = []ticket.Kind{ticket.KindCase, ticket.KindMessage, ticket.KindAlarm, ticket.KindClear, ticket.KindUpdate}

// assignment finds what set.name writes.
func assignment(name string) (assign, error) {
	if attribute, ok := strings.CutPrefix(name, "attributes."); ok && attribute != "" {
		return func(r *mapped, value any) error {
			s, err := short(value)
			if err != nil || s == "" {
				return err
			}
			if r.Attributes == nil {
				r.Attributes = map[string]string{}
			}
			r.Attributes[attribute] = s
			return nil
		}, nil
	}
	known := fields()
	if a, ok := known[name]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("set.%s: is no field of a request; use one of %s, or attributes.NAME", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

// fields are the words of the request, as in its JSON.
func fields() map[string]assign {
	known := map[string]assign{
		"kind":         enum(kinds, func(r *mapped) *ticket.Kind { return &r.Kind }),
		"type":         enum(ticket.RequestTypes, func(r *mapped) *ticket.RequestType { return &r.Type }),
		"urgency":      enum(ticket.Urgencies, func(r *mapped) *ticket.Urgency { return &r.Urgency }),
		"text":         words,
		"happened_at":  happenedAt,
		"tags":         tags,
		"place.point":  point,
		"reply.until":  replyUntil,
		"confidential": flag(func(r *mapped) *bool { return &r.Confidential }),
		"public":       flag(func(r *mapped) *bool { return &r.Public }),
		"no_callback":  flag(func(r *mapped) *bool { return &r.NoCallback }),
		"historic":     flag(func(r *mapped) *bool { return &r.Historic }),

		"appellant.anonymous": flag(func(r *mapped) *bool { return &r.Appellant.Anonymous }),
		"place.accuracy":      accuracy,
	}
	for name, at := range map[string]func(*mapped) *string{
		"title":          func(r *mapped) *string { return &r.Title },
		"thread_key":     func(r *mapped) *string { return &r.ThreadKey },
		"fold_key":       func(r *mapped) *string { return &r.FoldKey },
		"category":       func(r *mapped) *string { return &r.Category },
		"region":         func(r *mapped) *string { return &r.Region },
		"answer":         func(r *mapped) *string { return &r.Answer },
		"unit":           func(r *mapped) *string { return &r.Unit },
		"ticket_number":  func(r *mapped) *string { return &r.TicketNumber },
		"foreign_number": func(r *mapped) *string { return &r.ForeignNumber },
		"place.address":  func(r *mapped) *string { return &r.Place.Address },
		"place.grid":     func(r *mapped) *string { return &r.Place.Grid },
		"reply.address":  func(r *mapped) *string { return &r.reply().Address },
		"reply.token":    func(r *mapped) *string { return &r.reply().Token },
	} {
		known[name] = line(at)
	}
	for prefix, party := range map[string]func(*mapped) *ticket.Party{
		"appellant":   func(r *mapped) *ticket.Party { return &r.Appellant },
		"filed_by":    func(r *mapped) *ticket.Party { return &r.FiledBy },
		"other_party": func(r *mapped) *ticket.Party { return &r.OtherParty },
	} {
		known[prefix+".name"] = line(func(r *mapped) *string { return &party(r).Name })
		known[prefix+".contact"] = line(func(r *mapped) *string { return &party(r).Contact })
		known[prefix+".id_number"] = line(func(r *mapped) *string { return &party(r).IDNumber })
		known[prefix+".channel_id"] = line(func(r *mapped) *string { return &party(r).ChannelID })
		known[prefix+".company"] = line(func(r *mapped) *string { return &party(r).Company })
		known[prefix+".phone"] = func(r *mapped, value any) error {
			s, err := short(value)
			if err == nil && s != "" {
				party(r).Phone = phone(s)
			}
			return err
		}
	}
	return known
}

func (r *mapped) reply() *ticket.ReplyHandle {
	if r.Reply == nil {
		r.Reply = &ticket.ReplyHandle{}
	}
	return r.Reply
}

// line assigns a text of one piece.
func line(at func(*mapped) *string) assign {
	return func(r *mapped, value any) error {
		s, err := short(value)
		if err == nil && s != "" {
			*at(r) = s
		}
		return err
	}
}

// words assigns the text of the request, which may be long.
func words(r *mapped, value any) error {
	s, ok := value.(string)
	if !ok {
		var err error
		if s, err = short(value); err != nil {
			return err
		}
	}
	r.Text, _ = text.Clean(strings.TrimSpace(s), maxText)
	return nil
}

func enum[T ~string](allowed []T, at func(*mapped) *T) assign {
	return func(r *mapped, value any) error {
		s, err := short(value)
		if err != nil || s == "" {
			return err
		}
		if !slices.Contains(allowed, T(s)) {
			return fmt.Errorf("gives a word that is not one of %v", allowed)
		}
		*at(r) = T(s)
		return nil
	}
}

func flag(at func(*mapped) *bool) assign {
	return func(r *mapped, value any) error {
		switch v := value.(type) {
		case nil:
		case bool:
			*at(r) = v
		default:
			return fmt.Errorf("gives %s, want true or false", kindOf(value))
		}
		return nil
	}
}

func tags(r *mapped, value any) error {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, v := range list {
		s, err := short(v)
		if err != nil {
			return err
		}
		if s != "" && !slices.Contains(r.Tags, s) {
			r.Tags = append(r.Tags, s)
		}
	}
	return nil
}

func point(r *mapped, value any) error {
	switch p := value.(type) {
	case nil:
	case ticket.Place:
		r.Place.Lng, r.Place.Lat, r.Place.Datum = p.Lng, p.Lat, p.Datum
	default:
		return fmt.Errorf("gives %s, want wgs84(lng, lat), gcj02(lng, lat) or bd09(lng, lat)", kindOf(value))
	}
	return nil
}

func accuracy(r *mapped, value any) error {
	if textOf(value) == "" {
		return nil
	}
	metres, err := floatOf(value)
	if err != nil || metres < 0 || metres > 1e6 {
		return errors.New("gives no number of metres up to 1000000")
	}
	r.Place.Accuracy = metres
	return nil
}

func replyUntil(r *mapped, value any) error {
	switch v := value.(type) {
	case nil:
	case time.Time:
		r.reply().Until = v.UnixMilli()
	default:
		return fmt.Errorf("gives %s, want a time", kindOf(value))
	}
	return nil
}
