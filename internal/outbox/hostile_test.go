package outbox_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// replies is a platform whose replies end as told.
type replies struct{ how func() error }

func (replies) Normalize(adapters.Inbound) ([]ticket.Request, error) { return nil, nil }

func (r replies) Reply(context.Context, ticket.ReplyHandle, ticket.Message) (adapters.Receipt, error) {
	return adapters.Receipt{}, r.how()
}

func (p *post) answered(t *testing.T, how func() error) store.StoredNotice {
	t.Helper()
	p.city.Channels["wechat"] = &city.Channel{Channel: adapters.Channel{ID: "wechat"}, Adapter: replies{how}}
	p.Dispatched(1, ticket.UrgencyNormal, "b-chengguan", func(tk *ticket.Ticket, e ticket.Event) store.Notice {
		n, err := outbox.About(outbox.KindCitizen, "wechat", tk, e, outbox.CitizenNotice{Message: ticket.Message{Text: "已办结"}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	})
	p.Advance(0, outbox.KindCitizen)
	list, err := p.store.Notices(t.Context(), store.NoticePending, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		if n.Kind == outbox.KindCitizen {
			return n
		}
	}
	t.Fatal("the answer does not wait for another try")
	return store.StoredNotice{}
}

func TestAPanicOfAnAdapterIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	n := open(t).answered(t, func() error { panic("13900001111") })
	if !strings.Contains(n.Error, "panicked") || strings.Contains(n.Error, "139") {
		t.Errorf("the list says %q", n.Error)
	}
}

func TestTokensOfAddressesStayOutOfTheList(t *testing.T) {
	t.Parallel()
	n := open(t).answered(t, func() error {
		return ticket.Errorf(ticket.Unavailable, "wechat.unreachable", "WeChat cannot be reached").
			Because(&url.Error{Op: "Post", URL: "https://api.weixin.qq.com/send?access_token=SECRET", Err: errors.New("no route")})
	})
	if strings.Contains(n.Error, "SECRET") || !strings.Contains(n.Error, "no route") {
		t.Errorf("the list says %q", n.Error)
	}
	if wait := n.Next.Sub(noon); wait != 10*time.Second {
		t.Errorf("the first wait is %s, want the first of the list, 10s", wait)
	}
}

func TestAnEmergencyThatCannotBeSignedWasHandedOverAllTheSame(t *testing.T) {
	t.Parallel()
	p := open(t)
	id := p.Dispatched(1, ticket.UrgencyEmergency, "e-110")
	item, err := p.store.Ticket(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	history, err := p.store.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	tk := item.Ticket
	for _, cmd := range []ticket.Command{
		{Action: ticket.AddUnit, Details: ticket.Details{Unit: "e-120"}},
		{Action: ticket.Return, Cause: ticket.Cause{Reason: "not_ours"}, Details: ticket.Details{Assignment: 1}},
	} {
		e, err := tk.Do(cmd, p.now, zeros{})
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, e)
	}
	n, err := outbox.ForUnit("e-120", "120", &tk, history[len(history)-1])
	if err != nil {
		t.Fatal(err)
	}
	change := store.Change{Tickets: []store.TicketChange{p.city.Change(item.Version, tk, history, p.now)}, Outbox: []store.Notice{n}}
	if err := p.store.Commit(t.Context(), change)[0]; err != nil {
		t.Fatal(err)
	}
	p.Advance(0, outbox.KindEmergency)
	if n := p.stands(store.NoticeDelivered); n != 2 {
		t.Errorf("%d of 2 count as handed over", n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestAnEmergencyDoesNotWaitForAReceiverThatHangs(t *testing.T) {
	t.Parallel()
	p := open(t)
	arrived, hung := make(chan string, 4), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Path
		if r.URL.Path == "/e-119" {
			<-hung
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hung) })
	*p.city = *cityWith(t, server.URL)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	p.Dispatched(1, ticket.UrgencyEmergency, "e-119")
	go func() { defer close(ended); p.worker.Run(ctx) }()
	defer func() { stop(); <-ended }()
	if path := <-arrived; path != "/e-119" {
		t.Fatal(path)
	}
	p.Dispatched(2, ticket.UrgencyEmergency, "e-110")
	p.worker.Wake(true)
	select {
	case path := <-arrived:
		if path != "/e-110" {
			t.Error(path)
		}
	case <-time.After(10 * time.Second):
		t.Error("110 is not told while 119 hangs")
	}
}
