// Package wechat is the channel of a WeChat official account (公众号), and of a mini-program's
// customer-service push (小程序客服消息), which is the same protocol in JSON.
//
// It is not WeCom (企业微信), nor the city's own mini-program, which files through the form channel.
// Formats: developers.weixin.qq.com/doc, "接收普通消息", "消息加解密说明", "被动回复用户消息".
package wechat

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// Limits of the platform and of replays.
const (
	maxAge     = 10 * time.Minute // of the timestamp that the signature covers
	maxEchostr = 256              // bytes
	maxReply   = 2048             // bytes of a text reply
)

// defaultAPI is the platform's own address.
const defaultAPI = "https://api.weixin.qq.com"

// Spec declares the channel.
func Spec() adapters.Spec {
	return adapters.Spec{
		Name:  "wechat",
		Title: "微信公众号",
		Doc: "Messages and events of a WeChat official account, plain, safe or compat mode, answered at once with the ticket number; " +
			"also a mini-program's customer-service push in JSON.",
		Fields: []adapters.Field{
			{Name: "appid", Title: "AppID", Type: adapters.TypeString, Required: true, Help: "The account's AppID; an encrypted push for another AppID is refused."},
			{Name: "account", Title: "原始 ID", Type: adapters.TypeString, Help: "gh_…; when set, a push to another account is refused."},
			{Name: "token", Title: "Token", Type: adapters.TypeSecret, Required: true, Help: "Token of the server configuration (服务器配置)."},
			{Name: "mode", Title: "消息加解密方式", Type: adapters.TypeString, Default: "safe", Help: "plain 明文, safe 安全 or compat 兼容, as in the server configuration. With safe and compat only encrypted pushes are taken."},
			{Name: "aes_key", Title: "EncodingAESKey", Type: adapters.TypeSecret, Help: "43 characters; required unless mode is plain."},
			{Name: "secret", Title: "AppSecret", Type: adapters.TypeSecret, Help: "Needed to send replies later than the push and to fetch pictures and recordings."},
			{Name: "api", Title: "接口地址", Type: adapters.TypeString, Default: defaultAPI, Help: "Another address only for a relay inside the city's network."},
			{Name: "location_datum", Title: "上报位置坐标系", Type: adapters.TypeString, Default: "wgs84", Help: "wgs84 or gcj02: coordinate system of LOCATION events. Places that citizens send are always gcj02."},
			{Name: "grid_scene", Title: "网格二维码前缀", Type: adapters.TypeString, Default: "grid_", Help: "What a QR scene begins with when the rest is a grid code."},
			{Name: "texts", Title: "回复文字", Type: adapters.TypeObject, Help: "welcome: answer to a new follower. unsupported: answer to a message of a kind we do not take."},
		},
		MaxBody:  3 << 19, // 1 MiB of text, encrypted and in base64
		Deadline: 5 * time.Second,
		New:      newAdapter,
	}
}

type settings struct {
	AppID         string             `yaml:"appid"`
	Account       string             `yaml:"account"`
	Token         adapters.SecretRef `yaml:"token"`
	Mode          string             `yaml:"mode"`
	AESKey        adapters.SecretRef `yaml:"aes_key"`
	Secret        adapters.SecretRef `yaml:"secret"`
	API           string             `yaml:"api"`
	LocationDatum ticket.Datum       `yaml:"location_datum"`
	GridScene     string             `yaml:"grid_scene"`
	Texts         struct {
		Welcome     string `yaml:"welcome"`
		Unsupported string `yaml:"unsupported"`
	} `yaml:"texts"`
}

type adapter struct {
	channel  adapters.Channel
	settings settings
	token    string
	aesKey   string // empty in plain mode
	validate *validator.Validate
}

// caller is an adapter that may also call the platform.
type caller struct {
	*adapter
	api *client
}

func newAdapter(s adapters.Settings, d adapters.Deps) (adapters.Adapter, error) {
	a := &adapter{channel: d.Channel, validate: validator.New(validator.WithRequiredStructEnabled())}
	a.settings = settings{Mode: "safe", API: defaultAPI, LocationDatum: ticket.WGS84, GridScene: "grid_"}
	if err := s.Decode(&a.settings); err != nil {
		return nil, err
	}
	if a.settings.AppID == "" {
		return nil, errors.New("appid: is required; it stands in the account's 基本配置")
	}
	if d := a.settings.LocationDatum; d != ticket.WGS84 && d != ticket.GCJ02 {
		return nil, fmt.Errorf("location_datum: %q is not known; use wgs84 or gcj02", d)
	}
	if u, err := url.Parse(a.settings.API); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("api: must be an http or https address, by default %s", defaultAPI)
	}
	var err error
	if a.token, err = secret(d, "token", a.settings.Token); err != nil {
		return nil, err
	}
	switch a.settings.Mode {
	case "plain":
	case "safe", "compat":
		if a.aesKey, err = secret(d, "aes_key", a.settings.AESKey); err != nil {
			return nil, err
		}
		if err := signature.CheckWXKey(a.aesKey); err != nil {
			return nil, fmt.Errorf("aes_key: %w", err)
		}
	default:
		return nil, fmt.Errorf("mode: %q is not known; use plain, safe or compat", a.settings.Mode)
	}
	if a.settings.Secret == "" {
		return a, nil
	}
	appSecret, err := secret(d, "secret", a.settings.Secret)
	if err != nil {
		return nil, err
	}
	return &caller{a, newClient(d, a.settings.API, a.settings.AppID, appSecret)}, nil
}

func secret(d adapters.Deps, name string, ref adapters.SecretRef) (string, error) {
	if ref == "" {
		return "", fmt.Errorf("%s: is required; give env:NAME or file:PATH", name)
	}
	s, err := d.Secret(ref)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if s == "" {
		return "", fmt.Errorf("%s: the secret is empty", name)
	}
	return s, nil
}

