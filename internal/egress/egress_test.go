package egress

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestPrivateHostsNeedThePacksWord(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(server.Close)

	var allowed []string
	client := Client(5*time.Second, func() []string { return allowed })
	if _, err := client.Get(server.URL); !errors.Is(err, ErrForbidden) { //nolint:bodyclose // no response comes back
		t.Fatalf("loopback without leave: %v", err)
	}
	allowed = []string{"127.0.0.1"}
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatalf("an allowed host was refused: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/", http.StatusFound))
	t.Cleanup(server.Close)
	resp, err := Client(5*time.Second, func() []string { return []string{"127.0.0.1"} }).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing to do about it
	if resp.StatusCode != http.StatusFound {
		t.Errorf("status %d: the redirect was followed", resp.StatusCode)
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2400:3200::1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "::1": false, "fe80::1": false, "fc00::1": false, "224.0.0.1": false, "64:ff9b::a00:1": false,
		"::7f00:1": false, "64:ff9b:1::a00:1": false, "2001::1": false, "2002:a00:1::1": false, "fec0::1": false, "fe80::1%eth0": false, "64:ff9b::a00:1%eth0": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) = %v, want %v", address, got, want)
		}
	}
}
