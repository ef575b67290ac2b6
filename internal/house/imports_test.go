package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/citizen-hotline/gateway"

// anything in a rule's list lets every import of that side through.
const anything = "**"

// A room is one package or family of packages and what its code outside tests may import.
//
// Patterns: "a/b" is that package alone, "a/*" each package one level below a, "a/..." a and
// all below it. The first room whose pattern fits a package is its rule.
type room struct {
	pattern string
	ours    []string // packages of this module, as patterns; the package's own name is always allowed
	theirs  []string // module path prefixes of third parties; the fences below narrow them further
}

var (
	anyone = []string{anything}
	// stdlib is for the pure rooms: the standard library and what the room names, nothing else.
	stdlib []string
)

// rooms is the map of CONTRIBUTING.md: imports point one way. depguard in .golangci.yml says the
// same to editors; whoever changes one changes both.
var rooms = []room{
	{"ticket", nil, stdlib},
	{"sla", []string{"ticket"}, stdlib},
	{"duty", nil, stdlib},
	{"duty/relay", []string{"duty", "store", "ticket", "internal/city"}, anyone},
	{"sla/tracker", []string{"sla", "store", "ticket", "internal/city", "internal/outbox", "internal/text"}, anyone},
	{"routing", []string{"ticket", "internal/text", "internal/geo"}, []string{"github.com/paulmach/orb"}},

	{"adapters", []string{"ticket"}, stdlib},
	{"adapters/all", []string{"adapters", "adapters/*"}, stdlib},
	{"adapters/adaptertest", anyone, anyone},
	{"adapters/*", []string{"adapters", "ticket", "internal/signature", "internal/text", "internal/geo", "internal/wire"}, anyone},

	{"store", []string{"ticket"}, stdlib},
	{"store/storetest", anyone, anyone},
	{"store/tables", []string{"store", "ticket", "internal/seal"}, stdlib},
	{"store/lanes", []string{"store", "ticket"}, anyone},
	{"store/postgres/postgrestest", nil, anyone},
	{"store/sqlite/sqlitetest", []string{"store/sqlite", "store/storetest"}, anyone},
	{"store/*", []string{"store", "store/tables", "store/lanes", "ticket", "internal/seal"}, anyone},

	{"config", []string{"adapters", "duty", "ticket", "routing", "sla", "internal/classify", "internal/text", "internal/geo", "internal/paging"}, anyone},

	{"gateway/intake", []string{"adapters", "routing", "sla", "store", "ticket", "internal/city", "internal/geo", "internal/media", "internal/outbox", "internal/same", "internal/text"}, anyone},
	{"gateway/desk", []string{"adapters", "duty", "gateway/intake", "routing", "sla", "store", "ticket", "internal/city", "internal/geo", "internal/media", "internal/outbox", "internal/paging", "internal/same", "internal/text"}, anyone},
	{"gateway/api", []string{"gateway/intake", "gateway/desk", "adapters", "routing", "sla", "store", "ticket", "internal/*"}, anyone},
	{"gateway", []string{"gateway/...", "adapters", "ticket", "web", "internal/*"}, anyone},

	{"internal/app", []string{"adapters/...", "config", "duty/...", "gateway/...", "internal/*", "routing", "sla/...", "store/...", "ticket", "web"}, anyone},
	{"internal/bench", anyone, anyone},
	{"internal/house", nil, stdlib},
	{"internal/city", []string{"adapters", "duty", "routing", "sla", "store", "ticket", "internal/classify", "internal/geo", "internal/paging"}, anyone},
	{"internal/replay", []string{"config", "routing", "sla", "ticket"}, stdlib},
	{"internal/search", []string{"store", "ticket", "internal/text"}, anyone},
	{"internal/spool", []string{"adapters", "ticket"}, anyone},
	{"internal/outbox", []string{"adapters", "sla", "store", "ticket", "internal/city", "internal/paging", "internal/sender", "internal/signature", "internal/text"}, anyone},
	{"internal/paging", []string{"ticket"}, stdlib},
	{"internal/sender", []string{"internal/paging", "internal/signature"}, anyone},
	{"internal/watch", []string{"store", "ticket", "internal/city", "internal/paging", "internal/sender"}, anyone},
	{"internal/account", []string{"store", "ticket"}, anyone},
	{"internal/wire", []string{"adapters", "ticket", "internal/signature", "internal/text"}, anyone},
	{"internal/*", []string{"ticket", "internal/signature", "internal/text", "internal/geo", "internal/seal"}, anyone},

	{"web", nil, stdlib},
	{"cmd/hotline", []string{"internal/app"}, anyone},
	{"e2e", anyone, anyone},
}

