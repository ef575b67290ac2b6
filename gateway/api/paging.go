package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// silence is the body that asks for one.
type silence struct {
	Reason      string    `json:"reason" validate:"required,max=200"`
	Unit        string    `json:"unit" validate:"max=64"`
	Level       string    `json:"level" validate:"max=32"`
	Destination string    `json:"destination" validate:"max=64"`
	Clock       string    `json:"clock" validate:"max=32"`
	Until       time.Time `json:"until" validate:"required"`
}

func (a *API) getSilences(k *call) error {
	q := queryOf(k)
	active, limit := q.flag("active"), q.number("limit", 1000)
	if err := q.err(); err != nil {
		return err
	}
	if limit == 0 {
		limit = 100
	}
	list, err := a.Desk.Silences(k.UserContext(), k.viewer, active, limit)
	if err != nil {
		return err
	}
	return k.JSON(items(list))
}

func (a *API) postSilence(k *call) error {
	var body silence
	if err := a.body(k, &body); err != nil {
		return err
	}
	made, err := a.Desk.Silence(k.UserContext(), k.viewer, desk.NewSilence{
		Reason: clean(body.Reason), Unit: clean(body.Unit), Level: clean(body.Level), Destination: clean(body.Destination), Clock: clean(body.Clock), Until: body.Until,
	})
	if err != nil {
		return err
	}
	return k.Status(http.StatusCreated).JSON(made)
}

func (a *API) postSilenceEnd(k *call) error {
	id, err := strconv.ParseInt(k.Params("id"), 10, 64)
	if err != nil || id < 1 {
		return ticket.Errorf(ticket.NotFound, "silence.unknown", "没有这条静默")
	}
	if err := a.Desk.EndSilence(k.UserContext(), k.viewer, id); err != nil {
		return err
	}
	return k.JSON(map[string]string{"ended_by": k.viewer.Login})
}

func (a *API) getDestinations(k *call) error {
	list, err := a.Desk.Destinations(k.UserContext())
	if err != nil {
		return err
	}
	return k.JSON(items(list))
}

func (a *API) postDestinationTest(k *call) error {
	if err := a.Desk.TryDestination(k.UserContext(), k.viewer, clean(k.Params("id"))); err != nil {
		return err
	}
	return k.JSON(map[string]bool{"sent": true})
}

var pageStates = []store.NoticeState{store.NoticePending, store.NoticeDelivered, store.NoticeDead}

func (a *API) getPages(k *call) error {
	q := queryOf(k)
	state, before, limit := oneOf(q, "state", pageStates), q.number("before", 1<<53), q.number("limit", 200)
	if err := q.err(); err != nil {
		return err
	}
	if state == "" {
		state = store.NoticeDelivered
	}
	if limit == 0 {
		limit = 50
	}
	list, err := a.Desk.Pages(k.UserContext(), state, int64(before), limit)
	if err != nil {
		return err
	}
	return k.JSON(items(list))
}
