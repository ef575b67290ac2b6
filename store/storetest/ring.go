package storetest

import (
	"crypto/rand"
	"testing"

	"github.com/citizen-hotline/gateway/internal/seal"
)

// Ring makes the keys of a new city.
func Ring(t testing.TB) *seal.Ring {
	t.Helper()
	f, err := seal.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
