package classify_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/classify"
)

// sealed gives a body the checksum that makes a file of it.
func sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(slices.Clone(body), sum[:]...)
}

func TestDamagedFilesAreRefused(t *testing.T) {
	t.Parallel()
	good := file(t, train(t, ownWords(t)))
	body := good[:len(good)-sha256.Size]
	changed := func(at int, b byte) []byte {
		c := slices.Clone(good)
		c[at] = b
		return c
	}
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"empty":              {nil, "does not begin with HLCM"},
		"something else":     {[]byte("PK\x03\x04" + strings.Repeat("x", 100)), "does not begin with HLCM"},
		"a newer version":    {changed(4, 9), "it is of version 9, and this program reads version 1"},
		"one bit":            {changed(len(good)/2, good[len(good)/2]^1), "checksum does not fit"},
		"cut off":            {good[:len(good)-1], "checksum does not fit"},
		"too large":          {make([]byte, classify.MaxFile+1), "larger than 8388608 bytes"},
		"cut off and sealed": {sealed(body[:len(body)-3]), "it ends early"},
		"longer and sealed":  {sealed(append(slices.Clone(body), 0)), "something stands behind its end"},
		"only the head":      {sealed(body[:5]), "its day cannot be right"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := classify.Parse(tt.file)
			if !errors.Is(err, classify.ErrFile) || !strings.Contains(err.Error(), tt.want) || m != nil {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// FuzzParse makes files of any body, with the checksum that fits: what is read as a model judges texts and
// is the same model when it is written again.
func FuzzParse(f *testing.F) {
	good := file(f, train(f, ownWords(f)[:48]))
	f.Add(good[:len(good)-sha256.Size])
	f.Add([]byte("HLCM\x01"))
	f.Add([]byte("HLCM\x01\x00\x02\x02\x01a\x01b" + strings.Repeat("\x00\x00\x00\x3f", 5) + "\x00\x00\x01\x07\x01\x02\x00\x7f\x01\x81"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := classify.Parse(sealed(body))
		if err != nil {
			if !errors.Is(err, classify.ErrFile) {
				t.Fatalf("error %v", err)
			}
			return
		}
		for _, c := range m.Classify(nil, message, 5) {
			if !(c.Confidence >= 0 && c.Confidence <= 1) {
				t.Fatalf("confidence %g", c.Confidence)
			}
		}
		classify.NewClassifier(m, 0.97).Read(message)
		first := file(t, m)
		again, err := classify.Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file(t, again), first) {
			t.Fatal("written again it is another model")
		}
	})
}
