package open311

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// Limits on what a client may send. The length of a description is the protocol's.
const (
	maxDescription = 4000 // characters
	maxField       = 500  // bytes of any other parameter
	maxAttribute   = 1000 // bytes of all answers to one attribute
	maxAttributes  = 50
	maxMediaURLs   = 20
	maxParts       = 500
	maxIdempotency = 200 // bytes of Idempotency-Key
)

// repeatWindow is how long an equal request of the same client counts as a repeat.
const repeatWindow = 10 * time.Minute

// notPinpointed is what FixMyStreet sends as address_id when its user did not click on the map.
const notPinpointed = "#NOTPINPOINTED#"

// Normalize makes a request of a POST to /requests. Errors: ticket.Invalid with the parameters
// that were wrong, in the protocol's names.
func (a *adapter) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	form, err := formOf(in)
	if err != nil {
		return nil, err
	}
	p := &params{Values: form}
	if f := a.settings.jurisdictionFault(p.one("jurisdiction_id")); f != "" {
		p.wrong("jurisdiction_id", f)
	}
	client, _ := a.clientOf(p.one("api_key"))
	r := ticket.Request{
		Kind:       cmp.Or(a.channel.Kind, ticket.KindCase),
		Source:     cmp.Or(a.channel.Source, ticket.SourceCitizen),
		Category:   p.one("service_code"),
		Region:     a.channel.Region,
		Appellant:  p.party(),
		Place:      p.place(a.settings.Datum),
		Media:      p.media(in.Media),
		Attributes: p.attributes(),
		Public:     a.settings.Publish,
	}
	if r.Category == "" {
		p.wrong("service_code", "is required; GET /services lists the codes")
	}
	r.Text = p.description()
	if client != "" {
		r.Attributes["client"] = client
	}
	r.Key = p.key(client, in)
	if len(p.faults) > 0 {
		return nil, &ticket.Error{Kind: ticket.Invalid, Code: "open311.parameters", Message: "the request cannot be taken as it is", Fields: p.faults}
	}
	return []ticket.Request{r}, nil
}

// formOf collects the parameters of a POST. node-open311 puts them into the query; the body wins.
func formOf(in adapters.Inbound) (url.Values, error) {
	form, err := bodyForm(in)
	if err != nil {
		return nil, err
	}
	merged := url.Values{}
	for _, values := range []url.Values{in.Query, form} {
		for name, list := range values {
			merged.Del(name)
			for _, v := range list {
				s, err := text.Decode([]byte(v), "")
				if err != nil {
					return nil, invalid("open311.charset", "body", "must be UTF-8")
				}
				merged.Add(name, strings.TrimSpace(s))
			}
		}
	}
	return merged, nil
}

// keyOf finds the api_key even in a body that cannot be read otherwise: who has a key is told what is wrong
// with the rest.
func keyOf(in adapters.Inbound) string {
	form, _ := bodyForm(in)
	for _, values := range []url.Values{form, in.Query} {
		for _, key := range values["api_key"] {
			if key = strings.TrimSpace(key); key != "" {
				return key
			}
		}
	}
	return ""
}

// bodyForm reads the body's parameters; beside an error stand those that could be read.
func bodyForm(in adapters.Inbound) (url.Values, error) {
	switch mediaType := wire.MediaType(in.Header); mediaType {
	case "multipart/form-data":
		return multipartForm(in)
	case "", "application/x-www-form-urlencoded":
		// Checked on the whole body: of a body that is no form at all, ParseQuery makes one odd name.
		if len(in.Body) > 0 && !bytes.ContainsRune(in.Body, '=') {
			return nil, invalid("open311.body", "body", "must be application/x-www-form-urlencoded")
		}
		form, err := url.ParseQuery(string(in.Body))
		if err != nil {
			return form, invalid("open311.body", "body", "must be application/x-www-form-urlencoded; a parameter is badly escaped")
		}
		return form, nil
	}
	return nil, invalid("open311.content_type", "Content-Type", "must be application/x-www-form-urlencoded or multipart/form-data")
}

