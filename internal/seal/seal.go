// Package seal keeps personal data unreadable at rest: AES-256-GCM under named keys, and a keyed
// hash (HMAC-SHA-256) by which an exact value can be found without being stored. It knows no
// table and no file layout but its own key file.
package seal

import (
	"bytes"
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
	"sync/atomic"
)

// A sealed value is: format byte, key id (4 bytes big endian), nonce (12), ciphertext and tag.
const (
	format     = 1
	nonceSize  = 12
	headerSize = 1 + 4 + nonceSize
)

// ErrKey means that the key a value was sealed with is not in the ring: it was lost or destroyed.
var ErrKey = errors.New("seal: the key of this value is not in the ring")

// ErrBehind means that the ring must not seal: the city seals with a key it does not have.
var ErrBehind = errors.New("seal: the key file is behind")

// Ring is a set of keys: one seals what is new, all of them open. It is safe for concurrent use.
type Ring struct {
	keys   atomic.Pointer[keySet]
	index  []byte
	random io.Reader
}

// keySet is the keys of one moment.
type keySet struct {
	current uint32
	behind  uint32 // the key that must seal and is not there; 0: none
	keys    map[uint32]cipher.AEAD
}

// File is the form of the key file.
type File struct {
	Current uint32            `json:"current"`
	Keys    map[uint32][]byte `json:"keys"`  // 32 bytes each
	Index   []byte            `json:"index"` // 32 bytes; changing it loses every search by phone
	// Retire says that the older keys are destroyed once nothing is sealed with them.
	Retire    bool     `json:"retire,omitempty"`
	Destroyed []uint32 `json:"destroyed,omitempty"` // ids of keys taken out for good
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
	if len(f.Index) != 32 {
		return nil, fmt.Errorf("seal: the index key has %d bytes, needs 32", len(f.Index))
	}
	r := &Ring{index: f.Index, random: rand.Reader}
	return r, r.Replace(f)
}

// Replace takes other keys into use, after a rotation. The index key stays what it was: another one
// would lose every search by phone.
func (r *Ring) Replace(f File) error {
	if !bytes.Equal(f.Index, r.index) {
		return errors.New("seal: the index key is another one: searches by phone would find nothing; put the old one back")
	}
	set := &keySet{current: f.Current, keys: make(map[uint32]cipher.AEAD, len(f.Keys))}
	for id, key := range f.Keys {
		if len(key) != 32 {
			return fmt.Errorf("seal: key %d has %d bytes, needs 32", id, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return fmt.Errorf("seal: key %d: %w", id, err)
		}
		if set.keys[id], err = cipher.NewGCM(block); err != nil {
			return fmt.Errorf("seal: key %d: %w", id, err)
		}
	}
	if set.keys[f.Current] == nil {
		return fmt.Errorf("seal: current key %d is not among the %d keys", f.Current, len(f.Keys))
	}
	if before := r.keys.Load(); before != nil {
		if set.keys[before.current] != nil {
			set.current = max(set.current, before.current) // ids only grow: the file may be behind, see Use
		}
		if set.current < before.behind {
			set.behind = before.behind
			if set.keys[before.behind] != nil {
				set.current, set.behind = before.behind, 0
			}
		}
		for id := range before.keys {
			if set.keys[id] == nil && !slices.Contains(f.Destroyed, id) {
				return fmt.Errorf("seal: key %d is gone from the file: what it sealed could not be opened; put it back", id)
			}
		}
	}
	r.keys.Store(set)
	return nil
}

// Newest is the highest id of the keys: that of the one made last.
func (f File) Newest() uint32 { return slices.Max(slices.Collect(maps.Keys(f.Keys))) }

// Add adds a new key, which seals nothing until Current names it.
func (f File) Add(random io.Reader) (File, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return File{}, fmt.Errorf("seal: generate a key: %w", err)
	}
	next := f
	next.Keys = maps.Clone(f.Keys)
	next.Keys[f.Newest()+1] = key
	return next, nil
}

// Destroy takes out the keys older than the one that seals. What only they open is gone: also in backups.
func (f File) Destroy() File {
	next := f
	next.Keys, next.Retire, next.Destroyed = map[uint32][]byte{}, false, slices.Clone(f.Destroyed)
	for _, id := range slices.Sorted(maps.Keys(f.Keys)) {
		if id < f.Current {
			next.Destroyed = append(next.Destroyed, id)
		} else {
			next.Keys[id] = f.Keys[id]
		}
	}
	return next
}

