package seal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ring(t *testing.T) (*Ring, File) {
	t.Helper()
	f, err := Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	return r, f
}

func TestSealedValueOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	r, _ := ring(t)
	plain := []byte("王女士 13800000000")
	sealed, err := r.Seal(plain, []byte("ticket/1"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain[:6]) {
		t.Fatal("the name is readable")
	}
	if got, err := r.Open(sealed, []byte("ticket/1")); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("Open = %q, %v", got, err)
	}
	if _, err := r.Open(sealed, []byte("ticket/2")); err == nil {
		t.Error("a value moved to another row opened")
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := r.Open(bad, []byte("ticket/1")); err == nil {
			t.Errorf("a value with byte %d flipped opened", i)
		}
	}
}

func TestKeysRotateAndGo(t *testing.T) {
	t.Parallel()
	r, f := ring(t)
	old, err := r.Seal([]byte("甲"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Keys[2], f.Current = bytes.Repeat([]byte{7}, 32), 2
	both, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := both.Seal([]byte("乙"), nil)
	if KeyOf(old) != 1 || KeyOf(fresh) != 2 {
		t.Errorf("keys %d and %d, want 1 and 2", KeyOf(old), KeyOf(fresh))
	}
	if _, err := both.Open(old, nil); err != nil {
		t.Errorf("the old key no longer opens: %v", err)
	}
	if !bytes.Equal(r.Index("phone", "13800000000"), both.Index("phone", "13800000000")) {
		t.Error("rotation changed the search index")
	}
	delete(f.Keys, 1)
	left, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := left.Open(old, nil); !errors.Is(err, ErrKey) {
		t.Errorf("a destroyed key gives %v, want ErrKey", err)
	}
}

func TestKeyFileIsPrivate(t *testing.T) {
	t.Parallel()
	_, f := ring(t)
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := Save(path, f); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, f); err == nil {
		t.Error("Save overwrote the keys of a city")
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file others can read: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	file, err := Generate(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	r, err := New(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := r.Open(b, nil); err == nil && len(b) > 0 {
			t.Fatalf("opened garbage as %q", plain)
		}
	})
}

// A key that is destroyed is out of the file for good, and a ring in use lets it go; one that is only missing it
// does not.
func TestKeysAreDestroyed(t *testing.T) {
	t.Parallel()
	r, f := ring(t)
	old, err := r.Seal([]byte("甲"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = f.Add(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if err := r.Replace(f); err != nil || r.Current() != 1 {
		t.Fatalf("a key made ready seals: %d, %v", r.Current(), err)
	}
	if r.Use(3) {
		t.Fatal("a key that is not there seals")
	}
	if _, err := r.Seal([]byte("甲"), nil); !errors.Is(err, ErrBehind) || r.Behind() == nil {
		t.Errorf("it seals with an older key than the city's: %v", err)
	}
	r, _ = New(f)
	if !r.Use(2) || !r.Use(1) || r.Current() != 2 || r.Behind() != nil {
		t.Fatalf("key %d seals, want 2", r.Current())
	}
	if err := r.Replace(f); err != nil || r.Current() != 2 {
		t.Fatalf("a file that is behind turned the seal back to %d: %v", r.Current(), err)
	}
	f.Current = 2
	gone := f.Destroy()
	missing := gone
	missing.Destroyed = nil
	if err := r.Replace(missing); err == nil {
		t.Error("a key that is missing went unnoticed")
	}
	if err := r.Replace(gone); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(old, nil); !errors.Is(err, ErrKey) {
		t.Errorf("the destroyed key: %v, want ErrKey", err)
	}
	if len(f.Keys) != 2 || len(gone.Keys) != 1 || len(gone.Destroyed) != 1 || gone.Destroyed[0] != 1 {
		t.Errorf("of %d keys %d are left, %v destroyed", len(f.Keys), len(gone.Keys), gone.Destroyed)
	}
}
