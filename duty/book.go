package duty

import (
	"cmp"
	"slices"
	"time"
)

// Override is what people arranged for a post on top of its rotation. Times are whole minutes.
type Override struct {
	ID       string
	Post     string
	From, To time.Time // From inclusive, To exclusive
	Who      string    // empty with KindAbsent alone
	Kind     Kind
}

// Kind says what an override is.
type Kind string

// The kinds of overrides.
const (
	KindCover  Kind = "override" // somebody stands in (替班)
	KindSwap   Kind = "swap"     // one half of two people exchanging shifts (换班)
	KindAbsent Kind = "absent"   // nobody comes (缺岗)
)

// Book is a roster with the overrides of a time: who really holds which post. It does not change and
// is safe for concurrent use.
type Book struct {
	*Roster
	overrides map[string][]Override // by post, by From
	last      string                // the post that stands in for every other
}

// NewBook lays overrides over a roster. Of those of one post that overlap, the one that began first holds
// until its end. last is the post whose
// holder gets what nobody else gets; it may be empty.
func NewBook(r *Roster, overrides []Override, last string) *Book {
	b := &Book{Roster: r, overrides: map[string][]Override{}, last: last}
	for _, o := range overrides {
		b.overrides[o.Post] = append(b.overrides[o.Post], o)
	}
	for post, list := range b.overrides {
		slices.SortFunc(list, func(a, b Override) int { return cmp.Compare(a.From.UnixNano(), b.From.UnixNano()) })
		b.overrides[post] = apart(list)
	}
	return b
}

// apart lets each override begin where the one before ends, at the earliest.
func apart(list []Override) []Override {
	kept := list[:0]
	for _, o := range list {
		if n := len(kept); n > 0 && o.From.Before(kept[n-1].To) {
			o.From = kept[n-1].To
		}
		if o.From.Before(o.To) {
			kept = append(kept, o)
		}
	}
	return kept
}

// On is who holds a post at a moment, from when and until when. ok is false when the roster does not
// list the post.
func (b *Book) On(post string, at time.Time) (p Period, ok bool) {
	p, ok = b.Shift(post, at)
	if !ok {
		return p, false
	}
	list := b.overrides[post]
	for i := range list {
		o := &list[i]
		switch {
		case !o.To.After(at): // over before: the rest of the shift is the rotation's again
			if o.To.After(p.From) {
				p.From = o.To
			}
		case !o.From.After(at):
			return Period{Post: post, Who: o.Who, From: o.From, To: o.To, Override: o}, true
		default:
			if o.From.Before(p.To) {
				p.To = o.From
			}
			return p, true
		}
	}
	return p, true
}

// Next is the period that follows the one at a moment.
func (b *Book) Next(post string, at time.Time) (Period, bool) {
	p, ok := b.On(post, at)
	if !ok {
		return Period{}, false
	}
	return b.On(post, p.To)
}

// Periods calls each for the periods of a post that touch the time between from and to, in order,
// until it returns false.
func (b *Book) Periods(post string, from, to time.Time, each func(Period) bool) {
	for at := from; at.Before(to); {
		p, ok := b.On(post, at)
		if !ok || !each(p) || !p.To.After(at) {
			return
		}
		at = p.To
	}
}

// Rostered reports whether the roster lists the post.
func (b *Book) Rostered(post string) bool {
	_, ok := b.rotations[post]
	return ok
}

// Reach is the post that gets what is meant for a post at a moment: the post itself when somebody
// holds it or the roster does not list it, else its fallback, and so on; at last the post that stands in for
// all, whether held or not: nothing goes to nobody. who is empty when the roster does not say.
func (b *Book) Reach(post string, at time.Time) (reached, who string) {
	for range len(b.posts) + 1 {
		p, ok := b.On(post, at)
		if !ok || p.Attended() {
			return post, p.Who
		}
		next := b.rotations[post].Fallback
		if next == "" || next == post {
			break
		}
		post = next
	}
	if b.last == "" {
		return post, ""
	}
	p, _ := b.On(b.last, at)
	return b.last, p.Who
}

// Holds lists the posts a person holds at a moment, by the roster.
func (b *Book) Holds(who string, at time.Time) []string {
	var posts []string
	for _, post := range b.posts {
		if p, ok := b.On(post, at); ok && who != "" && p.Who == who {
			posts = append(posts, post)
		}
	}
	return posts
}

// Swap is the two overrides by which the holders of two periods exchange them whole.
func Swap(a, b Period) (forA, forB Override) {
	return Override{Post: a.Post, From: a.From, To: a.To, Who: b.Who, Kind: KindSwap},
		Override{Post: b.Post, From: b.From, To: b.To, Who: a.Who, Kind: KindSwap}
}
