package wechat

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// What the platform promises about its pushes (developers.weixin.qq.com, customer service messages
// and temporary media).
const (
	mediaKept     = 3 * 24 * time.Hour
	messageWindow = 48 * time.Hour // five replies after a message
	eventWindow   = time.Minute    // three replies after a scan, a follow or a menu click
)

// maxText bounds the words of one message, bytes. The platform's own limit is 2048.
const maxText = 64 << 10

// Normalize makes a request of an opened push. Errors mean that the push cannot be read; the
// platform cannot correct it.
func (a *adapter) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	m, err := a.read(in.Body)
	if err != nil {
		return nil, err
	}
	var r *ticket.Request
	if m.MsgType == "event" {
		r = a.event(m)
	} else if r, err = a.said(m); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, nil
	}
	window := messageWindow
	if m.MsgType == "event" {
		window = eventWindow
	}
	r.Source = cmp.Or(a.channel.Source, ticket.SourceCitizen)
	r.Region = a.channel.Region
	r.ThreadKey = m.FromUserName
	r.Appellant.ChannelID = m.FromUserName
	if r.Kind != ticket.KindReceipt && m.Event != "LOCATION" { // those open no window for replies
		r.Reply = &ticket.ReplyHandle{Address: m.FromUserName}
	}
	// A time nobody can mean is left out. It must not be replaced by ReceivedAt: that would make the
	// platform's retry another request.
	if at := m.created(); wire.Plausible(at, in.ReceivedAt) {
		r.HappenedAt = at
		if r.Reply != nil {
			r.Reply.Until = at.Add(window).UnixMilli()
		}
		for i := range r.Media {
			r.Media[i].Expires = at.Add(mediaKept).UnixMilli()
		}
	}
	return []ticket.Request{*r}, nil
}

// read decodes a push and checks what every push has.
func (a *adapter) read(body []byte) (*message, error) {
	m := new(message)
	if err := decode(body, m); err != nil {
		return nil, err
	}
	if err := a.validate.Struct(m); err != nil {
		if fields, ok := errors.AsType[validator.ValidationErrors](err); ok {
			return nil, missing(fieldName(fields[0].Namespace()))
		}
		return nil, err
	}
	return m, nil
}

func (m *message) created() time.Time {
	seconds, err := strconv.ParseInt(string(m.CreateTime), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// said makes a request of what a citizen sent. A picture or a place alone has no text: recognition
// takes it as part of the conversation then. nil means a type we do not know.
func (a *adapter) said(m *message) (*ticket.Request, error) {
	r := &ticket.Request{Kind: ticket.KindMessage}
	needMedia := ""
	switch m.MsgType {
	case "text":
		r.Text = m.Content
	case "image":
		needMedia = "photo"
	case "voice":
		needMedia = "voice"
		if m.Recognition != "" { // only accounts that still have it switched on
			r.Text = m.Recognition
			r.Attributes = map[string]string{"recognised": "platform"}
		}
	case "video", "shortvideo":
		needMedia = "video"
	case "location":
		r.Place = place(m.LocationX, m.LocationY, "", ticket.GCJ02)
		r.Place.Address = clean(m.Label)
	case "link":
		r.Text = joinLines(m.Title, m.Description, m.URL)
	case "miniprogrampage":
		r.Text = joinLines(m.Title, m.PagePath)
	default:
		return nil, nil
	}
	if m.MsgID == "" {
		return nil, missing("MsgId")
	}
	r.Key = "m:" + string(m.MsgID)
	r.Text = clean(r.Text)
	if needMedia != "" {
		ref := cmp.Or(clean(m.MediaID), clean(m.PicURL))
		if ref == "" {
			return nil, missing("MediaId")
		}
		r.Media = []ticket.MediaRef{{Ref: ref, Role: needMedia}}
	}
	return r, nil
}

// event makes a request of what tells something about the citizen's matter: where they are, what
// they scanned, which session they came from, whether our message arrived. nil for all others.
func (a *adapter) event(m *message) *ticket.Request {
	r := &ticket.Request{Kind: ticket.KindUpdate, Attributes: map[string]string{"event": clean(m.Event)}}
	key := m.EventKey
	switch m.Event {
	case "subscribe", "SCAN":
		scene := clean(strings.TrimPrefix(m.EventKey, "qrscene_"))
		if scene == "" {
			return nil
		}
		r.Attributes["scene"] = scene
		if grid, ok := strings.CutPrefix(scene, a.settings.GridScene); ok && a.settings.GridScene != "" {
			r.Place.Grid = grid
		}
	case "LOCATION":
		r.Place = place(string(m.Latitude), string(m.Longitude), string(m.Precision), a.settings.LocationDatum)
		if !r.Place.HasPoint() {
			return nil
		}
	case "location_select":
		r.Kind = ticket.KindMessage
		r.Place = place(string(m.SendLocationInfo.LocationX), string(m.SendLocationInfo.LocationY), "", ticket.GCJ02)
		r.Place.Address = clean(joinLines(m.SendLocationInfo.Label, m.SendLocationInfo.PoiName))
	case "CLICK":
		r.Attributes["menu"] = clean(m.EventKey)
	case "user_enter_tempsession":
		numbers := ticket.FindNumbers(m.SessionFrom)
		if len(numbers) == 0 {
			return nil
		}
		r.TicketNumber, key = numbers[0], m.SessionFrom
	case "TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH":
		id := string(cmp.Or(m.MsgID, m.MassMsgID))
		r.Kind, key = ticket.KindReceipt, id
		r.Attributes["message"], r.Attributes["status"] = id, clean(m.Status)
	default: // unsubscribe, VIEW, pic_*, and whatever comes next
		return nil
	}
	// The key is kept in the clear for ever, and the id says who it was: only its sameness matters.
	who := sha256.Sum256([]byte(m.FromUserName))
	r.Key = clean("e:" + strings.Join([]string{hex.EncodeToString(who[:8]), string(m.CreateTime), m.Event, key}, ":"))
	return r
}

// place reads coordinates; what cannot be a place is left out, so that the words still count.
func place(latitude, longitude, accuracy string, datum ticket.Datum) ticket.Place {
	lat, err1 := strconv.ParseFloat(latitude, 64)
	lng, err2 := strconv.ParseFloat(longitude, 64)
	if err1 != nil || err2 != nil || geo.Check(geo.Point{Lng: lng, Lat: lat}) != nil {
		return ticket.Place{}
	}
	p := ticket.Place{Lng: lng, Lat: lat, Datum: datum}
	if metres, err := strconv.ParseFloat(accuracy, 64); err == nil && 0 < metres && metres < 1e6 {
		p.Accuracy = metres
	}
	return p
}

func joinLines(lines ...string) string {
	var kept []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

func clean(s string) string {
	s, _ = text.Clean(strings.TrimSpace(s), maxText)
	return s
}
