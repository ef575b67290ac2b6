package api

import (
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// me is who is logged in and what the account may do.
type me struct {
	Login      string          `json:"login"`
	Name       string          `json:"name"`
	Roles      []string        `json:"roles"`
	Rights     []desk.Right    `json:"rights"`
	Actions    []ticket.Action `json:"actions"`
	Unit       string          `json:"unit,omitempty"`
	Region     string          `json:"region,omitempty"`
	Posts      []string        `json:"posts"`
	MustChange bool            `json:"must_change"` // the password, before anything else
}

func meOf(u store.User) me {
	v := viewerOf(u)
	m := me{
		Login: u.Login, Name: u.Name, Roles: append([]string{}, u.Roles...), Rights: []desk.Right{}, Actions: []ticket.Action{}, Unit: u.Unit, Region: u.Region,
		Posts: append([]string{}, u.Posts...), MustChange: u.MustChange,
	}
	for _, r := range desk.Roles {
		for _, right := range r.Rights {
			if v.Can(right) && !slices.Contains(m.Rights, right) {
				m.Rights = append(m.Rights, right)
			}
		}
	}
	for _, a := range ticket.Actions {
		if v.MayDo(a) {
			m.Actions = append(m.Actions, a)
		}
	}
	return m
}

func (a *API) getMe(k *call) error { return k.JSON(meOf(k.user)) }

func (a *API) postLogin(k *call) error {
	if err := a.mayGuess(k.Ctx, "login"); err != nil {
		return err
	}
	var body struct {
		Login    string `json:"login" validate:"required,max=64"`
		Password string `json:"password" validate:"required,max=256"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	if !a.ownOrigin(k.Ctx) {
		return ticket.Errorf(ticket.Forbidden, "request.cross_site", "请求来自其他网站，已拒绝")
	}
	secret, u, err := a.Accounts.Login(k.UserContext(), body.Login, body.Password)
	if err != nil {
		return err
	}
	a.setCookie(k.Ctx, secret)
	return k.JSON(meOf(u))
}

func (a *API) setCookie(c *fiber.Ctx, secret string) {
	cookie := fiber.Cookie{Name: a.cookieName(), Value: secret, Path: "/", HTTPOnly: true, Secure: a.https(), SameSite: fiber.CookieSameSiteStrictMode, SessionOnly: true}
	if secret == "" {
		cookie.MaxAge, cookie.Expires = -1, time.Unix(1, 0)
		cookie.SessionOnly = false
	}
	c.Cookie(&cookie)
}

func (a *API) postLogout(k *call) error {
	if k.secret != "" {
		if err := a.Accounts.Logout(k.UserContext(), k.viewer.Login, k.secret); err != nil {
			return err
		}
	}
	a.setCookie(k.Ctx, "")
	return k.SendStatus(http.StatusNoContent)
}

func (a *API) postPassword(k *call) error {
	if err := a.mayGuess(k.Ctx, "login"); err != nil {
		return err
	}
	var body struct {
		Old string `json:"old" validate:"required,max=256"`
		New string `json:"new" validate:"required,max=256"`
	}
	if err := a.body(k, &body); err != nil {
		return err
	}
	if err := a.Accounts.ChangePassword(k.UserContext(), k.viewer.Login, body.Old, body.New); err != nil {
		return err
	}
	a.setCookie(k.Ctx, "") // every session of the account has ended
	return k.SendStatus(http.StatusNoContent)
}

// user is an account as the page of accounts shows it.
type user struct {
	Login       string    `json:"login"`
	Name        string    `json:"name"`
	Roles       []string  `json:"roles"`
	Unit        string    `json:"unit,omitempty"`
	Region      string    `json:"region,omitempty"`
	Posts       []string  `json:"posts"`
	Machine     bool      `json:"machine"`
	MustChange  bool      `json:"must_change"`
	Disabled    bool      `json:"disabled"`
	LockedUntil time.Time `json:"locked_until,omitzero"`
	CreatedAt   time.Time `json:"created_at"`
}

func (a *API) getUsers(k *call) error {
	users, err := a.Store.Users(k.UserContext())
	if err != nil {
		return err
	}
	list := make([]user, 0, len(users))
	for _, u := range users {
		list = append(list, user{
			Login: u.Login, Name: u.Name, Roles: append([]string{}, u.Roles...), Unit: u.Unit, Region: u.Region, Posts: append([]string{}, u.Posts...),
			Machine: u.Password == "", MustChange: u.MustChange, Disabled: u.Disabled, LockedUntil: u.LockedUntil, CreatedAt: u.CreatedAt,
		})
	}
	return k.JSON(items(list))
}

// newUser is an account to make: of a person, with a first password, or of a system, with a token.
type newUser struct {
	Login    string   `json:"login" validate:"required,max=64,printascii"`
	Name     string   `json:"name" validate:"required,max=100"`
	Password string   `json:"password" validate:"max=256"`
	Machine  bool     `json:"machine"`
	Roles    []string `json:"roles" validate:"required,min=1,max=10"`
	Unit     string   `json:"unit" validate:"max=64"`
	Region   string   `json:"region" validate:"max=64"`
	Posts    []string `json:"posts" validate:"max=20,dive,required,max=128"`
}

func (a *API) postUser(k *call) error {
	var body newUser
	if err := a.body(k, &body); err != nil {
		return err
	}
	if err := a.checkUser(&body); err != nil {
		return err
	}
	u := store.User{Login: body.Login, Name: clean(body.Name), Roles: body.Roles, Unit: body.Unit, Region: body.Region, Posts: body.Posts}
	answer := map[string]string{"login": u.Login}
	var err error
	if body.Machine {
		answer["token"], err = a.Accounts.CreateMachine(k.UserContext(), u)
	} else {
		err = a.Accounts.Create(k.UserContext(), u, body.Password, false)
	}
	if err != nil {
		return err
	}
	a.Log.InfoContext(k.UserContext(), "account made", slog.String("login", u.Login), slog.Any("roles", u.Roles), slog.String("by", k.viewer.Login))
	return k.Status(http.StatusCreated).JSON(answer)
}

// checkUser checks roles and scope against the table and the pack.
func (a *API) checkUser(u *newUser) error {
	c := a.Live.Get()
	var wrong []ticket.Field
	for _, role := range u.Roles {
		if !slices.ContainsFunc(desk.Roles, func(r desk.Role) bool { return r.ID == role }) {
			wrong = append(wrong, ticket.Field{Name: "roles", Message: "没有角色 " + role})
		}
	}
	unit, known := c.Rules.Unit(u.Unit)
	switch {
	case u.Unit == "" && (slices.Contains(u.Roles, "unit_handler") || slices.Contains(u.Roles, "unit_head")):
		wrong = append(wrong, ticket.Field{Name: "unit", Message: "承办单位的角色须写明单位"})
	case u.Unit != "" && (!known || unit.Retired != ""):
		wrong = append(wrong, ticket.Field{Name: "unit", Message: "承办单位不存在或已撤销"})
	}
	if _, known := c.Rules.Region(u.Region); u.Region != "" && !known {
		wrong = append(wrong, ticket.Field{Name: "region", Message: "没有这个区划"})
	}
	posts := map[string]bool{}
	for _, unit := range a.Desk.Units() {
		for _, p := range unit.Posts {
			posts[p.ID] = true
		}
	}
	for _, post := range u.Posts {
		if !posts[post] {
			wrong = append(wrong, ticket.Field{Name: "posts", Message: "没有岗位 " + post})
		}
	}
	switch {
	case u.Machine && u.Password != "":
		wrong = append(wrong, ticket.Field{Name: "password", Message: "系统账号使用令牌，不设密码"})
	case !u.Machine && u.Password == "":
		wrong = append(wrong, ticket.Field{Name: "password", Message: "不能为空"})
	}
	if wrong != nil {
		return &ticket.Error{Kind: ticket.Invalid, Code: "body.invalid", Message: "请按提示修改", Fields: wrong}
	}
	return nil
}

func (a *API) postDisable(k *call) error {
	login := k.Params("login")
	if login == k.viewer.Login {
		return ticket.Errorf(ticket.Conflict, "user.self", "不能停用自己的账号")
	}
	if err := a.Accounts.Disable(k.UserContext(), login); err != nil {
		return err
	}
	a.Log.InfoContext(k.UserContext(), "account disabled", slog.String("login", login), slog.String("by", k.viewer.Login))
	return k.SendStatus(http.StatusNoContent)
}
