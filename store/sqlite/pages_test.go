package sqlite_test

import (
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/store/storetest"
)

//nolint:paralleltest // it measures
func TestVolumePagesStayFast(t *testing.T) {
	storetest.VolumePages(t, sqlitetest.Open(t), time.Now)
}
