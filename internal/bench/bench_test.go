package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/app"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/ticket"
)

const linyi = "../../config/cities/linyi"

func load(t *testing.T) *config.Pack {
	t.Helper()
	p, err := config.LoadDir(linyi)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComplaints(t *testing.T) {
	t.Parallel()
	c, err := newComplaints(load(t))
	if err != nil {
		t.Fatal(err)
	}
	keys, texts := map[string]bool{}, map[string]bool{}
	const many = 500
	for n := range many {
		b := c.append(nil, n)
		var got struct {
			ClientReportID, Description string
			Reporter                    struct{ Phone string }
			Location                    struct {
				Lng, Lat float64
				Address  string
			}
		}
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("complaint %d is not JSON: %v\n%s", n, err, b)
		}
		if l := utf8.RuneCountInString(got.Description); l != complaintLength {
			t.Errorf("complaint %d has %d characters, want %d", n, l, complaintLength)
		}
		if (got.Location.Lng != 0) != (n%2 == 0) || got.Location.Address == "" {
			t.Errorf("complaint %d is at %+v, want an address, and a point with every second", n, got.Location)
		}
		keys[got.ClientReportID+got.Reporter.Phone], texts[got.Description] = true, true
		if !bytes.Equal(b, c.append(nil, n)) {
			t.Errorf("complaint %d is another the second time", n)
		}
	}
	if len(keys) != many || len(texts) != many {
		t.Errorf("%d keys and %d texts of %d complaints", len(keys), len(texts), many)
	}
}

func TestBenchPackHasNoRateLimits(t *testing.T) {
	t.Parallel()
	p, err := benchPack(linyi, filepath.Join(t.TempDir(), "city"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ch := range p.Channels {
		if ch.Rate.PerMinute != 0 {
			t.Errorf("channel %s: %d a minute, want no limit", ch.ID, ch.Rate.PerMinute)
		}
	}
	if original := load(t); len(original.Channels) != len(p.Channels) || original.Hash == p.Hash {
		t.Error("the pack itself was changed, or its copy was not")
	}
}

// What is measured must find something: rules that never hold, or all of one stage, cost less.
func TestRulesHold(t *testing.T) {
	t.Parallel()
	p := load(t)
	f := ruleFacts(p)
	for name, rules := range map[string][]routing.Rule{"keywords": keywordRules(p, 1000), "mixed": mixedRules(p, 1000)} {
		rs, err := routing.Compile(cityOf(p, rules))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := rs.Decide(f, nil).Decision()
		if got.Unit == "" {
			t.Errorf("%s: nobody owns the ticket", name)
		}
		if won := naiveDecide(rules, f); name == "keywords" && !slices.Contains(won[:], rules[len(rules)-1].ID) {
			t.Error("the loop does not find the rule that holds")
		}
	}
	if n := utf8.RuneCountInString(routeText); n != 200 {
		t.Errorf("the text has %d characters", n)
	}
}

func TestContested(t *testing.T) {
	t.Parallel()
	history, err := contested(time.Date(2026, 2, 13, 2, 0, 0, 0, time.UTC), "general@1")
	if err != nil || len(history) != events {
		t.Fatalf("%d events, %v; want %d", len(history), err, events)
	}
	if err := ticket.VerifyChain(history); err != nil {
		t.Error(err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var b table
	b.show("快", "1/s")
	b.atLeast("ratio", 0.061234, 0.05, ratio)
	b.atMost("p99", 250e6, 100e6, duration, "")
	b.atMost("memory", 100e6, 300e6, megabytes, "3 failed, 0 not sent")
	want := `| what   | measured                      | wanted   |    |
|--------|-------------------------------|----------|----|
| 快      | 1/s                           |          |    |
| ratio  | 0.0612                        | ≥ 0.05   | ok |
| p99    | 250 ms                        | ≤ 100 ms | –  |
| memory | 100 MB (3 failed, 0 not sent) | ≤ 300 MB | –  |
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for ns, want := range map[float64]string{0.5: "0.5 ns", 730.4: "730 ns", 1830: "1.83 µs", 40.7e6: "40.7 ms", 1.234e9: "1.23 s"} {
		if got := duration(ns); got != want {
			t.Errorf("duration(%v) = %q, want %q", ns, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("odd: %v", got)
	}
	if got := median([]int64{8, 2, 4, 100}); got != 6 {
		t.Errorf("even: %v", got)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all, err := choose("")
	if err != nil || len(all) != len(parts) {
		t.Errorf("nothing chosen: %d parts, %v", len(all), err)
	}
	two, err := choose("load,route")
	if err != nil || len(two) != 2 || two[0].name != "route" {
		t.Errorf("two chosen: %d parts, %v", len(two), err)
	}
	if _, err := choose("route,speed"); err == nil || !strings.Contains(err.Error(), `"speed"`) {
		t.Errorf("unknown part: %v", err)
	}
}

func TestTicketed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"status":"accepted","number":"LY-1"}`:               true,
		`{"status":"accepted","number":"LY-1","joined":true}`: false,
		`{"status":"quarantined","number":"LY-1"}`:            false,
		`{"status":"accepted","text":"已收到"}`:                  false,
	} {
		if got := ticketed([]byte(body)); got != want {
			t.Errorf("ticketed(%s) = %v", body, got)
		}
	}
}

// The no-op server takes complaints, writes a profile on request and ends with its input.
func TestServeNoop(t *testing.T) {
	t.Parallel()
	c, err := newComplaints(load(t))
	if err != nil {
		t.Fatal(err)
	}
	commands, tell := io.Pipe()
	hear, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(context.Background(), "noop", "", app.Where{}, commands, out) }()
	line := make([]byte, 200)
	n, err := hear.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	address, ok := strings.CutPrefix(strings.TrimSpace(string(line[:n])), listening+" ")
	if !ok {
		t.Fatalf("it says %q", line[:n])
	}
	cl := newClient(lean, address, 1, c, anything)
	defer cl.close()
	other := newClient(standard, address, 1, c, anything)
	defer other.close()
	profile := filepath.Join(t.TempDir(), "cpu.pprof")
	for _, command := range []string{"profile " + profile, "stop"} {
		if _, err := io.WriteString(tell, command+"\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := hear.Read(line); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*client{cl, other} {
			if err := c.post(1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("no profile was written: %v", err)
	}
	if err := tell.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	if err := serve(t.Context(), "both", "", app.Where{}, strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), "gateway or noop") {
		t.Errorf("error %v", err)
	}
	if err := run(t.Context(), []string{"extra"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "extra") {
		t.Errorf("error %v", err)
	}
}
