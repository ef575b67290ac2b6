package all

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
)

func TestRegistryTakesThemAll(t *testing.T) {
	t.Parallel()
	registry, err := adapters.NewRegistry(Specs()...)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range registry.Specs() {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff(folders(t), names); diff != "" {
		t.Errorf("folders that hold an adapter and names in the list differ (-folders +list):\n%s", diff)
	}
}

// folders are the adapters there are: an adapter that is not in the list would be dead code.
func folders(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "all" || e.Name() == "adaptertest" {
			continue
		}
		if source, err := filepath.Glob(filepath.Join("..", e.Name(), "*.go")); err != nil {
			t.Fatal(err)
		} else if len(source) > 0 {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

func TestEveryChannelDescribesItself(t *testing.T) {
	t.Parallel()
	for _, s := range Specs() {
		if s.Title == "" || s.Doc == "" {
			t.Errorf("%s needs a Title and a Doc", s.Name)
		}
		seen := map[string]bool{}
		for _, f := range s.Fields {
			if seen[f.Name] || f.Name == "" || f.Title == "" || f.Type == "" {
				t.Errorf("%s: setting %q is repeated, or lacks its title or type", s.Name, f.Name)
			}
			seen[f.Name] = true
		}
	}
}
