package desk

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// The titles below are those of docs/glossary.md.
var (
	stateTitles = map[ticket.State]string{
		ticket.StateReceived: "已登记", ticket.StateTriage: "待分拨", ticket.StateDispatched: "已派单，待签收", ticket.StateHandling: "办理中",
		ticket.StatePaused: "已挂起", ticket.StateResolved: "已办结，待回访", ticket.StateClosed: "已归档", ticket.StateDeclined: "不予受理",
		ticket.StateMerged: "已并单", ticket.StateTransferred: "已移送",
	}
	assignmentTitles = map[ticket.AssignmentState]string{
		ticket.Offered: "待签收", ticket.Signed: "已签收", ticket.Handling: "办理中", ticket.Paused: "已挂起",
		ticket.Returned: "已退回", ticket.Done: "已办结", ticket.Withdrawn: "已撤回",
	}
	actionTitles = map[ticket.Action]string{
		ticket.Register: "登记", ticket.Answer: "直接答复", ticket.Triage: "转待分拨", ticket.Dispatch: "派单", ticket.SendOn: "转派下级",
		ticket.AddUnit: "加派协办", ticket.Move: "划转", ticket.Sign: "签收", ticket.Contact: "联系诉求人", ticket.Return: "退回", ticket.Withdraw: "撤回派单",
		ticket.Object: "提请裁定", ticket.Arbitrate: "裁定", ticket.AskPause: "申请挂起", ticket.Pause: "挂起", ticket.RefusePause: "驳回挂起", ticket.Resume: "恢复办理", ticket.AskExtend: "申请延期", ticket.Extend: "批准延期",
		ticket.RefuseExtend: "驳回延期", ticket.Resolve: "办结", ticket.CallBack: "回访", ticket.Survey: "满意度测评", ticket.Reopen: "重办", ticket.Close: "归档",
		ticket.AskTerminate: "申请终止", ticket.ReviewTerminate: "终止初审", ticket.Terminate: "终止办理", ticket.RefuseTerminate: "驳回终止",
		ticket.Decline: "不予受理", ticket.Merge: "并单", ticket.Split: "拆单", ticket.LinkTo: "关联", ticket.Transfer: "移送", ticket.Urge: "催办",
		ticket.Supervise: "督办", ticket.Reply: "回复督办", ticket.Supplement: "补充", ticket.Amend: "更正", ticket.Note: "备注", ticket.Reveal: "查看隐私信息",
		ticket.Escalate: "时限升级", ticket.Recalendar: "换用日历", ticket.Repeat: "重复告警", ticket.Restate: "原始来件重新解读",
		ticket.Hold: "证据保全", ticket.Release: "解除保全", ticket.Expire: "个人信息到期销毁",
	}
	roleTitles = map[ticket.Role]string{ticket.Lead: "主办", ticket.Assist: "协办"}
	typeTitles = map[ticket.RequestType]string{
		ticket.TypeConsult: "咨询", ticket.TypeHelp: "求助", ticket.TypeComplaint: "投诉", ticket.TypeReport: "举报",
		ticket.TypeSuggest: "建议", ticket.TypePraise: "表扬", ticket.TypeOther: "其他",
	}
	urgencyTitles = map[ticket.Urgency]string{
		ticket.UrgencyNormal: "普通", ticket.UrgencyUrgent: "紧急", ticket.UrgencyEmergency: "突发（危及生命）",
	}
	satisfactionTitles = map[ticket.Satisfaction]string{ticket.Satisfied: "满意", ticket.Acceptable: "基本满意", ticket.Dissatisfied: "不满意"}
	outcomeTitles      = map[string]string{
		ticket.OutcomeReached: "已接通", ticket.OutcomeRefused: "拒访", ticket.OutcomeNoAnswer: "无人接听", ticket.OutcomeWrong: "号码有误", ticket.OutcomeAppointed: "约定时间再访",
	}
	clockTitles = map[sla.ClockName]string{
		sla.ClockDispatch: "派单时限", sla.ClockSign: "签收时限", sla.ClockContact: "首次联系时限", sla.ClockResolve: "办结时限", sla.ClockCallback: "回访时限",
		sla.ClockArbitrate: "裁定时限", sla.ClockRedo: "重办时限",
	}
	levelTitles = map[string]string{"remind": "提醒", "yellow": "黄牌", "red": "红牌", "supervise": "督办", "step_up": "提级", "alarm": "告警"}
	stageTitles = map[string]string{
		"emergency": "突发事件", "statutory": "法定职责", "rules": "派单规则", "catalogue": "派单目录", "default": "首接负责", "triage": "待分拨", "hand": "人工派单", "request": "来件", "classifier": "分类器",
	}
	fieldTitles = map[string]string{"category": "诉求分类", "unit": "承办单位", "triage": "待分拨", "assist": "协办单位", "urgency": "紧急程度", "policy": "时限规则", "tags": "标签"}
	limitUnits  = map[string]string{
		string(sla.Minutes): "分钟", string(sla.Hours): "小时", string(sla.NaturalDays): "个自然日", string(sla.WorkingDays): "个工作日", string(sla.WorkingHours): "个工作时",
	}
	// systemReasons are the reason codes that the gateway gives itself; the others are the pack's.
	systemReasons = map[string]string{
		"same_incident": "同一事件", "same_words": "内容与前一诉求相同", "same_sender": "同一诉求人", "no_owner": "没有确定的承办单位", "quarantine": "来件无法读取",
		"device_clear": "设备恢复正常", "redriven": "来件已重新解读", "media_fetched": "附件已取回", "handed_over": "承办单位系统已接收", "incident_reply": "同一事件统一答复",
		ticket.LinkDistinct: "非同一事项，已退出并单", "redo_on_dissatisfied": "诉求人不满意，按政策自动重办",
	}
)

