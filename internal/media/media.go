// Package media keeps attachments by the hash of their content in a folder: written to a
// temporary file, synced, renamed, and the folder synced, so that what is acknowledged is there.
// It knows nothing of tickets; who may see an attachment is decided elsewhere.
package media

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/citizen-hotline/gateway/ticket"
)

// Store is a folder of attachments: ab/abcdef….
type Store struct {
	root *os.Root
	dir  string
	// Max is the largest attachment in bytes.
	Max int64
}

// sniffSize is how much of a file decides its type.
const sniffSize = 3072

// Open uses dir, which is made when it is absent. What a crash left half-written is removed: the
// caller must be the only one that uses dir.
func Open(dir string, maxBytes int64) (*Store, error) {
	if err := os.RemoveAll(filepath.Join(dir, "tmp")); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	return &Store{root: root, dir: dir, Max: maxBytes}, nil
}

// Close releases the folder.
func (s *Store) Close() error { return s.root.Close() }

// Put keeps what r gives and returns its hash, size and sniffed type. Name and type that the
// sender claims are never trusted. ticket.TooLarge when it exceeds Max; ticket.Unavailable when
// the disk fails: then nothing was kept.
func (s *Store) Put(r io.Reader) (ticket.MediaRef, error) {
	tmp, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "in-*")
	if err != nil {
		return ticket.MediaRef{}, unavailable(err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone already after the rename
	defer tmp.Close()           //nolint:errcheck // closed below; this is the way out on errors

	hash, head := sha256.New(), &headWriter{}
	n, err := io.Copy(io.MultiWriter(tmp, hash, head), io.LimitReader(r, s.Max+1))
	switch {
	case err != nil:
		return ticket.MediaRef{}, unavailable(err)
	case n > s.Max:
		return ticket.MediaRef{}, ticket.Errorf(ticket.TooLarge, "media.too_large", "附件超过 %d MB 上限", s.Max>>20)
	case n == 0:
		return ticket.MediaRef{}, ticket.Errorf(ticket.Invalid, "media.empty", "附件为空")
	}
	ref := ticket.MediaRef{SHA256: hex.EncodeToString(hash.Sum(nil)), Size: n, MIME: mimetype.Detect(head.b).String(), Fetched: true}
	if err := s.settle(tmp, ref.SHA256); err != nil {
		return ticket.MediaRef{}, unavailable(err)
	}
	return ref, nil
}

// settle makes the temporary file durable under its hash.
func (s *Store) settle(tmp *os.File, hash string) error {
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	folder := filepath.Join(s.dir, hash[:2])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), filepath.Join(folder, hash)); err != nil {
		return err
	}
	for _, dir := range []string{folder, s.dir} {
		d, err := os.Open(dir) //nolint:gosec // our own folder
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Get opens an attachment by its hash. ticket.NotFound when it is not there.
func (s *Store) Get(hash string) (io.ReadSeekCloser, error) {
	if len(hash) != 2*sha256.Size || strings.Trim(hash, "0123456789abcdef") != "" {
		return nil, ticket.Errorf(ticket.NotFound, "media.unknown", "no attachment has the hash %.80q", hash)
	}
	f, err := s.root.Open(hash[:2] + "/" + hash)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ticket.Errorf(ticket.NotFound, "media.unknown", "no attachment has the hash %s", hash)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return f, nil
}

func unavailable(err error) error {
	return ticket.Errorf(ticket.Unavailable, "media.unavailable", "attachments cannot be kept now").Because(err)
}

// headWriter keeps the first bytes of a stream.
type headWriter struct{ b []byte }

func (h *headWriter) Write(p []byte) (int, error) {
	if room := sniffSize - len(h.b); room > 0 {
		h.b = append(h.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
