package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// HTTP is the door of a gateway on the network.
type HTTP struct {
	endpoint string
	token    string
	client   *http.Client
}

// patience is how long one report may take over the network.
const patience = time.Minute

// NewHTTP is the door of a channel at a gateway's address. The token is sent to that address only:
// redirects are not followed.
func NewHTTP(address, channel, token string) (*HTTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("--to %q is not the address of a gateway: write http://127.0.0.1:8080", address)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: InFlight, MaxConnsPerHost: InFlight, IdleConnTimeout: patience}
	return &HTTP{
		endpoint: u.JoinPath("channels", channel).String(), token: token,
		client: &http.Client{Timeout: patience, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Close lets go of the connections.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// reply is what the form channel answers: a receipt, or a problem document.
type reply struct {
	Status json.RawMessage `json:"status"` // a word in a receipt, a number in a problem
	Title  string          `json:"title"`
	Detail string          `json:"detail"`
	Errors []ticket.Field  `json:"errors"`
}

// Take posts one report. Errors: the gateway has no such channel, or does not know us.
func (h *HTTP) Take(ctx context.Context, r Report) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.endpoint, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return Answer{Result: Busy, Text: "the gateway does not answer: " + err.Error()}, nil // it may come back
	}
	defer resp.Body.Close() //nolint:errcheck // read below
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{Result: Busy, Text: "the answer was cut off: " + err.Error()}, nil // the same report again is safe
	}
	var said reply
	_ = json.Unmarshal(text, &said) // a proxy's page says nothing to us: the status does
	return h.read(resp, said)
}

func (h *HTTP) read(resp *http.Response, said reply) (Answer, error) {
	why := said.Title
	if said.Detail != "" {
		why = said.Detail
	}
	if why == "" {
		why = resp.Status
	}
	accepted := string(said.Status) == `"accepted"`
	switch code := resp.StatusCode; {
	case code == http.StatusCreated && accepted:
		return Answer{Result: Imported}, nil
	case code == http.StatusOK && accepted:
		return Answer{Result: Skipped}, nil
	case code == http.StatusOK || code == http.StatusAccepted:
		return Answer{Result: Rejected, Text: "网关已收下，但未成为工单：" + strings.Trim(string(said.Status), `"`)}, nil
	case code == http.StatusConflict:
		return Answer{Result: Rejected, Text: Conflict}, nil
	case code == http.StatusBadRequest, code == http.StatusUnprocessableEntity, code == http.StatusRequestEntityTooLarge:
		return Answer{Result: Rejected, Text: why, Fields: said.Errors}, nil
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return Answer{}, fmt.Errorf("%s does not let us in (%d): give the channel's secret with --token or HOTLINE_IMPORT_SECRET", h.endpoint, code)
	case code == http.StatusTooManyRequests, code >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return Answer{Result: Busy, Text: why, RetryAfter: time.Duration(max(seconds, 0)) * time.Second}, nil
	default:
		return Answer{}, fmt.Errorf("%s answers %s: is this a gateway whose city pack has that channel?", h.endpoint, resp.Status)
	}
}

// Conflict is the word for a number that is known with other content.
const Conflict = "该编号已导入过，但内容不同：如是另一来源，请用 --source 区分"
