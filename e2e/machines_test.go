package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// machine is what the tests read of a ticket that no citizen made.
type machine struct {
	Number   string
	State    string
	Unrated  bool                `json:"unrated"`
	Callback bool                `json:"no_callback"`
	Policy   struct{ ID string } `json:"policy"`
	Source   string              `json:"source"`
	Counters struct{ Repeats int }
	Clocks   []struct{ Name, State string }
	Events   []struct{ Action string }
}

// terminal sends what a truck's terminal sends, signed as its channel wants.
func (o *office) terminal(doc fields) answer {
	o.t.Helper()
	body, err := json.Marshal(doc)
	if err != nil {
		o.t.Fatal(err)
	}
	stamp := strconv.FormatInt(o.clock().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret("env:HOTLINE_TRUCK_SECRET")))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	return o.send(http.MethodPost, "/channels/truck/", http.Header{
		"Content-Type": {"application/json"}, "X-Truck-Timestamp": {stamp}, "X-Truck-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}, body)
}

// of lists the tickets of a channel.
func (o *office) of(query string) (list []machine) {
	o.t.Helper()
	var page struct{ Items []machine }
	if status := o.api("duty", http.MethodGet, "/tickets?"+query, nil, &page); status != http.StatusOK {
		o.t.Fatalf("the list is answered %d", status)
	}
	for _, m := range page.Items {
		var whole machine
		if status := o.api("duty", http.MethodGet, "/tickets/"+m.Number, nil, &whole); status != http.StatusOK {
			o.t.Fatalf("%s is answered %d", m.Number, status)
		}
		list = append(list, whole)
	}
	return list
}

// One truck that alarms a hundred times in ten minutes is one ticket with a count; when its terminal says that it is
// over, the ticket closes itself. Nobody is called back, and no rate counts it.
func TestATruckThatAlarmsAHundredTimes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o *office) {
		alarm := func(seq int, state string) fields {
			return fields{
				"deviceId": "T-021", "seq": seq, "plate": "鲁Q示例1", "alarmType": 2, "state": state,
				"time": o.clock().Format(time.RFC3339), "lng": 118.35, "lat": 35.06, "speed": 41.5,
			}
		}
		for seq := range 100 {
			if a := o.terminal(fields{"alarms": []fields{alarm(seq, "begin")}}); a.Status != http.StatusOK {
				t.Fatalf("alarm %d is answered %d %s", seq, a.Status, a.Body)
			}
			o.Advance(6 * time.Second)
		}
		list := o.of("channel=truck")
		if len(list) != 1 || list[0].Counters.Repeats != 99 {
			t.Fatalf("%d tickets of the truck, the first repeated %d times", len(list), list[0].Counters.Repeats)
		}
		m := list[0]
		if m.Policy.ID != "machine@1" || m.Source != "machine" || !m.Unrated || !m.Callback {
			t.Errorf("under %s from %s, unrated %v, no callback %v", m.Policy.ID, m.Source, m.Unrated, m.Callback)
		}
		if rated := o.of("channel=truck&rated=true"); len(rated) != 0 {
			t.Errorf("the rates count %d of its tickets", len(rated))
		}
		// Another kind of alarm of the same truck is another matter.
		other := alarm(500, "begin")
		other["alarmType"] = 5
		o.terminal(fields{"alarms": []fields{other}})

		if a := o.terminal(fields{"alarms": []fields{alarm(100, "end")}}); a.Status != http.StatusOK {
			t.Fatalf("the all-clear is answered %d %s", a.Status, a.Body)
		}
		for _, m := range o.of("channel=truck") {
			if over := m.Counters.Repeats == 99; over != (m.State == "closed") {
				t.Errorf("%s with %d repeats is %s", m.Number, m.Counters.Repeats, m.State)
			}
			for _, k := range m.Clocks {
				if k.Name == "callback" {
					t.Errorf("%s is to be called back", m.Number)
				}
			}
		}
		// It begins anew: that is a new ticket.
		o.terminal(fields{"alarms": []fields{alarm(101, "begin")}})
		if list := o.of("channel=truck"); len(list) != 3 {
			t.Errorf("%d tickets after it began anew", len(list))
		}
	})
}

// A grid worker's patrol log has its own terms, and is no complaint: unrated and never called back.
func TestAPatrolLogIsNoComplaint(t *testing.T) {
	t.Parallel()
	o := open(t)
	body, err := json.Marshal(fields{
		"clientReportId": "patrol-1", "type": "report", "category": "16.03.01", "description": "今日巡查第三网格，走访十户，无异常",
		"reporter": fields{"type": "gridWorker", "id": "grid-007"},
		"location": fields{"lng": 118.2430, "lat": 35.1120, "crs": "WGS84"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a := o.send(http.MethodPost, "/channels/grid/", o.signed("env:HOTLINE_GRID_SECRET", body), body); a.Status/100 != 2 {
		t.Fatalf("the log is answered %d %s", a.Status, a.Body)
	}
	list := o.of("channel=grid")
	if len(list) != 1 {
		t.Fatalf("%d tickets", len(list))
	}
	if m := list[0]; m.Policy.ID != "patrol@1" || m.Source != "field" || !m.Unrated || !m.Callback {
		t.Errorf("under %s from %s, unrated %v, no callback %v", m.Policy.ID, m.Source, m.Unrated, m.Callback)
	}
	if rated := o.of("channel=grid&rated=true"); len(rated) != 0 {
		t.Errorf("the rates count %d patrol logs", len(rated))
	}
}
