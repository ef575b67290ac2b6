package desk

import (
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/ticket"
)

// succeed names the unit of a reopening that names none when the one that led is gone from the pack: the one
// that replaced it.
func succeed(c *city.City, t *ticket.Ticket, cmd *ticket.Command) error {
	if cmd.Action != ticket.Reopen || cmd.Details.Unit != "" || t.LeadUnit() == "" {
		return nil
	}
	const most = 10 // of units that replaced each other
	unit := t.LeadUnit()
	for range most {
		u, known := c.Rules.Unit(unit)
		switch {
		case !known:
			return invalid("unit", "原承办单位 %q 已不在城市包中，请指定重办的单位", unit)
		case u.Retired == "":
			if unit != t.LeadUnit() {
				cmd.Details.Unit = unit
			}
			return nil
		}
		unit = u.ReplacedBy
	}
	return invalid("unit", "原承办单位已撤销，请指定重办的单位")
}
