package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// packWith is a copy of the demo city with its policies rewritten.
func packWith(t *testing.T, rewrite func(policies string) string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "city")
	if err := os.CopyFS(dir, os.DirFS("../../config/cities/linyi")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "policies.yaml")
	b, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name, []byte(rewrite(string(b))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// fiveDays begins the resolve clock of policy suggest, which is nobody else's.
const fiveDays = "limit: {amount: 5, unit: working_days}\n      ladder:\n        - {id: yellow, before: 1, unit: working_days, level: yellow, to: [handler]}\n        - {id: red, after: 1, unit: working_hours, level: red, to: [handler, deputy]}\n    callback: {limit: {amount: 3"

// Whoever changes limits sees first whom it hits: at once, and if the new version held for what is open.
func TestAChangedPolicyIsPreviewed(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := place(t, in)
			if err := Initialise(t.Context(), w, "admin", &bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}
			publishes(t, w)
			st := opens(t, w) // as a gateway that serves
			m := storetest.NewMaker()
			now, err := w.now()
			if err != nil {
				t.Fatal(err)
			}
			day := now.AddDate(0, 0, -30)
			for i := range 4 {
				d := m.Ticket(t, day, func(r *ticket.Registration, _ *ticket.Private) {
					r.Number, r.Policy = ticket.FormatNumber("LY", day, i+1), []string{"suggest@1", "suggest@1", "hard@1", "suggest@1"}[i]
				}).Dispatch(day, "s-371302001")
				if i == 3 { // it has ended: nobody asks
					d.Do(day, ticket.Command{Action: ticket.Sign, Details: ticket.Details{Assignment: 1}})
					d.Do(day, ticket.Command{Action: ticket.Resolve, Details: ticket.Details{Assignment: 1}, Private: &ticket.Private{PublicReply: "已修复"}})
					d.Do(day, ticket.Command{Action: ticket.Close})
				}
				storetest.Must(t, st, d.Change())
			}
			preview := func(dir string, strict bool) (previewed, string, error) {
				t.Helper()
				var words, data bytes.Buffer
				failed := PreviewPolicies(t.Context(), w, PreviewOptions{City: dir, Examples: 5, Strict: strict}, Report{Out: &words})
				if failed != nil && !errors.Is(failed, ErrChecks) {
					t.Fatal(failed)
				}
				if err := PreviewPolicies(t.Context(), w, PreviewOptions{City: dir, Examples: 5, JSON: true}, Report{Out: &data}); err != nil {
					t.Fatal(err)
				}
				var p previewed
				if err := json.Unmarshal(data.Bytes(), &p); err != nil {
					t.Fatal(err)
				}
				return p, words.String(), failed
			}

			same, words, failed := preview("../../config/cities/linyi", true)
			if failed != nil || same.Open != 3 || len(same.Edited) != 0 || same.AtOnce.Looked+same.UnderNewest.Looked != 0 {
				t.Errorf("the pack in force against itself: %+v, %v\n%s", same, failed, words)
			}

			edited := packWith(t, func(s string) string {
				return strings.Replace(s, fiveDays, strings.Replace(fiveDays, "amount: 5", "amount: 15", 1), 1)
			})
			at, words, failed := preview(edited, true)
			if !errors.Is(failed, ErrChecks) || len(at.Edited) != 1 || at.Edited[0] != "suggest@1" {
				t.Errorf("edited %v, %v", at.Edited, failed)
			}
			if got := at.AtOnce.Total; got.Tickets != 2 || got.Later != 4 || got.Moved() != 4 || at.UnderNewest.Looked != 0 {
				t.Errorf("two tickets with two resolve clocks each: %+v\n%s", got, words)
			}
			for _, want := range []string{"在办工单  3 张", "没有换版本号就改动的：suggest@1", "2 张工单有变化，4 个期限推后", "兰山区兰山街道", "办结时限"} {
				if !strings.Contains(words, want) {
					t.Errorf("it does not say %q:\n%s", want, words)
				}
			}

			newer := packWith(t, func(s string) string {
				second := s[strings.Index(s, "- id: suggest"):strings.Index(s, "- id: hard")]
				second = strings.Replace(strings.Replace(second, "version: 1", "version: 2\n  from: 2099-01-01", 1), fiveDays, strings.Replace(fiveDays, "amount: 5", "amount: 3", 1), 1)
				return s + "\n" + second
			})
			next, words, failed := preview(newer, true)
			if failed != nil || len(next.Edited) != 0 || next.AtOnce.Total.Tickets != 0 {
				t.Errorf("a new version touches nobody at once: %v %+v, %v", next.Edited, next.AtOnce, failed)
			}
			if got := next.UnderNewest; got.Total.Earlier != 4 || len(got.Policies) != 1 || got.Policies[0].To != "suggest@2" || len(got.Examples) != 4 {
				t.Errorf("under the newest: %+v\n%s", got, words)
			}
			if !strings.Contains(words, "suggest@1 → suggest@2：2 张工单有变化，4 个期限提前") {
				t.Errorf("in words:\n%s", words)
			}
		})
	}
}

