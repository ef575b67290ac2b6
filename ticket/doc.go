// Package ticket is the heart of the gateway: the one ticket format every channel becomes,
// the two state machines (ticket and assignment), the events that carry every change, and the
// kinds of errors the rest of the house speaks in.
//
// It is pure and knows only the standard library. It is not a store, not a router and not a
// clock: time, identifiers and randomness come in as parameters.
//
// How a change happens:
//
//  1. somebody builds a [Command] (an action with its details and its personal part);
//  2. [Ticket.Do] checks it against the transition tables and returns the [Event] it becomes;
//  3. [Ticket.Apply] folds the event into the ticket, so that a ticket is always the fold of
//     its events ([Fold]);
//  4. the store writes event and folded row in one commit.
package ticket
