package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

// source is where recordings are fetched from.
type source struct {
	url   *url.URL // nil when settings name none
	token string
	http  *http.Client
	now   func() time.Time
}

func newSource(prefix string, token adapters.SecretRef, d adapters.Deps) (source, error) {
	s := source{http: d.HTTP, now: d.Now}
	if prefix != "" {
		u, err := url.Parse(prefix)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return s, fmt.Errorf("recordings_url: %q is no address; write https://host/folder", prefix)
		}
		s.url = u
	}
	if token == "" {
		return s, nil
	}
	if s.url == nil || s.url.Scheme != "https" {
		return s, errors.New("recordings_token: it is sent only to the host of recordings_url; set that to an https address")
	}
	var err error
	if s.token, err = d.Secret(token); err != nil {
		return s, fmt.Errorf("recordings_token: %w", err)
	}
	return s, nil
}

// Fetch brings a recording home. Errors: ticket.NotFound when the exchange no longer has it, which is
// final; ticket.Unavailable when it is worth another try.
func (p *phone) Fetch(ctx context.Context, ref ticket.MediaRef) (io.ReadCloser, error) {
	s := p.source
	if ref.Expires > 0 && s.now().UnixMilli() > ref.Expires {
		return nil, ticket.Errorf(ticket.NotFound, "media.expired", "the exchange kept the recording until %s", time.UnixMilli(ref.Expires).UTC().Format(time.RFC3339))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ref.Ref, nil)
	if err != nil {
		return nil, ticket.Errorf(ticket.NotFound, "media.address", "the address of the recording cannot be read")
	}
	if s.token != "" && req.URL.Scheme == s.url.Scheme && req.URL.Host == s.url.Host {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, ticket.Errorf(ticket.Unavailable, "media.unreachable", "the recording cannot be fetched now").Because(err)
	}
	switch html := strings.HasPrefix(res.Header.Get("Content-Type"), "text/html"); {
	case res.StatusCode == http.StatusNotFound, res.StatusCode == http.StatusGone:
		err = ticket.Errorf(ticket.NotFound, "media.gone", "the exchange answered %d for the recording", res.StatusCode)
	case res.StatusCode != http.StatusOK:
		err = ticket.Errorf(ticket.Unavailable, "media.status", "the exchange answered %d for the recording", res.StatusCode)
	case html: // a log-in page in place of the file
		err = ticket.Errorf(ticket.Unavailable, "media.html", "the exchange answered with a page instead of the recording; check recordings_token")
	default:
		return res.Body, nil
	}
	return nil, errors.Join(err, res.Body.Close())
}
