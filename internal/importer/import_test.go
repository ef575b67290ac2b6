package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/ticket"
)

// doorFunc is a door made of a function.
type doorFunc func(ctx context.Context, r Report) (Answer, error)

func (f doorFunc) Take(ctx context.Context, r Report) (Answer, error) { return f(ctx, r) }

// table opens a CSV of the text.
func table(t *testing.T, content string) *Table {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// many is a table of n rows by users senders.
func many(n, users int) string {
	var b strings.Builder
	b.WriteString("id,user,text\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,U%d,路灯不亮\n", i, i%users)
	}
	return b.String()
}

// plainOptions import into a door; a rejected row or a pause fails the test.
func plainOptions(t *testing.T, door Door) Options {
	t.Helper()
	return Options{
		Source: "old", Door: door,
		Reject: func(row Row, p Problem) error {
			t.Errorf("line %d rejected: %s", row.Line, p.String())
			return nil
		},
		Wait: func(context.Context, time.Duration) error {
			t.Error("a pause without need")
			return nil
		},
	}
}

func TestRunKeepsTheOrderOfASender(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	order, now, most, done := map[string][]string{}, 0, 0, 0
	full := make(chan struct{})
	o := plainOptions(t, doorFunc(func(_ context.Context, r Report) (Answer, error) {
		mu.Lock()
		order[r.Sender] = append(order[r.Sender], r.Key)
		now++
		if most = max(most, now); most == 8 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		mu.Unlock()
		<-full // nobody goes on before eight are inside: rows are taken at once, not one by one
		mu.Lock()
		now--
		mu.Unlock()
		return Answer{Result: Imported}, nil
	}))
	o.Done = func() { done++ }
	s, err := Run(t.Context(), table(t, many(2000, 97)), o)
	if err != nil || s != (Summary{Imported: 2000}) || done != 2000 {
		t.Fatalf("Run = %v, %v, %d told", s, err, done)
	}
	if most > InFlight {
		t.Errorf("%d were under way at once, the bound is %d", most, InFlight)
	}
	for sender, keys := range order {
		last := -1
		for _, k := range keys {
			n := 0
			if _, err := fmt.Sscanf(k, "old/%d", &n); err != nil || n <= last {
				t.Fatalf("%s: %s came after %d (%v)", sender, k, last, err)
			}
			last = n
		}
	}
}

func TestRunAsksABusyDoorAgain(t *testing.T) {
	t.Parallel()
	asked := 0
	o := plainOptions(t, doorFunc(func(context.Context, Report) (Answer, error) {
		if asked++; asked < 4 {
			return Answer{Result: Busy, Text: "full", RetryAfter: 3 * time.Second}, nil
		}
		return Answer{Result: Imported}, nil
	}))
	var pauses []time.Duration
	o.Wait = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	s, err := Run(t.Context(), table(t, many(1, 1)), o)
	if err != nil || s.Imported != 1 {
		t.Fatalf("Run = %v, %v", s, err)
	}
	if diff := cmp.Diff([]time.Duration{3 * time.Second, 3 * time.Second, 4 * time.Second}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	broken := errors.New("no space left on device")
	for name, tt := range map[string]struct {
		content string
		door    doorFunc
		reject  error
		want    string
	}{
		"at a door that stays busy": {
			many(1, 1), func(context.Context, Report) (Answer, error) { return Answer{Result: Busy, Text: "disk full"}, nil }, nil,
			"line 2 was not taken in 8 tries: disk full",
		},
		"at the wrong door":               {many(500, 500), func(context.Context, Report) (Answer, error) { return Answer{}, broken }, nil, broken.Error()},
		"when rejected rows are not kept": {"id,text\n1,\n", nil, broken, broken.Error()},
		"at a quotation mark that never closes": {
			"id,text\n1,\"" + strings.Repeat("积水\n", maxRecord), nil, nil, "line 2: a quotation mark",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := plainOptions(t, tt.door)
			o.Wait = func(context.Context, time.Duration) error { return nil }
			o.Reject = func(Row, Problem) error { return tt.reject }
			if _, err := Run(t.Context(), table(t, tt.content), o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Run = %v, want %q", err, tt.want)
			}
		})
	}
}

// Stopped in the middle, an import has done what it counts, and the next run does the rest.
func TestRunGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	kept := map[string]bool{}
	o := plainOptions(t, doorFunc(func(ctx context.Context, r Report) (Answer, error) {
		if ctx.Err() != nil {
			return Answer{}, ctx.Err() // a report under way would be cut off
		}
		mu.Lock()
		defer mu.Unlock()
		if kept[r.Key] {
			return Answer{Result: Skipped}, nil
		}
		if kept[r.Key] = true; len(kept) == 300 {
			cancel()
		}
		return Answer{Result: Imported}, nil
	}))
	content := many(1000, 50)
	first, err := Run(ctx, table(t, content), o)
	if !errors.Is(err, context.Canceled) || first.Imported != len(kept) || first.Imported < 300 || first.Imported == 1000 {
		t.Fatalf("first run: %v, %v; the door has %d", first, err, len(kept))
	}
	second, err := Run(t.Context(), table(t, content), o)
	if want := (Summary{Imported: 1000 - first.Imported, Skipped: first.Imported}); err != nil || second != want {
		t.Errorf("second run: %v, %v; want %v", second, err, want)
	}
}

