package tables

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/citizen-hotline/gateway/internal/seal"
)

// keyProbe is sealed into every new database, so that a foreign key file is noticed at once.
const keyProbe = "hotline"

// CheckKeys makes sure that the ring is the one the data was sealed with.
func (s *Tables) CheckKeys(ctx context.Context) error {
	want := s.Ring.Index("meta", keyProbe)
	fresh, err := s.Ring.Seal([]byte(keyProbe), []byte("meta/keys"))
	if err != nil {
		return err
	}
	kept := map[string][]byte{}
	err = s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		// Whoever comes first makes the database theirs; the others find another's keys in it.
		if _, err := tx.Exec(ctx, `INSERT INTO meta (key, value) VALUES ('keys', ?), ('index', ?) ON CONFLICT DO NOTHING`, fresh, want); err != nil {
			return err
		}
		return tx.Query(ctx, `SELECT key, value FROM meta WHERE key IN ('keys', 'index', 'sealing')`, nil, func(r Row) error {
			var key string
			var value []byte
			err := r.Scan(&key, &value)
			kept[key] = value
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("store: read the key probe: %w", err)
	}
	if _, err := s.Ring.Open(kept["keys"], []byte("meta/keys")); err != nil && !errors.Is(err, seal.ErrKey) {
		return fmt.Errorf("store: the key file does not belong to this database; start with the one it was made with: %w", err)
	}
	if string(kept["index"]) != string(want) {
		return errors.New("store: the index key is not the one this database was made with: searches by phone would find nothing; start with the old key file")
	}
	seals, err := sealing(kept["sealing"])
	if err == nil && seals > 0 && !s.Ring.Use(seals) {
		err = fmt.Errorf("store: this city seals with key %d, which the key file does not have: copy keys.json from where the key was made", seals)
	}
	return err
}

// sealing reads which key was said to seal from then on: 0 when none was.
func sealing(value []byte) (uint32, error) {
	if value == nil {
		return 0, nil
	}
	id, err := strconv.ParseUint(string(value), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("store: the key in use is %q: %w", value, err)
	}
	return uint32(id), nil
}
