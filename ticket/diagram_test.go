package ticket

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/states.md from the tables")

// drawStates is docs/states.md, drawn from the transition tables.
func drawStates() string {
	var b strings.Builder
	b.WriteString(`# States and moves

Drawn from the tables in ` + "`ticket/machine.go`" + ` by ` + "`go test ./ticket -run Diagram -update`" + `; a test keeps it true.

## Assignment (派单)

` + "```mermaid\nstateDiagram-v2\n    [*] --> offered: dispatch, arbitrate, send_on, add_unit, reopen\n")
	for _, a := range Actions {
		m, ok := assignmentMoves[a]
		if !ok || m.To == "" {
			continue
		}
		for _, from := range m.From {
			if from != m.To {
				fmt.Fprintf(&b, "    %s --> %s: %s\n", from, m.To, a)
			}
		}
	}
	for _, from := range []AssignmentState{Signed} {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", from, contactMoves[from], Contact)
	}
	for _, s := range AssignmentStates {
		if !s.Active() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n\n## Ticket (工单)\n\nThe state follows from the newest top-level lead assignment; an assisting unit still at work keeps the ticket in `handling`.\nThe ticket's own ends are `closed`, `declined`, `merged` and `transferred`. `terminate` closes a ticket outside the rates; a ticket whose\nowner is disputed (`object`) waits in `triage` for `arbitrate`. A row says in which states an action may be taken.\n\n| action |")
	for _, s := range States {
		fmt.Fprintf(&b, " %s |", s)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(States)) + "\n")
	for _, a := range Actions {
		if a == Register {
			continue
		}
		fmt.Fprintf(&b, "| `%s` |", a)
		for _, s := range States {
			if contains(ticketMoves[a], s) {
				b.WriteString(" ● |")
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestDiagramMatchesTheTables(t *testing.T) {
	t.Parallel()
	const file = "../docs/states.md"
	want := drawStates()
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
		t.Errorf("%s is not what the tables say; run go test ./ticket -run Diagram -update", file)
	}
}

func TestEveryActionHasItsRow(t *testing.T) {
	t.Parallel()
	for _, a := range Actions {
		if _, ok := ticketMoves[a]; !ok {
			t.Errorf("%s is in no state legal", a)
		}
	}
	if len(ticketMoves) != len(Actions) {
		t.Errorf("%d actions have a row, %d are listed", len(ticketMoves), len(Actions))
	}
	for a := range needs {
		if !contains(Actions, a) {
			t.Errorf("needs names the unknown action %q", a)
		}
	}
}
