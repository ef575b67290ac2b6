package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/internal/paging"
)

func TestNoticesAreRead(t *testing.T) {
	t.Parallel()
	p := load(t, packOf(t, map[string]string{"notices.yaml": `
destinations:
  - {id: ops, kind: dingtalk, title: 值班群, token: "env:OPS_TOKEN", secret: "env:OPS_SECRET", rate: 15}
  - {id: box, kind: mail, title: 邮箱, smtp: {host: mail.example.org, from: hotline@example.org, to: [duty@example.org]}}
  - id: sms
    kind: sms
    title: 短信
    url: https://sms.example.org/send
    secret: env:SMS
    sms: {headers: {Authorization: "Bearer {secret}"}, body: '{"mobile":"{to}","content":"{text}"}', to: ["13900001111"], ok: {pointer: /code, equals: "0"}}
routes:
  - {id: red, levels: [red], units: [centre], roles: [duty], to: [ops, box], group_by: [unit, level], group_wait: 30s, group_interval: 5m, repeat_interval: 4h, quiet: "22:00-07:00", quiet_except: [red]}
watch: {through: box, lag: 2m, heartbeat: {url: "env:BEAT", every: 30s}}
`}))
	want := paging.Route{
		ID: "red", Levels: []string{"red"}, Units: []string{"centre"}, Roles: []string{"duty"}, To: []string{"ops", "box"},
		GroupBy: []string{paging.ByUnit, paging.ByLevel}, Wait: 30 * time.Second, Interval: 5 * time.Minute, Repeat: 4 * time.Hour,
		Quiet: paging.Quiet{From: 22 * 60, To: 7 * 60}, Loud: []string{"red"},
	}
	if diff := cmp.Diff([]paging.Route{want}, p.Notices.Routes); diff != "" {
		t.Error(diff)
	}
	if len(p.Notices.Destinations) != 3 || p.Notices.Watch.Lag != 2*time.Minute || p.Notices.Watch.Heartbeat.URL != "env:BEAT" {
		t.Errorf("read %+v", p.Notices)
	}
	if empty := load(t, packOf(t, nil)).Notices; len(empty.Routes) != 0 || empty.Match(paging.Subject{}, nil) != nil {
		t.Errorf("a pack without notices pages: %+v", empty)
	}
}
