//go:build !race

package classify_test

// underRace is true when the race detector runs.
const underRace = false
