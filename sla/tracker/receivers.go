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
		posts[unit] = append(posts[unit], c.PostsOf(unit, role)...)
	}
	some := false
	for unit, ids := range posts { // each is told once, however often the step names its role
		slices.Sort(ids)
		posts[unit] = slices.Compact(ids)
		some = some || len(ids) > 0
	}
	if !some {
		posts[c.DutyUnit] = c.PostsOf(c.DutyUnit, roleDuty)
	}
	return posts
}

// The roles whose posts are the centre's.
const (
	roleDuty        = "duty"
	roleSupervision = "supervision"
)
