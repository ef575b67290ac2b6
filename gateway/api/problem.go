package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// statuses is the one table from kinds of errors to HTTP.
var statuses = map[ticket.ErrorKind]struct {
	status int
	title  string
}{
	ticket.Internal:        {http.StatusInternalServerError, "系统内部错误"},
	ticket.Invalid:         {http.StatusUnprocessableEntity, "请求内容有误"},
	ticket.Unauthenticated: {http.StatusUnauthorized, "请先登录"},
	ticket.Forbidden:       {http.StatusForbidden, "没有权限"},
	ticket.NotFound:        {http.StatusNotFound, "没有找到"},
	ticket.Duplicate:       {http.StatusConflict, "已经存在"},
	ticket.Conflict:        {http.StatusConflict, "当前状态下不能这样操作"},
	ticket.TooLarge:        {http.StatusRequestEntityTooLarge, "内容过大"},
	ticket.TooMany:         {http.StatusTooManyRequests, "操作过于频繁"},
	ticket.Unavailable:     {http.StatusServiceUnavailable, "系统繁忙，请稍后重试"},
}

// framework gives the errors of the HTTP server itself a kind of ours and a stable code.
var framework = map[int]*ticket.Error{
	http.StatusBadRequest:                  ticket.Errorf(ticket.Invalid, "http.malformed", "请求不完整"),
	http.StatusNotFound:                    ticket.Errorf(ticket.NotFound, "http.unknown_path", "没有这个地址"),
	http.StatusMethodNotAllowed:            ticket.Errorf(ticket.NotFound, "http.method", "此地址不接受这种请求"),
	http.StatusRequestTimeout:              ticket.Errorf(ticket.Unavailable, "http.timeout", "接收超时，请重试"),
	http.StatusRequestEntityTooLarge:       ticket.Errorf(ticket.TooLarge, "http.too_large", "内容超过此地址的上限"),
	http.StatusRequestHeaderFieldsTooLarge: ticket.Errorf(ticket.TooLarge, "http.headers_too_large", "请求头过大"),
}

// SendProblem answers an error with a problem document (RFC 9457). It logs only what is ours to
// mend; neither answer nor log holds what was sent.
func SendProblem(c *fiber.Ctx, err error, log *slog.Logger) error {
	e := asTicketError(err)
	row, known := statuses[e.Kind]
	if !known {
		row = statuses[ticket.Internal]
	}
	detail := e.Message
	if e.Kind == ticket.Internal {
		log.ErrorContext(c.UserContext(), "request failed", slog.String("route", c.Route().Path), slog.String("code", e.Code), slog.Any("error", err))
		detail = "请将请求编号告知管理员"
	}
	r := wire.Problem(row.status, e.Code, row.title, detail, e.Fields)
	switch {
	case e.RetryAfter > 0:
		r = wire.RetryAfter(r, e.RetryAfter)
	case e.Kind == ticket.Unavailable || e.Kind == ticket.TooMany:
		r = wire.RetryAfter(r, 5*time.Second)
	}
	if e.Kind == ticket.Unauthenticated {
		r.Header.Set("WWW-Authenticate", "Bearer")
	}
	for name, values := range r.Header {
		c.Set(name, values[0])
	}
	return c.Status(row.status).Send(r.Body)
}

// asTicketError finds the domain error in a chain, or makes one.
func asTicketError(err error) *ticket.Error {
	if e, ok := errors.AsType[*ticket.Error](err); ok {
		return e
	}
	if f, ok := errors.AsType[*fiber.Error](err); ok {
		if known, ok := framework[f.Code]; ok {
			return known
		}
		if f.Code < http.StatusInternalServerError {
			return ticket.Errorf(ticket.Invalid, "http."+strconv.Itoa(f.Code), "请求有误")
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return ticket.Errorf(ticket.Unavailable, "http.deadline", "处理超时，请重试").Because(err)
	}
	return ticket.Errorf(ticket.Internal, "internal", "系统内部错误").Because(err)
}
