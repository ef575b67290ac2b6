package wechat

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/adaptertest"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/ticket"
)

// Token, key and AppID of the platform's published sample (see testdata/safe/official_sample).
const (
	sampleToken = "spamtest"
	sampleKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	sampleAppID = "wx2c2769f8efd9abc2"
)

const plainSettings = `
appid: wx2c2769f8efd9abc2
token: env:TOKEN
mode: plain
texts:
  welcome: 欢迎关注临沂12345。请直接留言，写明时间、地点和事情经过。
  unsupported: 暂不支持这类消息，请发送文字、图片、语音或位置。
`

const safeSettings = `
appid: wx2c2769f8efd9abc2
token: env:TOKEN
mode: safe
aes_key: env:KEY
secret: env:SECRET
texts: {welcome: 欢迎关注临沂12345。}
`

func config(settings, dir string) adaptertest.Config {
	cfg := adaptertest.Config{
		Spec: Spec(), Settings: settings, Dir: filepath.Join("testdata", dir),
		Secrets: map[string]string{"env:TOKEN": sampleToken, "env:KEY": sampleKey, "env:SECRET": "demo-app-secret"},
		Text: func(text string) adapters.Inbound {
			return adapters.Inbound{Method: http.MethodPost, Path: "/", Header: http.Header{}, ReceivedAt: adaptertest.Received, Body: []byte(textXML(text))}
		},
		Unknown: []adapters.Inbound{
			{Method: http.MethodPost, ReceivedAt: adaptertest.Received, Body: []byte(strings.Replace(textXML("x"), "text", "hologram", 1))},
			{Method: http.MethodPost, ReceivedAt: adaptertest.Received, Body: []byte(`{"ToUserName":"g","FromUserName":"o","CreateTime":1783902600,"MsgType":"event","Event":"new"}`)},
		},
	}
	if dir == "plain" {
		cfg.Guard = adaptertest.Guard{Query: []string{"signature", "timestamp", "nonce"}}
		cfg.Sign = signPlain
	} else {
		// Not the handshake of the folder: it carries no msg_signature. TestOpen changes that one.
		cfg.Guard = adaptertest.Guard{Query: []string{"timestamp", "nonce"}}
		cfg.Sign = signSafe
	}
	return cfg
}

func textXML(text string) string {
	return "<xml><ToUserName>gh_city</ToUserName><FromUserName>oCITIZEN</FromUserName><CreateTime>1783902600</CreateTime>" +
		"<MsgType>text</MsgType><Content><![CDATA[" + text + "]]></Content><MsgId>1</MsgId></xml>"
}

func signPlain(in *adapters.Inbound) {
	q := in.Query
	q.Set("timestamp", strconv.FormatInt(in.ReceivedAt.Unix(), 10))
	q.Set("nonce", "486452656")
	q.Set("signature", signature.SortedSHA1(sampleToken, q.Get("timestamp"), q.Get("nonce")))
}

func signSafe(in *adapters.Inbound) {
	signPlain(in)
	if in.Method == http.MethodGet {
		return
	}
	seal(in, sampleAppID, [16]byte([]byte("aaaabbbbccccdddd")))
}

// seal encrypts the body for an AppID and signs it, as the platform does in safe mode.
func seal(in *adapters.Inbound, appID string, random [16]byte) {
	encrypted, err := signature.SealWXBiz(sampleKey, random, in.Body, appID)
	if err != nil {
		panic(err)
	}
	wrap(in, encrypted)
}

func wrap(in *adapters.Inbound, encrypted string) {
	in.Query.Set("encrypt_type", "aes")
	in.Query.Set("msg_signature", signature.WXSignature(sampleToken, in.Query.Get("timestamp"), in.Query.Get("nonce"), encrypted))
	if isJSON(in.Body) {
		in.Body = []byte(`{"ToUserName":"gh_mini12345","Encrypt":"` + encrypted + `"}`)
		return
	}
	in.Body = []byte("<xml><ToUserName><![CDATA[gh_city]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>")
}

func TestPlain(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, config(plainSettings, "plain"))
}

func TestSafe(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, config(safeSettings, "safe"))
}

func FuzzNormalize(f *testing.F) { adaptertest.Fuzz(f, config(plainSettings, "plain")) }

