package config

import (
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/routing"
)

// noticeRules are the forms of single values of notices.yaml.
func noticeRules() []structRules {
	return []structRules{
		{paging.Plan{}, map[string]string{"Destinations": "dive", "Routes": "dive"}},
		{paging.Destination{}, map[string]string{
			"ID": "required,id", "Kind": "required," + oneOf(paging.Kinds), "Title": "required", "URL": "omitempty,webref",
			"Token": "omitempty,secret", "Secret": "omitempty,secret", "Rate": "min=0,max=6000",
		}},
		{paging.SMTP{}, map[string]string{
			"Host": "required,host", "Port": "min=0,max=65535", "TLS": "omitempty," + oneOf([]string{paging.TLSStart, paging.TLSImplicit, paging.TLSNone}),
			"From": "required,mail", "To": "required,min=1,max=50,dive,mail",
		}},
		{paging.Text{}, map[string]string{"Method": "omitempty,oneof=POST GET PUT", "To": "required,min=1,max=50,dive,line"}},
		{paging.Route{}, map[string]string{
			"ID": "required,id", "Levels": "unique,dive," + oneOf(paging.Levels), "Clocks": "unique,dive," + oneOf(paging.Clocks),
			"Roles": "unique,dive," + oneOf(postRoles), "Units": "unique", "Posts": "unique", "To": "required,min=1,unique",
			"GroupBy": "unique,dive," + oneOf([]string{paging.ByUnit, paging.ByLevel, paging.ByClock}), "Loud": "unique,dive," + oneOf(paging.Levels),
		}},
		{paging.Heartbeat{}, map[string]string{"URL": "required,webref"}},
	}
}

func isMail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address != "" && !strings.ContainsAny(s, "\r\n")
}

// isWebRef reports whether a value is an address, or names where a secret one is kept.
func isWebRef(s string) bool { return isWeb(s) || isSecretRef(s) }

// notices reads notices.yaml.
func (l *loader) notices() item[paging.Plan] {
	var plan item[paging.Plan]
	l.mappings("notices", func(file string, n ast.Node) { plan = readItem[paging.Plan](l, file, n) })
	return plan
}

// checkNotices judges what lies between the parts of notices.yaml, and between it and the rest of the pack.
func (l *loader) checkNotices(d *directory) {
	it := &l.items.notices
	if it.node == nil {
		return
	}
	plan := &it.value
	s := subject{l, "notices", it.file, it.node}
	known := names{kind: "destination", section: "notices", at: map[string]routing.Source{}}
	for i := range plan.Destinations {
		dest, path := &plan.Destinations[i], fmt.Sprintf("destinations[%d]", i)
		if _, twice := known.at[dest.ID]; twice {
			s.wrong(path+".id", "destination %q: is given twice; keep one", dest.ID)
		}
		known.at[dest.ID] = it.source()
		s.checkDestination(path, dest)
	}
	routes, all := map[string]bool{}, ""
	for i := range plan.Routes {
		r, path := &plan.Routes[i], fmt.Sprintf("routes[%d]", i)
		if routes[r.ID] {
			s.wrong(path+".id", "route %q: is given twice; keep one", r.ID)
		}
		routes[r.ID] = true
		if all != "" {
			s.wrong(path, "route %q: is never reached, since route %q ahead of it takes every alert; move it ahead, or let that one say continue: true", r.ID, all)
		}
		if !r.Continue && len(r.Levels)+len(r.Units)+len(r.Posts)+len(r.Roles)+len(r.Clocks) == 0 {
			all = r.ID
		}
		s.inList(path, "to", r.To, known)
		s.inList(path, "units", r.Units, d.units)
		s.inList(path, "posts", r.Posts, d.posts)
		s.checkTimes(path, r)
	}
	s.checkWatch(&plan.Watch, known)
}

// inList is refs below the path of a route.
func (s subject) inList(path, key string, ids []string, to names) {
	for i, id := range ids {
		if id == "" || to.has(id) {
			continue
		}
		if len(to.at) == 0 {
			s.wrong(path+"."+key, "%s: names %s %q, and the pack has none", key, to.kind, id)
			continue
		}
		s.wrong(fmt.Sprintf("%s.%s[%d]", path, key, i), "%s %q: no such %s%s", key, id, to.kind, suggestion(id, sortedIDs(to)))
	}
}

