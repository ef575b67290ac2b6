package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// dying is the store of a gateway that is killed before it can note what came of its attempts.
type dying struct{ outbox.Store }

var errKilled = errors.New("killed")

func (dying) Settle(context.Context, []store.NoticeResult) error { return errKilled }

// What a killed gateway was delivering another delivers within ten seconds, under the same id.
func TestADeadGatewaysNoticesAreTakenOver(t *testing.T) {
	t.Parallel()
	p := open(t)
	dead := *p.worker
	dead.Store = dying{p.store}
	p.Dispatched(1, ticket.UrgencyNormal, "s-371302105")
	if _, err := dead.RunOnce(t.Context(), p.now); !errors.Is(err, errKilled) {
		t.Fatalf("the first gateway: %v", err)
	}
	if n := p.Advance(5 * time.Second); n != 0 {
		t.Errorf("%d notices were taken from a gateway that may still be delivering them", n)
	}
	if n := p.Advance(4 * time.Second); n != 1 {
		t.Fatalf("%d notices were taken over nine seconds after the first gateway was last heard of, want 1", n)
	}
	if len(p.received) != 2 || p.received[0].id != p.received[1].id {
		t.Errorf("the unit received %+v, want one id twice", p.received)
	}
	if p.stands(store.NoticeDelivered) != 1 || p.stands(store.NoticePending) != 0 {
		t.Error("the notice is not delivered")
	}
}
