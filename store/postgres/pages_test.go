package postgres

import (
	"testing"

	"github.com/citizen-hotline/gateway/store/storetest"
)

func TestVolumePagesStayFast(t *testing.T) {
	storetest.VolumePages(t, openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)}))
}
