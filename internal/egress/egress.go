// Package egress is the one way out of the gateway, over HTTP and to mail servers. It refuses addresses inside the
// city's own networks (loopback, private, link-local and the like) unless the pack allows the
// host by name, follows no redirects and bounds time and connections: what a sender or citizen
// can choose must not become a way in.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// ErrForbidden means that the address is in a network we do not send to.
var ErrForbidden = errors.New("egress: the host is in a private network and the pack does not allow it (allow_hosts)")

// Client makes an HTTP client. allowed lists the hosts, as written in URLs, that may lie in
// private networks; it is asked at each connection, so that a reload counts at once.
func Client(timeout time.Duration, allowed func() []string) *http.Client {
	transport := &http.Transport{
		DialContext:           Dialer(allowed),
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: timeout,
		MaxIdleConnsPerHost:   4,
		MaxConnsPerHost:       16,
		IdleConnTimeout:       time.Minute,
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Dialer opens connections by the same rules, for what does not speak HTTP.
func Dialer(allowed func() []string) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(ctx, dialer, network, address, allowed())
	}
}

// dial resolves the host itself and connects to the very address it checked, so that a name
// cannot answer differently the second time.
func dial(ctx context.Context, d *net.Dialer, network, address string, allowed []string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("egress: address %q: %w", address, err)
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	free := slices.Contains(allowed, host)
	failed := ErrForbidden
	for _, a := range addresses {
		if !free && !public(a.Unmap()) {
			continue
		}
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

// closed are networks besides those netip names: shared address space (RFC 6598), protocol
// assignments, documentation and benchmarks (RFC 6890), and those IPv6 networks that stand for an IPv4
// address, ours perhaps: compatible (RFC 4291), NAT64 (RFC 6052, RFC 8215), Teredo, 6to4.
var closed = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("3fff::/20"),
}

func public(a netip.Addr) bool {
	a = a.WithZone("") // a network never contains an address with a zone
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(a) })
}
