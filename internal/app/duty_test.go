package app

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// Who is on duty and the brief are told while a gateway has the data, overrides and all.
func TestWhoIsOnDutyAndTheBrief(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := grown(t, in)
			st := opens(t, w) // as a gateway that serves
			m := storetest.NewMaker()
			if err := st.AddOverrides(t.Context(), store.Override{
				ID: m.ID(t, storetest.Day), Post: "centre.duty", From: storetest.Day, To: storetest.Day.Add(time.Hour), Who: "值班长一席", Kind: "override",
				Reason: "临时替班", Author: "duty", At: storetest.Day,
			}); err != nil {
				t.Fatal(err)
			}
			d := m.Ticket(t, storetest.Day, func(r *ticket.Registration, _ *ticket.Private) {
				r.Number, r.Key = ticket.FormatNumber("LY", storetest.Day, 60_000), "briefed"
			}).Dispatch(storetest.Day, "b-paishui")
			change := d.Change()
			change.Tickets[0].Due = storetest.Day.Add(time.Hour)
			change.Alerts = []store.Alert{{ID: m.ID(t, storetest.Day), Key: "k", Unit: "b-paishui", Level: "red", Post: "b-paishui.handler", At: storetest.Day}}
			storetest.Must(t, st, change)

			says := func(run func(out *bytes.Buffer) error, want ...string) []byte {
				t.Helper()
				var out bytes.Buffer
				if err := run(&out); err != nil {
					t.Fatal(err)
				}
				for _, words := range want {
					if !strings.Contains(out.String(), words) {
						t.Errorf("it does not say %s:\n%s", words, out.String())
					}
				}
				return out.Bytes()
			}
			for _, at := range []string{"9999-01-01", "0001-01-01", "2026-02-30", "tomorrow"} { // a brief of all shifts until then would take hours
				if err := ShiftBrief(t.Context(), w, at, "", false, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "--at") {
					t.Errorf("at %s: %v", at, err)
				}
			}
			says(func(out *bytes.Buffer) error { return WhoIsOnDuty(t.Context(), w, "2026-07-13 09:00", "", false, out) },
				"12345中心值班长  值班长一席〔替班〕（07-13 08:30 至 07-13 09:30），接班 值班长二席", "市排水处热线承办人  防汛一组")
			raw := says(func(out *bytes.Buffer) error {
				return WhoIsOnDuty(t.Context(), w, "2026-07-13T12:00:00+08:00", "centre.duty", true, out)
			})
			var told struct {
				Items []struct {
					Who  string
					Next struct{ Who string }
				}
			}
			if err := json.Unmarshal(raw, &told); err != nil || len(told.Items) != 1 || told.Items[0].Who != "值班长二席" {
				t.Errorf("%v: %s", err, raw)
			}
			brief := says(func(out *bytes.Buffer) error { return ShiftBrief(t.Context(), w, "", "", false, out) }, "交接班简报", d.Ticket.Number, "市排水", "红牌")
			if strings.Contains(string(brief), "王秀兰") || strings.Contains(string(brief), "139000") {
				t.Errorf("it names the citizen:\n%s", brief)
			}
			raw = says(func(out *bytes.Buffer) error { return ShiftBrief(t.Context(), w, "", "b-paishui.handler", true, out) })
			var of struct {
				Late        struct{ Total int }
				Unit        struct{ ID string }
				AlertsTotal int `json:"alerts_total"`
			}
			if err := json.Unmarshal(raw, &of); err != nil || of.Unit.ID != "b-paishui" || of.Late.Total != 1 || of.AlertsTotal != 1 {
				t.Errorf("%v: %+v in %s", err, of, raw)
			}
			var out bytes.Buffer
			if err := WhoIsOnDuty(t.Context(), w, "yesterday", "", false, &out); err == nil || !strings.Contains(err.Error(), `"yesterday"`) {
				t.Errorf("a time nobody can read: %v", err)
			}
			if err := WhoIsOnDuty(t.Context(), w, "", "centre.nobody", false, &out); err == nil || !strings.Contains(err.Error(), "centre.duty") {
				t.Errorf("a post nobody has: %v", err)
			}
		})
	}
}

func TestADutyRoomWithoutAPack(t *testing.T) {
	t.Parallel()
	w := place(t, "file")
	if err := Initialise(t.Context(), w, "admin", io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := WhoIsOnDuty(t.Context(), w, "", "", false, io.Discard); err == nil || !strings.Contains(err.Error(), "no city pack was published yet") {
		t.Errorf("error %v", err)
	}
}
