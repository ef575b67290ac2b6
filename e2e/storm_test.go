package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
	"github.com/citizen-hotline/gateway/internal/demo"
)

// The storm day goes through the real channels, twice, and nothing differs.
func TestStorm(t *testing.T) {
	t.Parallel()
	inTurn(t, func(t *testing.T, start func() *office) {
		o := start()
		send := func(run int64) (string, error) {
			var out bytes.Buffer
			err := app.SendDemo(t.Context(), cityDir, demo.Options{To: o.url, Out: &out, Run: run, Until: func(_ context.Context, at time.Time) error {
				if ahead := at.Sub(o.clock()); ahead > 0 {
					o.Advance(ahead)
				}
				return nil
			}})
			return out.String(), err
		}
		for run := int64(1); run <= 2; run++ {
			if out, err := send(run); err != nil {
				t.Fatalf("run %d: %v\n%s", run, err, out)
			}
		}
		// The same people with the same keys once more: the demo must see that this is not its day.
		if out, err := send(2); !errors.Is(err, demo.ErrDiffers) {
			t.Fatalf("a repeated run: %v\n%s", err, out)
		}
		if err := o.stop(); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := app.Verify(t.Context(), o.where, &out); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	})
}

// The seed's flood: the town owns it, its deadlines are watched, and it is solved inside the policy.
func TestTheSeedsFlood(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o *office) {
		s := o.Post("observer", fields{
			"clientReportId": "seed", "type": "help", "category": "01.04.01", "description": "滨河路与聚才八路路口积水，漫过路面，有漩涡",
			"reporter": fields{"type": "observer", "id": "observer-1"},
			"location": fields{"lng": 118.2430, "lat": 35.1120, "crs": "WGS84", "address": "滨河路与聚才八路交叉口"},
		}).OwnedBy("兰山区义堂镇人民政府")
		o.Advance(11 * time.Minute)
		s.Escalated("yellow") // not signed within ten minutes
		o.Advance(5 * time.Minute)
		s.Escalated("red")
		lead := s.Ticket().Assignments[0].No
		s.Does("yitang", "sign", fields{"assignment": lead})
		s.Does("yitang", "contact", fields{"assignment": lead})
		o.Advance(74 * time.Minute) // 10:07
		v := s.Does("yitang", "resolve", fields{"assignment": lead, "public_reply": "积水已排除，道路恢复通行。"})
		for _, k := range v.Clocks {
			if k.Name == "resolve" && k.Overdue {
				t.Errorf("solved at 10:07 it is overdue: %+v", v.Clocks)
			}
		}
		var track struct {
			Replies []struct{ Text string }
		}
		if code := o.api("duty", http.MethodGet, "/track/"+s.Number+"?code="+s.Code, nil, &track); code != http.StatusOK {
			t.Fatalf("track: %d", code)
		}
		if len(track.Replies) != 1 || track.Replies[0].Text != "积水已排除，道路恢复通行。" {
			t.Errorf("the observer reads %+v", track.Replies)
		}
	})
}

// What nobody touches goes up the whole ladder, each step once.
func TestALadderIsClimbedOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o *office) {
		s := o.Ring(fields{
			"clientReportId": "ladder", "type": "help", "category": "01.04.01", "text": "沂蒙路小区门口积水很深，车都进不去",
			"caller": "13905390001", "place": fields{"lng": 118.3450, "lat": 35.0600, "crs": "WGS84"},
		}).OwnedBy("临沂市城市排水处")
		o.Advance(3 * time.Hour)
		s.Escalated("supervise")
		o.Advance(2 * time.Hour)
		s.Escalated("step_up")
		if err := o.stop(); err != nil {
			t.Fatal(err)
		}
		if steps := kept(t, o.where, nil); steps < 7 {
			t.Errorf("only %d steps in five hours", steps)
		}
	})
}
