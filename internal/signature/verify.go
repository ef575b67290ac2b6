package signature

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // platforms' own choice, see channels.md
	"crypto/sha1" //nolint:gosec // platforms' own choice, see channels.md
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Why a delivery is refused; told apart with errors.Is. The texts say nothing about the secret or the
// expected value. A stale delivery had a true signature.
var (
	ErrMissing  = errors.New("signature: missing")
	ErrMismatch = errors.New("signature: does not match")
	ErrStale    = errors.New("signature: outside the replay window")
)

// Request is what a signature may cover. Verify reads it and changes nothing.
type Request struct {
	Method     string
	URL        string // request target as it came: path and query, still escaped
	Query      url.Values
	Header     http.Header
	Body       []byte     // every byte as it came
	Form       url.Values // decoded form, in the charset the sender signed; nil: read from a urlencoded Body
	RemoteIP   netip.Addr // the sender, behind trusted proxies already resolved
	ReceivedAt time.Time  // against which signed times are held
}

// Verifier checks deliveries of one channel. It is immutable and safe for concurrent use.
type Verifier struct {
	scheme  Scheme
	secrets [][]byte
	allow   []netip.Prefix
	signed  []segment
	newHash func() hash.Hash
	verify  func(Request) error
}

// Compile checks the scheme and its secrets and makes a Verifier. Several secrets are all accepted,
// so that a secret can be changed without losing deliveries. All faults are reported at once, each
// naming the field and the remedy, never a secret.
func Compile(s Scheme, secrets [][]byte) (*Verifier, error) {
	if err := s.check(secrets); err != nil {
		return nil, err
	}
	allow, err := parseAllow(s.Allow)
	if err != nil {
		return nil, err
	}
	v := &Verifier{scheme: s, allow: allow}
	for _, secret := range secrets {
		v.secrets = append(v.secrets, slices.Clone(secret))
	}
	if v.scheme.Tolerance == 0 {
		v.scheme.Tolerance = DefaultTolerance
	}
	switch s.Type {
	case TypeNone, TypeIPAllow:
		v.verify = func(Request) error { return nil }
	case TypeStandardWebhooks:
		v.verify = v.standardWebhooks
		for i := range v.secrets {
			if v.secrets[i], err = standardSecret(string(v.secrets[i])); err != nil {
				return nil, fmt.Errorf("signature: standard-webhooks: secret %d: %w", i+1, err)
			}
		}
	case TypeHMAC:
		v.verify = v.hmac
		err = v.compileHMAC(s.Tolerance != 0)
	case TypeConcatHash:
		v.verify = v.concatHash
		v.newHash, err = hashNamed(s.Type, s.Alg, "md5", "sha1", "sha256")
	case TypeSortedSHA1:
		v.verify = v.sortedSHA1
		v.scheme.Param = orDefault(s.Param, "signature")
	case TypeSortedKVMD5:
		v.verify = v.sortedKV
		v.scheme.Param = orDefault(s.Param, "sign")
		v.scheme.Suffix = orDefault(s.Suffix, "{secret}")
	case TypeOneNET:
		v.verify = v.onenet
	case TypeFeishu:
		v.verify = v.feishu
	case TypeTwilio:
		v.verify = v.twilio
	case TypeBasic:
		v.verify = v.basic
	case TypeBearer:
		v.verify = v.bearer
		v.scheme.Header = orDefault(s.Header, "Authorization")
		if s.Header == "" && s.Prefix == "" {
			v.scheme.Prefix = "Bearer "
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Verify returns nil when r comes from a holder of a secret (and from an allowed address), and
// otherwise an error that is ErrMissing, ErrMismatch or ErrStale.
func (v *Verifier) Verify(r Request) error {
	if len(v.allow) > 0 {
		ip := r.RemoteIP.Unmap().WithZone("")
		if !slices.ContainsFunc(v.allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return fmt.Errorf("%w: the sender's address is not on the allow list", ErrMismatch)
		}
	}
	return v.verify(r)
}

func (v *Verifier) compileHMAC(toleranceSet bool) error {
	s := v.scheme
	var err error
	if v.newHash, err = hashNamed(s.Type, s.Alg, "sha1", "sha256", "sha512"); err != nil {
		return err
	}
	if v.signed, err = parseTemplate(orDefault(s.Signed, "{body}")); err != nil {
		return err
	}
	uses := func(token string) bool {
		return slices.ContainsFunc(v.signed, func(p segment) bool { return p.token == token })
	}
	for _, pair := range [...]struct{ token, field, value string }{
		{"ts", "timestamp_header", s.TimestampHeader}, {"nonce", "nonce_header", s.NonceHeader},
	} {
		switch {
		case uses(pair.token) && pair.value == "":
			return fmt.Errorf("signature: hmac: signed uses {%s} but %s is missing; name the header", pair.token, pair.field)
		case !uses(pair.token) && pair.value != "":
			return fmt.Errorf("signature: hmac: %s is set but signed has no {%s}; what is not signed can be forged, add it or remove the header", pair.field, pair.token)
		}
	}
	if !uses("ts") && toleranceSet {
		return errors.New("signature: hmac: tolerance is set but signed has no {ts}; add {ts} and timestamp_header or remove tolerance")
	}
	return nil
}

func (v *Verifier) hmac(r Request) error {
	given, err := v.headerSignature(r)
	if err != nil {
		return err
	}
	var ts string
	if v.scheme.TimestampHeader != "" {
		if ts, err = header(r, v.scheme.TimestampHeader); err != nil {
			return err
		}
	}
	var nonce string
	if v.scheme.NonceHeader != "" {
		if nonce, err = header(r, v.scheme.NonceHeader); err != nil {
			return err
		}
	}
	path, query, _ := strings.Cut(r.URL, "?")
	ok := v.anySecret(given, func(secret []byte) []byte {
		mac := hmac.New(v.newHash, secret)
		for _, p := range v.signed {
			switch p.token {
			case "":
				mac.Write([]byte(p.literal))
			case "ts":
				mac.Write([]byte(ts))
			case "nonce":
				mac.Write([]byte(nonce))
			case "body":
				mac.Write(r.Body)
			case "method":
				mac.Write([]byte(r.Method))
			case "path":
				mac.Write([]byte(path))
			case "query":
				mac.Write([]byte(query))
			case "secret":
				mac.Write(secret)
			}
		}
		return mac.Sum(nil)
	})
	if !ok {
		return ErrMismatch
	}
	if v.scheme.TimestampHeader != "" {
		return v.fresh(r, ts)
	}
	return nil
}

func (v *Verifier) concatHash(r Request) error {
	given, err := v.headerSignature(r)
	if err != nil {
		return err
	}
	ok := v.anySecret(given, func(secret []byte) []byte {
		h := v.newHash()
		if v.scheme.Order == "secret-first" {
			h.Write(secret)
			h.Write(r.Body)
		} else {
			h.Write(r.Body)
			h.Write(secret)
		}
		return h.Sum(nil)
	})
	if !ok {
		return ErrMismatch
	}
	return nil
}

// headerSignature reads and decodes the signature in the scheme's header.
func (v *Verifier) headerSignature(r Request) ([]byte, error) {
	value, err := header(r, v.scheme.Header)
	if err != nil {
		return nil, err
	}
	value, ok := strings.CutPrefix(value, v.scheme.Prefix)
	if !ok {
		return nil, ErrMismatch
	}
	return decodeSignature(value, v.scheme.Enc)
}

// anySecret compares given with what each secret yields, in constant time and without stopping early.
func (v *Verifier) anySecret(given []byte, sign func(secret []byte) []byte) bool {
	match := false
	for _, secret := range v.secrets {
		if hmac.Equal(given, sign(secret)) {
			match = true
		}
	}
	return match
}

// fresh holds a signed time, Unix seconds or milliseconds, against the time of receipt.
func (v *Verifier) fresh(r Request, ts string) error {
	n, err := strconv.ParseInt(ts, 10, 64)
	if err != nil || n <= 0 {
		return ErrStale
	}
	at := time.Unix(n, 0)
	if n >= 1e11 { // as seconds this would be the year 5138
		at = time.UnixMilli(n)
	}
	if r.ReceivedAt.Sub(at).Abs() > v.scheme.Tolerance {
		return ErrStale
	}
	return nil
}

func header(r Request, name string) (string, error) {
	if value := strings.TrimSpace(r.Header.Get(name)); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%w: header %s", ErrMissing, name)
}

func query(r Request, name string) (string, error) {
	if value := r.Query.Get(name); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%w: query parameter %s", ErrMissing, name)
}

func decodeSignature(s, enc string) ([]byte, error) {
	var b []byte
	var err error
	if enc == "base64" {
		b, err = base64.StdEncoding.DecodeString(s)
	} else {
		b, err = hex.DecodeString(s)
	}
	if err != nil || len(b) == 0 {
		return nil, ErrMismatch
	}
	return b, nil
}

// form is the decoded form of r: the caller's, or that of a urlencoded body. ok is false when the
// body is something else.
func form(r Request) (values url.Values, ok bool) {
	if r.Form != nil {
		return r.Form, true
	}
	if len(r.Body) == 0 {
		return nil, true
	}
	if mediaType(r) != "application/x-www-form-urlencoded" {
		return nil, false
	}
	values, err := url.ParseQuery(string(r.Body))
	return values, err == nil
}

func mediaType(r Request) string {
	mt, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mt
}

func hashNamed(typ, alg string, allowed ...string) (func() hash.Hash, error) {
	if !slices.Contains(allowed, alg) {
		return nil, fmt.Errorf("signature: %s: alg %q; write one of %s", typ, alg, strings.Join(allowed, ", "))
	}
	switch alg {
	case "md5":
		return md5.New, nil
	case "sha1":
		return sha1.New, nil
	case "sha512":
		return sha512.New, nil
	}
	return sha256.New, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
