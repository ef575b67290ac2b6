// Package gateway is the HTTP edge: channels, Open311, the API under /api/v1, health and metrics.
// It makes private copies of what the framework lends, bounds sizes, rates and times, and renders
// what the use cases say. Nothing below it knows the framework.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/valyala/fasthttp"

	"github.com/citizen-hotline/gateway/gateway/api"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/account"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/live"
	"github.com/citizen-hotline/gateway/internal/media"
	"github.com/citizen-hotline/gateway/internal/ratelimit"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what the edge itself asks of the store.
type Store interface {
	api.Store
	Healthy(ctx context.Context) error
	PutMedia(ctx context.Context, m ticket.MediaRef, at time.Time) error
}

// DemoInfo says that the gateway's clock is a demo's.
type DemoInfo = api.Demo

// Options are the parts of the server. All are required but Rollback, Promote, TrustedProxies and Demo.
type Options struct {
	Intake   *intake.Intake
	Desk     *desk.Desk
	Accounts *account.Accounts
	Media    *media.Store
	Store    Store
	Live     *city.Live
	Hub      *live.Hub
	Log      *slog.Logger
	Metrics  Registry
	// PublicURL is how citizens and platforms reach us: scheme and host, no path.
	PublicURL string
	// TrustedProxies may name the caller in X-Forwarded-For; nobody else is believed.
	TrustedProxies []netip.Prefix
	// Rollback brings an earlier pack back into force; nil leaves that to the command line.
	Rollback func(ctx context.Context, hash, author, note string) error
	// Promote puts the candidate of the shadow in force and gives its hash; nil leaves that to the command line.
	Promote func(ctx context.Context, hash, author, note string) (string, error)
	Demo    *DemoInfo
	Now     func() time.Time
}

// Server is the edge, ready to listen.
type Server struct {
	Options
	app      *fiber.App
	public   *url.URL
	limits   *ratelimit.Limiter
	metrics  *metrics
	pieces   chan struct{} // of the memory that large bodies share
	stop     chan struct{}
	stopOnce sync.Once
	silent   silent

	listenMu sync.Mutex
	listener *listener // nil before Listen
}

// Times and sizes of a connection.
const (
	readTimeout   = 30 * time.Second
	uploadTimeout = 5 * time.Minute // photographs over a phone's network
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	handleTimeout = 20 * time.Second // of a request after its body was read
	headerSize    = 16 << 10
	apiBody       = 1 << 20 // of the API and of channels that declare nothing
)

// New builds the server. It does not listen yet.
func New(o Options) (*Server, error) {
	public, err := url.Parse(o.PublicURL)
	if err != nil || public.Host == "" {
		return nil, fmt.Errorf("gateway: public URL %q: write scheme and host, for example https://12345.example.gov.cn", o.PublicURL)
	}
	public.Path = strings.TrimRight(public.Path, "/")
	s := &Server{
		Options: o, public: public, limits: ratelimit.New(), metrics: newMetrics(o.Metrics), pieces: make(chan struct{}, piecesMost),
		stop: make(chan struct{}),
	}
	a, err := api.New(api.Options{
		Intake: o.Intake, Desk: o.Desk, Accounts: o.Accounts, Media: o.Media, Store: o.Store, Live: o.Live, Hub: o.Hub, Log: o.Log,
		Limits: s.limits, Rollback: o.Rollback, Promote: o.Promote, PublicURL: public, Demo: o.Demo, Now: o.Now, ClientIP: s.clientIP, Stop: s.stop,
	})
	if err != nil {
		return nil, err
	}
	s.app = fiber.New(fiber.Config{
		Immutable:                    true, // strings of a request outlive it in logs, locks and tickets
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true, // the body is needed as it was signed
		StreamRequestBody:            true, // see readBody
		BodyLimit:                    apiBody,
		ReadTimeout:                  readTimeout,
		IdleTimeout:                  idleTimeout, // there is no WriteTimeout here: streams have their own, see limitsOf
		ReadBufferSize:               headerSize,
		ErrorHandler:                 func(c *fiber.Ctx, err error) error { return api.SendProblem(c, err, s.Log) },
	})
	s.app.Server().HeaderReceived = limitsOf
	s.app.Use(s.observe, secure, recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: s.panicked}), s.readBody)
	s.mount(a)
	return s, nil
}

