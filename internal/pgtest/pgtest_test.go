//go:build unix

package pgtest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// victim makes the test binary a process that starts a server and waits to be killed, see TestKilled.
const victim = "PGTEST_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(victim) != "" {
		s, err := Start(context.Background())
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.dir)
		time.Sleep(time.Minute)
		os.Exit(1)
	}
	code := m.Run()
	StopShared()
	os.Exit(code)
}

// local starts a cluster of our own for one test.
func local(t *testing.T) *Server {
	t.Helper()
	if os.Getenv(Env) != "" {
		t.Skip(Env + " is set: no cluster of our own to test")
	}
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec1(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func ask(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var v string
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// running returns the processes that work in the server's folder.
func running(t *testing.T, dir string) []int {
	t.Helper()
	if runtime.GOOS != "linux" {
		out, err := exec.Command("ps", "-axo", "pid=,command=").Output()
		if err != nil {
			t.Fatal(err)
		}
		var pids []int
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, dir) {
				pid, _ := strconv.Atoi(strings.Fields(line)[0])
				pids = append(pids, pid)
			}
		}
		return pids
	}
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, link := range links {
		// A zombie has no folder any more: it is not running.
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd+"/", dir+"/") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestStart(t *testing.T) {
	begin := time.Now()
	s := local(t)
	t.Logf("a new cluster: %v", time.Since(begin).Round(time.Millisecond))
	if n := len(s.dir + "/.s.PGSQL." + port); n >= 100 {
		t.Errorf("the socket's path has %d bytes", n)
	}

	begin = time.Now()
	dsn := s.Database(t)
	t.Logf("a new database: %v", time.Since(begin).Round(time.Millisecond))
	db := open(t, dsn)
	exec1(t, db, "create table t (a text primary key)")
	exec1(t, db, "insert into t values ('b'), ('a'), ('B')")
	t.Logf("%s, sorts %s", ask(t, db, "select version()"), ask(t, db, "select string_agg(a, ' ' order by a) from t"))

	for name, want := range map[string]string{
		"fsync":              "on",
		"synchronous_commit": "on",
		"full_page_writes":   "on",
		"listen_addresses":   "",
		"max_connections":    "100",
		"server_encoding":    "UTF8",
	} {
		if got := ask(t, db, "select current_setting('"+name+"')"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if pids := running(t, s.dir); len(pids) == 0 {
		t.Error("no process seen in the server's folder: this test could not see one left over")
	}

	s.Stop()
	if pids := running(t, s.dir); len(pids) != 0 {
		t.Errorf("still running after Stop: %v", pids)
	}
	if exists(s.dir) {
		t.Errorf("%s is still there after Stop", s.dir)
	}
	s.Stop() // again, for a TestMain that defers it too
	if err := s.Up(t.Context()); err == nil {
		t.Error("Up after Stop: no error")
	}
}

func TestRestart(t *testing.T) {
	for _, immediate := range []bool{true, false} {
		t.Run(fmt.Sprintf("immediate=%v", immediate), func(t *testing.T) {
			s := local(t)
			db := open(t, s.Database(t))
			exec1(t, db, "create table t (a int)")
			exec1(t, db, "insert into t values (1)")
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(t.Context(), "insert into t values (2)"); err != nil {
				t.Fatal(err)
			}

			begin := time.Now()
			if err := s.Restart(t.Context(), immediate); err != nil {
				t.Fatal(err)
			}
			t.Logf("restarted: %v", time.Since(begin).Round(time.Millisecond))
			if err := tx.Commit(); err == nil {
				t.Error("a transaction outlived the restart")
			}
			// The pool may hold a connection that it does not know to be dead.
			_ = db.PingContext(t.Context())
			if got := ask(t, db, "select string_agg(a::text, ' ') from t"); got != "1" {
				t.Errorf("rows after the restart: %s, want 1", got)
			}
			log, err := os.ReadFile(filepath.Join(s.dir, "log"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(log), "automatic recovery in progress"); got != immediate {
				t.Errorf("recovery after the restart: %v, want %v\n%s", got, immediate, log)
			}
		})
	}
}

func TestDownUp(t *testing.T) {
	s := local(t)
	dsn := s.Database(t)
	if err := s.Down(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if pids := running(t, s.dir); len(pids) != 0 {
		t.Errorf("running after Down: %v", pids)
	}
	if err := open(t, dsn).PingContext(t.Context()); err == nil {
		t.Error("a database that is down answered")
	}
	if err := s.Down(t.Context(), true); err != nil {
		t.Errorf("Down again: %v", err)
	}
	if err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dsn).PingContext(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDatabase(t *testing.T) {
	s := Shared(t)
	if Shared(t) != s {
		t.Error("two shared servers in one process")
	}
	var first string
	t.Run("databases are apart", func(t *testing.T) {
		a, b := s.Database(t), s.Database(t)
		first = a
		exec1(t, open(t, a), "create table t (a int)")
		exec1(t, open(t, b), "create table t (a int)")
	})
	t.Run("dropped though still connected", func(t *testing.T) {
		var dsn string
		var db *sql.DB
		t.Run("use", func(t *testing.T) {
			dsn = s.Database(t)
			db, _ = sql.Open("pgx", dsn)
			exec1(t, db, "create table t (a int)")
		})
		defer func() { _ = db.Close() }()
		for _, gone := range []string{first, dsn} {
			if err := open(t, gone).PingContext(t.Context()); err == nil {
				t.Errorf("%s outlived its test", gone)
			}
		}
	})
	t.Run("many at once", func(t *testing.T) {
		for i := range 4 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				exec1(t, open(t, s.Database(t)), "create table t (a int)")
			})
		}
	})
}

func TestGiven(t *testing.T) {
	own := local(t)
	u := own.DSN("postgres")
	for name, dsn := range map[string]string{
		"url":       u,
		"query":     strings.Replace(u, "/postgres?", "/?", 1) + "&dbname=postgres",
		"key=value": "host=" + own.dir + " port=" + port + " user=postgres dbname=postgres sslmode=disable",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(Env, dsn)
			s, err := Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			db := open(t, s.Database(t))
			if got := ask(t, db, "select current_database()"); !strings.HasPrefix(got, "contactbook_test_") {
				t.Errorf("the DSN of the new database leads to %s", got)
			}
			if err := s.Restart(t.Context(), true); !errors.Is(err, ErrGiven) {
				t.Errorf("Restart of a given server: %v", err)
			}
			if err := s.Up(t.Context()); !errors.Is(err, ErrGiven) {
				t.Errorf("Up of a given server: %v", err)
			}
			s.Stop()
			if err := db.PingContext(t.Context()); err != nil {
				t.Errorf("Stop took a given server down: %v", err)
			}
		})
	}
	t.Run("absent", func(t *testing.T) {
		t.Setenv(Env, "host=/nonexistent user=nobody dbname=nothing")
		if _, err := Start(t.Context()); err == nil || !strings.Contains(err.Error(), Env) {
			t.Errorf("the error does not name %s: %v", Env, err)
		}
	})
}

// TestKilled kills a process that runs a server with -9: the server must go with it, and the next start must
// clean up behind it.
func TestKilled(t *testing.T) {
	if os.Getenv(Env) != "" {
		t.Skip(Env + " is set: no cluster of our own to test")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), victim+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), tempRoot+"/"+tempPrefix) {
		_ = cmd.Wait()
		t.Fatalf("no server: %s", lines.Text())
	}
	dir := lines.Text()
	if len(running(t, dir)) == 0 {
		t.Fatal("no process seen in the server's folder: this test could not see one left over")
	}
	owner, err := account()
	if err != nil {
		t.Fatal(err)
	}
	sweep(owner)
	if !exists(dir) {
		t.Fatal("swept from under a living process")
	}

	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	begin := time.Now()
	for len(running(t, dir)) > 0 {
		if time.Since(begin) > 15*time.Second {
			t.Fatalf("still running after its owner was killed: %v", running(t, dir))
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("gone after %v", time.Since(begin).Round(time.Millisecond))
	sweep(owner)
	if exists(dir) {
		t.Errorf("%s was not swept", dir)
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	install := func(dir string, programs ...string) string {
		dir = filepath.Join(root, dir)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, p := range programs {
			if err := os.WriteFile(filepath.Join(dir, p), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	install("9.6/bin", "initdb", "postgres")
	install("17/bin", "initdb", "postgres")
	v18 := install("18/bin", "initdb", "postgres")
	install("19/bin", "initdb") // half an installation
	onPath := install("path", "initdb", "postgres")
	links := install("links")
	if err := os.Symlink(filepath.Join(onPath, "initdb"), filepath.Join(links, "initdb")); err != nil {
		t.Fatal(err)
	}
	clients := install("clients", "psql")
	versions := []string{filepath.Join(root, "*/bin")}

	for name, tc := range map[string]struct{ path, want string }{
		"PATH wins":         {clients + ":" + onPath, onPath},
		"a link on PATH":    {links, onPath},
		"the newest else":   {clients, v18},
		"relative is no go": {".:path", v18},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := find(tc.path, versions)
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		_, err := find(clients, []string{filepath.Join(root, "nowhere/*/bin")})
		for _, word := range []string{"initdb", "apt-get install postgresql", Env} {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("the error does not say %q: %v", word, err)
			}
		}
	})
}
