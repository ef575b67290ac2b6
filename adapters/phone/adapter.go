// Package phone is the telephone: what an exchange (CTI) tells about calls, and the form an agent fills
// in. Facts of a call come over minutes and in any order; each is one request, tied together by the
// call's id.
//
// It answers no calls and holds no connection to an exchange. Vendors whose format is neither the
// neutral one nor a dialect here are mapped by the webhook adapter.
package phone

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// The paths below the channel.
const (
	pathEvents     = "/events"
	pathTicket     = "/ticket"
	pathFreeSWITCH = "/cdr/freeswitch"
)

// settings is the channel's part of the pack.
type settings struct {
	wire.GuardSettings `yaml:",inline"`
	Desk               *wire.GuardSettings `yaml:"desk"`       // of the agent's form, when it is another
	FreeSWITCH         *wire.GuardSettings `yaml:"freeswitch"` // of call detail records, when it is another
	AreaCode           string              `yaml:"area_code"`
	CitizenSide        string              `yaml:"citizen_side"`
	RecordingsURL      string              `yaml:"recordings_url"`
	RecordingsToken    adapters.SecretRef  `yaml:"recordings_token"`
}

type phone struct {
	settings settings
	channel  adapters.Channel
	guards   map[string]*wire.Guard // by path; "" is for the others
	source   source
	validate *validator.Validate
}

// Spec declares the channel.
func Spec() adapters.Spec {
	return adapters.Spec{
		Name:  "phone",
		Title: "电话热线",
		Doc: "Calls: a signed webhook with what the exchange knows (ring, answer, hangup, missed, recording, transcript), FreeSWITCH call detail " +
			"records, and the agent's form. A missed call becomes a duty to call back.",
		Fields: append(wire.GuardFields(),
			adapters.Field{Name: "area_code", Title: "本地区号", Type: adapters.TypeString, Help: "补全没有区号的主叫号码，例如 0539"},
			adapters.Field{Name: "citizen_side", Title: "市民所在声道", Type: adapters.TypeString, Default: "left", Help: "left 或 right：双声道录音转写中哪一侧是市民"},
			adapters.Field{Name: "desk", Title: "座席表单的验证方式", Type: adapters.TypeObject, Help: "{verify, secrets}；为空则与上面相同"},
			adapters.Field{Name: "freeswitch", Title: "FreeSWITCH 话单的验证方式", Type: adapters.TypeObject, Help: "{verify, secrets}，一般为 {type: basic, user: …}；为空则与上面相同"},
			adapters.Field{Name: "recordings_url", Title: "录音地址前缀", Type: adapters.TypeString, Help: "FreeSWITCH 录音文件的下载地址前缀；为空则不取其录音"},
			adapters.Field{Name: "recordings_token", Title: "录音下载令牌", Type: adapters.TypeSecret, Help: "只发给录音地址前缀所在的主机"},
		),
		OwnsKeys: true,
		MaxBody:  4 << 20, // a transcript of an hour
		New:      newPhone,
	}
}

func newPhone(s adapters.Settings, d adapters.Deps) (adapters.Adapter, error) {
	p := &phone{channel: d.Channel, validate: newValidate()}
	if err := s.Decode(&p.settings); err != nil {
		return nil, fmt.Errorf("phone: settings: %w", err)
	}
	set := &p.settings
	if set.CitizenSide = cmp.Or(set.CitizenSide, "left"); set.CitizenSide != "left" && set.CitizenSide != "right" {
		return nil, fmt.Errorf("phone: settings: citizen_side: %q is neither left nor right", set.CitizenSide)
	}
	p.guards = map[string]*wire.Guard{}
	for path, g := range map[string]*wire.GuardSettings{"": &set.GuardSettings, pathTicket: set.Desk, pathFreeSWITCH: set.FreeSWITCH} {
		if g == nil {
			continue
		}
		if g.Verify.Type == signature.TypeNone {
			return nil, errors.New("phone: settings: verify: type none would let anybody invent calls; choose hmac, bearer or basic")
		}
		guard, err := wire.NewGuard(*g, d)
		if err != nil {
			return nil, fmt.Errorf("phone: settings: %w", err)
		}
		p.guards[path] = guard
	}
	var err error
	if p.source, err = newSource(set.RecordingsURL, set.RecordingsToken, d); err != nil {
		return nil, fmt.Errorf("phone: settings: %w", err)
	}
	return p, nil
}

// Open checks the signature or token of the exchange or the desk, whoever sends to the path.
func (p *phone) Open(in adapters.Inbound) (adapters.Inbound, error) {
	guard, ok := p.guards[in.Path]
	if !ok {
		guard = p.guards[""]
	}
	return in, guard.Check(in)
}

// Handshake turns away what is neither an event nor a form.
func (p *phone) Handshake(in adapters.Inbound) (adapters.Reply, bool) { return wire.NotPost(in) }

// Normalize reads by path. Errors: ticket.Invalid for the agent's form and for unknown paths; any
// other error means that what an exchange sent cannot be read.
func (p *phone) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	switch in.Path {
	case pathEvents, "/":
		return p.events(in)
	case pathTicket:
		return p.ticket(in)
	case pathFreeSWITCH:
		return p.freeswitch(in)
	}
	return nil, ticket.Errorf(ticket.Invalid, codePath, "电话渠道只接收 %s、%s、%s", pathEvents, pathTicket, pathFreeSWITCH)
}

// newValidate names fields as they are on the wire.
func newValidate() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	return v
}
