// Package sender speaks to the destinations of pages: one small file for each kind. A sender tries once; waiting,
// trying again and giving up are internal/outbox's.
//
// Errors name the destination and what it answered. They never hold a token, a secret, or an address that has one
// in it.
package sender

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/citizen-hotline/gateway/internal/paging"
)

// Sender sends one page.
type Sender interface {
	Send(ctx context.Context, m *paging.Message) error
}

// Deps are what senders are lent.
type Deps struct {
	HTTP   *http.Client // refuses private networks unless the pack allows the host
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Secret func(ref string) (string, error)
	Wall   func() time.Time // the world's clock, for signatures
	Roots  *x509.CertPool   // who may vouch for mail servers; nil: whom the machine trusts
}

// RefusalError is what a destination answered when it did not take a page.
type RefusalError struct {
	Destination string
	Code        string // the platform's own: an HTTP status, an errcode
	Message     string // the platform's own words, cut
	Final       bool   // trying again would bring the same
}

// Error names the destination, the code and the platform's words.
func (f *RefusalError) Error() string {
	s := fmt.Sprintf("sender: %s refused the page (%s)", f.Destination, f.Code)
	if f.Message != "" {
		s += ": " + f.Message
	}
	return s
}

// New makes the sender of a destination. Secrets are read now, so that a changed one counts with the next page.
func New(d *paging.Destination, deps Deps) (Sender, error) {
	b := base{d: d, deps: deps}
	var err error
	if b.address, err = b.resolve(d.URL); err == nil && d.Token != "" {
		b.token, err = deps.Secret(d.Token)
	}
	if err == nil && d.Secret != "" {
		b.secret, err = deps.Secret(d.Secret)
	}
	if err != nil {
		return nil, fmt.Errorf("sender: %s: %w", d.ID, err)
	}
	switch d.Kind {
	case paging.Webhook:
		return webhook{b}, nil
	case paging.DingTalk:
		return dingtalk{b}, nil
	case paging.WeCom:
		return wecom{b}, nil
	case paging.Feishu:
		return feishu{b}, nil
	case paging.Mail:
		return mailer{b}, nil
	case paging.SMS:
		return texter{b}, nil
	case paging.Alertmanager:
		return alertmanager{b}, nil
	default:
		return nil, fmt.Errorf("sender: %s: kind %q is not known", d.ID, d.Kind)
	}
}

// base is what all senders have.
type base struct {
	d                      *paging.Destination
	deps                   Deps
	address, token, secret string
}

// resolve is an address, or the secret one that a reference names.
func (b *base) resolve(address string) (string, error) {
	if u, err := url.Parse(address); address == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return address, nil
	}
	return b.deps.Secret(address)
}

// maxAnswer bounds what is read of an answer, bytes.
const maxAnswer = 64 << 10

// do sends a request and gives the answer of a status of 2xx. Its errors leave out the address: there are tokens
// in some.
func (b *base) do(req *http.Request) ([]byte, error) {
	req.Header.Set("User-Agent", "hotline")
	resp, err := b.deps.HTTP.Do(req) //nolint:gosec // the pack names the address, and the client enters no private network unasked
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, fmt.Errorf("sender: %s did not answer: %w", b.d.ID, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("sender: %s: its answer broke off", b.d.ID)
	}
	if resp.StatusCode/100 != 2 {
		return nil, &RefusalError{Destination: b.d.ID, Code: fmt.Sprintf("HTTP %d", resp.StatusCode), Final: resp.StatusCode == http.StatusGone}
	}
	return body, nil
}

// post sends JSON.
func (b *base) post(ctx context.Context, address string, body any) ([]byte, error) {
	text, err := marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := b.request(ctx, http.MethodPost, address, text)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	return b.do(req)
}

func (b *base) request(ctx context.Context, method, address string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, &RefusalError{Destination: b.d.ID, Code: "address", Message: "the address cannot be read; mend url or the secret it names", Final: true}
	}
	return req, nil
}

// marshal writes < and > as they are: the platforms count bytes.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// with adds to the query of an address.
func with(address string, values url.Values) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // the request says so
	}
	q := u.Query()
	maps.Copy(q, values)
	u.RawQuery = q.Encode()
	return u.String()
}

// judge reads a platform's answer: HTTP 200 with a code that is not 0 is a refusal.
func (b *base) judge(body []byte, code, words string) error {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return &RefusalError{Destination: b.d.ID, Code: "answer", Message: "is not JSON"}
	}
	raw, has := answer[code]
	if !has {
		return &RefusalError{Destination: b.d.ID, Code: "answer", Message: "has no " + code}
	}
	if s := string(raw); s != "0" {
		var message string
		_ = json.Unmarshal(answer[words], &message) // without words the code must do
		return &RefusalError{Destination: b.d.ID, Code: code + " " + s, Message: short(message)}
	}
	return nil
}

func short(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 120)])
}
