package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// maxAPIReply bounds what is read of a JSON answer, bytes.
const maxAPIReply = 64 << 10

// tokenMargin is how long before its end a token is no longer used.
const tokenMargin = 5 * time.Minute

// Error codes of the API that we act on.
const (
	codeBusy         = -1
	codeTokenInvalid = 40001
	codeMediaInvalid = 40007
	codeTokenBad     = 40014
	codeTokenMissing = 41001
	codeTokenExpired = 42001
	codeDailyQuota   = 45009
	codeTooFast      = 45011
	codeWindowOver   = 45015 // the citizen was silent for longer than 48 hours
	codeWindowCount  = 45047 // all replies of the window are used up
)

// client calls the platform. It never shows a URL in an error, because the token stands in it.
type client struct {
	http    *http.Client
	api     string
	appID   string
	secret  string
	now     func() time.Time
	lock    chan struct{} // held while token and expires are read or renewed: one renewal at a time
	token   string
	expires time.Time
}

func newClient(d adapters.Deps, api, appID, secret string) *client {
	return &client{http: d.HTTP, api: strings.TrimSuffix(api, "/"), appID: appID, secret: secret, now: d.Now, lock: make(chan struct{}, 1)}
}

// Reply sends a text through the customer-service interface, which is open for 48 hours after
// the citizen's last message. Errors: ticket.Conflict "reply.window_closed" when the window is
// over or used up, ticket.TooMany, ticket.Unavailable.
func (c *caller) Reply(ctx context.Context, to ticket.ReplyHandle, m ticket.Message) (adapters.Receipt, error) {
	if to.Until != 0 && c.api.now().UnixMilli() > to.Until {
		return adapters.Receipt{}, errWindow()
	}
	words := joinLines(m.Title, m.Text)
	if words == "" {
		return adapters.Receipt{}, ticket.Errorf(ticket.Invalid, "reply.empty", "a reply needs a text")
	}
	words, _ = text.Clean(words, maxReply)
	body, err := encode(sendRequest{ToUser: to.Address, MsgType: "text", Text: sendContent{words}})
	if err != nil {
		return adapters.Receipt{}, err
	}
	err = c.api.withToken(ctx, func(token string) (int, error) {
		var r apiError
		err := c.api.post(ctx, "/cgi-bin/message/custom/send?access_token="+url.QueryEscape(token), body, &r)
		return r.Code, err
	})
	return adapters.Receipt{}, err
}

func errWindow() error {
	return ticket.Errorf(ticket.Conflict, "reply.window_closed", "WeChat takes no more replies to this citizen: 48 hours have passed since the last message, or five replies were sent")
}

// Fetch opens a picture, recording or video. The platform keeps them for three days.
// Errors: ticket.NotFound when it is gone, ticket.Unavailable.
func (c *caller) Fetch(ctx context.Context, ref ticket.MediaRef) (io.ReadCloser, error) {
	if strings.HasPrefix(ref.Ref, "http://") || strings.HasPrefix(ref.Ref, "https://") { // PicUrl
		return c.api.download(ctx, ref.Ref)
	}
	var content io.ReadCloser
	err := c.api.withToken(ctx, func(token string) (int, error) {
		kind, body, err := c.api.get(ctx, c.api.api+"/cgi-bin/media/get?access_token="+url.QueryEscape(token)+"&media_id="+url.QueryEscape(ref.Ref))
		if err != nil {
			return 0, err
		}
		// Errors and the address of a video come as JSON, with status 200.
		if kind != "application/json" && kind != "text/plain" {
			content = body
			return 0, nil
		}
		var r mediaReply
		if err := readReply(body, &r); err != nil || r.Code != 0 {
			return r.Code, err
		}
		if r.VideoURL == "" {
			return 0, ticket.Errorf(ticket.Unavailable, "media.unreadable", "WeChat sent neither the file nor an error")
		}
		content, err = c.api.download(ctx, r.VideoURL)
		return 0, err
	})
	return content, err
}

func (c *client) download(ctx context.Context, address string) (io.ReadCloser, error) {
	kind, body, err := c.get(ctx, address)
	if err != nil {
		return nil, err
	}
	if kind == "application/json" || strings.HasPrefix(kind, "text/") {
		_ = body.Close() // nothing of it is wanted
		return nil, ticket.Errorf(ticket.NotFound, "media.gone", "WeChat sent a page instead of the file")
	}
	return body, nil
}

