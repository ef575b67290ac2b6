package api

import (
	"net/http"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
)

// moment reads the time a question is about; now when none is given. Rosters are reckoned for years around now.
func (a *API) moment(q *query) time.Time {
	at := q.time("at")
	if at.IsZero() {
		return a.Now()
	}
	if years := at.Sub(a.Now()).Hours() / (24 * 366); years > 2 || years < -10 {
		q.complain("at", "应在过去十年至今后两年之内")
		return a.Now()
	}
	return at
}

func (a *API) getDuty(k *call) error {
	q := queryOf(k)
	at, post := a.moment(q), q.text("post")
	if err := q.err(); err != nil {
		return err
	}
	list, err := a.Desk.Duty(k.UserContext(), k.viewer, post, at)
	if err != nil {
		return err
	}
	return k.JSON(map[string]any{"at": at.In(a.Live.Get().Zone), "items": list})
}

func (a *API) getBrief(k *call) error {
	q := queryOf(k)
	at, post := a.moment(q), q.text("post")
	if err := q.err(); err != nil {
		return err
	}
	brief, err := a.Desk.Brief(k.UserContext(), k.viewer, post, at)
	if err != nil {
		return err
	}
	return k.JSON(brief)
}

func (a *API) getOverrides(k *call) error {
	q := queryOf(k)
	query := desk.OverrideQuery{Post: q.text("post"), From: q.time("from"), To: q.time("to"), Withdrawn: q.flag("withdrawn")}
	if err := q.err(); err != nil {
		return err
	}
	if query.From.IsZero() {
		query.From = a.Now()
	}
	list, err := a.Desk.Overrides(k.UserContext(), k.viewer, query)
	if err != nil {
		return err
	}
	return k.JSON(items(list))
}

func (a *API) postOverride(k *call) error {
	var body struct {
		Post   string    `json:"post" validate:"required,max=128"`
		From   time.Time `json:"from"`
		Until  time.Time `json:"until" validate:"required"`
		Who    string    `json:"who" validate:"max=64"`
		Absent bool      `json:"absent"`
		Reason string    `json:"reason" validate:"required,max=200"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	who := clean(body.Who)
	if body.Absent == (who != "") { // nobody comes, or somebody does: one of them, said out loud
		return fieldError("body.invalid", "who", "请写明替班人；无人替班请写 absent: true")
	}
	made, err := a.Desk.Arrange(k.UserContext(), k.viewer, desk.Arrangement{Post: body.Post, From: body.From, To: body.Until, Who: who, Reason: clean(body.Reason)})
	if err != nil {
		return err
	}
	return k.Status(http.StatusCreated).JSON(made)
}

func (a *API) postSwap(k *call) error {
	type part struct {
		Post string    `json:"post" validate:"required,max=128"`
		At   time.Time `json:"at" validate:"required"`
	}
	var body struct {
		One    part   `json:"one"`
		Other  part   `json:"other"`
		Reason string `json:"reason" validate:"required,max=200"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	made, err := a.Desk.SwapShifts(k.UserContext(), k.viewer, desk.SwapPart(body.One), desk.SwapPart(body.Other), clean(body.Reason))
	if err != nil {
		return err
	}
	return k.Status(http.StatusCreated).JSON(items(made))
}

func (a *API) postWithdraw(k *call) error {
	id, err := pathID(k)
	if err != nil {
		return err
	}
	if err := a.Desk.Withdraw(k.UserContext(), k.viewer, id); err != nil {
		return err
	}
	return k.JSON(map[string]string{"withdrawn_by": k.viewer.Login})
}
