package text

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

func encoded(t testing.TB, charset, s string) []byte {
	t.Helper()
	var out []byte
	var err error
	switch charset {
	case "gb18030":
		out, err = simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
	case "big5":
		out, err = traditionalchinese.Big5.NewEncoder().Bytes([]byte(s))
	default:
		enc, ok := encodingFor(charset)
		if !ok {
			t.Fatalf("no encoder for %s", charset)
		}
		out, err = enc.NewEncoder().Bytes([]byte(s))
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const want = "滨河路积水，请尽快处理😀"
	big := "濱河路積水"
	for _, tc := range []struct {
		name, charset string
		body          []byte
		want          string
	}{
		{"utf-8 declared", "UTF-8", []byte(want), want},
		{"utf-8 guessed", "", []byte(want), want},
		{"utf-8 marked", "", []byte("\xEF\xBB\xBF" + want), want},
		{"mark outranks gbk", "gbk", []byte("\xEF\xBB\xBF" + want), want},
		{"gb18030 guessed", "", encoded(t, "gb18030", want), want},
		{"gb2312 is read as gb18030", "gb2312", encoded(t, "gb18030", want), want},
		{"quoted label", ` "GBK" `, encoded(t, "gb18030", want), want},
		{"ascii that is not", "us-ascii", encoded(t, "gb18030", want), want},
		{"big5", "Big5", encoded(t, "big5", big), big},
		{"utf-16le", "utf-16le", encoded(t, "utf-16le", want), want},
		{"utf-16 marked little endian", "utf-16", append([]byte{0xFF, 0xFE}, encoded(t, "utf-16le", want)...), want},
		{"utf-16 marked, undeclared", "", append([]byte{0xFE, 0xFF}, encoded(t, "utf-16be", want)...), want},
		{"latin-1", "iso-8859-1", []byte("caf\xe9"), "café"},
		{"empty", "", nil, ""},
		{"one NUL is kept for Clean", "", []byte("井盖\x00缺失"), "井盖\x00缺失"},
		{"emoji with joiners", "", []byte("👨‍👩‍👧 走失"), "👨‍👩‍👧 走失"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode(tc.body, tc.charset)
			if err != nil || got != tc.want {
				t.Errorf("Decode = %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestDecodeRefusesGarbage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, charset string
		body          []byte
		says          string
	}{
		{"gbk declared as utf-8", "utf-8", encoded(t, "gb18030", "滨河路积水"), "utf-8"},
		{"picture", "", []byte("\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xFF\xDB\x00C\x00"), "gb18030"},
		{"unmarked utf-16", "", encoded(t, "utf-16be", "water on the road"), "utf-8"},
		{"unknown label", "klingon", []byte("abc"), "klingon"},
		{"replacement characters from upstream", "", []byte("\uFFFD\uFFFD积水"), "utf-8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Decode(tc.body, tc.charset)
			var ce *CharsetError
			if !errors.As(err, &ce) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Decode error = %v; want one that names %s", err, tc.says)
			}
		})
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		max      int
		want     string
		cut      bool
	}{
		{"clean", "井盖\n缺失\t", 0, "井盖\n缺失\t", false},
		{"NUL", "a\x00b", 0, "a\uFFFDb", false},
		{"controls", "a\x01\r\n\x1Bb", 0, "a\nb", false},
		{"invalid", "a\xFFb", 0, "a\uFFFDb", false},
		{"cut at a rune border", "井盖", 5, "井", true},
		{"fits exactly", "井盖", 6, "井盖", false},
		{"replacement counts its own bytes", "\x00\x00", 4, "\uFFFD", true},
		{"dropped bytes do not count", "\x01\x02ab", 2, "ab", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, cut := Clean(tc.in, tc.max)
			if got != tc.want || cut != tc.cut {
				t.Errorf("Clean = %q, %v; want %q, %v", got, cut, tc.want, tc.cut)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("滨河路"), "")
	f.Add([]byte("\xb1\xf5\xba\xd3"), "gb2312")
	f.Add([]byte("\xFF\xFEa\x00"), "utf-16")
	f.Fuzz(func(t *testing.T, body []byte, charset string) {
		s, err := Decode(body, charset)
		if err != nil {
			if s != "" || len(err.Error()) > 400 {
				t.Errorf("Decode = %q with error %v", s, err)
			}
			return
		}
		if !utf8.ValidString(s) {
			t.Errorf("Decode gave invalid UTF-8 %q", s)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a\x00井\xff", 4)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got, cut := Clean(s, limit)
		if !isClean(got) {
			t.Errorf("Clean(%q) = %q is not clean", s, got)
		}
		if limit > 0 && len(got) > limit {
			t.Errorf("Clean gave %d bytes, limit %d", len(got), limit)
		}
		if cut && limit <= 0 {
			t.Error("cut without a limit")
		}
		if again, _ := Clean(got, limit); again != got {
			t.Errorf("cleaning twice changed %q to %q", got, again)
		}
	})
}
