package demo

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/signature"
)

// settings of a channel, read as the pack writes them.

func (c Channel) text(name string) string {
	s, _ := c.Settings[name].(string)
	return s
}

// scheme is how the channel's deliveries are signed.
func (c Channel) scheme() map[string]any {
	m, _ := c.Settings["verify"].(map[string]any)
	return m
}

// secret is the reference of the first secret; adapters keep the list beside verify or in it.
func (c Channel) secret() string {
	for _, holder := range []map[string]any{c.Settings, c.scheme()} {
		if list, ok := holder["secrets"].([]any); ok && len(list) > 0 {
			s, _ := list[0].(string)
			return s
		}
	}
	return ""
}

// channel finds a channel of the pack.
func (d *day) channel(id string) (Channel, error) {
	c, ok := d.Channel(id)
	if !ok {
		return c, fmt.Errorf("the pack has no channel %s; give demo and gateway the same --city", id)
	}
	return c, nil
}

// forge is what a scene does to a delivery besides sending it as it should be.
type forge struct {
	secret string        // signs with this instead of the channel's secret
	age    time.Duration // signs for a moment that long ago
}

// sign adds to a request what the channel's scheme asks for.
func (d *day) sign(ctx context.Context, c Channel, req *http.Request, id string, body []byte, f forge) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return err
	}
	at := now.Add(-f.age)
	v := c.scheme()
	word := func(name, otherwise string) string {
		s, _ := v[name].(string)
		return cmp.Or(s, otherwise)
	}
	secret := cmp.Or(f.secret, d.Secret(c.secret()))
	stamp := strconv.FormatInt(at.Unix(), 10)
	switch kind := word("type", ""); kind {
	case signature.TypeNone:
	case signature.TypeBearer:
		req.Header.Set("Authorization", "Bearer "+secret)
	case signature.TypeHMAC:
		// {type: hmac} alone is the gateway's own signature.
		signed := strings.NewReplacer("{ts}", stamp, "{body}", string(body)).Replace(word("signed", "{ts}.{body}"))
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signed))
		req.Header.Set(word("timestamp_header", "X-Hotline-Timestamp"), stamp)
		req.Header.Set(word("header", "X-Hotline-Signature"), word("prefix", "sha256=")+hex.EncodeToString(mac.Sum(nil)))
	case signature.TypeStandardWebhooks:
		signed, err := signature.SignStandardWebhook(secret, id, at, body)
		if err != nil {
			return err
		}
		req.Header.Set(signature.HeaderWebhookID, id)
		req.Header.Set(signature.HeaderWebhookTimestamp, stamp)
		req.Header.Set(signature.HeaderWebhookSignature, signed)
	default:
		return fmt.Errorf("the demo cannot sign as channel %s asks (%s)", c.ID, kind)
	}
	return nil
}
