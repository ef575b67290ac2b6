package api

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/ratelimit"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// cookieName holds the session's secret. Behind TLS it has the __Host- prefix, which browsers tie
// to this host, this path and TLS.
const cookieName = "hotline_session"

func (a *API) cookieName() string {
	if a.https() {
		return "__Host-" + cookieName
	}
	return cookieName
}

// admit finds out who calls and whether the route lets them in.
func (a *API) admit(k *call, r route) error {
	if r.who == everybody {
		return nil
	}
	if err := a.identify(k); err != nil {
		return err
	}
	if k.user.MustChange && r.who != signedIn {
		return ticket.Errorf(ticket.Forbidden, "password.must_change", "首次登录须先修改密码（POST %s/password）", Prefix)
	}
	switch r.who { //nolint:exhaustive // everybody was let in above, nobody is refused below
	case signedIn, member:
		return nil
	case byRight:
		if r.right != "" && k.viewer.Can(r.right) {
			return nil
		}
	}
	return ticket.Errorf(ticket.Forbidden, "access.denied", "您的岗位无权访问")
}

// identify finds the account of a bearer token or of a session cookie.
func (a *API) identify(k *call) error {
	ctx := k.UserContext()
	if header := k.Get(fiber.HeaderAuthorization); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return ticket.Errorf(ticket.Unauthenticated, "token.unknown", "令牌无效或已停用")
		}
		token = strings.TrimSpace(token)
		u, err := a.Accounts.Token(ctx, token)
		if err != nil {
			return err
		}
		k.user, k.viewer, k.token = u, viewerOf(u), token
		return nil
	}
	secret := k.Cookies(a.cookieName())
	if secret == "" {
		return ticket.Errorf(ticket.Unauthenticated, "login.required", "请先登录")
	}
	if !a.ownOrigin(k.Ctx) {
		return ticket.Errorf(ticket.Forbidden, "request.cross_site", "请求来自其他网站，已拒绝")
	}
	session := a.Accounts.Session
	if path := k.Route().Path; path == Prefix+eventsPath || path == dutyPath && k.Query(dutyAuto) != "" {
		session = a.Accounts.Watch
	}
	u, err := session(ctx, secret)
	if err != nil {
		return err
	}
	k.user, k.viewer, k.secret = u, viewerOf(u), secret
	return nil
}

// ownOrigin refuses writes that another site made a browser send. Browsers name the origin of
// every write; a caller that names none is no browser, and has the cookie by its own doing.
func (a *API) ownOrigin(c *fiber.Ctx) bool {
	if c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead {
		return true
	}
	switch c.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	return strings.EqualFold(u.Scheme, a.PublicURL.Scheme) && strings.EqualFold(u.Host, a.PublicURL.Host) || strings.EqualFold(u.Host, string(c.Request().Host()))
}

func viewerOf(u store.User) desk.Viewer {
	v := desk.Viewer{Login: u.Login, Kind: ticket.ActorUser, Roles: u.Roles, Unit: u.Unit, Region: u.Region, Posts: u.Posts}
	if u.Password == "" {
		v.Kind = ticket.ActorUnit // a unit's system by token
	}
	return v
}

// guesses is how often one address may try passwords and tracking codes.
var guesses = ratelimit.Limit{PerMinute: 60, Burst: 30}

// mayGuess bounds guessing from one address, beside the locks on accounts and numbers.
func (a *API) mayGuess(c *fiber.Ctx, what string) error {
	wait, ok := a.Limits.Allow(what+" "+a.ClientIP(c).String(), guesses, a.Now())
	if ok {
		return nil
	}
	e := ticket.Errorf(ticket.TooMany, what+".too_many", "尝试过于频繁，请稍后再试")
	e.RetryAfter = max(wait, time.Second)
	return e
}
