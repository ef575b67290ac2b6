package paging

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Item is one matter of a page: enough to find it, nothing of the citizen.
type Item struct {
	Number string    `json:"number,omitempty"` // of the ticket
	Unit   string    `json:"unit,omitempty"`   // title
	Level  string    `json:"level"`
	Clock  string    `json:"clock,omitempty"` // title
	Due    time.Time `json:"due,omitzero"`
	Text   string    `json:"text,omitempty"`
	Why    string    `json:"why"` // rule or step
}

// Listed is how many matters of a page are listed by number.
const Listed = 10

// Message is one page: what a group has for its destination.
type Message struct {
	ID          string // the same for every attempt, so that the receiver can tell a repeat
	At          time.Time
	City        string // title of the hotline
	Destination string
	Route       string
	Levels      []string
	Unit        string // title; "" when the page is about several
	UnitID      string
	Clock       string // of the group; "" when the route does not group by it
	Count       int    // matters told in this page
	Standing    int    // told before and still open
	Over        bool   // everything the group told of is over
	Repeated    bool   // everything in it was told before
	Urgent      bool   // life is in danger
	Oldest      time.Time
	Since       time.Time // when the first of them was raised
	Items       []Item    // the first of Count, most overdue first
	Why         []string  // rules and steps
	Zone        *time.Location
	Lasts       time.Duration // how long it holds without a further word
}

// levelTitles are those of docs/glossary.md.
var levelTitles = map[string]string{"remind": "提醒", "yellow": "黄牌", "red": "红牌", "supervise": "督办", "step_up": "提级", LevelAlarm: "告警"}

// LevelTitle is the Chinese name of a level.
func LevelTitle(level string) string { return cmp.Or(levelTitles[level], level) }

// Title is the page in one line.
func (m *Message) Title() string {
	var levels []string
	for _, l := range m.Levels {
		levels = append(levels, LevelTitle(l))
	}
	words := "【" + strings.Join(levels, "、") + "】"
	if m.Urgent {
		words = "【突发】"
	}
	words += m.Unit
	if m.Unit != "" {
		words += " "
	}
	switch {
	case m.Over:
		return words + "均已处置"
	case m.Count == 1 && m.Items[0].Number == "":
		return words + m.Items[0].Text
	case m.Repeated:
		words += fmt.Sprintf("%d 件仍未处置", m.Count)
	default:
		words += fmt.Sprintf("%d 件", m.Count)
	}
	if m.Standing > 0 {
		words += fmt.Sprintf("（另有 %d 件此前已通知、仍未处置）", m.Standing)
	}
	return words
}

// Lines are the matters, one a line, then what is left out, then why this was sent.
func (m *Message) Lines() []string {
	var lines []string
	if !m.Oldest.IsZero() && m.Count > 1 {
		lines = append(lines, "最早到期："+m.stamp(m.Oldest))
	}
	for i := range m.Items {
		lines = append(lines, m.line(&m.Items[i]))
	}
	if rest := m.Count - len(m.Items); rest > 0 {
		lines = append(lines, fmt.Sprintf("另有 %d 件未列出，请在控制台查看", rest))
	}
	return append(lines, m.Reason())
}

func (m *Message) line(it *Item) string {
	if it.Number == "" {
		return it.Text
	}
	parts := []string{it.Number, it.Unit}
	if it.Clock != "" {
		parts = append(parts, it.Clock)
	}
	if !it.Due.IsZero() {
		parts = append(parts, m.stamp(it.Due)+" 到期")
	}
	if it.Clock == "" && it.Text != "" {
		parts = append(parts, it.Text)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// Reason says why this was sent.
func (m *Message) Reason() string {
	why := m.Why
	more := ""
	if len(why) > 3 {
		why, more = why[:3], fmt.Sprintf(" 等 %d 条", len(m.Why))
	}
	words := "依据：" + strings.Join(why, "、") + more
	if m.Route != "" {
		words += "；路由：" + m.Route
	}
	return words
}

func (m *Message) stamp(t time.Time) string { return t.In(m.zone()).Format("1月2日 15:04") }

func (m *Message) zone() *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}

// Markdown is the page as the robots of the group chats show it, of at most limit bytes.
func (m *Message) Markdown(limit int) string {
	head := "### " + escape(m.Title()) + "\n" + escape(m.City) + "\n"
	return fit(head, "- ", escaped(m.Lines()), limit)
}

// Plain is the page as a mail says it.
func (m *Message) Plain() string {
	return m.Title() + "\n\n" + strings.Join(m.Lines(), "\n") + "\n\n" + m.City + "\n编号 " + m.ID + "\n"
}

// Short is the page as a text message says it: what is wrong and how much of it, of at most most characters.
func (m *Message) Short(most int) string {
	words := "【" + m.City + "】" + m.Title()
	if len(m.Items) > 0 && m.Items[0].Number != "" {
		words += "，" + m.line(&m.Items[0])
		if m.Count > 1 {
			words += "等"
		}
	}
	return cut(words, most)
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// fit joins lines under a head as long as limit bytes hold them, and says how many it leaves out. The last
// line, which says why, always stays.
func fit(head, bullet string, lines []string, limit int) string {
	last := bullet + lines[len(lines)-1]
	lines = lines[:len(lines)-1]
	const note = "\n- …（内容过长，其余 %d 行略）"
	room := limit - len(head) - len(last) - len(note) - 20
	var b strings.Builder
	b.WriteString(head)
	for i, l := range lines {
		if b.Len()-len(head)+len(bullet)+len(l)+1 > room {
			fmt.Fprintf(&b, strings.TrimPrefix(note, "\n")+"\n", len(lines)-i)
			break
		}
		b.WriteString(bullet + l + "\n")
	}
	b.WriteString(last)
	out := b.String()
	for len(out) > limit { // a head that is too long by itself
		out = strings.ToValidUTF8(out[:limit], "")
	}
	return out
}

// escape keeps words from being read as Markdown: names of units hold no links.
func escape(s string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "<", "＜", ">", "＞", "[", "［", "]", "］", "`", "ˋ", "*", "＊").Replace(s)
}

func escaped(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = escape(l)
	}
	return out
}
