package api

import (
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

func (a *API) getCallbacks(k *call) error {
	q := queryOf(k)
	cursor, limit := q.text("cursor"), q.number("limit", 200)
	if err := q.err(); err != nil {
		return err
	}
	list, err := a.Desk.Callbacks(k.UserContext(), k.viewer, cursor, limit)
	if err != nil {
		return err
	}
	return k.JSON(list)
}

// rating is what a citizen says of the handling, without an account.
type rating struct {
	Code         string              `json:"code" validate:"required,max=16"`
	Solved       *bool               `json:"solved" validate:"required"`
	Satisfaction ticket.Satisfaction `json:"satisfaction" validate:"required,oneof=satisfied acceptable dissatisfied"`
	Text         string              `json:"text" validate:"max=2000"`
}

func (a *API) postRating(k *call) error {
	if err := a.mayGuess(k.Ctx, "track"); err != nil {
		return err
	}
	var body rating
	if err := a.body(k, &body); err != nil {
		return err
	}
	track, err := a.Desk.Rate(k.UserContext(), k.Params("number"), body.Code, desk.Rating{Solved: body.Solved, Satisfaction: body.Satisfaction, Text: clean(body.Text)})
	if err != nil {
		return err
	}
	return k.JSON(track)
}
