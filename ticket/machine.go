package ticket

// Action is what is done to a ticket: the name of the command and of the event it becomes.
type Action string

// The actions. Their Chinese names are in docs/glossary.md.
const (
	Register     Action = "register"      // 登记
	Answer       Action = "answer"        // 直接答复
	Triage       Action = "triage"        // 转待分拨
	Dispatch     Action = "dispatch"      // 派单
	SendOn       Action = "send_on"       // 转派下级
	AddUnit      Action = "add_unit"      // 加派协办
	Move         Action = "move"          // 划转（承办单位变更）
	Sign         Action = "sign"          // 签收
	Contact      Action = "contact"       // 联系诉求人
	Return       Action = "return"        // 退回
	Withdraw     Action = "withdraw"      // 撤回派单
	Object       Action = "object"        // 提请裁定
	Arbitrate    Action = "arbitrate"     // 裁定
	AskPause     Action = "ask_pause"     // 申请挂起
	Pause        Action = "pause"         // 挂起
	RefusePause  Action = "refuse_pause"  // 驳回挂起
	Resume       Action = "resume"        // 恢复办理
	AskExtend    Action = "ask_extend"    // 申请延期
	Extend       Action = "extend"        // 批准延期
	RefuseExtend Action = "refuse_extend" // 驳回延期
	Resolve      Action = "resolve"       // 办结
	CallBack     Action = "call_back"     // 回访
	Survey       Action = "survey"        // 满意度测评
	Reopen       Action = "reopen"        // 重办
	Close        Action = "close"         // 归档
	Decline      Action = "decline"       // 不予受理

	AskTerminate    Action = "ask_terminate"    // 申请终止
	ReviewTerminate Action = "review_terminate" // 终止初审
	Terminate       Action = "terminate"        // 终止办理
	RefuseTerminate Action = "refuse_terminate" // 驳回终止

	Merge      Action = "merge"      // 并单
	Split      Action = "split"      // 拆单
	LinkTo     Action = "link"       // 关联
	Transfer   Action = "transfer"   // 移送
	Urge       Action = "urge"       // 催办
	Supervise  Action = "supervise"  // 督办
	Reply      Action = "reply"      // 回复督办
	Supplement Action = "supplement" // 补充
	Amend      Action = "amend"      // 更正
	Note       Action = "note"       // 备注
	Reveal     Action = "reveal"     // 查看隐私信息
	Escalate   Action = "escalate"   // 时限升级（计时器）
	Recalendar Action = "recalendar" // 换用日历
	Repeat     Action = "repeat"     // 重复告警（折叠）
	Restate    Action = "restate"    // 原始来件重新解读
	Hold       Action = "hold"       // 证据保全
	Release    Action = "release"    // 解除保全
	Expire     Action = "expire"     // 个人信息到期销毁
)

// Actions lists every action in the order of the glossary.
var Actions = []Action{
	Register, Answer, Triage, Dispatch, SendOn, AddUnit, Move, Sign, Contact, Return, Withdraw, Object, Arbitrate,
	AskPause, Pause, RefusePause, Resume, AskExtend, Extend, RefuseExtend, Resolve, CallBack, Survey, Reopen, Close, Decline,
	AskTerminate, ReviewTerminate, Terminate, RefuseTerminate, Merge, Split, LinkTo, Transfer, Urge, Supervise, Reply, Supplement, Amend, Note, Reveal, Escalate, Recalendar, Repeat, Restate,
	Hold, Release, Expire,
}

// terminable are the states in which a matter may be under review as unreasonable.
var terminable = []State{StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved}

// ticketMoves says in which states of the ticket an action is legal. Register is legal only on
// an empty ticket and stands here without states. An action absent from a state is refused.
var ticketMoves = map[Action][]State{
	Register:     nil,
	Answer:       {StateReceived, StateTriage},
	Triage:       {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused},
	Dispatch:     {StateReceived, StateTriage},
	SendOn:       {StateDispatched, StateHandling},
	AddUnit:      {StateDispatched, StateHandling, StatePaused},
	Move:         {StateDispatched, StateHandling, StatePaused},
	Sign:         {StateTriage, StateDispatched, StateHandling, StatePaused}, // in triage: who assists works on while a lead is found
	Contact:      {StateTriage, StateDispatched, StateHandling, StatePaused},
	Return:       {StateDispatched, StateHandling, StatePaused},
	Withdraw:     {StateDispatched, StateHandling, StatePaused},
	Arbitrate:    {StateTriage, StateDispatched, StateHandling, StatePaused},
	Object:       {StateDispatched, StateHandling},
	AskPause:     {StateDispatched, StateHandling},
	RefusePause:  {StateDispatched, StateHandling, StatePaused},
	Pause:        {StateDispatched, StateHandling},
	Resume:       {StatePaused, StateHandling},
	AskExtend:    {StateDispatched, StateHandling},
	Extend:       {StateDispatched, StateHandling},
	RefuseExtend: {StateDispatched, StateHandling, StatePaused},
	Resolve:      {StateTriage, StateDispatched, StateHandling},
	CallBack:     {StateResolved, StateMerged},
	Survey:       {StateResolved, StateMerged},
	Reopen:       {StateResolved, StateClosed},
	Close:        {StateResolved, StateMerged},
	Decline:      {StateReceived, StateTriage},
	AskTerminate: terminable, ReviewTerminate: terminable, Terminate: terminable, RefuseTerminate: terminable,
	Merge:      {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused},
	Split:      {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused},
	LinkTo:     States,
	Transfer:   {StateReceived, StateTriage, StateDispatched, StateHandling},
	Urge:       {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved, StateMerged},
	Supervise:  {StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved},
	Reply:      {StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved},
	Supplement: {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved, StateMerged},
	Amend:      States,
	Note:       States,
	Reveal:     States,
	Escalate:   {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved, StateMerged},
	Recalendar: {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved, StateMerged},
	Repeat:     {StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved, StateMerged},
	Restate:    {StateReceived, StateTriage},
	Hold:       States,
	Release:    States,
	Expire:     {StateClosed, StateDeclined, StateMerged, StateTransferred},
}

