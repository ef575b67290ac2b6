package signature

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The types of schemes.
const (
	TypeNone             = "none"              // not signed; only the allow list, if any
	TypeStandardWebhooks = "standard-webhooks" // https://www.standardwebhooks.com, symmetric v1 signatures
	TypeHMAC             = "hmac"              // HMAC over a template of parts
	TypeConcatHash       = "concat-hash"       // hash of secret and body joined: Douyin, Kuaishou
	TypeSortedSHA1       = "sorted-sha1"       // token, timestamp, nonce of the query: WeChat, Weibo
	TypeSortedKVMD5      = "sorted-kv-md5"     // k=v&… of sorted parameters and the secret: Aliyun IoT
	TypeOneNET           = "onenet"            // base64(md5(token‖nonce‖msg))
	TypeFeishu           = "feishu"            // sha256(timestamp‖nonce‖key‖body)
	TypeTwilio           = "twilio"            // HMAC-SHA1 over public URL and form
	TypeBasic            = "basic"             // RFC 7617
	TypeBearer           = "bearer"            // RFC 6750, or a bare key in a header
	TypeIPAllow          = "ip-allow"          // the sender's address alone
)

// DefaultTolerance is how far a signed time may lie from the time of receipt, both ways, when the
// scheme does not say; it is the value of the Standard Webhooks specification.
const DefaultTolerance = 5 * time.Minute

const (
	minTolerance = time.Second
	maxTolerance = 24 * time.Hour
)

// Scheme says how a channel's deliveries are signed. Secrets are not part of it. Which fields a type
// needs and knows is checked by Compile.
type Scheme struct {
	Type string `yaml:"type" json:"type"`

	// Alg is the hash: sha1, sha256, sha512 for hmac; md5, sha1, sha256 for concat-hash.
	Alg string `yaml:"alg,omitempty" json:"alg,omitempty"`
	// Enc is how the signature is written: hex (default; either case) or base64.
	Enc string `yaml:"enc,omitempty" json:"enc,omitempty"`
	// Header carries the signature (hmac, concat-hash) or the key (bearer; default Authorization).
	Header string `yaml:"header,omitempty" json:"header,omitempty"`
	// Prefix stands before the signature in the header and is not part of it: "sha256=".
	Prefix string `yaml:"prefix,omitempty" json:"prefix,omitempty"`
	// Signed is what hmac covers: text with {ts} {nonce} {body} {method} {path} {query} {secret};
	// default "{body}".
	Signed string `yaml:"signed,omitempty" json:"signed,omitempty"`
	// TimestampHeader carries {ts}, Unix seconds or milliseconds (13 digits).
	TimestampHeader string `yaml:"timestamp_header,omitempty" json:"timestamp_header,omitempty"`
	// NonceHeader carries {nonce}.
	NonceHeader string `yaml:"nonce_header,omitempty" json:"nonce_header,omitempty"`
	// Tolerance is the replay window around the time of receipt, 1s to 24h; default 5m.
	Tolerance time.Duration `yaml:"tolerance,omitempty" json:"tolerance,omitempty"`
	// Order is secret-first or secret-last (concat-hash).
	Order string `yaml:"order,omitempty" json:"order,omitempty"`
	// Param is the parameter that carries the signature: default "signature" (sorted-sha1, in the
	// query) or "sign" (sorted-kv-md5, in the form, flat JSON or query).
	Param string `yaml:"param,omitempty" json:"param,omitempty"`
	// Suffix follows the sorted parameters of sorted-kv-md5; default "{secret}", WeChat Pay's is
	// "&key={secret}".
	Suffix string `yaml:"suffix,omitempty" json:"suffix,omitempty"`
	// PublicURL is what the platform calls, up to where Request.URL begins: https://12345.example.
	PublicURL string `yaml:"public_url,omitempty" json:"public_url,omitempty"`
	// User is the name for basic.
	User string `yaml:"user,omitempty" json:"user,omitempty"`
	// Allow lists addresses or CIDR blocks; with it, every type refuses other senders.
	Allow []string `yaml:"allow,omitempty" json:"allow,omitempty"`
}

// fieldSet is which fields a type needs and which it also knows; allow is known to all.
type fieldSet struct {
	required, optional []string
	secrets            bool
}

