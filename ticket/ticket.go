package ticket

import (
	"slices"
	"time"
)

// State is where a ticket stands. It is derived from the ticket's assignments plus its own ends.
type State string

// The states of a ticket. The last four and closed are ends; only closed can be reopened.
const (
	StateReceived    State = "received"    // 已登记
	StateTriage      State = "triage"      // 待分拨
	StateDispatched  State = "dispatched"  // 已派单，待签收
	StateHandling    State = "handling"    // 办理中
	StatePaused      State = "paused"      // 已挂起
	StateResolved    State = "resolved"    // 已办结，待回访
	StateClosed      State = "closed"      // 已归档
	StateDeclined    State = "declined"    // 不予受理
	StateMerged      State = "merged"      // 已并单
	StateTransferred State = "transferred" // 已移送
)

// States lists every state in the order of a ticket's life.
var States = []State{
	StateReceived, StateTriage, StateDispatched, StateHandling, StatePaused, StateResolved,
	StateClosed, StateDeclined, StateMerged, StateTransferred,
}

// Open reports whether work or a callback is still owed.
func (s State) Open() bool {
	switch s {
	case StateClosed, StateDeclined, StateTransferred:
		return false
	default:
		return true
	}
}

// AssignmentState is where one unit's share stands.
type AssignmentState string

// The states of an assignment; the last three are ends.
const (
	Offered   AssignmentState = "offered"   // 待签收
	Signed    AssignmentState = "signed"    // 已签收
	Handling  AssignmentState = "handling"  // 办理中
	Paused    AssignmentState = "paused"    // 已挂起
	Returned  AssignmentState = "returned"  // 已退回
	Done      AssignmentState = "done"      // 已办结
	Withdrawn AssignmentState = "withdrawn" // 已撤回
)

// AssignmentStates lists every state in the order of an assignment's life.
var AssignmentStates = []AssignmentState{Offered, Signed, Handling, Paused, Returned, Done, Withdrawn}

// Active reports whether the unit still holds the work.
func (s AssignmentState) Active() bool {
	return s == Offered || s == Signed || s == Handling || s == Paused
}

// Role is a unit's part in a ticket.
type Role string

// The two roles of an assignment.
const (
	Lead   Role = "lead"   // 主办
	Assist Role = "assist" // 协办
)

// Assignment is one unit's share of a ticket (派单).
type Assignment struct {
	No          int             `json:"no"` // 1, 2, … within the ticket
	Unit        string          `json:"unit"`
	Role        Role            `json:"role"`
	Parent      int             `json:"parent,omitempty"` // the assignment that sent it on and stays answerable
	State       AssignmentState `json:"state"`
	Forced      bool            `json:"forced,omitempty"` // ruled by arbitration: cannot be returned
	OfferedAt   time.Time       `json:"offered_at"`
	SignedAt    time.Time       `json:"signed_at,omitzero"`
	ContactedAt time.Time       `json:"contacted_at,omitzero"` // first contact with the citizen
	EndedAt     time.Time       `json:"ended_at,omitzero"`
	Reason      string          `json:"reason,omitempty"` // reason code of the last return, pause or withdrawal
	PauseAsked  *PauseAsk       `json:"pause_asked,omitempty"`
}

// Satisfaction is the citizen's word at a callback.
type Satisfaction string

// The answers a callback may bring.
const (
	Satisfied    Satisfaction = "satisfied"    // 满意
	Acceptable   Satisfaction = "acceptable"   // 基本满意
	Dissatisfied Satisfaction = "dissatisfied" // 不满意
)

// Origin says which part of the rules decided a field of a decision.
type Origin struct {
	Stage string `json:"stage"` // emergency, statutory, rules, catalogue, default, triage, hand
	Rule  string `json:"rule"`  // id of the rule or catalogue row; the user's reason code when by hand
}

// Decision is what routing decided for a ticket, stored with it so that it can be explained later.
type Decision struct {
	Pack    string            `json:"pack"` // content hash of the city pack
	Unit    string            `json:"unit,omitempty"`
	Assist  []string          `json:"assist,omitempty"`
	Urgency Urgency           `json:"urgency,omitempty"`
	Policy  string            `json:"policy,omitempty"`
	Tags    []string          `json:"tags,omitempty"`
	Triage  string            `json:"triage,omitempty"`  // reason code when no owner is sure
	Origins map[string]Origin `json:"origins,omitempty"` // per field: unit, assist, urgency, policy, tags

	Classified *Classified `json:"classified,omitempty"` // nil: the channel or the pack's words named the category, or nobody
}

