package search

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Reader is what the index reads of the store.
type Reader interface {
	Feed(ctx context.Context, after int64, limit int) ([]store.FeedItem, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
}

// FollowMost is how many events one call of Follow reads, and so how much one transaction holds: as many as
// the store lists at a time.
const FollowMost = 1000

// Follow reads the events committed since the last call and indexes the text they bring. It
// returns how many it read: fewer than FollowMost means that the index is up to date. Texts and position are saved
// together, so that nothing is missed and nothing counted twice, whenever the process ends.
func (x *Index) Follow(ctx context.Context, r Reader) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.checked {
		if err := x.check(ctx, r); err != nil {
			return 0, err
		}
		x.checked = true
	}
	after, _, err := x.position(ctx)
	if err != nil {
		return 0, err
	}
	items, err := r.Feed(ctx, after, FollowMost)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	docs, err := collect(ctx, r, items)
	if err != nil {
		return 0, err
	}
	last := items[len(items)-1]
	err = x.transact(ctx, func(tx *sql.Tx) error {
		if err := x.put(ctx, tx, docs); err != nil {
			return err
		}
		return move(ctx, tx, last.Position, last.Event.Hash[:])
	})
	if err != nil {
		return 0, err
	}
	return len(items), nil
}

// Position is how far in the store's events the index has come.
func (x *Index) Position(ctx context.Context) (int64, error) {
	at, _, err := x.position(ctx)
	return at, err
}

func (x *Index) position(ctx context.Context) (at int64, mark []byte, err error) {
	err = x.write.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE key = 'position'), (SELECT value FROM meta WHERE key = 'mark')`).Scan(&at, &mark)
	if err != nil {
		return 0, nil, fmt.Errorf("search: position: %w", err)
	}
	return at, mark, nil
}

func move(ctx context.Context, tx *sql.Tx, at int64, mark []byte) error {
	for key, value := range map[string]any{"position": at, "mark": mark} {
		if _, err := tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE key = ?`, value, key); err != nil {
			return fmt.Errorf("search: save the position: %w", err)
		}
	}
	return nil
}

// check begins again when the store is not the one followed so far: restored from a backup, it
// would have other events at the same positions. x.mu is held.
func (x *Index) check(ctx context.Context, r Reader) error {
	at, mark, err := x.position(ctx)
	if err != nil || at == 0 {
		return err
	}
	items, err := r.Feed(ctx, at-1, 1)
	if err != nil {
		return err
	}
	if len(items) == 1 && items[0].Position == at && string(items[0].Event.Hash[:]) == string(mark) {
		return nil
	}
	return x.empty(ctx)
}

// Rebuild empties the index; the following calls of Follow fill it again. Until then searches find
// what has been read so far.
func (x *Index) Rebuild(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.empty(ctx)
}

func (x *Index) empty(ctx context.Context) error {
	return x.transact(ctx, func(tx *sql.Tx) error {
		for _, text := range []string{`INSERT INTO words (words) VALUES ('delete-all')`, `DELETE FROM docs`} {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return fmt.Errorf("search: empty the index: %w", err)
			}
		}
		return move(ctx, tx, 0, nil)
	})
}

// collect makes the texts of the tickets that the events gave one, in the order of the events. A
// new ticket's text is in its first event; one that changes later is put together from its history.
func collect(ctx context.Context, r Reader, items []store.FeedItem) ([]Doc, error) {
	var docs []Doc
	at := map[ticket.ID]int{}
	for i := range items {
		e := &items[i].Event
		if !brings(e) {
			continue
		}
		d := Doc{Ticket: e.Ticket, Text: textOf([]ticket.Event{*e})}
		if e.Seq > 1 {
			history, err := r.History(ctx, e.Ticket)
			if err != nil {
				return nil, fmt.Errorf("search: text of ticket %s: %w", e.Ticket, err)
			}
			d.Text = textOf(history)
		}
		if n, known := at[e.Ticket]; known {
			docs[n] = d
			continue
		}
		at[e.Ticket] = len(docs)
		docs = append(docs, d)
	}
	return docs, nil
}

// brings reports whether an event changes the text its ticket is found under.
func brings(e *ticket.Event) bool {
	p := e.Private
	return e.Action == ticket.Register || endsWords(e) || p != nil && (p.Title != "" || p.Text != "" || p.Place.Address != "" || p.PublicReply != "")
}

// endsWords reports whether what the ticket said until then may no longer be kept.
func endsWords(e *ticket.Event) bool {
	return e.Action == ticket.Expire && slices.Contains(e.Details.Fields, ticket.DataTicket)
}

// textOf is the text a ticket is found under: title, words, address, what was added since, and the
// public reply. Internal notes, numbers of persons and the names of those who brought the matter are left
// out: whoever may search must not learn from a hit what he may not see. Parts stand on lines of their own, so that no pair of characters
// spans two of them.
func textOf(history []ticket.Event) string {
	var title, words, address, reply string
	var added, names []string
	for i := range history {
		if endsWords(&history[i]) {
			return textOf(history[i+1:])
		}
		p := history[i].Private
		if p == nil {
			continue
		}
		names = append(names, p.Appellant.Name, p.FiledBy.Name)
		if history[i].Action == ticket.Supplement {
			added = append(added, p.Text)
			continue
		}
		title, words = or(p.Title, title), or(p.Text, words)
		address, reply = or(p.Place.Address, address), or(p.PublicReply, reply)
	}
	all := strings.Join(append([]string{title, words, address, reply}, added...), "\n")
	return text.MaskPersonal(text.ReplaceNames(all, func(string) string { return " " }, names...))
}

func or(v, fallback string) string {
	if v != "" {
		return v
	}
	return fallback
}