// errRefused is the same for every reason, so that a forger learns nothing.
func errRefused() error {
	return ticket.Errorf(ticket.Forbidden, "wechat.signature", "signature, time or receiver do not fit")
}

// Open checks signature and age and decrypts. The handshake is signed like a plain push.
func (a *adapter) Open(in adapters.Inbound) (adapters.Inbound, error) {
	stamp, nonce := in.Query.Get("timestamp"), in.Query.Get("nonce")
	if !fresh(stamp, in.ReceivedAt) {
		return in, errRefused()
	}
	if in.Method == http.MethodGet || a.aesKey == "" {
		if !equal(in.Query.Get("signature"), signature.SortedSHA1(a.token, stamp, nonce)) || !a.forUs(in) {
			return in, errRefused()
		}
		return in, nil
	}
	var e envelope
	if err := decode(in.Body, &e); err != nil || e.Encrypt == "" {
		return in, errRefused()
	}
	if !equal(in.Query.Get("msg_signature"), signature.WXSignature(a.token, stamp, nonce, e.Encrypt)) {
		return in, errRefused()
	}
	opened, err := signature.OpenWXBiz(a.aesKey, e.Encrypt, a.settings.AppID)
	if err != nil {
		return in, errRefused()
	}
	in.Body = opened
	if !a.forUs(in) {
		return in, errRefused()
	}
	return in, nil
}

// forUs refuses a push to another account that shares our token. What cannot be read passes: it is
// signed, so it is quarantined rather than refused.
func (a *adapter) forUs(in adapters.Inbound) bool {
	if a.settings.Account == "" || in.Method == http.MethodGet {
		return true
	}
	m, err := a.read(in.Body)
	return err != nil || m.ToUserName == a.settings.Account
}

// fresh bounds how long a signed push can be replayed. A retry of the platform is signed anew.
func fresh(stamp string, receivedAt time.Time) bool {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	return err == nil && receivedAt.Sub(time.Unix(seconds, 0)).Abs() <= maxAge
}

func equal(given, want string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// Handshake answers the address check of the server configuration. Any other GET is answered too:
// nothing is delivered by GET.
func (a *adapter) Handshake(in adapters.Inbound) (adapters.Reply, bool) {
	if in.Method != http.MethodGet {
		return adapters.Reply{}, false
	}
	echo := in.Query.Get("echostr")
	if echo == "" || len(echo) > maxEchostr {
		return plain(http.StatusBadRequest, "echostr is missing"), true
	}
	return plain(http.StatusOK, echo), true
}

// plain is text that no browser takes for a page, whatever it holds.
func plain(status int, body string) adapters.Reply {
	return adapters.Reply{
		Status: status, Body: []byte(body),
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}},
	}
}

// Acknowledge answers the push. The platform shows whatever is no passive reply, "success" or
// nothing to the citizen as "该公众号提供的服务出现故障", so everything we keep is a success.
func (a *adapter) Acknowledge(in adapters.Inbound, out adapters.Outcome) adapters.Reply {
	if out.Result == adapters.Refused {
		return adapters.Reply{Status: http.StatusForbidden, Header: http.Header{}}
	}
	if out.Result == adapters.Unavailable {
		return wire.RetryAfter(plain(http.StatusServiceUnavailable, ""), out.RetryAfter)
	}
	success := plain(http.StatusOK, "success")
	opened, err := a.Open(in)
	if err != nil || isJSON(opened.Body) { // mini-programs know no passive reply
		return success
	}
	m, err := a.read(opened.Body)
	if err != nil {
		return success
	}
	words := a.words(m, out)
	if words == "" {
		return success
	}
	body, err := a.passive(m, words, out)
	if err != nil {
		return success
	}
	return adapters.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, Body: body}
}

// words are what the citizen is told at once, nothing when nothing is to be said.
func (a *adapter) words(m *message, out adapters.Outcome) string {
	switch {
	case out.Result == adapters.Conflicting, out.Result == adapters.Rejected:
		return ""
	case m.MsgType == "event" && m.Event == "subscribe":
		return a.settings.Texts.Welcome
	case m.MsgType == "event" && out.Result == adapters.Ignored:
		return ""
	case out.Text != "":
		return out.Text
	case out.Result == adapters.Ignored:
		if r, err := a.said(m); err == nil && r == nil {
			return a.settings.Texts.Unsupported
		}
	}
	return ""
}

// passive writes a text reply, encrypted when the message was.
func (a *adapter) passive(m *message, words string, out adapters.Outcome) ([]byte, error) {
	words, _ = text.Clean(words, maxReply)
	reply, err := xml.Marshal(passiveReply{
		ToUserName: cdata{m.FromUserName}, FromUserName: cdata{m.ToUserName}, CreateTime: out.At.Unix(),
		MsgType: cdata{"text"}, Content: cdata{words},
	})
	if err != nil || a.aesKey == "" {
		return reply, err
	}
	random := sha256.Sum256([]byte(out.Nonce))
	sealed, err := signature.SealWXBiz(a.aesKey, [16]byte(random[:]), reply, a.settings.AppID)
	if err != nil {
		return nil, err
	}
	stamp, nonce := strconv.FormatInt(out.At.Unix(), 10), cmp.Or(out.Nonce, "0")
	var b bytes.Buffer
	err = xml.NewEncoder(&b).Encode(sealedReply{
		Encrypt: cdata{sealed}, MsgSignature: cdata{signature.WXSignature(a.token, stamp, nonce, sealed)}, TimeStamp: stamp, Nonce: cdata{nonce},
	})
	return b.Bytes(), err
}
