package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// returning is a city where the row for street lamps was wrong three times and right once.
func returning(t *testing.T) Where {
	t.Helper()
	w := place(t, "file")
	if err := Initialise(t.Context(), w, "admin", &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	publishes(t, w)
	st, m := opens(t, w), storetest.NewMaker()
	for i, to := range []string{"b-shizheng", "b-shizheng", "d-371302", "", "s-371302001", "b-paishui"} {
		d := m.Ticket(t, storetest.Day, func(r *ticket.Registration, p *ticket.Private) {
			p.Title, p.Text = "路灯", "沂蒙路路灯不亮，请告诉王秀兰，电话13953912345"
			r.Confidential = i == 5 // it becomes no example
		})
		d.Do(storetest.Day, ticket.Command{Action: ticket.Dispatch, Details: ticket.Details{Unit: "s-371302001", Decision: &ticket.Decision{
			Unit: "s-371302001", Origins: map[string]ticket.Origin{"unit": {Stage: "catalogue", Rule: "c-01.03.03"}},
		}}})
		if to != "" {
			d.Do(storetest.Day, ticket.Command{Action: ticket.Return, Details: ticket.Details{Assignment: 1}, Cause: ticket.Cause{Reason: "not_ours"}})
			d.Dispatch(storetest.Day, to) // to the same again: the desk did not agree
		}
		storetest.Must(t, st, d.Change())
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWhatComesBackIsSuggestedAndNeverChangedSilently(t *testing.T) {
	t.Parallel()
	w := returning(t)
	file := filepath.Join(t.TempDir(), "cases.yaml")
	var out bytes.Buffer
	if err := Suggest(t.Context(), w, 0, file, true, &out); err != nil {
		t.Fatal(err)
	}
	var list []Suggestion
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Rule != "c-01.03.03" || list[0].Returned != 3 || list[0].Decided != 5 || list[0].To["b-shizheng"] != 2 || list[0].Reasons["not_ours"] != 3 ||
		!strings.HasPrefix(list[0].Where, "catalogue/") {
		t.Errorf("suggested %+v", list)
	}
	cases, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(cases), "13953912345") || !strings.Contains(string(cases), "139****2345") || strings.Contains(string(cases), "王秀兰") {
		t.Errorf("the cases tell who the citizen is:\n%s", cases)
	}
	// They are tests as the pack has them.
	dir := copyOf(t)
	if err := os.WriteFile(filepath.Join(dir, "tests", "returned.yaml"), cases, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := config.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Tests) - len(mustLoad(t).Tests); n != 3 {
		t.Errorf("%d cases, want 3", n)
	}
	if err := Suggest(t.Context(), w, 0, file, true, &out); err == nil || !strings.Contains(err.Error(), "new file") {
		t.Errorf("written over a file that is there: %v", err)
	}
	out.Reset()
	if err := Suggest(t.Context(), w, 0, "", false, &out); err != nil || !strings.Contains(out.String(), "  3 / 5  catalogue c-01.03.03") || !strings.HasSuffix(out.String(), "rules=1 returned=3\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func mustLoad(t *testing.T) *config.Pack {
	t.Helper()
	p, err := config.LoadDir(linyi)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAUnitsWorkMovesFromTheCommandLine(t *testing.T) {
	t.Parallel()
	w := grown(t, "file") // two tickets are open at s-371302001
	move := func(dry bool) string {
		t.Helper()
		var out bytes.Buffer
		if err := MoveUnit(t.Context(), w, "s-371302001", "b-shizheng", "reorganised", dry, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, step := range []struct {
		dry  bool
		want string
	}{{true, "would_move=2 left=0"}, {false, "moved=2 left=0"}, {false, "moved=0 left=0"}} {
		if got := move(step.dry); !strings.Contains(got, step.want) {
			t.Errorf("dry %t: %s, want %s", step.dry, got, step.want)
		}
	}
	lives(t, w, 20)
	if err := MoveUnit(t.Context(), w, "s-371302001", "nowhere", "reorganised", true, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("moved to a unit that is not there: %v", err)
	}
}

// What a person did before the unit's word, and what another unit gave back, says nothing of the rules.
func TestOnlyTheRulesOwnMistakesAreSuggested(t *testing.T) {
	t.Parallel()
	m := storetest.NewMaker()
	back := func(no int) ticket.Command {
		return ticket.Command{Action: ticket.Return, Details: ticket.Details{Assignment: no}, Cause: ticket.Cause{Reason: "not_ours"}}
	}
	arbitrate := ticket.Command{Action: ticket.Arbitrate, Details: ticket.Details{Unit: "c"}, Cause: ticket.Cause{Reason: "by_duty"}}
	withdraw := ticket.Command{Action: ticket.Withdraw, Details: ticket.Details{Assignment: 1}, Cause: ticket.Cause{Reason: "misdispatched"}}
	for name, tt := range map[string]struct {
		do   func(d *storetest.Draft)
		want bool
	}{
		"the owner gave it back": {func(d *storetest.Draft) { d.Do(storetest.Day, back(1)).Dispatch(storetest.Day, "c") }, true},
		"a person had sent it elsewhere": {func(d *storetest.Draft) {
			d.Do(storetest.Day, withdraw).Dispatch(storetest.Day, "b").Do(storetest.Day, back(3)).Dispatch(storetest.Day, "c")
		}, false},
		"an assisting unit gave it back": {func(d *storetest.Draft) { d.Do(storetest.Day, back(2)).Do(storetest.Day, arbitrate) }, false},
		"it waits for the desk":          {func(d *storetest.Draft) { d.Do(storetest.Day, back(1)) }, false},
		"it went back to the same":       {func(d *storetest.Draft) { d.Do(storetest.Day, back(1)).Dispatch(storetest.Day, "a") }, false},
	} {
		d := m.Ticket(t, storetest.Day)
		d.Do(storetest.Day, ticket.Command{Action: ticket.Dispatch, Details: ticket.Details{Unit: "a", Units: []string{"x"}, Decision: &ticket.Decision{
			Unit: "a", Origins: map[string]ticket.Origin{"unit": {Stage: "catalogue", Rule: "r"}},
		}}})
		tt.do(d)
		if _, agreed := agreedReturn(d.Events); agreed != tt.want {
			t.Errorf("%s: %t", name, agreed)
		}
	}
}
