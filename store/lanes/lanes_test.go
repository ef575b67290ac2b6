package lanes

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// waiting fills a queue: "c:a" is a citizen's change of sender a, "m:" a machine's of none.
func waiting(t *testing.T, words string) (*Queue[string], map[*Pending[string]]string) {
	t.Helper()
	q, names := New[string](100), map[*Pending[string]]string{}
	for w := range strings.FieldsSeq(words) {
		lane, sender, _ := strings.Cut(w, ":")
		sender = strings.TrimRight(sender, "0123456789")
		var claims []string
		if sender != "" {
			claims = strings.Split(sender, "+")
		}
		p, err := q.Push(map[string]store.Lane{"c": store.Citizens, "m": store.Machines}[lane], w, claims...)
		if err != nil {
			t.Fatal(err)
		}
		names[p] = w
	}
	return q, names
}

func TestBatchesAreTakenInOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		words   string
		most    int
		batches []string
	}{
		"citizens first":                  {"m:1 c:1 m:2 c:2", 8, []string{"c:1 c:2 m:1 m:2"}},
		"one of a sender at a time":       {"c:a1 c:a2 c:b1 c:a3 c:b2", 8, []string{"c:a1 c:b1", "c:a2 c:b2", "c:a3"}},
		"two claims":                      {"c:a+b1 c:b2 c:c3 c:a4", 8, []string{"c:a+b1 c:c3", "c:b2 c:a4"}},
		"nobody overtakes":                {"c:a1 c:a+b2 c:b3", 8, []string{"c:a1", "c:a+b2", "c:b3"}},
		"a sender across lanes":           {"m:a1 c:a2 m:b1", 8, []string{"c:a2 m:b1", "m:a1"}},
		"no sender, no rule":              {"c:1 c:2 c:3", 8, []string{"c:1 c:2 c:3"}},
		"a full batch":                    {"c:1 c:2 c:3 c:4 c:5", 2, []string{"c:1 c:2", "c:3 c:4", "c:5"}},
		"machines are slowed, not halted": {"c:1 c:2 c:3 c:4 c:5 c:6 c:7 c:8 c:9 m:1 m:2", 8, []string{"c:1 c:2 c:3 c:4 c:5 c:6 c:7 m:1", "c:8 c:9 m:2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, names := waiting(t, tt.words)
			q.Close()
			var got []string
			for {
				batch, _, ok := q.Take(tt.most)
				if !ok {
					break
				}
				var words []string
				for _, p := range batch {
					words = append(words, names[p])
				}
				got = append(got, strings.Join(words, " "))
			}
			if !slices.Equal(got, tt.batches) {
				t.Errorf("batches %q, want %q", got, tt.batches)
			}
		})
	}
}

// Whatever waits: each change is taken once, no batch has two of a sender, a sender's changes of
// one lane keep their order.
func TestQueueKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := New[string](1000)
		type entry struct {
			lane store.Lane
			n    int
		}
		entries := map[*Pending[string]]entry{}
		senders := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c"}), 0, 60).Draw(t, "senders")
		for i, sender := range senders {
			lane := store.Lane(rapid.IntRange(0, 1).Draw(t, "lane"))
			var claims []string
			if sender != "" {
				claims = []string{sender}
			}
			p, err := q.Push(lane, sender, claims...)
			if err != nil {
				t.Fatal(err)
			}
			entries[p] = entry{lane, i}
		}
		q.Close()
		most := rapid.IntRange(1, 20).Draw(t, "most")
		last := map[string]int{}
		taken := 0
		for {
			batch, _, ok := q.Take(most)
			if !ok {
				break
			}
			if len(batch) == 0 || len(batch) > most {
				t.Fatalf("a batch of %d, at most %d", len(batch), most)
			}
			seen := map[string]bool{}
			for _, p := range batch {
				e := entries[p]
				taken++
				if p.Work != "" && seen[p.Work] {
					t.Fatalf("two changes of %s in one batch", p.Work)
				}
				seen[p.Work] = true
				key := p.Work + string(rune('0'+e.lane))
				if before, any := last[key]; any && p.Work != "" && before > e.n {
					t.Fatalf("change %d of %s comes after %d", e.n, p.Work, before)
				}
				last[key] = e.n
			}
		}
		if taken != len(senders) {
			t.Fatalf("%d changes taken of %d", taken, len(senders))
		}
	})
}

func TestFullLanesRefuse(t *testing.T) {
	t.Parallel()
	q := New[string](2)
	for range 2 {
		if _, err := q.Push(store.Machines, ""); err != nil {
			t.Fatal(err)
		}
	}
	var e *ticket.Error
	if _, err := q.Push(store.Machines, ""); !errors.As(err, &e) || e.Kind != ticket.Unavailable || e.Code != "store.queue.full" || e.RetryAfter <= 0 {
		t.Errorf("a full lane: %v", err)
	}
	if _, err := q.Push(store.Citizens, ""); err != nil {
		t.Errorf("a flood of machines kept a citizen out: %v", err)
	}
}
