package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/ratelimit"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// channel takes a delivery at /channels/{channel}/….
func (s *Server) channel(c *fiber.Ctx) error {
	id, _ := s.channelID(c)
	return s.take(c, id, "/channels/"+c.Params("channel"))
}

// open311 takes what comes under the address that Open311 clients expect.
func (s *Server) open311(c *fiber.Ctx) error {
	id, ok := s.channelID(c)
	if !ok {
		return fiber.ErrNotFound
	}
	return s.take(c, id, "/open311/v2")
}

// channelID is the channel that a path means.
func (s *Server) channelID(c *fiber.Ctx) (string, bool) {
	path := c.Path()
	if rest, ok := strings.CutPrefix(path, "/channels/"); ok {
		id, _, _ := strings.Cut(rest, "/")
		return strings.Clone(id), true
	}
	if strings.HasPrefix(path, "/open311/v2/") {
		return open311Channel(s.Live.Get())
	}
	return "", false
}

// open311Channel is the channel behind /open311/v2: the one named open311, else the first of that kind.
func open311Channel(c *city.City) (string, bool) {
	var ids []string
	for id, ch := range c.Channels {
		if ch.Spec.Name == "open311" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "", false
	}
	if slices.Contains(ids, "open311") {
		return "open311", true
	}
	return slices.Min(ids), true
}

// perAddress bounds one address on one channel. Platforms send for many citizens from few addresses, so
// it is wide; the pack bounds each channel as a whole.
var perAddress = ratelimit.Limit{PerMinute: 6000, Burst: 1500}

// refusals is how many deliveries that are not genuine one address may send before it is not read at all.
var refusals = ratelimit.Limit{PerMinute: 60, Burst: 60}

// take makes a request a delivery, hands it to intake and sends the answer.
func (s *Server) take(c *fiber.Ctx, id, base string) error {
	ch, known := s.Live.Get().Channels[id]
	if !known {
		return ticket.Errorf(ticket.NotFound, "channel.unknown", "没有这个渠道")
	}
	in := s.inbound(c, ch, base)
	if wait, ok := s.mayDeliver(ch, in); !ok {
		return s.tooMany(c, ch, in, wait)
	}
	switch fault, _ := c.Locals(bodyFault).(error); {
	case errors.Is(fault, errBodyOver):
		return s.tooLarge(c, ch, in, s.bodyLimit(c))
	case fault != nil:
		return s.busy(c, ch, in)
	}
	var r intake.Result
	if ch.Spec.Multipart && wire.MediaType(in.Header) == "multipart/form-data" {
		r = s.Intake.TakeWithFiles(c.UserContext(), in, s.keepFiles(ch.Spec))
	} else {
		r = s.Intake.Take(c.UserContext(), in)
	}
	if r.Outcome.Result == adapters.Refused {
		s.limits.Allow("refused "+in.RemoteIP.String(), refusals, in.ReceivedAt)
	} else {
		s.limits.Allow("channel "+ch.ID, ratelimit.Limit{PerMinute: ch.PerMin}, in.ReceivedAt)
	}
	if r.Rendered {
		return send(c, r.Reply)
	}
	return send(c, plainReply(r.Outcome))
}

// inbound copies a request: the framework's memory is another request's a moment later. The body
// was read into memory of this request alone.
func (s *Server) inbound(c *fiber.Ctx, ch *city.Channel, base string) adapters.Inbound {
	target := strings.Clone(c.OriginalURL())
	in := adapters.Inbound{
		Channel: ch.ID, Method: strings.Clone(c.Method()), Path: "/", URL: s.public.String() + target, Query: url.Values{}, Header: http.Header{},
		Body: c.Request().Body(), RemoteIP: s.clientIP(c), ReceivedAt: s.Now().UTC(),
	}
	if u, err := url.ParseRequestURI(target); err == nil {
		in.Path = "/" + strings.TrimLeft(strings.TrimPrefix(u.Path, base), "/")
		in.Query, _ = url.ParseQuery(u.RawQuery) // what can be read of it; signatures cover URL
	}
	for name, value := range c.Request().Header.All() {
		in.Header.Add(string(name), string(value))
	}
	return in
}

