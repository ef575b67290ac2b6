package app

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/demo"
)

// SendDemo sends the storm day to a demo gateway, with the channels as the pack in dir sets them. It
// returns demo.ErrDiffers when the day did not end as it must; the table has been printed then.
func SendDemo(ctx context.Context, dir string, o demo.Options) error {
	p, err := LoadPack(dir)
	if err != nil {
		return err
	}
	channels := make(map[string]demo.Channel, len(p.Channels))
	var problems []error
	for _, ch := range p.Channels {
		if !ch.On() {
			continue
		}
		settings := map[string]any{}
		if err := ch.Settings.Decode(&settings); err != nil {
			problems = append(problems, ch.Problem(err))
		}
		channels[ch.ID] = demo.Channel{ID: ch.ID, Title: ch.Title, Settings: settings}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	for _, u := range p.Units {
		if u.Notify != nil && u.Kind == "emergency" {
			o.Desks = append(o.Desks, demo.Desk{Unit: u.ID, URL: u.Notify.URL, Secret: u.Notify.Secret})
		}
	}
	for i := range p.Notices.Destinations {
		to := &p.Notices.Destinations[i]
		o.Pages = append(o.Pages, demo.PageSink{Title: to.Title, Kind: to.Kind, URL: to.URL, Token: to.Token, Secret: to.Secret})
	}
	o.Channel = func(id string) (demo.Channel, bool) {
		c, ok := channels[id]
		return c, ok
	}
	o.Secret = func(ref string) string { return config.DemoSecret(adapters.SecretRef(ref)) }
	o.Zone, o.Password = p.City.Location, demoPassword
	if o.Wall == nil {
		o.Wall = time.Now
	}
	return demo.Run(ctx, o)
}

// Demo sends the storm day to the gateway at an address and prints what became of it. ErrChecks says
// that the table, which has been printed, shows what differs.
func Demo(ctx context.Context, to, dir string, asJSON bool, out io.Writer) error {
	err := SendDemo(ctx, dir, demo.Options{To: to, JSON: asJSON, Out: out})
	switch {
	case errors.Is(err, demo.ErrDiffers):
		return ErrChecks
	case errors.Is(err, context.Canceled):
		return errors.New("the demo was stopped; what it sent stays, the next run has places and people of its own")
	}
	return err
}