func sortedIDs(n names) []string {
	ids := make([]string, 0, len(n.at))
	for id := range n.at {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (s subject) checkTimes(path string, r *paging.Route) {
	for _, v := range []struct {
		key string
		d   time.Duration
	}{{"group_wait", r.Wait}, {"group_interval", r.Interval}, {"repeat_interval", r.Repeat}} {
		if v.d < 0 || v.d > 30*24*time.Hour {
			s.wrong(path+"."+v.key, "%s %s: must lie between 0s and 720h", v.key, v.d)
		}
	}
	if r.Interval < r.Wait {
		s.wrong(path+".group_interval", "group_interval %s: is shorter than group_wait %s; a group's next page would come sooner than its first", r.Interval, r.Wait)
	}
	if r.Repeat > 0 && r.Repeat < max(r.Interval, time.Minute) {
		s.wrong(path+".repeat_interval", "repeat_interval %s: is shorter than group_interval %s or a minute; give at least as much, or leave it out", r.Repeat, r.Interval)
	}
	if r.Quiet.IsZero() && len(r.Loud) > 0 {
		s.wrong(path+".quiet_except", "quiet_except: there are no quiet hours to make an exception of; add quiet, or leave it out")
	}
}

func (s subject) checkWatch(w *paging.Watch, known names) {
	s.inList("watch", "through", []string{w.Through}, known)
	for _, v := range []struct {
		key string
		d   time.Duration
	}{{"lag", w.Lag}, {"undelivered", w.Undelivered}, {"repeat", w.Repeat}} {
		if v.d != 0 && (v.d < time.Second || v.d > 7*24*time.Hour) {
			s.wrong("watch."+v.key, "watch.%s %s: must lie between 1s and 168h", v.key, v.d)
		}
	}
	if h := w.Heartbeat; h != nil && h.Every != 0 && (h.Every < 10*time.Second || h.Every > 24*time.Hour) {
		s.wrong("watch.heartbeat.every", "watch.heartbeat.every %s: must lie between 10s and 24h", h.Every)
	}
}

// wants are the keys that a kind of destination needs, and those it may have besides. url, token and secret
// have a known address or are not needed where they are not wanted.
var wants = map[string]struct{ needs, may []string }{
	paging.Webhook:      {[]string{"url", "secret"}, nil},
	paging.DingTalk:     {[]string{"token"}, []string{"url", "secret"}},
	paging.WeCom:        {[]string{"token"}, []string{"url"}},
	paging.Feishu:       {[]string{"token"}, []string{"url", "secret"}},
	paging.Mail:         {[]string{"smtp"}, []string{"secret"}},
	paging.SMS:          {[]string{"url", "sms"}, []string{"secret"}},
	paging.Alertmanager: {[]string{"url"}, []string{"token"}},
}

func (s subject) checkDestination(path string, d *paging.Destination) {
	want, known := wants[d.Kind]
	if !known {
		return // reported
	}
	given := map[string]bool{"url": d.URL != "", "token": d.Token != "", "secret": d.Secret != "", "smtp": d.SMTP != nil, "sms": d.Text != nil}
	for _, key := range []string{"url", "token", "secret", "smtp", "sms"} {
		switch needed := slices.Contains(want.needs, key); {
		case needed && !given[key]:
			s.wrong(path, "destination %q: %s is missing; a destination of kind %s needs it", d.ID, key, d.Kind)
		case given[key] && !needed && !slices.Contains(want.may, key):
			s.wrong(path+"."+key, "destination %q: a destination of kind %s has no %s; leave it out", d.ID, d.Kind, key)
		}
	}
	if u, err := url.Parse(d.URL); err == nil && isWeb(d.URL) {
		for name := range u.Query() {
			if slices.Contains([]string{"access_token", "key", "token", "sign", "secret", "password"}, strings.ToLower(name)) {
				s.wrong(path+".url", "destination %q: its url holds a secret (%s=); name it by token, or give the whole address as env:NAME or file:PATH", d.ID, name)
			}
		}
	}
	if d.SMTP != nil && d.Kind == paging.Mail {
		s.checkMail(path, d)
	}
	if d.Text != nil && d.Kind == paging.SMS {
		s.checkText(path, d)
	}
}

func (s subject) checkMail(path string, d *paging.Destination) {
	switch m := d.SMTP; {
	case m.TLS == paging.TLSNone && (m.User != "" || d.Secret != ""):
		s.wrong(path+".smtp.tls", `destination %q: tls: none would send the password in the clear; use starttls or implicit, or leave out user and secret`, d.ID)
	case (m.User == "") != (d.Secret == ""):
		s.wrong(path+".smtp.user", "destination %q: user and secret belong together; give both or neither", d.ID)
	}
}

// placeholders of the request that sends a text message.
var textPlaceholders = []string{"{text}", "{to}", "{id}", "{secret}"}

func (s subject) checkText(path string, d *paging.Destination) {
	t := d.Text
	all := strings.Join(append(slices.Sorted(maps.Values(t.Headers)), t.Body, d.URL), " ")
	for _, need := range []string{"{text}", "{to}"} {
		if !strings.Contains(all, need) {
			s.wrong(path+".sms", "destination %q: neither url, headers nor body hold %s, so nobody would be told; add it", d.ID, need)
		}
	}
	for _, m := range placeholder.FindAllString(all, -1) {
		if !slices.Contains(textPlaceholders, m) && !strings.ContainsAny(m, "\":, \n") { // a JSON object is no placeholder
			s.wrong(path+".sms", "destination %q: has no placeholder %s; it may use %s", d.ID, m, strings.Join(textPlaceholders, ", "))
		}
	}
	if strings.Contains(all, "{secret}") != (d.Secret != "") {
		s.wrong(path+".sms", "destination %q: secret and {secret} belong together; give both or neither", d.ID)
	}
	if (t.OK.Pointer == "") != (t.OK.Equals == "") || t.OK.Pointer != "" && !strings.HasPrefix(t.OK.Pointer, "/") {
		s.wrong(path+".sms.ok", `destination %q: ok names where in the answer success stands (pointer: "/code") and its value (equals: "0")`, d.ID)
	}
}
