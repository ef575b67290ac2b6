package tracker

import (
	"slices"

	"github.com/citizen-hotline/gateway/internal/city"
)

// receivers are the posts that hear of a step, by unit: those of the unit that holds the clock in the roles the step
// names, those of the centre for the officer on shift and the supervision office. A clock that nobody holds is the
// centre's. Where that leaves nobody at all, it is for the officer on shift: a step is never lost.
func receivers(c *city.City, holder string, roles []string) map[string][]string {
	posts := map[string][]string{}
	for _, role := range roles {
		unit := holder
		if role == roleDuty || role == roleSupervision || unit == "" {
			unit = c.DutyUnit
		}
		posts[unit] = append(posts[unit], postsOf(c, unit, role)...)
	}
	some := false
	for unit, ids := range posts { // each is told once, however often the step names its role
		slices.Sort(ids)
		posts[unit] = slices.Compact(ids)
		some = some || len(ids) > 0
	}
	if !some {
		posts[c.DutyUnit] = postsOf(c, c.DutyUnit, roleDuty)
	}
	return posts
}

// The roles whose posts are the centre's.
const (
	roleDuty        = "duty"
	roleSupervision = "supervision"
)

// postsOf are the posts of a unit in a role; of its parent when it has none.
func postsOf(c *city.City, unit, role string) []string {
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
