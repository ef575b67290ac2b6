package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
)

// before is the last state of the program with schema 1 on both engines.
const before = "6b354de250de4b82f04fedb9a897185341b78613"

// previous builds the binary of a commit, and gives the folder of its sources.
func previous(t *testing.T, commit string) (binary, sources string) {
	t.Helper()
	dir := t.TempDir()
	archive := filepath.Join(dir, "sources.tar")
	if out, err := exec.CommandContext(t.Context(), "git", "-C", "..", "archive", "--output", archive, commit).CombinedOutput(); err != nil {
		t.Skipf("the version before is not at hand, clone the whole history: git archive: %v\n%s", err, out)
	}
	sources, binary = filepath.Join(dir, "sources"), filepath.Join(dir, "hotline")
	if err := os.Mkdir(sources, 0o700); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/hotline")
	build.Dir = sources
	for _, cmd := range []*exec.Cmd{exec.CommandContext(t.Context(), "tar", "-xf", archive, "-C", sources), build} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	return binary, sources
}

// Two gateways of the version before are replaced one after the other while the city reports. The first of
// the new migrates the tables under the other's hands; nobody is refused, nothing is lost, no step is taken twice.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	old, sources := previous(t, before)
	fresh, dsn := build(t), server.Database(t)
	pack := filepath.Join(sources, "config", "cities", "linyi") // a city keeps its pack
	both := make([]*program, 2)
	for i := range both {
		both[i] = &program{t: t, binary: old, city: pack, data: t.TempDir(), store: dsn, listen: freeAddress(t)}
		if i > 0 {
			both[i].shareKeys(both[0])
		}
		both[i].start()
	}
	round, loads := 0, make([]*sender, 2)
	begin := func(i int) {
		loads[i] = load("http://"+both[i].listen, round)
		round++
	}
	takes := func(i, more int) {
		t.Helper()
		from := loads[i].count()
		for end := time.Now().Add(60 * time.Second); loads[i].count() < from+more; {
			if time.Now().After(end) {
				t.Fatalf("gateway %d took %d reports and no more: %v", i, loads[i].count(), loads[i].wrong)
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	var taken []acknowledged
	end := func(i int) {
		t.Helper()
		got := loads[i].finish()
		if len(loads[i].wrong) > 0 || loads[i].failed > 0 {
			t.Errorf("gateway %d answered %v, and not at all %d times", i, loads[i].wrong[:min(len(loads[i].wrong), 5)], loads[i].failed)
		}
		taken = append(taken, got...)
	}
	for i := range both {
		begin(i)
	}
	for i, p := range both {
		takes(0, 100)
		takes(1, 100)
		end(i) // as a load balancer does with one that says it is not ready
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Fatalf("SIGTERM: %v\n%s", err, p.log)
		}
		p.binary = fresh
		t.Logf("gateway %d is replaced after %s", i, p.start().Round(time.Millisecond))
		begin(i)
		takes(1-i, 100)
	}
	takes(1, 100)
	for i, p := range both {
		end(i)
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.log)
		}
	}
	where := app.Where{Data: both[0].data, Store: dsn}
	kept(t, where, taken)

	out, err := exec.CommandContext(t.Context(), old, "verify", "--data", where.Data, "--store", dsn).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "newer version") {
		t.Errorf("the version before opens what the newer has migrated: %v\n%s", err, out)
	}
}
