package wechat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/citizen-hotline/gateway/internal/wire"
)

// envelope is what safe and compat mode put around a message. Compat mode repeats the message in
// the clear beside Encrypt; only Encrypt is signed, so only Encrypt is read.
type envelope struct {
	Encrypt string `xml:"Encrypt" json:"Encrypt"`
}

// message is one push: a message of a citizen or an event. XML names are case-sensitive; the id of
// mass sends is spelled MsgID.
type message struct {
	ToUserName   string `xml:"ToUserName" json:"ToUserName" validate:"required,max=128"`
	FromUserName string `xml:"FromUserName" json:"FromUserName" validate:"required,max=128"` // openid
	CreateTime   digits `xml:"CreateTime" json:"CreateTime" validate:"required,numeric,max=12"`
	MsgType      string `xml:"MsgType" json:"MsgType" validate:"required,max=64"`
	MsgID        digits `xml:"MsgId" json:"MsgId" validate:"max=64"`

	Content     string `xml:"Content" json:"Content"`
	MediaID     string `xml:"MediaId" json:"MediaId" validate:"max=512"`
	PicURL      string `xml:"PicUrl" json:"PicUrl" validate:"max=2048"`
	Format      string `xml:"Format" json:"Format" validate:"max=32"` // of voice: amr, speex
	Recognition string `xml:"Recognition" json:"Recognition"`
	LocationX   string `xml:"Location_X" json:"Location_X" validate:"max=32"` // latitude, GCJ-02
	LocationY   string `xml:"Location_Y" json:"Location_Y" validate:"max=32"` // longitude, GCJ-02
	Label       string `xml:"Label" json:"Label"`
	Title       string `xml:"Title" json:"Title"`
	Description string `xml:"Description" json:"Description"`
	URL         string `xml:"Url" json:"Url" validate:"max=2048"`
	PagePath    string `xml:"PagePath" json:"PagePath" validate:"max=2048"`

	Event            string           `xml:"Event" json:"Event" validate:"max=64"`
	EventKey         string           `xml:"EventKey" json:"EventKey" validate:"max=1024"`
	Latitude         digits           `xml:"Latitude" json:"Latitude" validate:"max=32"`
	Longitude        digits           `xml:"Longitude" json:"Longitude" validate:"max=32"`
	Precision        digits           `xml:"Precision" json:"Precision" validate:"max=32"`
	SessionFrom      string           `xml:"SessionFrom" json:"SessionFrom" validate:"max=1024"`
	Status           string           `xml:"Status" json:"Status" validate:"max=128"`
	MassMsgID        digits           `xml:"MsgID" json:"MsgID" validate:"max=64"`
	SendLocationInfo sendLocationInfo `xml:"SendLocationInfo" json:"SendLocationInfo"`
}

// sendLocationInfo is the place chosen from a menu (location_select).
type sendLocationInfo struct {
	LocationX digits `xml:"Location_X" json:"Location_X" validate:"max=32"`
	LocationY digits `xml:"Location_Y" json:"Location_Y" validate:"max=32"`
	Label     string `xml:"Label" json:"Label"`
	PoiName   string `xml:"Poiname" json:"Poiname"`
}

// digits is a number whose digits matter: JSON pushes write it as a number, XML as text.
type digits string

// UnmarshalJSON takes a number, a string or null.
func (d *digits) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case 'n':
		return nil
	case '"':
		return json.Unmarshal(b, (*string)(d))
	case '{', '[', 't', 'f':
		return errors.New("must be a number")
	}
	*d = digits(b)
	return nil
}

// isJSON tells the two forms of a push apart; mini-programs may choose JSON.
func isJSON(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, "\ufeff \t\r\n"), []byte("{"))
}

func decode(body []byte, into any) error {
	if isJSON(body) {
		return wire.JSON(body, into)
	}
	return wire.XML(body, into)
}

// cdata keeps the text of a reply as it is; encoding/xml splits "]]>".
type cdata struct {
	Text string `xml:",cdata"`
}

// passiveReply answers a message within the five seconds of the push.
type passiveReply struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   cdata    `xml:"ToUserName"`
	FromUserName cdata    `xml:"FromUserName"`
	CreateTime   int64    `xml:"CreateTime"`
	MsgType      cdata    `xml:"MsgType"`
	Content      cdata    `xml:"Content"`
}

// sealedReply is a passive reply in safe mode.
type sealedReply struct {
	XMLName      xml.Name `xml:"xml"`
	Encrypt      cdata    `xml:"Encrypt"`
	MsgSignature cdata    `xml:"MsgSignature"`
	TimeStamp    string   `xml:"TimeStamp"`
	Nonce        cdata    `xml:"Nonce"`
}

// tokenRequest and tokenReply are /cgi-bin/stable_token.
type tokenRequest struct {
	GrantType    string `json:"grant_type"`
	AppID        string `json:"appid"`
	Secret       string `json:"secret"`
	ForceRefresh bool   `json:"force_refresh"`
}

type tokenReply struct {
	apiError
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// sendRequest is /cgi-bin/message/custom/send.
type sendRequest struct {
	ToUser  string      `json:"touser"`
	MsgType string      `json:"msgtype"`
	Text    sendContent `json:"text"`
}

type sendContent struct {
	Content string `json:"content"`
}

// mediaReply is what /cgi-bin/media/get says instead of bytes: an error, or where a video lies.
type mediaReply struct {
	apiError
	VideoURL string `json:"video_url"`
}

// apiError is in every answer of the API, with HTTP status 200.
type apiError struct {
	Code int `json:"errcode"`
}

// fieldName is how a wire field is called where people read about it.
func fieldName(s string) string {
	_, name, found := strings.Cut(s, ".")
	if !found {
		return s
	}
	return name
}

func missing(field string) error {
	return fmt.Errorf("wechat: %s is missing or malformed", field)
}
