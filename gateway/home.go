package gateway

import (
	"bytes"
	_ "embed"
	"html/template"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/gateway/api"
	"github.com/citizen-hotline/gateway/gateway/desk"
)

//go:embed home.html
var homeHTML string

var homePage = template.Must(template.New("home").Parse(homeHTML))

// home is the page at /: what this is, and in plain numbers how it goes. The console comes later.
func (s *Server) home(c *fiber.Ctx) error {
	city := s.Live.Get()
	data := struct {
		Title, Now, API string
		Channels        int
		Counts          desk.Counts
		Counted         bool
		Demo            *DemoInfo
		Duty            []desk.OnDuty // in a demo alone: who is on duty is not for everybody
		Groups          []desk.AlertGroup
	}{Title: city.Title, Now: s.Now().In(city.Zone).Format("2006-01-02 15:04"), API: api.Prefix + "/docs", Channels: len(city.Channels), Demo: s.Demo}
	if counts, err := s.Desk.Counts(c.UserContext()); err == nil {
		data.Counts, data.Counted = counts, true
	}
	if s.Demo != nil {
		if err := s.demoDuty(c, &data.Duty, &data.Groups); err != nil {
			return err
		}
	}
	var page bytes.Buffer
	if err := homePage.Execute(&page, data); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(page.Bytes())
}

// demoDuty is what the first page of a demo shows of the duty room.
func (s *Server) demoDuty(c *fiber.Ctx, on *[]desk.OnDuty, groups *[]desk.AlertGroup) (err error) {
	viewer := desk.Viewer{Login: "demo", Roles: []string{"duty"}}
	if *on, err = s.Desk.Duty(c.UserContext(), viewer, "", s.Now()); err != nil {
		return err
	}
	all, err := s.Desk.AlertGroups(c.UserContext(), viewer, desk.AlertQuery{Open: true})
	*groups = all.Items[:min(len(all.Items), homeGroups)]
	return err
}

// homeGroups is how many lines of alerts the first page shows; the duty page has all.
const homeGroups = 12