func FuzzOpen(f *testing.F) {
	a := build(f, safeSettings)
	in := push(textXML("x"))
	seal(&in, sampleAppID, [16]byte{})
	f.Add(in.Body, in.Query.Encode())
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		fuzzed := push("")
		fuzzed.Body, fuzzed.Query = body, q
		opened, err := a.Open(fuzzed)
		if err == nil && !bytes.Contains(opened.Body, []byte("oCITIZEN")) {
			t.Errorf("a body was forged: %q", opened.Body)
		}
	})
}

// push is a signed plain push that arrives at once.
func push(body string) adapters.Inbound {
	in := adapters.Inbound{Method: http.MethodPost, Path: "/", Query: url.Values{}, Header: http.Header{}, Body: []byte(body), ReceivedAt: adaptertest.Received}
	signPlain(&in)
	return in
}

func build(t testing.TB, settings string) adapters.Opener {
	t.Helper()
	a, err := Spec().New(adaptertest.YAML(settings), deps(nil, "https://api.example.invalid"))
	if err != nil {
		t.Fatal(err)
	}
	return a.(adapters.Opener)
}

// cipherText encrypts bytes as they are, without the layout.
func cipherText(t *testing.T, plain []byte) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(sampleKey + "=")
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(out, plain)
	return base64.StdEncoding.EncodeToString(out)
}

// layout is random ‖ length ‖ message ‖ AppID and the padding, of which pad is the true value unless
// another is wanted.
func layout(length int64, message string, pad int) []byte {
	b := binary.BigEndian.AppendUint32(bytes.Repeat([]byte{'r'}, 16), uint32(length))
	b = append(b, message+sampleAppID...)
	fill := 32 - len(b)%32
	if pad == truePad {
		pad = fill
	}
	return append(b, bytes.Repeat([]byte{byte(pad)}, fill)...)
}

const truePad = -1

// What must not get in, each with everything else right.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	message := textXML("x")
	size := int64(len(message))
	sealed := func(edit func(in *adapters.Inbound)) adapters.Inbound {
		in := push(message)
		seal(&in, sampleAppID, [16]byte{})
		if edit != nil {
			edit(&in)
		}
		return in
	}
	raw := func(plain []byte) adapters.Inbound {
		in := push(message)
		wrap(&in, cipherText(t, plain))
		return in
	}
	flipped := push(message)
	encrypted, err := signature.SealWXBiz(sampleKey, [16]byte{}, flipped.Body, sampleAppID)
	if err != nil {
		t.Fatal(err)
	}
	b := []byte(encrypted)
	b[40] ^= 1
	wrap(&flipped, encrypted)
	flipped.Body = bytes.Replace(flipped.Body, []byte(encrypted), b, 1)

	other := push(message)
	seal(&other, "wx0000000000000000", [16]byte{})
	for name, in := range map[string]adapters.Inbound{
		"flipped ciphertext": flipped,
		"wrong token": sealed(func(in *adapters.Inbound) {
			in.Query.Set("msg_signature", signature.WXSignature("other", in.Query.Get("timestamp"), in.Query.Get("nonce"), encrypted))
		}),
		"plain signature only":        sealed(func(in *adapters.Inbound) { in.Query.Del("msg_signature") }),
		"other AppID at the tail":     other,
		"padding 0":                   raw(layout(size, message, 0)),
		"padding 33":                  raw(layout(size, message, 33)),
		"length 0xFFFFFFFF":           raw(layout(0xFFFFFFFF, message, truePad)),
		"empty Encrypt":               sealed(func(in *adapters.Inbound) { in.Body = []byte("<xml><Encrypt></Encrypt></xml>") }),
		"message in the clear":        push(message),
		"eleven minutes later":        sealed(func(in *adapters.Inbound) { in.ReceivedAt = in.ReceivedAt.Add(11 * time.Minute) }),
		"eleven minutes in the past":  sealed(func(in *adapters.Inbound) { in.ReceivedAt = in.ReceivedAt.Add(-11 * time.Minute) }),
		"timestamp that is no number": sealed(func(in *adapters.Inbound) { in.Query.Set("timestamp", "now") }),
	} {
		if _, err := build(t, safeSettings).Open(in); !ticket.IsKind(err, ticket.Forbidden) {
			t.Errorf("%s: Open = %v, want Forbidden", name, err)
		}
	}
	if _, err := build(t, safeSettings).Open(raw(layout(size, message, truePad))); err != nil {
		t.Errorf("the layout these cases are made of does not open itself: %v", err)
	}
	elsewhere := build(t, plainSettings+"account: gh_another")
	if _, err := elsewhere.Open(push(message)); !ticket.IsKind(err, ticket.Forbidden) {
		t.Errorf("push to another account: Open = %v, want Forbidden", err)
	}
}

