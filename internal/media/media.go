// Package media keeps attachments by the hash of their content in a folder: written to a
// temporary file, synced, renamed, and the folder synced, so that what is acknowledged is there.
// It knows nothing of tickets; who may see an attachment is decided elsewhere.
package media

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"

	"github.com/citizen-hotline/gateway/ticket"
)

// Store is a folder of attachments: ab/abcdef…, and by/abcdef…/… for each account that handed one over.
type Store struct {
	root *os.Root
	dir  string
	// Max is the largest attachment in bytes.
	Max int64
}

// sniffSize is how much of a file decides its type.
const sniffSize = 3072

// Open uses dir, which is made when it is absent.
func Open(dir string, maxBytes int64) (*Store, error) {
	for _, sub := range []string{"tmp", HandedDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("media: %w", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	return &Store{root: root, dir: dir, Max: maxBytes}, nil
}

// Close releases the folder.
func (s *Store) Close() error { return s.root.Close() }

// Clear removes what crashes left half-written before a time; other gateways may be writing the rest.
func (s *Store) Clear(before time.Time) error {
	tmp := filepath.Join(s.dir, "tmp")
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.ModTime().Before(before) {
			err = os.Remove(filepath.Join(tmp, e.Name()))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("media: %w", err)
		}
	}
	return nil
}

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
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // our own folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// HandedDir holds, below the folder, an empty file for each account and attachment it handed over. Who knows a hash, perhaps from a ticket that
// is no longer his to see, must not get at the content by naming it in another.
const HandedDir = "by"

func handed(hash, login string) string {
	who := sha256.Sum256([]byte(login))
	return filepath.Join(HandedDir, hash, hex.EncodeToString(who[:8]))
}

// Hand notes that an account handed over the attachment with a hash that Put gave.
func (s *Store) Hand(hash, login string) error {
	name := handed(hash, login)
	if err := os.MkdirAll(filepath.Join(s.dir, HandedDir, hash), 0o700); err != nil {
		return unavailable(err)
	}
	f, err := s.root.Create(name)
	if err == nil {
		err = errors.Join(f.Close(), syncDir(filepath.Join(s.dir, HandedDir, hash)), syncDir(filepath.Join(s.dir, HandedDir)))
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// forget ends what is noted of an attachment, unless somebody handed it over anew.
func (s *Store) forget(hash string, before time.Time) error {
	dir := filepath.Join(s.dir, HandedDir, hash)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil || !info.ModTime().Before(before):
		return err
	}
	return os.RemoveAll(dir)
}

// Handed reports whether an account handed over the attachment with a hash.
func (s *Store) Handed(hash, login string) (bool, error) {
	if !isHash(hash) {
		return false, nil
	}
	_, err := s.root.Stat(handed(hash, login))
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return err == nil, nil
	}
	return false, unavailable(err)
}

func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// Get opens an attachment by its hash. ticket.NotFound when it is not there.
func (s *Store) Get(hash string) (io.ReadSeekCloser, error) {
	if !isHash(hash) {
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

// Ref describes what is kept under a hash as Put did. ticket.NotFound when it is not there.
func (s *Store) Ref(hash string) (ticket.MediaRef, error) {
	f, err := s.Get(hash)
	if err != nil {
		return ticket.MediaRef{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	head := make([]byte, sniffSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return ticket.MediaRef{}, unavailable(err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return ticket.MediaRef{}, unavailable(err)
	}
	return ticket.MediaRef{SHA256: hash, Size: size, MIME: mimetype.Detect(head[:n]).String(), Fetched: true}, nil
}

// Each calls each with the hash of every attachment that was last kept before a time.
func (s *Store) Each(before time.Time, each func(hash string) error) error {
	folders, err := filepath.Glob(filepath.Join(s.dir, "[0-9a-f][0-9a-f]"))
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return fmt.Errorf("media: %w", err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if errors.Is(err, os.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
				continue
			}
			if err == nil {
				err = each(e.Name())
			}
			if err != nil {
				return fmt.Errorf("media: %s: %w", e.Name(), err)
			}
		}
	}
	return nil
}

// Remove removes an attachment that was last kept before a time, and reports whether it did. One that is
// being kept anew at this moment stays.
func (s *Store) Remove(hash string, before time.Time) (bool, error) {
	path, aside := filepath.Join(s.dir, hash[:2], hash), filepath.Join(s.dir, "tmp", "out-"+hash[:8]+"-"+rand.Text())
	// Set aside first: who keeps the same content meanwhile puts a whole new file in its place.
	if err := os.Rename(path, aside); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return true, nil
		}
		return false, fmt.Errorf("media: %w", err)
	}
	info, err := os.Stat(aside)
	if err == nil && !info.ModTime().Before(before) {
		return false, os.Rename(aside, path)
	}
	if err == nil {
		err = errors.Join(os.Remove(aside), s.forget(hash, before))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) { // whoever opens the folder clears it of old files
		return false, fmt.Errorf("media: %w", err)
	}
	return true, nil
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
