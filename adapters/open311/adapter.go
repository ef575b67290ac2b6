// Package open311 is the channel of civic applications: a server of GeoReport v2, the Open311
// protocol for reporting and following non-emergency requests (https://wiki.open311.org/GeoReport_v2/).
//
// It is no client of other cities' endpoints. Reads go through [adapters.PublicDesk], so that only
// what the city publishes can be seen.
package open311

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// formatSince is when the answers of this server last changed their form; discovery says so.
const formatSince = "2026-01-01T00:00:00Z"

// Spec declares the channel.
func Spec() adapters.Spec {
	return adapters.Spec{
		Name:  "open311",
		Title: "Open311 接口",
		Doc: "Server of Open311 GeoReport v2 in XML and JSON: discovery, services, service definitions, requests and tokens. " +
			"Civic applications such as FixMyStreet post requests and follow the published ones.",
		Fields: []adapters.Field{
			{Name: "keys", Title: "接口密钥", Type: adapters.TypeList, Required: true, Help: "List of {name, key}: who may post. key is a secret reference; the name is stored with each request. Two entries of one name allow a key to be changed."},
			{Name: "jurisdictions", Title: "辖区标识", Type: adapters.TypeList, Help: "Values of jurisdiction_id that are served. None: the parameter is ignored. One: it may be left out. Several: it is required."},
			{Name: "publish", Title: "默认公开", Type: adapters.TypeBool, Default: "false", Help: "Take a post as consent to publish the request's public summary."},
			{Name: "datum", Title: "坐标系", Type: adapters.TypeString, Default: "wgs84", Help: "wgs84 as the protocol says, or gcj02 or bd09 for clients that send coordinates of a Chinese map as they are."},
			{Name: "notice", Title: "受理提示", Type: adapters.TypeString, Help: "service_notice of an accepted request; the city's own acknowledgement text when empty."},
			{Name: "contact", Title: "联系方式", Type: adapters.TypeString, Help: "How developers reach the office; shown by discovery."},
			{Name: "key_service", Title: "密钥申请说明", Type: adapters.TypeString, Help: "How to ask for a key; shown by discovery."},
			{Name: "test", Title: "测试端点", Type: adapters.TypeBool, Default: "false", Help: "Discovery names the endpoint a test one."},
		},
		MaxBody:   32 << 20, // a post with some photographs
		MaxText:   2 << 20,
		Multipart: true,
		OwnsKeys:  true,
		New:       newAdapter,
	}
}

type settings struct {
	Keys []struct {
		Name string             `yaml:"name"`
		Key  adapters.SecretRef `yaml:"key"`
	} `yaml:"keys"`
	Jurisdictions []string     `yaml:"jurisdictions"`
	Publish       bool         `yaml:"publish"`
	Datum         ticket.Datum `yaml:"datum"`
	Notice        string       `yaml:"notice"`
	Contact       string       `yaml:"contact"`
	KeyService    string       `yaml:"key_service"`
	Test          bool         `yaml:"test"`
}

// jurisdictionFault says what is wrong with a jurisdiction_id, nothing when it is served.
func (s *settings) jurisdictionFault(id string) string {
	switch {
	case len(s.Jurisdictions) == 0, slices.Contains(s.Jurisdictions, id):
		return ""
	case id != "":
		return "jurisdiction not found"
	case len(s.Jurisdictions) > 1:
		return "is required"
	}
	return ""
}

type client struct {
	name   string
	digest [sha256.Size]byte // of the key: digests compare in constant time whatever the lengths
}

type adapter struct {
	channel  adapters.Channel
	settings settings
	clients  []client
}

func newAdapter(s adapters.Settings, d adapters.Deps) (adapters.Adapter, error) {
	a := &adapter{channel: d.Channel}
	if err := s.Decode(&a.settings); err != nil {
		return nil, err
	}
	a.channel.Zone = cmp.Or(a.channel.Zone, time.UTC)
	a.settings.Datum = cmp.Or(a.settings.Datum, ticket.WGS84)
	if !slices.Contains([]ticket.Datum{ticket.WGS84, ticket.GCJ02, ticket.BD09}, a.settings.Datum) {
		return nil, fmt.Errorf("datum: %q is not known; use wgs84, gcj02 or bd09", a.settings.Datum)
	}
	if slices.Contains(a.settings.Jurisdictions, "") {
		return nil, errors.New("jurisdictions: an empty jurisdiction_id cannot be told from none; remove it")
	}
	if len(a.settings.Keys) == 0 {
		return nil, errors.New("keys: at least one {name, key} is required, or nobody can post")
	}
	for i, k := range a.settings.Keys {
		if k.Name == "" {
			return nil, fmt.Errorf("keys[%d].name: is required; it is stored with each request", i)
		}
		secret, err := d.Secret(k.Key)
		if err != nil {
			return nil, fmt.Errorf("keys[%d].key: %w", i, err)
		}
		if secret == "" {
			return nil, fmt.Errorf("keys[%d].key: the secret is empty", i)
		}
		a.clients = append(a.clients, client{k.Name, sha256.Sum256([]byte(secret))})
	}
	return a, nil
}

