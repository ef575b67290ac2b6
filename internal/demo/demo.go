// Package demo is the storm day in Linyi, as data and as senders: what citizens, agents, observers,
// grid workers, sensors and other hotlines send between 08:30 and 10:07, in each channel's own wire
// format, signed with the demo's secrets, and what must become of it.
//
// It is a client. It knows a gateway by its HTTP interface alone and holds none of its code; that
// is why it can be believed when it says that nothing was lost.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say where the day is sent and with what. To, Channel, Secret and Wall are required.
type Options struct {
	To string // address of the gateway, http://127.0.0.1:8080
	// Channel gives what the city's pack says of a channel; ok is false when it has none of that id.
	Channel func(id string) (c Channel, ok bool)
	Secret  func(ref string) string // what a secret reference of the pack stands for
	Desks   []Desk                  // emergency units whose own systems the demo plays
	Pages   []PageSink              // destinations of pages that the demo plays
	Zone    *time.Location          // the city's; nil means UTC
	Out     io.Writer               // progress and table; nil means nowhere
	JSON    bool                    // only the table, as JSON
	// Run tells one run from the next: senders, keys and places follow from it, so that no run meets
	// the tickets of the one before. 0 means the ten seconds it is.
	Run  int64
	HTTP *http.Client     // nil means a client with a timeout of 15 s
	Wall func() time.Time // the world's clock
	// Until, when set, brings the gateway's clock to a moment; tests set theirs. Without it the demo waits.
	Until func(ctx context.Context, at time.Time) error
	// Password of the demo accounts.
	Password string
}

// Channel is what a sender must know of a channel: how the gateway was told to verify it.
type Channel struct {
	ID, Title string
	Settings  map[string]any
}

// Desk is the system of an emergency unit that takes notices over HTTP.
type Desk struct{ Unit, URL, Secret string }

// ErrDiffers is returned when something of the day was lost or is not as it must be. The table,
// which has been printed, says what.
var ErrDiffers = errors.New("the storm day did not end as it must: see the table")

// Accounts of the demo that the day is read back with.
const (
	dutyLogin = "duty"   // sees every ticket, the confidential ones too
	deskLogin = "desk"   // sees no confidential ticket that is not its own
	townLogin = "yitang" // the handler of 义堂镇
)

// day is one run.
type day struct {
	Options
	base   *url.URL
	wire   *wire
	clock  *clock
	sink   *sink
	places places
	desks  map[string]*account // by login
	rows   []*record
	kept   kept
}

// Run sends the storm day, waits until deadlines trip, reads everything back and prints what became of
// each. It returns ErrDiffers when anything was lost or is not as it must be, another error when the
// gateway cannot be used at all, and ctx.Err() when it was stopped.
func Run(ctx context.Context, o Options) error {
	d, err := newDay(o)
	if err != nil {
		return err
	}
	if err := d.meet(ctx); err != nil {
		return err
	}
	stop := d.openSink(ctx)
	defer stop()
	for _, s := range script() {
		if err := d.play(ctx, s); err != nil {
			return err
		}
	}
	d.say("\n来件已全部送出，等待时限触发与处置……")
	for _, s := range afternoon() {
		if err := d.play(ctx, s); err != nil {
			return err
		}
	}
	if err := d.readBack(ctx); err != nil {
		return err
	}
	d.sayPages()
	return d.report()
}

func newDay(o Options) (*day, error) {
	base, err := url.Parse(o.To)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--to %q is not an http(s) address; write http://127.0.0.1:8080", o.To)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	o.Zone = cmp.Or(o.Zone, time.UTC)
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if o.Run == 0 {
		o.Run = o.Wall().Unix() / 10
	}
	d := &day{Options: o, base: base, places: placesOf(o.Run), desks: map[string]*account{}}
	d.wire = &wire{client: o.HTTP, base: base}
	d.clock = &clock{wire: d.wire, wall: o.Wall}
	return d, nil
}

// meet finds out that the gateway is there, that it is a demo, and what time it has.
func (d *day) meet(ctx context.Context) error {
	now, err := d.clock.now(ctx)
	if err != nil {
		return fmt.Errorf("%s does not answer as a demo gateway (start one with `make run`): %w", d.To, err)
	}
	for _, login := range []string{dutyLogin, deskLogin, townLogin} {
		a := &account{login: login, password: d.Password}
		if err := d.wire.open(ctx, a); err != nil {
			return fmt.Errorf("log in as %s: %w; is %s a gateway started with --demo?", login, err, d.To)
		}
		d.desks[login] = a
	}
	d.say("临沂暴雨日  %s  网关时间 %s，约 %.0f 倍速，第 %d 场", d.To, now.In(d.Zone).Format("2006-01-02 15:04"), d.clock.speed, d.Run)
	return nil
}

// play runs one scene and prints its line. What goes wrong in a scene is its row's; only a stopped
// demo ends the day.
func (d *day) play(ctx context.Context, s scene) error {
	r := &record{Row: Row{Scene: s.title, Channel: s.channel}}
	if ch, ok := d.Channel(s.channel); ok && s.channel != "" {
		r.Channel = ch.Title
	}
	d.rows = append(d.rows, r)
	if err := s.play(ctx, d, r); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.fail("%v", err)
	}
	now, err := d.clock.now(ctx)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	words := []string{now.In(d.Zone).Format("15:04"), s.title}
	for _, w := range []string{r.Number, r.Note} {
		if w != "" {
			words = append(words, w)
		}
	}
	for _, p := range r.Problems {
		words = append(words, "✗ "+p)
	}
	d.say("%s", strings.Join(words, "  "))
	return nil
}

// say prints a line of progress; in JSON mode there is none.
func (d *day) say(format string, args ...any) {
	if !d.JSON {
		fmt.Fprintf(d.Out, format+"\n", args...)
	}
}
