package app

import (
	"context"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// demoPassword is known to all: a demo answers on loopback only and holds invented people.
const demoPassword = "storm-day-2026"

// demoUsers are one account for each role of a demo.
var demoUsers = []store.User{
	{Login: "agent", Name: "话务员", Roles: []string{"agent"}},
	{Login: "desk", Name: "分拨员", Roles: []string{"desk"}},
	{Login: "callback", Name: "回访员", Roles: []string{"callback"}},
	{Login: "duty", Name: "值班长", Roles: []string{"duty"}, Posts: []string{"centre.duty"}},
	{Login: "supervisor", Name: "督办员", Roles: []string{"supervisor"}, Posts: []string{"centre.supervision"}},
	{Login: "auditor", Name: "审计员", Roles: []string{"auditor"}},
	{Login: "integrator", Name: "渠道接入员", Roles: []string{"integrator"}},
	{Login: "admin", Name: "管理员", Roles: []string{"admin"}},
}

// demoTown is the town of the seed's flood; its handler and head have accounts in a demo.
const demoTown = "义堂镇"

// demoAccountsOf are those above, and a handler and a head of the demo's town.
func demoAccountsOf(c *city.City) []store.User {
	users := slices.Clone(demoUsers)
	for _, u := range c.Rules.Units() {
		if u.Kind == "street" && strings.Contains(u.Name, demoTown) {
			return append(users, store.User{Login: "yitang", Name: u.Name + "承办人", Roles: []string{"unit_handler"}, Unit: u.ID},
				store.User{Login: "yitang-head", Name: u.Name + "负责人", Roles: []string{"unit_head"}, Unit: u.ID})
		}
	}
	return users
}

// demoAccounts makes the demo's accounts where they are missing.
func (a *App) demoAccounts(ctx context.Context, users []store.User) error {
	for _, u := range users {
		err := a.accounts.Create(ctx, u, demoPassword, true)
		if err != nil && !ticket.IsKind(err, ticket.Duplicate) {
			return err
		}
	}
	return nil
}
