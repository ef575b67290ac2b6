package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/api"
)

// observe gives a request its id and its deadline, and afterwards counts and logs it: by route, never
// by address or query, which may hold personal data.
func (s *Server) observe(c *fiber.Ctx) error {
	id := requestID(c.Get(fiber.HeaderXRequestID))
	c.Set(fiber.HeaderXRequestID, id)
	ctx, cancel := context.WithTimeout(context.Background(), handleTimeout)
	defer cancel()
	c.SetUserContext(ctx)

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
	s.Log.LogAttrs(ctx, level, "request", slog.String("id", id), slog.String("method", c.Method()), slog.String("route", route),
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

// bodyOver marks a request whose body was larger than its path allows.
const bodyOver = "body.over"

// readBody reads the body once, into a slice of this request alone, and no further than the path
// allows. The framework streams bodies: read by it, a chunked one would have no bound, and one left
// unread would be taken for the next request on the connection.
func (s *Server) readBody(c *fiber.Ctx) error {
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return c.Next()
	}
	declared, limit := c.Request().Header.ContentLength(), s.bodyLimit(c)
	if declared > largeBody || declared < 0 && limit > largeBody {
		select {
		case s.uploads <- struct{}{}:
			defer func() { <-s.uploads }()
		case <-c.UserContext().Done():
			c.Context().SetConnectionClose()
			return c.UserContext().Err()
		}
	}
	body, err := readAll(stream, declared, limit)
	if errors.Is(err, errBodyOver) {
		c.Context().SetConnectionClose()
		c.Locals(bodyOver, limit)
		c.Request().SetBodyRaw(nil)
		if !strings.HasPrefix(c.Path(), "/channels/") && !strings.HasPrefix(c.Path(), "/open311/") {
			return fiber.ErrRequestEntityTooLarge
		}
		return c.Next() // the channel says so in its own form
	}
	if err != nil {
		c.Context().SetConnectionClose()
		return fiber.ErrBadRequest
	}
	c.Request().SetBodyRaw(body)
	return c.Next()
}

// bodyLimit is how large a body may be at the request's path.
func (s *Server) bodyLimit(c *fiber.Ctx) int {
	if strings.HasPrefix(c.Path(), api.Prefix) {
		return apiBody
	}
	if id, ok := s.channelID(c); ok {
		if ch, known := s.Live.Get().Channels[id]; known && ch.Spec.MaxBody > 0 {
			return int(ch.Spec.MaxBody)
		}
	}
	return apiBody
}