// Compat mode carries the message twice; what is not encrypted is not signed and never read.
func TestCompatReadsOnlyEncrypt(t *testing.T) {
	t.Parallel()
	in := push(textXML("true words"))
	seal(&in, sampleAppID, [16]byte{})
	in.Body = bytes.Replace(in.Body, []byte("</xml>"), []byte("<FromUserName>oFORGED</FromUserName><Content>forged words</Content><MsgType>text</MsgType><MsgId>9</MsgId></xml>"), 1)
	a := build(t, strings.Replace(safeSettings, "mode: safe", "mode: compat", 1))
	opened, err := a.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := a.(adapters.Adapter).Normalize(opened)
	if err != nil || len(requests) != 1 || requests[0].Text != "true words" || requests[0].Appellant.ChannelID != "oCITIZEN" {
		t.Errorf("Normalize = %+v, %v", requests, err)
	}
}

// The platform encrypts and signs each of its three tries anew: they must still be one request.
func TestRetryIsTheSameRequest(t *testing.T) {
	t.Parallel()
	a := build(t, safeSettings)
	var first []ticket.Request
	for try := range 3 {
		in := push(textXML("井盖缺失"))
		in.ReceivedAt = adaptertest.Received.Add(time.Duration(try) * 5 * time.Second)
		signPlain(&in)
		in.Query.Set("nonce", strconv.Itoa(try))
		seal(&in, sampleAppID, [16]byte{byte(try)})
		opened, err := a.Open(in)
		if err != nil {
			t.Fatal(err)
		}
		requests, err := a.(adapters.Adapter).Normalize(opened)
		if err != nil {
			t.Fatal(err)
		}
		if try == 0 {
			first = requests
		} else if diff := cmp.Diff(first, requests); diff != "" {
			t.Errorf("try %d differs:\n%s", try, diff)
		}
	}
}

// The citizen's WeChat must be able to open the reply: it is decrypted here as the platform does.
func TestSafeReplyOpensAtThePlatform(t *testing.T) {
	t.Parallel()
	in := push(textXML("井盖缺失"))
	seal(&in, sampleAppID, [16]byte{})
	words := "已受理，工单号 LY2607130001233 ]]> 😀"
	out := adapters.Outcome{Result: adapters.Accepted, Text: words, At: adaptertest.Received, Nonce: "n0nce"}
	r := build(t, safeSettings).(adapters.Acknowledger).Acknowledge(in, out)
	var sealed struct {
		Encrypt, MsgSignature, TimeStamp, Nonce string
	}
	if err := xml.Unmarshal(r.Body, &sealed); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
	if want := signature.WXSignature(sampleToken, sealed.TimeStamp, sealed.Nonce, sealed.Encrypt); want != sealed.MsgSignature {
		t.Errorf("MsgSignature = %s, want %s", sealed.MsgSignature, want)
	}
	inner, err := signature.OpenWXBiz(sampleKey, sealed.Encrypt, sampleAppID)
	if err != nil {
		t.Fatal(err)
	}
	var reply struct{ ToUserName, FromUserName, CreateTime, MsgType, Content string }
	if err := xml.Unmarshal(inner, &reply); err != nil {
		t.Fatalf("%v: %s", err, inner)
	}
	if reply.ToUserName != "oCITIZEN" || reply.FromUserName != "gh_city" || reply.MsgType != "text" || reply.Content != words || reply.CreateTime != strconv.FormatInt(adaptertest.Received.Unix(), 10) {
		t.Errorf("reply = %+v", reply)
	}
	other := out
	other.Nonce = "another"
	if again := build(t, safeSettings).(adapters.Acknowledger).Acknowledge(in, other); bytes.Equal(r.Body, again.Body) {
		t.Error("two replies with different nonces are equal: randomness is not used")
	}
}

