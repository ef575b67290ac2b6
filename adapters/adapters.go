// Package adapters is the contract between the gateway and its channels: what a delivery is,
// what a channel must be able to do, and how a channel declares itself.
//
// It is not a channel: each lives in its own folder below and imports this package, ticket and
// internal/{signature,text,geo} only.
//
// The life of an adapter:
//
//  1. The pack names it; [Registry.Lookup] finds its [Spec].
//  2. Spec.New decodes the settings strictly and builds the adapter. No I/O happens here, save
//     reading secrets through [Deps]. A bad setting fails the start, with its file and line.
//  3. Per delivery: Open (if the channel is an [Opener]), Handshake (if a [Handshaker]), Normalize,
//     and after the commit Acknowledge (if an [Acknowledger]).
//
// Open, Handshake, Normalize and Acknowledge are pure: same input, same result; no network, no
// store, no wall clock. That is why a kept delivery can be driven again.
package adapters

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Inbound is a private copy of one delivery: an HTTP request, an MQTT message, a mail, a row.
type Inbound struct {
	Channel    string
	Method     string
	Path       string // below /channels/{channel}, with its leading slash; "/" when nothing follows
	URL        string // as the sender saw it, from the public URL of the settings; some signatures cover it
	Query      url.Values
	Header     http.Header
	Body       []byte
	RemoteIP   netip.Addr
	ReceivedAt time.Time // UTC
	Media      []Upload  // parts of a multipart body, already kept and hashed
}

// Upload is a file that came with the delivery and is already in the media store.
type Upload struct {
	Field string // form field
	ticket.MediaRef
}

// Reply is what goes back over HTTP.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Adapter is the one thing every channel must do. Pure: same Inbound, same requests.
// Errors: ticket.Invalid with the fields when a caller can correct itself; any other error
// means that the delivery cannot be read.
type Adapter interface {
	Normalize(in Inbound) ([]ticket.Request, error)
}

// Opener checks the signature and the replay window (against ReceivedAt) and decrypts.
// It returns ticket.Unauthenticated or ticket.Forbidden without detail.
type Opener interface {
	Open(in Inbound) (Inbound, error)
}

// Handshaker answers the requests that a platform makes of an endpoint itself: echostr,
// challenge, discovery. ok is false when in is an ordinary delivery. It runs after Open.
type Handshaker interface {
	Handshake(in Inbound) (r Reply, ok bool)
}

// Acknowledger renders what became of a delivery in the channel's own form. in is the delivery
// as it came (not opened). Without it the gateway answers JSON.
type Acknowledger interface {
	Acknowledge(in Inbound, out Outcome) Reply
}

// Querier answers reads of the channel's own protocol (for example Open311 GET). ok is false
// when in is not such a read. It runs after Open and Handshake.
type Querier interface {
	Query(ctx context.Context, in Inbound, desk PublicDesk) (r Reply, ok bool)
}

// Poller fetches deliveries; the cursor is saved in the commit of the batch's items.
type Poller interface {
	Poll(ctx context.Context, cursor string) (Batch, error)
}

// Batch is what one poll brought.
type Batch struct {
	Items []Inbound
	Next  string
	More  bool
}

// Streamer holds a connection and hands deliveries to sink; the transport's own acknowledgement
// follows sink.Commit.
type Streamer interface {
	Run(ctx context.Context, sink Sink) error
}

// Sink takes deliveries durably.
type Sink interface {
	Commit(ctx context.Context, in ...Inbound) ([]Outcome, error)
}

// Bulk reads the rows of a file.
type Bulk interface {
	Rows(ctx context.Context, r io.ReaderAt, size int64) (iter.Seq2[Inbound, error], error)
}

// MediaFetcher fetches an attachment that the platform holds.
type MediaFetcher interface {
	Fetch(ctx context.Context, ref ticket.MediaRef) (io.ReadCloser, error)
}

// Replier tells the citizen something on the channel the request came by.
type Replier interface {
	Reply(ctx context.Context, to ticket.ReplyHandle, m ticket.Message) (Receipt, error)
}

// SelfTester runs the examples that stand beside a channel's settings; the check of the pack calls
// it. Pure. The error names every example that fails and how it differs.
type SelfTester interface {
	SelfTest() error
}

// Receipt is the platform's word that it took a reply.
type Receipt struct {
	ID string
}

// Result is what became of a delivery.
type Result string

// The results a channel may have to render.
const (
	Accepted    Result = "accepted"    // a ticket was made or joined
	Repeated    Result = "duplicate"   // the same request again: the stored outcome
	Conflicting Result = "conflict"    // same key, other content: kept, nothing changed
	Ignored     Result = "ignored"     // nothing for us in it; kept
	Rejected    Result = "rejected"    // the caller can correct it: Errors says how
	Quarantined Result = "quarantined" // signed but unreadable: kept, an agent will look
	Unavailable Result = "unavailable" // not on disk: the sender must try again
	Refused     Result = "refused"     // not authenticated or not allowed
)

