package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
)

// lend is what channels are lent when they are built.
type lend struct {
	registry *adapters.Registry
	http     *http.Client
	secret   func(adapters.SecretRef) (string, error)
	log      *slog.Logger
	now      func() time.Time
}

// buildCity makes a pack ready for use. All channels that cannot be built are named at once.
func buildCity(p *config.Pack, l lend) (*city.City, error) {
	c := &city.City{
		ID: p.City.ID, Name: p.City.Name, Title: p.City.Title, Hash: p.Hash, Prefix: p.City.Prefix, AreaCode: p.City.AreaCode,
		Zone:   p.City.Location,
		Bounds: p.City.Bounds.Box(),
		Rules:  p.Ruleset, Classifier: p.Classifier, Policies: p.PolicySet, DefaultPolicy: p.City.DefaultPolicy, Calendar: p.Calendar,
		Calendars: p.NewestCalendars(),
		Channels:  make(map[string]*city.Channel, len(p.Channels)), Reasons: make(map[string]city.Reason, len(p.Reasons)),
		Keep:     keepOf(p),
		DutyUnit: p.DutyUnit(), Notices: p.Notices, AllowHosts: p.City.AllowHosts, Say: p.Text,
		Roster: p.Roster, AlertRules: p.AlertRules,
	}
	for _, r := range p.Reasons {
		c.Reasons[r.Code] = city.Reason{Code: r.Code, Title: r.Title, Basis: r.Basis, Advice: r.Advice, For: r.For, Evidence: r.Evidence}
	}
	var problems []error
	for _, ch := range p.Channels {
		if !ch.On() {
			continue
		}
		built, err := buildChannel(p, ch, l)
		if err != nil {
			problems = append(problems, ch.Problem(err))
			continue
		}
		c.Channels[ch.ID] = built
	}
	return c, errors.Join(problems...)
}

func buildChannel(p *config.Pack, ch config.Channel, l lend) (*city.Channel, error) {
	spec, ok := l.registry.Lookup(ch.Adapter)
	if !ok {
		return nil, fmt.Errorf("adapter %q is not in this build", ch.Adapter)
	}
	info := p.ForAdapter(ch)
	a, err := spec.New(ch.Settings, adapters.Deps{
		Channel: info, HTTP: l.http, Secret: l.secret, Log: l.log.With(slog.String("channel", ch.ID)), Now: l.now,
	})
	if err != nil {
		return nil, err
	}
	return &city.Channel{Channel: info, Spec: spec, Adapter: a, PerMin: ch.Rate.PerMinute, Example: ch.Example, Training: ch.Training}, nil
}
