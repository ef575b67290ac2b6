package media

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

func open(t *testing.T, most int64) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "media")
	s, err := Open(dir, most)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

var png = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0}, 100)...)

func TestWhatIsPutCanBeReadByItsHash(t *testing.T) {
	t.Parallel()
	s, dir := open(t, 1000)
	ref, err := s.Put(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	if ref.MIME != "image/png" || ref.Size != int64(len(png)) || !ref.Fetched {
		t.Errorf("kept as %+v", ref)
	}
	again, err := s.Put(bytes.NewReader(png))
	if err != nil || again != ref {
		t.Errorf("the same content again: %+v, %v", again, err)
	}
	f, err := s.Get(ref.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, png) {
		t.Errorf("read back %d bytes, %v", len(got), err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("%d temporary files left, %v", len(left), err)
	}
}

func TestLimitsAndStrangers(t *testing.T) {
	t.Parallel()
	s, dir := open(t, 10)
	for name, c := range map[string]struct {
		content string
		want    ticket.ErrorKind
	}{"too large": {"12345678901", ticket.TooLarge}, "empty": {"", ticket.Invalid}} {
		if _, err := s.Put(strings.NewReader(c.content)); ticket.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Put(strings.NewReader("1234567890")); err != nil {
		t.Errorf("as large as allowed: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{"", "../secret", strings.Repeat("a", 64), strings.Repeat("A", 64), "..%2fsecret"} {
		if _, err := s.Get(hash); !ticket.IsKind(err, ticket.NotFound) {
			t.Errorf("Get(%q): %v", hash, err)
		}
	}
}

func TestTheSameAttachmentFromManyAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t, 1000)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := s.Put(bytes.NewReader(png)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestABrokenDiskKeepsNothing(t *testing.T) {
	t.Parallel()
	s, dir := open(t, 1000)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(bytes.NewReader(png)); !ticket.IsKind(err, ticket.Unavailable) {
		t.Errorf("without its folder: %v", err)
	}
}

func TestOldAttachmentsGoUnlessTheyCameAgain(t *testing.T) {
	t.Parallel()
	s, dir := open(t, 1000)
	noon := time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
	put := func(content string, at time.Time) string {
		ref, err := s.Put(strings.NewReader(content))
		if err == nil {
			err = os.Chtimes(filepath.Join(dir, ref.SHA256[:2], ref.SHA256), at, at)
		}
		if err != nil {
			t.Fatal(err)
		}
		return ref.SHA256
	}
	old, young := put("old", noon.Add(-time.Hour)), put("young", noon)
	var found []string
	if err := s.Each(noon, func(hash string) error { found = append(found, hash); return nil }); err != nil || len(found) != 1 || found[0] != old {
		t.Errorf("older than noon are %v, %v; want %s", found, err, old)
	}
	for hash, want := range map[string]bool{old: true, young: false} {
		if gone, err := s.Remove(hash, noon); err != nil || gone != want {
			t.Errorf("removed %t, %v; want %t", gone, err, want)
		}
		f, err := s.Get(hash)
		if (err == nil) == want {
			t.Errorf("after the removal: %v", err)
		}
		if err == nil {
			_ = f.Close()
		}
	}
	if gone, err := s.Remove(old, noon); err != nil || !gone {
		t.Errorf("removed again: %t, %v", gone, err)
	}
}

// What another gateway is writing is left alone; what a crash left is not.
func TestWhatACrashLeftIsCleared(t *testing.T) {
	t.Parallel()
	s, dir := open(t, 1000)
	noon := time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
	for name, at := range map[string]time.Time{"in-1": noon, "in-2": noon.Add(-time.Second)} {
		path := filepath.Join(dir, "tmp", name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Clear(noon); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) != 1 || left[0].Name() != "in-1" {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestWhoHandedAnAttachmentOverIsKeptAsLongAsIt(t *testing.T) {
	t.Parallel()
	s, dir := open(t, 1000)
	ref, err := s.Put(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	is := func(login string, want bool) {
		t.Helper()
		if got, err := s.Handed(ref.SHA256, login); err != nil || got != want {
			t.Errorf("%q handed it over: %t, %v", login, got, err)
		}
	}
	is("zhang", false)
	for range 2 {
		if err := s.Hand(ref.SHA256, "zhang"); err != nil {
			t.Fatal(err)
		}
	}
	is("zhang", true)
	is("li", false)
	if got, err := s.Handed("../../etc/passwd", "zhang"); got || err != nil {
		t.Errorf("no hash was handed over: %t, %v", got, err)
	}
	var hashes []string
	later := time.Now().Add(time.Hour)
	if err := s.Each(later, func(hash string) error { hashes = append(hashes, hash); return nil }); err != nil || len(hashes) != 1 {
		t.Errorf("there are %v, %v", hashes, err)
	}
	if gone, err := s.Remove(ref.SHA256, later); !gone || err != nil {
		t.Fatalf("removed %t, %v", gone, err)
	}
	is("zhang", false)
	if left, err := os.ReadDir(filepath.Join(dir, HandedDir)); err != nil || len(left) != 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}
