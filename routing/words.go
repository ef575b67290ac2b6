package routing

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/citizen-hotline/gateway/ticket"
)

// What the console and the terminal say, in the words of the hotline.
var (
	stageWords = map[Stage]string{
		StageEmergency: "突发", StageStatutory: "法定", StageRules: "规则", StageCatalogue: "目录",
		StageDefault: "首接", StageTriage: "待分拨", StageRequest: "来件",
	}
	fieldWords = map[Field]string{
		FieldUnit: "承办单位", FieldTriage: "待分拨原因", FieldAssist: "协办单位", FieldUrgency: "紧急程度", FieldPolicy: "时限办法", FieldTags: "标签",
	}
	triageWords = map[string]string{
		TriageNoPlace: "地点不明", TriageNoCategory: "类别不明且属地没有首接单位", TriageNoOwner: "目录和属地都没有承办单位", TriageUnclear: "类别和地点都不明",
	}
	originWords = map[string]string{
		"default " + OriginOffice: "首接负责：属地单位", "default " + OriginPolicy: "默认时限办法",
		"default " + OriginUrgency: "无人认定，按普通", "request " + OriginUrgency: "来件自报，只升不降",
	}
	urgencyWords = map[string]string{
		string(ticket.UrgencyNormal): "普通", string(ticket.UrgencyUrgent): "紧急", string(ticket.UrgencyEmergency): "突发",
	}
	valueWords = map[part]map[string]string{
		partKind: {
			string(ticket.KindCase): "诉求", string(ticket.KindMessage): "消息", string(ticket.KindUpdate): "补充", string(ticket.KindMedia): "附件",
			string(ticket.KindTranscript): "转写", string(ticket.KindReceipt): "回执", string(ticket.KindAlarm): "报警", string(ticket.KindClear): "解除",
		},
		partUrgency: {
			string(ticket.UrgencyNormal): "普通", string(ticket.UrgencyUrgent): "紧急", string(ticket.UrgencyEmergency): "突发",
		},
		partSource: {
			string(ticket.SourceCitizen): "市民", string(ticket.SourceField): "巡查上报", string(ticket.SourceMachine): "设备", string(ticket.SourceExchange): "其他平台",
		},
		partType: {
			string(ticket.TypeConsult): "咨询", string(ticket.TypeHelp): "求助", string(ticket.TypeComplaint): "投诉", string(ticket.TypeReport): "举报",
			string(ticket.TypeSuggest): "建议", string(ticket.TypePraise): "表扬", string(ticket.TypeOther): "其他",
		},
	}
	partWords = [...]string{"", "来件性质", "来源", "诉求类型", "自报紧急程度", "渠道", "号码", "类别", "区划", "片区", "片区", "标签", "数值", "时间", "关键词", "关键词", "排除词"}
	factWords = [...]string{"附近同类诉求数", "影响人数", "时刻", "字数", "重复次数", "等级", "数值"}
	dayWords  = map[string]string{
		"workday": "工作日", "holiday": "休息日", "mon": "周一", "tue": "周二", "wed": "周三", "thu": "周四", "fri": "周五", "sat": "周六", "sun": "周日",
	}
	dayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// failure describes the part of a rule's condition that did not hold, with the value seen.
func (q *query) failure(id int32, p part) *Failure {
	w := &q.rs.city.Rules[q.rs.rules[id].at].When
	f := q.f
	switch p {
	case partKind:
		return q.unequal(p, texts(w.Kind), one(string(f.Kind)))
	case partSource:
		return q.unequal(p, texts(w.Source), one(string(f.Source)))
	case partType:
		return q.unequal(p, texts(w.Type), one(string(f.Type)))
	case partUrgency:
		return q.unequal(p, texts(w.Urgency), one(string(f.Urgency)))
	case partChannel:
		return q.unequal(p, w.Channel, one(f.Channel))
	case partLine:
		return q.unequal(p, w.Line, one(f.Line))
	case partCategory:
		return q.unequal(p, w.Category, one(f.Category))
	case partRegion:
		return q.unequal(p, w.Region, one(f.Region))
	case partTag:
		return q.unequal(p, w.Tag, f.Tags)
	case partArea, partOutside:
		return q.misplaced(p, w)
	case partNumbers:
		return q.outOfRange(w.Numbers)
	case partWindow:
		return q.outOfTime(w.Window)
	default:
		return q.unsaid(p, w.Keywords, q.rs.rules[id].clause.words)
	}
}

func texts[T ~string](all []T) []string {
	list := make([]string, len(all))
	for i, v := range all {
		list[i] = string(v)
	}
	return list
}

func (q *query) unequal(p part, want, seen []string) *Failure {
	return &Failure{partKeys[p], want, seen, fmt.Sprintf("%s不符：要求 %s，实际 %s", partWords[p], q.listed(p, want), q.listed(p, seen))}
}

// listed names ids where they have names.
func (q *query) listed(p part, ids []string) string {
	if len(ids) == 0 {
		return "未知"
	}
	names := slices.Clone(ids)
	for i, id := range names {
		if word := valueWords[p][id]; word != "" {
			names[i] = word
		}
		switch p {
		case partCategory:
			if c, ok := q.rs.Category(id); ok {
				names[i] = c.Name
			}
		case partRegion:
			if r, ok := q.rs.Region(id); ok {
				names[i] = r.Name
			}
		case partArea, partOutside:
			if at, ok := q.rs.areas[id]; ok && q.rs.city.Areas[at].Name != "" {
				names[i] = q.rs.city.Areas[at].Name
			}
		default:
		}
	}
	return strings.Join(names, "、")
}

func (q *query) misplaced(p part, w *Condition) *Failure {
	want, relation := w.Area, "内"
	if p == partOutside {
		want, relation = w.Outside, "外"
	}
	fail := &Failure{Condition: partKeys[p], Want: want, Seen: q.f.Areas}
	switch places := q.listed(p, want); {
	case !q.f.HasPoint && len(q.f.Areas) == 0:
		fail.Words = fmt.Sprintf("没有坐标，不能认定在 %s 之%s", places, relation)
	case len(q.f.Areas) == 0:
		fail.Words = fmt.Sprintf("片区不符：要求在 %s 之%s，实际不在任何片区内", places, relation)
	default:
		fail.Words = fmt.Sprintf("片区不符：要求在 %s 之%s，实际在 %s", places, relation, q.listed(p, q.f.Areas))
	}
	return fail
}

func (q *query) outOfRange(ranges []Range) *Failure {
	for _, r := range ranges {
		b := bound{NumberIndex(r.Fact), math.Inf(-1), math.Inf(1)}
		want := ""
		if r.Min != nil {
			b.min = *r.Min
			want = "≥" + decimal(b.min)
		}
		if r.Max != nil {
			b.max = *r.Max
			want += "≤" + decimal(b.max)
		}
		if v := q.number(b.fact); !b.holds(v) {
			seen := "未知"
			if !math.IsNaN(v) {
				seen = decimal(v)
			}
			return &Failure{
				partKeys[partNumbers],
				[]string{r.Fact + want},
				[]string{seen},
				fmt.Sprintf("%s不符：要求 %s，实际 %s", factWords[b.fact], want, seen),
			}
		}
	}
	return nil
}

func decimal(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

func (q *query) outOfTime(w *Window) *Failure {
	var days []string
	for _, d := range w.Days {
		days = append(days, dayWords[d])
	}
	want := strings.Join(days, "、")
	if w.From != "" || w.To != "" {
		from, to := w.From, w.To
		if from == "" {
			from = "00:00"
		}
		if to == "" {
			to = "24:00"
		}
		want = strings.TrimSpace(want + " " + from + "–" + to)
	}
	seen := "未知"
	if !q.f.At.IsZero() {
		local := q.clock()
		seen = dayWords[dayNames[local.Weekday()]] + local.Format(" 2006-01-02 15:04")
	}
	return &Failure{partKeys[partWindow], []string{want}, []string{seen}, fmt.Sprintf("时间不符：要求 %s，实际 %s", want, seen)}
}

// unsaid describes a keyword set that does not hold.
func (q *query) unsaid(p part, k *Keywords, ws *wordSet) *Failure {
	occurs := func(word int32) bool { return q.found.occurs(q.rs.auto, word, ws) }
	names := func(words []int32, keep func(int32) bool) []string {
		var list []string
		for _, w := range words {
			if keep(w) {
				list = append(list, q.rs.auto.words[w])
			}
		}
		return list
	}
	covered := names(slices.Concat(ws.any, ws.all), func(w int32) bool { return q.found.newest(w) != none && !occurs(w) })
	fail := &Failure{Condition: partKeys[p]}
	switch p {
	case partAny:
		fail.Want = k.Any
		fail.Words = "没有出现任一关键词：" + some(k.Any)
	case partAll:
		fail.Want, fail.Seen = k.All, names(ws.all, occurs)
		fail.Words = "缺少关键词：" + strings.Join(names(ws.all, func(w int32) bool { return !occurs(w) }), "、")
	default:
		fail.Want, fail.Seen = k.None, names(ws.none, occurs)
		fail.Words = "出现了排除词：" + strings.Join(fail.Seen, "、")
	}
	if p != partNot && covered != nil {
		fail.Words += fmt.Sprintf("（%s 只出现在 %s 一类不计的词语中）", some(covered), some(k.Mask))
	}
	return fail
}

// wordsShown is how many words of a list a sentence names; Want has them all.
const wordsShown = 8

// some names the first words of a list and says how many there are.
func some(words []string) string {
	if len(words) <= wordsShown {
		return strings.Join(words, "、")
	}
	return fmt.Sprintf("%s 等 %d 个", strings.Join(words[:wordsShown], "、"), len(words))
}
