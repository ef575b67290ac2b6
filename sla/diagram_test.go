package sla

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

var update = flag.Bool("update", false, "rewrite docs/clocks.md from what Evaluate does")

// turn is what an action does to a clock.
type turn struct {
	from, to string // "" before there is one
	action   ticket.Action
}

// watched gathers turns by clock; the ticket's own resolve clock is the citizen's.
type watched map[string]map[turn]bool

// see compares the clocks before and after an event.
func (w watched) see(before, after []Clock, action ticket.Action) {
	state := func(k *Clock) string {
		if k.State == Missed {
			return string(Met) // the diagram does not ask whether it was in time
		}
		return string(k.State)
	}
	for i := range after {
		a := &after[i]
		name := string(a.Name)
		if a.Name == ClockResolve && a.Assignment == 0 {
			name = "citizen"
		}
		from := ""
		if n := slices.IndexFunc(before, func(b Clock) bool { return same(&b, a) }); n >= 0 {
			from = state(&before[n])
		}
		if to := state(a); from != to {
			if w[name] == nil {
				w[name] = map[turn]bool{}
			}
			w[name][turn{from, to, action}] = true
		}
	}
}

// moves are the commands that may be tried on a ticket: each action, on each assignment where it is about one.
func moves(t *ticket.Ticket, at time.Time) (list []ticket.Command) {
	other := ticket.ID{7}
	for _, a := range ticket.Actions {
		d := ticket.Details{Unit: "u", Until: at.Add(time.Hour), Other: other, Amount: 1, LimitUnit: string(WorkingDays), Reached: yes(), Level: "red"}
		if a == ticket.Hold || a == ticket.Expire || a == ticket.Register {
			continue // data, not work
		}
		if a == ticket.AddUnit || a == ticket.SendOn || a == ticket.Move {
			d.Unit = "v" // a unit holds no second share
		}
		list = append(list, ticket.Command{Action: a, Details: d})
		if a == ticket.LinkTo {
			d.Relation = ticket.LinkDistinct
			list = append(list, ticket.Command{Action: a, Details: d})
		}
		for _, as := range t.Assignments {
			d.Assignment = as.No
			list = append(list, ticket.Command{Action: a, Details: d})
		}
	}
	return list
}

// signature is all of a history that decides what may come of it.
func signature(t *ticket.Ticket, clocks []Clock) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s disputed %t end %t", t.State, t.Dispute != nil, t.Termination != nil && !t.Termination.ReviewedAt.IsZero())
	for _, a := range t.Assignments {
		fmt.Fprintf(&b, " %s %s %d", a.Role, a.State, a.Parent)
	}
	for _, k := range clocks {
		fmt.Fprintf(&b, " %s/%d %s", k.Name, k.Assignment, k.State)
	}
	return b.String()
}

// whole is a policy that has every clock.
func whole() Policy {
	p := general()
	p.Clocks = maps.Clone(p.Clocks)
	p.Clocks[ClockArbitrate] = ClockRule{Limit: Limit{Amount: 1, Unit: WorkingDays}}
	p.Clocks[ClockRedo] = ClockRule{Limit: Limit{Amount: 3, Unit: WorkingDays}}
	return p
}

// explore tries every legal history up to some length, and none further from where one like it has been.
func explore(t *testing.T) watched {
	t.Helper()
	w, seen, policy := watched{}, map[string]bool{}, whole()
	first := begin(t, "2026-07-13 09:00")
	clocks := first.clocks("2026-07-13 09:00")
	w.see(nil, clocks, ticket.Register)
	type node struct {
		s      *story
		clocks []Clock
	}
	level := []node{{first, clocks}}
	for depth := range 7 {
		var next []node
		for _, n := range level {
			now := at("2026-07-13 09:00").Add(time.Duration(depth+1) * time.Minute)
			for _, cmd := range moves(&n.s.ticket, now) {
				s := &story{t: t, ticket: n.s.ticket.Clone(), events: slices.Clip(n.s.events)}
				if s.try(now, cmd.Action, cmd.Details) != nil {
					continue
				}
				after := Evaluate(s.events, policy, cn2026(), now)
				w.see(n.clocks, after, cmd.Action)
				if sign := signature(&s.ticket, after); len(s.ticket.Assignments) <= 2 && !seen[sign] {
					seen[sign] = true
					next = append(next, node{s, after})
				}
			}
		}
		level = next
	}
	return w
}

// drawClocks is docs/clocks.md, drawn from what Evaluate does with every legal history.
func drawClocks(w watched) string {
	var b strings.Builder
	b.WriteString(`# What sets clocks going, and what stops them

Drawn by ` + "`go test ./sla -run Diagram -update`" + ` from what ` + "`sla.Evaluate`" + ` does with every legal history up to seven moves, under a policy
that has all clocks; a test keeps it true. ` + "`met`" + ` stands for ` + "`missed`" + `, too: the event decides that a clock stops, its moment whether it was in
time. What the clocks mean: [deadlines](sla.md).
`)
	titles := map[string]string{"citizen": "the citizen's: " + string(ClockResolve) + " of the ticket (办结，对市民)"}
	for _, n := range Clocks {
		titles[string(n)] = string(n) + " (" + n.Title() + ")"
	}
	titles[string(ClockResolve)] = string(ClockResolve) + " of an assignment (办结，承办单位)"
	order := []string{string(ClockDispatch), "citizen"}
	for _, n := range Clocks[1:] {
		order = append(order, string(n))
	}
	for _, name := range order {
		fmt.Fprintf(&b, "\n## %s\n\n```mermaid\nstateDiagram-v2\n", strings.ToUpper(titles[name][:1])+titles[name][1:])
		byEdge := map[[2]string][]string{}
		for turn := range w[name] {
			edge := [2]string{turn.from, turn.to}
			byEdge[edge] = append(byEdge[edge], string(turn.action))
		}
		for _, from := range []string{"", string(Running), string(Held), string(Met), string(Cancelled)} {
			edges := slices.SortedFunc(maps.Keys(byEdge), func(a, c [2]string) int { return strings.Compare(a[1], c[1]) })
			for _, edge := range edges {
				if edge[0] != from {
					continue
				}
				slices.SortFunc(byEdge[edge], func(a, c string) int {
					return slices.Index(ticket.Actions, ticket.Action(a)) - slices.Index(ticket.Actions, ticket.Action(c))
				})
				start := edge[0]
				if start == "" {
					start = "[*]"
				}
				fmt.Fprintf(&b, "    %s --> %s: %s\n", start, edge[1], strings.Join(byEdge[edge], ", "))
			}
		}
		b.WriteString("```\n")
	}
	return b.String()
}

func TestDiagramMatchesEvaluate(t *testing.T) {
	t.Parallel()
	const file = "../docs/clocks.md"
	w := explore(t)
	for _, name := range Clocks {
		if len(w[string(name)]) < 2 {
			t.Errorf("clock %s never starts and stops: the histories show nothing of it", name)
		}
	}
	want := drawClocks(w)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what Evaluate does; run go test ./sla -run Diagram -update", file)
	}
}
