package intake_test

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

// BenchmarkTake is the whole way of a delivery but HTTP: 64 citizens at once, each with a matter
// of their own of 300 characters, on the Linyi pack and a real file.
func BenchmarkTake(b *testing.B) {
	o := open(b)
	streets := o.live.Get().Rules.Regions()
	leaves := o.live.Get().Rules.Categories()
	letters := []rune("天地人和山水风云日月星辰东西南北春夏秋冬花草树木金石土火")
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			k := n.Add(1)
			place := streets[int(k)%len(streets)]
			words := make([]rune, 280)
			for n := range words {
				words[n] = letters[(int(k)*31+n*n*7+n*int(k))%len(letters)]
			}
			r := ticket.Request{
				Key: strconv.FormatInt(k, 10), Kind: ticket.KindCase, Category: leaves[int(k)%len(leaves)].ID, Text: place.Name + string(words),
				Appellant: ticket.Party{Phone: fmt.Sprintf("139%08d", k)}, Place: ticket.Place{Address: place.Name},
			}
			if s := o.Post("app", r); s.out.Result != adapters.Accepted {
				b.Errorf("%s %s", s.out.Result, s.out.Code)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tickets/s")
}
