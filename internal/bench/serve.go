package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/citizen-hotline/gateway/internal/app"
)

// This file is the measured process. The gateway in it is the one `hotline serve --demo --speed 1`
// runs; around it there is only the ear for commands:
//
//	profile FILE   begin a CPU profile
//	stop           end it
//
// The end of the input ends the process, so that it never outlives who started it.

// listening is the word by which a server says where it is.
const listening = "listening"

// serve runs a server until its input ends.
func serve(ctx context.Context, what, cityDir string, where app.Where, commands io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var run func() error
	switch what {
	case "noop":
		run = noop(ctx, ln)
	case "gateway":
		run, err = gateway(ctx, ln, cityDir, where)
	default:
		err = fmt.Errorf("-server %q: gateway or noop", what)
	}
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if _, err := fmt.Fprintln(out, listening, ln.Addr()); err != nil {
		cancel() // nobody hears; end as soon as it is up
	}
	heard := make(chan error, 1)
	go func() {
		heard <- obey(commands, out)
		cancel()
	}()
	err = run()
	if ctx.Err() == nil {
		return err // it ended by itself; nobody waits for the commands any more
	}
	return errors.Join(err, <-heard)
}

// gateway is the whole program: real pack, real store, every loop.
func gateway(ctx context.Context, ln net.Listener, cityDir string, where app.Where) (func() error, error) {
	log, err := os.OpenFile(filepath.Join(where.Data, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	a, err := app.New(ctx, app.Options{City: cityDir, Where: where, Listen: ln.Addr().String(), Demo: true, Speed: 1, Log: log, Getenv: os.Getenv})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return func() error { return errors.Join(a.Run(ctx, ln), log.Close()) }, nil
}

// noop reads the body and answers 201: what HTTP alone costs with the same framework.
func noop(ctx context.Context, ln net.Listener) func() error {
	edge := fiber.New(fiber.Config{DisableStartupMessage: true})
	edge.Post("/*", func(c *fiber.Ctx) error {
		if len(c.Body()) == 0 {
			return fiber.ErrBadRequest
		}
		return c.Status(fiber.StatusCreated).SendString(`{"status":"accepted","receipt":"018f3c2e-0000-7000-8000-000000000000","text":"您的诉求已受理"}`)
	})
	return func() error {
		stop := context.AfterFunc(ctx, func() { _ = edge.Shutdown() })
		defer stop()
		return edge.Listener(ln)
	}
}

// obey carries out commands until there are no more.
func obey(commands io.Reader, out io.Writer) error {
	var file *os.File
	end := func() error {
		if file == nil {
			return nil
		}
		pprof.StopCPUProfile()
		f := file
		file = nil
		return f.Close()
	}
	lines := bufio.NewScanner(commands)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		var err error
		switch word {
		case "profile":
			if file, err = os.Create(rest); err == nil { //nolint:gosec // the parent names it
				err = pprof.StartCPUProfile(file)
			}
		case "stop":
			err = end()
		default:
			err = fmt.Errorf("command %q is not understood", word)
		}
		if err == nil {
			_, err = fmt.Fprintln(out, "done", word)
		}
		if err != nil {
			return errors.Join(err, end())
		}
	}
	return errors.Join(lines.Err(), end())
}
