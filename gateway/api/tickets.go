package api

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// ticketQuery reads the parameters that narrow a list of tickets.
func ticketQuery(q *query) desk.Query {
	return desk.Query{
		States: someOf(q, "state", ticket.States), Unit: q.text("unit"), Region: q.text("region"), Category: q.text("category"), Channel: q.text("channel"),
		Source: oneOf(q, "source", ticket.Sources), Urgency: oneOf(q, "urgency", ticket.Urgencies), Incident: strings.ToUpper(q.text("incident")),
		Overdue: q.flag("overdue"), DueBefore: q.time("due_before"), From: q.time("from"), To: q.time("to"), Historic: q.flag("historic"), Rated: q.flag("rated"),
		Queue: oneOf(q, "queue", store.Queues),
		Order: oneOf(q, "order", []string{"registered", "due"}), Cursor: q.text("cursor"), Limit: q.number("limit", 200),
	}
}

func (a *API) getTickets(k *call) error {
	q := queryOf(k)
	query := ticketQuery(q)
	if err := q.err(); err != nil {
		return err
	}
	list, err := a.Desk.List(k.UserContext(), k.viewer, query)
	if err != nil {
		return err
	}
	return k.JSON(list)
}

// postBulk does a command on a page of the tickets that the query names.
func (a *API) postBulk(k *call) error {
	q := queryOf(k)
	query, dry := ticketQuery(q), q.flag("dry_run")
	if err := q.err(); err != nil {
		return err
	}
	var body command
	if err := a.body(k, &body); err != nil {
		return err
	}
	cmd, err := a.commandOf(k, ticket.Action(k.Params("action")), &body)
	if err != nil {
		return err
	}
	bulk, err := a.Desk.ActOnAll(k.UserContext(), k.viewer, query, cmd, dry)
	if err != nil {
		return err
	}
	return k.JSON(bulk)
}

func (a *API) getTicket(k *call) error {
	view, err := a.Desk.Ticket(k.UserContext(), k.viewer, number(k))
	if err != nil {
		return err
	}
	return sendView(k, view)
}

// number is the ticket's number in the path.
func number(k *call) string { return strings.ToUpper(k.Params("number")) }

// sendView answers with a ticket; its version is the entity tag that a command may name.
func sendView(k *call, view desk.View) error {
	k.Set(fiber.HeaderETag, `"`+strconv.FormatInt(view.Version, 10)+`"`)
	return k.JSON(view)
}

func (a *API) postAction(k *call) error {
	var body command
	if err := a.body(k, &body); err != nil {
		return err
	}
	version, err := ifMatch(k)
	if err != nil {
		return err
	}
	cmd, err := a.commandOf(k, ticket.Action(k.Params("action")), &body)
	if err != nil {
		return err
	}
	view, err := a.Desk.Act(k.UserContext(), k.viewer, number(k), cmd, version)
	if err != nil {
		return err
	}
	return sendView(k, view)
}

// ifMatch is the version the caller saw, 0 when it names none.
func ifMatch(k *call) (int64, error) {
	tag := strings.Trim(strings.TrimPrefix(k.Get(fiber.HeaderIfMatch), "W/"), `"`)
	if tag == "" || tag == "*" {
		return 0, nil
	}
	version, err := strconv.ParseInt(tag, 10, 64)
	if err != nil || version < 1 {
		return 0, fieldError("request.if_match", "If-Match", "应为工单的版本号")
	}
	return version, nil
}

func (a *API) getExplanation(k *call) error {
	e, err := a.Desk.Explain(k.UserContext(), k.viewer, number(k))
	if err != nil {
		return err
	}
	return k.JSON(e)
}

func (a *API) getClocks(k *call) error {
	e, err := a.Desk.Clocks(k.UserContext(), k.viewer, number(k))
	if err != nil {
		return err
	}
	return k.JSON(e)
}

func (a *API) getSimilar(k *call) error {
	list, err := a.Desk.Similar(k.UserContext(), k.viewer, number(k))
	if err != nil {
		return err
	}
	return k.JSON(items(list))
}

func (a *API) getAccess(k *call) error {
	lines, err := a.Desk.AccessLog(k.UserContext(), k.viewer, number(k))
	if err != nil {
		return err
	}
	return k.JSON(items(lines))
}

func (a *API) getSearch(k *call) error {
	q := queryOf(k)
	words := q.text("q")
	if err := q.err(); err != nil {
		return err
	}
	found, err := a.Desk.Search(k.UserContext(), k.viewer, words)
	if err != nil {
		return err
	}
	return k.JSON(found)
}

// inline are the types a browser may show in place; all others are saved. None of them can hold a script.
var inline = []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "audio/", "video/"}

func (a *API) getMedia(k *call) error {
	q := queryOf(k)
	number := strings.ToUpper(q.text("ticket"))
	if err := q.err(); err != nil {
		return err
	}
	ref, err := a.Desk.Attachment(k.UserContext(), k.viewer, number, k.Params("sha256"))
	if err != nil {
		return err
	}
	file, err := a.Media.Get(ref.SHA256)
	if err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return err
	}
	kind, disposition := "application/octet-stream", "attachment"
	for _, safe := range inline {
		if strings.HasPrefix(ref.MIME, safe) {
			kind, disposition = ref.MIME, "inline"
		}
	}
	k.Set(fiber.HeaderContentType, kind)
	k.Set(fiber.HeaderContentDisposition, disposition+`; filename="`+ref.SHA256[:12]+`"`)
	k.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
	return k.Status(http.StatusOK).SendStream(file, int(size)) // fasthttp closes the file
}

// items wraps a list that has no further pages.
func items[T any](list []T) map[string][]T {
	if list == nil {
		list = []T{}
	}
	return map[string][]T{"items": list}
}
