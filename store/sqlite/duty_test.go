package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/citizen-hotline/gateway/store/storetest"
)

func TestTheTableRefusesOverlaps(t *testing.T) {
	t.Parallel()
	storetest.OverlapsAreRefused(t, openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t)}).Tables)
}
