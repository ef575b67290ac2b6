package tables

import (
	"slices"
	"testing"
)

func FuzzParseCursor(f *testing.F) {
	f.Add(cursorOf(1, 2))
	f.Add("W10")
	f.Fuzz(func(t *testing.T, cursor string) {
		at, err := parseCursor(cursor, 2)
		if err != nil {
			return
		}
		if again, err := parseCursor(cursorOf(at...), 2); err != nil || !slices.Equal(at, again) {
			t.Fatalf("%v came back as %v, %v", at, again, err)
		}
	})
}
