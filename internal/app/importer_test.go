package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const (
	linyi    = "../../config/cities/linyi"
	messages = "../../../shared/data/messages/unlabelled.csv"
)

// newData makes a data folder as `hotline init` does.
func newData(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := Initialise(t.Context(), Where{Data: data}, "admin", io.Discard); err != nil {
		t.Fatal(err)
	}
	return data
}

// runImport imports a file and gives the last line of its output and what was said besides.
func runImport(t *testing.T, o ImportOptions) (last, said string, err error) {
	t.Helper()
	var out, beside bytes.Buffer
	o.Out, o.Err, o.Log = &out, &beside, &beside
	if o.Source == "" {
		o.Source = "archive"
	}
	if o.Channel == "" {
		o.Channel = "import"
	}
	if o.Rejected == "" {
		o.Rejected = filepath.Join(t.TempDir(), "rejected.csv")
	}
	err = Import(t.Context(), o)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	return lines[len(lines)-1], beside.String(), err
}

// opened opens what was imported, with its city in force.
func opened(t *testing.T, data string) *App {
	t.Helper()
	a, err := openStore(t.Context(), Where{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := a.firstCity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.live = city.NewLive(c)
	return a
}

// Real input: 4,326 messages to a mayor's board become 4,326 tickets, and nobody is told.
func TestVolumeImportMessages(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(messages); err != nil {
		t.Skip("the real messages are not here: ", err)
	}
	data := newData(t)
	start := time.Now()
	last, said, err := runImport(t, ImportOptions{File: messages, Where: Where{Data: data}, City: linyi})
	if err != nil || last != "imported=4326 skipped=0 rejected=0" {
		t.Fatalf("first run: %q, %v\n%s", last, err, said)
	}
	first := time.Since(start)
	start = time.Now()
	last, said, err = runImport(t, ImportOptions{File: messages, Where: Where{Data: data}})
	if err != nil || last != "imported=0 skipped=4326 rejected=0" {
		t.Fatalf("second run: %q, %v\n%s", last, err, said)
	}
	t.Logf("first run %s, second run %s", first.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))

	a := opened(t, data)
	start = time.Now()
	archived(t, a)
	watched(t, a)
	archived(t, a)
	noNotices(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("checks and tracker %s", time.Since(start).Round(time.Millisecond))
	var out bytes.Buffer
	if err := Verify(t.Context(), Where{Data: data}, &out); err != nil || !strings.Contains(out.String(), "tickets=4326 broken=0") {
		t.Errorf("verify: %v\n%s", err, out.String())
	}
}

// archived checks every ticket: owned or in triage with a reason, with clocks, its repeats linked.
func archived(t *testing.T, a *App) {
	t.Helper()
	ctx, c := t.Context(), a.live.Get()
	tickets, repeats, triage := 0, 0, 0
	foreign := map[string]bool{}
	err := a.store.Walk(ctx, ticket.ID{}, func(id ticket.ID) error {
		item, err := a.store.Ticket(ctx, id)
		if err != nil {
			return err
		}
		history, err := a.store.History(ctx, id)
		if err != nil {
			return err
		}
		tickets++
		foreign[item.ForeignNumber] = true
		if !item.Historic {
			t.Errorf("%s is not historic", item.Number)
		}
		if why := reason(item, history); why == "" {
			t.Errorf("%s: %s at %q without a reason", item.Number, item.State, item.LeadUnit())
		}
		if item.State == ticket.StateTriage {
			triage++
		}
		clocks, ok := c.Clocks(&item.Ticket, history, a.clock.Now())
		if !ok || len(clocks) == 0 {
			t.Errorf("%s has no clocks", item.Number)
		}
		for _, k := range clocks {
			if k.DueAt.IsZero() || k.Name == sla.ClockResolve && k.Assignment == 0 && !k.DueAt.Equal(item.Due) {
				t.Errorf("%s: clock %s is due %s, the ticket %s", item.Number, k.Name, k.DueAt, item.Due)
			}
		}
		for _, e := range history {
			if e.Action == ticket.LinkTo && e.Details.Relation == "repeat" {
				repeats++
				if err := sameWords(ctx, a.store, item, e.Details.Other); err != nil {
					t.Error(err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if tickets != 4326 || len(foreign) != 4326 || repeats != 62 {
		t.Errorf("%d tickets of %d old numbers, %d repeats; want 4326, 4326, 62", tickets, len(foreign), repeats)
	}
	t.Logf("%d tickets, %d in triage", tickets, triage)
}

// reason says why a ticket is where it is.
func reason(item store.Item, history []ticket.Event) string {
	if item.State == ticket.StateTriage {
		for _, e := range history {
			if e.Action == ticket.Triage {
				return e.Cause.Reason
			}
		}
		return ""
	}
	if item.LeadUnit() == "" {
		return ""
	}
	return item.Decision.Origins["unit"].Rule
}

// sameWords checks that a repeat is one.
func sameWords(ctx context.Context, r store.Reader, item store.Item, other ticket.ID) error {
	of, err := r.Ticket(ctx, other)
	if err != nil {
		return err
	}
	if of.Private.Text != item.Private.Text || of.Private.Appellant.ChannelID != item.Private.Appellant.ChannelID {
		return errors.New(item.Number + " is no repeat of " + of.Number)
	}
	return nil
}

// watched runs the tracker until nothing is due: the steps of years ago are recorded as passed
// before the import.
func watched(t *testing.T, a *App) {
	t.Helper()
	tr := tracker.New(tracker.Options{Store: a.store, Live: a.live, Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Now: a.clock.Now, Batch: 256})
	now, steps := a.clock.Now(), 0
	for {
		result, err := tr.RunOnce(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		steps += result.Steps
		if result.Tickets == 0 {
			break
		}
	}
	recorded := 0
	err := a.store.Walk(t.Context(), ticket.ID{}, func(id ticket.ID) error {
		history, err := a.store.History(t.Context(), id)
		for _, e := range history {
			if e.Action != ticket.Escalate {
				continue
			}
			recorded++
			if !e.Details.Imported {
				t.Errorf("%s: step %s of clock %s, due %s, is not marked as before the import", id, e.Details.Step, e.Details.Clock, e.Details.Due)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps == 0 || recorded != steps {
		t.Errorf("%d steps fired, %d recorded", steps, recorded)
	}
	t.Logf("%d steps recorded as before the import", steps)
}

func noNotices(t *testing.T, a *App) {
	t.Helper()
	for _, state := range []store.NoticeState{store.NoticePending, store.NoticeDelivered, store.NoticeDead} {
		list, err := a.store.Notices(t.Context(), state, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			t.Errorf("%d or more notices are %s, for example %s to %s", len(list), state, list[0].Kind, list[0].Target)
		}
	}
	alerts, err := a.store.Alerts(t.Context(), store.AlertFilter{Limit: 10})
	if err != nil || len(alerts) > 0 {
		t.Errorf("%d alerts, %v; want none", len(alerts), err)
	}
}

// Wrong rows are told and kept, the others are tickets; the same file again adds none.
func TestImportTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "old.csv")
	content := "工单编号,受理时间,诉求内容,地址,联系电话\n" +
		"1,2019/3/4 8:30,路灯不亮,兰山区柳青街道,13800138000\n" +
		"2,明天,井盖缺失,兰山区柳青街道,13800138000\n" +
		"1,2019/3/4 8:30,同号不同事,兰山区柳青街道,13900139000\n" +
		"4,1998-12-03,供暖不热,罗庄区,\n" +
		"1,2019/3/4 8:30,路灯不亮,兰山区柳青街道,13800138000\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	o := ImportOptions{File: file, Where: Where{Data: newData(t)}, City: linyi, Rejected: filepath.Join(t.TempDir(), "wrong.csv")}
	last, said, err := runImport(t, o)
	if !errors.Is(err, ErrRejected) || last != "imported=2 skipped=1 rejected=2" {
		t.Fatalf("%q, %v\n%s", last, err, said)
	}
	if !strings.Contains(said, "line 3: 受理时间：应为时间") || !strings.Contains(said, "line 4: 该编号已导入过") || !strings.Contains(said, o.Rejected) || strings.Contains(said, "13800138000") {
		t.Errorf("said:\n%s", said)
	}
	last, said, err = runImport(t, o)
	if !errors.Is(err, ErrRejected) || last != "imported=0 skipped=3 rejected=2" {
		t.Errorf("second run: %q, %v\n%s", last, err, said)
	}
	o.Source = "another"
	if last, said, err = runImport(t, o); !errors.Is(err, ErrRejected) || last != "imported=2 skipped=1 rejected=2" {
		t.Errorf("the same numbers of another system: %q, %v\n%s", last, err, said)
	}
	a := opened(t, o.Data)
	page, err := a.store.Tickets(t.Context(), store.Filter{To: a.clock.Now().Add(time.Hour)})
	if err != nil || len(page.Items) != 4 {
		t.Fatalf("%d tickets, %v", len(page.Items), err)
	}
	noNotices(t, a)
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "old.csv")
	if err := os.WriteFile(file, []byte("text\n路灯不亮\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		o    ImportOptions
		want string
	}{
		"a folder without keys":       {ImportOptions{File: file, Where: Where{Data: t.TempDir()}, City: linyi}, "hotline init"},
		"a source with blanks":        {ImportOptions{File: file, City: linyi, Source: "old hotline"}, "--source"},
		"a channel of live reports":   {ImportOptions{File: file, City: linyi, Channel: "miniapp"}, "historic: true"},
		"a channel that is not there": {ImportOptions{File: file, City: linyi, Channel: "fax"}, `no channel "fax"`},
		"no file":                     {ImportOptions{File: file + ".missing", City: linyi}, "no such file"},
		"an address that is none":     {ImportOptions{File: file, To: "gateway"}, "--to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.o.Data == "" {
				tt.o.Data = newData(t)
			}
			_, _, err := runImport(t, tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Import = %v, want %q", err, tt.want)
			}
		})
	}
}