// Classified is what the trained classifier said of a ticket whose category neither its channel nor the pack's words
// name: the category where it was sure, else suggestions for the desk.
type Classified struct {
	Model       string       `json:"model"` // content hash of the model file, shortened
	Category    string       `json:"category,omitempty"`
	Confidence  float64      `json:"confidence,omitempty"` // of Category, 0 … 1
	Grams       []string     `json:"grams,omitempty"`      // runs of characters that spoke most for it; many texts have them, so they are not personal
	Suggestions []Suggestion `json:"suggestions,omitempty"`
}

// Suggestion is a category that a ticket may be of.
type Suggestion struct {
	Category   string  `json:"category"`
	Confidence float64 `json:"confidence"` // 0 … 1
}

// Private is the personal part of a ticket or event: sealed at rest, masked by role.
type Private struct {
	Title       string       `json:"title,omitempty"`
	Text        string       `json:"text,omitempty"`
	Appellant   Party        `json:"appellant,omitzero"`
	FiledBy     Party        `json:"filed_by,omitzero"`
	OtherParty  Party        `json:"other_party,omitzero"`
	Place       Place        `json:"place,omitzero"`
	Media       []MediaRef   `json:"media,omitempty"`
	Reply       *ReplyHandle `json:"reply,omitempty"`
	TrackCode   string       `json:"track_code,omitempty"`
	Note        string       `json:"note,omitempty"`         // internal: 办理情况, reasons in words
	PublicReply string       `json:"public_reply,omitempty"` // 公开答复内容, what the citizen is told
}

// The classes of a ticket's own personal data, by which their time ends: what its row says of people, and what
// its events say.
const (
	DataTicket = "ticket"
	DataEvent  = "event"
)

// Link ties two tickets.
type Link struct {
	Kind string `json:"kind"` // one of the kinds below
	To   ID     `json:"to"`
}

// The kinds of links.
const (
	LinkRelated  = "related"  // 关联
	LinkRepeat   = "repeat"   // 重复诉求
	LinkSplit    = "split"    // 拆单
	LinkMerged   = "merged"   // 并单
	LinkDistinct = "distinct" // 非同一事项
)

// Counters are what assessment asks of a ticket.
type Counters struct {
	Urges        int `json:"urges,omitempty"`        // 催办
	Returns      int `json:"returns,omitempty"`      // 退回
	Supplements  int `json:"supplements,omitempty"`  // 补充
	Extensions   int `json:"extensions,omitempty"`   // 延期（已批准）
	Pauses       int `json:"pauses,omitempty"`       // 挂起
	Supervisions int `json:"supervisions,omitempty"` // 督办
	Reopens      int `json:"reopens,omitempty"`      // 重办
	Callbacks    int `json:"callbacks,omitempty"`    // 回访（含未接通）
	Repeats      int `json:"repeats,omitempty"`      // machine repeats folded in
	Objections   int `json:"objections,omitempty"`   // 提请裁定
}

