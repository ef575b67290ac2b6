package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/config"
)

// complaintLength is how long a complaint is, characters.
const complaintLength = 300

// complaints writes citizens' messages: different matters in different places of the pack's city,
// each from another citizen, so that none is a repeat of another. It is safe for concurrent use.
type complaints struct {
	matters []matter
	places  []string  // addresses down to the village or estate
	center  []float64 // lng, lat of the city's box
	spread  []float64 // half its width and height
}

// matter is what a complaint is about.
type matter struct{ category, keyword string }

// noEmergencies are branches of Linyi's tree that would hand every call to 110, 119 or 120.
var noEmergencies = []string{"18", "19"}

// newComplaints takes matters and places from the pack.
func newComplaints(p *config.Pack) (*complaints, error) {
	b := p.City.Bounds
	c := &complaints{
		center: []float64{(b.West + b.East) / 2, (b.South + b.North) / 2},
		spread: []float64{(b.East - b.West) / 6, (b.North - b.South) / 6},
	}
	for _, k := range p.Categories {
		root, _, _ := strings.Cut(k.ID, ".")
		if len(k.Keywords) > 0 && root != noEmergencies[0] && root != noEmergencies[1] {
			c.matters = append(c.matters, matter{k.ID, k.Keywords[0]})
		}
	}
	names := map[string]string{}
	for _, r := range p.Regions {
		names[r.ID] = names[r.Parent] + r.Name // parents come first in the pack
		if r.Level != "street" {
			continue
		}
		for _, place := range r.Places {
			c.places = append(c.places, names[r.ID]+place)
		}
	}
	if len(c.matters) == 0 || len(c.places) == 0 {
		return nil, fmt.Errorf("pack %s has no categories with keywords or no streets with places to complain about", p.City.ID)
	}
	for _, s := range append(c.places, sentences...) {
		if strings.ContainsAny(s, "\"\\\n\r\t") {
			return nil, errors.New("a place or sentence cannot stand in JSON as it is: " + s)
		}
	}
	return c, nil
}

// append adds the JSON of complaint n to dst. The same n gives the same complaint.
func (c *complaints) append(dst []byte, n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 12345)) //nolint:gosec // made-up complaints need no secrets
	m, place, house := c.matters[r.IntN(len(c.matters))], c.places[r.IntN(len(c.places))], 1+r.IntN(400)
	dst = append(dst, `{"clientReportId":"bench-`...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, `","type":"complaint","consent":true,"title":"`...)
	dst = append(dst, m.keyword...)
	dst = append(dst, `问题请尽快处理","description":"`...)
	begin := len(dst)
	dst = fmt.Appendf(dst, "我是%s%d号的居民，反映%s的问题。", place, house, m.keyword)
	dst = fill(dst, begin, r)
	dst = fmt.Appendf(dst, `","reporter":{"type":"citizen","name":"王秀兰","phone":"139%08d"},"location":{`, n%100_000_000)
	dst = fmt.Appendf(dst, `"address":"%s%d号"`, place, house)
	if n%2 == 0 { // half the citizens let the app know where they stand
		dst = fmt.Appendf(dst, `,"lng":%.6f,"lat":%.6f,"accuracy":30`, c.center[0]+c.spread[0]*(2*r.Float64()-1), c.center[1]+c.spread[1]*(2*r.Float64()-1))
	}
	return append(dst, "}}"...)
}

// fill makes the description that begins at begin as long as a complaint is.
func fill(dst []byte, begin int, r *rand.Rand) []byte {
	left := complaintLength - utf8.RuneCount(dst[begin:])
	for at := r.Perm(len(sentences)); left > 0; at = at[1:] {
		if len(at) == 1 {
			at = append(at, r.Perm(len(sentences))...)
		}
		for _, c := range sentences[at[0]] {
			if left == 0 {
				break
			}
			dst = utf8.AppendRune(dst, c)
			left--
		}
	}
	return dst
}

// sentences are what people add to any complaint.
var sentences = []string{
	"这个情况从上个月开始就一直存在，到现在快四十天了也没有人来看一眼。",
	"我们几户邻居先后找过物业和居委会，得到的答复都是不归他们管，让再等等。",
	"老人和放学的孩子每天都要从这里经过，上周已经有一位大爷因此摔伤住院。",
	"白天还能勉强忍受，一到晚上十点以后就更加严重，全家人都没有办法休息。",
	"之前打过一次电话，工作人员登记以后说三个工作日内回复，结果没有下文。",
	"希望有关部门能够到现场实地看一看，不要只是打个电话就说已经处理完毕。",
	"附近的商户也深受影响，生意一天不如一天，大家都盼着能有一个明确的说法。",
	"如果需要照片或者视频，我这里都有保存，可以随时提供给办案的工作人员。",
	"请明确这件事情到底由哪一个单位负责，办理的时限是多少，结果由谁来答复。",
	"前年也发生过同样的事，当时派人来修过一次，没过半年就又恢复成老样子。",
	"下雨天积起来的脏东西会顺着路边流到院子门口，气味难闻，蚊虫也特别多。",
	"我们理解工作很忙，但是这关系到上百户居民的日常生活，不能一拖再拖下去。",
	"隔壁的街道去年统一整治过，效果很好，不明白为什么偏偏把我们这里漏掉。",
	"施工的人说是按照图纸做的，可是图纸上写的和现在看到的完全不是一个样子。",
	"收费的时候说得清清楚楚，真正出了问题却一拖再拖，电话打过去总说正在研究。",
	"周末人流量最大，车辆也停得乱七八糟，救护车要是进来恐怕都掉不了头。",
	"我本人在外地上班，家里只有七十多岁的父母，实在没有能力自己去解决。",
	"恳请领导重视群众的呼声，早日安排人员处理，并把结果告诉我，非常感谢。",
	"相关的票据和合同我都留着，金额不算太大，但是这个道理一定要讲清楚。",
	"小区的微信群里每天都有人说起这件事，大家的意见很大，情绪也比较激动。",
}
