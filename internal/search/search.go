// Package search finds tickets by the words of their text, beside the store and after it: a file
// of its own follows the store's events, so that no commit waits for it. Two characters are
// enough (路灯). It holds nothing that cannot be built again, and nothing readable: what is kept
// of a text are keyed hashes of its neighbouring characters.
//
// It does not know who may see a ticket: filtering what it finds is the caller's work. Numbers
// and telephones are searched in the store, exactly and without delay.
package search

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	_ "modernc.org/sqlite" // the driver

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// Keys makes the keyed hash of a value; a seal.Ring does.
type Keys interface {
	Index(field, value string) []byte
}

// version is that of the file's layout, of what is read of a ticket and of how texts are cut into terms. A file of another
// version is built again.
const version = 2

const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE docs (id INTEGER PRIMARY KEY, ticket BLOB NOT NULL UNIQUE);
CREATE VIRTUAL TABLE words USING fts5 (terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
INSERT INTO meta (key, value) VALUES ('position', 0), ('mark', NULL), ('keys', ?);`

// Index is an open index. It is safe for concurrent use.
type Index struct {
	keys  Keys
	write *sql.DB // one connection
	read  *sql.DB

	mu      sync.Mutex // of what follows and of all writing
	tokens  memo[string]
	checked bool // the position has been compared with the store's events since Open
}

// Open opens the index, making the file when it is not there. A file that is damaged, of another
// version or made with other keys is thrown away: Follow fills the new one from the store.
func Open(path string, keys Keys) (*Index, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("search: path: %w", err)
	}
	x, err := open(path, keys)
	if !errors.Is(err, errStale) {
		return x, err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("search: remove the outdated index: %w", err)
		}
	}
	return open(path, keys)
}

// errStale says that a file must be built again.
var errStale = errors.New("search: the index is of another version or damaged")

func open(path string, keys Keys) (_ *Index, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's setting
	if err != nil {
		return nil, fmt.Errorf("search: %w; the data folder must exist and be writable", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	x := &Index{keys: keys, tokens: memo[string]{}}
	defer func() {
		if err != nil {
			_ = x.Close()
		}
	}()
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=temp_store(MEMORY)"
	// What a power cut takes from this file is read from the store again: NORMAL is enough.
	if x.write, err = sql.Open("sqlite", name+"&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-8192)"); err != nil {
		return nil, fmt.Errorf("search: open: %w", err)
	}
	x.write.SetMaxOpenConns(1)
	if err := x.prepare(context.Background()); err != nil {
		return nil, err
	}
	if x.read, err = sql.Open("sqlite", name+"&_pragma=cache_size(-4096)&_pragma=query_only(1)"); err != nil {
		return nil, fmt.Errorf("search: open: %w", err)
	}
	x.read.SetMaxOpenConns(2)
	x.read.SetMaxIdleConns(2)
	return x, nil
}

// prepare makes the tables of a new file and recognises one that is stale.
func (x *Index) prepare(ctx context.Context) error {
	var found, tables int
	if err := x.write.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)`).Scan(&found, &tables); err != nil {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	probe := x.keys.Index("bigram", "\x00")
	if tables == 0 {
		if _, err := x.write.ExecContext(ctx, schema, probe); err != nil {
			return fmt.Errorf("search: make the index: %w", err)
		}
		if _, err := x.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, version)); err != nil {
			return fmt.Errorf("search: make the index: %w", err)
		}
		return nil
	}
	var keys []byte
	if found != version {
		return errStale
	}
	if err := x.write.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'keys'`).Scan(&keys); err != nil {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	if string(keys) != string(probe) {
		return errStale
	}
	return nil
}

// Close lets go of the file.
func (x *Index) Close() error {
	var errs []error
	for _, db := range []*sql.DB{x.read, x.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Doc is the text under which one ticket is found.
type Doc struct {
	Ticket ticket.ID
	Text   string
}

// Index puts tickets in, or replaces the text they are found under. A ticket with an empty text
// is taken out.
func (x *Index) Index(ctx context.Context, docs []Doc) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.transact(ctx, func(tx *sql.Tx) error { return x.put(ctx, tx, docs) })
}

func (x *Index) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := x.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("search: begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("search: commit: %w", err)
	}
	return nil
}

// put writes the numbers of all documents before the first of their words: a statement that opens a
// savepoint, as RETURNING does, makes FTS5 write out what it has gathered, a segment for each
// document instead of one for the batch.
func (x *Index) put(ctx context.Context, tx *sql.Tx, docs []Doc) error {
	ids := make([]int64, len(docs))
	stale := make([]bool, len(docs))
	for i, d := range docs {
		err := tx.QueryRowContext(ctx, `SELECT id FROM docs WHERE ticket = ?`, d.Ticket[:]).Scan(&ids[i])
		switch {
		case err == nil:
			stale[i] = true
		case errors.Is(err, sql.ErrNoRows):
			err = tx.QueryRowContext(ctx, `INSERT INTO docs (ticket) VALUES (?) RETURNING id`, d.Ticket[:]).Scan(&ids[i])
		}
		if err != nil {
			return fmt.Errorf("search: index ticket %s: %w", d.Ticket, err)
		}
	}
	for i, d := range docs {
		var err error
		if stale[i] {
			_, err = tx.ExecContext(ctx, `DELETE FROM words WHERE rowid = ?`, ids[i])
		}
		if terms := x.terms(text.Bigrams(d.Text)); err == nil && terms != "" {
			_, err = tx.ExecContext(ctx, `INSERT INTO words (rowid, terms) VALUES (?, ?)`, ids[i], terms)
		}
		if err != nil {
			return fmt.Errorf("search: index ticket %s: %w", d.Ticket, err)
		}
	}
	return nil
}

// terms turns bigrams into the tokens kept of them. x.mu is held.
func (x *Index) terms(bigrams []string) string {
	var b strings.Builder
	for _, bg := range bigrams {
		b.WriteString(x.tokens.of(bg, x.token))
		b.WriteByte(' ')
	}
	return b.String()
}

// memo remembers what was made of bigrams: there are far fewer than texts repeat. The caller sees to it
// that it is used by one goroutine at a time.
type memo[T any] map[string]T

// memoMost bounds what is remembered: about 4 MiB.
const memoMost = 1 << 16

func (m memo[T]) of(bigram string, make func(string) T) T {
	v, ok := m[bigram]
	if !ok {
		if len(m) >= memoMost {
			clear(m)
		}
		v = make(bigram)
		m[strings.Clone(bigram)] = v
	}
	return v
}

// token is what is kept of a bigram: 48 bits of a keyed hash, enough that two of the few million
// bigrams there are hardly ever meet.
func (x *Index) token(bigram string) string {
	return hex.EncodeToString(x.keys.Index("bigram", bigram)[:6])
}

const (
	findMost  = 1000 // tickets
	termsMost = 64   // bigrams of a query; further ones narrow nothing worth the time
)

// pairsOf are the pairs of neighbouring characters a text must hold. Blanks separate words that may
// stand apart; when the words have no pair each for itself (路 灯), the blanks were a slip.
func pairsOf(query string) []string {
	var pairs []string
	for _, words := range [][]string{strings.Fields(query), {query}} {
		for _, w := range words {
			for _, term := range text.QueryBigrams(w) {
				if utf8.RuneCountInString(term) >= 2 && len(pairs) < termsMost {
					pairs = append(pairs, term)
				}
			}
		}
		if len(pairs) > 0 {
			break
		}
	}
	return pairs
}

// findLimit keeps what is found bounded.
func findLimit(n int) int {
	if n <= 0 {
		return 50
	}
	return min(n, findMost)
}

func errShort() error {
	return &ticket.Error{
		Kind: ticket.Invalid, Code: "search.short", Message: "搜索词太短",
		Fields: []ticket.Field{{Name: "q", Message: "至少输入两个相连的字，例如“路灯”"}},
	}
}

// Find lists the tickets whose text holds all pairs of neighbouring characters of the query, newest
// first, at most limit (50 when none is given, 1000 at most). It is Invalid for a query without
// such a pair: one character finds half of all tickets.
func (x *Index) Find(ctx context.Context, query string, limit int) ([]ticket.ID, error) {
	pairs := pairsOf(query)
	if len(pairs) == 0 {
		return nil, errShort()
	}
	var match strings.Builder
	for i, p := range pairs {
		if i > 0 {
			match.WriteString(" AND ")
		}
		match.WriteString(`"` + x.token(p) + `"`)
	}
	rows, err := x.read.QueryContext(ctx, `SELECT d.ticket FROM words w JOIN docs d ON d.id = w.rowid WHERE w.words MATCH ? ORDER BY w.rowid DESC LIMIT ?`,
		match.String(), findLimit(limit))
	if err != nil {
		return nil, fmt.Errorf("search: find: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var found []ticket.ID
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, fmt.Errorf("search: find: %w", err)
		}
		var id ticket.ID
		copy(id[:], b)
		found = append(found, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("search: find: %w", err)
	}
	return found, nil
}
