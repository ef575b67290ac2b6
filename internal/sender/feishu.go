package sender

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/signature"
)

// feishu speaks to a group robot of Feishu (https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
// The token is the last part of the hook's path.
type feishu struct{ base }

const (
	feishuAddress = "https://open.feishu.cn/open-apis/bot/v2/hook"
	feishuMost    = 20 << 10 // bytes of a request
)

func (s feishu) Send(ctx context.Context, m *paging.Message) error {
	colour := "orange"
	if m.Over {
		colour = "green"
	} else if m.Urgent || strings.Contains(strings.Join(m.Levels, " "), "red") {
		colour = "red"
	}
	title := m.Title()
	body := map[string]any{"msg_type": "interactive", "card": map[string]any{
		"header":   map[string]any{"template": colour, "title": map[string]string{"tag": "plain_text", "content": title}},
		"elements": []any{map[string]string{"tag": "markdown", "content": m.Markdown(feishuMost - len(title) - 1000)}},
	}}
	if s.secret != "" {
		body["timestamp"], body["sign"] = signature.SignFeishuRobot(s.secret, s.deps.Wall())
	}
	answer, err := s.post(ctx, strings.TrimSuffix(cmp.Or(s.address, feishuAddress), "/")+"/"+url.PathEscape(s.token), body)
	if err != nil {
		return err
	}
	// Old hooks answer StatusCode, newer ones code; some answer both.
	if err := s.judge(answer, "code", "msg"); err == nil || strings.Contains(string(answer), `"code"`) {
		return err
	}
	var old struct {
		Code *json.Number `json:"StatusCode"`
	}
	if json.Unmarshal(answer, &old) != nil || old.Code == nil {
		return &RefusalError{Destination: s.d.ID, Code: "answer", Message: "has neither code nor StatusCode"}
	}
	return s.judge(answer, "StatusCode", "StatusMessage")
}