// withToken calls do with a token, and once more with a new one when the platform no longer takes
// it: another program may have renewed it.
func (c *client) withToken(ctx context.Context, do func(token string) (code int, err error)) error {
	refused := ""
	for {
		token, err := c.accessToken(ctx, refused)
		if err != nil {
			return err
		}
		code, err := do(token)
		if err != nil {
			return err
		}
		if refused == "" && (code == codeTokenInvalid || code == codeTokenBad || code == codeTokenMissing || code == codeTokenExpired) {
			refused = token
			continue
		}
		return codeError(code)
	}
}

// accessToken returns the kept token unless it is old or the one just refused. However many ask at
// once, one renewal is made.
func (c *client) accessToken(ctx context.Context, refused string) (string, error) {
	select {
	case c.lock <- struct{}{}:
		defer func() { <-c.lock }()
	case <-ctx.Done():
		return "", unavailable(ctx.Err())
	}
	if c.token != "" && c.token != refused && c.now().Before(c.expires) {
		return c.token, nil
	}
	body, err := encode(tokenRequest{GrantType: "client_credential", AppID: c.appID, Secret: c.secret, ForceRefresh: refused != ""})
	if err != nil {
		return "", err
	}
	var r tokenReply
	if err := c.post(ctx, "/cgi-bin/stable_token", body, &r); err != nil {
		return "", err
	}
	if r.Code != 0 || r.AccessToken == "" {
		if r.Code == codeBusy || r.Code == codeDailyQuota || r.Code == codeTooFast {
			return "", codeError(r.Code)
		}
		return "", ticket.Errorf(ticket.Unavailable, "wechat.token", "WeChat gives no access token (errcode %d); check appid, secret and the IP white list of the account", r.Code)
	}
	c.token, c.expires = r.AccessToken, c.now().Add(time.Duration(r.ExpiresIn)*time.Second-tokenMargin)
	return c.token, nil
}

// codeError gives an error code of the platform its kind.
func codeError(code int) error {
	switch code {
	case 0:
		return nil
	case codeWindowOver, codeWindowCount:
		return errWindow()
	case codeBusy, codeTokenInvalid, codeTokenBad, codeTokenMissing, codeTokenExpired:
		return ticket.Errorf(ticket.Unavailable, "wechat.busy", "WeChat cannot answer now (errcode %d)", code)
	case codeDailyQuota, codeTooFast:
		return ticket.Errorf(ticket.TooMany, "wechat.quota", "the account's quota at WeChat is used up (errcode %d)", code)
	case codeMediaInvalid:
		return ticket.Errorf(ticket.NotFound, "media.gone", "WeChat no longer has the file; it keeps them for three days")
	}
	return ticket.Errorf(ticket.Conflict, "wechat.refused", "WeChat refused (errcode %d); see developers.weixin.qq.com for its meaning", code)
}

func (c *client) post(ctx context.Context, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api+path, bytes.NewReader(body))
	if err != nil {
		return unavailable(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	_, content, err := c.do(req)
	if err != nil {
		return err
	}
	return readReply(content, into)
}

func (c *client) get(ctx context.Context, address string) (mediaType string, body io.ReadCloser, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", nil, unavailable(err)
	}
	return c.do(req)
}

// do sends req; every status but 200 is an error.
func (c *client) do(req *http.Request) (mediaType string, body io.ReadCloser, err error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return "", nil, unavailable(err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // nothing of it is wanted
		return "", nil, unavailable(fmt.Errorf("status %d", resp.StatusCode))
	}
	return wire.MediaType(resp.Header), resp.Body, nil
}

func readReply(body io.ReadCloser, into any) error {
	defer func() { _ = body.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(body, maxAPIReply))
	if err != nil {
		return unavailable(err)
	}
	if err := wire.JSON(b, into); err != nil {
		return unavailable(err)
	}
	return nil
}

// unavailable drops the URL that net/http puts into its errors: it holds the token.
func unavailable(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return ticket.Errorf(ticket.Unavailable, "wechat.unreachable", "WeChat cannot be reached").Because(err)
}

// encode leaves <, > and & as they are: the platform shows escapes as they come.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