// multipartForm reads the fields; the files are in Inbound.Media already.
func multipartForm(in adapters.Inbound) (url.Values, error) {
	broken := invalid("open311.body", "body", "is no complete multipart/form-data")
	_, p, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || p["boundary"] == "" {
		return nil, broken
	}
	form := url.Values{}
	reader := multipart.NewReader(bytes.NewReader(in.Body), p["boundary"])
	for range maxParts {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return form, broken
		}
		if part.FileName() != "" {
			continue
		}
		content, err := io.ReadAll(part) // bounded: the whole body is in memory and within MaxBody
		if err != nil {
			return form, broken
		}
		form.Add(part.FormName(), string(content))
	}
	return form, invalid("open311.body", "body", fmt.Sprintf("must have at most %d parts", maxParts))
}

// params are the parameters of one POST, with what was wrong about them. An empty parameter is the
// same as none.
type params struct {
	url.Values
	faults []ticket.Field
}

// wrong notes a fault once, however often the parameter is read.
func (p *params) wrong(name, message string) {
	if f := (ticket.Field{Name: name, Message: message}); !slices.Contains(p.faults, f) {
		p.faults = append(p.faults, f)
	}
}

// one is the first value of the first of the names that has one.
func (p *params) one(names ...string) string {
	for _, name := range names {
		for _, v := range p.Values[name] {
			if v == "" {
				continue
			}
			if len(v) > maxField && name != "description" {
				p.wrong(name, fmt.Sprintf("must have at most %d bytes", maxField))
				return ""
			}
			v, _ = text.Clean(v, 0)
			return v
		}
	}
	return ""
}

// description is the text of the request. The protocol allows none; a ticket needs one, so
// the service code stands in for it.
func (p *params) description() string {
	d := p.one("description")
	if utf8.RuneCountInString(d) > maxDescription {
		p.wrong("description", fmt.Sprintf("must have at most %d characters", maxDescription))
	}
	return cmp.Or(d, "（未附说明）服务代码 "+p.one("service_code"))
}

func (p *params) party() ticket.Party {
	party := ticket.Party{
		Name:      fullName(p.one("first_name"), p.one("last_name")),
		Contact:   p.one("email"),
		ChannelID: p.one("device_id", "deviceid", "account_id"), // FixMyStreet says deviceid
	}
	if phone := p.one("phone"); phone != "" {
		parsed := text.ParsePhone(phone, "")
		party.Phone = cmp.Or(parsed.Canonical(), parsed.Raw)
	}
	return party
}

// fullName writes a Chinese name as it is spoken, family name first and without a space.
func fullName(first, last string) string {
	han := func(s string) bool {
		return strings.IndexFunc(s, func(r rune) bool { return !unicode.Is(unicode.Han, r) }) < 0
	}
	if han(first) && han(last) {
		return last + first
	}
	return strings.TrimSpace(first + " " + last)
}

// place needs coordinates, an address or an address id.
func (p *params) place(datum ticket.Datum) ticket.Place {
	place := ticket.Place{Address: p.one("address_string")}
	id := p.one("address_id")
	if id == notPinpointed {
		id = ""
	}
	if place.Address == "" && id != "" {
		place.Address = "地址编号 " + id
	}
	lat, long := p.one("lat"), p.one("long")
	switch {
	case lat == "" && long == "":
	case lat == "" || long == "":
		p.wrong("lat", "and long belong together; one is missing")
		return place
	default:
		p.point(&place, lat, long, datum)
	}
	if !place.HasPoint() && place.Address == "" && len(p.faults) == 0 {
		p.wrong("lat", "is required together with long, unless address_string or address_id is given")
	}
	return place
}

func (p *params) point(place *ticket.Place, latitude, longitude string, datum ticket.Datum) {
	lat, err1 := strconv.ParseFloat(latitude, 64)
	long, err2 := strconv.ParseFloat(longitude, 64)
	switch {
	case err1 != nil || err2 != nil || math.IsNaN(lat+long):
		p.wrong("lat", "and long must be decimal degrees")
	case math.Abs(lat) > 90 && math.Abs(lat) <= 180 && math.Abs(long) <= 90:
		p.wrong("lat", "must lie between -90 and 90; lat and long seem to be exchanged")
	case math.Abs(lat) > 90 || math.Abs(long) > 180:
		p.wrong("lat", "must lie between -90 and 90, long between -180 and 180")
	case lat == 0 && long == 0: // what a device without a fix sends
		if place.Address == "" {
			p.wrong("lat", "and long are both 0: the device had no position")
		}
	case wire.Point(long, lat) != "":
		p.wrong("lat", "and long seem to be exchanged")
	default:
		place.Lat, place.Lng, place.Datum = lat, long, datum
	}
}

