package app

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/media"
)

// Who handed an attachment over is noted beside the attachments and is none: a backup must not take the note for a damaged one.
func TestABackupTakesAttachmentsAlone(t *testing.T) {
	t.Parallel()
	from, to := filepath.Join(t.TempDir(), "media"), filepath.Join(t.TempDir(), "media")
	s, err := media.Open(from, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // only written to
	ref, err := s.Put(strings.NewReader("%PDF-1.7 委托书"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Hand(ref.SHA256, "zhang"); err != nil {
		t.Fatal(err)
	}
	if n, err := copyMedia(t.Context(), from, to, Report{Out: io.Discard}); n != 1 || err != nil {
		t.Errorf("%d were taken, %v", n, err)
	}
}
