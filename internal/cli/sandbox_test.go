package cli

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// background runs a serve command beside the rest of a script, which finds its
// address in CONTACTBOOK_URL.
func background(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("contactbook", append(args, "--listen", "127.0.0.1:0")...)
	cmd.Path = lookPath(ts, "contactbook")
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	url, listening := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(listening)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if at, ok := strings.CutPrefix(lines.Text(), "contactbook listens on "); ok {
				url <- at
			}
		}
	}()
	ts.Defer(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-listening
		if err := cmd.Wait(); err != nil {
			ts.Logf("serve: %v\n%s", err, &errs)
		}
	})
	select {
	case at := <-url:
		ts.Setenv("CONTACTBOOK_URL", at)
	case <-listening:
		ts.Fatalf("serve ended:\n%s", &errs)
	}
}

// lookPath finds a program as the script would.
func lookPath(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	ts.Fatalf("no %s", name)
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// TestSandboxPage runs all that docs/sandbox.md shows, in order, as one script of a
// shell that ends at the first failure, beside a server.
func TestSandboxPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	const serve = "contactbook serve\n"
	var script strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script.WriteString(block[1])
	}
	if !strings.HasPrefix(script.String(), serve) || strings.Count(script.String(), "contactbook sandbox ") < 3 {
		t.Fatalf("the page does not start a server, or shows little:\n%s", &script)
	}
	dir := t.TempDir()
	page := "background serve\nexec sh -eu page.sh\n" + pageShows + "-- page.sh --\n" + strings.TrimPrefix(script.String(), serve)
	if err := os.WriteFile(filepath.Join(dir, "page.txtar"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, RequireExplicitExec: true, Cmds: scriptCommands})
}

// pageShows is what the page's commands print, among other things.
const pageShows = `stdout 'The book is empty'
stdout 'Made 1 tags and 1 contacts'
stdout 'The book has its 5 records'
stdout '2027-02-01T21:30:00Z, and stands still'
stdout 'Fault 1: answer FAB, 2 times'
stdout '1 .*POST /contacts/profile'
`

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){"background": background}
