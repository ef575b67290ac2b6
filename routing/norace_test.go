//go:build !race

package routing

// underRace is true when the race detector runs.
const underRace = false