// Rejected rows are told by line and column, and their file can be mended and imported.
func TestRejectedRowsComeBack(t *testing.T) {
	t.Parallel()
	in := table(t, "工单编号,受理时间,诉求内容,备注\n=1+1,昨天,\"积水，\n两天\",@SUM(A1)\n-2,2019-01-02,+路灯,ok\n3,2019-01-02,,\n")
	path := filepath.Join(t.TempDir(), "rejected.csv")
	file := NewRejections(path, in.Header())
	var told []string
	o := plainOptions(t, doorFunc(func(_ context.Context, r Report) (Answer, error) {
		if strings.Contains(string(r.Body), "昨天") {
			return Answer{Result: Rejected, Text: "提交内容有误", Fields: []ticket.Field{{Name: "occurredAt", Message: "应为时间"}, {Name: "title", Message: "过长"}}}, nil
		}
		return Answer{Result: Imported}, nil
	}))
	o.Reject = func(row Row, p Problem) error {
		told = append(told, fmt.Sprintf("%d %s", row.Line, p.String()))
		return file.Write(row, p)
	}
	s, err := Run(t.Context(), in, o)
	if err != nil || s != (Summary{Imported: 1, Rejected: 2}) {
		t.Fatalf("Run = %v, %v", s, err)
	}
	if _, err := file.Close(); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\uFEFF行号,列,原因,工单编号,受理时间,诉求内容,备注\n", "2,受理时间,应为时间；title：过长,'=1+1,昨天,\"积水，\n两天\",'@SUM(A1)\n", "5,诉求内容,没有诉求内容,3,2019-01-02,,\n"} {
		if !strings.Contains(string(written), want) {
			t.Errorf("the file lacks %q; it is:\n%s", want, written)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file holds personal data and has mode %v, %v", info.Mode(), err)
	}
	mended := table(t, strings.ReplaceAll(string(written), "昨天", "2019-01-01"))
	var bodies []string
	o.Door = doorFunc(func(_ context.Context, r Report) (Answer, error) {
		bodies = append(bodies, string(r.Body))
		return Answer{Result: Imported}, nil
	})
	o.Reject = func(Row, Problem) error { return nil }
	if s, err = Run(t.Context(), mended, o); err != nil || s != (Summary{Imported: 1, Rejected: 1}) {
		t.Fatalf("mended: %v, %v", s, err)
	}
	var b body
	if err := json.Unmarshal([]byte(bodies[0]), &b); err != nil || b.Key != "old/=1+1" || b.Row["备注"] != "@SUM(A1)" {
		t.Errorf("mended row: %s, %v", bodies[0], err)
	}
}

func TestHTTPDoor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		body       string
		want       Result
		retryAfter time.Duration
		err        string
	}{
		"new":           {201, `{"status":"accepted","number":"LY1"}`, Imported, 0, ""},
		"again":         {200, `{"status":"accepted","number":"LY1"}`, Skipped, 0, ""},
		"ignored":       {200, `{"status":"ignored"}`, Rejected, 0, ""},
		"quarantined":   {202, `{"status":"quarantined"}`, Rejected, 0, ""},
		"other content": {409, `{"status":409}`, Rejected, 0, ""},
		"wrong fields":  {422, `{"status":422,"detail":"有误","errors":[{"name":"occurredAt","message":"应为时间"}]}`, Rejected, 0, ""},
		"too many":      {429, `{"status":429}`, Busy, 7 * time.Second, ""},
		"proxy's page":  {502, `<html>`, Busy, 7 * time.Second, ""},
		"wrong token":   {401, `{"status":401}`, "", 0, "HOTLINE_IMPORT_SECRET"},
		"no channel":    {404, `{"status":404}`, "", 0, "city pack has that channel"},
		"moved":         {307, ``, "", 0, "307"},
		"another site":  {201, `<html>`, "", 0, "201"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen *http.Request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = r
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "http://elsewhere.invalid/")
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body) // to ourselves
			}))
			defer server.Close()
			door, err := NewHTTP(server.URL+"/", "import", "s3cret")
			if err != nil {
				t.Fatal(err)
			}
			defer door.Close()
			a, err := door.Take(t.Context(), Report{Body: []byte(`{}`)})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("Take = %v, want %q and no secret", err, tt.err)
				}
				return
			}
			if err != nil || a.Result != tt.want || a.RetryAfter != tt.retryAfter || a.Result == Rejected && a.Text == "" {
				t.Errorf("Take = %+v, %v", a, err)
			}
			if seen.URL.Path != "/channels/import" || seen.Header.Get("Authorization") != "Bearer s3cret" || seen.Header.Get("Content-Type") != "application/json" {
				t.Errorf("asked %s with %v", seen.URL, seen.Header)
			}
		})
	}
	if _, err := NewHTTP("127.0.0.1:8080", "import", ""); err == nil {
		t.Error("an address without http:// is taken")
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	door, err := NewHTTP(gone.URL, "import", "")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := door.Take(t.Context(), Report{}); err != nil || a.Result != Busy {
		t.Errorf("a gateway that is down: %+v, %v; want busy", a, err)
	}
}