// assignmentMove is one row of the assignment's transition table.
type assignmentMove struct {
	From []AssignmentState
	To   AssignmentState // empty: the state stays
}

// assignmentMoves says what an action does to the assignment it names.
var assignmentMoves = map[Action]assignmentMove{
	Move:         {From: []AssignmentState{Offered, Signed, Handling, Paused}},
	Sign:         {From: []AssignmentState{Offered}, To: Signed},
	Contact:      {From: []AssignmentState{Signed, Handling, Paused}},
	SendOn:       {From: []AssignmentState{Offered, Signed, Handling}, To: Handling},
	Return:       {From: []AssignmentState{Offered, Signed, Handling}, To: Returned},
	Withdraw:     {From: []AssignmentState{Offered, Signed, Handling, Paused}, To: Withdrawn},
	Object:       {From: []AssignmentState{Offered, Signed, Handling}, To: Returned},
	AskPause:     {From: []AssignmentState{Signed, Handling}},
	RefusePause:  {From: []AssignmentState{Signed, Handling}},
	Pause:        {From: []AssignmentState{Signed, Handling}, To: Paused},
	Resume:       {From: []AssignmentState{Paused}, To: Handling},
	AskExtend:    {From: []AssignmentState{Offered, Signed, Handling}},
	Extend:       {From: []AssignmentState{Offered, Signed, Handling}},
	RefuseExtend: {From: []AssignmentState{Offered, Signed, Handling, Paused}},
	Resolve:      {From: []AssignmentState{Signed, Handling}, To: Done},
}

// contactMoves: a first contact turns a signed assignment into one in hand.
var contactMoves = map[AssignmentState]AssignmentState{Signed: Handling}

// Legal lists the actions open to a ticket in this state, in the glossary's order. An action on
// an assignment is listed when at least one assignment can take it.
func (t *Ticket) Legal() []Action {
	var legal []Action
	for _, a := range Actions {
		if a == Register || !contains(ticketMoves[a], t.State) {
			continue
		}
		if move, on := assignmentMoves[a]; on && !t.anyAssignment(move.From) {
			continue
		}
		legal = append(legal, a)
	}
	return legal
}

// LegalOn lists the actions that the assignment with that number can take now, in the glossary's
// order.
func (t *Ticket) LegalOn(no int) []Action {
	a, ok := t.Assignment(no)
	if !ok {
		return nil
	}
	var legal []Action
	for _, action := range Actions {
		if move, on := assignmentMoves[action]; on && contains(ticketMoves[action], t.State) && contains(move.From, a.State) {
			legal = append(legal, action)
		}
	}
	return legal
}

// OnAssignment reports whether the action is done to one assignment, which its command names.
func (a Action) OnAssignment() bool {
	_, on := assignmentMoves[a]
	return on
}

func (t *Ticket) anyAssignment(states []AssignmentState) bool {
	for _, a := range t.Assignments {
		if contains(states, a.State) {
			return true
		}
	}
	return false
}

// derive recomputes the state of the ticket from its assignments. Ends of the ticket's own
// (closed, declined, merged, transferred) are set by the actions that make them and stay.
func (t *Ticket) derive() {
	switch t.State {
	case StateClosed, StateDeclined, StateMerged, StateTransferred:
		return
	default:
	}
	if len(t.Assignments) == 0 {
		return
	}
	var lead Assignment // the newest: an earlier round's result says nothing of this one
	active := false
	for _, a := range t.Assignments {
		if a.Parent != 0 {
			continue // a district answers for its street: only its own share counts
		}
		if a.Role == Lead {
			lead = a
		}
		active = active || a.State.Active()
	}
	switch {
	case lead.State == Offered:
		t.State = StateDispatched
	case lead.State == Paused:
		t.State = StatePaused
	case lead.State == Signed || lead.State == Handling:
		t.State = StateHandling
	case lead.State == Done && active:
		t.State = StateHandling // an assisting unit is not done
	case lead.State == Done:
		t.State = StateResolved
	default:
		t.State = StateTriage // nobody holds it: thrown back, never lost
	}
}
