package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // platforms' own choice, see channels.md
	"crypto/sha1" //nolint:gosec // platforms' own choice, see channels.md
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// sortedSHA1 covers token, timestamp and nonce, not the body.
func (v *Verifier) sortedSHA1(r Request) error {
	var value [3]string
	for i, name := range [...]string{v.scheme.Param, "timestamp", "nonce"} {
		var err error
		if value[i], err = query(r, name); err != nil {
			return err
		}
	}
	given, err := decodeSignature(value[0], "hex")
	if err != nil {
		return err
	}
	ts, nonce := value[1], value[2]
	ok := v.anySecret(given, func(token []byte) []byte {
		sum := sortedSHA1(string(token), ts, nonce)
		return sum[:]
	})
	if !ok {
		return ErrMismatch
	}
	return v.fresh(r, ts)
}

// SortedSHA1 is hex(sha1(join(sort(parts)))), with which WeChat and Weibo sign.
func SortedSHA1(parts ...string) string {
	sum := sortedSHA1(parts...)
	return hex.EncodeToString(sum[:])
}

func sortedSHA1(parts ...string) [sha1.Size]byte {
	return sha1.Sum([]byte(strings.Join(slices.Sorted(slices.Values(parts)), ""))) //nolint:gosec // the platforms' choice
}

// sortedKV joins the parameters except the signature and the empty ones as k=v with &, sorted by
// name, and appends the suffix. Doubled names are refused: two readers would disagree about them.
func (v *Verifier) sortedKV(r Request) error {
	params, err := v.flatParams(r)
	if err != nil {
		return err
	}
	if params[v.scheme.Param] == "" {
		return fmt.Errorf("%w: parameter %s", ErrMissing, v.scheme.Param)
	}
	given, err := decodeSignature(params[v.scheme.Param], "hex")
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if k == v.scheme.Param || params[k] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(k + "=" + params[k])
	}
	ok := v.anySecret(given, func(secret []byte) []byte {
		sum := md5.Sum([]byte(b.String() + strings.Replace(v.scheme.Suffix, "{secret}", string(secret), 1))) //nolint:gosec // the platforms' choice
		return sum[:]
	})
	if !ok {
		return ErrMismatch
	}
	return nil
}

// flatParams are the parameters of a form, a flat JSON object or, without a body, the query.
func (v *Verifier) flatParams(r Request) (map[string]string, error) {
	values, ok := form(r)
	if !ok && mediaType(r) == "application/json" {
		return flatJSON(r.Body)
	}
	if !ok {
		return nil, fmt.Errorf("%w: this scheme covers forms, flat JSON and queries only", ErrMismatch)
	}
	if len(values) == 0 {
		values = r.Query
	}
	params := make(map[string]string, len(values))
	for k, vs := range values {
		if len(vs) != 1 {
			return nil, ErrMismatch
		}
		params[k] = vs[0]
	}
	return params, nil
}

func flatJSON(body []byte) (map[string]string, error) {
	var object map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&object); err != nil {
		return nil, ErrMismatch
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, ErrMismatch
	}
	params := make(map[string]string, len(object))
	for k, value := range object {
		switch value := value.(type) {
		case string:
			params[k] = value
		case json.Number, bool:
			params[k] = fmt.Sprint(value)
		case nil:
		default:
			return nil, ErrMismatch
		}
	}
	return params, nil
}

// onenet signs msg and nonce, in the JSON body of a push or in the query of the handshake.
func (v *Verifier) onenet(r Request) error {
	var msg, nonce, signature string
	if len(r.Body) == 0 {
		// A sender that forgets to escape + in the query delivers a blank.
		msg, nonce, signature = r.Query.Get("msg"), r.Query.Get("nonce"), strings.ReplaceAll(r.Query.Get("signature"), " ", "+")
	} else {
		var push struct {
			Msg       json.RawMessage `json:"msg"`
			Nonce     string          `json:"nonce"`
			Signature string          `json:"signature"`
		}
		if json.Unmarshal(r.Body, &push) != nil {
			return ErrMismatch
		}
		msg, nonce, signature = string(push.Msg), push.Nonce, push.Signature
		if len(push.Msg) > 0 && push.Msg[0] == '"' && json.Unmarshal(push.Msg, &msg) != nil {
			return ErrMismatch
		}
	}
	if signature == "" {
		return fmt.Errorf("%w: signature in body or query", ErrMissing)
	}
	given, err := decodeSignature(signature, "base64")
	if err != nil {
		return err
	}
	if !v.anySecret(given, func(token []byte) []byte {
		sum := md5.Sum(slices.Concat(token, []byte(nonce), []byte(msg))) //nolint:gosec // the platform's choice
		return sum[:]
	}) {
		return ErrMismatch
	}
	return nil
}

