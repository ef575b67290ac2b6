package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// What the classifier says reaches the desk as the description has it.
func TestTheClassifiersWordFitsTheDescription(t *testing.T) {
	t.Parallel()
	o := open(t)
	_, c := describe(t)
	c.t = t
	for _, login := range []string{"agent", "desk"} {
		o.as(login).Transport = c
	}
	for key, tt := range map[string]struct{ text, says string }{
		"sure":   {"楼下餐馆炒菜的烟直往楼上跑，窗户都不敢开", `"stage":"classifier"`},
		"unsure": {"他们家天天这样，能不能管一管", `"suggestions":[{"category":{"id":"`},
	} {
		number, _ := o.Register(key, map[string]any{"text": tt.text, "place": map[string]any{"address": "临沂市兰山区银雀山街道"}})
		if view := o.Get("desk", "/tickets/"+number).Is(http.StatusOK); !strings.Contains(string(view.body), tt.says) {
			t.Errorf("%s: the ticket does not say %s:\n%s", key, tt.says, view.body)
		}
		if why := o.Get("desk", "/tickets/"+number+"/explanation").Is(http.StatusOK); !strings.Contains(string(why.body), `"classified":{"model":"`) {
			t.Errorf("%s: the explanation does not name the model:\n%s", key, why.body)
		}
	}
}
