package store

import (
	"context"
	"time"
)

// Further states of a notice, of those that are paged and of those that never leave.
const (
	NoticeWaiting  NoticeState = "waiting"  // for a page of its group
	NoticeDropped  NoticeState = "dropped"  // its reason was over before anybody was told
	NoticeSilenced NoticeState = "silenced" // a silence held it back
	NoticeWithheld NoticeState = "withheld" // of a training ticket: recorded, never sent
)

// NoticeStates lists the states of notices in the order of their life.
var NoticeStates = []NoticeState{
	NoticePending, NoticeWaiting, NoticeDelivered, NoticeDead, NoticeDropped, NoticeSilenced, NoticeWithheld,
}

// NoticePage is one message to a destination: what of a group is told at once. It is the outer half of a notice's
// life: notices are written with the step that causes them, pages are made of those whose time has come.
type NoticePage struct {
	ID       int64
	Group    string
	Seq      int64 // within the group
	Target   string
	Kind     string
	State    NoticeState
	Count    int // notices in it
	Attempts int
	Next     time.Time
	Created  time.Time
	Done     time.Time
	Error    string
}

// Group is where the pages of a group stand. Its first waiting notice is due.
type Group struct {
	Key   string
	Last  int64     // number of its last page; 0: it had none
	Open  bool      // the last page has not been sent yet
	Again time.Time // before then there is no further page
}

// NewPage takes the notices that wait in a group into its next page.
type NewPage struct {
	Group, Target, Kind string
	Seq                 int64 // the last page's and one; whoever comes second with it makes none
	Through             int64 // notices with larger ids wait for the page after
	At                  time.Time
	Left                []LeftOut // notices that are not told
}

// LeftOut is a notice that a page leaves out, and how it stands then.
type LeftOut struct {
	ID      int64
	State   NoticeState // dropped, silenced, delivered (told before)
	Silence int64
	Until   time.Time // of the silence: when to look whether the reason still stands
	Error   string
}

// PageResult is what an attempt to send a page brought.
type PageResult struct {
	ID        int64
	State     NoticeState // pending means: try again at Next
	Next      time.Time
	Uncounted bool // the destination was not asked: the attempt does not count
	Error     string
	At        time.Time
	Again     time.Time // before then the group has no further page
	Repeat    time.Time // when to look whether its notices still stand; zero: never
}

// Standing is what a look at a notice that was told brought.
type Standing struct {
	ID   int64
	Was  time.Time // StoredNotice.Repeat as read: who comes second changes nothing
	Tell bool      // it waits for a page again
	Over bool      // and what is told is that its reason is over
	Due  time.Time // not before
}

// Undelivered is what waits past its time for one target.
type Undelivered struct {
	Kind, Target string
	Count        int64
	Oldest       time.Time // since when the oldest could have been sent
}

// Silence holds pages back (静默): who asked, why, until when, and of what.
type Silence struct {
	ID          int64
	Author      string
	Reason      string
	Unit        string // this and those below it; empty: every one
	Level       string // this and milder ones; empty: every one
	Destination string
	Clock       string
	Created     time.Time
	Until       time.Time
	EndedBy     string // who ended it before its time
	EndedAt     time.Time
	Held        int // notices it held back; filled by readers
}

// Ends is when the silence ends, or ended.
func (s *Silence) Ends() time.Time {
	if !s.EndedAt.IsZero() && s.EndedAt.Before(s.Until) {
		return s.EndedAt
	}
	return s.Until
}

// Pages is what the paging of destinations works from.
type Pages interface {
	// NextGroup finds the group whose notice has been due the longest at now; ok is false when none is.
	NextGroup(ctx context.Context, kind string, now time.Time) (g Group, ok bool, err error)
	// Waiting lists the notices that wait in a group, oldest first.
	Waiting(ctx context.Context, group string, limit int) ([]StoredNotice, error)
	// HoldGroup lets a group wait until a time.
	HoldGroup(ctx context.Context, group string, until time.Time) error
	// FormPage makes the next page of a group. It reports false when another gateway was first.
	FormPage(ctx context.Context, p NewPage) (bool, error)
	// ClaimPages leases pages of a kind as Claim does notices; RenewPages keeps them.
	ClaimPages(ctx context.Context, kind string, now time.Time, lease time.Duration, limit int) ([]NoticePage, error)
	RenewPages(ctx context.Context, ids []int64, until time.Time) error
	// PageNotices lists what is in a page, and how many of its group were told before and still stand.
	PageNotices(ctx context.Context, p NoticePage, limit int) (list []StoredNotice, standing int, err error)
	// SettlePage records what an attempt brought, of the page and of all its notices at once.
	SettlePage(ctx context.Context, r PageResult) error
	// Repeats lists notices that were told and must be looked at again; SettleStanding records the looks.
	Repeats(ctx context.Context, now time.Time, limit int) ([]StoredNotice, error)
	SettleStanding(ctx context.Context, list []Standing) error
	// PageList lists pages in a state, newest first, before the one with id cursor (0: from the newest).
	PageList(ctx context.Context, state NoticeState, cursor int64, limit int) ([]NoticePage, error)

	// TakeTurn takes one of perMinute messages a minute that a destination may get, over all gateways of the
	// city, and says when there is one when there is none now. With force it is taken all the same.
	TakeTurn(ctx context.Context, destination string, perMinute int, now time.Time, force bool) (at time.Time, ok bool, err error)
	// Undelivered counts what could have been sent by now and was not.
	Undelivered(ctx context.Context, now time.Time) ([]Undelivered, error)
	// AlertAcked reports whether the alert with a key, or one whose key goes on after a slash, was acknowledged:
	// one step raises an alert for each post.
	AlertAcked(ctx context.Context, key string) (bool, error)

	AddSilence(ctx context.Context, s Silence) (int64, error)
	// EndSilence ends a silence before its time; what it held back is looked at again. One that has ended is a
	// ticket.Conflict, an unknown one ticket.NotFound.
	EndSilence(ctx context.Context, id int64, by string, at time.Time) error
	// Silences lists silences, newest first; only those in force at now when it is not zero.
	Silences(ctx context.Context, now time.Time, limit int) ([]Silence, error)
	// Silenced lists what a silence held back, newest first; of all silences when id is 0.
	Silenced(ctx context.Context, id, cursor int64, limit int) ([]StoredNotice, error)
}
