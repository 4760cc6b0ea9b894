package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"contactbook/internal/pgtest"
)

// pages are the documents whose commands must run.
var pages = []string{"../../README.md", "../../docs/*.md"}

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	inline     = regexp.MustCompile("`(contactbook [^`]+)`")
)

// documented returns the shell commands of the pages: whole blocks, continued
// lines joined, and what stands inline and starts with contactbook.
func documented(t *testing.T) (commands []string) {
	t.Helper()
	for _, pattern := range pages {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			if filepath.Base(name) == "sandbox.md" { // TestSandboxPage runs it
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
				if strings.HasPrefix(block[1], "curl") {
					commands = append(commands, block[1])
					continue
				}
				for line := range strings.Lines(block[1]) {
					if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
						commands = append(commands, line)
					}
				}
			}
			for _, m := range inline.FindAllStringSubmatch(string(text), -1) {
				commands = append(commands, m[1])
			}
		}
	}
	return commands
}

// elsewhere are documented commands that other checks run, and which.
var elsewhere = map[string]string{
	"go run ./cmd/contactbook serve": "a newcomer's first command: cmd/contactbook is what e2e builds and runs",
	"make test":                      "this very run",
	"make lint":                      ".ci/run",
}

// TestDocumentedCommands runs every command that README and docs show, in order,
// through testscript. What only stands for something is replaced: the database's
// address by a real one, CLIENT_ID by a client's id, and so on.
func TestDocumentedCommands(t *testing.T) {
	dsn := pgtest.Shared(t).Database(t)
	role, serving := pgtest.Role(t, dsn)
	commands := documented(t)
	if len(commands) < 12 {
		t.Fatalf("only %d commands were found: %q", len(commands), commands)
	}
	var script bytes.Buffer
	script.WriteString("exec contactbook client create --user-id 1 --environment LIVE --name documented --json\ncp stdout created.json\n")
	for _, c := range commands {
		switch {
		case elsewhere[c] != "":
		case strings.HasPrefix(c, "make "):
			target := strings.Fields(c)[1]
			fmt.Fprintf(&script, "# %s\ntarget %s\n", c, target)
		case strings.HasPrefix(c, "curl"):
			fmt.Fprintf(&script, "# curl\nserves curl %s\n", quote(c))
		case strings.HasPrefix(c, "contactbook serve") || strings.Contains(c, " contactbook serve"):
			fmt.Fprintf(&script, "# %s\nserves alone %s\n", c, quote(c))
		case strings.HasPrefix(c, "contactbook"):
			fmt.Fprintf(&script, "# %s\nexec sh -c %s\n", c, quote(". ./env.sh; "+c))
		default:
			t.Errorf("nothing runs the documented command %q", c)
		}
	}
	text := strings.NewReplacer(
		"postgres://book@db.internal:5432/book", `"$DSN"`, "postgres://book@db.internal/book", `"$DSN"`,
		"postgres://book_serve@db.internal/book", `"$SERVING"`, "book_serve", role,
		"CLIENT_ID", `"$CLIENT_ID"`, "0.0.0.0:443", "127.0.0.1:0", "127.0.0.1:8080", "127.0.0.1:0",
	).Replace(script.String())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "documented.txtar"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			// The first client's id and secret, for the commands that need one.
			return os.WriteFile(filepath.Join(e.WorkDir, "env.sh"), []byte(
				`CLIENT_ID=$(sed 's/.*"clientId":"\([^"]*\)".*/\1/' created.json)`+"\n"+
					"DSN='"+dsn+"'\nSERVING='"+serving+"'\n"+
					`SECRET=$(sed 's/.*"clientSecret":"\([^"]*\)".*/\1/' created.json)`+"\n"), 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serves": serves,
			"target": func(ts *testscript.TestScript, _ bool, args []string) {
				cmd := exec.Command("make", "-n", args[0])
				cmd.Dir = root
				if out, err := cmd.CombinedOutput(); err != nil {
					ts.Fatalf("make %s: %v\n%s", args[0], err, out)
				}
			},
		},
	})
}

// quote makes one argument of a testscript line.
func quote(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "'", "''"), "\n", " ") + "'"
}

// serves runs a serve command until it listens, or, for curl, a server and then
// the curl command against it; then it stops the server.
func serves(ts *testscript.TestScript, _ bool, args []string) {
	command := args[1]
	if args[0] == "curl" {
		command = "contactbook serve --listen 127.0.0.1:0"
	}
	cmd := exec.Command("sh", "-c", ". ./env.sh; exec "+command)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"), "CONTACTBOOK_LISTEN=127.0.0.1:0")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	url := ""
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		url, _ = strings.CutPrefix(lines.Text(), "contactbook listens on ")
		if !strings.HasPrefix(url, "http") {
			url = ""
		}
	}
	if url != "" && args[0] == "curl" {
		curl(ts, url, args[1])
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || url == "" {
		ts.Fatalf("%s: %v\n%s", command, err, &errs)
	}
}

// curl runs the documented request, with the credentials and a tag of a client.
func curl(ts *testscript.TestScript, url, command string) {
	const headers = ` -H 'X-Ipay-Auth-Code: 1' -H "X-Ipay-Client-Id: $CLIENT_ID" -H "X-Ipay-Client-Secret: $SECRET" -H 'X-Ipay-Endpoint-Ip: ::1'`
	tag := `TAG=$(curl -sS ` + url + `/contacts/tag` + headers + ` -d '{"name":"documented","hexColorCode":"#FF1934"}' | sed 's/.*"_id":"\([^"]*\)".*/\1/')` + "\n"
	command = strings.NewReplacer(
		"http://127.0.0.1:0", url, "{{clientId}}", `'"$CLIENT_ID"'`, "{{clientSecret}}", `'"$SECRET"'`,
		"645b280e95335f08eb021aa2", `'"$TAG"'`, "\\ ", " ",
	).Replace(command)
	cmd := exec.Command("sh", "-c", ". ./env.sh\n"+tag+command)
	cmd.Dir = ts.MkAbs(".")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(`"status":"Contact Added Successfully"`)) {
		ts.Fatalf("%s: %v\n%s", command, err, out)
	}
}