func (s *Server) mount(a *api.API) {
	app := s.app
	app.Get("/", s.home)
	app.Get("/livez", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	app.Get("/readyz", s.ready)
	app.Get("/metrics", s.metrics.handler)
	app.Get("/now", func(c *fiber.Ctx) error { return c.Redirect(api.Prefix+"/now", fiber.StatusTemporaryRedirect) })
	app.All("/channels/:channel", s.channel)
	app.All("/channels/:channel/*", s.channel)
	app.All("/open311/v2/*", s.open311)
	a.Mount(app)
	app.Use(func(*fiber.Ctx) error { return fiber.ErrNotFound })
}

// limitsOf gives a request its times by its path, before the body is read.
func limitsOf(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	path := string(h.RequestURI())
	limits := fasthttp.RequestConfig{WriteTimeout: writeTimeout}
	switch {
	case strings.HasPrefix(path, api.Prefix+"/events"):
		limits.WriteTimeout = api.StreamLimit
	case strings.HasPrefix(path, api.Prefix+"/media/"):
		limits.WriteTimeout = uploadTimeout
	case strings.HasPrefix(path, "/channels/") || strings.HasPrefix(path, "/open311/"):
		if n := h.ContentLength(); n > piece || n == -1 { // -1 is chunked
			limits.ReadTimeout = uploadTimeout
		}
	}
	return limits
}

// Listen serves on ln until Shutdown. It returns nil after an orderly end.
func (s *Server) Listen(ln net.Listener) error {
	l := &listener{Listener: ln, silent: &s.silent}
	s.listenMu.Lock()
	s.listener = l
	s.listenMu.Unlock()
	select {
	case <-s.stop:
		return l.Close() // told to stop before it began
	default:
		return s.app.Listener(l)
	}
}

// Shutdown takes no new requests, ends the streams, and waits until those under way are answered or
// ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stop) })
	s.listenMu.Lock()
	l := s.listener
	s.listenMu.Unlock()
	if l == nil {
		return nil // Listen will find that it is over
	}
	// The door is closed here, too: the server knows its listener only some time after Listen began.
	if err := l.Close(); err != nil {
		return fmt.Errorf("gateway: close the listener: %w", err)
	}
	s.silent.hangUp()
	if err := s.app.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("gateway: requests were still under way: %w", err)
	}
	return nil
}

// ready tells whether deliveries can be taken: the store writes.
func (s *Server) ready(c *fiber.Ctx) error {
	select {
	case <-s.stop:
		return c.Status(fiber.StatusServiceUnavailable).SendString("stopping\n")
	default:
	}
	if err := s.Store.Healthy(c.UserContext()); err != nil {
		s.Log.WarnContext(c.UserContext(), "not ready", slog.Any("error", err))
		return c.Status(fiber.StatusServiceUnavailable).SendString("the store cannot take writes now\n")
	}
	return c.SendString("ok\n")
}

// clientIP is the caller's address: the connection's, or behind trusted proxies the last address
// in X-Forwarded-For that is not theirs.
func (s *Server) clientIP(c *fiber.Ctx) netip.Addr {
	peer, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	peer = peer.Unmap()
	if !s.trusted(peer) {
		return peer
	}
	var hops []string // proxies add to the header or add one of their own; the last word is always the nearest's
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		ip, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if peer = ip.Unmap(); !s.trusted(peer) {
			break
		}
	}
	return peer
}

func (s *Server) trusted(ip netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// panicked logs a panic of a handler, which must not take the others down.
func (s *Server) panicked(c *fiber.Ctx, what any) {
	s.Log.ErrorContext(c.UserContext(), "handler panicked", slog.String("route", c.Route().Path), slog.String("panic", fmt.Sprint(what)))
}
