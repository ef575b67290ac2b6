package routing

import (
	"fmt"
	"runtime"
	"testing"
)

// gridCity has n grids in communities, streets and districts, each with its square border. The names
// of grids repeat in every community, as they do in cities.
func gridCity(n int) City {
	city := City{Hash: "grids", Zone: zone}
	add := func(id, name, parent, level string) {
		city.Regions = append(city.Regions, Region{ID: id, Name: name, Parent: parent, Level: level, Source: src(len(city.Regions))})
	}
	add("c", "网格市", "", "city")
	const size = 0.002
	for g := range n {
		community := g / 20
		street := community / 25
		district := street / 20
		if g%(20*25*20) == 0 {
			add(fmt.Sprintf("d%d", district), madeName(district, 2)+"区", "c", "district")
		}
		if g%(20*25) == 0 {
			id := fmt.Sprintf("s%d", street)
			add(id, madeName(street, 3)+"街道", fmt.Sprintf("d%d", district), "street")
			city.Units = append(city.Units, Unit{ID: "u" + id, Name: id, Kind: "street", Region: id, Source: src(street)})
		}
		if g%20 == 0 {
			add(fmt.Sprintf("v%d", community), madeName(community, 3)+"社区", fmt.Sprintf("s%d", street), "community")
		}
		id := fmt.Sprintf("g%d", g)
		add(id, fmt.Sprintf("第%d网格", g%20+1), fmt.Sprintf("v%d", community), "grid")
		x, y := float64(g%388), float64(g/388)
		city.Areas = append(city.Areas, Area{
			ID: id, Name: id, Region: id, Source: src(g),
			Rings: [][][2]float64{square(118+(x+.5)*size, 34.5+(y+.5)*size, size/2)},
		})
	}
	return city
}

// madeName is a made-up name of so many characters, another for each number.
func madeName(n, length int) string {
	name := make([]rune, length)
	for i := range name {
		name[i] = commonChars[n%len(commonChars)]
		n = n/len(commonChars) + n*7 + i
	}
	return string(name)
}

const manyGrids = 150_000

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkLocateAmong150000Grids finds regions by point and by address in a city of 150,000 grids,
// and says what the gazetteer and the borders keep in memory.
func BenchmarkLocateAmong150000Grids(b *testing.B) {
	city := gridCity(manyGrids)
	before := heap()
	rs := compile(b, city)
	kept := float64(heap()-before) / (1 << 20)
	b.Run("point", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i = (i + 7919) % manyGrids
			p := Place{HasPoint: true, Lng: 118 + float64(i%388)*0.002 + 0.0007, Lat: 34.5 + float64(i/388)*0.002 + 0.0009}
			if l := rs.Locate(p); l.Region == "" {
				b.Fatal(i)
			}
		}
		b.ReportMetric(kept, "MiB")
	})
	street, community := madeName(77, 3)+"街道", madeName(77*25+3, 3)+"社区"
	for name, address := range map[string]string{
		"address":  "网格市" + madeName(3, 2) + "区" + street + community + "第7网格友谊路88号幸福家园小区12号楼3单元1502室王先生电话13900000000",
		"misspelt": "家住网格市" + madeName(3, 2) + "区" + string([]rune(street)[:2]) + "错街道" + "友谊路88号幸福家园小区12号楼3单元1502室王先生13900000000",
		"silent":   "我家门口的人行道上一直停着一辆没有牌照的面包车已经三个多月了附近的居民出行很不方便请有关部门尽快派人来处理一下谢谢",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rs.Locate(Place{Address: address})
			}
		})
	}
}
