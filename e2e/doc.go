// Package e2e holds the tests that drive a whole gateway from outside: built by internal/app, on a
// real data folder, spoken to over HTTP, now and then killed.
//
// It has no code besides its tests.
package e2e
