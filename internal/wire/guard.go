package wire

import (
	"errors"
	"fmt"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/ticket"
)

// The headers of our own signature, for senders that have none of their own: the hexadecimal
// HMAC-SHA256 over the time, a dot and the body, after "sha256=".
const (
	HeaderSignature = "X-Hotline-Signature"
	HeaderTimestamp = "X-Hotline-Timestamp" // Unix seconds
)

// GuardSettings is how a channel of our own format lets deliveries in; adapters embed it inline in
// their settings.
type GuardSettings struct {
	Verify  signature.Scheme     `yaml:"verify"`
	Secrets []adapters.SecretRef `yaml:"secrets"` // several are all accepted, so that one can be changed
}

// GuardFields declares [GuardSettings] in a Spec.
func GuardFields() []adapters.Field {
	return []adapters.Field{
		{
			Name: "verify", Title: "验证方式", Type: adapters.TypeObject,
			Help: "{type: bearer}：请求头 Authorization 携带令牌；{type: hmac}：" + HeaderSignature + " 与 " + HeaderTimestamp +
				"，即 sha256=十六进制 HMAC-SHA256(时间戳.正文)；其他类型见 internal/signature",
		},
		{Name: "secrets", Title: "令牌或密钥", Type: adapters.TypeList, Help: "env:NAME 或 file:PATH；可写两个以便更换"},
	}
}

// Guard verifies deliveries. It is immutable.
type Guard struct{ verifier *signature.Verifier }

// NewGuard resolves the secrets. {type: hmac} alone means our own signature. Errors name the setting
// and the remedy, never a secret.
func NewGuard(s GuardSettings, d adapters.Deps) (*Guard, error) {
	if s.Verify.Type == "" {
		return nil, errors.New("verify: type is missing; write bearer, hmac, or none for a public channel")
	}
	v := s.Verify
	if v.Type == signature.TypeHMAC && v.Alg+v.Header+v.Signed == "" {
		v.Alg, v.Header, v.Prefix, v.Signed, v.TimestampHeader = "sha256", HeaderSignature, "sha256=", "{ts}.{body}", HeaderTimestamp
	}
	secrets := make([][]byte, 0, len(s.Secrets))
	for i, ref := range s.Secrets {
		secret, err := d.Secret(ref)
		if err != nil {
			return nil, fmt.Errorf("secrets[%d]: %w", i, err)
		}
		secrets = append(secrets, []byte(secret))
	}
	verifier, err := signature.Compile(v, secrets)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return &Guard{verifier}, nil
}

// Check returns nil when the delivery may come in, else ticket.Unauthenticated.
func (g *Guard) Check(in adapters.Inbound) error {
	err := g.verifier.Verify(signature.Request{
		Method: in.Method, URL: target(in.URL), Query: in.Query, Header: in.Header, Body: in.Body, RemoteIP: in.RemoteIP, ReceivedAt: in.ReceivedAt,
	})
	if err != nil {
		return ticket.Errorf(ticket.Unauthenticated, "delivery.unauthenticated", "the delivery was not verified").Because(err)
	}
	return nil
}

// target is path and query of a URL, still escaped.
func target(full string) string {
	scheme, rest, absolute := strings.Cut(full, "://")
	if !absolute || strings.ContainsAny(scheme, "/?") {
		return full
	}
	at := strings.IndexAny(rest, "/?")
	if at < 0 {
		return "/"
	}
	return rest[at:]
}
