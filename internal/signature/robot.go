package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

// SignDingTalkRobot is the timestamp, in milliseconds, and the sign that a DingTalk group robot wants in the
// query: HMAC-SHA256 over timestamp, line feed and secret, with the secret as the key
// (https://open.dingtalk.com/document/robots/customize-robot-security-settings).
func SignDingTalkRobot(secret string, at time.Time) (timestamp, sign string) {
	timestamp = strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return timestamp, base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// SignFeishuRobot is the timestamp, in seconds, and the sign that a Feishu group robot wants in the body. It is
// DingTalk's the other way round: timestamp, line feed and secret are the key, and the message is empty
// (https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
func SignFeishuRobot(secret string, at time.Time) (timestamp, sign string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	return timestamp, base64.StdEncoding.EncodeToString(hmac.New(sha256.New, []byte(timestamp+"\n"+secret)).Sum(nil))
}
