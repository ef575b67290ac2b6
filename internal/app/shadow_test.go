package app

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// A candidate decides beside the pack in force: what it says is kept and not obeyed, until it is promoted.
func TestACandidateRunsInShadowAndIsPromoted(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := grown(t, in) // twenty tickets from before: the shadow has no say in them
			a, stop := serves(t, Options{Where: w, Shadow: candidate(t)})
			live := a.live.Get().Hash
			m := storetest.NewMaker()
			for i, text := range []string{"路灯不亮", "路灯不亮三天了", "井盖丢失"} {
				d := m.Ticket(t, storetest.Day, func(r *ticket.Registration, p *ticket.Private) {
					r.Number, r.Key, p.Title, p.Text = ticket.FormatNumber("LY", storetest.Day, 70_000+i), "shadow"+r.Key, "", text
					r.Category, r.Region, r.Facts = "", "371302105", map[string]string{"said": "- region"}
					p.Place = ticket.Place{Address: "义堂镇"}
				})
				d.Ticket.Decision.Unit, d.Events[0].Details.Decision.Unit = "s-371302001", "s-371302001"
				storetest.Must(t, a.store, d.Change())
			}
			shown := func() string {
				var out bytes.Buffer
				if err := ShowShadow(t.Context(), w, true, &out); err != nil {
					t.Fatal(err)
				}
				return out.String()
			}
			for i := 0; !strings.Contains(shown(), `"decided":3`) && i < 2000; i++ {
				<-time.After(5 * time.Millisecond)
			}
			var found struct {
				Decided, Moved int
				Flows          []struct {
					Would string
					Count int
				}
			}
			if err := json.Unmarshal([]byte(shown()), &found); err != nil || found.Decided != 3 || len(found.Flows) == 0 || found.Flows[0].Would != "b-shizheng" || found.Flows[0].Count != 2 {
				t.Errorf("the shadow says %s, %v", shown(), err)
			}
			if a.live.Get().Hash != live {
				t.Error("the shadow is obeyed")
			}
			if _, err := a.Promote(t.Context(), live, "duty", "another"); !ticket.IsKind(err, ticket.Conflict) {
				t.Errorf("promoted what nobody looked at: %v", err)
			}
			hash, err := a.Promote(t.Context(), "", "duty", "try")
			if err != nil || hash == live || a.live.Get().Hash != hash {
				t.Errorf("promoted %s, in force %s, %v", hash, a.live.Get().Hash, err)
			}
			if _, err := a.Promote(t.Context(), "", "duty", "again"); !ticket.IsKind(err, ticket.NotFound) {
				t.Errorf("promoted twice: %v", err)
			}
			stop()
			var out bytes.Buffer
			if err := History(t.Context(), w, false, &out); err != nil || !strings.HasPrefix(out.String(), "* "+hash[:12]) || !strings.Contains(out.String(), "duty  try") {
				t.Errorf("history: %v\n%s", err, out.String())
			}
			if err := Promote(t.Context(), w, "", io.Discard); !ticket.IsKind(err, ticket.NotFound) {
				t.Errorf("promoted without a shadow: %v", err)
			}
		})
	}
}

// A reload takes up the changed folder, and begins anew.
func TestAReloadBringsTheChangedCandidate(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w, dir := grown(t, in), candidate(t)
			a, err := New(t.Context(), Options{Where: w, City: linyi, Shadow: dir, Demo: true, Speed: 1, Log: io.Discard})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close() //nolint:errcheck // what it kept has been looked at
			var s shadow
			decides := func(unit string) {
				t.Helper()
				d := storetest.NewMaker().Ticket(t, storetest.Day, func(r *ticket.Registration, p *ticket.Private) {
					r.Number, r.Key, p.Text = ticket.FormatNumber("LY", storetest.Day, 80_000+len(unit)), "reload"+unit, "路灯不亮"
					r.Facts, p.Place = map[string]string{"said": "- region"}, ticket.Place{}
				})
				storetest.Must(t, a.store, d.Change())
				for range 2000 {
					if _, err := a.shadow(t.Context(), &s); err != nil {
						t.Fatal(err)
					}
					found, err := a.store.Shadowed(t.Context(), s.of.ID)
					if err != nil {
						t.Fatal(err)
					}
					if found.Decided > 0 {
						if found.Decided != 1 || found.Flows[0].Would != unit {
							t.Errorf("it decides %+v, want %s", found, unit)
						}
						return
					}
					<-time.After(2 * time.Millisecond)
				}
				t.Error("it decides nothing")
			}
			decides("b-shizheng")
			edit(t, filepath.Join(dir, "rules", "25-try.yaml"), "b-shizheng", "b-paishui")
			if err := a.openShadow(t.Context()); err != nil {
				t.Fatal(err)
			}
			decides("b-paishui")
		})
	}
}