// Load reads a key file into a ring. It refuses one that others may read.
func Load(path string) (*Ring, error) {
	f, err := Read(path)
	if err != nil {
		return nil, err
	}
	return New(f)
}

// Read reads a key file. It refuses one that others may read.
func Read(path string) (f File, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return f, fmt.Errorf("seal: key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return f, fmt.Errorf("seal: key file %s has mode %o; others could read it: chmod 600 it", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path) //nolint:gosec // the path is the operator's setting
	if err != nil {
		return f, fmt.Errorf("seal: key file: %w", err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("seal: key file %s: %w", path, err)
	}
	return f, nil
}

// Update changes a key file at one stroke: whoever reads it finds the old or the new one, whole. Two
// who update at once do not both: the second is refused.
func Update(path string, change func(File) (File, error)) (f File, err error) {
	next := path + ".next"
	out, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's setting
	if errors.Is(err, os.ErrExist) {
		return f, fmt.Errorf("seal: %s is there: the keys are being changed, or that was broken off; remove it when nobody does", next)
	}
	if err != nil {
		return f, fmt.Errorf("seal: key file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(next))
		}
	}()
	if f, err = Read(path); err == nil {
		f, err = change(f)
	}
	if err == nil {
		err = write(out, f)
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return f, err
	}
	if err := os.Rename(next, path); err != nil {
		return f, fmt.Errorf("seal: key file: %w", err)
	}
	return f, syncFolder(filepath.Dir(path))
}

// write writes and syncs a key file's content.
func write(out *os.File, f File) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("seal: key file: %w", err)
	}
	_, err = out.Write(append(b, '\n'))
	if err = errors.Join(err, out.Sync()); err != nil {
		return fmt.Errorf("seal: key file %s: %w", out.Name(), err)
	}
	return nil
}

func syncFolder(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the operator's setting
	if err != nil {
		return fmt.Errorf("seal: key folder: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Save writes a key file that must not exist yet, readable by its owner only, and syncs it and
// its folder: losing the keys is losing the data.
func Save(path string, f File) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's setting
	if err != nil {
		return fmt.Errorf("seal: key file: %w", err)
	}
	if err := errors.Join(write(out, f), out.Close()); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// IDs are the ids of the keys, in order.
func (r *Ring) IDs() []uint32 { return slices.Sorted(maps.Keys(r.keys.Load().keys)) }

// Use makes a newer key the one that seals; an older one than that which does is no change, for ids only
// grow. It is false when the ring does not have the key: it seals nothing then, until Replace brings it.
func (r *Ring) Use(id uint32) bool {
	for {
		before := r.keys.Load()
		if id <= before.current {
			return true
		}
		after := &keySet{current: id, keys: before.keys}
		if before.keys[id] == nil {
			after = &keySet{current: before.current, keys: before.keys, behind: id}
		}
		if r.keys.CompareAndSwap(before, after) {
			return after.behind == 0
		}
	}
}

// Behind says which key is missing after a Use that was in vain, nil when none is.
func (r *Ring) Behind() error {
	if id := r.keys.Load().behind; id > 0 {
		return fmt.Errorf("%w: the city seals with key %d, which the key file does not have: copy keys.json from where the key was made", ErrBehind, id)
	}
	return nil
}

// Current is the id of the key that seals.
func (r *Ring) Current() uint32 { return r.keys.Load().current }

// Seal encrypts plain. context binds the value to its place (table and row): moved elsewhere it
// does not open. Empty plain seals to nil.
func (r *Ring) Seal(plain, context []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	out := make([]byte, headerSize, headerSize+len(plain)+16)
	out[0] = format
	set := r.keys.Load()
	if set.behind > 0 {
		return nil, r.Behind()
	}
	binary.BigEndian.PutUint32(out[1:], set.current)
	if _, err := io.ReadFull(r.random, out[5:headerSize]); err != nil {
		return nil, fmt.Errorf("seal: nonce: %w", err)
	}
	return set.keys[set.current].Seal(out, out[5:headerSize], plain, context), nil
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
	set, id := r.keys.Load(), binary.BigEndian.Uint32(sealed[1:])
	key := set.keys[id]
	if key == nil && id > slices.Max(slices.Collect(maps.Keys(set.keys))) {
		// Not destroyed, but made since: ids only grow.
		return nil, fmt.Errorf("seal: the value needs key %d, newer than any in the key file: copy keys.json from where the key was made", id)
	}
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
