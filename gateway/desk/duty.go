package desk

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// OnDuty is who holds a post at a time, and who does next.
type OnDuty struct {
	Post     string    `json:"post"`
	Title    string    `json:"title"`
	Who      string    `json:"who"` // empty: nobody
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Kind     string    `json:"kind,omitempty"`     // override, swap or absent; empty: as the roster has it
	Override string    `json:"override,omitempty"` // its id
	StandsIn *Stand    `json:"stands_in,omitempty"`
	Next     Next      `json:"next"`
}

// Stand is who gets what is meant for a post that nobody holds.
type Stand struct {
	Post  string `json:"post"`
	Title string `json:"title"`
	Who   string `json:"who,omitempty"`
}

// Next is who takes a post over.
type Next struct {
	Who   string    `json:"who"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// OnDutyAt says who holds posts at a time; posts without a roster are left out.
func OnDutyAt(c *city.City, book *duty.Book, posts []string, at time.Time) []OnDuty {
	list := []OnDuty{}
	for _, post := range posts {
		p, ok := book.On(post, at)
		if !ok {
			continue
		}
		next, _ := book.Next(post, at)
		row := OnDuty{
			Post: post, Title: c.PostTitle(post), Who: p.Who, From: local(c, p.From), Until: local(c, p.To),
			Next: Next{Who: next.Who, From: local(c, next.From), Until: local(c, next.To)},
		}
		if p.Override != nil {
			row.Kind, row.Override = string(p.Override.Kind), p.Override.ID
		}
		if !p.Attended() {
			reached, who := book.Reach(post, at)
			row.StandsIn = &Stand{Post: reached, Title: c.PostTitle(reached), Who: who}
		}
		list = append(list, row)
	}
	return list
}

// Duty says who is on duty at a time: of the viewer's own posts and of the hotline centre's, or of one post.
// Errors: NotFound when the post has no roster.
func (d *Desk) Duty(ctx context.Context, v Viewer, post string, at time.Time) ([]OnDuty, error) {
	c := d.Live.Get()
	book, err := c.BookNow(ctx, d.Store, at)
	if err != nil {
		return nil, err
	}
	posts := DutyPosts(c, v, book)
	if post != "" {
		if !slices.Contains(posts, post) {
			return nil, noRoster(post)
		}
		posts = []string{post}
	}
	return OnDutyAt(c, book, posts, at), nil
}

func noRoster(post string) error {
	return ticket.Errorf(ticket.NotFound, "duty.post", "岗位 %q 没有值班表，或不在您的管辖范围内", post)
}

// DutyPosts are the posts a viewer may see the rosters of: the centre's first, for everybody calls there.
func DutyPosts(c *city.City, v Viewer, book *duty.Book) []string {
	posts := book.Posts()
	unitOf := func(post string) string {
		_, unit, _ := c.Post(post)
		return unit
	}
	posts = slices.DeleteFunc(posts, func(post string) bool { return unitOf(post) != c.DutyUnit && !v.owns(c, unitOf(post)) })
	rank := func(post string) int {
		p, unit, _ := c.Post(post)
		switch {
		case unit != c.DutyUnit:
			return 3
		case p.Role == "duty":
			return 0
		case p.Role == "supervision":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(posts, func(a, b string) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a, b)) })
	return posts
}

// Override is what people arranged for a post.
type Override struct {
	ID          string    `json:"id"`
	Post        string    `json:"post"`
	Title       string    `json:"title"`
	From        time.Time `json:"from"`
	Until       time.Time `json:"until"`
	Who         string    `json:"who"`
	Kind        string    `json:"kind"`
	KindTitle   string    `json:"kind_title"`
	Swap        string    `json:"swap,omitempty"` // the same for both halves
	Reason      string    `json:"reason"`
	Author      string    `json:"author"`
	At          time.Time `json:"at"`
	WithdrawnBy string    `json:"withdrawn_by,omitempty"`
	WithdrawnAt time.Time `json:"withdrawn_at,omitzero"`
	Also        []string  `json:"also,omitempty"` // other posts the person holds at that time
}

var kindTitles = map[string]string{string(duty.KindCover): "替班", string(duty.KindSwap): "换班", string(duty.KindAbsent): "缺岗"}

// OverrideQuery narrows a list of overrides. Zero parts mean no limit.
type OverrideQuery struct {
	Post      string
	From, To  time.Time
	Withdrawn bool
}

// Overrides lists what was arranged for the posts in the viewer's scope, by post and time.
func (d *Desk) Overrides(ctx context.Context, v Viewer, q OverrideQuery) ([]Override, error) {
	c, out := d.Live.Get(), []Override{}
	f := store.OverrideFilter{From: q.From, To: q.To, Withdrawn: q.Withdrawn, Limit: 1000}
	for _, post := range c.Roster.Posts() {
		if _, unit, _ := c.Post(post); (q.Post == "" || q.Post == post) && v.owns(c, unit) {
			f.Posts = append(f.Posts, post)
		}
	}
	if f.Posts == nil {
		return out, nil
	}
	rows, err := d.Store.Overrides(ctx, f)
	for i := range rows {
		out = append(out, overrideRow(c, &rows[i]))
	}
	return out, err
}

func overrideRow(c *city.City, o *store.Override) Override {
	row := Override{
		ID: o.ID.String(), Post: o.Post, Title: c.PostTitle(o.Post), From: local(c, o.From), Until: local(c, o.To), Who: o.Who, Kind: o.Kind,
		KindTitle: kindTitles[o.Kind], Reason: o.Reason, Author: o.Author, At: local(c, o.At), WithdrawnBy: o.WithdrawnBy, WithdrawnAt: local(c, o.WithdrawnAt),
	}
	if !o.Swap.IsZero() {
		row.Swap = o.Swap.String()
	}
	return row
}

// arrangeMost is the longest time one override may cover, and how far ahead it may lie.
const (
	arrangeMost  = 31 * 24 * time.Hour
	arrangeAhead = 366 * 24 * time.Hour
)

// Arrangement is an override to make. Who is empty: nobody comes.
type Arrangement struct {
	Post     string
	From, To time.Time
	Who      string
	Reason   string
}

// Arrange lets somebody stand in for a post, or says that nobody comes. What has passed stays as it was: it
// begins now at the earliest. Errors: NotFound when the post has no roster in the viewer's scope; Invalid;
// Conflict when something is arranged for a part of the time.
func (d *Desk) Arrange(ctx context.Context, v Viewer, a Arrangement) (Override, error) {
	c, now := d.Live.Get(), d.Now()
	if err := d.mayArrange(c, v, a.Post); err != nil {
		return Override{}, err
	}
	if err := reasonable(a.Reason, true); err != nil {
		return Override{}, err
	}
	kind := duty.KindCover
	if a.Who == "" {
		kind = duty.KindAbsent
	} else if err := d.person(ctx, c, v, a.Who); err != nil {
		return Override{}, err
	}
	this := now.Truncate(time.Minute)
	if a.From.IsZero() {
		a.From = this
	}
	switch {
	case a.From.Before(this):
		return Override{}, invalid("from", "已经过去的班次不能改，最早从现在起")
	case !a.To.After(a.From) || a.To.Sub(a.From) > arrangeMost:
		return Override{}, invalid("until", "应晚于开始时间，最长 31 天")
	case a.To.Sub(now) > arrangeAhead:
		return Override{}, invalid("until", "最多提前一年安排")
	case !a.From.Equal(a.From.Truncate(time.Minute)) || !a.To.Equal(a.To.Truncate(time.Minute)):
		return Override{}, invalid("from", "时间精确到分钟")
	}
	o, err := d.override(v, duty.Override{Post: a.Post, From: a.From, To: a.To, Who: a.Who, Kind: kind}, a.Reason, now)
	if err != nil {
		return Override{}, err
	}
	made, err := d.keep(ctx, c, o)
	if err != nil {
		return Override{}, err
	}
	return made[0], nil
}

// SwapPart is one side of a swap: the shift of a post at a moment.
type SwapPart struct {
	Post string
	At   time.Time
}

// SwapShifts lets the holders of two shifts exchange them whole: both halves are kept, or neither. Errors as
// of [Desk.Arrange]; Invalid when a shift has begun, or nobody holds it.
func (d *Desk) SwapShifts(ctx context.Context, v Viewer, one, other SwapPart, reason string) ([]Override, error) {
	c, now := d.Live.Get(), d.Now()
	if err := reasonable(reason, true); err != nil {
		return nil, err
	}
	book, err := c.Book(ctx, d.Store, now.AddDate(0, 0, -1), now.Add(arrangeAhead+arrangeMost))
	if err != nil {
		return nil, err
	}
	var shifts []duty.Period
	for n, part := range []SwapPart{one, other} {
		field := []string{"one", "other"}[n]
		if err := d.mayArrange(c, v, part.Post); err != nil {
			return nil, err
		}
		p, _ := book.On(part.Post, part.At)
		switch {
		case p.From.Before(now):
			return nil, invalid(field, "班次已经开始，请改为安排替班")
		case part.At.Sub(now) > arrangeAhead:
			return nil, invalid(field, "最多提前一年安排")
		case !p.Attended():
			return nil, invalid(field, "这个班次无人当班，请改为安排替班")
		case p.Override != nil:
			return nil, ticket.Errorf(ticket.Conflict, "duty.overlap", "%s 的这个班次已有安排（%s），请先撤销", c.PostTitle(part.Post), kindTitles[string(p.Override.Kind)])
		}
		shifts = append(shifts, p)
	}
	if shifts[0].Who == shifts[1].Who {
		return nil, invalid("other", "两个班次是同一个人的")
	}
	first, second := duty.Swap(shifts[0], shifts[1])
	var halves [2]store.Override
	for n, half := range []duty.Override{first, second} {
		if halves[n], err = d.override(v, half, reason, now); err != nil {
			return nil, err
		}
		halves[n].Swap = halves[0].ID
	}
	return d.keep(ctx, c, halves[:]...)
}

func (d *Desk) mayArrange(c *city.City, v Viewer, post string) error {
	_, listed := c.Roster.Rotation(post)
	if _, unit, _ := c.Post(post); !listed || !v.owns(c, unit) {
		return noRoster(post)
	}
	return nil
}

func (d *Desk) override(v Viewer, o duty.Override, reason string, now time.Time) (store.Override, error) {
	id, err := ticket.NewID(now, d.Random)
	return store.Override{ID: id, Post: o.Post, From: o.From.UTC(), To: o.To.UTC(), Who: o.Who, Kind: string(o.Kind), Reason: reason, Author: v.Login, At: now}, err
}

// keep writes overrides, all or none, and says which other posts the people hold at that time.
func (d *Desk) keep(ctx context.Context, c *city.City, list ...store.Override) ([]Override, error) {
	err := d.Store.AddOverrides(ctx, list...)
	if ticket.IsKind(err, ticket.Conflict) {
		return nil, d.overlap(ctx, c, list, err)
	}
	if err != nil {
		return nil, err
	}
	d.Committed(false)
	made := make([]Override, 0, len(list))
	for i := range list {
		o := &list[i]
		row := overrideRow(c, o)
		book, err := c.Book(ctx, d.Store, o.From.AddDate(0, 0, -1), o.To.AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		for _, post := range book.Posts() {
			if post != o.Post && o.Who != "" && holdsWithin(book, post, o) {
				row.Also = append(row.Also, post)
			}
		}
		made = append(made, row)
	}
	return made, nil
}

func holdsWithin(book *duty.Book, post string, o *store.Override) (holds bool) {
	book.Periods(post, o.From, o.To, func(p duty.Period) bool {
		holds = p.Who == o.Who
		return !holds
	})
	return holds
}

// overlap says what stands in the way of overrides.
func (d *Desk) overlap(ctx context.Context, c *city.City, list []store.Override, refused error) error {
	for i := range list {
		there, err := d.Store.Overrides(ctx, store.OverrideFilter{Posts: []string{list[i].Post}, From: list[i].From, To: list[i].To, Limit: 1})
		if err != nil {
			return err
		}
		if len(there) > 0 {
			o := there[0]
			return ticket.Errorf(ticket.Conflict, "duty.overlap", "%s %s 至 %s 已由 %s 安排%s，请先撤销", c.PostTitle(o.Post), local(c, o.From).Format("01-02 15:04"),
				local(c, o.To).Format("01-02 15:04"), o.Author, kindTitles[o.Kind])
		}
	}
	return refused
}

// Withdraw takes an override back, with the other half of a swap. One under way ends now; what has been
// served stays as it was. Errors: NotFound in the viewer's scope; Conflict when it is over, or withdrawn
// already.
func (d *Desk) Withdraw(ctx context.Context, v Viewer, id ticket.ID) error {
	now := d.Now()
	rows, err := d.Overrides(ctx, v, OverrideQuery{From: now.AddDate(0, -1, 0), Withdrawn: true})
	if err != nil {
		return err
	}
	n := slices.IndexFunc(rows, func(o Override) bool { return o.ID == id.String() })
	if n < 0 {
		return ticket.Errorf(ticket.NotFound, "duty.override", "没有这项安排，或已是一个月前的事")
	}
	o := &rows[n]
	switch {
	case !o.WithdrawnAt.IsZero():
		return ticket.Errorf(ticket.Conflict, "duty.withdrawn", "这项安排已由 %s 撤销", o.WithdrawnBy)
	case !o.Until.After(now):
		return ticket.Errorf(ticket.Conflict, "duty.over", "这项安排已经结束，不能撤销")
	}
	halves := 0
	for i := range rows {
		if o.Swap == "" || rows[i].Swap != o.Swap {
			continue
		}
		if halves++; !rows[i].Until.After(now) {
			return ticket.Errorf(ticket.Conflict, "duty.over", "换班的另一半已经值完，不能撤销")
		}
	}
	if halves == 1 {
		return ticket.Errorf(ticket.Forbidden, "duty.swap", "换班的另一半是别的单位的岗位，请由热线中心撤销")
	}
	if err := d.Store.WithdrawOverride(ctx, id, v.Login, now); err != nil {
		return err
	}
	d.Committed(false)
	return nil
}