// mayDeliver asks the sender's limits and the channel's of the pack. The channel's is used up by what is
// genuine (see take): strangers must not silence it for the others. This machine (a proxy that is not
// declared, a bridge beside us) has no limit of its own.
func (s *Server) mayDeliver(ch *city.Channel, in adapters.Inbound) (wait time.Duration, ok bool) {
	now := in.ReceivedAt
	if !in.RemoteIP.IsLoopback() {
		if wait, ok = s.limits.Peek("refused "+in.RemoteIP.String(), refusals, now); !ok {
			return wait, false
		}
		if wait, ok = s.limits.Allow("address "+ch.ID+" "+in.RemoteIP.String(), perAddress, now); !ok {
			return wait, false
		}
	}
	return s.limits.Peek("channel "+ch.ID, ratelimit.Limit{PerMinute: ch.PerMin}, now)
}

// tooMany answers 429, in the channel's own form if it has one for that.
func (s *Server) tooMany(c *fiber.Ctx, ch *city.Channel, in adapters.Inbound, wait time.Duration) error {
	wait = max(s.wall(wait), time.Second)
	if a, can := ch.Adapter.(adapters.Acknowledger); can {
		r := a.Acknowledge(in, adapters.Outcome{Result: adapters.Unavailable, Code: "rate.limited", RetryAfter: wait, At: in.ReceivedAt})
		if r.Status == http.StatusTooManyRequests {
			return send(c, wire.RetryAfter(r, wait))
		}
	}
	e := ticket.Errorf(ticket.TooMany, "rate.limited", "此渠道来件过多，请稍后再发")
	e.RetryAfter = wait
	return e
}

// busy answers 503 in the channel's own form: there was no memory left for the body.
func (s *Server) busy(c *fiber.Ctx, ch *city.Channel, in adapters.Inbound) error {
	out := adapters.Outcome{Result: adapters.Unavailable, Code: "http.busy", RetryAfter: 5 * time.Second, At: in.ReceivedAt}
	if a, can := ch.Adapter.(adapters.Acknowledger); can {
		return send(c, a.Acknowledge(in, out))
	}
	return send(c, plainReply(out))
}

// tooLarge answers 413; Open311 knows no such status and says 400. It is logged, as nothing of the
// delivery is kept: a platform that cannot send less needs a wider limit.
func (s *Server) tooLarge(c *fiber.Ctx, ch *city.Channel, in adapters.Inbound, limit int) error {
	s.Log.WarnContext(c.UserContext(), "delivery too large", slog.String("channel", ch.ID), slog.Int("limit", limit))
	if a, can := ch.Adapter.(adapters.Acknowledger); can && ch.Spec.Name == "open311" {
		in.Body = nil
		return send(c, a.Acknowledge(in, adapters.Outcome{Result: adapters.Rejected, Code: "http.too_large", Text: "the request is too large", At: in.ReceivedAt}))
	}
	return ticket.Errorf(ticket.TooLarge, "http.too_large", "内容超过此渠道 %s 的上限", size(int64(limit)))
}

// size is a number of bytes as people say it.
func size(bytes int64) string {
	if bytes < 1<<20 || bytes%(1<<20) != 0 {
		return strconv.FormatInt(bytes>>10, 10) + " KB"
	}
	return strconv.FormatInt(bytes>>20, 10) + " MB"
}

// plainReply is the answer of channels that have no form of their own.
func plainReply(out adapters.Outcome) adapters.Reply {
	type plain struct {
		Status  string               `json:"status"`
		Receipt string               `json:"receipt,omitempty"`
		Tickets []adapters.TicketRef `json:"tickets,omitempty"`
		Text    string               `json:"text,omitempty"`
	}
	switch out.Result {
	case adapters.Refused:
		if out.Code == "delivery.forbidden" {
			return wire.Problem(http.StatusForbidden, out.Code, "不予接收", "", nil)
		}
		return wire.Problem(http.StatusUnauthorized, "delivery.unauthenticated", "未通过身份验证", "", nil)
	case adapters.Unavailable:
		return wire.RetryAfter(wire.Problem(http.StatusServiceUnavailable, out.Code, "系统繁忙，请稍后重试", "内容尚未保存", nil), out.RetryAfter)
	case adapters.Rejected:
		return wire.Problem(http.StatusUnprocessableEntity, out.Code, "内容有误", out.Text, out.Errors)
	case adapters.Conflicting:
		return wire.Problem(http.StatusConflict, out.Code, "同一编号已提交过不同内容", "", nil)
	default:
		return wire.Reply(http.StatusOK, plain{Status: string(out.Result), Receipt: out.Delivery, Tickets: out.Tickets, Text: out.Text})
	}
}

// send gives a channel's reply as it is.
func send(c *fiber.Ctx, r adapters.Reply) error {
	for name, values := range r.Header {
		c.Response().Header.Del(name)
		for _, v := range values {
			c.Response().Header.Add(name, v)
		}
	}
	return c.Status(r.Status).Send(r.Body)
}
