package tables

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/ticket"
)

// The places sealed values stand in. A value moved to another table or row does not open.
const (
	placeDelivery = "deliveries/"
	placeRequest  = "requests/"
	placeTicket   = "tickets/"
	placeEvent    = "events/"
	placeNotice   = "outbox/"
	placeCall     = "calls/"
	placeAccess   = "access_log/"
	placeMedia    = "media/"
	placeAlertLog = "alert_log/"
	placeOverride = "duty_overrides/"
)

func place(table string, row []byte) []byte {
	return append(append(make([]byte, 0, len(table)+len(row)), table...), row...)
}

func requestPlace(channel, key string) []byte { return []byte(plain(channel) + "\x00" + plain(key)) }

func callPlace(channel, callID string) []byte { return requestPlace(channel, callID) }

func eventPlace(id ticket.ID, seq int64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 24), id[:]...), uint64(seq)) // a sequence is positive
}

// seal is what to bind for a sealed column.
func (e *encoder) seal(plain []byte, table string, row []byte) any {
	sealed, err := e.s.Ring.Seal(plain, place(table, row))
	if errors.Is(err, seal.ErrBehind) {
		err = ticket.Errorf(ticket.Unavailable, "store.keys", "%v", err)
	}
	if err != nil {
		e.fail(err)
		return nil
	}
	return blob(sealed)
}

func (e *encoder) sealJSON(v any, table string, row []byte) any {
	plain, err := json.Marshal(v)
	if err != nil {
		e.fail(fmt.Errorf("store: personal part of %s: %w", table, err))
		return nil
	}
	if string(plain) == "{}" {
		return nil // nothing personal is left
	}
	return e.seal(plain, table, row)
}

// open decrypts a sealed column. A value whose key was destroyed is gone: nil, without an error.
func (s *Tables) open(sealed []byte, table string, row []byte) ([]byte, error) {
	plain, err := s.Ring.Open(sealed, place(table, row))
	if errors.Is(err, seal.ErrKey) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("store: a row of %s: %w", table, err)
	}
	return plain, nil
}

func (s *Tables) openJSON(v any, sealed []byte, table string, row []byte) error {
	plain, err := s.open(sealed, table, row)
	if err != nil || plain == nil {
		return err
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("store: personal part of a row of %s: %w", table, err)
	}
	return nil
}
