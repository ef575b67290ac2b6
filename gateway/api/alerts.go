package api

import (
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var alertStates = []store.AlertState{store.AlertOpen, store.AlertSnoozed, store.AlertAcked, store.AlertDone}

// alertLevels are the levels of alerts: those of the ladder, and alarms of the gateway itself.
func alertLevels() []string { return append([]string{"alarm"}, ticket.Levels...) }

func (a *API) getAlerts(k *call) error {
	q := queryOf(k)
	query := desk.AlertQuery{
		Open: q.flag("open"), Mine: q.flag("mine"), State: oneOf(q, "state", alertStates), Unit: q.text("unit"),
		Level: oneOf(q, "level", alertLevels()), Post: q.text("post"), Limit: q.number("limit", 1000),
	}
	grouped := oneOf(q, "group", []string{"unit,level"}) != ""
	if err := q.err(); err != nil {
		return err
	}
	if grouped {
		query.Open = query.Open || query.State == ""
		groups, err := a.Desk.AlertGroups(k.UserContext(), k.viewer, query)
		if err != nil {
			return err
		}
		return k.JSON(groups)
	}
	list, err := a.Desk.Alerts(k.UserContext(), k.viewer, query)
	if err != nil {
		return err
	}
	return k.JSON(items(list))
}

func (a *API) getAlert(k *call) error {
	id, err := pathID(k)
	if err != nil {
		return err
	}
	story, err := a.Desk.AlertStory(k.UserContext(), k.viewer, id)
	if err != nil {
		return err
	}
	return k.JSON(story)
}

func (a *API) postAck(k *call) error {
	id, err := pathID(k)
	if err != nil {
		return err
	}
	if err := a.Desk.Ack(k.UserContext(), k.viewer, id); err != nil {
		return err
	}
	return k.JSON(map[string]string{"acked_by": k.viewer.Login})
}

func (a *API) postAckGroup(k *call) error {
	var body struct {
		Unit  string `json:"unit" validate:"required,max=64"`
		Level string `json:"level" validate:"required,oneof=alarm remind yellow red supervise step_up"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	done, err := a.Desk.AckGroup(k.UserContext(), k.viewer, body.Unit, body.Level)
	if err != nil {
		return err
	}
	return k.JSON(done)
}

func (a *API) postSnooze(k *call) error {
	var body struct {
		Until   time.Time `json:"until"`
		Minutes int       `json:"minutes" validate:"min=0,max=10080"`
		Reason  string    `json:"reason" validate:"max=200"`
	}
	return a.onAlert(k, &body, func(id ticket.ID) (desk.Alert, error) {
		if body.Until.IsZero() {
			if body.Minutes == 0 {
				return desk.Alert{}, fieldError("body.invalid", "until", "请写明推迟到何时（until）或多少分钟（minutes）")
			}
			body.Until = a.Now().Add(time.Duration(body.Minutes) * time.Minute)
		}
		return a.Desk.Snooze(k.UserContext(), k.viewer, id, body.Until, clean(body.Reason))
	})
}

func (a *API) postHandOver(k *call) error {
	var body struct {
		Post   string `json:"post" validate:"max=128"`
		Person string `json:"person" validate:"max=64"`
		Reason string `json:"reason" validate:"required,max=200"`
	}
	return a.onAlert(k, &body, func(id ticket.ID) (desk.Alert, error) {
		return a.Desk.HandOver(k.UserContext(), k.viewer, id, desk.HandOver{Post: body.Post, Person: clean(body.Person), Reason: clean(body.Reason)})
	})
}

func (a *API) postDone(k *call) error {
	var body struct {
		Reason string `json:"reason" validate:"max=200"`
	}
	return a.onAlert(k, &body, func(id ticket.ID) (desk.Alert, error) {
		return a.Desk.Finish(k.UserContext(), k.viewer, id, clean(body.Reason))
	})
}

// onAlert reads the body of an act on one alert and answers with the alert as it then stands.
func (a *API) onAlert(k *call, body any, act func(id ticket.ID) (desk.Alert, error)) error {
	id, err := pathID(k)
	if err != nil {
		return err
	}
	if err := a.body(k, body); err != nil {
		return err
	}
	alert, err := act(id)
	if err != nil {
		return err
	}
	return k.JSON(alert)
}
