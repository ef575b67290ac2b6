package live_test

import (
	"sync"
	"testing"

	"github.com/citizen-hotline/gateway/internal/live"
)

func TestManyPublicationsAreOneWakeUp(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	h.Publish() // nobody listens
	wake, end := h.Subscribe()
	select {
	case <-wake:
		t.Fatal("woken by what was published before the subscription")
	default:
	}
	for range 5 {
		h.Publish()
	}
	<-wake
	select {
	case <-wake:
		t.Fatal("woken twice for what one look finds")
	default:
	}
	h.Publish()
	<-wake
	end()
	h.Publish()
	select {
	case <-wake:
		t.Fatal("woken after the end of the subscription")
	default:
	}
}

func TestSubscribersComeAndGoWhilePublishing(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				wake, end := h.Subscribe()
				h.Publish()
				<-wake // at least our own publication reaches us
				end()
			}
		})
	}
	all.Wait()
}