// Outcome is what became of a delivery, in terms every channel can render. Stored with the
// request, so that a retry gets the same answer.
type Outcome struct {
	Result     Result         `json:"result"`
	Delivery   string         `json:"delivery,omitempty"` // receipt number of the delivery
	Tickets    []TicketRef    `json:"tickets,omitempty"`  // one per request that has a ticket
	Text       string         `json:"text,omitempty"`     // what to tell the citizen, in the city's words
	Code       string         `json:"code,omitempty"`     // stable error code
	Errors     []ticket.Field `json:"errors,omitempty"`
	RetryAfter time.Duration  `json:"retry_after,omitempty"`
	At         time.Time      `json:"at,omitzero"` // when it was decided; signs and dates of replies use it
	Nonce      string         `json:"-"`           // fresh randomness for replies that must be signed or encrypted
}

// TicketRef is what a citizen may know of the ticket made.
type TicketRef struct {
	Number    string `json:"number"`
	Code      string `json:"code,omitempty"` // opens the public track
	Unit      string `json:"unit,omitempty"` // title of the owner
	Joined    bool   `json:"joined,omitempty"`
	Emergency bool   `json:"emergency,omitempty"`
}

// PublicDesk is what a channel may read of tickets: only what is public (design §8).
type PublicDesk interface {
	// PublicTicket returns ticket.NotFound when there is none or it is not public.
	PublicTicket(ctx context.Context, number string) (PublicTicket, error)
	PublicTickets(ctx context.Context, f PublicFilter) ([]PublicTicket, error)
	// ByReceipt resolves the receipt number of a delivery to a ticket number, "" while unknown.
	ByReceipt(ctx context.Context, receipt string) (number string, err error)
	// Services are the leaves of the category tree that citizens may choose.
	Services() []Service
}

// PublicFilter narrows PublicTickets. Zero times and empty lists mean no limit.
type PublicFilter struct {
	Numbers    []string
	Categories []string
	From, To   time.Time // registered, From inclusive, To exclusive
	Open       *bool
	Limit      int // at most 1000
	Page       int // from 1
}

// PublicTicket is a ticket as the public may see it.
type PublicTicket struct {
	Number      string
	Open        bool
	StateTitle  string // 办理中 …
	Category    string
	Service     string // title of the category
	Summary     string // public summary, never the citizen's own words
	Unit        string // title of the unit
	Registered  time.Time
	Updated     time.Time
	Expected    time.Time // zero when none
	Lng, Lat    float64   // WGS-84, rounded; zero when none
	Region      string    // title
	PublicReply string
}

// Service is a category a citizen may choose.
type Service struct {
	Code        string
	Name        string
	Group       string
	Description string
	Keywords    []string
	Attributes  []Attribute
}

// Attribute is a further question of a service.
type Attribute struct {
	Code        string
	Description string
	Hint        string
	Datatype    string // string number datetime text singlevaluelist multivaluelist
	Required    bool
	Values      []Value
}

// Value is one choice of a list attribute.
type Value struct{ Key, Name string }

// FieldType is the type of a setting.
type FieldType string

// The types of settings; the console draws its form from them.
const (
	TypeString   FieldType = "string"
	TypeSecret   FieldType = "secret" // a reference: env:NAME or file:PATH, never the secret itself
	TypeBool     FieldType = "bool"
	TypeInt      FieldType = "int"
	TypeDuration FieldType = "duration"
	TypeList     FieldType = "list"
	TypeObject   FieldType = "object"
)

// Field declares one setting.
type Field struct {
	Name     string
	Title    string // Chinese, for the form
	Type     FieldType
	Required bool
	Default  string
	Help     string
}

// Spec is one declaration from which the config check, the console form, the docs and the
// registry follow.
type Spec struct {
	Name   string // config key, metric label, stored value; never reused
	Title  string // 微信公众号 …
	Doc    string // one paragraph: what it is for, where the format is described
	Fields []Field
	// MaxBody is the largest body in bytes the channel may send; 0 means 1 MiB.
	MaxBody int64
	// MaxText is how much of MaxBody may be other than files, in bytes; 0 means all of it. What comes in
	// is kept even when it is refused, so a channel that is open to everybody takes no more than it needs.
	MaxText int64
	// Deadline is how long the platform waits for an acknowledgement; 0 means 15 s.
	Deadline time.Duration
	// Multipart says that file parts are to be kept and handed over as Inbound.Media.
	Multipart bool
	// OwnsKeys says that the sender chooses the key, so that the same key with other content is
	// its mistake and is refused as a conflict; platforms get their success answer instead.
	OwnsKeys bool
	New      func(Settings, Deps) (Adapter, error)
}

// Settings is the channel's own part of the pack.
type Settings interface {
	// Decode is strict: an unknown key is an error with its file and line.
	Decode(into any) error
}

// SecretRef names a secret without holding it: env:NAME or file:PATH (relative to the data folder).
type SecretRef string

// Channel is what the pack says of a channel besides its settings.
type Channel struct {
	ID           string
	Title        string
	Source       ticket.SourceClass
	Datum        ticket.Datum // of coordinates that do not name theirs
	Region       string       // of every request, when the channel belongs to one place
	Kind         ticket.Kind
	Line         string // hotline number, for merged lines
	Zone         *time.Location
	NumberPrefix string // letters of the city's public numbers, to recognise a quoted one
}

// Deps is what the gateway lends an adapter.
type Deps struct {
	Channel Channel
	HTTP    *http.Client // bounded; refuses private and link-local addresses unless the pack allows the host
	Secret  func(SecretRef) (string, error)
	Log     *slog.Logger
	Now     func() time.Time // for Poller, Streamer, Replier and MediaFetcher only
}
