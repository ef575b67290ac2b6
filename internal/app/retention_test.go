package app

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/media"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// old is long before anything in the pack of Linyi is still kept.
var old = time.Date(2015, 3, 2, 1, 0, 0, 0, time.UTC)

// A grown city has tickets of 2015 and of this year: of either one that is open, one held, seven closed, and one merged
// into a closed one, each with a photo of its own; and one photo that a closed ticket of 2015 shares with an open one.
func grown(t *testing.T, in string) Where {
	t.Helper()
	w := place(t, in)
	if err := Initialise(t.Context(), w, "admin", io.Discard); err != nil {
		t.Fatal(err)
	}
	publishes(t, w)
	files, err := media.Open(w.path("media"), maxUpload)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close() //nolint:errcheck // what was put is on disk
	photo := func(at time.Time, what string) ticket.MediaRef {
		ref, err := files.Put(strings.NewReader(what))
		if err == nil {
			err = os.Chtimes(filepath.Join(w.path("media"), ref.SHA256[:2], ref.SHA256), at, at)
		}
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	st, m := opens(t, w), storetest.NewMaker()
	for _, at := range []time.Time{old, storetest.Day} {
		var closed ticket.ID
		for i := range 10 {
			d := m.Ticket(t, at, func(r *ticket.Registration, p *ticket.Private) {
				r.Category, r.Region, r.Facts = "01.03.03", "371302105", map[string]string{"said": "- category region title"}
				p.Place = ticket.Place{Address: "义堂镇"}
				p.Media = append(p.Media, photo(at, fmt.Sprint("photo", at, i)))
				if i < 3 {
					p.Media = append(p.Media, photo(old, "the shared photo"))
				}
			})
			switch i {
			case 0:
				d.Dispatch(at, "s-371302001")
			case 1:
				d.Answer(at).Do(at, ticket.Command{Action: ticket.Hold, Cause: ticket.Cause{Reason: "reconsideration"}})
			case 9:
				d.Triage(at).Do(at, ticket.Command{Action: ticket.Merge, Details: ticket.Details{Other: closed}})
			default:
				d.Answer(at)
				closed = d.Ticket.ID
			}
			storetest.Must(t, st, d.Change())
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// publishes brings the pack of Linyi into force.
func publishes(t *testing.T, w Where) {
	t.Helper()
	a, err := openStore(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	a.options.City = linyi
	if _, err := a.firstCity(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// statistics are the figures of a city.
func statistics(t *testing.T, w Where) store.Counts {
	t.Helper()
	st := opens(t, w)
	defer st.Close() //nolint:errcheck // only read
	counts, err := st.Counts(t.Context(), storetest.Day)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func TestWhatWasKeptLongEnoughEnds(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := grown(t, in)
			before := statistics(t, w)
			backup := filepath.Join(t.TempDir(), "before")
			if err := Backup(t.Context(), w, backup, Report{Out: io.Discard}); err != nil {
				t.Fatal(err)
			}
			// Of 2015 eight tickets end, and nine answers and nine deliveries, one a closed one's; the notice to the
			// unit of the open ticket is still on its way. The shared photo is needed by the open ones.
			const want = "ticket=8 raw=18 recording=0 media=8 access_log=0 event=8\n"
			for _, dry := range []bool{true, true, false} {
				var out bytes.Buffer
				if err := Retention(t.Context(), w, RetentionOptions{DryRun: dry}, Report{Out: &out}); err != nil {
					t.Fatal(err)
				}
				if !strings.HasSuffix(out.String(), want) || !strings.Contains(out.String(), "1 held") {
					t.Fatalf("dry %t:\n%s", dry, out.String())
				}
			}
			var out bytes.Buffer
			if err := Retention(t.Context(), w, RetentionOptions{}, Report{Out: &out}); err != nil || !strings.HasSuffix(out.String(), "ticket=0 raw=0 recording=0 media=0 access_log=0 event=0\n") {
				t.Errorf("a second run: %v\n%s", err, out.String())
			}
			if n := readable(t, w); n != 12 {
				t.Errorf("%d tickets are readable, want 12", n)
			}
			if after := statistics(t, w); after != before {
				t.Errorf("statistics changed: %+v, were %+v", after, before)
			}
			lives(t, w, 20)

			// A backup made before still has everything, until the keys it was sealed with are destroyed.
			if n := readable(t, restored(t, backup, w)); n != 20 {
				t.Errorf("%d tickets of the backup are readable, want 20", n)
			}
			if in == "server" {
				if err := Rekey(t.Context(), w, RekeyOptions{Prepare: true}, Report{Out: io.Discard}); err != nil {
					t.Fatal(err)
				}
			}
			out.Reset()
			if err := Rekey(t.Context(), w, RekeyOptions{Destroy: true}, Report{Out: &out}); err != nil || !strings.Contains(out.String(), "destroyed=[1]") {
				t.Fatalf("destroy: %v\n%s", err, out.String())
			}
			if n := readable(t, restored(t, backup, w)); n != 0 {
				t.Errorf("%d tickets of the backup are readable without the key, want 0", n)
			}
			// A backup of later outlives the next change of keys as well: it opens, and shows nothing personal.
			second := filepath.Join(t.TempDir(), "second")
			if err := Backup(t.Context(), w, second, Report{Out: io.Discard}); err != nil {
				t.Fatal(err)
			}
			if in == "server" {
				if err := Rekey(t.Context(), w, RekeyOptions{Prepare: true}, Report{Out: io.Discard}); err != nil {
					t.Fatal(err)
				}
			}
			if err := Rekey(t.Context(), w, RekeyOptions{Destroy: true}, Report{Out: io.Discard}); err != nil {
				t.Fatal(err)
			}
			if n := readable(t, restored(t, second, w)); n != 0 {
				t.Errorf("%d tickets of the second backup are readable without its key, want 0", n)
			}
			if n := readable(t, w); n != 13 { // and the one taken afterwards
				t.Errorf("%d tickets are readable with the new key, want 13", n)
			}
		})
	}
}

// restored is a backup in a place of its own, with the keys of a city.
func restored(t *testing.T, backup string, w Where) Where {
	t.Helper()
	to := place(t, "file")
	copyKeys(t, w, to)
	if err := Restore(t.Context(), backup, to, Report{Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	return to
}

// What would end can be asked for any day, also while a gateway has the file.
func TestWhatWillEndCanBeAskedMeanwhile(t *testing.T) {
	t.Parallel()
	w := grown(t, "file")
	st := opens(t, w) // as a gateway that serves
	var out bytes.Buffer
	at := storetest.Day.AddDate(0, 0, 3651)
	if err := Retention(t.Context(), w, RetentionOptions{DryRun: true, At: at}, Report{Out: &out}); err != nil || !strings.Contains(out.String(), "ticket=16 ") || !strings.Contains(out.String(), "2 held") {
		t.Errorf("in ten years: %v\n%s", err, out.String())
	}
	if err := Retention(t.Context(), w, RetentionOptions{}, Report{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "--retention") {
		t.Errorf("ended beside a gateway: %v", err)
	}
	if err := Retention(t.Context(), w, RetentionOptions{At: at}, Report{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "--dry-run") {
		t.Errorf("ended as of another day: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if n := readable(t, w); n != 20 {
		t.Errorf("%d tickets are readable, want 20", n)
	}
}

// A gateway ends by night what was kept long enough, and the words are no longer found.
func TestTheNightEndsWhatWasKeptLongEnough(t *testing.T) {
	t.Parallel()
	w := grown(t, "file")
	var passed atomic.Int64 // since 03:29 in Linyi
	tell := func() time.Time {
		return time.Date(2026, 7, 13, 19, 29, 0, 0, time.UTC).Add(time.Duration(passed.Load()))
	}
	a, stop := serves(t, Options{Where: w, Speed: 3600, Clock: tell, Retention: "03:30"})
	finds := func(want int) {
		t.Helper()
		found := -1
		for range 2000 {
			ids, err := a.search.Find(t.Context(), "路灯", 100)
			if err != nil {
				t.Fatal(err)
			}
			if found = len(ids); found == want {
				return
			}
			<-time.After(5 * time.Millisecond)
		}
		t.Errorf("%d tickets are found, want %d", found, want)
	}
	finds(20)
	passed.Store(int64(2 * time.Minute))
	finds(12)
	stop()
	lives(t, w, 20)
}

func TestTheHourOfTheNight(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CST", 8*3600)
	for _, c := range []struct{ now, want string }{
		{"2026-07-13T03:29:00+08:00", "2026-07-13T03:30:00+08:00"},
		{"2026-07-13T03:30:00+08:00", "2026-07-14T03:30:00+08:00"},
		{"2026-07-12T19:31:00Z", "2026-07-14T03:30:00+08:00"},
		{"2026-12-31T23:00:00+08:00", "2027-01-01T03:30:00+08:00"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := nextNight(now, "03:30", zone).Format(time.RFC3339); got != c.want {
			t.Errorf("after %s comes %s, want %s", c.now, got, c.want)
		}
	}
}
