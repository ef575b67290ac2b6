package app

import (
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/replay"
	"github.com/citizen-hotline/gateway/ticket"
)

// saidBy is a registered ticket as it was said, for a pack to read anew.
func saidBy(t *ticket.Ticket) replay.Said {
	p := &t.Private
	category, region, typ, known := intake.Hints(t)
	f := config.TestFacts{
		Channel: t.Channel, Title: intake.SaidTitle(t), Text: p.Text, Address: p.Place.Address, Datum: p.Place.Datum,
		Category: category, Region: region, Type: typ, Kind: t.Kind, Source: t.Source,
	}
	if p.Place.HasPoint() {
		f.Point = []float64{p.Place.Lng, p.Place.Lat}
	}
	return replay.Said{Facts: f, Known: known}
}