// neverShipped are rooms made for tests; code outside tests and outside these rooms leaves them alone.
var neverShipped = []string{"adapters/adaptertest", "store/storetest", "store/sqlite/sqlitetest", "store/postgres/postgrestest", "e2e", "internal/house", "internal/bench"}

// A fence gives a third party its home. A file also stands inside the fence when its name is in files.
type fence struct {
	prefix string
	homes  []string
	files  []string
}

// fences are tried in order; the first prefix that fits an import decides.
var fences = []fence{
	{"github.com/gofiber/fiber", []string{"gateway", "gateway/api", "internal/bench"}, nil}, // bench measures against a no-op of it
	{"github.com/valyala/fasthttp", []string{"gateway", "gateway/api", "internal/bench"}, nil},
	{"github.com/redis/go-redis", []string{"internal/live", "internal/ratelimit"}, nil},
	{"github.com/go-playground/validator", []string{"config", "gateway/api", "adapters/*"}, nil},
	{"github.com/prometheus/client_golang/prometheus/promhttp", []string{"gateway"}, nil},
	{"github.com/prometheus/client_golang", nil, []string{"metrics.go"}},
	{"database/sql", []string{"store/*", "internal/search"}, nil},
	{"modernc.org/sqlite", []string{"store/*", "internal/search"}, nil},
	{"github.com/pressly/goose", []string{"store/*", "internal/search"}, nil},
	{"github.com/jackc/pgx", []string{"store/*", "internal/search", "internal/bench"}, nil}, // bench measures against a plain use of it
	{"github.com/wneessen/go-mail", []string{"internal/sender"}, nil},
	{"github.com/expr-lang/expr", []string{"adapters/webhook", "internal/bench"}, nil}, // bench measures our rules beside it
}

// fileImport is one import of one file that is not a test.
type fileImport struct{ pkg, file, imported string } // pkg is relative to the module

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	imports := moduleImports(t)
	if len(imports) == 0 {
		t.Fatal("go list named no imports at all: the test looks at the wrong folder")
	}
	for _, complaint := range check(imports) {
		t.Error(complaint)
	}
}

// The table is worth something only if it refuses: one case per kind of rule.
func TestImportRulesRefuse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   fileImport
		want string // a part of the complaint, "" for none
	}{
		"ticket imports a third party":     {fileImport{"ticket", "x.go", "github.com/google/uuid"}, "ticket (x.go) imports github.com/google/uuid"},
		"ticket imports another room":      {fileImport{"ticket", "x.go", module + "/store"}, "allowed of ours: nothing"},
		"ticket imports stdlib":            {fileImport{"ticket", "x.go", "encoding/json"}, ""},
		"routing imports the store":        {fileImport{"routing", "x.go", module + "/store"}, "allowed of ours: ticket, internal/text, internal/geo"},
		"routing imports orb":              {fileImport{"routing", "x.go", "github.com/paulmach/orb"}, ""},
		"an adapter imports another":       {fileImport{"adapters/form", "x.go", module + "/adapters/wechat"}, "imports adapters/wechat"},
		"an adapter imports the contract":  {fileImport{"adapters/form", "x.go", module + "/adapters"}, ""},
		"the list imports the adapters":    {fileImport{"adapters/all", "x.go", module + "/adapters/form"}, ""},
		"the list imports adaptertest":     {fileImport{"adapters/all", "x.go", module + "/adapters/adaptertest"}, "made for tests"},
		"intake knows fiber":               {fileImport{"gateway/intake", "x.go", "github.com/gofiber/fiber/v2"}, "its homes: gateway, gateway/api"},
		"the edge knows fiber":             {fileImport{"gateway", "x.go", "github.com/gofiber/fiber/v2"}, ""},
		"SQL outside the store":            {fileImport{"sla/tracker", "x.go", "database/sql"}, "its homes: store/*, internal/search"},
		"SQL in the store":                 {fileImport{"store/sqlite", "x.go", "database/sql"}, ""},
		"metrics outside metrics.go":       {fileImport{"gateway/intake", "x.go", "github.com/prometheus/client_golang/prometheus"}, "files named metrics.go"},
		"metrics in metrics.go":            {fileImport{"gateway/intake", "metrics.go", "github.com/prometheus/client_golang/prometheus"}, ""},
		"a prefix is a whole path element": {fileImport{"internal/media", "x.go", "github.com/redis/go-redismock"}, ""},
		"a package nobody placed":          {fileImport{"pkg/util", "x.go", "fmt"}, "has no room"},
		"the command reaches past the app": {fileImport{"cmd/hotline", "x.go", module + "/store"}, "allowed of ours: internal/app"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(check([]fileImport{tt.in}), "\n")
			if tt.want == "" && got != "" {
				t.Errorf("unexpected complaint: %s", got)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("complaint = %q, want it to contain %q", got, tt.want)
			}
		})
	}
}

