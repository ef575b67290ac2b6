package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// server is a measured process.
type server struct {
	address string
	ready   time.Duration // from its start until it took deliveries
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// startTime is how long a server may take to be ready.
const startTime = time.Minute

// start runs this program again as a server and waits until it takes deliveries.
func start(ctx context.Context, what string, args ...string) (_ *server, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	s := &server{cmd: exec.CommandContext(ctx, self, append([]string{"-server", what}, args...)...)} //nolint:gosec // this program itself
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewScanner(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.kill()
		}
	}()
	word, err := s.hear(startTime)
	if err != nil {
		return nil, err
	}
	var found bool
	if s.address, found = strings.CutPrefix(word, listening+" "); !found {
		return nil, fmt.Errorf("server %s said %q instead of where it listens", what, word)
	}
	if what == "gateway" {
		if err := s.await(ctx, began); err != nil {
			return nil, err
		}
	}
	s.ready = time.Since(began)
	return s, nil
}

// await asks until the gateway says that it is ready.
func (s *server) await(ctx context.Context, began time.Time) error {
	for {
		status, body, err := fasthttp.GetTimeout(nil, "http://"+s.address+"/readyz", 5*time.Second)
		switch {
		case err == nil && status == fasthttp.StatusOK:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(began) > startTime:
			return fmt.Errorf("the gateway is not ready after %v: %d %.300s: %w", startTime, status, body, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// hear reads one line of the server's words.
func (s *server) hear(patience time.Duration) (string, error) {
	line := make(chan string, 1)
	go func() {
		defer close(line)
		if s.out.Scan() {
			line <- s.out.Text()
		}
	}()
	select {
	case word, ok := <-line:
		if !ok {
			return "", errors.Join(errors.New("the server ended before it said what was waited for"), s.out.Err())
		}
		return word, nil
	case <-time.After(patience):
		return "", fmt.Errorf("the server said nothing within %v", patience)
	}
}

// tell sends a command and waits until it is carried out.
func (s *server) tell(command string) error {
	if _, err := fmt.Fprintln(s.in, command); err != nil {
		return fmt.Errorf("tell the server to %s: %w", command, err)
	}
	_, err := s.hear(30 * time.Second)
	return err
}

// stop lets the server finish what it has begun.
func (s *server) stop() error {
	err := s.in.Close()
	return errors.Join(err, s.cmd.Wait())
}

// kill ends it as a power cut would, but for the disk's own memory.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // gone already is as good
	_ = s.cmd.Wait()
}

func (s *server) pid() int { return s.cmd.Process.Pid }
