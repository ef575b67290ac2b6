package text

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"full width", "ＡＢＣ１２３（试）", "abc123(试)"},
		{"traditional", "濱河路積水，請儘快處理", "滨河路积水,请尽快处理"},
		{"blank between Han", "滨 河　路", "滨河路"},
		{"blank between Latin", "  Main \t St ", "main st"},
		{"blank at a border", "A 栋", "a 栋"},
		{"line break keeps sentences apart", "上海 \r\n 关闭", "上海\n关闭"},
		{"punctuation", "《条例》：“好”。、…", "<条例>:\"好\".,."},
		{"zero width", "路\u200b灯\ufe0f", "路灯"},
		{"controls", "路\x01灯", "路灯"},
		{"invalid", "a\xff", "a\ufffd"},
		{"Latin of other scripts", "ÄÖ Ж", "äö ж"},
		{"emoji", "😀", "😀"},
		{"empty", " \n ", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := Fold(tc.in); got != tc.want {
				t.Errorf("Fold(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestSimplifiedIsFinal(t *testing.T) {
	t.Parallel()
	n := 0
	for i, to := range simplified {
		if to == 0 {
			continue
		}
		n++
		if r := rune(to); !isHan(r) || foldRune(r) != r {
			t.Errorf("%c becomes %c, which is folded again to %c", rune(hanFirst+i), r, foldRune(r))
		}
	}
	if n < 500 {
		t.Errorf("only %d characters listed", n)
	}
}

func TestFoldProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("路燈Ａa1 \u3000\n\t。，\u200b濱x\x00—😀"))).Draw(t, "s")
		folded := Fold(s)
		if again := Fold(folded); again != folded {
			t.Fatalf("Fold(%q) = %q, folded again %q", s, folded, again)
		}
		m := FoldMap(s)
		if m.Text != folded {
			t.Fatalf("FoldMap(%q).Text = %q, want %q", s, m.Text, folded)
		}
		last := 0
		for i, r := range folded {
			from, to := m.Span(i, i+utf8.RuneLen(r))
			if from < last || to <= from || to > len(s) {
				t.Fatalf("Span of %q at %d in %q = [%d,%d) after %d", r, i, s, from, to, last)
			}
			last = to
			if r != ' ' && r != '\n' && Fold(s[from:to]) != string(r) {
				t.Fatalf("Span of %q gives %q", r, s[from:to])
			}
		}
	})
}

func TestFoldMapShowsHitInPlace(t *testing.T) {
	t.Parallel()
	const original = "濱 河路 ＷＡＴＥＲ 積　水！"
	m := FoldMap(original)
	for keyword, want := range map[string]string{"滨河路": "濱 河路", "water": "ＷＡＴＥＲ", "积水": "積　水"} {
		at := strings.Index(m.Text, keyword)
		if at < 0 {
			t.Errorf("%q not in %q", keyword, m.Text)
			continue
		}
		from, to := m.Span(at, at+len(keyword))
		if got := original[from:to]; got != want {
			t.Errorf("hit of %q shows %q, want %q", keyword, got, want)
		}
	}
	for _, r := range [][2]int{{-5, 0}, {3, 3}, {900, 901}, {5, 2}} {
		if from, to := m.Span(r[0], r[1]); from != 0 || to != 0 {
			t.Errorf("Span(%v) = %d, %d", r, from, to)
		}
	}
}

//nolint:paralleltest // AllocsPerRun counts the allocations of all goroutines
func TestAppendFoldDoesNotAllocate(t *testing.T) {
	s := strings.Repeat("濱河路 積水，請儘快處理ABC。", 10)
	buf := make([]byte, 0, len(s))
	if n := testing.AllocsPerRun(100, func() { buf = AppendFold(buf[:0], s) }); n != 0 {
		t.Errorf("AppendFold allocates %v times", n)
	}
}

func TestBigrams(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"路灯坏了":          {"路灯", "灯坏", "坏了"},
		"3号楼":           {"3", "3号", "号楼"},
		"水":             {"水"},
		"水，火":           {"水", "火"},
		"WiFi":          {"wi", "if", "fi", "wifi"},
		"路灯。路灯":         {"路灯"},
		"BRT站":          {"br", "rt", "brt", "t站"},
		"":              nil,
		"，。!":           nil,
		"12345 12345热线": {"12", "23", "34", "45", "12345", "5热", "热线"},
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			slices.Sort(want)
			if diff := cmp.Diff(want, Bigrams(in)); diff != "" {
				t.Errorf("Bigrams(%q) −want +got:\n%s", in, diff)
			}
		})
	}
	long := strings.Repeat("a", 100)
	if got := Bigrams(long); !slices.Equal(got, []string{"aa"}) {
		t.Errorf("a run of 100 letters gives %d terms", len(got))
	}
}

func TestEverySubstringIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := []rune(Fold(rapid.StringOfN(rapid.RuneFrom([]rune("路灯坏了ab12，。 \n")), 2, 30, -1).Draw(t, "s")))
		if len(s) < 2 {
			return
		}
		from := rapid.IntRange(0, len(s)-2).Draw(t, "from")
		to := rapid.IntRange(from+2, len(s)).Draw(t, "to")
		index := Bigrams(string(s))
		query := QueryBigrams(string(s[from:to]))
		for _, term := range query {
			if utf8.RuneCountInString(term) < 2 {
				continue // a lone character is documented to need standing alone
			}
			if !slices.Contains(index, term) {
				t.Fatalf("query %q asks for %q, which %q lacks", string(s[from:to]), term, string(s))
			}
		}
	})
}

func TestSimilarity(t *testing.T) {
	t.Parallel()
	same := "滨河路与沂州路交叉口路灯不亮"
	if got := Similarity(same, "濱河路与沂州路交叉口路燈不亮。"); got != 1 {
		t.Errorf("equal after folding: %v", got)
	}
	near := Similarity(same, "滨河路与沂州路交叉口的路灯一直不亮")
	far := Similarity(same, "幼儿园乱收费")
	if near < 0.5 || far > 0.1 {
		t.Errorf("near %v, far %v", near, far)
	}
	if got := Similarity("", ""); got != 0 {
		t.Errorf("two empty texts: %v", got)
	}
	a, b := NewSet(same), NewSet("路灯")
	if a.AtLeast(b, 0.5) || !a.AtLeast(a, 1) || a.AtLeast(Set{}, 0.1) {
		t.Error("AtLeast disagrees with Similarity")
	}
}

func BenchmarkAppendFold200(b *testing.B) {
	s := strings.Repeat("滨河路积水，请尽快处理", 19)
	buf := make([]byte, 0, len(s))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendFold(buf[:0], s)
	}
}

func BenchmarkNearDuplicateSearch5000(b *testing.B) {
	sets := make([]Set, 5000)
	for i := range sets {
		sets[i] = NewSet(strings.Repeat("滨河路积水请尽快处理", 3+i%10) + string(rune(0x4E00+i)))
	}
	want := NewSet("滨河路积水请尽快处理路灯不亮")
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for i := range sets {
			if sets[i].AtLeast(want, 0.6) {
				n++
			}
		}
	}
}
