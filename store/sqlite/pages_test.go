package sqlite_test

import (
	"testing"

	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/store/storetest"
)

func TestVolumePagesStayFast(t *testing.T) {
	storetest.VolumePages(t, sqlitetest.Open(t))
}
