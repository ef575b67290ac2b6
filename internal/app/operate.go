package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/all"
	"github.com/citizen-hotline/gateway/config"
)

// Health asks a gateway whether it can take deliveries.
func Health(ctx context.Context, address, listen string) error {
	if address == "" {
		host, port, err := net.SplitHostPort(listen)
		if err != nil {
			return fmt.Errorf("--listen %q: %w", listen, err)
		}
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		address = "http://" + net.JoinHostPort(host, port)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(address, "/")+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("not ready (%d): %s", resp.StatusCode, bytes.TrimSpace(why))
	}
	return nil
}

// ReloadNow reloads the pack and logs what came of it.
func (a *App) ReloadNow(ctx context.Context) {
	if err := errors.Join(a.Reload(ctx), a.openShadow(ctx)); err != nil {
		a.log.ErrorContext(ctx, "reload refused", slog.Any("error", err))
	}
}

// Greet prints where the gateway is, and in a demo how to get in and what to try.
func (a *App) Greet(ctx context.Context) {
	if a.options.Out == nil {
		return
	}
	c := a.live.Get()
	fmt.Fprintf(a.options.Out, "%s  %s  %d 个渠道  城市包 %s\n", a.options.PublicURL, c.Title, len(c.Channels), c.Hash[:12])
	if !a.options.Demo {
		return
	}
	users := demoAccountsOf(c)
	if err := a.demoAccounts(ctx, users); err != nil {
		a.log.ErrorContext(ctx, "demo accounts", slog.Any("error", err))
		return
	}
	fmt.Fprintf(a.options.Out, "\n演示：时钟从 %s 起，以 %.0f 倍速运行\n\n  账号            角色\n", a.clock.start.In(c.Zone).Format("2006-01-02 15:04"), a.clock.speed)
	for _, u := range users {
		fmt.Fprintf(a.options.Out, "  %-14s  %s\n", u.Login, u.Name)
	}
	fmt.Fprintf(a.options.Out, `
  密码均为 %s （仅限演示，只在本机可用）

Try next, in a second terminal:
  bin/hotline demo --to %s          send the storm day
  curl %s/readyz
  open %s/duty                    who is on duty, alerts by the line; sign in as duty
  open %s/api/v1/docs             the API
`, demoPassword, a.options.PublicURL, a.options.PublicURL, a.options.PublicURL, a.options.PublicURL)
}

// ListAdapters prints the adapters of this build.
func ListAdapters(asJSON bool, out io.Writer) error {
	registry, err := adapters.NewRegistry(all.Specs()...)
	if err != nil {
		return err
	}
	if asJSON {
		type entry struct {
			Name, Title, Doc string
			Fields           []adapters.Field
		}
		var list []entry
		for _, s := range registry.Specs() {
			list = append(list, entry{s.Name, s.Title, s.Doc, s.Fields})
		}
		return json.NewEncoder(out).Encode(list)
	}
	for _, s := range registry.Specs() {
		fmt.Fprintf(out, "%s  %s\n    %s\n", s.Name, s.Title, s.Doc)
		for _, f := range s.Fields {
			required := ""
			if f.Required {
				required = "（必填）"
			}
			fmt.Fprintf(out, "    %-14s %-8s %s%s\n", f.Name, f.Type, f.Title, required)
		}
	}
	return nil
}

// TryAdapter reads a recorded HTTP request as a channel of the pack would, and prints the requests
// it makes of it and the acknowledgement it would send. Nothing is stored or sent.
func TryAdapter(dir, channel, file, at string, unverified bool, out io.Writer) error {
	registry, err := adapters.NewRegistry(all.Specs()...)
	if err != nil {
		return err
	}
	p, err := config.LoadDir(dir)
	if err != nil {
		return err
	}
	log, err := newLog(Options{})
	if err != nil {
		return err
	}
	secrets := config.Secrets{Getenv: os.Getenv, Demo: true}
	c, err := buildCity(p, lend{registry: registry, secret: secrets.Resolve, log: log, now: time.Now})
	if err != nil {
		return err
	}
	ch, ok := c.Channels[channel]
	if !ok {
		return fmt.Errorf("pack %s has no channel %q", p.City.ID, channel)
	}
	in, err := recordedRequest(file, channel, at)
	if err != nil {
		return err
	}
	opened := in
	if o, can := ch.Adapter.(adapters.Opener); can && !unverified {
		if opened, err = o.Open(in); err != nil {
			return fmt.Errorf("open: %w", err)
		}
	}
	if h, can := ch.Adapter.(adapters.Handshaker); can {
		if reply, done := h.Handshake(opened); done {
			fmt.Fprintf(out, "handshake: %d %s\n", reply.Status, reply.Body)
			return nil
		}
	}
	requests, err := ch.Adapter.Normalize(opened)
	if err != nil {
		return fmt.Errorf("normalize: %w", err)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(requests); err != nil {
		return err
	}
	if a, can := ch.Adapter.(adapters.Acknowledger); can {
		reply := a.Acknowledge(in, adapters.Outcome{
			Result: adapters.Accepted, Delivery: "receipt", At: in.ReceivedAt, Nonce: "0123456789abcdef",
			Tickets: []adapters.TicketRef{{Number: c.Prefix + "0000000000000", Code: "ABC234"}}, Text: "（答复文本）",
		})
		fmt.Fprintf(out, "acknowledgement: %d\n%s\n", reply.Status, reply.Body)
	}
	return nil
}

// recordedRequest reads a file that holds a raw HTTP request; the body is every byte after the
// blank line.
func recordedRequest(file, channel, at string) (adapters.Inbound, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the operator's own argument
	if err != nil {
		return adapters.Inbound{}, err
	}
	receivedAt := time.Now().UTC()
	if at != "" {
		if receivedAt, err = time.Parse(time.RFC3339, at); err != nil {
			return adapters.Inbound{}, fmt.Errorf("--at: %w", err)
		}
	}
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found {
		if head, body, found = bytes.Cut(raw, []byte("\n\n")); !found {
			return adapters.Inbound{}, fmt.Errorf("%s has no blank line between headers and body", file)
		}
	}
	head = append(bytes.ReplaceAll(bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n")), "\r\n\r\n"...)
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return adapters.Inbound{}, fmt.Errorf("%s: %w", file, err)
	}
	if err := req.Body.Close(); err != nil {
		return adapters.Inbound{}, err
	}
	path := "/" + strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, "/channels/"+channel), "/")
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return adapters.Inbound{}, errors.Join(errors.New("query"), err)
	}
	return adapters.Inbound{
		Channel: channel, Method: req.Method, Path: path, URL: req.RequestURI, Query: query, Header: req.Header,
		Body: body, RemoteIP: netip.MustParseAddr("127.0.0.1"), ReceivedAt: receivedAt,
	}, nil
}
