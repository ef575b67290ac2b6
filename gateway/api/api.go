// Package api is the REST interface under /api/v1 for the console, units' systems and citizens, and
// the stream of live events. openapi.yaml describes it and came first; a test holds the two together.
//
// It decides who is asking; what they may see and do is decided in gateway/desk. It is not the
// channels' edge.
package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/account"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/live"
	"github.com/citizen-hotline/gateway/internal/media"
	"github.com/citizen-hotline/gateway/internal/ratelimit"
	"github.com/citizen-hotline/gateway/store"
)

// Prefix is where the interface is served.
const Prefix = "/api/v1"

// Store is what the interface reads besides the desk.
type Store interface {
	store.Packs
	store.Shadows
	Users(ctx context.Context) ([]store.User, error)
}

// Demo says that the clock is not the world's.
type Demo struct {
	Speed     float64   // how many times as fast as the world
	StartedAt time.Time // of the city's time
}

// Options are the parts of the interface. All are required but Rollback, Promote and Demo.
type Options struct {
	Intake   *intake.Intake
	Desk     *desk.Desk
	Accounts *account.Accounts
	Media    *media.Store
	Store    Store
	Live     *city.Live
	Hub      *live.Hub
	Log      *slog.Logger
	Limits   *ratelimit.Limiter
	// Rollback brings an earlier pack back into force after checking that it loads and fits.
	Rollback func(ctx context.Context, hash, author, note string) error
	// Promote puts the candidate of the shadow in force, after the same checks, and gives its hash.
	Promote   func(ctx context.Context, hash, author, note string) (string, error)
	PublicURL *url.URL
	Demo      *Demo
	Now       func() time.Time
	ClientIP  func(*fiber.Ctx) netip.Addr // of the caller, behind trusted proxies too
	Stop      <-chan struct{}             // closed when the server stops: streams end
}

// API is the interface. It is safe for concurrent use.
type API struct {
	Options
	validate *validator.Validate
	feed     *feed
	docs     []byte
}

// New makes an API.
func New(o Options) (*API, error) {
	page, err := docsPage(Spec)
	if err != nil {
		return nil, err
	}
	a := &API{Options: o, validate: newValidate(), docs: page}
	a.feed = newFeed(a)
	return a, nil
}

// Mount adds every route of the table to the server.
func (a *API) Mount(app fiber.Router) {
	for _, r := range a.routes() {
		app.Add(r.method, Prefix+r.path, a.serve(r))
	}
	for _, r := range a.pageRoutes() {
		app.Add(r.method, r.path, a.servePage(r))
	}
}

// call is one request with who makes it.
type call struct {
	*fiber.Ctx
	viewer desk.Viewer
	user   store.User
	secret string // of the session, "" for tokens
	token  string // the token, "" for sessions
}

func (a *API) serve(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		k := &call{Ctx: c}
		if err := a.admit(k, r); err != nil {
			return err
		}
		return r.handle(k)
	}
}

// https reports whether the world reaches us by TLS: cookies then travel no other way.
func (a *API) https() bool { return strings.EqualFold(a.PublicURL.Scheme, "https") }

// randomKey is a request key for callers that name none.
func randomKey() string { return rand.Text() }
