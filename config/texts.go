package config

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// TextSpec declares one text that the program says: its id, the placeholders it may use, and what
// is said when the pack has no words of its own for it.
type TextSpec struct {
	ID           string
	Placeholders []string
	Default      string
}

// What the texts may hold. The keys are the contract with those who fill them in (intake, desk,
// the tracker): number of the ticket, code of its public track, unit that owns it, title of the
// matter, due time, reply of the unit, reason given, advice of that reason, clock and city by name.
var (
	aboutNew    = []string{"number", "code", "unit", "title", "due"}
	aboutEnd    = []string{"number", "code", "unit", "title", "reply", "reason", "advice"}
	aboutDate   = []string{"number", "code", "unit", "title", "due", "reason", "advice"}
	aboutShift  = []string{"post", "from", "to", "fallback"}
	aboutLadder = []string{"number", "unit", "due", "clock"}
)

// TextSpecs are all texts of the program.
var TextSpecs = []TextSpec{
	{"accepted", aboutNew, "您的诉求已受理，工单编号{number}，查询码{code}，由{unit}办理。"},
	{"joined", aboutNew, "您的补充已记入工单{number}，由{unit}继续办理。"},
	{"emergency", aboutNew, "如遇危险，请立即拨打110、119或120。您反映的情况已紧急转交，工单编号{number}，查询码{code}。"},
	{"urged", aboutNew, "您的催办已记入工单{number}，已提醒{unit}加快办理。"},
	{"describe", nil, "您好，请直接描述您的诉求：什么事、在哪里、如何联系您。也可拨打12345。"},
	{"duplicate", aboutNew, "您的诉求此前已受理，工单编号{number}，查询码{code}。"},
	{"answered", aboutNew, "您的诉求已答复，编号{number}，查询码{code}。"},
	{"quarantined", []string{"number", "code"}, "您的来件已收到，编号{number}，工作人员将尽快与您联系。"},
	{"resolved", aboutEnd, "您的诉求{number}已由{unit}办结：{reply}"},
	{"closed", aboutEnd, "您的诉求{number}已办结归档。{reply}"},
	{"declined", aboutEnd, "您的诉求{number}不属于受理范围。{advice}"},
	{"transferred", aboutEnd, "您的诉求{number}已转交有权处理的单位。{advice}"},
	{"terminated", aboutEnd, "您的诉求{number}经两级审核终止办理：{reason}。{advice}"},
	{"extended", aboutDate, "您的诉求{number}因{reason}延长办理时间，预计{due}前答复。{advice}"},
	{"returned", aboutEnd, "工单{number}被{unit}退回：{reason}"},
	{"callback_sms", aboutEnd, "您的诉求{number}已由{unit}办结，请凭查询码{code}评价办理结果。"},
	{"cleared", []string{"number"}, "设备已恢复正常，工单{number}自动办结。"},
	{"ladder_remind", aboutLadder, "【提醒】工单{number}{clock}将于{due}到期，请{unit}抓紧办理。"},
	{"ladder_yellow", aboutLadder, "【黄牌】工单{number}{clock}期限为{due}，请{unit}立即办理。"},
	{"ladder_red", aboutLadder, "【红牌】工单{number}{clock}已于{due}超期，承办单位{unit}。"},
	{"ladder_supervise", aboutLadder, "【督办】工单{number}{clock}已于{due}超期，请{unit}说明情况并限期办结。"},
	{"ladder_step_up", aboutLadder, "【提级】工单{number}{clock}已于{due}超期，已提级处理，承办单位{unit}。"},
	{"disputed", []string{"number", "unit"}, "【裁定】{unit}对工单{number}的承办权属提出异议，请值班长裁定。"},
	{"alert_climbed", []string{"minutes", "post", "alert"}, "{minutes}分钟无人确认（{post}），上报：{alert}"},
	{"unattended_soon", aboutShift, "【缺岗预警】{post}{from}至{to}尚无人当班，请安排替班；届时告警改送{fallback}。"},
	{"unattended", aboutShift, "【缺岗】{post}{from}至{to}无人当班，告警已改送{fallback}，请立即安排替班。"},
	{"emergency_triage", []string{"number"}, "【突发】工单{number}尚无承办单位，请立即处置。"},
	{"calendar_unpublished", []string{"calendar", "year", "count"}, "【暂定】{calendar}还没有{year}年的放假安排，跨入{year}年的期限按平常周次暂定，在办{count}件。通知发布后请用 hotline calendar import 录入。"},
	{"storm_notice", []string{"city"}, "{city}正经历强降雨，来件较多，请耐心等待；如遇危险请立即拨打110、119或120。"},
}

// textSpec finds a text of the program.
func textSpec(id string) (TextSpec, bool) {
	i := slices.IndexFunc(TextSpecs, func(t TextSpec) bool { return t.ID == id })
	if i < 0 {
		return TextSpec{}, false
	}
	return TextSpecs[i], true
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// Text is a text of the pack with its placeholders filled; what values lacks becomes empty.
// A text the pack does not have is the program's own; an id nobody knows gives "".
func (p *Pack) Text(id string, values map[string]string) string {
	text, ok := p.Texts[id]
	if !ok {
		spec, _ := textSpec(id)
		text = spec.Default
	}
	return placeholder.ReplaceAllStringFunc(text, func(m string) string { return values[m[1:len(m)-1]] })
}

// texts reads texts.yaml: known ids and placeholders only, no brace left over.
func (l *loader) texts() map[string]string {
	texts := map[string]string{}
	l.mappings("texts", func(file string, n ast.Node) {
		part := map[string]string{}
		d := l.decoder(file)
		d.value(n, reflect.ValueOf(&part).Elem(), "texts")
		l.problems = append(l.problems, d.problems...)
		for id, text := range part {
			line := find(n, id)
			if _, twice := texts[id]; twice {
				l.add(file, line, `text %q: is given in another file too; keep one`, id)
			}
			texts[id] = text
			l.checkText(file, line, id, text)
		}
	})
	return texts
}

func (l *loader) checkText(file string, line int, id, text string) {
	spec, known := textSpec(id)
	if !known {
		var ids []string
		for _, s := range TextSpecs {
			ids = append(ids, s.ID)
		}
		l.add(file, line, "text %q: is not said anywhere%s", id, suggestion(id, ids))
		return
	}
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(spec.Placeholders, m[1]) {
			l.add(file, line, "text %q: has no placeholder {%s}; it may use %s", id, m[1], cmp.Or(strings.Join(spec.Placeholders, ", "), "none"))
		}
	}
	switch rest := placeholder.ReplaceAllString(text, ""); {
	case strings.TrimSpace(text) == "":
		l.add(file, line, "text %q: is empty; write it, or leave the id out for the program's own words", id)
	case strings.ContainsAny(rest, "{}"):
		l.add(file, line, "text %q: has a brace without its partner; placeholders look like {number}", id)
	}
}

// suggestion ends a problem about an unknown word.
func suggestion(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) == 0 || len(known) > 40 {
		return "; name one that is there"
	}
	return "; known are " + strings.Join(known, ", ")
}
