package routing

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/text"
)

// Names of places are a stem and what kind of place it is: 义堂 + 镇. The gazetteer searches for
// stems and reads what follows, so that one word stands for 前十社区, 前十居委会 and 前十.

// family is a kind of endings that citizens use for one another.
type family int8

const (
	noFamily        family = iota
	districtFamily         // 区, 县, 市
	streetFamily           // 街道, 镇, 乡
	communityFamily        // 社区, 村
)

// ending is how a name of a family may end. Endings with the same short form mean the same.
type ending struct {
	written, short string
	family         family
}

// endings lists them, longer ones before those they end in.
var endings = []ending{
	{"社区居民委员会", "社区", communityFamily},
	{"村村民委员会", "村", communityFamily},
	{"社区居委会", "社区", communityFamily},
	{"居民委员会", "居委会", communityFamily},
	{"村民委员会", "村", communityFamily},
	{"村村委会", "村", communityFamily},
	{"村委会", "村", communityFamily},
	{"居委会", "居委会", communityFamily},
	{"社区", "社区", communityFamily},
	{"村", "村", communityFamily},
	{"街道办事处", "街道", streetFamily},
	{"街道办", "街道", streetFamily},
	{"办事处", "街道", streetFamily},
	{"街道", "街道", streetFamily},
	{"街办", "街道", streetFamily},
	{"镇", "镇", streetFamily},
	{"乡", "乡", streetFamily},
	{"自治区", "自治区", districtFamily},
	{"自治州", "自治州", districtFamily},
	{"自治县", "自治县", districtFamily},
	{"新区", "新区", districtFamily},
	{"区", "区", districtFamily},
	{"县", "县", districtFamily},
	{"市", "市", districtFamily},
	{"省", "省", districtFamily},
}

// endingHeads are the first characters of endings.
const endingHeads = "社村居街办镇乡自新区县市省"

// notEndings begin like an ending and are none: 兰山市场 is no city. After a name that has just this
// ending they mean nothing: 沂水县道托 is not on a 县道.
var notEndings = []string{"市场", "市民", "市政", "市里", "乡村", "村镇", "县道", "乡道", "村道", "省道"}

// noEnding reports whether a folded text only seems to begin with an ending.
func noEnding(rest string) bool {
	return slices.ContainsFunc(notEndings, func(w string) bool { return strings.HasPrefix(rest, w) })
}

// endingOf is the place in endings of how a folded text begins, none when it begins otherwise.
func endingOf(rest string) int32 {
	if c, _ := utf8.DecodeRuneInString(rest); !strings.ContainsRune(endingHeads, c) {
		return none
	}
	for i := range endings { // of those that fit, the longest
		if strings.HasPrefix(rest, endings[i].written) {
			return int32(i)
		}
	}
	return none
}

// split parts a folded name into stem and ending. A stem of one character (费县) says nothing
// alone: such names stay whole, as do those with an ending of no family.
func split(name string) (stem string, end int32) {
	for i := range endings {
		if s, ok := strings.CutSuffix(name, endings[i].written); ok && utf8.RuneCountInString(s) >= 2 {
			return s, int32(i)
		}
	}
	return name, none
}

// peoples stand in the names of autonomous places, which citizens leave out: 恭城 for 恭城瑶族自治县.
var peoples = []string{
	"蒙古族", "回族", "藏族", "维吾尔", "苗族", "彝族", "壮族", "布依族", "朝鲜族", "满族", "侗族", "瑶族", "白族", "土家族", "哈尼族",
	"哈萨克", "傣族", "黎族", "傈僳族", "佤族", "畲族", "拉祜族", "水族", "东乡族", "纳西族", "柯尔克孜", "土族", "达斡尔族", "仫佬族", "羌族",
	"撒拉族", "毛南族", "仡佬族", "锡伯", "塔吉克", "怒族", "普米族", "鄂温克族", "裕固族", "独龙族", "蒙古", "各族",
}

