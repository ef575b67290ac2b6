package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vectors are the published constants beside channels.md.
type vectors struct {
	WXBiz []struct {
		Name, Token, AESKey, ID, Timestamp, Nonce, URLSignature, MsgSignature, Encrypt, Plain, PlainContains, Random16 string
	}
	Feishu []struct {
		Name, EncryptKey, Encrypt, Plain, PlainContains, Secret, Timestamp, Sign string
	}
	DingTalkRobot []struct{ Secret, Timestamp, Sign string }
	Weibo         []struct{ Secret, Timestamp, Nonce, Signature string }
	Twilio        []struct {
		AuthToken, URL, Signature, Body string
		Params                          map[string]string
	}
	StandardWebhooks []struct {
		Secret, ID, Body, Signature string
		Timestamp                   int64
	}
}

func sharedVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "channels", "vectors.json"))
	if err != nil {
		t.Skip("the shared vectors are not here")
	}
	var all vectors
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.WXBiz) == 0 || len(all.Feishu) == 0 || len(all.DingTalkRobot) == 0 || len(all.Weibo) == 0 || len(all.Twilio) == 0 || len(all.StandardWebhooks) == 0 {
		t.Fatal("a family of vectors is missing")
	}
	return all
}

func unix(t *testing.T, s string, unit func(int64) time.Time) time.Time {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return unit(n)
}

func seconds(n int64) time.Time { return time.Unix(n, 0) }

func TestSharedVectors(t *testing.T) {
	t.Parallel()
	all := sharedVectors(t)
	for _, c := range all.WXBiz {
		got, err := OpenWXBiz(c.AESKey, c.Encrypt, c.ID)
		if err != nil || c.Plain != "" && string(got) != c.Plain || !bytes.Contains(got, []byte(c.PlainContains)) {
			t.Errorf("%s: opened %q, %v", c.Name, got, err)
		}
		if c.MsgSignature != "" && WXSignature(c.Token, c.Timestamp, c.Nonce, c.Encrypt) != c.MsgSignature {
			t.Errorf("%s: msg_signature", c.Name)
		}
		if c.URLSignature != "" && SortedSHA1(c.Token, c.Timestamp, c.Nonce) != c.URLSignature {
			t.Errorf("%s: signature", c.Name)
		}
		if c.Random16 != "" {
			if sealed, err := SealWXBiz(c.AESKey, [16]byte([]byte(c.Random16)), []byte(c.Plain), c.ID); err != nil || sealed != c.Encrypt {
				t.Errorf("%s: sealed %q, %v", c.Name, sealed, err)
			}
		}
	}
	for _, c := range all.Feishu {
		if c.Sign != "" {
			if got := SignFeishuBot(c.Secret, unix(t, c.Timestamp, seconds)); got != c.Sign {
				t.Errorf("%s: %q", c.Name, got)
			}
			continue
		}
		got, err := OpenFeishu(c.EncryptKey, c.Encrypt)
		if err != nil || c.Plain != "" && string(got) != c.Plain || !bytes.Contains(got, []byte(c.PlainContains)) {
			t.Errorf("%s: opened %q, %v", c.Name, got, err)
		}
		if got, err := OpenFeishu(c.EncryptKey+"x", c.Encrypt); err == nil && string(got) == c.Plain {
			t.Errorf("%s: opened with another key", c.Name)
		}
	}
	for _, c := range all.DingTalkRobot {
		at := unix(t, c.Timestamp, time.UnixMilli)
		if got := SignDingTalkBot(c.Secret, at); got != c.Sign {
			t.Errorf("dingtalk robot: %q", got)
		}
		v := compiled(t, Scheme{Type: TypeHMAC, Alg: "sha256", Enc: "base64", Header: "sign", TimestampHeader: "timestamp", Signed: "{ts}\n{secret}"}, c.Secret)
		if err := v.Verify(Request{Header: headers("timestamp", c.Timestamp, "sign", c.Sign), ReceivedAt: at}); err != nil {
			t.Errorf("dingtalk robot: %v", err)
		}
	}
	for _, c := range all.Weibo {
		r := Request{Query: url.Values{"signature": {c.Signature}, "timestamp": {c.Timestamp}, "nonce": {c.Nonce}}, ReceivedAt: unix(t, c.Timestamp, time.UnixMilli)}
		if err := compiled(t, Scheme{Type: TypeSortedSHA1}, c.Secret).Verify(r); err != nil {
			t.Errorf("weibo: %v", err)
		}
	}
}

func TestSharedVectorsOfWebhooks(t *testing.T) {
	t.Parallel()
	all := sharedVectors(t)
	for i, c := range all.Twilio {
		u, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{}
		for k, value := range c.Params {
			form.Set(k, value)
		}
		if got := SignTwilio(c.AuthToken, c.URL, form); got != c.Signature {
			t.Errorf("twilio %d: signed %q", i, got)
		}
		r := Request{Method: http.MethodPost, URL: u.RequestURI(), Query: u.Query(), Form: form, Body: []byte(c.Body), Header: headers("X-Twilio-Signature", c.Signature)}
		v := compiled(t, Scheme{Type: TypeTwilio, PublicURL: strings.TrimSuffix(c.URL, u.RequestURI())}, c.AuthToken)
		if err := v.Verify(r); err != nil {
			t.Errorf("twilio %d: %v", i, err)
		}
		forged := base64.StdEncoding.EncodeToString([]byte("twenty bytes of text"))
		r.Header = headers("X-Twilio-Signature", forged)
		if err := v.Verify(r); err == nil {
			t.Errorf("twilio %d: a forged signature passed", i)
		}
	}
	for i, c := range all.StandardWebhooks {
		at := time.Unix(c.Timestamp, 0)
		if got, err := SignStandardWebhook(c.Secret, c.ID, at, []byte(c.Body)); err != nil || got != c.Signature {
			t.Errorf("standard webhooks %d: signed %q, %v", i, got, err)
		}
		r := Request{Body: []byte(c.Body), ReceivedAt: at, Header: headers(HeaderWebhookID, c.ID,
			HeaderWebhookTimestamp, strconv.FormatInt(c.Timestamp, 10), HeaderWebhookSignature, c.Signature)}
		if err := compiled(t, Scheme{Type: TypeStandardWebhooks}, c.Secret).Verify(r); err != nil {
			t.Errorf("standard webhooks %d: %v", i, err)
		}
	}
}
