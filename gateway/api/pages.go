package api

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"when":  func(t time.Time) string { return t.Format("01-02 15:04") },
	"clock": func(t time.Time) string { return t.Format("15:04") },
	"day":   func(t time.Time) string { return t.Format("2006-01-02 15:04") },
	"left":  left,
	"pair": func(now time.Time, list desk.BriefList) map[string]any {
		return map[string]any{"Now": now, "List": list}
	},
}).Parse(pagesHTML))

// left says how far off a deadline is.
func left(now, due time.Time) string {
	switch d := due.Sub(now); {
	case due.IsZero():
		return "无期限"
	case d < 0:
		return "已超 " + spell(-d)
	default:
		return "还有 " + spell(d)
	}
}

func spell(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return strconv.Itoa(int(d.Hours())/24) + " 天"
	case d >= time.Hour:
		return strconv.Itoa(int(d.Hours())) + " 小时 " + strconv.Itoa(int(d.Minutes())%60) + " 分"
	}
	return strconv.Itoa(int(d.Minutes())) + " 分钟"
}

// The duty page asks for itself anew; that does not keep an idle session alive.
const (
	dutyPath = "/duty"
	dutyAuto = "auto"
)

// pageRoutes are the pages for people on duty, plain HTML that works without scripts. The same table of access
// guards them as the interface; whoever is not signed in is asked to.
func (a *API) pageRoutes() []route {
	get, post := fiber.MethodGet, fiber.MethodPost
	return []route{
		{get, "/login", everybody, "", a.getLoginPage},
		{post, "/login", everybody, "", a.postLoginPage},
		{get, dutyPath, byRight, desk.RightDuty, a.getDutyPage},
		{get, "/duty/brief", byRight, desk.RightDuty, a.getBriefPage},
		{post, "/duty/ack", byRight, desk.RightAck, a.postAckPage},
	}
}

func (a *API) servePage(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		k := &call{Ctx: c}
		err := a.admit(k, r)
		if ticket.IsKind(err, ticket.Unauthenticated) && c.Method() == fiber.MethodGet {
			return c.Redirect("/login?next="+url.QueryEscape(c.OriginalURL()), http.StatusSeeOther)
		}
		if err == nil {
			err = r.handle(k)
		}
		if err == nil {
			return nil
		}
		e := asTicketError(err)
		if e.Kind == ticket.Internal {
			return err // logged by the edge
		}
		return a.page(k, "problem", statuses[e.Kind].status, map[string]any{"Title": statuses[e.Kind].title, "Detail": problemWords(e)})
	}
}

// problemWords is an error as a page says it.
func problemWords(e *ticket.Error) string {
	words := []string{e.Message}
	for _, f := range e.Fields {
		words = append(words, f.Message)
	}
	return strings.Join(words, "；")
}

func (a *API) page(k *call, name string, status int, data map[string]any) error {
	var b bytes.Buffer
	data["City"], data["Now"], data["Login"] = a.Live.Get().Title, a.Now().In(a.Live.Get().Zone), k.viewer.Login
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	k.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return k.Status(status).Send(b.Bytes())
}

// ownPath is where a page leads on to: a path of ours, nothing that leads elsewhere.
func ownPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, dutyPath) {
		return dutyPath
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

func (a *API) getLoginPage(k *call) error {
	return a.page(k, "login", http.StatusOK, map[string]any{"Next": ownPath(k.Query("next")), "Demo": a.Demo != nil})
}

func (a *API) postLoginPage(k *call) error {
	if err := a.mayGuess(k.Ctx, "login"); err != nil {
		return err
	}
	if !a.ownOrigin(k.Ctx) {
		return ticket.Errorf(ticket.Forbidden, "request.cross_site", "请求来自其他网站，已拒绝")
	}
	next, name, password := ownPath(k.FormValue("next")), k.FormValue("login"), k.FormValue("password")
	if len(name) > 64 || len(password) > 256 {
		name, password = "", ""
	}
	secret, _, err := a.Accounts.Login(k.UserContext(), name, password)
	if ticket.IsKind(err, ticket.Unauthenticated) || ticket.IsKind(err, ticket.TooMany) {
		e := asTicketError(err)
		return a.page(k, "login", statuses[e.Kind].status, map[string]any{"Next": next, "Wrong": e.Message, "Demo": a.Demo != nil})
	}
	if err != nil {
		return err
	}
	a.setCookie(k.Ctx, secret)
	return k.Redirect(next, http.StatusSeeOther)
}

// pageLines is how many lines of alerts the page shows; what is worst comes first.
const pageLines = 40

// getDutyPage is what the officer on duty looks at: what is late and about to be, who holds it, who is on duty,
// and alerts by the line.
func (a *API) getDutyPage(k *call) error {
	q := queryOf(k)
	unit, level := q.text("unit"), oneOf(q, "level", alertLevels())
	q.flag(dutyAuto)
	if err := q.err(); err != nil {
		return err
	}
	ctx := k.UserContext()
	brief, err := a.Desk.Brief(ctx, k.viewer, "", a.Now())
	if err != nil {
		return err
	}
	data := map[string]any{"Brief": &brief, "MayAck": k.viewer.Can(desk.RightAck), "Unit": unit, "Level": level, "Anew": unit == "" && level == ""}
	if k.viewer.Can(desk.RightAlerts) {
		groups, err := a.Desk.AlertGroups(ctx, k.viewer, desk.AlertQuery{Open: true})
		if err != nil {
			return err
		}
		data["Hidden"] = max(0, len(groups.Items)-pageLines)
		groups.Items = groups.Items[:min(len(groups.Items), pageLines)]
		data["Groups"] = groups
		if unit != "" || level != "" {
			if data["Open"], err = a.Desk.Alerts(ctx, k.viewer, desk.AlertQuery{Open: true, Unit: unit, Level: level, Limit: 200}); err != nil {
				return err
			}
		}
	}
	return a.page(k, "duty", http.StatusOK, data)
}

func (a *API) getBriefPage(k *call) error {
	q := queryOf(k)
	at, post := a.moment(q), q.text("post")
	if err := q.err(); err != nil {
		return err
	}
	brief, err := a.Desk.Brief(k.UserContext(), k.viewer, post, at)
	if err != nil {
		return err
	}
	return a.page(k, "brief", http.StatusOK, map[string]any{"Brief": &brief})
}

// postAckPage acknowledges one alert, or a line of them.
func (a *API) postAckPage(k *call) error {
	ctx := k.UserContext()
	if one := k.FormValue("id"); one != "" {
		id, err := ticket.ParseID(one)
		if err != nil {
			return ticket.Errorf(ticket.NotFound, "alert.unknown", "没有这条告警")
		}
		if err := a.Desk.Ack(ctx, k.viewer, id); err != nil {
			return err
		}
	} else if unit, level := k.FormValue("unit"), k.FormValue("level"); unit == "" || !slices.Contains(alertLevels(), level) {
		return ticket.Errorf(ticket.Invalid, "body.invalid", "请指明确认哪一行告警") // an empty form would mean all of them
	} else if _, err := a.Desk.AckGroup(ctx, k.viewer, unit, level); err != nil {
		return err
	}
	return k.Redirect(ownPath(k.FormValue("next")), http.StatusSeeOther)
}
