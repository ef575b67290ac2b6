package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/ticket"
)

// copyOf copies the Linyi pack so that a test may change it.
func copyOf(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "city")
	if err := os.CopyFS(dir, os.DirFS(linyi)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit replaces words in a file of a pack.
func edit(t *testing.T, file, old, with string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%s does not say %q", file, old)
	}
	if err := os.WriteFile(file, bytes.Replace(b, []byte(old), []byte(with), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

func options(t *testing.T, city string) Options {
	t.Helper()
	return Options{City: city, Where: Where{Data: t.TempDir()}, Listen: "127.0.0.1:0", Demo: true}
}

func start(t *testing.T, o Options) *App {
	t.Helper()
	a, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func TestABrokenPackNeverReplacesAGoodOne(t *testing.T) {
	t.Parallel()
	dir := copyOf(t)
	a := start(t, options(t, dir))
	good := a.live.Get().Hash
	file := filepath.Join(dir, "city.yaml")

	edit(t, file, "name: 临沂市", "town: 临沂市")
	err := a.Reload(t.Context())
	if err == nil || !strings.Contains(err.Error(), "city.yaml:") {
		t.Fatalf("a pack with a misspelt key: %v", err)
	}
	if a.live.Get().Hash != good {
		t.Fatal("the broken pack is in force")
	}
	edit(t, file, "town: 临沂市", "name: 临沂市（试）")
	if err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := a.live.Get(); c.Hash == good || c.Name != "临沂市（试）" {
		t.Fatalf("after the reload %s %s is in force", c.Name, c.Hash)
	}
	if err := a.Rollback(t.Context(), good[:8], "duty", "try"); err != nil {
		t.Fatal(err)
	}
	if a.live.Get().Hash != good {
		t.Error("the roll-back did not bring the first pack back")
	}
	if err := a.Rollback(t.Context(), "ffff", "duty", ""); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("a roll-back to nowhere: %v", err)
	}
	packs, err := a.store.PackHistory(t.Context(), 10)
	if err != nil || len(packs) != 3 || packs[0].Author != "duty" {
		t.Errorf("history %+v, %v", packs, err)
	}
}

func TestAUnitInUseCannotVanish(t *testing.T) {
	t.Parallel()
	dir := copyOf(t)
	a := start(t, options(t, dir))
	p, err := LoadPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Fits([]string{"s-371302105", "no-such-unit"}); err == nil || !strings.Contains(err.Error(), "no-such-unit") {
		t.Errorf("a pack that lost a unit with open tickets: %v", err)
	}
	if a.live.Get().Hash != p.Hash {
		t.Error("the pack loaded twice has two hashes")
	}
}

func TestARestartNeedsNoFolder(t *testing.T) {
	t.Parallel()
	o := options(t, linyi)
	o.Demo = false
	if _, err := New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "hotline init") {
		t.Fatalf("without keys: %v", err)
	}
	o.Data = newData(t)
	o.Getenv = func(name string) string { return config.DemoSecret(adapters.SecretRef("env:" + name)) }
	first, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	hash := first.live.Get().Hash
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	o.City = ""
	if again := start(t, o); again.live.Get().Hash != hash {
		t.Error("the active pack did not come back")
	}
	o.Data = newData(t)
	if _, err := New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--city") {
		t.Errorf("a city without a pack: %v", err)
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"--data":       {Listen: "127.0.0.1:1"},
		"--listen":     {Where: Where{Data: "d"}, Listen: "nowhere"},
		"loopback":     {Where: Where{Data: "d"}, Listen: "0.0.0.0:8080", Demo: true},
		"--public-url": {Where: Where{Data: "d"}, PublicURL: "ftp://x"},
		"--speed":      {Where: Where{Data: "d"}, Speed: 1e9},
	} {
		if err := o.validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServeAnswersAndStops(t *testing.T) {
	t.Parallel()
	a, err := New(t.Context(), options(t, linyi))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, ln) }()

	base := "http://" + ln.Addr().String()
	if err := Health(t.Context(), base, ""); err != nil {
		t.Errorf("health: %v", err)
	}
	if err := a.backlog.count(t.Context()); err != nil {
		t.Error(err)
	}
	resp, err := http.Get(base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hotline_tickets_open", "hotline_outbox_dead", "hotline_store_queue_depth", "hotline_tracker_lag_seconds"} {
		if !bytes.Contains(body, []byte(name)) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := Health(t.Context(), base, ""); err == nil {
		t.Error("a stopped gateway is healthy")
	}
}

func TestVerbsSpeak(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Check(linyi, false, &out); err != nil || !strings.Contains(out.String(), "0 failed") {
		t.Errorf("check: %v\n%s", err, &out)
	}
	dir := copyOf(t)
	edit(t, filepath.Join(dir, "city.yaml"), "default_policy: general", "default_policy: genral")
	out.Reset()
	if err := Check(dir, false, &out); !errors.Is(err, ErrChecks) || !strings.Contains(out.String(), `"genral"`) {
		t.Errorf("check of a broken pack: %v\n%s", err, &out)
	}
	out.Reset()
	if err := Explain(linyi, Question{Text: "滨河路有人落水了快救人", Channel: "wechat"}, false, &out); err != nil || !strings.Contains(out.String(), "110") {
		t.Errorf("explain: %v\n%s", err, &out)
	}
	out.Reset()
	week := LimitWords{Amount: 5, Unit: "working_days", CountFrom: "next_day", DueAt: "end_of_day"}
	if err := Deadline(linyi, "", "2026-02-13", week, false, &out); err != nil || !strings.Contains(out.String(), "2月27日") {
		t.Errorf("deadline: %v\n%s", err, &out)
	}
	out.Reset()
	if err := ListAdapters(false, &out); err != nil || !strings.Contains(out.String(), "wechat") {
		t.Errorf("adapters list: %v\n%s", err, &out)
	}
}
