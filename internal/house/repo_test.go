package house

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the module's folder, two levels above this package.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatalf("the module's root is not at %s: %v", dir, err)
	}
	return dir
}

// The SQLite driver is transpiled against one exact libc; another one compiles and then misbehaves.
func TestLibcIsTheDriversOwn(t *testing.T) {
	t.Parallel()
	theirs := goOutput(t, "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite")
	if theirs == "" {
		t.Fatal("go list names no go.mod for modernc.org/sqlite; run `go mod download`")
	}
	want, got := required(t, theirs, "modernc.org/libc"), required(t, filepath.Join(root(t), "go.mod"), "modernc.org/libc")
	if got != want {
		t.Errorf("go.mod requires modernc.org/libc %s, modernc.org/sqlite is made for %s: move both together", got, want)
	}
	if used := goOutput(t, "list", "-m", "-f", "{{.Version}}", "modernc.org/libc"); used != want {
		t.Errorf("the build selects modernc.org/libc %s, modernc.org/sqlite is made for %s", used, want)
	}
}

func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v%s", strings.Join(args, " "), err, stderr(err))
	}
	return strings.TrimSpace(string(out))
}

// required is the version of a module in a go.mod file.
func required(t *testing.T, goMod, path string) string {
	t.Helper()
	text, err := os.ReadFile(goMod)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == path {
			return fields[1]
		}
	}
	t.Fatalf("%s does not require %s", goMod, path)
	return ""
}

// Every module that is linked or tested with is named in NOTICE at the version in go.mod.
func TestNoticeNamesEveryModule(t *testing.T) {
	t.Parallel()
	goMod, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	notice, err := os.ReadFile(filepath.Join(root(t), "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(notice)) {
		if fields := strings.Fields(line); len(fields) >= 3 {
			named[fields[0]+" "+fields[1]] = true
		}
	}
	for line := range strings.Lines(string(goMod)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") && !named[fields[0]+" "+fields[1]] {
			t.Errorf("NOTICE does not name %s %s with its licence", fields[0], fields[1])
		}
	}
}

var (
	fencedCode = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	mdLink     = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|(?m:^\[[^\]]+\]:\s*(\S+))`)
)

// links returns the targets of a Markdown text's links, those in code left out.
func links(md string) []string {
	var targets []string
	text := inlineCode.ReplaceAllString(fencedCode.ReplaceAllString(md, ""), "")
	for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
		targets = append(targets, m[1]+m[2])
	}
	return targets
}

func TestDocumentLinksResolve(t *testing.T) {
	t.Parallel()
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".md" || strings.Contains(name, "/testdata/") {
			continue
		}
		file := filepath.Join(root(t), name)
		text, err := os.ReadFile(file)
		if err != nil {
			continue // deleted in the working tree, not yet in the index
		}
		for _, target := range links(string(text)) {
			u, err := url.Parse(target)
			if err != nil {
				t.Errorf("%s: link %q: %v", name, target, err)
				continue
			}
			if u.Scheme != "" || u.Host != "" || u.Path == "" {
				continue // elsewhere, or a heading of the same page
			}
			at := filepath.Join(filepath.Dir(file), filepath.FromSlash(u.Path))
			if !strings.HasPrefix(at+"/", root(t)+"/") {
				t.Errorf("%s: link %q leaves the repository", name, target)
			} else if _, err := os.Stat(at); err != nil {
				t.Errorf("%s: link %q leads nowhere", name, target)
			}
		}
	}
}

func TestLinksAreFound(t *testing.T) {
	t.Parallel()
	md := "see [a](docs/a.md#top), ![b](b.png \"title\"), `[not](this)` and\n```\n[nor](that)\n```\n[ref]: c.md\n"
	if got := strings.Join(links(md), " "); got != "docs/a.md#top b.png c.md" {
		t.Errorf("links = %q", got)
	}
}

// Builders choose their own mirrors: no file ties the project to one registry.
// The names are written in halves so that this file passes its own test.
func TestNoRegistryHosts(t *testing.T) {
	t.Parallel()
	hosts := []string{
		"proxy.golang" + ".org", "sum.golang" + ".org", "go" + "proxy", "registry.npmjs" + ".org", "registry.npm" + "mirror.com",
		"deb.debian" + ".org", "pypi" + ".org", "registry-1.docker" + ".io",
	}
	for _, name := range tracked(t) {
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			continue // deleted in the working tree, not yet in the index
		}
		for _, host := range hosts {
			if before, _, found := bytes.Cut(text, []byte(host)); found {
				t.Errorf("%s:%d names the package registry %s", name, 1+bytes.Count(before, []byte("\n")), host)
			}
		}
	}
}

// tracked lists the files git knows. The test is skipped in a tree without git, such as an archive.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("git ls-files: %v: not a git working tree", err)
	}
	names := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	if len(names) < 2 {
		t.Fatalf("git ls-files named %d files", len(names))
	}
	return names
}
