//go:build race

package routing

// underRace is true when the race detector runs: it makes sync.Pool forget at random.
const underRace = true
