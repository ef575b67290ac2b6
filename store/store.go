// Package store says what the gateway keeps and how it is written: one kind of write, Commit of
// Change values, and readers. It holds no SQL: engines live below (store/sqlite), and
// store/storetest is the suite every engine passes.
//
// A Change is a value decided by pure code: what version it expects, the next row, the events,
// the timer, the notices. Read → decide → Commit; on ticket.Conflict read again. An
// acknowledged Change is on disk.
package store

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Lane keeps floods of machines from delaying citizens: within a batch citizens go first.
type Lane int

// The two lanes of the writer.
const (
	Citizens Lane = iota
	Machines
)

// Writer is the one way to change what is kept about deliveries, calls and tickets.
type Writer interface {
	// Commit makes each change whole or not at all and returns one error per change, nil when
	// the change is durable. Changes that wait together share one transaction.
	//
	// Errors: ticket.Duplicate when a request key or notice key is already there;
	// ticket.Conflict when a ticket's version is not the expected one (read again);
	// ticket.Unavailable when the queue is full or the disk failed: nothing was kept.
	// A cancelled ctx stops the waiting (its error is returned), never the write.
	Commit(ctx context.Context, changes ...Change) []error
}

// Change is one atomic unit of writing. Parts left empty change nothing.
type Change struct {
	Lane     Lane
	Sender   string // changes of one sender never share a batch; empty: no such rule
	Delivery *Delivery
	Requests []Request
	Tickets  []TicketChange
	Outbox   []Notice
	Calls    []Call
	Alerts   []Alert
	// AlertChanges are next states of alerts that are kept; ticket.Conflict when one has changed since it was read.
	AlertChanges []AlertChange
	Access       []Access
	Cursor       *Cursor
}

// DeliveryState is what became of a delivery as a whole.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryTaken       DeliveryState = "taken"       // requests were made of it
	DeliveryIgnored     DeliveryState = "ignored"     // nothing for us in it
	DeliveryConflict    DeliveryState = "conflict"    // same key, other content
	DeliveryRejected    DeliveryState = "rejected"    // the caller was told what to correct
	DeliveryQuarantined DeliveryState = "quarantined" // unreadable; a stub ticket stands for it
	DeliveryRedriven    DeliveryState = "redriven"    // was quarantined, has been read since
)

// Delivery is the raw bytes one channel handed over, kept sealed as they came (来件).
type Delivery struct {
	ID         ticket.ID
	Channel    string
	ReceivedAt time.Time
	State      DeliveryState
	Code       string // error code of quarantine or rejection
	Raw        []byte // serialised adapters.Inbound; sealed at rest
	Replace    bool   // a re-drive: State and Code of the existing row change, Raw stays
}

// Request is what intake remembers of one request, so that the same one again gets the same answer.
type Request struct {
	Channel  string
	Key      string
	Hash     ticket.Hash // of the opened, normalised request
	Delivery ticket.ID
	Ticket   ticket.ID // zero when it made or joined none
	Outcome  []byte    // serialised adapters.Outcome; sealed at rest
	At       time.Time
}

// TicketChange is the next state of one ticket and the events that lead to it.
type TicketChange struct {
	Expect int64 // version before; 0 makes a new ticket
	// Ticket may stand at Expect with no Events: then only the timer and the due time change.
	Ticket ticket.Ticket
	Events []ticket.Event
	// Look is when the tracker must look at the ticket again; zero means never.
	Look time.Time
	// Callback is when the citizen is to be called next; zero when nobody is.
	Callback time.Time
	// Due is the citizen's deadline, for lists; zero when there is none.
	Due         time.Time
	Provisional bool
	Unrated     bool // outside the public rates
}

// Notice is something to tell somebody, kept with the change that caused it and sent after (outbox).
type Notice struct {
	Key     string    // unique: the same notice is never written twice
	Ticket  ticket.ID // may be zero
	Kind    string    // unit, citizen, emergency, duty
	Target  string    // unit id, channel id, post id
	Body    []byte    // serialised message; sealed at rest
	Due     time.Time // not before
	Created time.Time
	Why     string // rule, step and route that caused it
	// Group is what the notice is paged with; empty: it goes by itself.
	Group string
	// Withheld marks a notice of a training ticket: it is kept for the record and never sent.
	Withheld bool
}

// NoticeState is where a notice stands.
type NoticeState string

// The states of a notice.
const (
	NoticePending   NoticeState = "pending"
	NoticeDelivered NoticeState = "delivered"
	NoticeDead      NoticeState = "dead" // gave up; listed, can be driven again
)

// StoredNotice is a notice with its life so far.
type StoredNotice struct {
	Notice
	ID       int64
	State    NoticeState
	Attempts int
	Next     time.Time
	Error    string // last failure, without personal data
	Done     time.Time
	Page     int64     // the page it is told in; 0: none
	Repeat   time.Time // when to look whether it still stands; zero: never
	Over     bool      // that its reason is over is what is told
	Silence  int64     // what held it back
}