// media takes media_url, which FixMyStreet repeats (also as media_url[]), and the uploaded files.
func (p *params) media(uploads []adapters.Upload) []ticket.MediaRef {
	var refs []ticket.MediaRef
	for _, raw := range slices.Concat(p.Values["media_url"], p.Values["media_url[]"]) {
		if raw == "" {
			continue
		}
		u, err := url.Parse(raw)
		switch {
		case len(raw) > 2*maxField || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			p.wrong("media_url", "must be an http or https address")
			return nil
		case len(refs) == maxMediaURLs:
			p.wrong("media_url", fmt.Sprintf("must be given at most %d times", maxMediaURLs))
			return nil
		}
		refs = append(refs, ticket.MediaRef{Ref: raw, Role: "photo"})
	}
	for _, upload := range uploads {
		upload.Role = cmp.Or(upload.Role, "photo")
		refs = append(refs, upload.MediaRef)
	}
	return refs
}

// attributes collects attribute[code]=v and attribute[code][]=v as attribute.code, several answers
// joined by a comma.
func (p *params) attributes() map[string]string {
	answers := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Values)) { // sorted: faults and joins come in one order
		code, ok := attributeCode(name)
		if !ok {
			continue
		}
		for _, v := range p.Values[name] {
			if v, _ = text.Clean(v, 0); v != "" {
				answers[code] = append(answers[code], v)
			}
		}
	}
	if len(answers) > maxAttributes {
		p.wrong("attribute", fmt.Sprintf("at most %d attributes are taken", maxAttributes))
		return map[string]string{}
	}
	attributes := make(map[string]string, len(answers)+1)
	for code, list := range answers {
		joined := strings.Join(list, ",")
		if len(joined) > maxAttribute || len(code) > maxField || !utf8.ValidString(code) || strings.ContainsRune(code, 0) {
			p.wrong("attribute", fmt.Sprintf("a code or an answer is longer than %d bytes or no text", maxAttribute))
			continue
		}
		attributes["attribute."+code] = joined
	}
	if p.one("address_id") == notPinpointed {
		attributes["pinpointed"] = "false"
	}
	return attributes
}

func attributeCode(name string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(name, "[]"), "attribute[")
	if !ok {
		return "", false
	}
	code, ok := strings.CutSuffix(rest, "]")
	return code, ok && code != ""
}

// key is the client's Idempotency-Key, else a digest over what makes two posts the same, within
// a window of ten minutes on the clock. Two posts on either side of its border get two keys; the
// recognition of like matters joins them then.
func (p *params) key(client string, in adapters.Inbound) string {
	if k := in.Header.Get("Idempotency-Key"); k != "" {
		k = strings.TrimSpace(k)
		if len(k) > maxIdempotency || strings.IndexFunc(k, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
			p.wrong("Idempotency-Key", fmt.Sprintf("must be 1 to %d printable ASCII characters", maxIdempotency))
			return ""
		}
		return "i:" + client + ":" + k
	}
	sum := sha256.New()
	for _, part := range []string{
		client, p.one("device_id", "deviceid"), p.one("email"), p.one("phone"), p.one("service_code"),
		rounded(p.one("lat")), rounded(p.one("long")), p.one("address_string"), p.one("description"),
	} {
		sum.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	window := in.ReceivedAt.Truncate(repeatWindow).Unix()
	return fmt.Sprintf("h:%s:%d", hex.EncodeToString(sum.Sum(nil)[:16]), window)
}

// rounded is a coordinate to five places, about a metre.
func rounded(degrees string) string {
	f, err := strconv.ParseFloat(degrees, 64)
	if err != nil {
		return degrees
	}
	return strconv.FormatFloat(f, 'f', 5, 64)
}

func invalid(code, field, message string) error {
	return &ticket.Error{Kind: ticket.Invalid, Code: code, Message: "the request cannot be read", Fields: []ticket.Field{{Name: field, Message: message}}}
}

// isPost reports whether in hands over a request; everything else is a read.
func isPost(in adapters.Inbound) bool {
	r := resourceOf(in.Path, in.Header)
	return in.Method == http.MethodPost && r.name == "requests" && r.id == ""
}