// StateTitle is the Chinese name of a ticket's state.
func StateTitle(s ticket.State) string { return cmp.Or(stateTitles[s], string(s)) }

// ActionTitle is the Chinese name of an action.
func ActionTitle(a ticket.Action) string { return cmp.Or(actionTitles[a], string(a)) }

// LevelTitle is the Chinese name of a ladder's level.
func LevelTitle(level string) string { return cmp.Or(levelTitles[level], level) }

func reasonTitle(c *city.City, code string) string {
	if r, ok := c.Reasons[code]; ok {
		return r.Title
	}
	return cmp.Or(systemReasons[code], code)
}

// categoryTitle names a category with those above it: 城乡建设/排水/道路积水.
func categoryTitle(c *city.City, id string) string {
	var names []string
	for _, id := range c.Rules.CategoryPath(id) {
		k, _ := c.Rules.Category(id)
		names = append(names, k.Name)
	}
	return cmp.Or(strings.Join(names, "/"), id)
}

// regionTitle names a region with those above it: 临沂市兰山区义堂镇.
func regionTitle(c *city.City, id string) string {
	var b strings.Builder
	for _, id := range c.Rules.RegionPath(id) {
		r, _ := c.Rules.Region(id)
		b.WriteString(r.Name)
	}
	return cmp.Or(b.String(), id)
}

func channelTitle(c *city.City, id string) string {
	if ch, ok := c.Channels[id]; ok {
		return ch.Title
	}
	return id
}

func policyTitle(c *city.City, key string) string {
	if p, _, ok := c.Policies.Lookup(key); ok {
		return p.Title
	}
	return key
}

