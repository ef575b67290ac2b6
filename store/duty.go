package store

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Override is what people arranged for a post on top of its roster.
type Override struct {
	ID          ticket.ID
	Post        string
	From, To    time.Time // To exclusive
	Who         string    // empty: nobody
	Kind        string    // override, swap, absent
	Swap        ticket.ID // the same for both halves of a swap; zero for the rest
	Reason      string    // sealed at rest
	Author      string
	At          time.Time
	WithdrawnBy string
	WithdrawnAt time.Time
}

// OverrideFilter narrows a list of overrides.
type OverrideFilter struct {
	Posts     []string
	From, To  time.Time // that touch this time; zero parts mean no limit
	Withdrawn bool      // those withdrawn, too
	Limit     int
}

// Tally is how many tickets of a category were registered in a region.
type Tally struct {
	Category, Region string
	Count            int64
}

// Duty is what the people on duty work from, besides tickets and calls.
type Duty interface {
	// Overrides lists overrides by post and time.
	Overrides(ctx context.Context, f OverrideFilter) ([]Override, error)
	// AddOverrides keeps all or none. One that overlaps another of its post is a ticket.Conflict that says which.
	AddOverrides(ctx context.Context, list ...Override) error
	// WithdrawOverride ends an override and the other half of its swap. Errors: ticket.NotFound;
	// ticket.Conflict when it has been withdrawn, with by whom.
	WithdrawOverride(ctx context.Context, id ticket.ID, by string, at time.Time) error

	// AlertGroups counts alerts by unit and level, the largest first; Limit is left aside.
	AlertGroups(ctx context.Context, f AlertFilter) ([]AlertGroup, error)
	// AlertLog is the history of alerts, oldest first.
	AlertLog(ctx context.Context, ids ...ticket.ID) ([]AlertEntry, error)

	// CountTickets counts the tickets of a filter; Cursor, Order and Limit are left aside.
	CountTickets(ctx context.Context, f Filter) (int64, error)
	// Registered counts the tickets registered from a time on and before another, by category and region.
	// Those of machines, historic and confidential ones and those outside the public rates, exercises too, are left out.
	Registered(ctx context.Context, from, to time.Time) ([]Tally, error)
}
