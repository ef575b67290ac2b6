package api

import (
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

func (a *API) getUnits(k *call) error      { return k.JSON(items(a.Desk.Units())) }
func (a *API) getCategories(k *call) error { return k.JSON(items(a.Desk.Categories())) }
func (a *API) getRegions(k *call) error    { return k.JSON(items(a.Desk.Regions())) }
func (a *API) getReasons(k *call) error    { return k.JSON(items(a.Desk.Reasons())) }
func (a *API) getRoles(k *call) error      { return k.JSON(items(a.Desk.RoleViews())) }
func (a *API) getChannels(k *call) error   { return k.JSON(items(a.Desk.Channels())) }

// now is the gateway's clock, which in a demo is not the world's.
type now struct {
	Now       time.Time `json:"now"`
	Zone      string    `json:"zone"`
	Demo      bool      `json:"demo"`
	Speed     float64   `json:"speed"` // how many times as fast as the world
	StartedAt time.Time `json:"started_at,omitzero"`
}

func (a *API) getNow(k *call) error {
	zone := a.Live.Get().Zone
	n := now{Now: a.Now().In(zone), Zone: zone.String(), Speed: 1}
	if a.Demo != nil {
		n.Demo, n.Speed, n.StartedAt = true, a.Demo.Speed, a.Demo.StartedAt.In(zone)
	}
	return k.JSON(n)
}

func (a *API) getTrack(k *call) error {
	if err := a.mayGuess(k.Ctx, "track"); err != nil {
		return err
	}
	q := queryOf(k)
	code := q.text("code")
	if err := q.err(); err != nil {
		return err
	}
	track, err := a.Desk.Track(k.UserContext(), k.Params("number"), code, a.Now())
	if err != nil {
		return err
	}
	return k.JSON(track)
}

// publishedPack is one time a pack came into force.
type publishedPack struct {
	Hash   string    `json:"hash"`
	Author string    `json:"author"`
	Note   string    `json:"note,omitempty"`
	At     time.Time `json:"at"`
}

// pack is the pack in force, and those before it.
type pack struct {
	City    string          `json:"city"`
	Hash    string          `json:"hash"` // in force on this server
	Active  string          `json:"active"`
	History []publishedPack `json:"history"`
}

func (a *API) getPack(k *call) error {
	ctx, c := k.UserContext(), a.Live.Get()
	active, err := a.Store.ActivePack(ctx)
	if err != nil && !ticket.IsKind(err, ticket.NotFound) {
		return err
	}
	history, err := a.Store.PackHistory(ctx, 50)
	if err != nil {
		return err
	}
	p := pack{City: c.Name, Hash: c.Hash, Active: active.Hash, History: []publishedPack{}}
	for _, h := range history {
		p.History = append(p.History, publishedPack{Hash: h.Hash, Author: h.Author, Note: h.Note, At: h.At.In(c.Zone)})
	}
	return k.JSON(p)
}

func (a *API) postRollback(k *call) error {
	var body struct {
		Hash string `json:"hash" validate:"required,len=64,hexadecimal"`
		Note string `json:"note" validate:"max=200"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	if a.Rollback == nil {
		return ticket.Errorf(ticket.Unavailable, "pack.rollback", "此服务未开启在线回退，请使用 hotline rules rollback")
	}
	err := a.Rollback(k.UserContext(), body.Hash, k.viewer.Login, clean(body.Note))
	if err != nil && ticket.KindOf(err) == ticket.Internal {
		// It does not load here or does not fit the open tickets; what it says names files and units.
		return ticket.Errorf(ticket.Conflict, "pack.unfit", "此配置包不能恢复：%v", err).Because(err)
	}
	if err != nil {
		return err
	}
	return k.JSON(map[string]string{"active": body.Hash})
}

// shadow is a candidate beside the pack in force, and what it would have decided otherwise.
type shadow struct {
	Hash    string       `json:"hash"`
	Author  string       `json:"author"`
	Since   time.Time    `json:"since"`
	Decided int          `json:"decided"`
	Moved   int          `json:"moved"`
	Flows   []shadowFlow `json:"flows"`
}

type shadowFlow struct {
	Was     string `json:"was"`
	Would   string `json:"would"`
	Count   int    `json:"count"`
	Example string `json:"example"`
}

func (a *API) getShadow(k *call) error {
	ctx := k.UserContext()
	of, err := a.Store.Shadow(ctx)
	if ticket.IsKind(err, ticket.NotFound) {
		return ticket.Errorf(ticket.NotFound, "pack.shadow.none", "没有正在试运行的候选包；用 serve --shadow 目录 启动一个")
	}
	if err != nil {
		return err
	}
	found, err := a.Store.Shadowed(ctx, of.ID)
	if err != nil {
		return err
	}
	s := shadow{Hash: of.Hash, Author: of.Author, Since: of.At.In(a.Live.Get().Zone), Decided: found.Decided, Moved: found.Moved, Flows: []shadowFlow{}}
	for _, f := range found.Flows {
		s.Flows = append(s.Flows, shadowFlow(f))
	}
	return k.JSON(s)
}

func (a *API) postPromote(k *call) error {
	var body struct {
		Hash string `json:"hash" validate:"required,len=64,hexadecimal"`
		Note string `json:"note" validate:"max=200"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	if a.Promote == nil {
		return ticket.Errorf(ticket.Unavailable, "pack.promote", "此服务未开启在线启用，请使用 hotline rules promote")
	}
	hash, err := a.Promote(k.UserContext(), body.Hash, k.viewer.Login, clean(body.Note))
	if err != nil && ticket.KindOf(err) == ticket.Internal {
		return ticket.Errorf(ticket.Conflict, "pack.unfit", "此候选包不能启用：%v", err).Because(err)
	}
	if err != nil {
		return err
	}
	return k.JSON(map[string]string{"active": hash})
}
