// Package postgres keeps everything in a PostgreSQL database (15 or newer): the engine for a city
// that one machine does not carry, and for several gateways at once.
//
// Each gateway gathers its changes as the SQLite engine does, in two lanes, and writes a batch in
// one round trip: a pipeline of statements that take their rows from arrays (unnest), in one
// transaction, which the server has synced before it answers. A batch in which one change is
// refused is written again one change at a time, so that everybody gets their own answer.
//
// Events get their positions from the writing transaction's number, so that positions grow in the
// order in which transactions may become visible; readers look only at those older than any
// transaction still under way, and never skip a row that was committed late.
//
// No gateway leads. What must not happen twice is kept apart by unique keys and versions; requests
// of one sender take turns by advisory locks; notices are claimed with SKIP LOCKED.
package postgres
