package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// Headers of the Standard Webhooks specification.
const (
	HeaderWebhookID        = "webhook-id"
	HeaderWebhookTimestamp = "webhook-timestamp" // Unix seconds
	HeaderWebhookSignature = "webhook-signature" // "v1,<base64>", several separated by blanks
)

// maxWebhookSignatures bounds how many signatures of one delivery are looked at; a rotation needs two.
const maxWebhookSignatures = 16

func (v *Verifier) standardWebhooks(r Request) error {
	var value [3]string
	for i, name := range [...]string{HeaderWebhookID, HeaderWebhookTimestamp, HeaderWebhookSignature} {
		var err error
		if value[i], err = header(r, name); err != nil {
			return err
		}
	}
	id, ts := value[0], value[1]
	seen := 0
	for given := range strings.FieldsSeq(value[2]) {
		if seen++; seen > maxWebhookSignatures {
			break
		}
		encoded, ok := strings.CutPrefix(given, "v1,")
		if !ok {
			continue // v1a and later versions
		}
		mac, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		if v.anySecret(mac, func(key []byte) []byte { return webhookMAC(key, id, ts, r.Body) }) {
			return v.fresh(r, ts)
		}
	}
	return ErrMismatch
}

func webhookMAC(key []byte, id, ts string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, id+"."+ts+".") //nolint:errcheck // a hash never fails
	mac.Write(body)
	return mac.Sum(nil)
}

// SignStandardWebhook is the value of the webhook-signature header for a body sent at ts under id,
// which must be the same for every retry. The secret is whsec_ and base64; the error names what is
// wrong with it, not its value.
func SignStandardWebhook(secret, id string, ts time.Time, body []byte) (string, error) {
	key, err := standardSecret(secret)
	if err != nil {
		return "", err
	}
	if id == "" {
		return "", errors.New("signature: a webhook needs an id, by which its receiver knows retries")
	}
	mac := webhookMAC(key, id, strconv.FormatInt(ts.Unix(), 10), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac), nil
}

// minWebhookKey is in bytes. The specification asks for 24; senders in use have keys of 18.
const minWebhookKey = 16

func standardSecret(secret string) ([]byte, error) {
	encoded := strings.TrimPrefix(strings.TrimSpace(secret), "whsec_")
	if strings.HasPrefix(encoded, "whpk_") || strings.HasPrefix(encoded, "whsk_") {
		return nil, errors.New("an asymmetric key (v1a) is not supported; use a symmetric one, whsec_")
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "=")) // senders differ about the padding
	if err != nil {
		return nil, errors.New("it is not whsec_ followed by base64; copy it whole from the sender's settings")
	}
	if len(key) < minWebhookKey {
		return nil, errors.New("it is shorter than 16 bytes; make a new one of 24 to 64 random bytes")
	}
	return key, nil
}

// SignDingTalkBot is the sign parameter (not yet URL-escaped) for a DingTalk group robot; the
// timestamp parameter beside it is ts in Unix milliseconds.
func SignDingTalkBot(secret string, ts time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, strconv.FormatInt(ts.UnixMilli(), 10)+"\n"+secret) //nolint:errcheck // a hash never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// SignFeishuBot is the sign field for a Feishu group robot; the timestamp field beside it is ts in
// Unix seconds. Unlike DingTalk's, the text is the key and the message is empty.
func SignFeishuBot(secret string, ts time.Time) string {
	mac := hmac.New(sha256.New, []byte(strconv.FormatInt(ts.Unix(), 10)+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
