// Package postgrestest gives tests a real PostgreSQL server of their own: a fresh cluster in a
// temporary folder, on a free port of the loopback interface, that is gone when the tests end.
package postgrestest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a private server that is started when the first test asks for a database. The zero value
// is ready; TestMain stops it after the tests.
type Server struct {
	once     sync.Once
	err      error
	dir      string
	bin      string               // folder of the programs
	as       *syscall.SysProcAttr // who runs them
	port     int
	password string
	process  *exec.Cmd
	ended    chan struct{}
	made     atomic.Int64
	wal      string // wal_level; empty: minimal
}

// errMissing says that this machine has no PostgreSQL.
var errMissing = errors.New("no PostgreSQL 15 or newer on PATH or in /usr/lib/postgresql: install postgresql (make test does so as root on Debian)")

// Database makes an empty database and returns its address. Without PostgreSQL on the machine the test
// is skipped, but where CI is set it fails.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dsn, err := s.Make(ctx)
	if errors.Is(err, errMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// Make makes an empty database and returns its address.
func (s *Server) Make(ctx context.Context) (dsn string, err error) {
	s.once.Do(func() { s.err = s.start() }) //nolint:contextcheck // it lives longer than who asks first
	if s.err != nil {
		return "", s.err
	}
	name := fmt.Sprintf("city%d", s.made.Add(1))
	return s.DSN("postgres", s.password, name), s.exec(ctx, `CREATE DATABASE `+name+` TEMPLATE template0 ENCODING 'UTF8'`)
}

// DSN is the address of a database for a role.
func (s *Server) DSN(role, password, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database}
	return u.String()
}

// Exec carries out a statement as the superuser, in the database postgres.
func (s *Server) Exec(t testing.TB, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.exec(ctx, text); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) exec(ctx context.Context, text string) error {
	c, err := pgx.Connect(ctx, s.DSN("postgres", s.password, "postgres"))
	if err != nil {
		return err
	}
	defer c.Close(ctx) //nolint:errcheck // the statement's error tells
	_, err = c.Exec(ctx, text)
	return err
}

// Main runs the tests of a package, and ends the server after them.
func (s *Server) Main(m *testing.M) {
	code := m.Run()
	s.Stop()
	os.Exit(code)
}

// Halt ends the server as a power cut does, but for what the system still writes; Resume starts it again.
func (s *Server) Halt(t testing.TB) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGQUIT); err != nil { // immediate shutdown
		t.Fatal(err)
	}
	<-s.ended
}

// Resume starts a server that was halted, at the same address.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
}

// Standby makes the server one that follows another, and takes no writes. It stays one.
func (s *Server) Standby(t testing.TB) {
	t.Helper()
	s.wal = "replica"
	for range 2 { // what was written before must have all that a standby needs
		s.Halt(t)
		s.Resume(t)
	}
	s.Halt(t)
	signal := filepath.Join(s.data(), "standby.signal")
	if err := os.WriteFile(signal, nil, 0o644); err != nil { //nolint:gosec // for the owner that the server runs as
		t.Fatal(err)
	}
	s.Resume(t)
}

// Stop ends the server, if there is one, and takes its folder away.
func (s *Server) Stop() {
	if s.process != nil {
		_ = s.process.Process.Signal(syscall.SIGINT) // fast shutdown
		select {
		case <-s.ended:
		case <-time.After(10 * time.Second):
			_ = s.process.Process.Kill()
			<-s.ended
		}
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// start makes a cluster and waits until it answers.
func (s *Server) start() error {
	var err error
	if s.bin, err = programs(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "hotline-postgres-"); err != nil {
		return err
	}
	if s.as, err = owner(s.dir); err != nil {
		return err
	}
	s.password = rand.Text()
	words := filepath.Join(s.dir, "password")
	if err := os.WriteFile(words, []byte(s.password), 0o644); err != nil { //nolint:gosec // of a server that lives for a minute, for the owner that initdb runs as
		return err
	}
	initdb := exec.CommandContext(context.Background(), filepath.Join(s.bin, "initdb"), "--pgdata="+s.data(), "--username=postgres", "--pwfile="+words, //nolint:gosec // found on this machine
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = s.as, s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	for range 3 { // somebody may take the port in between
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.launch(); err == nil {
			return nil
		}
	}
	return err
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close() //nolint:forcetypeassert // a TCP listener's
}

// launch starts the server and waits until it answers.
func (s *Server) launch() error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()                                                                                       //nolint:errcheck // the server has its own
	s.process = exec.CommandContext(context.Background(), filepath.Join(s.bin, "postgres"), "-D", s.data(), //nolint:gosec // found on this machine
		"-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
		"-c", "wal_level="+cmp.Or(s.wal, "minimal"), "-c", "max_wal_senders=0", "-c", "shared_buffers=64MB")
	s.process.Stdout, s.process.Stderr, s.process.SysProcAttr, s.process.Dir = log, log, s.as, s.dir
	endWithTest(s.as)
	s.ended = make(chan struct{})
	if err := s.process.Start(); err != nil {
		return err
	}
	go func() {
		_ = s.process.Wait()
		close(s.ended)
	}()
	for range 600 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		c, err := pgx.Connect(ctx, s.DSN("postgres", s.password, "postgres"))
		cancel()
		if err == nil {
			return c.Close(context.Background())
		}
		select {
		case <-s.ended:
			words, _ := os.ReadFile(log.Name())
			return fmt.Errorf("postgres ended: %s", words)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("postgres does not answer")
}

// programs is the folder of initdb and postgres.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) == 0 || version(found[0]) < 15 {
		return "", errMissing
	}
	return filepath.Dir(found[0]), nil
}

// owner says who runs the server: PostgreSQL refuses to be root, so root lends the folder to the user
// the distribution made for it, else to nobody.
func owner(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil // as ourselves
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user for it: %w", err)
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(dir, int(uid), int(gid))
}