// withoutPeoples is the stem of an autonomous place without the peoples it is named for.
func withoutPeoples(stem string) string {
	for again := true; again; {
		again = false
		for _, p := range peoples {
			if s, ok := strings.CutSuffix(stem, p); ok && utf8.RuneCountInString(s) >= 2 {
				stem, again = s, true
			}
		}
	}
	return stem
}

// telling are the characters by which neighbours are told apart. One of them instead of another is
// no slip of the pen: 东苗庄 is not 西苗庄, 二村 not 三村.
const telling = "东西南北中前后左右上下内外大小新老旧高低头尾一二三四五六七八九十百甲乙丙丁0123456789"

// roadWords make of a short name the name of something else: 沂水路 is not in 沂水.
var roadWords = []string{"路", "街", "大道", "巷", "胡同", "桥", "小区", "花园", "家园", "大厦", "广场", "酒店", "宾馆", "饭店", "学校", "中学", "小学", "大学"}

// onwards are the words that may follow a short name nobody listed, in an address.
var onwards = []string{"附近", "隔壁", "门口", "对面", "村口", "街上", "城区", "旁", "境内", "政府", "驻地", "派出所", "一带", "某", "这", "那", "的"}

// joints are what stands between the two roads of a crossing.
var joints = []string{"", "与", "和", "及", "同", "跟", "交", ",", "/", "-", "x", "×", "*", "+", "&", "·"}

// reaches may follow the first road of a crossing.
var reaches = []string{"东段", "西段", "南段", "北段", "中段", "路口", "(", ")"}

// joins reports whether folded text between two roads makes a crossing of them.
func joins(between string) bool {
	for _, w := range reaches {
		between = strings.TrimPrefix(between, w)
	}
	return slices.Contains(joints, strings.TrimSpace(between))
}

// crossingRoads parts a crossing as the pack writes it, 解放路与沂蒙路, into its roads.
func crossingRoads(crossing string) (a, b string, ok bool) {
	for _, joint := range []string{"与", "×"} {
		if a, b, ok = strings.Cut(text.Fold(crossing), joint); ok {
			return a, b, utf8.RuneCountInString(a) >= 2 && utf8.RuneCountInString(b) >= 2 && a != b
		}
	}
	return "", "", false
}

// isRoad reports whether a folded name is one of a road.
func isRoad(name string) bool {
	return slices.ContainsFunc(roadWords[:4], func(w string) bool { return strings.HasSuffix(name, w) })
}

// roadAhead reports whether a folded text begins with a road and a house number: 友谊路88号.
func roadAhead(rest string) bool {
	n := 0
	for i := range rest {
		for _, w := range roadWords[:4] {
			if after, ok := strings.CutPrefix(rest[i:], w); ok && n >= 2 {
				_, numbered := houseNumber(after)
				return numbered
			}
		}
		if n++; n > 4 {
			break
		}
	}
	return false
}

// nameAhead reports whether a folded text begins with a name of a family that nobody listed.
func nameAhead(rest string, of family) bool {
	n := 0
	for i := range rest {
		if e := endingOf(rest[i:]); n >= 2 && e != none && endings[e].family == of {
			return true
		}
		if n++; n > 5 {
			break
		}
	}
	return false
}

// namesRoad reports whether what follows a short name makes it a road or house.
func namesRoad(rest string) bool {
	if strings.HasPrefix(rest, "街道") || strings.HasPrefix(rest, "街办") {
		return false
	}
	return slices.ContainsFunc(roadWords, func(w string) bool { return strings.HasPrefix(rest, w) })
}

// houseNumber reads the number before 号 at the beginning of a folded text. Of 88-2号 it is 88.
func houseNumber(rest string) (number int32, ok bool) {
	const most = 99999
	rest = strings.TrimLeft(rest, " ")
	n := 0
	for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' && number <= most {
		number = number*10 + int32(rest[n]-'0')
		n++
	}
	if n == 0 || number > most {
		return 0, false
	}
	after := strings.TrimLeft(rest[n:], "0123456789-之甲乙丙 ")
	return number, strings.HasPrefix(after, "号")
}
