package signature

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	one := [][]byte{[]byte("hush-hush")}
	for _, tc := range []struct {
		name    string
		scheme  Scheme
		secrets [][]byte
		says    string
	}{
		{"no type", Scheme{}, nil, "unknown type"},
		{"field of another type", Scheme{Type: TypeBasic, User: "u", Alg: "sha1"}, one, "alg is set"},
		{"missing header", Scheme{Type: TypeHMAC, Alg: "sha256"}, one, "header is missing"},
		{"hmac with md5", Scheme{Type: TypeHMAC, Alg: "md5", Header: "X"}, one, "sha1, sha256, sha512"},
		{"concat with sha512", Scheme{Type: TypeConcatHash, Alg: "sha512", Header: "X", Order: "secret-first"}, one, "md5, sha1, sha256"},
		{"order", Scheme{Type: TypeConcatHash, Alg: "md5", Header: "X", Order: "middle"}, one, "secret-first or secret-last"},
		{"enc", Scheme{Type: TypeHMAC, Alg: "sha1", Header: "X", Enc: "base32"}, one, "hex or base64"},
		{"unknown part", Scheme{Type: TypeHMAC, Alg: "sha1", Header: "X", Signed: "{body}{host}"}, one, "{host}"},
		{"open brace", Scheme{Type: TypeHMAC, Alg: "sha1", Header: "X", Signed: "{body"}, one, "unknown part"},
		{"ts without header", Scheme{Type: TypeHMAC, Alg: "sha1", Header: "X", Signed: "{ts}{body}"}, one, "timestamp_header is missing"},
		{"header without ts", Scheme{Type: TypeHMAC, Alg: "sha1", Header: "X", TimestampHeader: "T"}, one, "can be forged"},
		{"nonce without header", Scheme{Type: TypeHMAC, Alg: "sha1", Header: "X", Signed: "{nonce}{body}"}, one, "nonce_header is missing"},
		{"tolerance without ts", Scheme{Type: TypeHMAC, Alg: "sha1", Header: "X", Tolerance: 5 * time.Minute}, one, "tolerance is set"},
		{"tolerance too wide", Scheme{Type: TypeFeishu, Tolerance: 48 * time.Hour}, one, "between"},
		{"tolerance negative", Scheme{Type: TypeFeishu, Tolerance: -1}, one, "between"},
		{"no secret", Scheme{Type: TypeFeishu}, nil, "no secret"},
		{"empty secret", Scheme{Type: TypeFeishu}, [][]byte{[]byte("a"), nil}, "secret 2 is empty"},
		{"secret for none", Scheme{Type: TypeNone}, one, "uses none"},
		{"ip-allow without list", Scheme{Type: TypeIPAllow}, nil, "allow is missing"},
		{"bad address", Scheme{Type: TypeIPAllow, Allow: []string{"10.0.0"}}, nil, "CIDR"},
		{"suffix without secret", Scheme{Type: TypeSortedKVMD5, Suffix: "&key="}, one, "{secret} once"},
		{"public_url without host", Scheme{Type: TypeTwilio, PublicURL: "12345.example"}, one, "scheme and host"},
		{"webhook secret", Scheme{Type: TypeStandardWebhooks}, one, "secret 1"},
		{"asymmetric webhook secret", Scheme{Type: TypeStandardWebhooks}, [][]byte{[]byte("whpk_abc")}, "not supported"},
		{"short webhook secret", Scheme{Type: TypeStandardWebhooks}, [][]byte{[]byte("whsec_YWJj")}, "shorter than 16"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(tc.scheme, tc.secrets)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("error = %v; want one that says %q", err, tc.says)
			}
			if strings.Contains(err.Error(), "hush-hush") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	_, err := Compile(Scheme{Type: TypeHMAC, User: "u"}, nil)
	for _, says := range []string{"alg is missing", "header is missing", "user is set", "no secret"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("not all faults at once: %v lacks %q", err, says)
		}
	}
}

func TestSchemeFromYAML(t *testing.T) {
	t.Parallel()
	var s Scheme
	const text = `
type: hmac
alg: sha256
enc: base64
header: sign
timestamp_header: timestamp
signed: "{ts}\n{secret}"
tolerance: 1h
allow: [10.0.0.0/8]
`
	if err := yaml.UnmarshalWithOptions([]byte(text), &s, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if s.Tolerance != time.Hour || s.Signed != "{ts}\n{secret}" {
		t.Errorf("read %+v", s)
	}
	if _, err := Compile(s, [][]byte{[]byte("x")}); err != nil {
		t.Error(err)
	}
}
