package config

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/routing"
)

var update = flag.Bool("update", false, "rewrite testdata/broken/*/want.txt")

// packOf is testdata/good with files put over it; an empty file takes one away.
func packOf(t testing.TB, over map[string]string) fstest.MapFS {
	t.Helper()
	pack := fstest.MapFS{}
	good := os.DirFS("testdata/good")
	err := fs.WalkDir(good, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(good, name)
		pack[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range over {
		if pack[name] = (&fstest.MapFile{Data: []byte(content)}); content == "" {
			delete(pack, name)
		}
	}
	return pack
}

func load(t testing.TB, fsys fs.FS) *Pack {
	t.Helper()
	p, err := Load(fsys, "form", "webhook")
	if err != nil {
		t.Fatalf("the pack does not load:\n%v", err)
	}
	return p
}

func TestLoad(t *testing.T) {
	t.Parallel()
	p := load(t, os.DirFS("testdata/good"))

	got := map[string]int{
		"units": len(p.Units), "categories": len(p.Categories), "regions": len(p.Regions), "areas": len(p.Areas),
		"catalogue": len(p.Catalogue), "rules": len(p.Rules), "policies": len(p.Policies), "calendars": len(p.Calendars),
		"channels": len(p.Channels), "retention": len(p.Retention), "reasons": len(p.Reasons), "texts": len(p.Texts), "tests": len(p.Tests),
	}
	want := map[string]int{
		"units": 7, "categories": 3, "regions": 4, "areas": 1, "catalogue": 2, "rules": 2, "policies": 2, "calendars": 1,
		"channels": 2, "retention": 6, "reasons": 2, "texts": 1, "tests": 4,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p.Ruleset == nil || p.PolicySet == nil || p.Calendar == nil || p.Ruleset.Hash() != p.Hash || len(p.Hash) != 64 {
		t.Errorf("pack %q is not compiled", p.Hash)
	}
	if at := p.City.StormDay.At(p.City.Location); at.UTC().Format(time.RFC3339) != "2026-07-13T00:30:00Z" {
		t.Errorf("the storm begins at %v", at)
	}
	if s := p.Units[4].Source; s.File != "units/places.yaml" || s.Line != 1 {
		t.Errorf("the first place is said to stand at %v", s)
	}
	if p.DutyUnit() != "centre" {
		t.Errorf("duty unit %q", p.DutyUnit())
	}
	if r, ok := p.AlertRules.Rung("red", 1); !ok || r.After != 30*time.Minute || r.To != "b-water.handler" || p.AlertRules.Ahead != 12*time.Hour {
		t.Errorf("the second rung of a red alert is %+v, of rules %+v", r, p.AlertRules)
	}
	if on, ok := p.Roster.Shift("centre.duty", p.City.StormDay.At(p.City.Location)); !ok || !on.Attended() {
		t.Errorf("nobody is on duty: %+v", on)
	}
}

func TestLoadChannels(t *testing.T) {
	t.Parallel()
	p := load(t, os.DirFS("testdata/good"))
	app, off := p.Channels[0], p.Channels[1]
	if !app.On() || off.On() || !off.Example {
		t.Errorf("app %+v, off %+v", app, off)
	}
	var settings struct {
		Secret string `yaml:"secret"`
		Photos int    `yaml:"max_photos" validate:"max=8"`
	}
	err := app.Settings.Decode(&settings)
	want := `channels/forms.yaml:11: max_photos: is too large or too long; the most is 8`
	if err == nil || err.Error() != want || settings.Secret != "env:FORM_SECRET" {
		t.Errorf("settings %+v, error %v; want %s", settings, err, want)
	}
	a := p.ForAdapter(app)
	if a.Line != "12345" || a.NumberPrefix != "XC" || a.Zone.String() != "Asia/Shanghai" || string(a.Datum) != "gcj02" {
		t.Errorf("for the adapter: %+v", a)
	}
	if got := off.Problem(fs.ErrInvalid).Error(); got != `channels/forms.yaml:12: channel "form-off": invalid argument` {
		t.Errorf("problem %q", got)
	}
}

// Each folder below testdata/broken is put over testdata/good; want.txt lists its problems.
func TestLoadProblems(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/broken/*")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range cases {
		t.Run(path.Base(dir), func(t *testing.T) {
			t.Parallel()
			over := map[string]string{}
			_ = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && name != "want.txt" {
					content, _ := os.ReadFile(filepath.Join(dir, name))
					over[name] = string(content)
				}
				return err
			})
			_, err := Load(packOf(t, over), "form", "webhook")
			if err == nil {
				t.Fatal("the broken pack loads")
			}
			golden := filepath.Join(dir, "want.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := os.ReadFile(golden)
			if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An area may have several parts and holes. Its datum is its own, else that of the file by datum or by
// crs, else WGS-84.
func TestLoadAreas(t *testing.T) {
	t.Parallel()
	const square = `[[118.3, 35.0], [118.4, 35.0], [118.4, 35.1], [118.3, 35.1], [118.3, 35.0]]`
	const hole = `[[118.32, 35.02], [118.34, 35.02], [118.34, 35.04], [118.32, 35.04], [118.32, 35.02]]`
	const apart = `[[118.5, 35.0], [118.6, 35.0], [118.6, 35.1], [118.5, 35.0]]`
	file := func(top, own string) string {
		return `{"type": "FeatureCollection"` + top + `, "features": [{"type": "Feature", "properties": {"id": "urban", "name": "主城区"` + own + `},
			"geometry": {"type": "MultiPolygon", "coordinates": [[` + square + `,` + hole + `], [` + apart + `]]}}]}`
	}
	for name, tt := range map[string]struct {
		top, own string
		moved    bool // the border as drawn is not the border
	}{
		"nothing said":          {"", "", false},
		"the area's":            {"", `, "datum": "GCJ-02"`, true},
		"the file's":            {`, "datum": "gcj02"`, "", true},
		"the area's goes first": {`, "datum": "gcj02"`, `, "datum": "wgs84"`, false},
		"crs of 2008":           {`, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}`, "", false},
		"CGCS2000":              {`, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := load(t, packOf(t, map[string]string{"areas/urban.geojson": file(tt.top, tt.own)}))
			in := func(lng, lat float64) bool {
				return len(p.Ruleset.Locate(routing.Place{HasPoint: true, Lng: lng, Lat: lat}).Areas) > 0
			}
			if got := in(118.3001, 35.0001); got == tt.moved { // GCJ-02 moves by half a kilometre to the east
				t.Errorf("a point ten metres inside the corner as drawn: inside %v", got)
			}
			if !in(118.36, 35.06) || in(118.33, 35.03) || !in(118.58, 35.04) || in(118.45, 35.05) {
				t.Error("holes or parts are not as drawn")
			}
		})
	}
	for says, top := range map[string]string{`unknown datum "mars2000"`: `, "datum": "mars2000"`, `crs "urn:ogc:def:crs:EPSG::3857" is not known`: `, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}`} {
		if _, err := Load(packOf(t, map[string]string{"areas/urban.geojson": file(top, "")}), "form", "webhook"); err == nil ||
			!strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "areas/urban.geojson:1") {
			t.Errorf("error %v does not say %s", err, says)
		}
	}
}

func TestLoadFolder(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "reasons.yaml")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/good")); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDir(dir); err != nil {
		t.Fatal(err)
	}
	// A link inside is followed, one that leads out is not, and hidden files are not looked at.
	for from, to := range map[string]string{
		"rules/more.yaml": "emergency.yaml", "units/out.yaml": outside, "units/up.yaml": "../../out.yaml", ".git": outside,
	} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := LoadDir(dir)
	want := `rules/more.yaml:1: rule "r-drowning": id is already used at rules/emergency.yaml:1; give one of them another id
rules/more.yaml:8: rule "r-test": id is already used at rules/emergency.yaml:8; give one of them another id
units/out.yaml: link "` + outside + `" points out of the pack; copy the file into it
units/up.yaml: link "../../out.yaml" points out of the pack; copy the file into it`
	if err == nil {
		t.Fatal("the pack loads")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	if _, err := LoadDir(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "cannot be opened") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestLoadLimits(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("# comment\n", MaxFile/10+1)
	many := map[string]string{}
	for i := range MaxFiles + 1 {
		many["rules/"+strings.Repeat("r", 1+i%50)+time.Unix(int64(i), 0).UTC().Format("150405")+".yaml"] = "[]"
	}
	whole := map[string]string{}
	for _, c := range "abcdefghi" {
		whole["rules/"+string(c)+".yaml"] = large[:MaxFile]
	}
	for _, tc := range []struct {
		name string
		over map[string]string
		want string
	}{
		{"file too large", map[string]string{"rules/large.yaml": large}, "rules/large.yaml: is larger than 8 MiB; split it"},
		{"pack too large", whole, "makes the pack larger than 64 MiB"},
		{"too many files", many, "pack has more than 4096 files"},
		{"too deep", map[string]string{"rules/a/b/c/d/e.yaml": "[]"}, "lies deeper than 4"},
		{"not UTF-8", map[string]string{"rules/gbk.yaml": "- \xd6\xd0"}, "rules/gbk.yaml: is not UTF-8"},
		{"nothing", nil, "pack is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fsys := fs.FS(fstest.MapFS{})
			if tc.over != nil {
				fsys = packOf(t, tc.over)
			}
			if _, err := Load(fsys); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %.200v, want %q", err, tc.want)
			}
		})
	}
}

func TestLoadLinyi(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("cities/linyi"); err != nil {
		t.Skip("config/cities/linyi is absent")
	}
	p, err := LoadDir("cities/linyi")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.RunTests() {
		if !r.OK {
			t.Errorf("%s:%d: %s: %s; it was decided by %s", r.Test.At.File, r.Test.At.Line, r.Test.Name, strings.Join(r.Diff, "; "), r.Reason)
		}
	}
}

func BenchmarkLoadLinyi(b *testing.B) {
	if _, err := os.Stat("cities/linyi"); err != nil {
		b.Skip("config/cities/linyi is absent")
	}
	for b.Loop() {
		if _, err := LoadDir("cities/linyi"); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzLoad puts any text in the place of one file of a good pack: problems, never a panic.
func FuzzLoad(f *testing.F) {
	names := []string{
		"city.yaml", "units/city.yaml", "areas/urban.geojson", "channels/forms.yaml", "policies.yaml", "calendars/xiaocheng.yaml",
		"roster.yaml", "texts.yaml", "tests/flood.yaml", "rules/emergency.yaml", "alerts.yaml",
	}
	for i, name := range names {
		content, err := os.ReadFile(filepath.Join("testdata/good", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), content)
		f.Add(uint8(i), content[:len(content)/2])
	}
	f.Add(uint8(1), []byte("- - - {[("))
	f.Add(uint8(1), []byte("? a\n: b\n- c"))
	f.Add(uint8(7), []byte("accepted: '{'"))
	f.Fuzz(func(t *testing.T, at uint8, content []byte) {
		name := names[int(at)%len(names)]
		p, err := Load(packOf(t, map[string]string{name: string(content) + "\n"}))
		if err == nil {
			p.RunTests()
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if strings.TrimSpace(line) == "" {
				t.Errorf("empty problem in %q", err)
			}
		}
	})
}
