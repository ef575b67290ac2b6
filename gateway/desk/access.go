package desk

import (
	"slices"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/ticket"
)

// Role is what a person may do, as data: the actions on tickets and the rights besides.
type Role struct {
	ID      string
	Title   string // Chinese
	Actions []ticket.Action
	Rights  []Right
	// Personal says how much of the citizen's data the role sees without asking.
	Personal Sight
}

// Right is a permission besides the actions on tickets.
type Right string

// The rights. A route of the API names the one it asks for; what is not granted is denied.
const (
	RightRead         Right = "ticket.read"
	RightSearch       Right = "ticket.search"
	RightRegister     Right = "ticket.register"
	RightCalls        Right = "call.read"
	RightCallbacks    Right = "callback.read"
	RightAttach       Right = "media.attach"
	RightDeliveries   Right = "delivery.read"
	RightRedrive      Right = "delivery.redrive"
	RightAlerts       Right = "alert.read"
	RightAck          Right = "alert.ack"
	RightConfidential Right = "ticket.confidential"
	RightAccessLog    Right = "access.read"
	RightExplain      Right = "rules.explain"
	RightPacks        Right = "pack.publish"
	RightChannels     Right = "channel.read"
	RightNotices      Right = "notice.redrive"
	RightUsers        Right = "user.manage"
	RightReports      Right = "report.read"
	RightSilence      Right = "notice.silence"
	RightTraining     Right = "ticket.training"
	RightDuty         Right = "duty.read"    // who is on duty, and the shift brief
	RightArrange      Right = "duty.arrange" // overrides and swaps of posts in scope
)

// Sight is how much personal data a role sees.
type Sight int

// The three sights. A reveal, with its reason, opens one ticket in full for those who may.
const (
	SightNone   Sight = iota // no identity at all: units that are not government
	SightMasked              // 王*、138****0000
	SightFull                // those who must call the citizen
)

var (
	handlerActions = []ticket.Action{
		ticket.Sign, ticket.Contact, ticket.Return, ticket.Object, ticket.AskPause, ticket.Resume, ticket.AskExtend,
		ticket.AskTerminate, ticket.Reply, ticket.Resolve, ticket.SendOn, ticket.Note, ticket.Supplement, ticket.Reveal,
	}
	deskActions = []ticket.Action{
		ticket.Answer, ticket.Triage, ticket.Dispatch, ticket.AddUnit, ticket.Move, ticket.Withdraw, ticket.Pause, ticket.RefusePause,
		ticket.Resume, ticket.Extend, ticket.RefuseExtend, ticket.AskTerminate, ticket.ReviewTerminate, ticket.RefuseTerminate, ticket.Reopen, ticket.Close, ticket.Decline, ticket.Merge, ticket.Split, ticket.LinkTo, ticket.Transfer,
		ticket.Urge, ticket.Supplement, ticket.Amend, ticket.Note, ticket.Reveal,
	}
	reading = []Right{RightRead, RightSearch, RightExplain}
)

