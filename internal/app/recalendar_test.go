package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// typhoon is the notice of 2026 with two days off more, 16 and 17 July, as holiday-cn writes notices.
func typhoon(t *testing.T, more ...string) string {
	t.Helper()
	p, err := LoadPack(linyi)
	if err != nil {
		t.Fatal(err)
	}
	type day struct {
		Name     string `json:"name"`
		Date     string `json:"date"`
		IsOffDay bool   `json:"isOffDay"`
	}
	doc := struct {
		Year int   `json:"year"`
		Days []day `json:"days"`
	}{Year: 2026}
	for _, y := range p.Calendar.Spec().Years {
		for _, d := range y.Days {
			if y.Year == 2026 {
				doc.Days = append(doc.Days, day{d.Name, d.Date, d.Off})
			}
		}
	}
	for _, date := range append([]string{"2026-07-16", "2026-07-17"}, more...) {
		doc.Days = append(doc.Days, day{"台风停工", date, true})
	}
	file := filepath.Join(t.TempDir(), "notice.json")
	b, err := json.Marshal(doc)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// takes imports a notice into a pack.
func takes(t *testing.T, dir, notice, since string) {
	t.Helper()
	if err := ImportCalendar(t.Context(), CalendarImport{Notice: notice, City: dir, Since: since, Agree: func() bool { return true }, Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
}

// inForce publishes the pack in a folder and gives its city.
func inForce(t *testing.T, st store.Store, dir string, at time.Time) *city.City {
	t.Helper()
	p, err := LoadPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := config.Archive(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.PublishPack(t.Context(), store.Pack{Hash: p.Hash, At: at, Archive: archive}); err != nil {
		t.Fatal(err)
	}
	return &city.City{
		Hash: p.Hash, Zone: p.City.Location, Rules: p.Ruleset, Policies: p.PolicySet, DefaultPolicy: p.City.DefaultPolicy,
		Calendar: p.Calendar, Calendars: p.NewestCalendars(), DutyUnit: p.DutyUnit(),
	}
}

// published is when the typhoon's days off come into force: the evening before the first.
var published = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)

// sweeper brings tickets of a city to the calendars of a pack.
func sweeper(st recalendarStore, c *city.City) *recalendaring {
	return &recalendaring{store: st, city: c, random: rand.Reader, now: func() time.Time { return published.Add(time.Minute) }, log: slog.New(slog.DiscardHandler)}
}

// sweeps goes on until there is nothing more to do, and says how many tickets moved.
func sweeps(ctx context.Context, r *recalendaring) (moved int, err error) {
	for more := true; more && err == nil; {
		var n int
		n, more, err = r.step(ctx, r.city.Calendar)
		moved += n
	}
	return moved, err
}

// recalendarings are the events of a ticket by which it took a calendar.
func recalendarings(t *testing.T, st store.Store, id ticket.ID) []ticket.Event {
	t.Helper()
	history, err := st.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var found []ticket.Event
	for _, e := range history {
		if e.Action == ticket.Recalendar {
			found = append(found, e)
		}
	}
	return found
}

// caseload is a city with open tickets of general policy, registered on 13 July and due on the 20th, and one that has ended.
func caseload(t *testing.T, in string, open int) (w Where, st store.Store, before *city.City, ids []ticket.ID, ended ticket.ID) {
	t.Helper()
	w = place(t, in)
	if err := Initialise(t.Context(), w, "admin", io.Discard); err != nil {
		t.Fatal(err)
	}
	st = opens(t, w)
	before = inForce(t, st, linyi, storetest.Day)
	m := storetest.NewMaker()
	var changes []store.Change
	for i := range open {
		d := m.Ticket(t, storetest.Day).Dispatch(storetest.Day, "s-371302001")
		change := store.Change{Tickets: []store.TicketChange{before.Change(0, d.Ticket, d.Events, storetest.Day)}}
		changes, ids = append(changes, change), append(ids, d.Ticket.ID)
		_ = i
	}
	d := m.Ticket(t, storetest.Day).Answer(storetest.Day)
	changes = append(changes, store.Change{Tickets: []store.TicketChange{before.Change(0, d.Ticket, d.Events, storetest.Day)}})
	storetest.Must(t, st, changes...)
	return w, st, before, ids, d.Ticket.ID
}

func TestOpenTicketsTakeTheNewCalendarOnce(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w, st, before, ids, ended := caseload(t, in, 2*recalendarPage+50)
			if n, err := sweeps(t.Context(), sweeper(st, before)); n != 0 || err != nil {
				t.Fatalf("without a new version %d tickets move: %v", n, err)
			}
			dir := copyOf(t)
			takes(t, dir, typhoon(t), "2026-07-15 20:00")
			after := inForce(t, st, dir, published)

			// A gateway that still has the old pack leaves it to those that have the new one.
			if n, err := sweeps(t.Context(), sweeper(st, before)); n != 0 || err != nil {
				t.Fatalf("the old pack moves %d tickets: %v", n, err)
			}
			// Two gateways at once, after one was killed between a page and its cursor.
			if n, err := sweeps(t.Context(), sweeper(broken{st, errors.New("killed")}, after)); n != recalendarPage || err == nil {
				t.Fatalf("the broken one: %d, %v", n, err)
			}
			var both sync.WaitGroup
			total := make([]int, 2)
			for i := range total {
				both.Go(func() {
					n, err := sweeps(t.Context(), sweeper(st, after))
					if total[i] = n; err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			if n := total[0] + total[1]; n != len(ids)-recalendarPage {
				t.Errorf("%d tickets were moved after the one that was killed, want %d", n, len(ids)-recalendarPage)
			}
			for _, id := range ids {
				events := recalendarings(t, st, id)
				if len(events) != 1 {
					t.Fatalf("ticket %s has %d such events", id, len(events))
				}
				was, is := "2026-07-20T15:59:59.999Z", time.Date(2026, 7, 22, 15, 59, 59, 999e6, time.UTC)
				want := ticket.Details{
					Calendar: "linyi@2", Clock: "resolve", Due: is,
					Before: map[string]string{"calendar": "linyi@1", "due": was, "resolve/1": was},
				}
				if diff := cmp.Diff(want, events[0].Details); diff != "" {
					t.Fatal(diff)
				}
				item, err := st.Ticket(t.Context(), id)
				if err != nil || !item.Due.Equal(is) {
					t.Fatalf("the list shows %v, %v", item.Due, err)
				}
			}
			if events := recalendarings(t, st, ended); len(events) > 0 {
				t.Errorf("a ticket that has ended takes the calendar: %+v", events)
			}
			if n, err := sweeps(t.Context(), sweeper(st, after)); n != 0 || err != nil {
				t.Errorf("once more: %d, %v", n, err)
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := Verify(t.Context(), w, &out); err != nil || !strings.Contains(out.String(), "broken=0") {
				t.Errorf("verify: %v, %s", err, out.String())
			}
		})
	}
}

// broken is a store whose gateway is killed when it notes how far it has come.
type broken struct {
	store.Store
	by error
}

func (b broken) Commit(ctx context.Context, changes ...store.Change) []error {
	if len(changes) == 1 && changes[0].Cursor != nil {
		return []error{b.by}
	}
	return b.Store.Commit(ctx, changes...)
}

// A pack that is rolled back takes its calendar back, too, and says so on each ticket; put in force again it moves them again.
func TestARollBackOfTheCalendar(t *testing.T) {
	t.Parallel()
	_, st, _, ids, _ := caseload(t, "file", 3)
	dir := copyOf(t)
	takes(t, dir, typhoon(t), "2026-07-15 20:00")
	m := storetest.NewMaker()
	for i, pack := range []string{dir, linyi, dir} {
		c := inForce(t, st, pack, published.Add(time.Duration(i)*time.Hour))
		r := sweeper(st, c)
		r.now = func() time.Time { return published.Add(time.Duration(i)*time.Hour + time.Minute) }
		if n, err := sweeps(t.Context(), r); n != len(ids) || err != nil {
			t.Fatalf("turn %d: %d tickets move: %v", i, n, err)
		}
		// Who registers under the version in force has never had another.
		d := m.Ticket(t, r.now(), func(g *ticket.Registration, _ *ticket.Private) {
			g.Number, g.Key = ticket.FormatNumber("LY", r.now(), 70_000+i), fmt.Sprint("later", i)
		})
		storetest.Must(t, st, store.Change{Tickets: []store.TicketChange{c.Change(0, d.Ticket, d.Events, r.now())}})
		ids = append(ids, d.Ticket.ID)
	}
	var turns []string
	for _, e := range recalendarings(t, st, ids[0]) {
		turns = append(turns, e.Details.Before["calendar"]+" "+e.Details.Calendar+" "+e.Details.Due.Format(time.DateOnly))
	}
	want := []string{"linyi@1 linyi@2 2026-07-22", "linyi@2 linyi@1 2026-07-20", "linyi@1 linyi@2 2026-07-22"}
	if diff := cmp.Diff(want, turns); diff != "" {
		t.Error(diff)
	}
}

// A step that counts in working time moves though its deadline does not, and so does the clock of a unit whose citizen's deadline
// stands: nothing is recorded, and the tracker looks at the right moment all the same, also when the calendar is taken back.
func TestTimersFollowTheCalendarWhereNoDeadlineMoves(t *testing.T) {
	t.Parallel()
	w := place(t, "file")
	if err := Initialise(t.Context(), w, "admin", io.Discard); err != nil {
		t.Fatal(err)
	}
	st := opens(t, w)
	dir := packWith(t, func(s string) string {
		return s + `
- id: natural
  version: 1
  title: 自然日
  calendar: linyi
  clocks:
    resolve:
      limit: {amount: 5, unit: natural_days}
      ladder: [{id: yellow, before: 1, unit: working_days, level: yellow, to: [handler]}]
- id: quick
  version: 1
  title: 连续计时
  calendar: linyi
  clocks:
    sign: {limit: {amount: 4, unit: working_days}}
    resolve: {limit: {amount: 90, unit: natural_days}}
`
	})
	before := inForce(t, st, dir, storetest.Day)
	m := storetest.NewMaker()
	for i, policy := range []string{"natural@1", "quick@1"} {
		d := m.Ticket(t, storetest.Day, func(r *ticket.Registration, _ *ticket.Private) {
			r.Number, r.Policy = ticket.FormatNumber("LY", storetest.Day, 80_000+i), policy
		}).Dispatch(storetest.Day, "s-371302001")
		storetest.Must(t, st, store.Change{Tickets: []store.TicketChange{before.Change(0, d.Ticket, d.Events, storetest.Day)}})
	}
	timers := func() (list []string) {
		due, err := st.Due(t.Context(), storetest.Day.AddDate(1, 0, 0), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, timer := range due {
			list = append(list, timer.At.In(before.Zone).Format("01-02 15:04"))
		}
		return list
	}
	want := func(when string, list ...string) {
		t.Helper()
		if diff := cmp.Diff(list, timers()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	want("by the first version", "07-17 17:30", "07-18 00:00")
	second := filepath.Join(t.TempDir(), "city")
	if err := os.CopyFS(second, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	takes(t, second, typhoon(t), "2026-07-14 20:00")
	for i, turn := range []struct {
		dir   string
		moved int
		want  []string
	}{
		{second, 1, []string{"07-15 17:30", "07-22 00:00"}},
		{dir, 0, []string{"07-17 17:30", "07-18 00:00"}},
	} {
		at := storetest.Day.Add(time.Duration(i+1) * time.Hour)
		r := sweeper(st, inForce(t, st, turn.dir, at))
		r.now = func() time.Time { return at }
		if n, err := sweeps(t.Context(), r); n != turn.moved || err != nil {
			t.Errorf("turn %d: %d tickets move: %v", i, n, err)
		}
		want(fmt.Sprint("turn ", i), turn.want...)
	}
}

// A pack that changes its calendar again while tickets are still being brought to the last version: each ends with the newest, and
// says which one it had.
func TestTheCalendarChangesAgainOnTheWay(t *testing.T) {
	t.Parallel()
	_, st, _, ids, _ := caseload(t, "file", recalendarPage+50)
	dir := copyOf(t)
	takes(t, dir, typhoon(t), "2026-07-15 20:00")
	second := sweeper(st, inForce(t, st, dir, published))
	if n, more, err := second.step(t.Context(), second.city.Calendar); n != recalendarPage || !more || err != nil {
		t.Fatalf("the first page: %d, %v, %v", n, more, err)
	}
	takes(t, dir, typhoon(t, "2026-07-20"), "2026-07-15 20:01")
	third := sweeper(st, inForce(t, st, dir, published.Add(time.Minute)))
	if n, err := sweeps(t.Context(), third); n != len(ids) || err != nil {
		t.Fatalf("%d tickets move, %v", n, err)
	}
	turns := map[string]int{}
	for _, id := range ids {
		var turn []string
		for _, e := range recalendarings(t, st, id) {
			turn = append(turn, e.Details.Before["calendar"]+" "+e.Details.Calendar+" "+e.Details.Due.Format(time.DateOnly))
		}
		turns[strings.Join(turn, ", ")]++
	}
	want := map[string]int{"linyi@1 linyi@2 2026-07-22, linyi@2 linyi@3 2026-07-23": recalendarPage, "linyi@1 linyi@3 2026-07-23": 50}
	if diff := cmp.Diff(want, turns); diff != "" {
		t.Error(diff)
	}
}

// A gateway whose pack is reloaded does it by itself; the unit's system is told, and the ticket says so in words.
func TestAGatewayBringsItsTicketsToTheNewCalendar(t *testing.T) {
	t.Parallel()
	dir := copyOf(t)
	o := options(t, dir)
	now := storetest.Day
	o.Clock = func() time.Time { return now }
	a := start(t, o)
	d := storetest.NewMaker().Ticket(t, storetest.Day).Dispatch(storetest.Day, "e-110")
	c := a.live.Get()
	storetest.Must(t, a.store, store.Change{Tickets: []store.TicketChange{c.Change(0, d.Ticket, d.Events, storetest.Day)}})
	if !c.HasSystem("e-110") {
		t.Fatal("the unit has no system that could be told")
	}
	now = published
	takes(t, dir, typhoon(t), "2026-07-15 20:00")
	if err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left to do
		if err := a.recalendar(t.Context(), a.live.Get()); err != nil {
			t.Fatal(err)
		}
	}
	notices, err := a.store.Notices(t.Context(), store.NoticePending, 0, 10)
	if err != nil || len(notices) != 1 || notices[0].Kind != "unit" || notices[0].Target != "e-110" {
		t.Errorf("told: %+v, %v", notices, err)
	}
	item, err := a.store.Ticket(t.Context(), d.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	view, err := a.desk.Ticket(t.Context(), desk.Viewer{Login: "officer", Kind: ticket.ActorUser, Roles: []string{"duty"}}, item.Number)
	if err != nil {
		t.Fatal(err)
	}
	last := view.Events[len(view.Events)-1]
	if want := "换用日历 linyi@2，办结时限由 2026年7月20日（周一）24:00 改为 2026年7月22日（周三）24:00"; last.Words != want {
		t.Errorf("the ticket says %q, want %q", last.Words, want)
	}
}
