//go:build race

package classify_test

// underRace is true when the race detector runs: it makes sync.Pool forget at random, and training slow.
const underRace = true