// Ticket is a registered request (工单): the fold of its events. The row in the store is this
// value, written in the same commit as the event that changed it.
type Ticket struct {
	ID      ID     `json:"id"`
	Number  string `json:"number"`
	Version int64  `json:"version"` // sequence of the last event folded in
	State   State  `json:"state"`

	Channel       string      `json:"channel"`
	Key           string      `json:"key"`
	ThreadKey     string      `json:"thread_key,omitempty"`
	FoldKey       string      `json:"fold_key,omitempty"`
	Kind          Kind        `json:"kind"`
	Source        SourceClass `json:"source"`
	Type          RequestType `json:"type"`
	Urgency       Urgency     `json:"urgency"`
	Category      string      `json:"category,omitempty"`
	Region        string      `json:"region,omitempty"`
	Tags          []string    `json:"tags,omitempty"`
	Policy        string      `json:"policy,omitempty"` // id@version, pinned at registration
	Decision      Decision    `json:"decision"`
	Confidential  bool        `json:"confidential,omitempty"`
	Public        bool        `json:"public,omitempty"`
	Historic      bool        `json:"historic,omitempty"`
	Training      bool        `json:"training,omitempty"` // 演练: nothing about it leaves the gateway, and it is in no rate
	NoCallback    bool        `json:"no_callback,omitempty"`
	Quarantined   bool        `json:"quarantined,omitempty"` // stub of a delivery that could not be read
	CallID        string      `json:"call_id,omitempty"`
	ForeignNumber string      `json:"foreign_number,omitempty"`
	Incident      ID          `json:"incident,omitzero"` // the lead ticket of the happening it belongs to
	PublicSummary string      `json:"public_summary,omitempty"`
	Held          bool        `json:"held,omitempty"`  // 证据保全: nothing of it ends while this stands
	Ended         []string    `json:"ended,omitempty"` // classes of data whose time is over: ticket, event

	HappenedAt   time.Time `json:"happened_at,omitzero"`
	ReceivedAt   time.Time `json:"received_at"`
	RegisteredAt time.Time `json:"registered_at"`
	ResolvedAt   time.Time `json:"resolved_at,omitzero"`
	ClosedAt     time.Time `json:"closed_at,omitzero"`
	UpdatedAt    time.Time `json:"updated_at"`

	Assignments []Assignment      `json:"assignments,omitempty"`
	Links       []Link            `json:"links,omitempty"`
	Counters    Counters          `json:"counters,omitzero"`
	Level       string            `json:"level,omitempty"` // highest ladder level reached: yellow, red, supervise …
	Extension   *Extension        `json:"extension,omitempty"`
	Dispute     *Dispute          `json:"dispute,omitempty"`     // waits for the duty officer's ruling
	Termination *Termination      `json:"termination,omitempty"` // under review
	Callback    Callback          `json:"callback,omitzero"`     // attempts since it was last resolved
	Orders      []Order           `json:"orders,omitempty"`      // supervise orders not answered yet
	Outcome     Outcome           `json:"outcome,omitzero"`
	Facts       map[string]string `json:"facts,omitempty"` // further facts as routing saw them; not personal

	Private  Private `json:"-"` // stored sealed, beside the rest
	LastHash Hash    `json:"last_hash"`
}

// Extension is an asked-for extension (延期申请) that awaits its answer.
type Extension struct {
	Assignment int    `json:"assignment"`
	Amount     int    `json:"amount"`
	Unit       string `json:"unit"` // a unit of sla.Limit: working_days …
	Reason     string `json:"reason"`
}

// Outcome is how the matter ended: what the unit says and what the citizen says, kept apart.
type Outcome struct {
	ResolvedByUnit bool         `json:"resolved_by_unit,omitempty"` // 承办单位认定已解决
	SolvedByWord   *bool        `json:"solved_by_word,omitempty"`   // 诉求人认定是否解决
	First          Satisfaction `json:"first,omitempty"`            // 首次满意度
	Final          Satisfaction `json:"final,omitempty"`            // 最终满意度
	Reason         string       `json:"reason,omitempty"`           // coded reason of decline, transfer or termination
	Unrated        bool         `json:"unrated,omitempty"`          // outside the public rates: ended as unreasonable after two reviews
}

// SetApart reports whether somebody has said on this ticket that it and another are two matters; the last word on the
// other counts.
func (t *Ticket) SetApart(other ID) bool {
	for _, l := range slices.Backward(t.Links) {
		if l.To == other {
			return l.Kind == LinkDistinct || l.Kind == LinkSplit
		}
	}
	return false
}

// Assignment gives the assignment with that number.
func (t *Ticket) Assignment(no int) (Assignment, bool) {
	if no < 1 || no > len(t.Assignments) {
		return Assignment{}, false
	}
	return t.Assignments[no-1], true
}

// LeadUnit is the unit answerable now: the active top-level lead, else the last one that had it.
func (t *Ticket) LeadUnit() string {
	unit := ""
	for _, a := range t.Assignments {
		if a.Role != Lead || a.Parent != 0 || a.State == Withdrawn || a.State == Returned {
			continue
		}
		unit = a.Unit
		if a.State.Active() {
			return a.Unit
		}
	}
	return unit
}

// Holders lists the units that hold an active assignment, lead first, each once.
func (t *Ticket) Holders() []string {
	var units []string
	for _, role := range []Role{Lead, Assist} {
		for _, a := range t.Assignments {
			if a.Role == role && a.State.Active() && !contains(units, a.Unit) {
				units = append(units, a.Unit)
			}
		}
	}
	return units
}

// Involves reports whether the unit holds or ever held a share that it did not lose by withdrawal.
func (t *Ticket) Involves(unit string) bool {
	for _, a := range t.Assignments {
		if a.Unit == unit && a.State != Withdrawn && a.State != Returned {
			return true
		}
	}
	return false
}

func contains[T comparable](list []T, x T) bool {
	return slices.Contains(list, x)
}
