package main

import (
	"testing"
	"time"
)

func TestSince(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"": 0, "30d": 720 * time.Hour, "12h": 12 * time.Hour, "36500d": 876000 * time.Hour} {
		if got, err := since(s); err != nil || got != want {
			t.Errorf("since(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	// 150000 days do not fit a duration: wrapped, they would look into the future and find nothing to say.
	for _, s := range []string{"0d", "-3d", "d", "1.5d", "150000d", "9999999h", "-1h", "0s", "soon", "30"} {
		if got, err := since(s); err == nil {
			t.Errorf("since(%q) = %v; want an error", s, got)
		}
	}
}