func fieldsOf(typ string) (fieldSet, bool) {
	switch typ {
	case TypeNone:
		return fieldSet{}, true
	case TypeStandardWebhooks, TypeFeishu:
		return fieldSet{nil, []string{"tolerance"}, true}, true
	case TypeHMAC:
		return fieldSet{[]string{"alg", "header"}, []string{"enc", "prefix", "signed", "timestamp_header", "nonce_header", "tolerance"}, true}, true
	case TypeConcatHash:
		return fieldSet{[]string{"alg", "header", "order"}, []string{"enc", "prefix"}, true}, true
	case TypeSortedSHA1:
		return fieldSet{nil, []string{"param", "tolerance"}, true}, true
	case TypeSortedKVMD5:
		return fieldSet{nil, []string{"param", "suffix"}, true}, true
	case TypeOneNET:
		return fieldSet{nil, nil, true}, true
	case TypeTwilio:
		return fieldSet{[]string{"public_url"}, nil, true}, true
	case TypeBasic:
		return fieldSet{[]string{"user"}, nil, true}, true
	case TypeBearer:
		return fieldSet{nil, []string{"header", "prefix"}, true}, true
	case TypeIPAllow:
		return fieldSet{[]string{"allow"}, nil, false}, true
	}
	return fieldSet{}, false
}

// check finds everything wrong with the scheme's fields at once.
func (s Scheme) check(secrets [][]byte) error {
	known, ok := fieldsOf(s.Type)
	if !ok {
		return fmt.Errorf("signature: unknown type %q; write one of none, standard-webhooks, hmac, concat-hash, sorted-sha1, sorted-kv-md5, onenet, feishu, twilio, basic, bearer, ip-allow", s.Type)
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("signature: "+s.Type+": "+format, args...))
	}
	for _, f := range [...]struct {
		name string
		set  bool
	}{
		{"alg", s.Alg != ""},
		{"enc", s.Enc != ""},
		{"header", s.Header != ""},
		{"prefix", s.Prefix != ""},
		{"signed", s.Signed != ""},
		{"timestamp_header", s.TimestampHeader != ""},
		{"nonce_header", s.NonceHeader != ""},
		{"tolerance", s.Tolerance != 0},
		{"order", s.Order != ""},
		{"param", s.Param != ""},
		{"suffix", s.Suffix != ""},
		{"public_url", s.PublicURL != ""},
		{"user", s.User != ""},
		{"allow", len(s.Allow) > 0},
	} {
		required := slices.Contains(known.required, f.name)
		switch {
		case required && !f.set:
			fault("%s is missing; this type needs it", f.name)
		case f.set && !required && f.name != "allow" && !slices.Contains(known.optional, f.name):
			fault("%s is set; this type does not use it, remove it", f.name)
		}
	}
	if s.Tolerance != 0 && (s.Tolerance < minTolerance || s.Tolerance > maxTolerance) {
		fault("tolerance %s; write a time between %s and %s", s.Tolerance, minTolerance, maxTolerance)
	}
	if s.Enc != "" && s.Enc != "hex" && s.Enc != "base64" {
		fault("enc %q; write hex or base64", s.Enc)
	}
	if s.Order != "" && s.Order != "secret-first" && s.Order != "secret-last" {
		fault("order %q; write secret-first or secret-last", s.Order)
	}
	if s.Suffix != "" && strings.Count(s.Suffix, "{secret}") != 1 {
		fault("suffix %q; it must hold {secret} once", s.Suffix)
	}
	if s.PublicURL != "" {
		if u, err := url.Parse(s.PublicURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
			fault("public_url %q; write scheme and host, as https://12345.example", s.PublicURL)
		}
	}
	switch {
	case known.secrets && len(secrets) == 0:
		fault("no secret; this type needs at least one")
	case !known.secrets && len(secrets) > 0:
		fault("%d secrets are set; this type uses none, remove them or choose another type", len(secrets))
	}
	for i, secret := range secrets {
		if len(secret) == 0 {
			fault("secret %d is empty; set it or remove it", i+1)
		}
	}
	return errors.Join(faults...)
}

func parseAllow(list []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
			prefixes = append(prefixes, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("signature: allow %q is neither an address nor a CIDR block; write 203.0.113.7 or 203.0.113.0/24", s)
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, nil
}

// segment is literal text or, when token is set, a part of the request.
type segment struct{ literal, token string }

// parseTemplate splits "{ts}.{body}".
func parseTemplate(s string) ([]segment, error) {
	var segments []segment
	for s != "" {
		literal, rest, found := strings.Cut(s, "{")
		if literal != "" {
			segments = append(segments, segment{literal: literal})
		}
		if !found {
			break
		}
		token, after, closed := strings.Cut(rest, "}")
		switch token {
		case "ts", "nonce", "body", "method", "path", "query", "secret":
		default:
			closed = false
		}
		if !closed {
			return nil, fmt.Errorf("signature: hmac: signed holds an unknown part at %q; the parts are {ts} {nonce} {body} {method} {path} {query} {secret}", "{"+rest)
		}
		segments = append(segments, segment{token: token})
		s = after
	}
	return segments, nil
}
