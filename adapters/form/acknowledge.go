package form

import (
	"cmp"
	"net/http"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// Acknowledge answers an app: 201 with the ticket's number, the same body with 200 for a repeat, and
// problem documents for everything it can do something about.
func (f *form) Acknowledge(_ adapters.Inbound, out adapters.Outcome) adapters.Reply {
	switch out.Result {
	case adapters.Accepted:
		return wire.Reply(http.StatusCreated, accepted(out))
	case adapters.Repeated:
		return wire.Reply(http.StatusOK, accepted(out))
	case adapters.Quarantined:
		a := accepted(out)
		a.Status, a.Text = string(out.Result), cmp.Or(out.Text, "已收到，工作人员将人工核对并与您联系")
		return wire.Reply(http.StatusAccepted, a)
	case adapters.Ignored:
		return wire.Reply(http.StatusOK, answer{Status: string(out.Result), Receipt: out.Delivery, Text: cmp.Or(out.Text, "已收到，无需处理")})
	case adapters.Conflicting:
		return wire.Problem(http.StatusConflict, cmp.Or(out.Code, "request.conflict"), "同一编号已提交过不同内容",
			"clientReportId 已用于另一份内容。若是新的诉求，请换一个编号重新提交。", out.Errors)
	case adapters.Rejected:
		return wire.Problem(http.StatusUnprocessableEntity, cmp.Or(out.Code, codeInvalid), "提交内容有误", out.Text, out.Errors)
	case adapters.Refused:
		r := wire.Problem(http.StatusUnauthorized, "delivery.unauthenticated", "未通过身份验证", "", nil)
		r.Header.Set("WWW-Authenticate", "Bearer")
		return r
	default:
		// Unavailable, and whatever may be added: without a word that it is kept, the app tries again.
		r := wire.Problem(http.StatusServiceUnavailable, cmp.Or(out.Code, "store.unavailable"), "系统繁忙，请稍后重试", "内容尚未保存，请勿关闭页面。", nil)
		return wire.RetryAfter(r, out.RetryAfter)
	}
}

func accepted(out adapters.Outcome) answer {
	a := answer{Status: string(adapters.Accepted), Receipt: out.Delivery, Text: cmp.Or(out.Text, "您的诉求已受理")}
	if len(out.Tickets) > 0 {
		t := out.Tickets[0]
		a.Number, a.Code, a.Unit, a.Joined, a.Emergency = t.Number, t.Code, t.Unit, t.Joined, t.Emergency
	}
	return a
}
