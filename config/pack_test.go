package config

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	p := load(t, os.DirFS("testdata/good"))
	stored, err := Archive(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Archive(p)
	if err != nil || !bytes.Equal(stored, again) {
		t.Errorf("two archives of one pack differ: %v", err)
	}
	back, err := FromArchive(stored)
	if err != nil {
		t.Fatal(err)
	}
	if q := load(t, back); q.Hash != p.Hash || len(q.Files) != len(p.Files) {
		t.Errorf("hash %s after the archive, %s before", q.Hash, p.Hash)
	}
}

// Whatever the files, the archive gives them back, and with them the hash.
func TestArchiveKeepsFiles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.MapOf(
			rapid.StringMatching(`(rules|units)/[a-z0-9 中]{1,12}\.yaml`), rapid.SliceOf(rapid.Byte()),
		).Draw(t, "files")
		stored, err := Archive(&Pack{Files: files})
		if err != nil {
			t.Fatal(err)
		}
		back, err := FromArchive(stored)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]byte{}
		for name := range files {
			if got[name], err = fs.ReadFile(back, name); err != nil {
				t.Fatal(err)
			}
		}
		if hashFiles(got) != hashFiles(files) {
			t.Fatalf("got %v", got)
		}
	})
}

func TestFromArchiveRefuses(t *testing.T) {
	t.Parallel()
	pack := func(names ...string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range names {
			if _, err := z.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, _ := z.Create("rules/a.yaml")
	_, _ = w.Write(make([]byte, MaxFile+1))
	_ = z.Close()

	for name, archive := range map[string][]byte{
		"no archive":     []byte("hello"),
		"climbs out":     pack("../city.yaml"),
		"absolute":       pack("/city.yaml"),
		"twice the same": pack("city.yaml", "city.yaml"),
		"a folder":       pack("rules/"),
		"file too large": bomb.Bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := FromArchive(archive); err == nil || !strings.Contains(err.Error(), "publish the pack again") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHashKnowsEveryByte(t *testing.T) {
	t.Parallel()
	sums := map[string]string{}
	for name, files := range map[string]map[string][]byte{
		"plain": {"a": []byte("b")}, "empty": {"a": nil}, "none": {}, "moved": {"ab": nil}, "split": {"a": nil, "b": nil}, "other": {"b": []byte("a")},
	} {
		h := hashFiles(files)
		if other, taken := sums[h]; taken {
			t.Errorf("%s and %s share a hash", name, other)
		}
		sums[h] = name
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	p := load(t, os.DirFS("testdata/good"))
	if err := p.Fits([]string{"b-water", "b-old", "centre", ""}); err != nil {
		t.Errorf("units that are there, or replaced: %v", err)
	}
	want := `unit "b-gone": has open tickets and is gone; bring it back as retired with replaced_by, or move its tickets first
unit "s-lost": has open tickets and is gone; bring it back as retired with replaced_by, or move its tickets first`
	err := p.Fits([]string{"s-lost", "b-gone", "b-water", "s-lost"})
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if u, ok := p.Successor("b-old"); !ok || u.ID != "b-water" {
		t.Errorf("b-old is followed by %q, %v", u.ID, ok)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	p := load(t, os.DirFS("testdata/good"))
	values := map[string]string{"number": "XC1", "unit": "水务局", "code": "{unit}"}
	for id, want := range map[string]string{
		"accepted": "您的诉求XC1已受理，由水务局办理，查询码{unit}。", // values are not filled again
		"closed":   "您的诉求XC1已办结归档。",                // the program's own words
		"unheard":  "",
	} {
		if got := p.Text(id, values); got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
}

// The program's own words keep the rules that it holds packs to.
func TestTextSpecs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range TextSpecs {
		l := &loader{}
		l.checkText("texts.yaml", 1, s.ID, s.Default)
		if len(l.problems) > 0 || seen[s.ID] {
			t.Errorf("%s: %v", s.ID, l.problems)
		}
		seen[s.ID] = true
	}
}

func TestRunTests(t *testing.T) {
	t.Parallel()
	for _, r := range load(t, os.DirFS("testdata/good")).RunTests() {
		if !r.OK || r.Reason == "" {
			t.Errorf("%s: %v; %s", r.Test.Name, r.Diff, r.Reason)
		}
	}
	wrong := load(t, packOf(t, map[string]string{"tests/flood.yaml": `
- name: 与事实不符
  facts: {channel: form-app, text: 桥下有人落水, category: "01.01", region: "990101"}
  want: {unit: b-water, stage: catalogue, urgency: normal, policy: general, assist: [b-water]}
`})).RunTests()
	want := []string{
		`unit: want "b-water", got "e-120"`, `urgency: want "normal", got "emergency"`,
		`stage: want "catalogue", got "emergency"`, `policy: want "general", got "urgent"`,
	}
	if len(wrong) != 1 || wrong[0].OK {
		t.Fatalf("a wrong test passes: %+v", wrong)
	}
	if diff := cmp.Diff(want, wrong[0].Diff[:min(4, len(wrong[0].Diff))]); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(wrong[0].Reason, `rule "r-drowning" 有人落水 (rules/emergency.yaml:1)`) {
		t.Errorf("reason %q", wrong[0].Reason)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	ps := Problems{{File: "b", Line: 2, Text: "x"}}.Merge(fs.ErrExist).Merge(nil).Merge(Problems{{"a", 1, "y"}, {"b", 2, "x"}, {"b", 0, "z"}})
	want := "file already exists\na:1: y\nb: z\nb:2: x"
	if ps.Error() != want {
		t.Errorf("got %q", ps.Error())
	}
	var none Problems
	if none.err() != nil {
		t.Error("no problem is an error")
	}
	for range maxProblems + 5 {
		none = append(none, Problem{File: "f", Line: len(none), Text: "t"})
	}
	if got := none.sorted(); len(got) != maxProblems+1 || !strings.Contains(got[maxProblems].Text, "5 problems more") {
		t.Errorf("%d problems, the last: %v", len(got), got[len(got)-1])
	}
}