// Roles is the table of roles (design §8). A user may hold several.
var Roles = []Role{
	{
		ID: "agent", Title: "话务员", Personal: SightFull,
		Actions: []ticket.Action{ticket.Answer, ticket.Dispatch, ticket.Urge, ticket.Supplement, ticket.LinkTo, ticket.Amend, ticket.Note},
		Rights:  append([]Right{RightRegister, RightCalls}, reading...),
	},
	{
		ID: "desk", Title: "分拨员", Personal: SightMasked, Actions: deskActions,
		Rights: append([]Right{RightRegister, RightCalls, RightDeliveries, RightRedrive, RightAlerts, RightAttach, RightTraining, RightDuty}, reading...),
	},
	{
		ID: "callback", Title: "回访员", Personal: SightFull,
		Actions: []ticket.Action{ticket.CallBack, ticket.Survey, ticket.Close, ticket.Reopen, ticket.Note},
		Rights:  append([]Right{RightCalls, RightCallbacks}, reading...),
	},
	{ID: "unit_handler", Title: "承办人", Personal: SightMasked, Actions: handlerActions, Rights: []Right{RightRead, RightSearch, RightExplain, RightAlerts, RightAttach, RightDuty}},
	{ID: "unit_head", Title: "承办单位负责人", Personal: SightMasked, Actions: handlerActions, Rights: []Right{RightRead, RightSearch, RightExplain, RightAlerts, RightAck, RightReports, RightAttach, RightDuty, RightArrange}},
	{
		ID: "duty", Title: "值班长", Personal: SightMasked,
		// A confidential ticket is none of the callers' to see: its citizen is called by the duty officer.
		Actions: append([]ticket.Action{ticket.Arbitrate, ticket.Supervise, ticket.Terminate, ticket.CallBack}, deskActions...),
		Rights: append([]Right{
			RightRegister, RightCalls, RightDeliveries, RightRedrive, RightAlerts, RightAck, RightConfidential, RightNotices,
			RightReports, RightChannels, RightCallbacks, RightAttach, RightSilence, RightTraining, RightDuty, RightArrange,
		}, reading...),
	},
	{
		ID: "supervisor", Title: "督办员", Personal: SightMasked,
		Actions: []ticket.Action{ticket.Supervise, ticket.Urge, ticket.Terminate, ticket.RefuseTerminate, ticket.Reopen, ticket.Note, ticket.Reveal, ticket.Hold, ticket.Release},
		Rights:  append([]Right{RightAlerts, RightAck, RightReports, RightConfidential, RightAttach, RightDuty}, reading...),
	},
	{ID: "analyst", Title: "分析员", Personal: SightNone, Rights: []Right{RightRead, RightSearch, RightReports}},
	{ID: "auditor", Title: "审计员", Personal: SightMasked, Actions: []ticket.Action{ticket.Hold, ticket.Release}, Rights: []Right{RightRead, RightSearch, RightExplain, RightAccessLog, RightReports, RightConfidential}},
	{ID: "integrator", Title: "渠道接入员", Personal: SightNone, Rights: []Right{RightDeliveries, RightRedrive, RightChannels, RightNotices, RightExplain}},
	{ID: "admin", Title: "管理员", Personal: SightNone, Rights: []Right{RightUsers, RightPacks, RightChannels, RightNotices, RightExplain}},
}

// Viewer is who asks: an account with its roles and scope. The zero Viewer may do nothing.
type Viewer struct {
	Login  string
	Kind   ticket.ActorKind
	Roles  []string
	Unit   string // scope: this unit and those below; empty: all
	Region string // scope: this region and below; empty: all
	Posts  []string
}

// Can reports whether any of the viewer's roles holds the right.
func (v Viewer) Can(r Right) bool {
	return v.any(func(role Role) bool { return slices.Contains(role.Rights, r) })
}

// MayDo reports whether any of the viewer's roles may take the action.
func (v Viewer) MayDo(a ticket.Action) bool {
	return v.any(func(role Role) bool { return slices.Contains(role.Actions, a) })
}

func (v Viewer) any(holds func(Role) bool) bool {
	for _, r := range Roles {
		if slices.Contains(v.Roles, r.ID) && holds(r) {
			return true
		}
	}
	return false
}

// Actor is the viewer as events name it.
func (v Viewer) Actor() ticket.Actor {
	a := ticket.Actor{Kind: v.Kind, ID: v.Login, Unit: v.Unit}
	if a.Kind == "" {
		a.Kind = ticket.ActorUser
	}
	if len(v.Posts) > 0 {
		a.Post = v.Posts[0]
	}
	return a
}

