package demo

import "fmt"

// point is a place in degrees, WGS-84.
type point struct{ lng, lat float64 }

// north moves a point some metres to the north.
func (p point) north(metres float64) point { return point{p.lng, p.lat + metres/111_000} }

// east moves a point some metres to the east, at Linyi's latitude.
func (p point) east(metres float64) point { return point{p.lng + metres/91_000, p.lat} }

// places are where a run's scenes lie. Two runs that follow each other lie more than a kilometre apart,
// further than one happening reaches; the happenings of a run are forgotten before its places come again.
type places struct {
	run      int64
	gate     point  // a flooded gate in the main urban area
	crossing point  // a crossing of 滨河路 in 义堂镇, outside of it
	street   string // a neighbourhood by name, for those who send no position
	dark     string // what its street light is said to be like
}

// Neighbourhoods of the city, each of another street office.
var neighbourhoods = []string{
	"金雀山街道三里庄社区", "银雀山街道五里堡社区", "兰山街道前十社区", "柳青街道大官苑社区",
	"罗庄街道龙潭社区", "盛庄街道尚屯社区", "九曲街道", "芝麻墩街道",
}

// darkness is how people say that a street light is out; no two are nearly the same words.
var darkness = []string{
	"路灯坏了三天，晚上一片漆黑，老人都不敢出门", "门口那排路灯全不亮，晚上要打着手电走", "楼前路灯一闪一闪的，昨晚彻底灭了",
	"东边的路灯不亮，夜里什么都看不见", "请修一下路灯，下雨以后整条街都黑着", "路灯杆还在，灯泡不亮快一周了",
	"夜里没有路灯照着，走路深一脚浅一脚", "两盏路灯不亮，说了几次没有动静",
}

func placesOf(run int64) places {
	return places{
		run:      run,
		gate:     point{118.3050, 35.0150}.east(float64(run%7) * 1140).north(float64(run/7%7) * 1390),
		crossing: point{118.2430, 35.1120}.east(float64(run%5) * -1140).north(float64(run/5%3) * 1390),
		street:   neighbourhoods[run%int64(len(neighbourhoods))],
		dark:     darkness[run/int64(len(neighbourhoods))%int64(len(darkness))],
	}
}

// phone is a number of a made-up citizen, one of its own for each n below 1000 of a run.
func (p places) phone(n int) string { return fmt.Sprintf("139%05d%03d", p.run%100_000, n) }

// key is an identifier of this run.
func (p places) key(name string) string { return fmt.Sprintf("demo-%d-%s", p.run, name) }
