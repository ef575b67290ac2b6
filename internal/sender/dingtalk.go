package sender

import (
	"cmp"
	"context"
	"net/url"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/signature"
)

// dingtalk speaks to a group robot of DingTalk (https://open.dingtalk.com/document/robots/custom-robot-access).
type dingtalk struct{ base }

const (
	dingtalkAddress = "https://oapi.dingtalk.com/robot/send"
	dingtalkMost    = 20_000 // bytes of a message
)

func (s dingtalk) Send(ctx context.Context, m *paging.Message) error {
	query := url.Values{"access_token": {s.token}}
	if s.secret != "" {
		timestamp, sign := signature.SignDingTalkRobot(s.secret, s.deps.Wall())
		query.Set("timestamp", timestamp)
		query.Set("sign", sign)
	}
	title := m.Title()
	answer, err := s.post(ctx, with(cmp.Or(s.address, dingtalkAddress), query), map[string]any{
		"msgtype": "markdown", "markdown": map[string]string{"title": title, "text": m.Markdown(dingtalkMost - len(title) - 500)},
	})
	if err != nil {
		return err
	}
	return s.judge(answer, "errcode", "errmsg")
}
