package ticket

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// ActorKind says who acted.
type ActorKind string

// The kinds of actors.
const (
	ActorCitizen ActorKind = "citizen"
	ActorUser    ActorKind = "user"    // a person logged in
	ActorUnit    ActorKind = "unit"    // a unit's system by token
	ActorChannel ActorKind = "channel" // an adapter, on nobody's order
	ActorTracker ActorKind = "tracker"
	ActorSystem  ActorKind = "system"
)

// Actor is who did it. It names accounts and posts, never citizens.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id,omitempty"` // user id, channel name, unit id
	Post string    `json:"post,omitempty"`
	Unit string    `json:"unit,omitempty"`
}

// Cause is why it happened.
type Cause struct {
	Pack   string `json:"pack,omitempty"`   // content hash of the city pack in force
	Rule   string `json:"rule,omitempty"`   // rule, policy or ladder step
	Reason string `json:"reason,omitempty"` // reason code of the pack
	Basis  string `json:"basis,omitempty"`  // legal basis, as a citation
}

// Details is what an event says besides its personal part. Each action uses the fields it
// needs; the rest stay absent. Before holds the replaced values of an amendment.
type Details struct {
	Registration *Registration `json:"registration,omitempty"`
	Assignment   int           `json:"assignment,omitempty"`
	Unit         string        `json:"unit,omitempty"`
	Units        []string      `json:"units,omitempty"` // assisting units of a dispatch
	Forced       bool          `json:"forced,omitempty"`
	Other        ID            `json:"other,omitzero"` // the other ticket of merge, split, link, join
	Relation     string        `json:"relation,omitempty"`
	Decision     *Decision     `json:"decision,omitempty"`
	LastResort   bool          `json:"last_resort,omitempty"` // arbitrate: the district of the place takes what nobody else does
	Alone        bool          `json:"alone,omitempty"`       // resolve: the lead finishes without the assisting units still at work

	Amount    int       `json:"amount,omitempty"` // of an extension, in LimitUnit
	LimitUnit string    `json:"limit_unit,omitempty"`
	Until     time.Time `json:"until,omitzero"` // end of a pause, appointed time of a callback, day by which a supervise order is answered

	Clock    string    `json:"clock,omitempty"` // of a ladder step or a recalendared deadline
	Step     string    `json:"step,omitempty"`
	Level    string    `json:"level,omitempty"`
	Due      time.Time `json:"due,omitzero"`
	Calendar string    `json:"calendar,omitempty"`
	Imported bool      `json:"imported,omitempty"` // a step that lay before the import: recorded, nobody told

	Reached      *bool        `json:"reached,omitempty"` // callback: the citizen was reached
	Solved       *bool        `json:"solved,omitempty"`
	Satisfaction Satisfaction `json:"satisfaction,omitempty"`
	Outcome      string       `json:"outcome,omitempty"` // of an attempt to call back, or of a closing without one

	Order string `json:"order,omitempty"` // number of an urge (催办单) or supervise order (督办单), and the one a reply answers

	Type          RequestType `json:"type,omitempty"`
	Urgency       Urgency     `json:"urgency,omitempty"`
	Category      string      `json:"category,omitempty"`
	Region        string      `json:"region,omitempty"`
	Confidential  *bool       `json:"confidential,omitempty"`
	Public        *bool       `json:"public,omitempty"`
	PublicSummary string      `json:"public_summary,omitempty"`
	ForeignNumber string      `json:"foreign_number,omitempty"`
	Tags          []string    `json:"tags,omitempty"`
	Fields        []string    `json:"fields,omitempty"`  // reveal: which personal fields were shown; expire: which classes of data ended
	Channel       string      `json:"channel,omitempty"` // supplement, urge: the channel it came by

	Before map[string]string `json:"before,omitempty"`
}

// Registration is what the first event of a ticket fixes.
type Registration struct {
	Number        string            `json:"number"`
	Channel       string            `json:"channel"`
	Key           string            `json:"key"`
	ThreadKey     string            `json:"thread_key,omitempty"`
	FoldKey       string            `json:"fold_key,omitempty"`
	Kind          Kind              `json:"kind"`
	Source        SourceClass       `json:"source"`
	Type          RequestType       `json:"type"`
	Urgency       Urgency           `json:"urgency"`
	Category      string            `json:"category,omitempty"`
	Region        string            `json:"region,omitempty"`
	Tags          []string          `json:"tags,omitempty"`
	Policy        string            `json:"policy,omitempty"`
	Confidential  bool              `json:"confidential,omitempty"`
	Public        bool              `json:"public,omitempty"`
	Historic      bool              `json:"historic,omitempty"`
	Training      bool              `json:"training,omitempty"`
	NoCallback    bool              `json:"no_callback,omitempty"`
	Quarantined   bool              `json:"quarantined,omitempty"`
	CallID        string            `json:"call_id,omitempty"`
	ForeignNumber string            `json:"foreign_number,omitempty"`
	PublicSummary string            `json:"public_summary,omitempty"`
	HappenedAt    time.Time         `json:"happened_at,omitzero"`
	ReceivedAt    time.Time         `json:"received_at"`
	Facts         map[string]string `json:"facts,omitempty"`
}

