package intake

import (
	"strconv"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/same"
	"github.com/citizen-hotline/gateway/ticket"
)

// BenchmarkMeet looks for the happening of a report among 200 of its category: within 30 metres of it, where the
// words decide, and a street further, where the place does.
func BenchmarkMeet(b *testing.B) {
	ways := []string{"沂蒙路小区门口积水很深，车都进不去", "我们小区门口全是水，积水到膝盖了，出不去", "小区大门口积水严重请来抽水", "门口积水太深老人孩子没法出门"}
	for name, spread := range map[string]float64{"spot": 0.0003, "street": 0.0020} {
		b.Run(name, func(b *testing.B) {
			in := newIncidents()
			for n := range 200 {
				r := &report{
					Report: same.Report{Category: "01.04.01", At: time.Date(2026, 7, 13, 0, 0, n, 0, time.UTC)},
					sender: strconv.Itoa(n), words: words{text: ways[n%len(ways)]}, done: make(chan struct{}),
				}
				r.Point, r.HasPoint = geo.Point{Lng: 118.3450 + spread, Lat: 35.0600 + float64(n%10)*1e-5}, true
				in.add(r)
			}
			own := &report{
				Report: same.Report{Category: "01.04.01", Point: geo.Point{Lng: 118.3450, Lat: 35.0600}, HasPoint: true, At: time.Date(2026, 7, 13, 0, 10, 0, 0, time.UTC)},
				sender: "own", words: words{text: ways[1]}, done: make(chan struct{}),
			}
			b.ReportAllocs()
			for b.Loop() {
				if h := in.meet(&ticket.Request{}, own); h.nearby != 200 {
					b.Fatalf("%d are nearby", h.nearby)
				}
				in.drop(own)
				in.recent = in.recent[:200]
			}
		})
	}
}