// Units that are given other hours are judged by them at once: the preview counts it, and says what was edited. A ticket merged
// into another has no deadlines of its own and is not counted among the open ones.
func TestOtherHoursOfUnitsArePreviewed(t *testing.T) {
	t.Parallel()
	w := place(t, "file")
	if err := Initialise(t.Context(), w, "admin", &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	fair := []byte("id: fair\ntitle: 集市作息\nversion: 1\nholidays: linyi\nweek:\n  sun: [\"08:00-12:00\"]\n")
	held := packWith(t, func(s string) string { return s })
	if err := os.WriteFile(filepath.Join(held, "calendars", "fair.yaml"), fair, 0o600); err != nil {
		t.Fatal(err)
	}
	st := opens(t, w)
	now, err := w.now()
	if err != nil {
		t.Fatal(err)
	}
	inForce(t, st, held, now)
	m := storetest.NewMaker()
	pin := func(r *ticket.Registration, _ *ticket.Private) { r.Policy = "suggest@1" }
	lead := m.Ticket(t, now, pin).Dispatch(now, "j-court")
	storetest.Must(t, st, lead.Change())
	storetest.Must(t, st, m.Ticket(t, now, pin).Do(now, ticket.Command{Action: ticket.Merge, Details: ticket.Details{Other: lead.Ticket.ID}}).Change())

	dir := filepath.Join(t.TempDir(), "city")
	if err := os.CopyFS(dir, os.DirFS(held)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "units", "60-justice.yaml")
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.Replace(string(b), "  hours: court", "  hours: fair # court", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	err = PreviewPolicies(t.Context(), w, PreviewOptions{City: dir, Strict: true, JSON: true}, Report{Out: &data})
	var p previewed
	if failed := json.Unmarshal(data.Bytes(), &p); failed != nil {
		t.Fatal(failed)
	}
	if !errors.Is(err, ErrChecks) || len(p.Edited) != 1 || p.Edited[0] != "hours" || p.Open != 1 || p.AtOnce.Total.Tickets != 1 {
		t.Errorf("%v: %s", err, data.String())
	}
}

// A pack is checked for the day on which it is checked.
func TestAPolicyOfTomorrowIsRefusedToday(t *testing.T) {
	t.Parallel()
	dir := packWith(t, func(s string) string {
		return strings.Replace(s, "- id: flood\n  version: 1\n", "- id: flood\n  version: 1\n  from: 2099-01-01\n", 1)
	})
	var out bytes.Buffer
	if err := Check(dir, false, &out); !errors.Is(err, ErrChecks) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), `rules/30-city.yaml`) || !strings.Contains(out.String(), `policy "flood" holds from 2099-01-01 on, and nothing before`) {
		t.Errorf("it says\n%s", out.String())
	}
}
