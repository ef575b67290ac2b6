package store

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Filter narrows a list of tickets. Zero parts mean no limit.
type Filter struct {
	States     []ticket.State
	Units      []string // tickets any of these units holds or led
	Regions    []string // exactly these regions (callers expand subtrees)
	Categories []string
	Channels   []string
	Sources    []ticket.SourceClass
	Urgency    []ticket.Urgency
	Incident   ticket.ID
	DueFrom    time.Time // inclusive
	DueBefore  time.Time
	From, To   time.Time // registered; From inclusive, To exclusive
	Overdue    bool      // with Now
	Now        time.Time
	Phone      string // exact, canonical; matched by its keyed hash
	IDs        []ticket.ID
	Public     bool // only tickets marked public
	// Provisional leaves only tickets whose deadline rests on a year without a published calendar.
	Provisional bool
	// HideConfidential leaves confidential tickets out: a cursor beside one would tell that it is there.
	HideConfidential bool
	HideHistoric     bool
	HideUnrated      bool // leaves out what is outside the public rates
	Queue            Queue
	Order            string // "registered" newest first (default), "due" soonest first, "callback" soonest first and only those owed one
	Cursor           string // opaque, from Page.Next
	Limit            int    // at most 1000; 0 means 50
}

// Queue is a list of open tickets that wait for somebody in particular.
type Queue string

// The queues.
const (
	QueueArbitration Queue = "arbitration" // 待裁定: the owner is disputed
	QueueApproval    Queue = "approval"    // 待审批: a pause, an extension or an end was asked for
	QueueOrders      Queue = "orders"      // 督办待回复: a supervise order waits for its answer
)

// Queues lists every queue.
var Queues = []Queue{QueueArbitration, QueueApproval, QueueOrders}

// Page is one page of a list.
type Page struct {
	Items []Item
	Next  string // empty on the last page
}

// Item is a ticket with what the lists show beside it.
type Item struct {
	ticket.Ticket
	Due         time.Time
	Provisional bool
	Callback    time.Time // when the citizen is to be called next; zero when nobody is
}

// Report is of a ticket what it is compared by with others.
type Report struct {
	Ticket       ticket.ID
	State        ticket.State
	Channel      string
	Category     string
	Region       string
	Unit         string // answerable now
	Incident     ticket.ID
	RegisteredAt time.Time
	Title, Text  string
	Place        ticket.Place
	Phone        string // of the appellant
	ChannelID    string
}

// ReportOf is the report of a ticket that has been read whole.
func ReportOf(t *ticket.Ticket) Report {
	p := &t.Private
	return Report{
		Ticket: t.ID, State: t.State, Channel: t.Channel, Category: t.Category, Region: t.Region, Unit: t.LeadUnit(), Incident: t.Incident,
		RegisteredAt: t.RegisteredAt, Title: p.Title, Text: p.Text, Place: p.Place, Phone: p.Appellant.Phone, ChannelID: p.Appellant.ChannelID,
	}
}

// Timer is one due look of the tracker.
type Timer struct {
	Ticket ticket.ID
	At     time.Time
}

