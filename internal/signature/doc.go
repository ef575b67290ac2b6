// Package signature says whether a delivery really comes from the platform it claims to come from.
//
// A Scheme is data, read from a city pack; Compile makes a Verifier of it, which is pure and safe for
// concurrent use. So most platforms are configuration and not code:
//
//	Douyin    {type: concat-hash, alg: sha1, order: secret-first, header: X-Douyin-Signature}
//	Kuaishou  {type: concat-hash, alg: md5, order: secret-last, header: kwaisign}
//	GitHub    {type: hmac, alg: sha256, header: X-Hub-Signature-256, prefix: "sha256="}
//	DingTalk  {type: hmac, alg: sha256, enc: base64, header: sign, timestamp_header: timestamp,
//	           signed: "{ts}\n{secret}", tolerance: 1h}
//	Weibo     {type: sorted-sha1, allow: [...]}
//
// Beside it stand the body encryptions of WeChat, WeCom and DingTalk callbacks (OpenWXBiz) and of
// Feishu (OpenFeishu), and the counterparts that sign what the gateway sends.
//
// Two schemes, sorted-sha1 and DingTalk's, do not cover the body: whoever saw one signature can send
// other content inside the tolerance. Use them over TLS with an allow list.
//
// It is not a store of secrets and keeps no memory of nonces: a replay inside the tolerance is caught
// by the delivery's key. It imports the standard library only.
package signature
