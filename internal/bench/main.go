// Command bench measures the gateway and prints one table of what one run on one machine showed:
// speeds as ratios where the machine would decide otherwise, beside what design §10 asks for.
//
// It is not a test and never fails for being slow: a loaded machine is not a bug. It exits with 1
// only when something could not be measured. The load stays on the loopback interface and is
// bounded in count and in time; the measured server is a process of its own, started by running
// this program again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the city's zone must not depend on the machine

	"github.com/citizen-hotline/gateway/internal/app"
)

// bench is one run.
type bench struct {
	city     string    // folder of the pack that is measured
	dir      string    // everything the run writes; removed at its end
	short    bool      // about a minute in all
	open     int       // open tickets of part ladder
	cpu      string    // where the CPU profile of part load is kept
	progress io.Writer // what is being done, for the person who waits
	table    table
	notes    []string // what stands below the table
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.progress, format+"\n", args...) }

// either picks the full or the short length of something.
func either[T any](b *bench, full, short T) T {
	if b.short {
		return short
	}
	return full
}

// part is a group of rows that are measured together.
type part struct {
	name, help string
	run        func(*bench, context.Context) error
}

var parts = []part{
	{"route", "routing and compiling rules, beside a naive loop", (*bench).route},
	{"clocks", "evaluating the clocks of a ticket", (*bench).clocks},
	{"ladder", "the tracker on both engines, with a city's tickets open", (*bench).ladder},
	{"grouped", "tickets that share transactions, beside one transaction each", (*bench).grouped},
	{"path", "the full durable path, beside an endpoint that does nothing", (*bench).path},
	{"postgres", "the other engine: its writer, the full path, three gateways, bytes a ticket", (*bench).postgres},
	{"load", "open loop: latency, memory, profile, kill and restart", (*bench).load},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	short := flags.Bool("short", false, "take about a minute: shorter and fewer rounds")
	only := flags.String("only", "", "comma-separated parts to measure: "+strings.Join(names(), ", ")+" (default all)")
	open := flags.Int("open", 200_000, "how many tickets are open in part ladder")
	cityDir := flags.String("city", "config/cities/linyi", "`folder` of the city pack")
	dir := flags.String("dir", "", "`folder` on the disk to measure (default: the system's for temporary files)")
	cpu := flags.String("cpuprofile", "", "keep the server's CPU profile in this `file` (part load)")
	server := flags.String("server", "", "run as the measured server: gateway or noop (the program starts itself so)")
	data := flags.String("data", "", "data `folder` of the measured gateway")
	address := flags.String("store", "", "`address` of the measured gateway's database")
	flags.Usage = func() {
		var help strings.Builder
		for _, p := range parts {
			_, _ = fmt.Fprintf(&help, "  %-8s %s\n", p.name, p.help)
		}
		_, _ = fmt.Fprintf(progress, "Measures the gateway and prints one table.\n\nParts:\n%s\nFlags:\n", help.String())
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("argument %q is not understood; -only names the parts to measure", flags.Arg(0))
	}
	if *server != "" {
		return serve(ctx, *server, *cityDir, app.Where{Data: *data, Store: *address}, os.Stdin, out)
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(*dir, "hotline-bench-")
	if err != nil {
		return fmt.Errorf("folder for the run's files: %w; name another with -dir", err)
	}
	defer os.RemoveAll(temp) //nolint:errcheck // what is left of it is the system's to clear
	b := &bench{city: filepath.Clean(*cityDir), dir: temp, short: *short, open: *open, cpu: *cpu, progress: progress}
	if b.cpu == "" {
		b.cpu = filepath.Join(temp, "cpu.pprof")
	}
	return b.measure(ctx, chosen, out)
}

// measure runs the parts and prints the table of those that went through, even when one did not.
func (b *bench) measure(ctx context.Context, chosen []part, out io.Writer) error {
	facts, err := machine(b.dir)
	if err != nil {
		return err
	}
	began := time.Now()
	var problems []error
	for _, p := range chosen {
		b.say("== %s: %s", p.name, p.help)
		if err := p.run(b, ctx); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", p.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	how := "one run of " + time.Since(began).Round(time.Second).String()
	if b.short {
		how += " with -short: too short to judge by"
	}
	_, err = fmt.Fprintf(out, "\n%s\nRatios and times are of %s, client and server sharing these cores.\n\n%s", facts, how, b.table)
	for _, n := range b.notes {
		if err == nil {
			_, err = fmt.Fprintf(out, "\n%s\n", n)
		}
	}
	return errors.Join(append(problems, err)...)
}

// choose finds the parts named by -only.
func choose(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	wanted := strings.Split(only, ",")
	var chosen []part
	for _, p := range parts {
		if slices.Contains(wanted, p.name) {
			chosen = append(chosen, p)
		}
	}
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return nil, fmt.Errorf("-only %q: there is no such part; choose of %s", name, strings.Join(names(), ", "))
		}
	}
	return chosen, nil
}

func names() []string {
	var list []string
	for _, p := range parts {
		list = append(list, p.name)
	}
	return list
}
