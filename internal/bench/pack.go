package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/citizen-hotline/gateway/config"
)

var perMinute = regexp.MustCompile(`per_minute: *\d+`)

// benchPack copies the pack into dir with the channels' rate limits taken away: they exist to stop
// what the load generator does. Nothing else is changed.
func benchPack(from, dir string) (*config.Pack, error) {
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		return nil, fmt.Errorf("copy the pack %s: %w", from, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "channels", "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		b, err := os.ReadFile(name) //nolint:gosec // the copy just made
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, perMinute.ReplaceAll(b, []byte("per_minute: 0")), 0o600); err != nil { //nolint:gosec // the copy just made
			return nil, err
		}
	}
	p, err := config.LoadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the pack without rate limits: %w", err)
	}
	for _, ch := range p.Channels {
		if ch.ID == channel && ch.Rate.PerMinute == 0 {
			return p, nil
		}
	}
	return nil, fmt.Errorf("pack %s has no channel %s to post complaints to", from, channel)
}
