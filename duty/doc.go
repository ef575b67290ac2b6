// Package duty says who holds a post when (值班): rotations that take turns, shifts that may run past
// midnight, days off, and what people arrange on top of them: somebody stands in for a shift, two
// people swap theirs, a shift has nobody. It also says what becomes of an alert that nobody
// acknowledges: when it climbs and to whom, and how long it may be put off.
//
// It is pure: rosters and overrides in, holders out, at any time anew. Who reads the rosters and
// keeps the overrides is not its business.
package duty