// Reader reads tickets and what belongs to them. All of it sees committed data only.
// A thing that is not there is ticket.NotFound.
type Reader interface {
	Ticket(ctx context.Context, id ticket.ID) (Item, error)
	TicketByNumber(ctx context.Context, number string) (Item, error)
	Tickets(ctx context.Context, f Filter) (Page, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)

	Request(ctx context.Context, channel, key string) (Request, error)
	Delivery(ctx context.Context, id ticket.ID) (Delivery, error)
	Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, string, error) // without Raw; newest first; next cursor
	TicketDelivery(ctx context.Context, id ticket.ID) (Delivery, error)           // the delivery that made the ticket

	// Recognise begins the recognition of a request. What it reads stands until release is called,
	// as far as the sender goes: whoever else recognises one of theirs, at any replica, waits until
	// then. Callers in one process take their own turns; release comes after the commit.
	Recognise(ctx context.Context, r Recognition) (known Recognised, release func(), err error)
	// Sender lists the open tickets of a sender, newest first, at most limit.
	Sender(ctx context.Context, s Sender, limit int) ([]ticket.Ticket, error)
	// Thread and Fold find the newest open ticket of a conversation or of a folding alarm.
	Thread(ctx context.Context, channel, key string) (ticket.Ticket, error)
	Fold(ctx context.Context, channel, key string) (ticket.Ticket, error)

	Call(ctx context.Context, channel, callID string) (Call, error)
	Calls(ctx context.Context, f CallFilter) ([]Call, string, error)
	// Alerts are listed newest first; those to look at, the longest due first.
	Alerts(ctx context.Context, f AlertFilter) ([]Alert, error)
	AccessLog(ctx context.Context, id ticket.ID, limit int) ([]Access, error)
	Cursor(ctx context.Context, channel string) (string, error)
	// Feed lists events in commit order after a position, for the text index, live views and
	// notices that must not miss one. Positions grow, with gaps. An event is listed only when none can
	// come before it any more, so it may be seen in its ticket a little earlier.
	Feed(ctx context.Context, after int64, limit int) ([]FeedItem, error)
	// FeedRegistered lists only the events that registered a ticket, and of them only position and ticket.
	FeedRegistered(ctx context.Context, after int64, limit int) ([]FeedItem, error)
	// Registrations lists the first events of tickets registered from a time on, oldest first, a page at a
	// time; next continues.
	Registrations(ctx context.Context, from time.Time, cursor string, limit int) (events []ticket.Event, next string, err error)
	// Reports reads of tickets what their reports are compared by, oldest first; those that are historic,
	// confidential or a machine's, and those registered before from, are left out.
	Reports(ctx context.Context, ids []ticket.ID, from time.Time) ([]Report, error)
	// FeedEnd is the position of the last event that Feed lists, 0 when there is none.
	FeedEnd(ctx context.Context) (int64, error)
	// Counts are the figures of the operator's page.
	Counts(ctx context.Context, now time.Time) (Counts, error)
}

// Sender is who sent a request, as far as can be matched: by phone or by id within the channel.
type Sender struct {
	Phone     string // canonical
	Channel   string
	ChannelID string
	Ended     bool // tickets that have ended, too
}

// Recognition asks what is known before a request is taken.
type Recognition struct {
	Turn         string // requests with the same one are recognised one after the other
	Channel, Key string // of the request
	Sender       Sender // may be nobody
	Limit        int    // of the sender's tickets
}

// Recognised is what is known before a request is taken.
type Recognised struct {
	Request *Request        // the same request, taken before; nil when it is new
	Own     []ticket.Ticket // the sender's open tickets, as Reader.Sender lists them
}

// DeliveryFilter narrows a list of deliveries.
type DeliveryFilter struct {
	States   []DeliveryState
	Channel  string
	From, To time.Time
	Cursor   string
	Limit    int
}

// CallFilter narrows a list of calls.
type CallFilter struct {
	CallBackDue bool
	Ticket      ticket.ID
	Cursor      string
	Limit       int
}

// FeedItem is one event in commit order.
type FeedItem struct {
	Position int64
	Ticket   ticket.ID
	Event    ticket.Event
}

// Counts are totals for the operator.
type Counts struct {
	Tickets        int64 `json:"tickets"`
	Open           int64 `json:"open"`
	Triage         int64 `json:"triage"`
	Disputed       int64 `json:"disputed"`  // wait for a ruling
	Approvals      int64 `json:"approvals"` // wait for an approval
	Callbacks      int64 `json:"callbacks"` // are owed a callback
	Overdue        int64 `json:"overdue"`
	OverdueUnrated int64 `json:"overdue_unrated"` // of them, outside the public rates
	Quarantined    int64 `json:"quarantined"`     // deliveries waiting
	NoticesPending int64 `json:"notices_pending"`
	NoticesDead    int64 `json:"notices_dead"`
	AlertsOpen     int64 `json:"alerts_open"`
	CallsDue       int64 `json:"calls_due"`
}
