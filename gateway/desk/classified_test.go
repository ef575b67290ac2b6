package desk_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

// byClassifier is the reason why a view has its category, if the classifier gave it.
func byClassifier(v desk.View) (desk.Why, bool) {
	i := slices.IndexFunc(v.Why, func(w desk.Why) bool { return w.Field == "category" })
	if i < 0 {
		return desk.Why{}, false
	}
	return v.Why[i], true
}

func TestTheDeskSeesWhatTheClassifierWentBy(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "1", Text: "楼下餐馆炒菜的烟直往楼上跑，窗户都不敢开", Place: ticket.Place{Address: "兰山区银雀山街道"}})
	view := m.By(allocator)
	w, ok := byClassifier(view)
	if !ok || w.Title != "诉求分类" || w.Stage != "classifier" || len(w.Rule) != 12 || !slices.Equal(w.Values, []string{"生态环境/大气污染/餐饮油烟"}) ||
		!strings.HasPrefix(w.Words, "分类器认定，把握 ") || !strings.Contains(w.Words, "“炒菜”") || view.Suggestions != nil {
		t.Errorf("why %+v, suggestions %v", view.Why, view.Suggestions)
	}
	e, err := o.desk.Explain(t.Context(), allocator, m.Number)
	if err != nil || e.Now.Decision.Classified == nil || !strings.Contains(e.Text, "← 分类器 "+w.Rule) {
		t.Errorf("explained: %v\n%s", err, e.Text)
	}
	m.Does(agent, ticket.Amend, func(c *ticket.Command) { c.Details.Category = "01.01.01" })
	if w, ok := byClassifier(m.By(allocator)); ok {
		t.Errorf("the category was corrected, and the classifier still says %+v", w)
	}
}

func TestTheDeskGetsSuggestionsUntilItDecides(t *testing.T) {
	t.Parallel()
	m := open(t).Report(ticket.Request{Key: "1", Text: "他们家天天这样，能不能管一管", Place: ticket.Place{Address: "兰山区银雀山街道"}})
	view := m.By(allocator)
	if len(view.Suggestions) != 3 || view.Suggestions[0].Category.Title == "" || view.Suggestions[0].Confidence < view.Suggestions[2].Confidence || view.Category != nil {
		t.Errorf("suggestions %+v of a ticket about %v", view.Suggestions, view.Category)
	}
	m.Does(agent, ticket.Amend, func(c *ticket.Command) { c.Details.Category = view.Suggestions[1].Category.ID })
	if after := m.By(allocator); after.Suggestions != nil {
		t.Errorf("the desk has decided, and is still told %+v", after.Suggestions)
	}
}
