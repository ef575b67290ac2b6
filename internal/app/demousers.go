package app

import (
	"context"

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

// demoAccounts makes the demo's accounts where they are missing: those above, and a handler and a
// head for a town and a bureau of the pack.
func (a *App) demoAccounts(ctx context.Context) error {
	users := demoUsers
	for _, u := range a.live.Get().Rules.Units() {
		if u.Kind == "street" && u.Name == "义堂镇" || u.Kind == "street" && u.Short == "义堂" {
			users = append(users, store.User{Login: "yitang", Name: u.Name + "承办人", Roles: []string{"unit_handler"}, Unit: u.ID},
				store.User{Login: "yitang-head", Name: u.Name + "负责人", Roles: []string{"unit_head"}, Unit: u.ID})
			break
		}
	}
	for _, u := range users {
		err := a.accounts.Create(ctx, u, demoPassword, true)
		if err != nil && !ticket.IsKind(err, ticket.Duplicate) {
			return err
		}
	}
	return nil
}