func TestLongReplyIsCutAtARune(t *testing.T) {
	t.Parallel()
	r := build(t, plainSettings).(adapters.Acknowledger).Acknowledge(push(textXML("x")), adapters.Outcome{Result: adapters.Accepted, Text: strings.Repeat("字", 1000), At: adaptertest.Received})
	var reply struct{ Content string }
	if err := xml.Unmarshal(r.Body, &reply); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("字", maxReply/3); reply.Content != want {
		t.Errorf("the reply has %d bytes, want %d", len(reply.Content), len(want))
	}
}

func TestHugeTextIsCut(t *testing.T) {
	t.Parallel()
	requests, err := build(t, plainSettings).(adapters.Adapter).Normalize(push(textXML(strings.Repeat("积水", 200_000))))
	if err != nil || len(requests) != 1 || len(requests[0].Text) > maxText || len(requests[0].Text) < maxText-3 {
		t.Fatalf("1.2 MB of text: %d requests, %v", len(requests), err)
	}
}

// The published vectors of channels.md, as long as they are there.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "channels", "vectors.json"))
	if err != nil {
		t.Skipf("reference data is absent: %v", err)
	}
	var vectors struct {
		WXBiz []struct{ Name, Token, AESKey, ID, Timestamp, Nonce, MsgSignature, Encrypt, Plain, PlainContains string }
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors.WXBiz {
		if v.MsgSignature == "" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			d := deps(nil, "")
			d.Secret = func(ref adapters.SecretRef) (string, error) {
				return map[adapters.SecretRef]string{"env:TOKEN": v.Token, "env:KEY": v.AESKey}[ref], nil
			}
			a, err := Spec().New(adaptertest.YAML(fmt.Sprintf("appid: %s\ntoken: env:TOKEN\naes_key: env:KEY", v.ID)), d)
			if err != nil {
				t.Fatal(err)
			}
			stamp, err := strconv.ParseInt(v.Timestamp[:10], 10, 64) // DingTalk's are milliseconds
			if err != nil {
				t.Fatal(err)
			}
			in := adapters.Inbound{
				Method: http.MethodPost, ReceivedAt: time.Unix(stamp, 0).UTC(), Body: []byte("<xml><Encrypt>" + v.Encrypt + "</Encrypt></xml>"),
				Query: url.Values{"timestamp": {v.Timestamp}, "nonce": {v.Nonce}, "msg_signature": {v.MsgSignature}},
			}
			if len(v.Timestamp) != 10 {
				if _, err := a.(adapters.Opener).Open(in); err == nil {
					t.Error("a time in milliseconds is not WeChat's")
				}
				return
			}
			opened, err := a.(adapters.Opener).Open(in)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(opened.Body), v.Plain+v.PlainContains) {
				t.Errorf("opened to %q", opened.Body)
			}
		})
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ settings, want string }{
		"no appid":          {"token: env:TOKEN", "appid"},
		"no token":          {"appid: wx1", "token: is required"},
		"unknown mode":      {"appid: wx1\ntoken: env:TOKEN\nmode: secret", `mode: "secret"`},
		"safe without key":  {"appid: wx1\ntoken: env:TOKEN", "aes_key: is required"},
		"short key":         {"appid: wx1\ntoken: env:TOKEN\naes_key: env:TOKEN", "aes_key"},
		"unknown datum":     {"appid: wx1\ntoken: env:TOKEN\nmode: plain\nlocation_datum: bd09", "location_datum"},
		"api is no address": {"appid: wx1\ntoken: env:TOKEN\nmode: plain\napi: api.weixin.qq.com", "api: must be"},
		"secret not set":    {"appid: wx1\ntoken: env:NONE\nmode: plain", "token: "},
	} {
		_, err := Spec().New(adaptertest.YAML(tt.settings), deps(nil, ""))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want %q", name, err, tt.want)
		}
	}
}

// Without AppSecret the channel can neither reply later nor fetch; the console must not offer it.
func TestPowersFollowTheSecret(t *testing.T) {
	t.Parallel()
	with := adapters.Powers(build(t, safeSettings).(adapters.Adapter))
	without := adapters.Powers(build(t, plainSettings).(adapters.Adapter))
	for _, power := range []string{"media", "reply"} {
		if !slices.Contains(with, power) || slices.Contains(without, power) {
			t.Errorf("%s: with secret %v, without %v", power, with, without)
		}
	}
}
