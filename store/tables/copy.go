package tables

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/ticket"
)

// whole is a table as it is copied whole: every column, with its kind; the key's columns come first.
type whole struct {
	name    string
	keys    int    // how many columns are the key
	columns string // name and kind: int, text or blob
	page    int    // rows copied at a time; 0 means 500
}

// wholes are all tables but meta, those that others refer to first. A test holds them to the schema.
var wholes = []whole{
	{"deliveries", 1, "pos int, id blob, channel text, received_at int, state text, code text, sealed blob", 50}, // a body may have a megabyte,
	{"requests", 2, "channel text, key text, hash blob, delivery blob, ticket blob, at int, sealed blob", 0},
	{"tickets", 1, `pos int, id blob, number text, version int, state text, open int, channel text, source text, category text, region text,
		unit text, urgency text, flags int, registered_at int, due_at int, look_at int, callback_at int, delivery blob, incident blob, phone_ix blob,
		sender_ix blob, thread text, fold_key text, call_id text, doc blob, sealed blob`, 0},
	{"ticket_units", 2, "unit text, ticket blob", 0},
	{"events", 1, "pos int, ticket blob, seq int, hash blob, doc blob, sealed blob", 0},
	{"outbox", 1, `id int, key text, ticket blob, kind text, target text, state text, attempts int, due_at int, next_at int, created int,
		done_at int, error text, grp text, page int, why text, repeat_at int, is_over int, silence int, sealed blob`, 0},
	{"pages", 1, `id int, grp text, seq int, target text, kind text, state text, count int, attempts int, next_at int, again_at int,
		created int, done_at int, error text`, 0},
	{"destinations", 1, "id text, next int", 0},
	{"silences", 1, `id int, author text, reason text, unit text, level text, destination text, clock text, created int, until int,
		ended_by text, ended_at int`, 0},
	{"calls", 1, `pos int, id blob, channel text, call_id text, version int, line text, agent text, state text, rang_at int, answered_at int,
		ended_at int, seconds int, call_back text, updated_at int, sealed blob`, 0},
	{"alerts", 1, `pos int, id blob, key text, ticket blob, number text, unit text, region text, level text, post text, text text, at int,
		acked_by text, acked_at int, holder text, version int, root blob, rung int, person text, delivered_to text, delivered_at int, snoozed_at int,
		snoozed_until int, done_by text, done_at int, look_at int`, 0},
	{"alert_log", 1, "id int, alert blob, at int, who text, what text, post text, person text, until_at int, sealed blob", 0},
	{"duty_overrides", 1, `pos int, id blob, post text, from_at int, to_at int, who text, kind text, swap blob, author text, at int,
		withdrawn_by text, withdrawn_at int, sealed blob`, 0},
	{"access_log", 1, "id int, at int, ticket blob, what text, actor blob, fields blob, sealed blob", 0},
	{"cursors", 1, "channel text, value text, at int", 0},
	{"media", 1, "sha256 text, at int, sealed blob", 0},
	{"numbers", 1, "day text, next int", 0},
	{"packs", 1, "hash text, author text, note text, at int, archive blob", 1}, // an archive may have megabytes
	{"pack_activations", 1, "id int, hash text, author text, note text, at int", 0},
	{"shadows", 1, "id int, hash text, author text, at int, pos int", 0},
	{"shadow_decisions", 2, "shadow int, ticket blob, number text, was text, would text, rule text", 0},
	{"users", 1, "login text, token_hash blob, doc blob", 0},
	{"sessions", 1, "hash blob, login text, created int, seen int, ends int", 0},
	{"track_failures", 1, "number text, count int, since int, locked_until int", 0},
}

// Columns are the columns of every table that is copied, by table.
func Columns() map[string][]string {
	all := make(map[string][]string, len(wholes))
	for _, w := range wholes {
		all[w.name] = w.names()
	}
	return all
}

// names are the names of the columns.
func (w whole) names() []string {
	var names []string
	for column := range strings.SplitSeq(w.columns, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(column), " ")
		names = append(names, name)
	}
	return names
}

// scan reads a row as values that can be bound again and compared.
func (w whole) scan(r Row) (values []any, err error) {
	var dest []any
	for column := range strings.SplitSeq(w.columns, ",") {
		switch _, kind, _ := strings.Cut(strings.TrimSpace(column), " "); kind {
		case "int":
			dest = append(dest, new(*int64))
		case "text":
			dest = append(dest, new(string))
		default:
			dest = append(dest, new([]byte))
		}
	}
	if err := r.Scan(dest...); err != nil {
		return nil, err
	}
	for _, d := range dest {
		switch d := d.(type) {
		case **int64:
			values = append(values, nil)
			if *d != nil {
				values[len(values)-1] = **d
			}
		case *[]byte:
			values = append(values, blob(*d))
		case *string:
			values = append(values, *d)
		}
	}
	return values, nil
}

// read reads the page behind a key, the first behind nil.
func (w whole) read(ctx context.Context, db Database, after []any) (rows [][]any, err error) {
	names := w.names()
	key := strings.Join(names[:w.keys], ", ")
	text := `SELECT ` + strings.Join(names, ", ") + ` FROM ` + w.name
	if after != nil {
		text += ` WHERE (` + key + `) > (` + marks(w.keys) + `)`
	}
	page := w.page
	if page == 0 {
		page = 500
	}
	return built(ctx, db, w.name, text+` ORDER BY `+key+fmt.Sprintf(` LIMIT %d`, page), w.scan, after...)
}

