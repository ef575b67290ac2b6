package api

import (
	"net/url"
	"strings"
	"testing"
)

// Wherever a page is asked to lead on to, it leads to the duty room of this very host.
func FuzzOwnPath(f *testing.F) {
	for _, s := range []string{"/duty", "/duty/brief?at=2026-07-13T08:00:00%2B08:00", "//evil.example/duty", "https://evil.example/duty", "/duty/../login", `/\evil.example`, "/duty\r\nSet-Cookie: a=b", "javascript:alert(1)", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ownPath(s)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/duty") || strings.ContainsAny(got, "\r\n\\") {
			t.Errorf("ownPath(%q) = %q, %v", s, got, err)
		}
	})
}
