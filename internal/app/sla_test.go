package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// A deadline is told stretch by stretch, while a gateway has the data.
func TestADeadlineIsTold(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := grown(t, in)
			st := opens(t, w) // as a gateway that serves
			d := storetest.NewMaker().Ticket(t, storetest.Day, func(r *ticket.Registration, _ *ticket.Private) {
				r.Number, r.Key = ticket.FormatNumber("LY", storetest.Day, 60_000), "told"
			}).Dispatch(storetest.Day, "s-371302001")
			storetest.Must(t, st, d.Change())
			var out bytes.Buffer
			if err := ExplainClocks(t.Context(), w, d.Ticket.Number, false, &out); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"工单  " + d.Ticket.Number, "时限办法  general@1", "办结时限  整单", "签收时限  兰山区兰山街道", "7月13日（周一）"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %s:\n%s", want, out.String())
				}
			}
			out.Reset()
			if err := ExplainClocks(t.Context(), w, d.Ticket.Number, true, &out); err != nil {
				t.Fatal(err)
			}
			var told struct {
				Clocks []struct {
					Name     string
					Segments []struct{ Text string }
				}
			}
			if err := json.Unmarshal(out.Bytes(), &told); err != nil || len(told.Clocks) < 3 {
				t.Fatalf("%v: %s", err, out.String())
			}
			for _, k := range told.Clocks {
				if len(k.Segments) == 0 || k.Segments[0].Text == "" {
					t.Errorf("the clock %s is not explained", k.Name)
				}
			}
			if err := ExplainClocks(t.Context(), w, "LY000", false, &out); err == nil || !strings.Contains(err.Error(), "LY000") {
				t.Errorf("a number nobody has: %v", err)
			}
		})
	}
}