func (v *Verifier) feishu(r Request) error {
	var value [3]string
	for i, name := range [...]string{"X-Lark-Signature", "X-Lark-Request-Timestamp", "X-Lark-Request-Nonce"} {
		var err error
		if value[i], err = header(r, name); err != nil {
			return err
		}
	}
	given, err := decodeSignature(value[0], "hex")
	if err != nil {
		return err
	}
	ok := v.anySecret(given, func(key []byte) []byte {
		h := sha256.New()
		io.WriteString(h, value[1]+value[2]) //nolint:errcheck // a hash never fails
		h.Write(key)
		h.Write(r.Body)
		return h.Sum(nil)
	})
	if !ok {
		return ErrMismatch
	}
	return v.fresh(r, value[1])
}

// twilio covers the public URL and either the form or, by bodySHA256 in the query, the raw body. Any
// other body would be unsigned and is refused.
func (v *Verifier) twilio(r Request) error {
	value, err := header(r, "X-Twilio-Signature")
	if err != nil {
		return err
	}
	given, err := decodeSignature(value, "base64")
	if err != nil {
		return err
	}
	var params url.Values
	if want := r.Query.Get("bodySHA256"); want != "" {
		sum := sha256.Sum256(r.Body)
		if subtle.ConstantTimeCompare([]byte(strings.ToLower(want)), []byte(hex.EncodeToString(sum[:]))) != 1 {
			return ErrMismatch
		}
	} else {
		var ok bool
		if params, ok = form(r); !ok {
			return ErrMismatch
		}
	}
	for _, target := range portVariants(strings.TrimSuffix(v.scheme.PublicURL, "/") + r.URL) {
		if v.anySecret(given, func(token []byte) []byte { return twilioMAC(token, target, params) }) {
			return nil
		}
	}
	return ErrMismatch
}

// SignTwilio is the value of X-Twilio-Signature for a call of the full public URL with a form.
func SignTwilio(authToken, fullURL string, form url.Values) string {
	return base64.StdEncoding.EncodeToString(twilioMAC([]byte(authToken), fullURL, form))
}

func twilioMAC(token []byte, fullURL string, form url.Values) []byte {
	mac := hmac.New(sha1.New, token)
	io.WriteString(mac, fullURL) //nolint:errcheck // a hash never fails
	for _, k := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[k]))) {
			io.WriteString(mac, k+value) //nolint:errcheck // a hash never fails
		}
	}
	return mac.Sum(nil)
}

// portVariants is the URL as it is and with its default port added or removed: Twilio signs either.
func portVariants(full string) []string {
	scheme, rest, _ := strings.Cut(full, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	host := rest[:end]
	if bare, ok := strings.CutSuffix(host, port); ok {
		host = bare
	} else if !strings.Contains(host[strings.LastIndexByte(host, ']')+1:], ":") {
		host += port
	} else {
		return []string{full}
	}
	return []string{full, scheme + "://" + host + rest[end:]}
}

// basic and bearer compare digests, so that the length of the secret does not show in the time.
func (v *Verifier) basic(r Request) error {
	value, err := header(r, "Authorization")
	if err != nil {
		return err
	}
	scheme, credentials, _ := strings.Cut(value, " ")
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return ErrMismatch
	}
	given := sha256.Sum256(plain)
	if !v.anySecret(given[:], func(password []byte) []byte {
		sum := sha256.Sum256(slices.Concat([]byte(v.scheme.User), []byte(":"), password))
		return sum[:]
	}) {
		return ErrMismatch
	}
	return nil
}

func (v *Verifier) bearer(r Request) error {
	value, err := header(r, v.scheme.Header)
	if err != nil {
		return err
	}
	n := len(v.scheme.Prefix)
	if len(value) < n || !strings.EqualFold(value[:n], v.scheme.Prefix) {
		return ErrMismatch
	}
	given := sha256.Sum256([]byte(strings.TrimSpace(value[n:])))
	if !v.anySecret(given[:], func(key []byte) []byte {
		sum := sha256.Sum256(key)
		return sum[:]
	}) {
		return ErrMismatch
	}
	return nil
}
