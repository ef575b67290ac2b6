package intake_test

import (
	"testing"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

const lanshan = "临沂市兰山区银雀山街道"

// smoke is a complaint in words that are no keywords of its category.
const smoke = "楼下餐馆炒菜的烟直往楼上跑，窗户都不敢开"

func about(key, text, hint string) ticket.Request {
	return ticket.Request{Key: key, Kind: ticket.KindCase, Text: text, Category: hint, Place: ticket.Place{Address: lanshan}, Appellant: person(len(key) * 7)}
}

func TestTheClassifierNamesWhatNobodyElseDoes(t *testing.T) {
	t.Parallel()
	o := open(t)
	item := o.Post("app", about("1", smoke, "")).Is(adapters.Accepted).OwnedBy("兰山区人民政府").Ticket()
	said := item.Decision.Classified
	if item.Category != "04.01.01" || said == nil || said.Category != "04.01.01" || len(said.Model) != 12 || len(said.Grams) == 0 || said.Confidence < 0.9 {
		t.Errorf("category %s by %+v", item.Category, said)
	}
	history, err := o.store.History(t.Context(), item.ID)
	if err != nil {
		t.Fatal(err)
	}
	if kept := history[0].Details.Decision.Classified; kept == nil || kept.Model != said.Model {
		t.Errorf("the first event keeps %+v", kept)
	}
	o.chainsHold()
}

func TestTheClassifierIsNotAskedWhereTheChannelOrTheKeywordsSpeak(t *testing.T) {
	t.Parallel()
	o := open(t)
	for key, tt := range map[string]struct{ text, hint, want string }{
		"hint":    {smoke, "02.01.01", "02.01.01"},
		"keyword": {"晚上路灯不亮，楼下餐馆炒菜有烟", "", "01.03.03"},
	} {
		item := o.Post("app", about(key, tt.text, tt.hint)).Is(adapters.Accepted).Ticket()
		if item.Category != tt.want || item.Decision.Classified != nil {
			t.Errorf("%s: category %s, want %s; the classifier said %+v", key, item.Category, tt.want, item.Decision.Classified)
		}
	}
	stranger := o.Post("app", about("a hint nobody knows", smoke, "餐饮")).Is(adapters.Accepted).Ticket()
	if stranger.Category != "04.01.01" {
		t.Errorf("a hint that the pack does not know leaves category %q", stranger.Category)
	}
}

func TestWhereTheClassifierIsNotSureItSuggests(t *testing.T) {
	t.Parallel()
	o := open(t)
	item := o.Post("app", about("1", "他们家天天这样，能不能管一管", "")).Is(adapters.Accepted).Ticket()
	said := item.Decision.Classified
	if item.Category != "" || said == nil || said.Category != "" || len(said.Suggestions) != 3 {
		t.Errorf("category %q, the classifier said %+v", item.Category, said)
	}
}
