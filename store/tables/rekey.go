package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/ticket"
)

// sealedIn says for each table that has a sealed column what its values are bound to, from a row's values by
// column name.
var sealedIn = map[string]func(v map[string]any) []byte{
	"deliveries": func(v map[string]any) []byte { return place(placeDelivery, bytesOf(v["id"])) },
	"requests": func(v map[string]any) []byte {
		return place(placeRequest, requestPlace(textOf(v["channel"]), textOf(v["key"])))
	},
	"tickets": func(v map[string]any) []byte { return place(placeTicket, bytesOf(v["id"])) },
	"events": func(v map[string]any) []byte {
		seq, _ := v["seq"].(int64)
		return place(placeEvent, eventPlace(idOf(v["ticket"]), seq))
	},
	"outbox": func(v map[string]any) []byte { return place(placeNotice, []byte(textOf(v["key"]))) },
	"calls": func(v map[string]any) []byte {
		return place(placeCall, callPlace(textOf(v["channel"]), textOf(v["call_id"])))
	},
	"access_log": func(v map[string]any) []byte {
		id := idOf(v["ticket"]) // zero for an entry about no ticket in particular
		return place(placeAccess, id[:])
	},
	"alert_log":      func(v map[string]any) []byte { return place(placeAlertLog, bytesOf(v["alert"])) },
	"duty_overrides": func(v map[string]any) []byte { return place(placeOverride, bytesOf(v["id"])) },
	"media":          func(v map[string]any) []byte { return place(placeMedia, []byte(textOf(v["sha256"]))) },
}

func bytesOf(v any) []byte {
	b, _ := v.([]byte)
	return b
}

func idOf(v any) (id ticket.ID) {
	copy(id[:], bytesOf(v))
	return id
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// Rekeyed is what one pass over the tables brought.
type Rekeyed struct {
	Renewed int64 // values sealed anew
	Damaged int64 // values that could not be opened, and stay as they are
}

// Rekey seals anew what other keys than the current one sealed, while others read and write. Whoever
// changes a row meanwhile has sealed it with the current key: it is left alone. What a key that is gone
// has sealed stays as it is. A pass that finds nothing to do marks the end: KeyInUse then is the
// current key. Until then another pass is due, for what was written with an older key meanwhile.
func (s *Tables) Rekey(ctx context.Context, done func(table string, rows int)) (all Rekeyed, err error) {
	err = s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO meta (key, value) VALUES ('sealing', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
			strconv.AppendUint(nil, uint64(s.Ring.Current()), 10))
		return err
	})
	if err != nil {
		return all, fmt.Errorf("store: say which key seals: %w", err)
	}
	for _, w := range wholes {
		bound, has := sealedIn[w.name]
		if !has {
			continue
		}
		one, err := s.rekey(ctx, w, bound, done)
		all.Renewed += one.Renewed
		all.Damaged += one.Damaged
		if err != nil {
			return all, fmt.Errorf("store: seal %s anew: %w; what has been done stays, run it again to go on", w.name, err)
		}
	}
	if all.Renewed > 0 {
		return all, nil
	}
	fresh, err := s.Ring.Seal([]byte(keyProbe), []byte("meta/keys"))
	if err != nil {
		return all, err
	}
	return all, s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err = tx.Exec(ctx, `UPDATE meta SET value = ? WHERE key = 'keys'`, fresh)
		return err
	})
}

// KeyInUse says by which key everything in the tables is sealed, or an older one while a change of keys
// has not come to its end; and by which what is written now must be, 0 before the first change.
func (s *Tables) KeyInUse(ctx context.Context) (sealed, seals uint32, err error) {
	kept := map[string][]byte{}
	err = s.DB.Explain(s.DB.Read(ctx, `SELECT key, value FROM meta WHERE key IN ('keys', 'sealing')`, true, nil, func(r Row) error {
		var key string
		var value []byte
		err := r.Scan(&key, &value)
		kept[key] = value
		return err
	}), "key probe")
	if err == nil {
		seals, err = sealing(kept["sealing"])
	}
	return seal.KeyOf(kept["keys"]), seals, err
}

// rekeyChunk is how many rows are sealed anew in one transaction: few, so that nobody waits for their
// locks.
const rekeyChunk = 20

func (s *Tables) rekey(ctx context.Context, w whole, bound func(map[string]any) []byte, done func(string, int)) (n Rekeyed, err error) {
	names := w.names()
	update := `UPDATE ` + w.name + ` SET sealed = ? WHERE ` + strings.Join(names[:w.keys], ` = ? AND `) + ` = ? AND sealed = ?`
	var after []any
	for {
		rows, err := w.read(ctx, s.DB, after)
		if err != nil || len(rows) == 0 {
			return n, err
		}
		after = rows[len(rows)-1][:w.keys]
		var fresh [][]any // what to bind for each value that is sealed anew
		for _, row := range rows {
			values := map[string]any{}
			for i, name := range names {
				values[name] = row[i]
			}
			old := bytesOf(values["sealed"])
			if len(old) == 0 || seal.KeyOf(old) == s.Ring.Current() {
				continue
			}
			plain, err := s.Ring.Open(old, bound(values))
			if err != nil {
				if !errors.Is(err, seal.ErrKey) {
					n.Damaged++
				}
				continue
			}
			sealed, err := s.Ring.Seal(plain, bound(values))
			if err != nil {
				return n, err
			}
			fresh = append(fresh, append(append([]any{sealed}, row[:w.keys]...), old))
		}
		for chunk := range slices.Chunk(fresh, rekeyChunk) {
			err := s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
				for _, args := range chunk {
					changed, err := tx.Exec(ctx, update, args...)
					if err != nil {
						return err
					}
					n.Renewed += changed
				}
				return nil
			})
			if err != nil {
				return n, err
			}
		}
		if done != nil {
			done(w.name, len(rows))
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
	}
}
