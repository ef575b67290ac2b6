package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/api"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// observe gives a request its id, and afterwards counts and logs it: by route, never
// by address or query, which may hold personal data.
func (s *Server) observe(c *fiber.Ctx) error {
	id := requestID(c.Get(fiber.HeaderXRequestID))
	c.Set(fiber.HeaderXRequestID, id)
	start := s.Now()
	err := c.Next()
	if err != nil {
		if err := s.app.ErrorHandler(c, err); err != nil {
			return err
		}
	}
	took := s.wall(s.Now().Sub(start))
	route, status := routeOf(c), c.Response().StatusCode()
	s.metrics.request(c.Method(), route, status, took)
	level := slog.LevelDebug
	if status >= fiber.StatusInternalServerError {
		level = slog.LevelWarn
	}
	s.Log.LogAttrs(c.UserContext(), level, "request", slog.String("id", id), slog.String("method", c.Method()), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.Int("bytes", len(c.Request().Body())))
	return nil
}

// wall is a stretch of the gateway's time as the world measures it.
func (s *Server) wall(d time.Duration) time.Duration {
	if s.Demo != nil && s.Demo.Speed > 0 {
		return time.Duration(float64(d) / s.Demo.Speed)
	}
	return d
}

// routeOf is the pattern of the route; everything without one counts as one.
func routeOf(c *fiber.Ctx) string {
	if r := c.Route().Path; r != "" && r != "/" || c.Path() == "/" {
		return r
	}
	return "none"
}

// requestID takes over an id that a proxy gave, if it is harmless, else makes one.
func requestID(given string) string {
	harmless := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_'
	}
	if n := len(given); n >= 8 && n <= 64 && strings.IndexFunc(given, func(r rune) bool { return !harmless(r) }) < 0 {
		return given
	}
	return rand.Text()
}

// secure sets the headers every answer carries.
func secure(c *fiber.Ctx) error {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if c.Protocol() == "https" {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
	return c.Next()
}

// bodyFault says why the body of a channel's delivery was not read, so that the channel can answer in its
// own form: errBodyOver or errBodyBusy.
const bodyFault = "body.fault"

// readBody reads the body once, into a slice of this request alone, and no further than the path
// allows. The framework streams bodies: read by it, a chunked one would have no bound, and one left
// unread would be taken for the next request on the connection. The time to handle the request begins
// when the body is there: photographs over a phone's network may take minutes.
func (s *Server) readBody(c *fiber.Ctx) error {
	if stream := c.Context().RequestBodyStream(); stream != nil {
		m := newMeter(stream, s.pieces)
		defer m.release()
		body, err := readAll(m, c.Request().Header.ContentLength(), s.bodyLimit(c))
		c.Request().SetBodyRaw(body)
		switch own := errors.Is(err, errBodyOver) || errors.Is(err, errBodyBusy); {
		case own && isDelivery(c):
			c.Context().SetConnectionClose()
			c.Locals(bodyFault, err)
		case errors.Is(err, errBodyOver):
			c.Context().SetConnectionClose()
			return fiber.ErrRequestEntityTooLarge
		case err != nil:
			c.Context().SetConnectionClose()
			return fiber.ErrBadRequest
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), handleTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	return c.Next()
}

// isDelivery tells the paths of channels from ours.
func isDelivery(c *fiber.Ctx) bool {
	return strings.HasPrefix(c.Path(), "/channels/") || strings.HasPrefix(c.Path(), "/open311/")
}

// bodyLimit is how large a body may be at the request's path. Where only files may be large, a body that
// can hold none is text.
func (s *Server) bodyLimit(c *fiber.Ctx) int {
	id, ok := s.channelID(c)
	switch {
	case !ok && c.Path() == api.MediaPath:
		return api.AttachmentMost
	case !ok:
		return apiBody
	}
	ch, known := s.Live.Get().Channels[id]
	switch {
	case !known || ch.Spec.MaxBody <= 0:
		return apiBody
	case ch.Spec.MaxText > 0 && wire.MediaType(http.Header{"Content-Type": {c.Get(fiber.HeaderContentType)}}) != "multipart/form-data":
		return int(ch.Spec.MaxText)
	}
	return int(ch.Spec.MaxBody)
}
