package city

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/store"
)

// Overrides is what a book of who is on duty is read from.
type Overrides interface {
	Overrides(ctx context.Context, f store.OverrideFilter) ([]store.Override, error)
}

// Book is who holds which post about a time: the rosters of the pack with the overrides that touch the
// time between from and to.
func (c *City) Book(ctx context.Context, s Overrides, from, to time.Time) (*duty.Book, error) {
	var laid []duty.Override
	kept, err := s.Overrides(ctx, store.OverrideFilter{Posts: c.Roster.Posts(), From: from, To: to, Withdrawn: true, Limit: 1000})
	if err != nil {
		return nil, err
	}
	for i := range kept {
		o := &kept[i]
		if !o.WithdrawnAt.IsZero() && o.WithdrawnAt.Before(o.To) {
			if o.To = o.WithdrawnAt; !o.From.Before(o.To) {
				continue // withdrawn before it began; else it held as long as it did
			}
		}
		laid = append(laid, duty.Override{ID: o.ID.String(), Post: o.Post, From: o.From, To: o.To, Who: o.Who, Kind: duty.Kind(o.Kind)})
	}
	last := ""
	if posts := c.PostsOf(c.DutyUnit, "duty"); len(posts) > 0 {
		last = posts[0]
	}
	return duty.NewBook(c.Roster, laid, last), nil
}

// BookNow is the book of a day before and a fortnight after a time.
func (c *City) BookNow(ctx context.Context, s Overrides, now time.Time) (*duty.Book, error) {
	return c.Book(ctx, s, now.AddDate(0, 0, -1), now.AddDate(0, 0, 15))
}

// PostsOf are the posts of a unit in a role; of its parent when it has none.
func (c *City) PostsOf(unit, role string) []string {
	for range 4 {
		u, ok := c.Rules.Unit(unit)
		if !ok {
			return nil
		}
		var posts []string
		for _, p := range u.Posts {
			if p.Role == role {
				posts = append(posts, p.ID)
			}
		}
		if posts != nil || u.Parent == "" {
			return posts
		}
		unit = u.Parent
	}
	return nil
}

// Post finds a post and the unit it belongs to. Posts are named after their unit, most of them.
func (c *City) Post(id string) (post routing.Post, unit string, ok bool) {
	if dot := strings.LastIndexByte(id, '.'); dot > 0 {
		if u, known := c.Rules.Unit(id[:dot]); known {
			for _, p := range u.Posts {
				if p.ID == id {
					return p, u.ID, true
				}
			}
		}
	}
	for _, u := range c.Rules.Units() {
		for _, p := range u.Posts {
			if p.ID == id {
				return p, u.ID, true
			}
		}
	}
	return routing.Post{}, "", false
}

// PostTitle names a post with its unit, in short; the id itself when the pack has no such post.
func (c *City) PostTitle(id string) string {
	p, unit, ok := c.Post(id)
	if !ok {
		return id
	}
	u, _ := c.Rules.Unit(unit)
	return cmp.Or(u.Short, u.Name) + p.Title
}