// NoticeResult is what an attempt to deliver brought.
type NoticeResult struct {
	ID    int64
	State NoticeState // pending means: try again at Next
	Next  time.Time
	Error string
	At    time.Time
}

// Call is a call on one of the lines (来电): 0..n tickets belong to it.
type Call struct {
	ID         ticket.ID
	Channel    string
	CallID     string // the exchange's own id; unique per channel
	Version    int64  // 0 makes a new one; else the version read
	Line       string
	Agent      string
	State      string // ringing, answered, ended, missed
	RangAt     time.Time
	AnsweredAt time.Time
	EndedAt    time.Time
	Seconds    int
	CallBack   string // "", due, done: a missed call is owed a call back
	UpdatedAt  time.Time
	Private    CallPrivate // sealed at rest
	Tickets    []ticket.ID // filled by readers
}

// CallPrivate is the personal part of a call.
type CallPrivate struct {
	Caller     ticket.Party      `json:"caller,omitzero"`
	Recording  []ticket.MediaRef `json:"recording,omitempty"`
	Transcript string            `json:"transcript,omitempty"`
}

// Access is one line of the access log: who saw what personal or confidential data, and why.
type Access struct {
	At     time.Time
	Actor  ticket.Actor
	What   string // view, reveal, search, export, delivery
	Ticket ticket.ID
	Fields []string
	Reason string
}

// Cursor is how far a poller has read, saved with what it read.
type Cursor struct {
	Channel string
	Value   string
	At      time.Time
}

// Timers is what the tracker works from.
type Timers interface {
	// Due lists timers at or before now, oldest first, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Timer, error)
	// OldestDue is the oldest timer at or before now, zero when there is none.
	OldestDue(ctx context.Context, now time.Time) (time.Time, error)
	// Watch reads tickets with their histories, in no order; those that are not there are left out. A history may
	// have more events than the ticket's version: they were written after it was read.
	Watch(ctx context.Context, ids []ticket.ID) ([]Watched, error)
}

// Watched is a ticket with all that its clocks follow from.
type Watched struct {
	Item
	History []ticket.Event
}

// Outbox is what the delivery of notices works from.
type Outbox interface {
	// Claim leases up to limit pending notices due at or before now until now+lease, oldest first;
	// only those of the kinds named, when any are: emergencies must not wait behind the rest.
	Claim(ctx context.Context, now time.Time, lease time.Duration, limit int, kinds ...string) ([]StoredNotice, error)
	// Renew keeps notices leased until an instant, while attempts go on.
	Renew(ctx context.Context, ids []int64, until time.Time) error
	// Settle records what attempts brought.
	Settle(ctx context.Context, results []NoticeResult) error
	// Notices lists notices in a state, newest first; Body is left out.
	Notices(ctx context.Context, state NoticeState, cursor int64, limit int) ([]StoredNotice, error)
	// Redrive puts dead notices back to pending.
	Redrive(ctx context.Context, ids []int64, now time.Time) (int, error)
}

// Media remembers content-addressed attachments.
type Media interface {
	PutMedia(ctx context.Context, m ticket.MediaRef, at time.Time) error
	GetMedia(ctx context.Context, sha256 string) (ticket.MediaRef, error)
}

// Numbers hands out blocks of the day's sequence. Gaps are allowed, repeats are not.
type Numbers interface {
	// TakeNumbers reserves n numbers of a day (YYYY-MM-DD) and returns the first.
	TakeNumbers(ctx context.Context, day string, n int) (int, error)
}

// Packs keeps every published city pack by content hash, and which one is active.
type Packs interface {
	PublishPack(ctx context.Context, p Pack) error // activates it; publishing the same hash again re-activates it
	ActivePack(ctx context.Context) (Pack, error)  // ticket.NotFound before the first
	PackByHash(ctx context.Context, hash string) (Pack, error)
	PackHistory(ctx context.Context, limit int) ([]Pack, error) // activations, newest first; without Archive
	OpenUnits(ctx context.Context) ([]string, error)            // units that open tickets use
}

// Pack is one published city pack.
type Pack struct {
	Hash    string
	Author  string
	Note    string
	At      time.Time
	Archive []byte
}

// Shadows keep what a candidate pack would have decided beside the pack in force. There is one shadow at a
// time, or none.
type Shadows interface {
	// StartShadow keeps a pack without putting it in force, and makes it the shadow from the event at a
	// position on. The shadow that is the same pack goes on; another one ends, with its decisions.
	StartShadow(ctx context.Context, p Pack, after int64) (Shadow, error)
	Shadow(ctx context.Context) (Shadow, error) // ticket.NotFound when there is none
	EndShadow(ctx context.Context) error
	// PutShadowed keeps decisions, each ticket's once.
	PutShadowed(ctx context.Context, shadow int64, decisions []Shadowed) error
	Shadowed(ctx context.Context, shadow int64) (ShadowReport, error)
}

