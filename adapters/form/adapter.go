// Package form is the gateway's own intake: what mini-programs, apps, web forms, grid workers' phones
// and self-media observers send. One report, one request.
//
// It is not the API by which citizens follow a ticket, and not the place where files are uploaded:
// photos come as references to earlier uploads or, of a multipart body, already kept.
package form

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// settings is the channel's part of the pack.
type settings struct {
	wire.GuardSettings `yaml:",inline"`
	Reporters          []string `yaml:"reporters"`
	ConsentRequired    bool     `yaml:"consent_required"`
	AreaCode           string   `yaml:"area_code"`
	Historic           bool     `yaml:"historic"`
}

var allReporters = []string{citizen, gridWorker, observer, agent}

type form struct {
	settings settings
	channel  adapters.Channel
	guard    *wire.Guard
	validate *validator.Validate
}

// Spec declares the channel.
func Spec() adapters.Spec {
	return adapters.Spec{
		Name:  "form",
		Title: "网页与应用表单",
		Doc: "Our own report format for mini-programs, apps, web forms, grid workers and observers: JSON, or multipart with photos. " +
			"The sender chooses the key (clientReportId or Idempotency-Key), so that a report made offline can be sent again without harm.",
		Fields: append(wire.GuardFields(),
			adapters.Field{Name: "reporters", Title: "允许的提交人", Type: adapters.TypeList, Default: "citizen", Help: "citizen 市民、gridWorker 网格员、observer 自媒体观察员、agent 话务员或窗口人员；后三者需要验证方式；未写明类型的按第一种"},
			adapters.Field{Name: "consent_required", Title: "必须同意个人信息处理说明", Type: adapters.TypeBool, Default: "false", Help: "consent 不为 true 时拒收"},
			adapters.Field{Name: "historic", Title: "历史数据", Type: adapters.TypeBool, Default: "false", Help: "来自旧系统的存量工单：时限照算，不通知任何人；发生时间可以是过去任何一年，foreignNumber 记旧编号"},
			adapters.Field{Name: "area_code", Title: "本地区号", Type: adapters.TypeString, Help: "补全没有区号的固定电话，例如 0539"},
		),
		MaxBody:   64 << 20,
		MaxText:   2 << 20,
		Multipart: true,
		OwnsKeys:  true,
		New:       newForm,
	}
}

func newForm(s adapters.Settings, d adapters.Deps) (adapters.Adapter, error) {
	f := &form{channel: d.Channel, validate: newValidate()}
	if err := s.Decode(&f.settings); err != nil {
		return nil, fmt.Errorf("form: settings: %w", err)
	}
	var err error
	if f.guard, err = wire.NewGuard(f.settings.GuardSettings, d); err != nil {
		return nil, fmt.Errorf("form: settings: %w", err)
	}
	if len(f.settings.Reporters) == 0 {
		f.settings.Reporters = []string{citizen}
	}
	for _, r := range f.settings.Reporters {
		if !slices.Contains(allReporters, r) {
			return nil, fmt.Errorf("form: settings: reporters: %q is not one of %s", r, strings.Join(allReporters, ", "))
		}
		if r != citizen && f.settings.Verify.Type == signature.TypeNone {
			return nil, fmt.Errorf("form: settings: reporters: anybody could claim to be %s on a channel with verify type none; choose bearer or hmac", r)
		}
	}
	return f, nil
}

// Open checks the token or signature; on a public channel it lets everybody in.
func (f *form) Open(in adapters.Inbound) (adapters.Inbound, error) { return in, f.guard.Check(in) }

// Handshake turns away what is no report.
func (f *form) Handshake(in adapters.Inbound) (adapters.Reply, bool) { return wire.NotPost(in) }

// newValidate names fields as they are on the wire.
func newValidate() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	return v
}
