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
	}{Title: city.Title, Now: s.Now().In(city.Zone).Format("2006-01-02 15:04"), API: api.Prefix + "/docs", Channels: len(city.Channels), Demo: s.Demo}
	if counts, err := s.Desk.Counts(c.UserContext()); err == nil {
		data.Counts, data.Counted = counts, true
	}
	var page bytes.Buffer
	if err := homePage.Execute(&page, data); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(page.Bytes())
}
