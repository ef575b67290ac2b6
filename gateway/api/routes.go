package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/desk"
)

// access says who may call a route. The zero value lets nobody in.
type access int

const (
	nobody    access = iota
	everybody        // no account needed
	signedIn         // an account, even one whose password must be changed first
	member           // an account
	byRight          // an account with the route's right
)

// route is one row of the table: what is not in it does not exist, and what it does not grant is denied.
type route struct {
	method, path string
	who          access
	right        desk.Right
	handle       func(*call) error
}

func (a *API) routes() []route {
	get, post := fiber.MethodGet, fiber.MethodPost
	return []route{
		{get, "/openapi.yaml", everybody, "", a.getSpec},
		{get, "/docs", everybody, "", a.getDocs},
		{get, "/now", everybody, "", a.getNow},
		{get, "/track/:number", everybody, "", a.getTrack},
		{post, "/track/:number/rating", everybody, "", a.postRating},
		{post, "/login", everybody, "", a.postLogin},
		{post, "/logout", signedIn, "", a.postLogout},
		{post, "/password", signedIn, "", a.postPassword},
		{get, "/me", signedIn, "", a.getMe},

		{get, "/units", member, "", a.getUnits},
		{get, "/categories", member, "", a.getCategories},
		{get, "/regions", member, "", a.getRegions},
		{get, "/reasons", member, "", a.getReasons},
		{get, "/roles", member, "", a.getRoles},
		{get, "/channels", byRight, desk.RightChannels, a.getChannels},

		{get, "/tickets", byRight, desk.RightRead, a.getTickets},
		{post, "/tickets", byRight, desk.RightRegister, a.postTicket},
		{post, "/tickets/bulk/:action", byRight, desk.RightRead, a.postBulk},
		{get, "/tickets/:number", byRight, desk.RightRead, a.getTicket},
		{post, "/tickets/:number/actions/:action", byRight, desk.RightRead, a.postAction},
		{get, "/tickets/:number/explanation", byRight, desk.RightExplain, a.getExplanation},
		{get, "/tickets/:number/clocks", byRight, desk.RightRead, a.getClocks},
		{get, "/tickets/:number/similar", byRight, desk.RightRead, a.getSimilar},
		{get, "/tickets/:number/access", byRight, desk.RightAccessLog, a.getAccess},
		{post, "/media", byRight, desk.RightAttach, a.postMedia},
		{get, "/media/:sha256", byRight, desk.RightRead, a.getMedia},
		{get, "/search", byRight, desk.RightSearch, a.getSearch},
		{get, eventsPath, byRight, desk.RightRead, a.getEvents},

		{get, "/callbacks", byRight, desk.RightCallbacks, a.getCallbacks},
		{get, "/calls", byRight, desk.RightCalls, a.getCalls},
		{get, "/deliveries", byRight, desk.RightDeliveries, a.getDeliveries},
		{post, "/deliveries/:id/redrive", byRight, desk.RightRedrive, a.postRedrive},
		{get, "/alerts", byRight, desk.RightAlerts, a.getAlerts},
		{post, "/alerts/ack", byRight, desk.RightAck, a.postAckGroup},
		{get, "/alerts/:id", byRight, desk.RightAlerts, a.getAlert},
		{post, "/alerts/:id/ack", byRight, desk.RightAck, a.postAck},
		{post, "/alerts/:id/snooze", byRight, desk.RightAck, a.postSnooze},
		{post, "/alerts/:id/handover", byRight, desk.RightAck, a.postHandOver},
		{post, "/alerts/:id/done", byRight, desk.RightAck, a.postDone},
		{get, "/duty", byRight, desk.RightDuty, a.getDuty},
		{get, "/duty/brief", byRight, desk.RightDuty, a.getBrief},
		{get, "/duty/overrides", byRight, desk.RightDuty, a.getOverrides},
		{post, "/duty/overrides", byRight, desk.RightArrange, a.postOverride},
		{post, "/duty/overrides/:id/withdraw", byRight, desk.RightArrange, a.postWithdraw},
		{post, "/duty/swaps", byRight, desk.RightArrange, a.postSwap},
		{get, "/notices", byRight, desk.RightNotices, a.getNotices},
		{post, "/notices/redrive", byRight, desk.RightNotices, a.postRedriveNotices},
		{get, "/pages", byRight, desk.RightNotices, a.getPages},
		{get, "/destinations", byRight, desk.RightNotices, a.getDestinations},
		{post, "/destinations/:id/test", byRight, desk.RightNotices, a.postDestinationTest},
		{get, "/silences", byRight, desk.RightAlerts, a.getSilences},
		{post, "/silences", byRight, desk.RightSilence, a.postSilence},
		{post, "/silences/:id/end", byRight, desk.RightSilence, a.postSilenceEnd},
		{get, "/counts", byRight, desk.RightReports, a.getCounts},

		{get, "/pack", byRight, desk.RightPacks, a.getPack},
		{get, "/pack/shadow", byRight, desk.RightPacks, a.getShadow},
		{post, "/pack/promote", byRight, desk.RightPacks, a.postPromote},
		{post, "/pack/rollback", byRight, desk.RightPacks, a.postRollback},
		{get, "/users", byRight, desk.RightUsers, a.getUsers},
		{post, "/users", byRight, desk.RightUsers, a.postUser},
		{post, "/users/:login/disable", byRight, desk.RightUsers, a.postDisable},
	}
}
