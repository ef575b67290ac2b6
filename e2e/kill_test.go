package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

// program is a gateway in a process of its own.
type program struct {
	t       *testing.T
	binary  string
	data    string
	store   string // a database that others share; empty: a file in data
	city    string // folder of its pack; empty: the demo city
	listen  string
	cmd     *exec.Cmd
	log     *tail
	started time.Time
}

// build compiles the real binary.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hotline")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/hotline").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// start runs the gateway and waits until it is ready. It returns how long that took.
func (p *program) start() time.Duration {
	p.t.Helper()
	p.log = &tail{}
	p.cmd = exec.Command(p.binary, "serve", "--demo", "--city", cmp.Or(p.city, cityDir), "--data", p.data, "--listen", p.listen, "--log-level", "warn", "--speed", "600")
	if p.store != "" {
		p.cmd.Args = append(p.cmd.Args, "--store", p.store)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "GOTRACEBACK=single")
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for end := p.started.Add(20 * time.Second); ; {
		resp, err := http.Get("http://" + p.listen + "/readyz")
		if err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK {
			return time.Since(p.started)
		}
		if time.Now().After(end) {
			_ = p.cmd.Process.Kill()
			p.t.Fatalf("not ready after 20 s:\n%s", p.log)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// end sends a signal and waits for the end of the process.
func (p *program) end(sig syscall.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	return p.cmd.Wait()
}

// freeAddress is a loopback address nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() //nolint:errcheck // it only names a free port
	return ln.Addr().String()
}

// acknowledged is a report that the gateway said it has.
type acknowledged struct {
	number, key string
	body        []byte
}

// sender files reports with a few connections until stop is closed and notes what was acknowledged.
type sender struct {
	url  string
	stop chan struct{}
	all  sync.WaitGroup

	mu     sync.Mutex
	taken  []acknowledged
	failed int
	later  int // 503 with Retry-After
	wrong  []string
}

// load begins to send. round keeps the keys of several loads apart.
func load(url string, round int) *sender {
	s := &sender{url: url, stop: make(chan struct{})}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	for w := range 8 {
		s.all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-s.stop:
					return
				default:
				}
				s.file(client, fmt.Sprintf("load-%d-%d-%d", round, w, n), w*100_000+round*10_000+n%10_000)
			}
		})
	}
	return s
}

