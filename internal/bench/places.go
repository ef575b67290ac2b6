package main

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/citizen-hotline/gateway/routing"
)

const manyGrids = 150_000

// gridCity has manyGrids grids in communities, streets and districts, each with a square border. The
// names of grids repeat in every community, as they do in cities.
func gridCity() routing.City {
	c := routing.City{Hash: "grids"}
	add := func(id, name, parent, level string) {
		c.Regions = append(c.Regions, routing.Region{ID: id, Name: name, Parent: parent, Level: level})
	}
	add("city", "网格市", "", "city")
	for g := range manyGrids {
		community := g / 20
		street := community / 25
		district := street / 20
		if g%(20*25*20) == 0 {
			add(fmt.Sprintf("d%d", district), placeName(district, 2)+"区", "city", "district")
		}
		if g%(20*25) == 0 {
			id := fmt.Sprintf("s%d", street)
			add(id, placeName(street, 3)+"街道", fmt.Sprintf("d%d", district), "street")
			c.Units = append(c.Units, routing.Unit{ID: "u-" + id, Name: id, Kind: "street", Region: id})
		}
		if g%20 == 0 {
			add(fmt.Sprintf("v%d", community), placeName(community, 3)+"社区", fmt.Sprintf("s%d", street), "community")
		}
		id := fmt.Sprintf("g%d", g)
		add(id, fmt.Sprintf("第%d网格", g%20+1), fmt.Sprintf("v%d", community), "grid")
		west, south := gridCorner(g)
		east, north := west+gridSize, south+gridSize
		c.Areas = append(c.Areas, routing.Area{
			ID: id, Name: id, Region: id, Rings: [][][2]float64{{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}}},
		})
	}
	return c
}

const gridSize = 0.002 // degrees: some two hundred metres

func gridCorner(g int) (west, south float64) {
	return 118 + float64(g%388)*gridSize, 34.5 + float64(g/388)*gridSize
}

// placeName is a made-up name of so many characters, another for each n.
func placeName(n, length int) string {
	from := []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文")
	name := make([]rune, length)
	for i := range name {
		name[i] = from[n%len(from)]
		n = n/len(from) + n*7 + i
	}
	return string(name)
}

// places measures where a matter lies: by its point and by its address.
func (b *bench) places() error {
	b.say("   %d grids", manyGrids)
	c := gridCity()
	before := heap()
	compiled, err := routing.Compile(c)
	if err != nil {
		return fmt.Errorf("compile %d grids: %w", manyGrids, err)
	}
	b.table.show("memory of 150,000 grids' borders and names, beside the pack", fmt.Sprintf("%.0f MiB", float64(heap()-before)/(1<<20)))
	time := func(label string, wanted float64, place func(i int) routing.Place) error {
		i, lost := 0, 0
		took := testing.Benchmark(func(t *testing.B) {
			for t.Loop() {
				i = (i + 7919) % manyGrids
				if compiled.Locate(place(i)).Region == "" {
					lost++
				}
			}
		})
		if lost > 0 {
			return fmt.Errorf("%s: %d places were not found", label, lost)
		}
		b.table.atMost(label, perOp(took), wanted, duration, "")
		return nil
	}
	if err := time("find the region of a point among 150,000 grids", 3e3, func(i int) routing.Place {
		west, south := gridCorner(i)
		return routing.Place{HasPoint: true, Lng: west + gridSize/3, Lat: south + gridSize/2}
	}); err != nil {
		return err
	}
	const house = "友谊路88号幸福家园小区12号楼3单元1502室王先生13900000000"
	addresses := make([]string, manyGrids)
	for g := range addresses {
		community := g / 20
		addresses[g] = fmt.Sprintf("网格市%s区%s街道%s社区第%d网格%s", placeName(community/25/20, 2), placeName(community/25, 3), placeName(community, 3), g%20+1, house)
	}
	return time("find the region of an address of 60 characters among them", 30e3, func(i int) routing.Place {
		return routing.Place{Address: addresses[i]}
	})
}

// heap is what is in use after a collection, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
