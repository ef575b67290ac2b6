package api

import (
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func (a *API) getCalls(k *call) error {
	q := queryOf(k)
	due, cursor, limit := q.flag("call_back_due"), q.text("cursor"), q.number("limit", 200)
	if err := q.err(); err != nil {
		return err
	}
	list, err := a.Desk.Calls(k.UserContext(), k.viewer, due, cursor, limit)
	if err != nil {
		return err
	}
	return k.JSON(list)
}

var deliveryStates = []store.DeliveryState{
	store.DeliveryTaken, store.DeliveryIgnored, store.DeliveryConflict, store.DeliveryRejected,
	store.DeliveryQuarantined, store.DeliveryRedriven,
}

func (a *API) getDeliveries(k *call) error {
	q := queryOf(k)
	f := store.DeliveryFilter{
		States: someOf(q, "state", deliveryStates), Channel: q.text("channel"), From: q.time("from"), To: q.time("to"),
		Cursor: q.text("cursor"), Limit: q.number("limit", 200),
	}
	if err := q.err(); err != nil {
		return err
	}
	list, err := a.Desk.Deliveries(k.UserContext(), f)
	if err != nil {
		return err
	}
	return k.JSON(list)
}

// redriven is what a re-drive brought.
type redriven struct {
	Result  string   `json:"result"`
	Numbers []string `json:"numbers"`
}

func (a *API) postRedrive(k *call) error {
	id, err := pathID(k)
	if err != nil {
		return err
	}
	out, err := a.Intake.Redrive(k.UserContext(), id, k.viewer.Actor())
	if err != nil {
		return err
	}
	answer := redriven{Result: string(out.Result), Numbers: []string{}}
	for _, t := range out.Tickets {
		answer.Numbers = append(answer.Numbers, t.Number)
	}
	return k.JSON(answer)
}

func pathID(k *call) (ticket.ID, error) {
	id, err := ticket.ParseID(k.Params("id"))
	if err != nil {
		return id, ticket.Errorf(ticket.NotFound, "id.unknown", "没有这个编号")
	}
	return id, nil
}

func (a *API) getNotices(k *call) error {
	q := queryOf(k)
	state := oneOf(q, "state", store.NoticeStates)
	silence, before, limit := q.number("silence", 1<<53), q.number("before", 1<<53), q.number("limit", 200)
	if err := q.err(); err != nil {
		return err
	}
	if state == "" {
		state = store.NoticeDead
	}
	if limit == 0 {
		limit = 50
	}
	list, err := a.Desk.Notices(k.UserContext(), state, int64(silence), int64(before), limit)
	if err != nil {
		return err
	}
	return k.JSON(items(list))
}

func (a *API) postRedriveNotices(k *call) error {
	var body struct {
		IDs []int64 `json:"ids" validate:"required,min=1,max=1000,dive,min=1"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	n, err := a.Desk.RedriveNotices(k.UserContext(), body.IDs)
	if err != nil {
		return err
	}
	return k.JSON(map[string]int{"redriven": n})
}

func (a *API) getCounts(k *call) error {
	counts, err := a.Desk.Counts(k.UserContext())
	if err != nil {
		return err
	}
	return k.JSON(counts)
}
