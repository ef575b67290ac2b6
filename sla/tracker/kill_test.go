package tracker_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

var server postgrestest.Server

func TestMain(m *testing.M) { server.Main(m) }

// killed tells a copy of this test binary what to do until it is killed.
const killed = "HOTLINE_TEST_TRACKERS"

// watchers is a process that watches deadlines: how many trackers, over which store, by which clock.
type watchers struct {
	Folder   string    // of the keys, and of the file when DSN is empty
	DSN      string    // of a database
	Trackers int       // in this process
	Now      time.Time // what its clock shows at the start; a second is worth ten minutes
}

func (w watchers) open(ctx context.Context) (store.Store, error) {
	ring, err := seal.Load(filepath.Join(w.Folder, "keys.json"))
	if err != nil {
		return nil, err
	}
	if w.DSN != "" {
		return postgres.Open(ctx, postgres.Options{DSN: w.DSN, Ring: ring})
	}
	return sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(w.Folder, "hotline.db"), Ring: ring})
}

// beWatchers runs trackers and writes a line for each run that took steps, until the process is killed.
func beWatchers(t *testing.T, told string) {
	var w watchers
	if err := json.Unmarshal([]byte(told), &w); err != nil {
		t.Fatal(err)
	}
	st, err := w.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := linyiCity(t)
	began := time.Now()
	now := func() time.Time { return w.Now.Add(600 * time.Since(began)) }
	var all sync.WaitGroup
	for range w.Trackers {
		tr := tracker.New(tracker.Options{Store: st, Live: city.NewLive(c), Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Batch: 3})
		all.Go(func() {
			for time.Since(began) < time.Minute {
				r, err := tr.RunOnce(t.Context(), now())
				if err != nil && !ticket.IsKind(err, ticket.Unavailable) {
					fmt.Println("failed", err)
				}
				if r.Steps > 0 {
					fmt.Println("took", r.Steps)
				} else {
					<-time.After(time.Millisecond)
				}
			}
		})
	}
	all.Wait()
}

// process is a running copy.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func (w watchers) start(t *testing.T) *process {
	t.Helper()
	told, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillFourTrackers$", "-test.timeout=3m")}
	p.cmd.Env = append(os.Environ(), killed+"="+string(told))
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() }) // gone already is as good
	return p
}

// listen hears what the process says until it is killed: when it first takes a step, and failures, which are the test's.
func (p *process) listen(t *testing.T, busy chan<- bool) {
	took := false
	for p.lines.Scan() {
		switch line := p.lines.Text(); {
		case strings.HasPrefix(line, "failed"):
			t.Errorf("a tracker %s", line)
		case strings.HasPrefix(line, "took") && !took:
			took = true
			busy <- true
		}
	}
	_ = p.cmd.Wait()
}

// Four trackers over one store, killed in the midst of their work and started again, by clocks that stand an hour
// behind or run a day ahead: in the end every step that was due stands on its ticket once, with one alert for each
// post and one notice for each target.
func TestKillFourTrackers(t *testing.T) {
	if told := os.Getenv(killed); told != "" {
		beWatchers(t, told)
		return
	}
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		killFour(t, watchers{Folder: keysIn(t), Trackers: 4}, 1) // one process has the file: all four die at once
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		killFour(t, watchers{Folder: keysIn(t), DSN: server.Database(t), Trackers: 1}, 4)
	})
}

func keysIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.Generate(rand.Reader)
	if err == nil {
		err = seal.Save(filepath.Join(dir, "keys.json"), keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// killRounds are how far the clocks are off in each round.
var killRounds = []time.Duration{0, -time.Hour, 0, 24 * time.Hour, -time.Hour, 0, -24 * time.Hour, 0}

func killFour(t *testing.T, w watchers, processes int) {
	ids := register(t, w)
	for round, off := range killRounds {
		var running []*process
		for range processes {
			w.Now = monday.Add(time.Duration(round)*25*time.Minute + off)
			running = append(running, w.start(t))
		}
		busy, most := make(chan bool, processes), time.After(3*time.Second)
		var all sync.WaitGroup
		for _, p := range running {
			all.Go(func() { p.listen(t, busy) })
		}
		select {
		case <-busy: // at least one is in the midst of it
		case <-most: // by a clock that stands behind nothing is due
		}
		for _, p := range running {
			<-time.After(time.Duration(mathrand.IntN(30)) * time.Millisecond)
			_ = p.cmd.Process.Kill()
		}
		all.Wait()
	}
	judge(t, w, ids)
}

// register makes tickets of several policies, all dispatched on Monday morning.
func register(t *testing.T, w watchers) []ticket.ID {
	t.Helper()
	st, err := w.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := &watch{t: t, writer: st, city: linyiCity(t), now: monday}
	var ids []ticket.ID
	for n := range 24 {
		o.now = monday.Add(time.Duration(n%6) * 10 * time.Second)
		ids = append(ids, o.Dispatched(n+1, []string{"flood", "emergency", "urgent", "general"}[n%4], []string{"s-371302105", "b-paishui"}[n%2], false, monday))
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// judge lets a last tracker work off what is left, and counts.
func judge(t *testing.T, w watchers, ids []ticket.ID) {
	t.Helper()
	ctx := context.Background()
	st, err := w.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, end := linyiCity(t), monday.AddDate(0, 1, 0)
	before := total(t, st, ids)
	tr := tracker.New(tracker.Options{Store: st, Live: city.NewLive(c), Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	for {
		r, err := tr.RunOnce(ctx, end)
		if err != nil {
			t.Fatal(err)
		}
		if r.Tickets == 0 {
			break
		}
	}
	t.Logf("%d steps were taken by those killed, %d in all", before, total(t, st, ids))
	if before == 0 {
		t.Error("none of the killed took a step: the test shows nothing")
	}
	alerts, notices := told(t, st)
	for _, id := range ids {
		history, err := st.History(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := ticket.VerifyChain(history); err != nil {
			t.Error(err)
		}
		if !slices.IsSortedFunc(history, func(a, b ticket.Event) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) }) {
			t.Errorf("the events of %s are not in the order of time", id)
		}
		// What ought to stand there follows from the first two events alone.
		item, err := st.Ticket(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{}
		clocks, _ := c.Clocks(&item.Ticket, history[:2], end)
		for _, k := range clocks {
			for _, s := range k.Due {
				want[fmt.Sprintf("%s/%d/%s", k.Name, k.Assignment, s.Step.ID)] = 1
			}
		}
		if len(want) == 0 {
			t.Fatalf("%s: nothing was due", item.Policy)
		}
		got := map[string]int{}
		for _, e := range history {
			if e.Action != ticket.Escalate {
				continue
			}
			got[fmt.Sprintf("%s/%d/%s", e.Details.Clock, e.Details.Assignment, e.Details.Step)]++
			key := fmt.Sprintf("%s/%d", id, e.Seq)
			// The citizen's clock runs beside that of the unit, which is told: nobody hears twice.
			if echo := e.Details.Clock == "resolve" && e.Details.Assignment == 0; echo == (len(alerts[key]) > 0) {
				t.Errorf("%s: %d were alerted of %s %s of assignment %d", item.Number, len(alerts[key]), e.Details.Clock, e.Details.Step, e.Details.Assignment)
			}
			for unit := range alerts[key] {
				if notices[key][unit] != 1 {
					t.Errorf("%s: %d notices to %s of %s", item.Number, notices[key][unit], unit, e.Details.Step)
				}
			}
			delete(alerts, key)
			delete(notices, key)
		}
		for step := range want {
			if got[step] != 1 {
				t.Errorf("%s under %s: step %s stands %d times", item.Number, item.Policy, step, got[step])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s under %s: %v, want %v", item.Number, item.Policy, got, want)
		}
	}
	if len(alerts)+len(notices) > 0 {
		t.Errorf("alerts %v and notices %v of no event", alerts, notices)
	}
}

func total(t *testing.T, st store.Store, ids []ticket.ID) (steps int) {
	t.Helper()
	for _, id := range ids {
		history, err := st.History(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range history {
			if e.Action == ticket.Escalate {
				steps++
			}
		}
	}
	return steps
}

// told is who was alerted and who has a notice, by ticket and event: how often by unit.
func told(t *testing.T, st store.Store) (alerts, notices map[string]map[string]int) {
	t.Helper()
	alerts, notices = map[string]map[string]int{}, map[string]map[string]int{}
	note := func(in map[string]map[string]int, key, unit string) {
		if in[key] == nil {
			in[key] = map[string]int{}
		}
		in[key][unit]++
	}
	seen := map[string]bool{}
	for _, role := range []string{"handler", "deputy", "head"} {
		for _, unit := range []string{"s-371302105", "b-paishui"} {
			each(t, st, unit+"."+role, func(a store.Alert) { seen[a.Key] = true; note(alerts, a.Key[:strings.LastIndex(a.Key, "/")], a.Unit) })
		}
	}
	for _, post := range []string{"centre.duty", "centre.supervision"} {
		each(t, st, post, func(a store.Alert) {
			if seen[a.Key] {
				t.Errorf("alert %s stands twice", a.Key)
			}
			seen[a.Key] = true
			note(alerts, a.Key[:strings.LastIndex(a.Key, "/")], a.Unit)
		})
	}
	for cursor := int64(0); ; {
		page, err := st.Notices(context.Background(), store.NoticePending, cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return alerts, notices
		}
		for _, n := range page {
			kind, rest, _ := strings.Cut(n.Key, "/")
			if kind == "ladder" {
				note(notices, strings.TrimSuffix(rest, "/"+n.Target), n.Target)
			}
			cursor = n.ID
		}
	}
}

func each(t *testing.T, st store.Store, post string, visit func(store.Alert)) {
	t.Helper()
	list, err := st.Alerts(context.Background(), store.AlertFilter{Posts: []string{post}, Limit: 1000})
	if err != nil || len(list) == 1000 {
		t.Fatalf("%d alerts of %s, %v", len(list), post, err)
	}
	for _, a := range list {
		visit(a)
	}
}
