package sender

import (
	"cmp"
	"context"
	"net/url"

	"github.com/citizen-hotline/gateway/internal/paging"
)

// wecom speaks to a group robot of WeCom (https://developer.work.weixin.qq.com/document/path/91770). Its key
// is all that keeps others from writing to the group.
type wecom struct{ base }

const (
	wecomAddress = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
	wecomMost    = 4096 // bytes of markdown
)

func (s wecom) Send(ctx context.Context, m *paging.Message) error {
	answer, err := s.post(ctx, with(cmp.Or(s.address, wecomAddress), url.Values{"key": {s.token}}), map[string]any{
		"msgtype": "markdown", "markdown": map[string]string{"content": m.Markdown(wecomMost)},
	})
	if err != nil {
		return err
	}
	return s.judge(answer, "errcode", "errmsg")
}
