package sqlite

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func asError(err error, e **ticket.Error) bool { return errors.As(err, e) }

// waiting fills a queue: "c:a" is a citizen's change of sender a, "m:" a machine's of none.
func waiting(t *testing.T, words string) (*queue, map[*pending]string) {
	t.Helper()
	q, names := newQueue(100), map[*pending]string{}
	for w := range strings.FieldsSeq(words) {
		lane, sender, _ := strings.Cut(w, ":")
		sender = strings.TrimRight(sender, "0123456789")
		p := &pending{sender: sender}
		names[p] = w
		if err := q.push(map[string]store.Lane{"c": store.Citizens, "m": store.Machines}[lane], p); err != nil {
			t.Fatal(err)
		}
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
		"a sender across lanes":           {"m:a1 c:a2 m:b1", 8, []string{"c:a2 m:b1", "m:a1"}},
		"no sender, no rule":              {"c:1 c:2 c:3", 8, []string{"c:1 c:2 c:3"}},
		"a full batch":                    {"c:1 c:2 c:3 c:4 c:5", 2, []string{"c:1 c:2", "c:3 c:4", "c:5"}},
		"machines are slowed, not halted": {"c:1 c:2 c:3 c:4 c:5 c:6 c:7 c:8 c:9 m:1 m:2", 8, []string{"c:1 c:2 c:3 c:4 c:5 c:6 c:7 m:1", "c:8 c:9 m:2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, names := waiting(t, tt.words)
			q.close()
			var got []string
			for {
				batch, _, ok := q.take(tt.most)
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
		q := newQueue(1000)
		type entry struct {
			lane store.Lane
			n    int
		}
		entries := map[*pending]entry{}
		senders := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c"}), 0, 60).Draw(t, "senders")
		for i, sender := range senders {
			lane := store.Lane(rapid.IntRange(0, 1).Draw(t, "lane"))
			p := &pending{sender: sender}
			entries[p] = entry{lane, i}
			if err := q.push(lane, p); err != nil {
				t.Fatal(err)
			}
		}
		q.close()
		most := rapid.IntRange(1, 20).Draw(t, "most")
		last := map[string]int{}
		taken := 0
		for {
			batch, _, ok := q.take(most)
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
				if p.sender != "" && seen[p.sender] {
					t.Fatalf("two changes of %s in one batch", p.sender)
				}
				seen[p.sender] = true
				key := p.sender + string(rune('0'+e.lane))
				if before, any := last[key]; any && p.sender != "" && before > e.n {
					t.Fatalf("change %d of %s comes after %d", e.n, p.sender, before)
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
	q := newQueue(2)
	for range 2 {
		if err := q.push(store.Machines, &pending{}); err != nil {
			t.Fatal(err)
		}
	}
	var e *ticket.Error
	if err := q.push(store.Machines, &pending{}); !errors.As(err, &e) || e.Kind != ticket.Unavailable || e.Code != "store.queue.full" || e.RetryAfter <= 0 {
		t.Errorf("a full lane: %v", err)
	}
	if err := q.push(store.Citizens, &pending{}); err != nil {
		t.Errorf("a flood of machines kept a citizen out: %v", err)
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(cursorOf(1, 2))
	f.Add("W10")
	f.Fuzz(func(t *testing.T, cursor string) {
		at, err := parseCursor(cursor, 2)
		if err != nil {
			return
		}
		if again, err := parseCursor(cursorOf(at...), 2); err != nil || !slices.Equal(at, again) {
			t.Fatalf("%v came back as %v, %v", at, again, err)
		}
	})
}
