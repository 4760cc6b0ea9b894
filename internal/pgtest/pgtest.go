//go:build unix

// Package pgtest gives tests real PostgreSQL databases. Only tests import it.
//
// A test that wants a database asks for one and forgets it:
//
//	dsn := pgtest.Shared(t).Database(t)
//
// and the package's TestMain ends the server once:
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		pgtest.StopShared()
//		os.Exit(code)
//	}
//
// The server is the one that CONTACTBOOK_TEST_POSTGRES names, where that is set; else a cluster made for
// this process from the installed programs: on a private unix socket, without TCP, as durable as PostgreSQL is
// by default, and gone with the process however that ends.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Env names the environment variable that holds the DSN of a PostgreSQL server to test on. Its role must be
// able to create databases.
const Env = "CONTACTBOOK_TEST_POSTGRES"

const (
	startTimeout = 60 * time.Second // a cold disk and a busy machine; the figure is about 1 s
	stopTimeout  = 30 * time.Second // immediate shutdown kills its stragglers by itself after 5 s
)

// ErrGiven is the error of Down, Up and Restart on a server that came from the environment: it is not ours to stop.
var ErrGiven = errors.New("pgtest: the server that " + Env + " names is not ours to stop or start")

// Server is a PostgreSQL server for tests. Its methods may be called from several goroutines.
type Server struct {
	given  string // the DSN from the environment; empty for a cluster of our own
	create string // what follows CREATE DATABASE and the name

	dir   string              // the cluster's folder: data, socket and log; empty when given
	bin   string              // the folder of initdb and postgres
	owner *syscall.Credential // who runs them; nil for ourselves
	lock  *os.File            // held as long as we live, see claim

	mu    sync.Mutex
	child *child // the postmaster, nil before the first start and after Stop
}

// Start returns a server that answers. It is the one that CONTACTBOOK_TEST_POSTGRES names, or a new cluster; the
// caller ends it with Stop. ctx bounds the start only. An error names what is missing and how to get it.
func Start(ctx context.Context) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	if dsn := os.Getenv(Env); dsn != "" {
		s := &Server{given: dsn}
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return nil, fmt.Errorf("pgtest: %s is set, but: %w", Env, err)
		}
		_ = conn.Close(ctx)
		return s, nil
	}

	bin, err := find(os.Getenv("PATH"), places)
	if err != nil {
		return nil, err
	}
	owner, err := account()
	if err != nil {
		return nil, err
	}
	sweep(owner)
	s := &Server{bin: bin, owner: owner}
	if err := s.initdb(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	if err := s.Up(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	if s.create, err = s.collation(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// collation makes the test databases sort like a dictionary, as a cluster made under a user's usual locale does,
// where the server can (15 or later, built with ICU). Under C, which SQLite sorts like, a query that leans on
// the database's collation would pass here and fail its users.
func (s *Server) collation(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var icu bool
	err = conn.QueryRow(ctx, `select current_setting('server_version_num')::int >= 150000
		and exists (select 1 from pg_collation where collprovider = 'i')`).Scan(&icu)
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	if icu {
		return " template template0 locale_provider icu icu_locale 'en-US'", nil
	}
	return " template template0", nil
}

// DSN returns how to reach the database of that name on the server. It need not exist.
func (s *Server) DSN(dbname string) string {
	if s.given != "" {
		return withDatabase(s.given, dbname)
	}
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User("postgres"),
		Path:     "/" + dbname,
		RawQuery: "host=" + s.dir + "&port=" + port + "&sslmode=disable",
	}
	return u.String()
}

// withDatabase returns dsn, a URL or a list of key=value, with another database's name.
func withDatabase(dsn, dbname string) string {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		if u, err := url.Parse(dsn); err == nil {
			q := u.Query()
			q.Del("dbname")
			q.Del("database")
			u.Path, u.RawPath, u.RawQuery = "/"+dbname, "", q.Encode()
			return u.String()
		}
	}
	return dsn + " dbname=" + dbname // the last one counts, for pgx as for libpq
}

// Database creates an empty database and returns its DSN. It is dropped at the end of the test, whoever is
// still connected to it.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	name := "contactbook_test_" + hex.EncodeToString(b[:])

	if err := s.admin("create database " + name + s.create); err != nil {
		t.Fatalf("pgtest: creating a database: %v", err)
	}
	t.Cleanup(func() {
		if s.down() {
			return // the folder goes with everything in it
		}
		if err := s.admin("drop database if exists " + name + " with (force)"); err != nil {
			t.Errorf("pgtest: dropping a database: %v", err)
		}
	})
	return s.DSN(name)
}

// admin runs one statement outside the test databases.
func (s *Server) admin(sql string) error {
	// Not the test's context: it is cancelled before the clean-up runs.
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	dsn := s.given
	if dsn == "" {
		dsn = s.DSN("postgres")
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for {
		_, err = conn.Exec(ctx, sql)
		// A given server's databases are copied from template1 (it may carry an extension that the tests are
		// meant to run on), and only one copy is made at a time.
		if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "55006" {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Stop ends the server and removes its folder. A server that came from the environment goes on. Stop may be
// called twice.
func (s *Server) Stop() {
	if s.given != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil {
		if err := s.child.end(ctx, syscall.SIGQUIT); err != nil {
			// Its children notice the postmaster's death and leave.
			_ = s.child.cmd.Process.Kill()
			<-s.child.done
		}
		s.child = nil
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
	if s.lock != nil {
		_ = s.lock.Close()
		s.lock = nil
	}
}

// Restart ends the server and starts it again, like pg_ctl restart: immediate is a crash (no checkpoint, open
// transactions lost, recovery at the start), else fast (open transactions rolled back, a clean end). It returns
// once the server answers again.
func (s *Server) Restart(ctx context.Context, immediate bool) error {
	if err := s.Down(ctx, immediate); err != nil {
		return err
	}
	return s.Up(ctx)
}

// Down ends the server, as Restart does, and leaves it so: the database is away until Up.
func (s *Server) Down(ctx context.Context, immediate bool) error {
	if s.given != "" {
		return ErrGiven
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		return nil
	}
	sig := syscall.SIGINT // the postmaster's names: SIGINT is fast, SIGQUIT immediate
	if immediate {
		sig = syscall.SIGQUIT
	}
	return s.child.end(ctx, sig)
}

// Up starts the server that Down ended, and returns once it answers.
//
// Not by pg_ctl: its server would be no child of this process, and would outlive it.
func (s *Server) Up(ctx context.Context) error {
	if s.given != "" {
		return ErrGiven
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil && !s.child.gone() {
		return nil
	}
	if s.lock == nil {
		return errors.New("pgtest: the server was stopped for good")
	}
	logPath := filepath.Join(s.dir, "log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	cmd := s.command("postgres", "-D", s.data())
	cmd.Stdout, cmd.Stderr = log, log
	c, err := spawn(cmd)
	_ = log.Close()
	if err != nil {
		return fmt.Errorf("pgtest: %s: %w", cmd.Path, err)
	}
	s.child = c

	for dsn := s.DSN("postgres"); ; {
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			_ = conn.Close(ctx)
			return nil
		}
		select {
		case <-c.done:
			text, _ := os.ReadFile(logPath)
			return fmt.Errorf("pgtest: %s ended: %v\n%s", cmd.Path, c.err, tail(text))
		case <-ctx.Done():
			text, _ := os.ReadFile(logPath)
			return fmt.Errorf("pgtest: %s does not answer: %w\n%s", cmd.Path, err, tail(text))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// down says whether a cluster of our own is not running.
func (s *Server) down() bool {
	if s.given != "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child == nil || s.child.gone()
}
