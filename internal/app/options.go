package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"
)

// Options are the settings of a running gateway. The zero value is not enough: Data is required,
// and City too before the first pack was published.
type Options struct {
	Where
	City           string           // folder of a city pack to publish; empty: the active pack of the store
	Listen         string           // host:port
	PublicURL      string           // as citizens and platforms reach us; empty: http://Listen
	TrustedProxies []netip.Prefix   // whose X-Forwarded-For is believed
	Demo           bool             // accelerated clock, demo accounts and secrets, loopback only
	Speed          float64          // of the demo's clock; 0 means 120
	Clock          func() time.Time // tells a demo's time instead of its own clock, for tests
	Shadow         string           // folder of a candidate pack that decides beside the one in force; empty: none
	Retention      string           // hour of the night, 15:04 of the city, to end what was kept long enough; empty: never
	LogLevel       string           // debug, info, warn, error
	LogFormat      string           // text, json
	Out            io.Writer        // what people read: addresses, demo accounts
	Log            io.Writer        // the log
	Getenv         func(string) string
}

// validate fills in defaults and refuses what cannot work, naming the flag and the remedy.
func (o *Options) validate() error {
	var problems []error
	if o.Data == "" {
		problems = append(problems, errors.New("--data is empty: name the folder that keeps the city's data"))
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8080"
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		problems = append(problems, fmt.Errorf("--listen %q: %w; write host:port, for example 127.0.0.1:8080", o.Listen, err))
	}
	if _, err := time.Parse("15:04", o.Retention); o.Retention != "" && err != nil {
		problems = append(problems, fmt.Errorf("--retention %q: write an hour of the day as 03:30", o.Retention))
	}
	if o.Demo {
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			problems = append(problems, fmt.Errorf("--listen %q: a demo has known passwords and answers on loopback only; use 127.0.0.1", o.Listen))
		}
	}
	if o.PublicURL == "" {
		o.PublicURL = "http://" + o.Listen
	}
	if u, err := url.Parse(o.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		problems = append(problems, fmt.Errorf("--public-url %q is not an http(s) address", o.PublicURL))
	}
	if o.Speed == 0 {
		o.Speed = 120
	}
	if o.Speed < 1 || o.Speed > 3600 {
		problems = append(problems, fmt.Errorf("--speed %v: from 1 (real time) to 3600 (an hour a second)", o.Speed))
	}
	return errors.Join(problems...)
}

func (w Where) path(name string) string { return filepath.Join(w.Data, name) }