func (s *sender) file(client *http.Client, key string, who int) {
	body, err := json.Marshal(fields{
		"clientReportId": key, "type": "help", "category": "01.04.01", "description": fmt.Sprintf("第 %s 号：路口积水，请来抽水", key),
		"reporter": fields{"type": "citizen", "phone": fmt.Sprintf("137%08d", who)},
		"location": fields{"lng": 118.30 + float64(who%97)*0.001, "lat": 35.02 + float64(who%89)*0.001, "crs": "WGS84"},
	})
	if err != nil {
		panic(err)
	}
	resp, err := client.Post(s.url+"/channels/miniapp/", "application/json", bytes.NewReader(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed++
		return
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	var a answer
	err = json.NewDecoder(bufio.NewReader(resp.Body)).Decode(&a)
	switch {
	case resp.StatusCode/100 == 2 && err == nil && a.Number != "":
		s.taken = append(s.taken, acknowledged{a.Number, key, body})
	case resp.StatusCode/100 == 2:
		s.failed++ // cut off in the midst of the answer: not acknowledged
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		s.later++
	case resp.StatusCode == http.StatusTooManyRequests:
		s.later++
	default:
		s.wrong = append(s.wrong, fmt.Sprintf("%d %s", resp.StatusCode, a.Code))
	}
}

// finish stops sending and gives what was acknowledged.
func (s *sender) finish() []acknowledged {
	close(s.stop)
	s.all.Wait()
	return s.taken
}

// count is how many were acknowledged so far.
func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

// kept checks a city's data that no process uses: every acknowledged ticket is there under its key,
// every chain holds, no ladder step was taken twice. It returns how many steps were taken.
func kept(t *testing.T, where app.Where, taken []acknowledged) (steps int) {
	t.Helper()
	ring, err := seal.Load(filepath.Join(where.Data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var st store.Store
	if where.Store != "" {
		st, err = postgres.Open(t.Context(), postgres.Options{DSN: where.Store, Ring: ring})
	} else {
		st, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(where.Data, "hotline.db"), Ring: ring})
	}
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, a := range taken {
		item, err := st.TicketByNumber(t.Context(), a.number)
		if err != nil || item.Key != a.key {
			lost++
			t.Errorf("acknowledged %s (%s) is lost: %v", a.number, a.key, err)
		}
		if lost > 5 {
			break
		}
	}
	tickets := 0
	err = st.Walk(t.Context(), ticket.ID{}, func(id ticket.ID) error {
		tickets++
		history, err := st.History(t.Context(), id)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, e := range history {
			if e.Action != ticket.Escalate {
				continue
			}
			steps++
			d := e.Details
			step := fmt.Sprintf("%s/%s/%d", d.Clock, d.Step, d.Assignment)
			if seen[step] {
				t.Errorf("ticket %s took the step %s twice", id, step)
			}
			seen[step] = true
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := app.Verify(t.Context(), where, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Logf("%d acknowledged, %d tickets, %d ladder steps, %s", len(taken), tickets, steps, bytes.TrimSpace(out.Bytes()))
	return steps
}

// kill -9 in the middle of load: everything acknowledged is there after the restart, which takes less
// than five seconds, and who sends again gets the same number.
func TestKillMidLoad(t *testing.T) {
	t.Parallel()
	p := &program{t: t, binary: build(t), data: t.TempDir(), listen: freeAddress(t)}
	var taken []acknowledged
	for round := range 3 {
		if took := p.start(); round > 0 && took > 5*time.Second {
			t.Errorf("restart %d took %s", round, took)
		} else {
			t.Logf("start %d took %s", round, took.Round(time.Millisecond))
		}
		for _, a := range taken[max(0, len(taken)-20):] { // the last before the kill
			resp, err := http.Post("http://"+p.listen+"/channels/miniapp/", "application/json", bytes.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			var again answer
			err = json.NewDecoder(resp.Body).Decode(&again)
			_ = resp.Body.Close()
			if err != nil || again.Number != a.number {
				t.Errorf("sent again, %s became %s (%d, %v)", a.number, again.Number, resp.StatusCode, err)
			}
		}
		s := load("http://"+p.listen, round)
		enough := 100 + rand.IntN(300)
		for end := time.Now().Add(20 * time.Second); s.count() < enough && time.Now().Before(end); {
			<-time.After(time.Millisecond)
		}
		_ = p.end(syscall.SIGKILL)
		got := s.finish()
		if len(got) < enough {
			t.Fatalf("only %d acknowledged in round %d: %v", len(got), round, s.wrong)
		}
		if len(s.wrong) > 0 {
			t.Errorf("round %d: %v", round, s.wrong[:min(len(s.wrong), 5)])
		}
		taken = append(taken, got...)
	}
	if took := p.start(); took > 5*time.Second {
		t.Errorf("the last restart took %s", took)
	}
	// Let deadlines trip over the restarts, and stop the gateway once more in the midst of that.
	deadline := time.Now().Add(15 * time.Second)
	for !climbed.Match(metrics(t, p.listen)) && time.Now().Before(deadline) {
		<-time.After(50 * time.Millisecond)
	}
	_ = p.end(syscall.SIGKILL)
	p.start()
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, p.log)
	}
	kept(t, app.Where{Data: p.data}, taken)
	out, err := exec.CommandContext(t.Context(), p.binary, "verify", "--data", p.data).CombinedOutput()
	if err != nil {
		t.Errorf("hotline verify: %v\n%s", err, out)
	}
}

// climbed finds that ladder steps were taken since the start.
var climbed = regexp.MustCompile(`(?m)^hotline_ladder_steps_total [1-9]`)

func metrics(t *testing.T, listen string) []byte {
	t.Helper()
	resp, err := http.Get("http://" + listen + "/metrics")
	if err != nil {
		return nil
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	var b bytes.Buffer
	_, _ = b.ReadFrom(resp.Body)
	return b.Bytes()
}

// SIGTERM in the middle of load: what is under way is finished, the rest is told to come again, and
// nothing acknowledged is missing.
func TestStoppingLosesNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Tick() // a channel's rate is counted by the gateway's clock
	s := load(o.url, 0)
	o.until("there is load", func() bool { return s.count() > 100 })
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- o.stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Errorf("stop: %v", err)
		}
	case <-ctx.Done():
		t.Fatal("the gateway does not stop")
	}
	taken := s.finish()
	if len(s.wrong) > 0 {
		t.Errorf("answers while stopping: %v", s.wrong[:min(len(s.wrong), 5)])
	}
	kept(t, o.where, taken)
}
