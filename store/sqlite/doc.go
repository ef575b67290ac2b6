// Package sqlite keeps everything in one SQLite file: the default engine of package store.
//
// One goroutine writes. It takes what waits in two lanes, makes it durable as one transaction
// (group commit, WAL, synchronous=FULL) and only then answers: one sync of the disk serves up to
// Options.BatchMax changes. Encoding and sealing happen before, in the callers' goroutines.
// Readers have a pool of their own that cannot write; checkpoints run on another connection.
//
// It is not for network disks: SQLite's locks do not hold there. Two processes never share a
// file; a lock beside it sees to that.
package sqlite
