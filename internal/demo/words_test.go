package demo

import (
	"testing"

	"github.com/citizen-hotline/gateway/internal/text"
)

// Forty people say it in different words; whatever two of them say has something in common.
func TestWaysAreAlike(t *testing.T) {
	t.Parallel()
	for _, a := range ways {
		for _, b := range ways {
			if s := text.Similarity(a, b); s < 0.05 {
				t.Errorf("%.3f %s | %s", s, a, b)
			}
		}
	}
}