// clientOf names the holder of an api_key.
func (a *adapter) clientOf(key string) (name string, ok bool) {
	digest := sha256.Sum256([]byte(key))
	for _, c := range a.clients {
		if subtle.ConstantTimeCompare(c.digest[:], digest[:]) == 1 {
			name, ok = c.name, true
		}
	}
	return name, ok
}

// Open lets posts in that carry a known api_key. Reads need none: they show what is public.
func (a *adapter) Open(in adapters.Inbound) (adapters.Inbound, error) {
	if !isPost(in) {
		return in, nil
	}
	if _, ok := a.clientOf(keyOf(in)); !ok {
		return in, ticket.Errorf(ticket.Forbidden, "open311.key", "api_key is missing or not known")
	}
	return in, nil
}

// Acknowledge answers a POST. A request that has no ticket number yet gets a token, which
// GET /tokens/{token} exchanges later.
func (a *adapter) Acknowledge(in adapters.Inbound, out adapters.Outcome) adapters.Reply {
	format := resourceOf(in.Path, in.Header).format
	switch out.Result {
	case adapters.Accepted, adapters.Repeated, adapters.Ignored, adapters.Quarantined:
		return a.accepted(format, out)
	case adapters.Conflicting:
		return refuse(http.StatusBadRequest, format, "duplicate: the same request or Idempotency-Key was used with other content")
	case adapters.Rejected:
		return rejected(format, out)
	case adapters.Refused:
		return refuse(http.StatusForbidden, format, "api_key is missing or not known")
	case adapters.Unavailable:
	}
	status, description := http.StatusServiceUnavailable, "the request could not be stored, please send it again"
	if strings.Contains(out.Code, "too_many") || strings.HasPrefix(out.Code, "rate") {
		status, description = http.StatusTooManyRequests, "too many requests, please slow down"
	}
	return wire.RetryAfter(refuse(status, format, description), out.RetryAfter)
}

func (a *adapter) accepted(format string, out adapters.Outcome) adapters.Reply {
	s := submission{Notice: cmp.Or(a.settings.Notice, out.Text)}
	if len(out.Tickets) > 0 {
		s.ID = &out.Tickets[0].Number
	} else {
		s.Token = &out.Delivery
	}
	list := []submission{s}
	return render(http.StatusOK, format, xmlSubmissions(list), list)
}

// xmlSubmissions gives account_id its empty element; JSON says null.
func xmlSubmissions(list []submission) submissionList {
	empty := ""
	list = slices.Clone(list)
	for i := range list {
		list[i].Account = &empty
	}
	return submissionList{Submissions: list}
}

// rejected says which parameters were wrong. The protocol wants 404 when the service code or the
// jurisdiction is not known, 400 for all else.
func rejected(format string, out adapters.Outcome) adapters.Reply {
	status := http.StatusBadRequest
	var descriptions []string
	for _, f := range out.Errors {
		switch {
		case f.Name == "category": // intake knows the categories and speaks of them by our name
			status, f = http.StatusNotFound, ticket.Field{Name: "service_code", Message: "not found"}
		case f.Name == "jurisdiction_id" && strings.Contains(f.Message, "not found"):
			status = http.StatusNotFound
		}
		descriptions = append(descriptions, f.Name+": "+f.Message)
	}
	if len(descriptions) == 0 {
		descriptions = []string{cmp.Or(out.Text, "the request cannot be taken as it is")}
	}
	return refuse(status, format, descriptions...)
}

// stamp writes a time as the protocol wants it: with zone, without fractions of a second. nil when
// there is none.
func (a *adapter) stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.In(a.channel.Zone).Format(time.RFC3339)
	return &s
}

// whole reads a number parameter between low and high.
func whole(s string, low, high int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && low <= n && n <= high
}
