package desk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestASilenceNamesWhatWhyAndUntilWhen(t *testing.T) {
	t.Parallel()
	o := open(t)
	duty := desk.Viewer{Login: "duty1", Roles: []string{"duty"}}
	soon := o.now.Add(time.Hour)
	for name, tt := range map[string]struct {
		n     desk.NewSilence
		field string
	}{
		"no reason":        {desk.NewSilence{Unit: "b-chengguan", Until: soon}, "reason"},
		"everything":       {desk.NewSilence{Reason: "太吵", Until: soon}, "unit"},
		"unknown unit":     {desk.NewSilence{Reason: "割接", Unit: "b-nobody", Until: soon}, "unit"},
		"unknown level":    {desk.NewSilence{Reason: "割接", Level: "purple", Until: soon}, "level"},
		"unknown clock":    {desk.NewSilence{Reason: "割接", Clock: "lunch", Until: soon}, "clock"},
		"unknown chat":     {desk.NewSilence{Reason: "割接", Destination: "nowhere", Until: soon}, "destination"},
		"already over":     {desk.NewSilence{Reason: "割接", Level: "red", Until: o.now}, "until"},
		"no end in sight":  {desk.NewSilence{Reason: "割接", Level: "red", Until: o.now.AddDate(0, 1, 0)}, "until"},
		"a reason too far": {desk.NewSilence{Reason: strings.Repeat("因", 201), Level: "red", Until: soon}, "reason"},
	} {
		_, err := o.desk.Silence(t.Context(), duty, tt.n)
		var e *ticket.Error
		if !errors.As(err, &e) || e.Kind != ticket.Invalid || e.Fields[0].Name != tt.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	made, err := o.desk.Silence(t.Context(), duty, desk.NewSilence{Reason: "系统割接", Unit: "b-chengguan", Level: "yellow", Until: soon})
	if err != nil || !made.Active || made.Unit.Title == "" || made.Level.Title != "黄牌" || made.Author != "duty1" || !strings.Contains(made.Note, "法定时限") {
		t.Errorf("made %+v, %v", made, err)
	}
}

func TestAUnitSilencesItselfOnly(t *testing.T) {
	t.Parallel()
	o := open(t)
	soon := o.now.Add(time.Hour)
	district := desk.Viewer{Login: "d1", Roles: []string{"duty"}, Unit: "d-371302"}
	for _, n := range []desk.NewSilence{{Reason: "割接", Level: "red", Until: soon}, {Reason: "割接", Unit: "b-chengguan", Until: soon}} {
		if _, err := o.desk.Silence(t.Context(), district, n); !ticket.IsKind(err, ticket.Forbidden) {
			t.Errorf("%+v: %v", n, err)
		}
	}
	own, err := o.desk.Silence(t.Context(), district, desk.NewSilence{Reason: "割接", Unit: "s-371302105", Until: soon})
	if err != nil {
		t.Fatal(err)
	}
	city, err := o.desk.Silence(t.Context(), desk.Viewer{Login: "duty1", Roles: []string{"duty"}}, desk.NewSilence{Reason: "割接", Unit: "b-chengguan", Until: soon})
	if err != nil {
		t.Fatal(err)
	}
	list, err := o.desk.Silences(t.Context(), district, true, 10)
	if err != nil || len(list) != 1 || list[0].ID != own.ID {
		t.Errorf("the district sees %+v, %v", list, err)
	}
	if err := o.desk.EndSilence(t.Context(), district, city.ID); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("it ends the city's: %v", err)
	}
	if err := o.desk.EndSilence(t.Context(), district, own.ID); err != nil {
		t.Errorf("it cannot end its own: %v", err)
	}
	if err := o.desk.EndSilence(t.Context(), district, own.ID); !ticket.IsKind(err, ticket.NotFound) { // it has ended, and is on no list of theirs
		t.Errorf("ended twice: %v", err)
	}
}
