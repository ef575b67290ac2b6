package signature

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The official sample of WeChat's crypto documentation; copies stand in the tests of many SDKs.
const (
	wxKey43   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	wxAppID   = "wx2c2769f8efd9abc2"
	wxEncrypt = "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE="
)

func TestOfficialWXSample(t *testing.T) {
	t.Parallel()
	if got := WXSignature("spamtest", "1409735669", "1320562132", wxEncrypt); got != "5d197aaffba7e9b25a30732f161a50dee96bd5fa" {
		t.Errorf("msg_signature = %s", got)
	}
	if got := SortedSHA1("spamtest", "1409735669", "1320562132"); got != "16120ec1b8dbb870f510d87ce6bc2463eae6ca1a" {
		t.Errorf("signature = %s", got)
	}
	message, err := OpenWXBiz(wxKey43, wxEncrypt, wxAppID)
	if err != nil || !bytes.Contains(message, []byte("<MsgId>6054768590064713728</MsgId>")) {
		t.Errorf("OpenWXBiz = %q, %v", message, err)
	}
}

// The fixed value is from binarywang/WxJava, WxCryptUtilTest.java.
func TestSealWXBizIsDeterministic(t *testing.T) {
	t.Parallel()
	const want = "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
	got, err := SealWXBiz(wxKey43, [16]byte([]byte("aaaabbbbccccdddd")), []byte("我是中文abcd123"), "wxb11529c136998cb6")
	if err != nil || got != want {
		t.Errorf("SealWXBiz = %q, %v; want %q", got, err, want)
	}
}

// rawSeal encrypts plain as it is, to build what no honest sender makes.
func rawSeal(t *testing.T, plain []byte) string {
	t.Helper()
	key, err := wxKey(wxKey43)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(out, plain)
	return base64.StdEncoding.EncodeToString(out)
}

// wxPlain is the layout before encryption with chosen length field and padding bytes.
func wxPlain(length uint32, message, id string, padding []byte) []byte {
	head := binary.BigEndian.AppendUint32([]byte("0123456789abcdef"), length)
	return slices.Concat(head, []byte(message), []byte(id), padding)
}

func TestOpenWXBizMustFail(t *testing.T) {
	t.Parallel()
	const message = "路灯坏了1234567890" // 16 + 4 + 22 + 18 bytes: four of padding are missing to 64
	n := uint32(len(message))
	pad := func(value byte, count int) []byte { return bytes.Repeat([]byte{value}, count) }
	good := rawSeal(t, wxPlain(n, message, wxAppID, pad(4, 4)))
	if got, err := OpenWXBiz(wxKey43, good, wxAppID); err != nil || string(got) != message {
		t.Fatalf("the honest body: %q, %v", got, err)
	}
	raw, _ := base64.StdEncoding.DecodeString(wxEncrypt)
	raw[len(raw)-20] ^= 1
	for _, tc := range []struct{ name, key, encrypt, id string }{
		{"one flipped byte", wxKey43, base64.StdEncoding.EncodeToString(raw), wxAppID},
		{"another AppID", wxKey43, wxEncrypt, "wx0000000000000000"},
		{"prefix of the AppID", wxKey43, wxEncrypt, wxAppID[:10]},
		{"no AppID", wxKey43, wxEncrypt, ""},
		{"another key", strings.Repeat("a", 43), wxEncrypt, wxAppID},
		{"short key", "abc", wxEncrypt, wxAppID},
		{"pad 0", wxKey43, rawSeal(t, wxPlain(n, message, wxAppID, pad(0, 4))), wxAppID},
		{"pad 33", wxKey43, rawSeal(t, wxPlain(n, message, wxAppID, pad(33, 36))), wxAppID},
		{"padding not uniform", wxKey43, rawSeal(t, wxPlain(n, message, wxAppID, []byte{4, 9, 4, 4})), wxAppID},
		{"length 0xFFFFFFFF", wxKey43, rawSeal(t, wxPlain(0xFFFFFFFF, message, wxAppID, pad(4, 4))), wxAppID},
		{"length one too long", wxKey43, rawSeal(t, wxPlain(n+1, message, wxAppID, pad(4, 4))), wxAppID},
		{"padding eats the head", wxKey43, rawSeal(t, pad(32, 32)), wxAppID},
		{"not whole blocks", wxKey43, base64.StdEncoding.EncodeToString(raw[:33]), wxAppID},
		{"empty", wxKey43, "", wxAppID},
		{"not base64", wxKey43, "%%%", wxAppID},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := OpenWXBiz(tc.key, tc.encrypt, tc.id)
			if !errors.Is(err, ErrWXBiz) || err.Error() != ErrWXBiz.Error() || got != nil {
				t.Errorf("OpenWXBiz = %q, %v; want the one error text", got, err)
			}
		})
	}
	if CheckWXKey(wxKey43) != nil || CheckWXKey("short") == nil {
		t.Error("CheckWXKey disagrees with OpenWXBiz")
	}
	if _, err := SealWXBiz("short", [16]byte{}, nil, ""); err == nil {
		t.Error("sealed with a malformed key")
	}
}

func TestWXBizRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		id := rapid.String().Draw(t, "id")
		random := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "random"))
		sealed, err := SealWXBiz(wxKey43, random, message, id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenWXBiz(wxKey43, sealed, id)
		if err != nil || !bytes.Equal(got, message) {
			t.Fatalf("%q came back as %q, %v", message, got, err)
		}
		if _, err := OpenWXBiz(wxKey43, sealed, id+"x"); err == nil {
			t.Fatal("opened for another receiver")
		}
	})
}

func FuzzOpenWXBiz(f *testing.F) {
	f.Add(wxKey43, wxEncrypt, wxAppID)
	f.Add(wxKey43, "AAAA", "")
	f.Fuzz(func(t *testing.T, key, encrypt, id string) {
		got, err := OpenWXBiz(key, encrypt, id)
		if err != nil && err.Error() != ErrWXBiz.Error() {
			t.Errorf("a telling error: %v", err)
		}
		if err == nil && len(got) > len(encrypt) {
			t.Errorf("%d bytes out of %d", len(got), len(encrypt))
		}
		if _, err := OpenFeishu(key, encrypt); err != nil && !errors.Is(err, ErrWXBiz) {
			t.Errorf("a telling error: %v", err)
		}
	})
}
