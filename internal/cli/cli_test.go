package cli

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"contactbook/internal/pgtest"
	"contactbook/internal/proof"
)

// suite stops what the tests shared before testscript ends the process.
type suite struct{ *testing.M }

func (s suite) Run() int {
	defer pgtest.StopShared()
	return s.M.Run()
}

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){
		"contactbook": func() {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			os.Exit(Run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs the command lines of testdata/script as a shell would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, Cmds: scriptCommands})
}

// TestServeLeavesNothing (O2) runs the program as a value: it serves, stops when
// it is told to, and leaves no goroutine behind.
func TestServeLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	defer func() {
		err := goleak.Find(before)
		if err != nil {
			t.Error(err)
		}
		proof.Record(t, proof.Figure{ID: "O2", What: "goroutines that a server leaves when it has stopped",
			Target: "0", Got: map[bool]string{true: "0", false: "some"}[err == nil], Met: err == nil})
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, stdout := io.Pipe()
	exit := make(chan int, 1)
	dir := t.TempDir()
	go func() {
		exit <- Run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--database", "sqlite:" + filepath.Join(dir, "book.db"),
			"--pepper-file", filepath.Join(dir, "pepper.key")}, func(string) string { return "" }, strings.NewReader(""), stdout, os.Stderr)
		stdout.Close()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		url, ok := strings.CutPrefix(lines.Text(), "contactbook listens on ")
		if !ok {
			continue
		}
		for _, path := range []string{"/livez", "/readyz"} {
			res, err := http.Get(url + path)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", path, res.Status)
			}
		}
		cancel()
	}
	if code := <-exit; code != exitOK {
		t.Errorf("exit code %d", code)
	}
	http.DefaultClient.CloseIdleConnections()
	if _, err := os.Stat(filepath.Join(dir, "book.db-wal")); err == nil {
		t.Error("a graceful stop leaves a WAL behind")
	}
}

// Every command explains itself, with an example.
func TestHelp(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("%s has no short text or no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}
