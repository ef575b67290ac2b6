package tables

import "github.com/citizen-hotline/gateway/ticket"

// Refusal says which promise of the tables a step broke, when it broke a unique key. A new ticket may
// break several: which names the one, "id", "number" or "fold".
func Refusal(s Statement, which string) error {
	switch s { //nolint:exhaustive // the others have one unique key, named below
	case InsertTicket, UpdateTicket:
		switch which {
		case "id":
			return ErrVersion()
		case "number":
			return Duplicate("number", "the ticket's number is already given")
		}
		return Duplicate("fold", "an open ticket of this channel already folds this alarm")
	case InsertEvent:
		return ErrVersion()
	case InsertCall:
		return ticket.Errorf(ticket.Conflict, "store.conflict.call", "the call has been recorded by somebody else; read it again")
	}
	name := duplicateNames[s]
	return Duplicate(name, "this "+name+" is already kept")
}

var duplicateNames = map[Statement]string{InsertDelivery: "delivery", InsertRequest: "request", InsertNotice: "notice", InsertAlert: "alert"}

// Duplicate is the refusal of what is there already.
func Duplicate(what, message string) error {
	return ticket.Errorf(ticket.Duplicate, "store.duplicate."+what, "%s", message)
}

// ErrVersion is the refusal of a change made from an outdated ticket.
func ErrVersion() error {
	return ticket.Errorf(ticket.Conflict, "store.conflict.version", "the ticket has changed meanwhile; read it again")
}

func errAlert() error {
	return ticket.Errorf(ticket.Conflict, "store.conflict.alert", "the alert has changed meanwhile; read it again")
}

func errCall() error {
	return ticket.Errorf(ticket.Conflict, "store.conflict.call", "the call has changed meanwhile; read it again")
}

// ErrConstraint is the refusal of a change that breaks a rule which no caller should break.
func ErrConstraint(cause error) error {
	return ticket.Errorf(ticket.Internal, "store.constraint", "the change breaks a rule of the database").Because(cause)
}