// Shadow is a candidate beside the pack in force.
type Shadow struct {
	ID       int64
	Hash     string
	Author   string
	At       time.Time
	Position int64 // of the last event before it began
}

// Shadowed is what a shadow would have decided for a ticket.
type Shadowed struct {
	Ticket ticket.ID
	Number string
	Was    string // the unit it went to; empty: the duty desk
	Would  string
	Rule   string // by which it would
}

// ShadowReport counts a shadow's decisions.
type ShadowReport struct {
	Decided, Moved int
	Flows          []ShadowFlow // of those that would move, the largest first
}

// ShadowFlow is how many tickets would go from one owner to another.
type ShadowFlow struct {
	Was, Would string
	Count      int
	Example    string // number of one of them
}

// Accounts keeps users, their sessions and machine tokens. Administrative: closures, not Changes.
type Accounts interface {
	User(ctx context.Context, login string) (User, error)
	Users(ctx context.Context) ([]User, error)
	// UpdateUser reads the user, lets change alter it and writes it in one transaction.
	// A login that does not exist yet is made when create is set.
	UpdateUser(ctx context.Context, login string, create bool, change func(*User) error) error

	PutSession(ctx context.Context, s Session) error
	Session(ctx context.Context, hash ticket.Hash) (Session, error)
	TouchSession(ctx context.Context, hash ticket.Hash, seen time.Time) error
	DropSessions(ctx context.Context, login string, hash ticket.Hash) error // all of a login, or the one
	// TrackFailures counts a wrong tracking code of a ticket number when failed is set, and tells how
	// the number stands: failures so far, and until when it is locked (zero when it is not). At
	// TrackLimit failures it is locked for TrackLock; failures older than that no longer count.
	TrackFailures(ctx context.Context, number string, now time.Time, failed bool) (count int, lockedUntil time.Time, err error)
}

// How wrong tracking codes lock a ticket number.
const (
	TrackLimit = 5
	TrackLock  = time.Hour
)

// User is an account: a person, or a machine that holds a token.
type User struct {
	Login       string
	Name        string
	Roles       []string
	Unit        string   // scope: this unit and those below it; empty: all
	Region      string   // scope: this region and below; empty: all
	Posts       []string // posts held
	Password    string   // argon2id in PHC form; empty for machines
	TokenHash   ticket.Hash
	MustChange  bool
	Disabled    bool
	Failures    int
	LockedUntil time.Time
	CreatedAt   time.Time
	Attributes  map[string]string
}

// Session is a logged-in browser or a token in use.
type Session struct {
	Hash    ticket.Hash // of the secret the client holds
	Login   string
	Created time.Time
	Seen    time.Time
	Ends    time.Time
}

// The classes of data that end by their own age, as a city pack names them. A ticket's own are
// [ticket.DataTicket] and [ticket.DataEvent].
const (
	DataRaw       = "raw"        // deliveries as they came, the answers to them, the bodies of notices
	DataRecording = "recording"  // calls: who rang, and where the recording is
	DataAccessLog = "access_log" // who saw whose data
	DataMedia     = "media"      // attachments; they are in a folder, the store only knows which are needed
)

// Retention ends what has been kept long enough.
type Retention interface {
	// Sweep ends what a class of data has from before a time, and says how much that was. What belongs
	// to held tickets, and what waits for somebody, stays. With dry it only counts.
	Sweep(ctx context.Context, class string, before time.Time, dry bool) (int64, error)
	// Kept calls each for every ticket that was registered before a time and is no longer open, or merged,
	// as long as something personal of it is left. The ticket's expire event ends that.
	Kept(ctx context.Context, before time.Time, each func(Kept) error) error
	// Attachments calls each with what is attached to the tickets that are open or merged, have ended since a
	// time, or are held.
	Attachments(ctx context.Context, since time.Time, each func(Attached) error) error
	// DropMedia forgets an attachment that was last kept before a time.
	DropMedia(ctx context.Context, sha256 string, before time.Time) error
}

// Attached are the attachments of a ticket, by the hashes of their content.
type Attached struct {
	Kept   // without Left
	SHA256 []string
}

// Kept is a ticket that is no longer open.
type Kept struct {
	ID    ticket.ID
	Lead  ticket.ID // the ticket it was merged into, whose end is its own; zero when it was not
	Ended time.Time // when its work ended; zero for a merged one
	Left  []string  // which of ticket.DataTicket and ticket.DataEvent
	Held  bool
}

// Store is everything an engine offers.
type Store interface {
	Writer
	Reader
	Timers
	Outbox
	Pages
	Media
	Numbers
	Packs
	Accounts
	Retention
	Shadows
	Duty
	// UserByToken finds the machine account of a token hash.
	UserByToken(ctx context.Context, hash ticket.Hash) (User, error)
	// Walk calls each for every ticket id in order of registration, in pages, for verify and export.
	Walk(ctx context.Context, after ticket.ID, each func(ticket.ID) error) error
	// Healthy returns an error when the store cannot take writes now.
	Healthy(ctx context.Context) error
	Close() error
}