// Event is one change of a ticket: who, what, when, why. Events of a ticket are linked by
// hash; the personal part enters the hash only as a salted digest, so that destroying a
// person's data leaves the chain whole.
type Event struct {
	Ticket  ID        `json:"ticket"`
	Seq     int64     `json:"seq"` // 1, 2, … without gaps
	At      time.Time `json:"at"`  // UTC, whole milliseconds
	Action  Action    `json:"action"`
	Actor   Actor     `json:"actor"`
	Cause   Cause     `json:"cause,omitzero"`
	Details Details   `json:"details,omitzero"`
	Digest  Hash      `json:"digest,omitzero"` // of salt and personal part; zero when there is none

	Private *Private `json:"-"` // sealed at rest; nil when there is none or it was destroyed
	Salt    []byte   `json:"-"` // sealed with it
	Prev    Hash     `json:"-"` // hash of the event before, zero for the first
	Hash    Hash     `json:"-"`
}

// Hash is a SHA-256 value, hex in JSON.
type Hash [sha256.Size]byte

// IsZero reports whether no hash was set.
func (h Hash) IsZero() bool { return h == Hash{} }

// String is the hex form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText makes a Hash a string in JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("ticket: a hash has %d hex digits, got %d", hex.EncodedLen(len(h)), len(b))
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return fmt.Errorf("ticket: hash: %w", err)
	}
	return nil
}

// Canonical is the byte form of the event that is hashed and stored: JSON with the fields in
// the order of the type. It holds no personal data.
func (e *Event) Canonical() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("ticket: canonical form of event %d: %w", e.Seq, err)
	}
	return b, nil
}

// saltSize is the length of the random salt of a personal digest.
const saltSize = 16

// seal gives the event its digest and its place in the chain behind prev.
func (e *Event) seal(prev Hash, random io.Reader) error {
	e.Prev = prev
	if e.Private != nil {
		e.Salt = make([]byte, saltSize)
		if _, err := io.ReadFull(random, e.Salt); err != nil {
			return fmt.Errorf("ticket: salt of event %d: %w", e.Seq, err)
		}
		digest, err := digestPrivate(e.Salt, e.Private)
		if err != nil {
			return err
		}
		e.Digest = digest
	}
	canonical, err := e.Canonical()
	if err != nil {
		return err
	}
	e.Hash = Chain(prev, canonical)
	return nil
}

func digestPrivate(salt []byte, p *Private) (Hash, error) {
	doc, err := json.Marshal(p)
	if err != nil {
		return Hash{}, fmt.Errorf("ticket: personal part: %w", err)
	}
	return sha256.Sum256(append(bytes.Clone(salt), doc...)), nil
}

// Chain is the hash of an event's canonical bytes behind the event with hash prev.
func Chain(prev Hash, canonical []byte) Hash {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(canonical)
	var sum Hash
	h.Sum(sum[:0])
	return sum
}

// VerifyChain checks a ticket's events in order: sequence, links, hashes and the digests of the
// personal parts still present. The error names the first event that does not hold.
func VerifyChain(events []Event) error {
	var prev Hash
	for i := range events {
		e := &events[i]
		if e.Seq != int64(i+1) {
			return fmt.Errorf("ticket: %s: event %d is missing (found %d)", e.Ticket, i+1, e.Seq)
		}
		canonical, err := e.Canonical()
		if err != nil {
			return err
		}
		if e.Prev != prev || Chain(prev, canonical) != e.Hash {
			return fmt.Errorf("ticket: %s: the chain breaks at event %d (%s)", e.Ticket, e.Seq, e.Action)
		}
		if e.Private != nil {
			digest, err := digestPrivate(e.Salt, e.Private)
			if err != nil {
				return err
			}
			if digest != e.Digest {
				return fmt.Errorf("ticket: %s: the personal part of event %d (%s) was changed", e.Ticket, e.Seq, e.Action)
			}
		}
		prev = e.Hash
	}
	return nil
}
