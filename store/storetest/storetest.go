// Package storetest is the one suite every engine of package store passes. It is made for tests
// only and knows no engine.
package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Run runs the suite. open gives each test an empty store that is closed when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, group := range []map[string]func(*testing.T, func(*testing.T) store.Store){commitTests, listTests, outboxTests, pageTests, accountTests, retentionTests, dutyTests} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, open)
			})
		}
	}
}

// same compares values as the store promises them: an empty list and none are the same.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// kind asks for an error of a kind and, unless code is empty, a code.
func kind(t *testing.T, what string, err error, want ticket.ErrorKind, code string) {
	t.Helper()
	if !ticket.IsKind(err, want) {
		t.Fatalf("%s: error is %v (%s), want kind %s", what, err, ticket.KindOf(err), want)
	}
	if got := codeOf(err); code != "" && got != code {
		t.Errorf("%s: code is %s, want %s", what, got, code)
	}
}