// last is the key of the last row, nil when there is none.
func (w whole) last(ctx context.Context, db Database) ([]any, error) {
	names := w.names()
	key := names[:w.keys]
	rows, err := built(ctx, db, w.name, `SELECT `+strings.Join(names, ", ")+` FROM `+w.name+` ORDER BY `+strings.Join(key, ` DESC, `)+` DESC LIMIT 1`, w.scan)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0][:w.keys], nil
}

// insert writes rows as they are.
func (w whole) insert(ctx context.Context, tx Tx, overriding string, rows [][]any) error {
	names := w.names()
	values := slices.Repeat([]string{`(` + marks(len(names)) + `)`}, len(rows))
	_, err := tx.Exec(ctx, `INSERT INTO `+w.name+` (`+strings.Join(names, ", ")+`)`+overriding+` VALUES `+strings.Join(values, ", "), slices.Concat(rows...)...)
	return err
}

// Copy is the copying of a whole city from one database to another, sealed as it is. The keys of both
// must be the same.
type Copy struct {
	From, To *Tables
	// Source names where the rows come from. A copy that was broken off goes on only from there.
	Source string
	// Overriding is what the target's SQL needs for a row to bring its own position.
	Overriding string
	// Finish is what the target needs besides, in the transaction that declares it whole; may be nil.
	Finish func(ctx context.Context, tx Tx) error
	// Copied is told of progress; may be nil.
	Copied func(table string, rows int)
}

const copying = "copying" // in meta: the source of a copy that has not ended

// Count is how many rows there are to copy, about: 0 when that takes too long to know.
func (c *Copy) Count(ctx context.Context) (rows int64) {
	for _, w := range wholes {
		n, err := one(ctx, c.From.DB, w.name, `SELECT count(*) FROM `+w.name, scanInt)
		if err != nil {
			return 0
		}
		rows += n
	}
	return rows
}

// Run copies everything that is not in the target yet, page by page, each in a transaction of its own,
// and compares row by row. A target that holds anything else is refused. When it was broken off, the
// next Run goes on where it stopped; until it has ended, no gateway opens the target.
func (c *Copy) Run(ctx context.Context) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	for _, w := range wholes {
		if err := c.table(ctx, w); err != nil {
			return fmt.Errorf("copy %s: %w; what has been copied stays, run it again to go on", w.name, err)
		}
	}
	for _, w := range wholes {
		if err := c.compare(ctx, w); err != nil {
			return err
		}
	}
	return c.To.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		if c.Finish != nil {
			if err := c.Finish(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `DELETE FROM meta WHERE key = ?`, copying)
		return err
	})
}

// begin makes sure that the target is empty, or half full of the same.
func (c *Copy) begin(ctx context.Context) error {
	return c.To.DB.Alone(ctx, func(ctx context.Context, tx Tx) error {
		var source []byte
		err := get(ctx, tx, `SELECT value FROM meta WHERE key = ?`, []any{copying}, func(r Row) error { return r.Scan(&source) })
		switch {
		case err == nil && string(source) != c.Source:
			return fmt.Errorf("the target holds part of a copy from %s, not from %s: finish that one, or name an empty target", source, c.Source)
		case err == nil:
			return nil
		case !errors.Is(err, ErrNone):
			return err
		}
		for _, w := range wholes {
			err := get(ctx, tx, `SELECT 1 FROM `+w.name+` LIMIT 1`, nil, func(Row) error { return nil })
			if err == nil {
				return fmt.Errorf("the target is not empty, its table %s has rows: name an empty one; nothing was changed", w.name)
			}
			if !errors.Is(err, ErrNone) {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO meta (key, value) VALUES (?, ?)`, copying, []byte(c.Source))
		return err
	})
}

func (c *Copy) table(ctx context.Context, w whole) error {
	after, err := w.last(ctx, c.To.DB)
	if err != nil {
		return err
	}
	for {
		rows, err := w.read(ctx, c.From.DB, after)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := c.To.DB.Write(ctx, func(ctx context.Context, tx Tx) error { return w.insert(ctx, tx, c.Overriding, rows) }); err != nil {
			return err
		}
		after = rows[len(rows)-1][:w.keys]
		if c.Copied != nil {
			c.Copied(w.name, len(rows))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// compare reads both sides again and names the first row that differs.
func (c *Copy) compare(ctx context.Context, w whole) error {
	var after []any
	for {
		from, err := w.read(ctx, c.From.DB, after)
		if err != nil {
			return err
		}
		to, err := w.read(ctx, c.To.DB, after)
		if err != nil {
			return err
		}
		for i := range max(len(from), len(to)) {
			if i >= len(from) || i >= len(to) || !reflect.DeepEqual(from[i], to[i]) {
				return fmt.Errorf("copy of %s: row %d behind %v is not the same in the target: somebody wrote to one of them, or a disk failed", w.name, i+1, after)
			}
		}
		if len(from) == 0 {
			return nil
		}
		after = from[len(from)-1][:w.keys]
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// CheckWhole refuses a database into which a copy was broken off.
func (s *Tables) CheckWhole(ctx context.Context) error {
	source, err := one(ctx, s.DB, "copy", `SELECT value FROM meta WHERE key = ?`, func(r Row) (v []byte, err error) {
		err = r.Scan(&v)
		return v, err
	}, copying)
	if ticket.IsKind(err, ticket.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("store: the copy from %s into this database was broken off; run it again, then start", source)
}