// sight is the widest sight of the viewer's roles; a unit that is not government gets none.
func (v Viewer) sight(c *city.City) Sight {
	widest := SightNone
	for _, r := range Roles {
		if slices.Contains(v.Roles, r.ID) && r.Personal > widest {
			widest = r.Personal
		}
	}
	if v.external(c) {
		return SightNone
	}
	return widest
}

// external reports whether the viewer belongs to a unit that is not government: a water company, a
// property firm. It gets the matter without the citizen.
func (v Viewer) external(c *city.City) bool {
	u, ok := c.Rules.Unit(v.Unit)
	return ok && u.External
}

// mayDo is MayDo in this city: no reason opens a citizen's data to a unit that is not government.
func (v Viewer) mayDo(c *city.City, a ticket.Action) bool {
	return v.MayDo(a) && (a != ticket.Reveal || !v.external(c))
}

// holds reports whether an assignment is the viewer's to act on.
func (v Viewer) holds(c *city.City, a ticket.Assignment) bool {
	return v.Unit == "" || a.Unit == v.Unit || c.Rules.WithinUnit(a.Unit, v.Unit)
}

// shares reports whether the viewer's unit has a part in the work: one that was given back or taken
// away is none.
func (v Viewer) shares(c *city.City, t *ticket.Ticket) bool {
	return slices.ContainsFunc(t.Assignments, func(a ticket.Assignment) bool {
		return a.State != ticket.Withdrawn && a.State != ticket.Returned && v.holds(c, a)
	})
}

// part reports whether the viewer's part in a ticket, and in an assignment the action is done to, allows the action: a unit asks
// for the end of what it works on, answers the orders of what it leads, and approves nothing that it asked for itself. The
// second review of an end, which takes a ticket out of the rates, is nobody's whose unit those rates judge.
func (v Viewer) part(c *city.City, t *ticket.Ticket, a ticket.Assignment, action ticket.Action) bool {
	if v.Unit == "" {
		return action != ticket.Reveal || v.mayReveal(c, t)
	}
	switch action { //nolint:exhaustive // the others go by the assignment alone
	case ticket.Reveal:
		return v.mayReveal(c, t)
	case ticket.AskTerminate:
		return v.shares(c, t)
	case ticket.Reply:
		return v.leads(c, t)
	case ticket.Pause, ticket.Extend:
		return a.Unit != v.Unit
	case ticket.ReviewTerminate:
		return t.Termination == nil || t.Termination.AskedBy.Unit != v.Unit
	case ticket.Terminate:
		return !v.shares(c, t)
	}
	return true
}

// leads reports whether the viewer's unit has a part in the lead's work.
func (v Viewer) leads(c *city.City, t *ticket.Ticket) bool {
	return slices.ContainsFunc(t.Assignments, func(a ticket.Assignment) bool {
		return a.Role == ticket.Lead && a.State != ticket.Withdrawn && a.State != ticket.Returned && v.holds(c, a)
	})
}

// mayReveal reports whether the ticket's personal data may be opened to the viewer with a reason: a unit
// that gave the matter back has none.
func (v Viewer) mayReveal(c *city.City, t *ticket.Ticket) bool {
	return v.mayDo(c, ticket.Reveal) && (v.Unit == "" || v.shares(c, t))
}

// sees reports whether the ticket lies in the viewer's scope. A ticket outside it does not exist
// for the viewer.
func (v Viewer) sees(c *city.City, t *ticket.Ticket) bool {
	if v.Unit != "" {
		involved := slices.ContainsFunc(t.Assignments, func(a ticket.Assignment) bool {
			return a.State != ticket.Withdrawn && v.holds(c, a)
		})
		if !involved || t.Confidential && !v.shares(c, t) {
			return false
		}
	}
	if v.Region != "" && t.Region != v.Region && !c.Rules.WithinRegion(t.Region, v.Region) {
		return false
	}
	if t.Confidential && v.Unit == "" && !v.Can(RightConfidential) {
		return false // those who handle it see it through their unit; others only by right
	}
	return true
}
