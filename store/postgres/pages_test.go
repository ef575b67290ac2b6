package postgres

import (
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store/storetest"
)

//nolint:paralleltest // it measures
func TestVolumePagesStayFast(t *testing.T) {
	storetest.VolumePages(t, openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)}), time.Now)
}
