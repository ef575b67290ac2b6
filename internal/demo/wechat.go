package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/signature"
)

// push is a message of an official account's follower, as WeChat writes it.
type push struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   cdata    `xml:"ToUserName"`
	FromUserName cdata    `xml:"FromUserName"`
	CreateTime   int64    `xml:"CreateTime"`
	MsgType      cdata    `xml:"MsgType"`
	Content      *cdata   `xml:"Content,omitempty"`
	LocationX    string   `xml:"Location_X,omitempty"` // latitude
	LocationY    string   `xml:"Location_Y,omitempty"`
	Scale        int      `xml:"Scale,omitempty"`
	Label        *cdata   `xml:"Label,omitempty"`
	MsgID        string   `xml:"MsgId"`
}

type cdata struct {
	Text string `xml:",cdata"`
}

// account of the demo's official account.
const officialAccount = "gh_linyi12345"

func (d *day) textPush(ctx context.Context, from, words, id string) (push, error) {
	now, err := d.clock.now(ctx)
	return push{
		ToUserName: cdata{officialAccount}, FromUserName: cdata{from}, CreateTime: now.Unix(), MsgType: cdata{"text"},
		Content: &cdata{words}, MsgID: id,
	}, err
}

// placePush is a position that the follower chose on WeChat's map, which is drawn in GCJ-02.
func (d *day) placePush(ctx context.Context, from string, at point, label, id string) (push, error) {
	now, err := d.clock.now(ctx)
	if err != nil {
		return push{}, err
	}
	shown, err := geo.FromWGS84(geo.Point{Lng: at.lng, Lat: at.lat}, geo.GCJ02)
	return push{
		ToUserName: cdata{officialAccount}, FromUserName: cdata{from}, CreateTime: now.Unix(), MsgType: cdata{"location"},
		LocationX: strconv.FormatFloat(shown.Lat, 'f', 6, 64), LocationY: strconv.FormatFloat(shown.Lng, 'f', 6, 64), Scale: 16,
		Label: &cdata{label}, MsgID: id,
	}, err
}

// wechat sends a push in safe mode, encrypted anew each time as the platform does, and returns the
// words of the passive reply, decrypted; none when the gateway just said success.
func (d *day) wechat(ctx context.Context, p push) (string, error) {
	message, err := xml.Marshal(p)
	if err != nil {
		return "", err
	}
	r, err := d.sealed(ctx, message)
	if err != nil {
		return "", err
	}
	return d.passiveReply(r, p)
}

// keys of the official account.
type wechatKeys struct{ appID, token, aes string }

func (d *day) wechatKeys() (wechatKeys, error) {
	c, err := d.channel("wechat")
	if err != nil {
		return wechatKeys{}, err
	}
	return wechatKeys{c.text("appid"), d.Secret(c.text("token")), d.Secret(c.text("aes_key"))}, nil
}

// sealed encrypts and signs a message and sends it.
func (d *day) sealed(ctx context.Context, message []byte) (reply, error) {
	keys, err := d.wechatKeys()
	if err != nil {
		return reply{}, err
	}
	return d.wire.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		var random [16]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, err
		}
		now, err := d.clock.now(ctx)
		if err != nil {
			return nil, err
		}
		encrypt, err := signature.SealWXBiz(keys.aes, random, message, keys.appID)
		if err != nil {
			return nil, err
		}
		body, err := xml.Marshal(struct {
			XMLName    xml.Name `xml:"xml"`
			ToUserName cdata    `xml:"ToUserName"`
			Encrypt    cdata    `xml:"Encrypt"`
		}{ToUserName: cdata{officialAccount}, Encrypt: cdata{encrypt}})
		if err != nil {
			return nil, err
		}
		stamp, nonce := strconv.FormatInt(now.Unix(), 10), hex.EncodeToString(random[:5])
		query := url.Values{
			"timestamp": {stamp}, "nonce": {nonce}, "signature": {signature.SortedSHA1(keys.token, stamp, nonce)},
			"encrypt_type": {"aes"}, "msg_signature": {signature.WXSignature(keys.token, stamp, nonce, encrypt)},
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.wire.url("/channels/wechat/", query), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "text/xml")
		return req, nil
	})
}

// passiveReply checks and decrypts what goes to the follower's screen.
func (d *day) passiveReply(r reply, to push) (string, error) {
	if r.status != http.StatusOK {
		return "", fmt.Errorf("WeChat would see status %d", r.status)
	}
	if len(r.body) == 0 || bytes.Equal(r.body, []byte("success")) {
		return "", nil
	}
	keys, err := d.wechatKeys()
	if err != nil {
		return "", err
	}
	var e struct {
		Encrypt      string `xml:"Encrypt"`
		MsgSignature string `xml:"MsgSignature"`
		TimeStamp    string `xml:"TimeStamp"`
		Nonce        string `xml:"Nonce"`
	}
	if err := xml.Unmarshal(r.body, &e); err != nil {
		return "", fmt.Errorf("the follower would see a fault: the passive reply is no XML: %w", err)
	}
	if e.MsgSignature != signature.WXSignature(keys.token, e.TimeStamp, e.Nonce, e.Encrypt) {
		return "", errors.New("the passive reply is not signed as WeChat wants it")
	}
	opened, err := signature.OpenWXBiz(keys.aes, e.Encrypt, keys.appID)
	if err != nil {
		return "", fmt.Errorf("the passive reply cannot be decrypted: %w", err)
	}
	var m struct {
		ToUserName   string `xml:"ToUserName"`
		FromUserName string `xml:"FromUserName"`
		Content      string `xml:"Content"`
	}
	if err := xml.Unmarshal(opened, &m); err != nil {
		return "", fmt.Errorf("the passive reply holds no XML: %w", err)
	}
	if m.ToUserName != to.FromUserName.Text || m.FromUserName != to.ToUserName.Text {
		return "", errors.New("the passive reply goes to somebody else")
	}
	return m.Content, nil
}

// msgID is the platform's id of a message: digits, 64 bits.
func (d *day) msgID(n int) string {
	return strconv.FormatInt(time.Unix(d.Run*10, 0).UnixMilli()*1000+int64(n), 10)
}
