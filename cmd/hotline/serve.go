package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/citizen-hotline/gateway/internal/app"
)

type serveCmd struct {
	whereFlags
	City      string   `help:"Folder of the city pack to publish; without it the active pack of the data folder." env:"HOTLINE_CITY" placeholder:"DIR"`
	Listen    string   `help:"Address to listen on." env:"HOTLINE_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	PublicURL string   `help:"Address as citizens and platforms reach it." env:"HOTLINE_PUBLIC_URL" placeholder:"URL"`
	Proxies   []string `name:"trusted-proxies" help:"Networks whose X-Forwarded-For is believed." env:"HOTLINE_TRUSTED_PROXIES" placeholder:"CIDR"`
	Shadow    string   `help:"Folder of a candidate pack that decides beside the one in force; nobody obeys it." env:"HOTLINE_SHADOW" placeholder:"DIR"`
	Retention string   `help:"Hour of the night to end what was kept as long as the pack says; never without it." env:"HOTLINE_RETENTION" placeholder:"03:30"`
	LogLevel  string   `help:"debug, info, warn or error." env:"HOTLINE_LOG_LEVEL" default:"info" enum:"debug,info,warn,error"`
	LogFormat string   `help:"text or json." env:"HOTLINE_LOG_FORMAT" default:"text" enum:"text,json"`
	Demo      bool     `help:"Storm day: accelerated clock, demo accounts and secrets, loopback only."`
	Speed     float64  `help:"How much faster the demo's clock runs." default:"120"`
}

// Run serves until SIGINT or SIGTERM; SIGHUP reloads the pack.
func (c *serveCmd) Run(ctx context.Context) error {
	var proxies []netip.Prefix
	for _, p := range c.Proxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return fmt.Errorf("--trusted-proxies %q: %w; write networks as 10.0.0.0/8", p, err)
		}
		proxies = append(proxies, prefix)
	}
	a, err := app.New(ctx, app.Options{
		City: c.City, Where: c.where(), Listen: c.Listen, PublicURL: c.PublicURL, TrustedProxies: proxies,
		Shadow: c.Shadow, Retention: c.Retention, Demo: c.Demo, Speed: c.Speed, LogLevel: c.LogLevel, LogFormat: c.LogFormat, Out: os.Stdout, Log: os.Stderr, Getenv: os.Getenv,
	})
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		_ = a.Close()
		return fmt.Errorf("--listen %s: %w; is another gateway running there?", c.Listen, err)
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	go func() {
		for range hangups {
			a.ReloadNow(ctx)
		}
	}()
	a.Greet(ctx)
	return a.Run(ctx, ln)
}