// ruleWords is the title of what decided a field, and where in the pack it is written.
func ruleWords(c *city.City, o ticket.Origin) (title, source string) {
	at := func(s routing.Source) string {
		if s.File == "" {
			return ""
		}
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	if r, ok := c.Rules.Rule(o.Rule); ok {
		return r.Title, at(r.Source)
	}
	if r, ok := c.Rules.Row(o.Rule); ok {
		return "派单目录 " + r.ID, at(r.Source)
	}
	if o.Stage == string(routing.StageTriage) {
		return reasonTitle(c, o.Rule), ""
	}
	return stageTitles[o.Stage], ""
}

// classifiedWords says how sure the classifier was, and of what.
func classifiedWords(said *ticket.Classified) string {
	words := fmt.Sprintf("分类器认定，把握 %.1f%%", said.Confidence*100)
	if len(said.Grams) > 0 {
		words += "，依据“" + strings.Join(said.Grams, "”“") + "”"
	}
	return words
}

// clockWords says in plain words where a clock stands.
func clockWords(k sla.Clock, now time.Time) string {
	switch k.State {
	case sla.Held:
		return "已挂起，暂停计时"
	case sla.Met:
		return "按时完成"
	case sla.Missed:
		return "超时 " + duration(k.StoppedAt.Sub(k.DueAt)) + "完成"
	case sla.Cancelled:
		return "已取消"
	case sla.Running:
	}
	doubt := ""
	if k.Provisional {
		doubt = "（暂定）"
	}
	if k.Overdue || now.After(k.DueAt) {
		return "已超时 " + duration(now.Sub(k.DueAt)) + doubt
	}
	return "还剩 " + duration(k.DueAt.Sub(now)) + doubt
}

// duration is a stretch of wall time in words, to two places.
func duration(d time.Duration) string {
	d = d.Abs()
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d天%d小时", days, hours)
	case days > 0:
		return fmt.Sprintf("%d天", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d小时%d分", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d小时", hours)
	case minutes > 0:
		return fmt.Sprintf("%d分", minutes)
	default:
		return "不到1分"
	}
}

// similarEvidence says in plain words what speaks for two tickets being one matter, and what against.
func similarEvidence(s *Similar) string {
	parts := []string{
		map[string]string{"same": "诉求分类相同", "related": "诉求分类相近", "other": "诉求分类不同", "unknown": "诉求分类未定"}[s.Category],
		map[string]string{"spot": "同一地点", "near": "地点相近", "far": "地点较远", "region": "同一镇街", "unknown": "地点无法比较"}[s.Place],
	}
	if s.Metres != nil {
		parts[1] += fmt.Sprintf("（约 %d 米）", *s.Metres)
	}
	parts = append(parts, "相隔"+duration(time.Duration(s.Minutes)*time.Minute))
	if len(s.Names) > 0 {
		parts = append(parts, "都提到“"+strings.Join(s.Names, "”“")+"”")
	}
	if len(s.Words) > 0 {
		parts = append(parts, "共同用语“"+strings.Join(s.Words, "”“")+"”")
	}
	return strings.Join(parts, "；")
}

// eventWords says in plain words what an event did. It holds no personal data. before is the ticket
// as it stood before the event.
func eventWords(c *city.City, e *ticket.Event, before *ticket.Ticket) string {
	d := e.Details
	unit := func() string {
		if a, ok := before.Assignment(d.Assignment); ok {
			return c.UnitTitle(a.Unit)
		}
		return c.UnitTitle(d.Unit)
	}
	because := ""
	if e.Cause.Reason != "" {
		because = "：" + reasonTitle(c, e.Cause.Reason)
	}
	switch e.Action { //nolint:exhaustive // the others are told by their title
	case ticket.Register:
		if d.Registration != nil {
			return "登记，来自" + channelTitle(c, d.Registration.Channel)
		}
	case ticket.Dispatch:
		return "派单给" + c.UnitTitle(d.Unit) + assisting(c, d.Units)
	case ticket.Object:
		return unit() + "提请裁定" + because
	case ticket.AskPause:
		return unit() + "申请挂起" + until(c, d.Until) + because
	case ticket.RefusePause:
		return "驳回" + unit() + "的挂起申请" + because
	case ticket.Arbitrate:
		if d.LastResort {
			return "裁定由属地" + c.UnitTitle(d.Unit) + "兜底主办" + because
		}
		return "裁定由" + c.UnitTitle(d.Unit) + "主办" + because
	case ticket.SendOn:
		return unit() + "转派" + c.UnitTitle(d.Unit)
	case ticket.AddUnit:
		return "加派" + c.UnitTitle(d.Unit) + "协办"
	case ticket.Move:
		return unit() + "划转给" + c.UnitTitle(d.Unit) + because
	case ticket.Sign:
		return unit() + "签收"
	case ticket.Contact:
		return unit() + "已联系诉求人"
	case ticket.Return:
		return unit() + "退回" + because
	case ticket.Withdraw:
		return "撤回" + unit() + "的派单" + because
	case ticket.Pause:
		return unit() + "挂起" + until(c, d.Until) + because
	case ticket.Resume:
		return unit() + "恢复办理"
	case ticket.AskExtend:
		return unit() + "申请延期" + amount(d) + because
	case ticket.Extend:
		return "批准" + unit() + "延期" + amount(d)
	case ticket.RefuseExtend:
		return "驳回" + unit() + "的延期申请" + because
	case ticket.Resolve:
		if d.Alone {
			return unit() + "办结，不再等待协办单位" + because
		}
		return unit() + "办结"
	case ticket.CallBack:
		return callbackWords(c, e)
	case ticket.Merge:
		return "并入同一事件的牵头工单" + because
	case ticket.LinkTo:
		if d.Relation == ticket.LinkDistinct && before.State == ticket.StateMerged && before.Incident == d.Other {
			return "认定与牵头工单不是同一事项，退出并单" + because
		}
		if d.Relation == ticket.LinkDistinct {
			return "认定与另一工单不是同一事项" + because
		}
	case ticket.Transfer:
		return "移送" + c.UnitTitle(d.Unit) + because
	case ticket.Escalate:
		return ladderWords(c, d)
	case ticket.Recalendar:
		return recalendarWords(c, d)
	case ticket.Supervise, ticket.Reply:
		return ActionTitle(e.Action) + order(d) + until(c, d.Until) + because
	case ticket.Supplement, ticket.Urge:
		if d.Channel != "" {
			return ActionTitle(e.Action) + order(d) + "，来自" + channelTitle(c, d.Channel)
		}
		return ActionTitle(e.Action) + order(d) + because
	}
	return ActionTitle(e.Action) + because
}

