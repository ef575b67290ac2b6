package desk

import (
	"cmp"
	"slices"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

// Unit is a unit of the pack as forms and filters need it.
type Unit struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Kind     string `json:"kind"`
	Parent   string `json:"parent,omitempty"`
	Region   string `json:"region,omitempty"`
	External bool   `json:"external,omitempty"`
	Retired  string `json:"retired,omitempty"`
	Posts    []Post `json:"posts,omitempty"`
}

// Post is a position in a unit.
type Post struct {
	ID    string `json:"id"`
	Role  string `json:"role"`
	Title string `json:"title"`
}

// Node is a node of the category or region tree.
type Node struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Parent string `json:"parent,omitempty"`
	Level  string `json:"level,omitempty"`  // of a region
	Public bool   `json:"public,omitempty"` // of a category: citizens may choose it
}

// Reason is a coded reason a person may give for an action.
type Reason struct {
	Code    string   `json:"code"`
	Title   string   `json:"title"`
	Basis   string   `json:"basis,omitempty"`
	Advice  string   `json:"advice,omitempty"`
	Actions []string `json:"actions"`

	Evidence bool `json:"evidence,omitempty"` // may be asked for only with an attachment that proves it
}

// Channel is a channel with what its adapter can do.
type Channel struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Adapter string   `json:"adapter"`
	Source  string   `json:"source"`
	Line    string   `json:"line,omitempty"`
	Example bool     `json:"example,omitempty"` // the line's name is invented
	PerMin  int      `json:"per_minute,omitempty"`
	Powers  []string `json:"powers"`
}

// RoleView is a role as the pages of accounts show it.
type RoleView struct {
	ID      string          `json:"id"`
	Title   string          `json:"title"`
	Sight   string          `json:"sight"`
	Actions []ticket.Action `json:"actions"`
	Rights  []Right         `json:"rights"`
}

// Units lists the units of the pack in its order.
func (d *Desk) Units() []Unit {
	c := d.Live.Get()
	list := make([]Unit, 0, len(c.Rules.Units()))
	for _, u := range c.Rules.Units() {
		row := Unit{ID: u.ID, Title: u.Name, Kind: u.Kind, Parent: u.Parent, Region: u.Region, External: u.External, Retired: u.Retired}
		for _, p := range u.Posts {
			row.Posts = append(row.Posts, Post{ID: p.ID, Role: p.Role, Title: p.Title})
		}
		list = append(list, row)
	}
	return list
}

// Categories lists the category tree in the pack's order.
func (d *Desk) Categories() []Node {
	c := d.Live.Get()
	list := make([]Node, 0, len(c.Rules.Categories()))
	for _, k := range c.Rules.Categories() {
		list = append(list, Node{ID: k.ID, Title: k.Name, Parent: k.Parent, Public: k.Public})
	}
	return list
}

// Regions lists the region tree in the pack's order.
func (d *Desk) Regions() []Node {
	c := d.Live.Get()
	list := make([]Node, 0, len(c.Rules.Regions()))
	for _, r := range c.Rules.Regions() {
		list = append(list, Node{ID: r.ID, Title: r.Name, Parent: r.Parent, Level: r.Level})
	}
	return list
}

// Reasons lists the coded reasons of the pack by code.
func (d *Desk) Reasons() []Reason {
	c := d.Live.Get()
	list := make([]Reason, 0, len(c.Reasons))
	for _, r := range c.Reasons {
		list = append(list, Reason{Code: r.Code, Title: r.Title, Basis: r.Basis, Advice: r.Advice, Actions: append([]string{}, r.For...), Evidence: r.Evidence})
	}
	slices.SortFunc(list, func(a, b Reason) int { return cmp.Compare(a.Code, b.Code) })
	return list
}

// Channels lists the channels of the pack by id.
func (d *Desk) Channels() []Channel {
	c := d.Live.Get()
	list := make([]Channel, 0, len(c.Channels))
	for _, ch := range c.Channels {
		list = append(list, Channel{
			ID: ch.ID, Title: ch.Title, Adapter: ch.Spec.Name, Source: string(ch.Source), Line: ch.Line, Example: ch.Example,
			PerMin: ch.PerMin, Powers: append([]string{}, adapters.Powers(ch.Adapter)...),
		})
	}
	slices.SortFunc(list, func(a, b Channel) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// RoleViews lists the roles.
func (d *Desk) RoleViews() []RoleView {
	list := make([]RoleView, 0, len(Roles))
	for _, r := range Roles {
		list = append(list, RoleView{ID: r.ID, Title: r.Title, Sight: r.Personal.String(), Actions: append([]ticket.Action{}, r.Actions...), Rights: append([]Right{}, r.Rights...)})
	}
	return list
}
