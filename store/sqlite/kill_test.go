package sqlite

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// childFolder names the data folder to a copy of this test binary that is to be killed, childRound
// the day it registers tickets on, childCallers how many do so at once.
const (
	childFolder  = "HOTLINE_TEST_CHILD_FOLDER"
	childRound   = "HOTLINE_TEST_CHILD_ROUND"
	childCallers = "HOTLINE_TEST_CHILD_CALLERS"
)

// child is the test binary again, told to commit until it is killed or, alone, for 20 tickets.
func child(ctx context.Context, folder string, round, callers int, test string, before ...string) *exec.Cmd {
	args := slices.Concat(before, []string{os.Args[0], "-test.run=^" + test + "$", "-test.timeout=2m"})
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childFolder+"="+folder, fmt.Sprintf("%s=%d", childRound, round), fmt.Sprintf("%s=%d", childCallers, callers))
	cmd.Stderr = os.Stderr
	return cmd
}

// beChild commits tickets and writes the number of each one acknowledged. Under one caller it
// ends after 20.
func beChild(t *testing.T) {
	var round, callers int
	if _, err := fmt.Sscan(os.Getenv(childRound)+" "+os.Getenv(childCallers), &round, &callers); err != nil {
		t.Fatal(err)
	}
	folder := os.Getenv(childFolder)
	ring, err := seal.Load(filepath.Join(folder, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := openAt(t, Options{Path: filepath.Join(folder, "hotline.db"), Ring: ring})
	s.check.limit = 100 // so that the log starts over now and then, too
	m := storetest.NewMaker()
	day := storetest.Day.AddDate(0, 0, round)
	failed := make(chan error)
	for range callers {
		go func() {
			for n := 0; callers > 1 || n < 20; n++ {
				d := m.Ticket(t, day).Dispatch(day, "住建局")
				c := d.Change()
				c.Requests[0].Key = d.Ticket.Number
				if err := s.Commit(context.Background(), c)[0]; err != nil {
					failed <- err
					return
				}
				if _, err := fmt.Fprintln(os.Stdout, "ack", d.Ticket.Number); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}

// saveRing makes the keys both parent and child use.
func saveRing(t *testing.T, folder string) *seal.Ring {
	t.Helper()
	f, err := seal.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.Save(filepath.Join(folder, "keys.json"), f); err != nil {
		t.Fatal(err)
	}
	ring, err := seal.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// TestKillMidLoad kills the process while 16 callers commit: every ticket that was acknowledged is
// there afterwards, whole, and so is every ticket that was not.
func TestKillMidLoad(t *testing.T) { //nolint:paralleltest // the child must run it alone
	if os.Getenv(childFolder) != "" {
		beChild(t)
		return
	}
	folder := t.TempDir()
	ring := saveRing(t, folder)
	acknowledged := map[string]bool{}
	for round := range 3 {
		cmd := child(t.Context(), folder, round, 16, "TestKillMidLoad")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		n, err := rand.Int(rand.Reader, big.NewInt(700))
		if err != nil {
			t.Fatal(err)
		}
		left := 20 + n.Int64()
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			// A line may be cut by the kill: only whole ones count.
			if number, ok := strings.CutPrefix(lines.Text(), "ack "); ok && ticket.ValidNumber(number) {
				acknowledged[number] = true
				if left--; left == 0 {
					if err := cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		_ = cmd.Wait() // it was killed
		if left > 0 {
			t.Fatalf("round %d: the child ended by itself %d tickets too early", round, left)
		}
		verifyAll(t, Options{Path: filepath.Join(folder, "hotline.db"), Ring: ring}, acknowledged)
	}
	t.Logf("%d tickets were acknowledged in 3 rounds", len(acknowledged))
}

// verifyAll opens the database as a restarted gateway would and checks every ticket in it.
func verifyAll(t *testing.T, o Options, acknowledged map[string]bool) {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	err = s.Walk(t.Context(), ticket.ID{}, func(id ticket.ID) error {
		item, err := s.Ticket(t.Context(), id)
		if err != nil {
			return err
		}
		events, err := s.History(t.Context(), id)
		if err != nil {
			return err
		}
		if err := ticket.VerifyChain(events); err != nil {
			return err
		}
		if len(events) != 2 || item.Version != 2 || item.LastHash != events[1].Hash {
			return fmt.Errorf("ticket %s is kept in part: version %d, %d events", item.Number, item.Version, len(events))
		}
		if _, err := s.Request(t.Context(), item.Channel, item.Number); err != nil {
			return err
		}
		if _, err := s.TicketDelivery(t.Context(), id); err != nil {
			return err
		}
		found[item.Number] = true
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for number := range acknowledged {
		if !found[number] {
			t.Errorf("ticket %s was acknowledged and is lost", number)
		}
	}
	pending, err := s.Counts(t.Context(), storetest.Day)
	if err != nil {
		t.Fatal(err)
	}
	if pending.NoticesPending != int64(len(found)) {
		t.Errorf("%d notices for %d tickets", pending.NoticesPending, len(found))
	}
	var verdict string
	if err := s.readers.db.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %s, %v", verdict, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

var (
	syncCall = regexp.MustCompile(`\bf(data)?sync\(\d+\)? *(<unfinished|= 0|\) = 0)`)
	ackCall  = regexp.MustCompile(`write\(1, "ack `)
)

// TestKillSyncComesBeforeAnswer watches the system calls of a child, where strace is at hand:
// between two answers the file is synced at least once. The kill test cannot see this: what a
// dead process left unsynced, the living system still writes.
func TestKillSyncComesBeforeAnswer(t *testing.T) { //nolint:paralleltest // the child must run it alone
	if os.Getenv(childFolder) != "" {
		beChild(t)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("strace is not installed; make test installs it as root on Debian")
	}
	if err != nil {
		t.Skip("strace is not installed: the sync of each commit rests on PRAGMA synchronous=FULL, which TestWriterSyncsEveryCommit checks")
	}
	folder := t.TempDir()
	saveRing(t, folder)
	trace := filepath.Join(folder, "trace")
	cmd := child(t.Context(), folder, 0, 1, "TestKillSyncComesBeforeAnswer", strace, "-f", "-o", trace, "-e", "trace=fsync,fdatasync,write")
	if out, err := cmd.Output(); err != nil {
		if _, statErr := os.Stat(trace); statErr != nil {
			t.Skipf("strace may not trace here: %v %s", err, out)
		}
		t.Fatalf("the child under strace: %v %s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	syncs, answers := 0, 0
	for line := range strings.Lines(string(b)) {
		switch {
		case syncCall.MatchString(line):
			syncs++
		case ackCall.MatchString(line):
			if syncs == 0 {
				t.Errorf("answer %d went out without a sync since the one before", answers)
			}
			answers++
			syncs = 0
		}
	}
	if answers != 20 {
		t.Fatalf("%d answers were traced, want 20:\n%s", answers, b[:min(len(b), 2000)])
	}
}