func assisting(c *city.City, units []string) string {
	if len(units) == 0 {
		return ""
	}
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = c.UnitTitle(u)
	}
	return "，" + strings.Join(names, "、") + "协办"
}

// order is the number of an urge or supervise order, as it stands behind the action's title.
func order(d ticket.Details) string {
	if d.Order == "" {
		return ""
	}
	return " " + d.Order
}

func until(c *city.City, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return "至 " + at.In(c.Zone).Format("2006-01-02 15:04")
}

func amount(d ticket.Details) string {
	if d.Amount == 0 {
		return ""
	}
	return fmt.Sprintf(" %d %s", d.Amount, cmp.Or(limitUnits[d.LimitUnit], "（按原单位）"))
}

func callbackWords(c *city.City, e *ticket.Event) string {
	d := e.Details
	if title := outcomeTitles[d.Outcome]; title != "" && d.Outcome != ticket.OutcomeReached {
		return "回访：" + title + until(c, d.Until)
	}
	if d.Reached == nil || !*d.Reached {
		return "回访未接通"
	}
	words := "回访"
	if e.Actor.Kind == ticket.ActorCitizen {
		words = "诉求人评价"
	}
	if d.Solved != nil {
		words += map[bool]string{true: "，诉求人认为已解决", false: "，诉求人认为未解决"}[*d.Solved]
	}
	if d.Satisfaction != "" {
		words += "，" + satisfactionTitles[d.Satisfaction]
	}
	return words
}

// recalendarWords says which calendar a ticket has now, and what became of the citizen's deadline.
func recalendarWords(c *city.City, d ticket.Details) string {
	words := ActionTitle(ticket.Recalendar) + " " + d.Calendar
	was, err := time.Parse(time.RFC3339Nano, d.Before["due"])
	switch {
	case d.Due.IsZero() || err != nil || c.Calendar == nil:
		words += "，承办单位的时限相应调整"
	case was.Equal(d.Due):
		words += "，办结时限不变，仍为 " + c.Calendar.Words(d.Due)
	default:
		words += "，办结时限由 " + c.Calendar.Words(was) + " 改为 " + c.Calendar.Words(d.Due)
	}
	switch d.Before["provisional"] {
	case "true":
		words += "，不再是暂定"
	case "false":
		words += "，暂定"
	}
	return words
}

func ladderWords(c *city.City, d ticket.Details) string {
	words := LevelTitle(d.Level) + "：" + cmp.Or(clockTitles[sla.ClockName(d.Clock)], d.Clock)
	if !d.Due.IsZero() {
		words += "，到期 " + d.Due.In(c.Zone).Format("01-02 15:04")
	}
	if d.Imported {
		words += "（导入前已发生，未通知）"
	}
	return words
}
