package phone

import (
	"cmp"
	"net/http"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// Acknowledge answers the agent's desk as an app that can show and correct things, and the exchange
// with 200 for everything that is on disk: it can only try again, and shall not.
func (p *phone) Acknowledge(in adapters.Inbound, out adapters.Outcome) adapters.Reply {
	switch out.Result {
	case adapters.Refused:
		r := wire.Problem(http.StatusUnauthorized, "delivery.unauthenticated", "未通过身份验证", "", nil)
		r.Header.Set("WWW-Authenticate", "Bearer")
		return r
	case adapters.Rejected:
		return wire.Problem(http.StatusUnprocessableEntity, cmp.Or(out.Code, codeInvalid), "工单内容有误", out.Text, out.Errors)
	case adapters.Accepted, adapters.Repeated, adapters.Quarantined, adapters.Conflicting, adapters.Ignored:
		if in.Path == pathTicket {
			return desk(out)
		}
		return wire.Reply(http.StatusOK, answer{Status: string(out.Result), Receipt: out.Delivery})
	default:
		// Unavailable, and whatever may be added: without a word that it is kept, the sender tries again.
		r := wire.Problem(http.StatusServiceUnavailable, cmp.Or(out.Code, "store.unavailable"), "系统繁忙，请稍后重试", "内容尚未保存。", nil)
		return wire.RetryAfter(r, out.RetryAfter)
	}
}

func desk(out adapters.Outcome) adapters.Reply {
	status, a := http.StatusOK, answer{Status: string(adapters.Accepted), Receipt: out.Delivery, Text: out.Text}
	switch out.Result {
	case adapters.Accepted:
		status = http.StatusCreated
	case adapters.Quarantined:
		status, a.Status = http.StatusAccepted, string(out.Result)
	case adapters.Ignored:
		a.Status = string(out.Result)
	case adapters.Conflicting:
		return wire.Problem(http.StatusConflict, cmp.Or(out.Code, "request.conflict"), "同一编号已提交过不同内容",
			"clientReportId 已用于另一张工单。若是新的诉求，请换一个编号重新提交。", out.Errors)
	default: // repeated: the same body with 200
	}
	if len(out.Tickets) > 0 {
		t := out.Tickets[0]
		a.Number, a.Code, a.Unit, a.Joined, a.Emergency = t.Number, t.Code, t.Unit, t.Joined, t.Emergency
	}
	return wire.Reply(status, a)
}