// The binary must tell the city's time on an image without zone files.
func TestBinaryCarriesZones(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "-deps", "./cmd/...") {
		if p.ImportPath == "time/tzdata" {
			return
		}
	}
	t.Error(`cmd/hotline does not embed the time zones; add: import _ "time/tzdata"`)
}

// check returns one complaint per broken rule, naming the package, the import and what is allowed.
func check(imports []fileImport) []string {
	var complaints []string
	for _, in := range imports {
		i := slices.IndexFunc(rooms, func(r room) bool { return matches(r.pattern, in.pkg) })
		if i < 0 {
			complaints = append(complaints, in.pkg+" has no room in the house; give it one in internal/house/imports_test.go")
			continue
		}
		if c := complaint(rooms[i], in); c != "" {
			complaints = append(complaints, c)
		}
	}
	slices.Sort(complaints)
	return slices.Compact(complaints)
}

func complaint(r room, in fileImport) string {
	target, ours := strings.CutPrefix(in.imported, module+"/")
	where := fmt.Sprintf("%s (%s) imports %s", in.pkg, in.file, target)
	if ours {
		switch {
		case target == in.pkg:
			return ""
		case matchesAny(neverShipped, target) && !matchesAny(neverShipped, in.pkg):
			return where + ", which is made for tests"
		case !matchesAny(r.ours, target):
			return where + "; allowed of ours: " + list(r.ours)
		}
		return ""
	}
	for _, f := range fences {
		if !under(f.prefix, in.imported) {
			continue
		}
		if matchesAny(f.homes, in.pkg) || slices.Contains(f.files, in.file) || matchesAny(neverShipped, in.pkg) {
			break
		}
		homes := list(f.homes)
		if len(f.files) > 0 {
			homes = "files named " + list(f.files)
		}
		return where + "; its homes: " + homes
	}
	if first, _, _ := strings.Cut(in.imported, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	if !slices.Contains(r.theirs, anything) && !slices.ContainsFunc(r.theirs, func(p string) bool { return under(p, in.imported) }) {
		return where + "; allowed of third parties: " + list(r.theirs)
	}
	return ""
}

func matches(pattern, pkg string) bool {
	switch {
	case pattern == anything:
		return true
	case strings.HasSuffix(pattern, "/..."):
		return under(strings.TrimSuffix(pattern, "/..."), pkg)
	case strings.HasSuffix(pattern, "/*"):
		rest, ok := strings.CutPrefix(pkg, strings.TrimSuffix(pattern, "*"))
		return ok && !strings.Contains(rest, "/")
	}
	return pattern == pkg
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

// under reports whether path is prefix or lies below it, by whole path elements.
func under(prefix, path string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func list(allowed []string) string {
	if len(allowed) == 0 {
		return "nothing"
	}
	return strings.Join(allowed, ", ")
}

// listed is the part of `go list -json` the tests read.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Module     *struct {
		Path string
		Main bool
	}
}

// goList runs go list at the module's root. -e keeps one unfinished package from hiding the rest.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-e", "-json=ImportPath,Dir,GoFiles,Module"}, args...)...)
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v%s", err, stderr(err))
	}
	var pkgs []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

// moduleImports lists every import of every file of this module that is not a test.
func moduleImports(t *testing.T) []fileImport {
	t.Helper()
	var all []fileImport
	for _, p := range goList(t, "-deps", "./...") {
		if p.Module == nil || !p.Module.Main {
			continue
		}
		pkg := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatalf("%s: %v", pkg, err)
			}
			for _, spec := range f.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatalf("%s/%s: import %s: %v", pkg, name, spec.Path.Value, err)
				}
				all = append(all, fileImport{pkg, name, path})
			}
		}
	}
	return all
}

func stderr(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return ": " + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}
