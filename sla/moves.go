package sla

import "time"

// Move is what another calendar or policy does to a clock that has not stopped.
type Move struct {
	Name           ClockName `json:"clock"`
	Assignment     int       `json:"assignment,omitempty"` // 0: the ticket's own
	Unit           string    `json:"unit,omitempty"`
	Was            time.Time `json:"was"`
	Is             time.Time `json:"is"`
	WasProvisional bool      `json:"was_provisional,omitempty"`
	Provisional    bool      `json:"provisional,omitempty"`
	WasOverdue     bool      `json:"was_overdue,omitempty"`
	Overdue        bool      `json:"overdue,omitempty"`
}

// Moves compares the clocks of one ticket, evaluated from the same events at the same time in two ways, and gives those that
// run or are paused and whose deadline or provisional mark differs.
func Moves(was, is []Clock) []Move {
	var moves []Move
	for i := range is {
		k := &is[i]
		if k.State != Running && k.State != Held {
			continue
		}
		old := clockOf(was, k.Name, k.Assignment)
		if old == nil || old.DueAt.Equal(k.DueAt) && old.Provisional == k.Provisional {
			continue
		}
		moves = append(moves, Move{
			Name: k.Name, Assignment: k.Assignment, Unit: k.Unit, Was: old.DueAt, Is: k.DueAt,
			WasProvisional: old.Provisional, Provisional: k.Provisional, WasOverdue: old.Overdue, Overdue: k.Overdue,
		})
	}
	return moves
}

// clockOf is the last clock of a name and assignment, nil when there is none.
func clockOf(clocks []Clock, name ClockName, assignment int) *Clock {
	for i := len(clocks) - 1; i >= 0; i-- {
		if clocks[i].Name == name && clocks[i].Assignment == assignment {
			return &clocks[i]
		}
	}
	return nil
}
