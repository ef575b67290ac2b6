package routing

import (
	"fmt"
	"strings"
)

// Text renders the explanation for a terminal: the decision with the origin of each field, then
// rule by rule what did not hold. Rules behind a stage's winner are counted, not listed.
func (e Explanation) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "类别  %s\n", e.named(e.Category))
	e.classified(&b)
	fmt.Fprintf(&b, "区划  %s\n\n", e.named(e.Region))
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "%s  %s\n    ← %s · %s%s\n", fieldWords[f.Field], e.values(f), stageWords[f.Stage], label(f.Rule, f.Title), located(f.Source))
	}
	if c := e.Counterexample; c != nil {
		fmt.Fprintf(&b, "反例  %s\n", c.Words)
	} else {
		fmt.Fprintf(&b, "反例  无：%s\n", e.Without)
	}
	var stage Stage
	skipped := 0
	flush := func() {
		if skipped > 0 {
			fmt.Fprintf(&b, "  … 其后 %d 条未再比对\n", skipped)
		}
		skipped = 0
	}
	listRows := func() {
		if len(e.Rows) > 0 {
			fmt.Fprintf(&b, "\n%s\n", stageWords[StageCatalogue])
		}
		for _, r := range e.Rows {
			e.row(&b, r)
		}
	}
	rowsDone := false
	for _, r := range e.Rules {
		if r.Stage != stage {
			flush()
			if stage = r.Stage; stage == StageDefault {
				listRows()
				rowsDone = true
			}
			fmt.Fprintf(&b, "\n%s\n", stageWords[stage])
		}
		if r.Outcome == OutcomeNotReached {
			skipped++
			continue
		}
		r.write(&b)
	}
	flush()
	if !rowsDone {
		listRows()
	}
	return b.String()
}

func (r RuleTrace) write(b *strings.Builder) {
	sign, why := "✓", "命中"
	switch {
	case r.Failed != nil:
		sign, why = "✗", r.Failed.Words
	case len(r.Sets) == 0:
		why = "命中，但前面各级已全部认定"
	}
	fmt.Fprintf(b, "  %s %s%s：%s\n", sign, label(r.Rule, r.Title), located(r.Source), why)
	for _, h := range r.Hits {
		note := ""
		if h.Mask != "" {
			note = "，在“" + h.Mask + "”中，不计"
		}
		fmt.Fprintf(b, "      “%s” 第 %d–%d 字节%s\n", h.Word, h.Start, h.End, note)
	}
}

func (e Explanation) row(b *strings.Builder, r RowTrace) {
	sign := " "
	if r.Won {
		sign = "✓"
	}
	anyOr := func(id string) string {
		if id == "" {
			return "任意"
		}
		return id
	}
	fmt.Fprintf(b, "  %s %s%s：%s × %s → %s\n", sign, r.Row, located(r.Source), anyOr(r.Category), anyOr(r.Region), e.named(r.Unit))
}

// named is "name (id)" where the name is known.
func (e Explanation) named(id string) string {
	switch name := e.names[id]; {
	case id == "":
		return "未知"
	case name == "" || name == id:
		return id
	default:
		return name + "（" + id + "）"
	}
}

func (e Explanation) values(f FieldTrace) string {
	names := make([]string, len(f.Values))
	for i, v := range f.Values {
		switch f.Field {
		case FieldUnit, FieldAssist:
			names[i] = e.named(v)
		case FieldUrgency:
			names[i] = urgencyWords[v]
		default:
			names[i] = v
		}
	}
	return strings.Join(names, "、")
}

func label(id, title string) string {
	if title == "" {
		return id
	}
	return id + " " + title
}

func located(s Source) string {
	if s.File == "" {
		return ""
	}
	return fmt.Sprintf("（%s:%d）", s.File, s.Line)
}
