// Package seal keeps personal data unreadable at rest: AES-256-GCM under named keys, and a keyed
// hash (HMAC-SHA-256) by which an exact value can be found without being stored. It knows no
// table and no file layout but its own key file.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// A sealed value is: format byte, key id (4 bytes big endian), nonce (12), ciphertext and tag.
const (
	format     = 1
	nonceSize  = 12
	headerSize = 1 + 4 + nonceSize
)

// ErrKey means that the key a value was sealed with is not in the ring: it was lost or destroyed.
var ErrKey = errors.New("seal: the key of this value is not in the ring")

// Ring is a set of keys: one seals what is new, all of them open. It is safe for concurrent use.
type Ring struct {
	current uint32
	keys    map[uint32]cipher.AEAD
	index   []byte
	random  io.Reader
}

// File is the form of the key file.
type File struct {
	Current uint32            `json:"current"`
	Keys    map[uint32][]byte `json:"keys"`  // 32 bytes each
	Index   []byte            `json:"index"` // 32 bytes; changing it loses every search by phone
}

// Generate makes the keys of a new city.
func Generate(random io.Reader) (File, error) {
	f := File{Current: 1, Keys: map[uint32][]byte{1: make([]byte, 32)}, Index: make([]byte, 32)}
	for _, b := range [][]byte{f.Keys[1], f.Index} {
		if _, err := io.ReadFull(random, b); err != nil {
			return File{}, fmt.Errorf("seal: generate keys: %w", err)
		}
	}
	return f, nil
}

// New makes a ring of a key file's content.
func New(f File) (*Ring, error) {
	r := &Ring{current: f.Current, keys: make(map[uint32]cipher.AEAD, len(f.Keys)), index: f.Index, random: rand.Reader}
	if len(f.Index) != 32 {
		return nil, fmt.Errorf("seal: the index key has %d bytes, needs 32", len(f.Index))
	}
	for id, key := range f.Keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("seal: key %d has %d bytes, needs 32", id, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", id, err)
		}
		if r.keys[id], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", id, err)
		}
	}
	if r.keys[f.Current] == nil {
		return nil, fmt.Errorf("seal: current key %d is not among the %d keys", f.Current, len(f.Keys))
	}
	return r, nil
}

// Load reads a key file. It refuses one that others may read.
func Load(path string) (*Ring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("seal: key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("seal: key file %s has mode %o; others could read it: chmod 600 it", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path) //nolint:gosec // the path is the operator's setting
	if err != nil {
		return nil, fmt.Errorf("seal: key file: %w", err)
	}
	var f File
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("seal: key file %s: %w", path, err)
	}
	return New(f)
}

// Save writes a key file that must not exist yet, readable by its owner only, and syncs it and
// its folder: losing the keys is losing the data.
func Save(path string, f File) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("seal: key file: %w", err)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's setting
	if err != nil {
		return fmt.Errorf("seal: key file: %w", err)
	}
	_, err = out.Write(append(b, '\n'))
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("seal: key file %s: %w", path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("seal: key folder: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// IDs are the ids of the keys, in order.
func (r *Ring) IDs() []uint32 { return slices.Sorted(maps.Keys(r.keys)) }

// Seal encrypts plain. context binds the value to its place (table and row): moved elsewhere it
// does not open. Empty plain seals to nil.
func (r *Ring) Seal(plain, context []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	out := make([]byte, headerSize, headerSize+len(plain)+16)
	out[0] = format
	binary.BigEndian.PutUint32(out[1:], r.current)
	if _, err := io.ReadFull(r.random, out[5:headerSize]); err != nil {
		return nil, fmt.Errorf("seal: nonce: %w", err)
	}
	return r.keys[r.current].Seal(out, out[5:headerSize], plain, context), nil
}

// Open decrypts what Seal made. ErrKey means that the key is gone; any other error that the value
// was damaged or belongs elsewhere.
func (r *Ring) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	if len(sealed) < headerSize || sealed[0] != format {
		return nil, errors.New("seal: not a sealed value")
	}
	key := r.keys[binary.BigEndian.Uint32(sealed[1:])]
	if key == nil {
		return nil, ErrKey
	}
	plain, err := key.Open(nil, sealed[5:headerSize], sealed[headerSize:], context)
	if err != nil {
		return nil, errors.New("seal: the value was changed or belongs to another row")
	}
	return plain, nil
}

// Index is the keyed hash of a value for exact search: 16 bytes, the same for equal values of a
// field. An empty value has none.
func (r *Ring) Index(field, value string) []byte {
	if value == "" {
		return nil
	}
	mac := hmac.New(sha256.New, r.index)
	mac.Write([]byte(field))
	mac.Write([]byte{0})
	mac.Write([]byte(value))
	return mac.Sum(nil)[:16]
}

// KeyOf is the id of the key a value was sealed with, 0 for an empty value.
func KeyOf(sealed []byte) uint32 {
	if len(sealed) < headerSize {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:])
}
