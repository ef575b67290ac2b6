package sender_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/sender"
)

// openAlertmanager starts Debian's Alertmanager with what it keeps in a temporary folder. Without it the test is
// skipped, but where CI is set it fails.
func openAlertmanager(t *testing.T) (address string) {
	t.Helper()
	program := ""
	for _, name := range []string{"prometheus-alertmanager", "alertmanager"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
		}
	}
	if program == "" {
		const missing = "no Alertmanager on PATH: install prometheus-alertmanager (make test does so as root on Debian)"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(conf, []byte("route: {receiver: none, group_by: [unit, level], group_wait: 1s}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--config.file="+conf, "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+at, "--cluster.listen-address=")
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
	})
	ready, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		if req, err := http.NewRequestWithContext(ready, http.MethodGet, "http://"+at+"/-/ready", nil); err == nil {
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					tick.Stop()
					return "http://" + at
				}
			}
		}
		select {
		case <-ready.Done():
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("Alertmanager did not start:\n%s", said)
		case <-tick.C:
		}
	}
}

func ask(t *testing.T, address string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// Alertmanager itself takes our pages, groups them by its own rules, and ends them when we say so.
func TestAlertmanagerTakesPagesOver(t *testing.T) {
	t.Parallel()
	address := openAlertmanager(t)
	d := paging.Destination{ID: "am", Kind: paging.Alertmanager, URL: address}
	s, err := sender.New(&d, sender.Deps{HTTP: http.DefaultClient, Wall: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tell := func(unit, clock string, count int, over bool) {
		t.Helper()
		m := page()
		m.At, m.Since, m.UnitID, m.Unit, m.Clock, m.Count, m.Over = now, now.Add(-time.Minute), unit, "单位"+unit, clock, count, over
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	tell("b-zhujian", "resolve", 47, false)
	tell("b-zhujian", "sign", 3, false)
	tell("b-chengguan", "resolve", 1, false)
	tell("b-zhujian", "resolve", 50, false) // the same alert, of more tickets

	type seen struct {
		Labels      map[string]string
		Annotations map[string]string
		StartsAt    time.Time
		EndsAt      time.Time
		Status      struct{ State string }
	}
	active := func() map[string]seen {
		var list []seen
		ask(t, address+"/api/v2/alerts", &list)
		found := map[string]seen{}
		for _, a := range list {
			found[a.Labels["unit"]+" "+a.Labels["clock"]] = a
		}
		if len(found) != len(list) {
			t.Errorf("%d alerts, of which some are the same: %+v", len(list), list)
		}
		return found
	}
	got := active()
	a := got["b-zhujian resolve"]
	if len(got) != 3 || a.Labels["alertname"] != "HotlineDeadline" || a.Labels["level"] != "red" || a.Labels["unit_name"] != "单位b-zhujian" ||
		a.Annotations["tickets"] != "50" || a.StartsAt.Sub(now.Add(-time.Minute)).Abs() > 10*time.Second || !a.EndsAt.After(now.Add(14*time.Minute)) {
		t.Errorf("Alertmanager has %+v", got)
	}
	var groups []struct {
		Labels map[string]string
		Alerts []seen
	}
	ask(t, address+"/api/v2/alerts/groups", &groups)
	sizes := map[string]int{}
	for _, g := range groups {
		sizes[g.Labels["unit"]+" "+g.Labels["level"]] = len(g.Alerts)
	}
	if fmt.Sprint(sizes) != "map[b-chengguan red:1 b-zhujian red:2]" {
		t.Errorf("its groups: %v", sizes)
	}
	tell("b-zhujian", "resolve", 50, true)
	if got := active(); len(got) != 2 {
		t.Errorf("after the end of one it has %+v", got)
	}
}
