package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const snippetDir = "../docs/snippets"

// snippet is a program in docs/snippets and what runs it.
type snippet struct {
	file    string
	command []string
	// lacks names what it needs beside its interpreter and this machine does not
	// have; env is what the program is told of it.
	lacks func() (missing string, env []string)
}

var snippets = []snippet{
	{"add_contact.mjs", []string{"node"}, nil},
	{"add_contact.php", []string{"php"}, lacksPHPCurl},
	{"add_contact.py", []string{"python3"}, nil},
	{"add_contact_guzzle.php", []string{"php"}, lacksGuzzle},
}

func lacksPHPCurl() (string, []string) {
	if exec.Command("php", "-r", `exit(extension_loaded("curl") ? 0 : 1);`).Run() != nil {
		return "PHP's curl extension (Debian: php-curl)", nil
	}
	return "", nil
}

// lacksGuzzle looks where composer and Debian put it.
func lacksGuzzle() (string, []string) {
	for _, autoload := range []string{
		os.Getenv("GUZZLE_AUTOLOAD"), snippetDir + "/vendor/autoload.php", "../vendor/autoload.php", "/usr/share/php/GuzzleHttp/autoload.php",
	} {
		if _, err := os.Stat(autoload); autoload != "" && err == nil {
			path, err := filepath.Abs(autoload)
			if err == nil {
				return "", []string{"GUZZLE_AUTOLOAD=" + path}
			}
		}
	}
	return "Guzzle's autoload.php (Debian: php-guzzlehttp-guzzle; or GUZZLE_AUTOLOAD)", nil
}

// TestSnippets runs every program of docs/snippets as its reader would, where
// what it needs is installed, and looks for its contact in the book.
func TestSnippets(t *testing.T) {
	files, err := os.ReadDir(snippetDir)
	if err != nil {
		t.Fatal(err)
	}
	var there, known []string
	for _, f := range files {
		if !f.IsDir() { // composer's vendor is one
			there = append(there, f.Name())
		}
	}
	for _, v := range snippets {
		known = append(known, v.file)
	}
	if d := cmp.Diff(known, there); d != "" {
		t.Errorf("the test knows -, docs/snippets has +:\n%s", d)
	}

	s := start(t, "sqlite")
	for i, v := range snippets {
		t.Run(v.file, func(t *testing.T) {
			if _, err := exec.LookPath(v.command[0]); err != nil {
				t.Skipf("NOT RUN: %s, the interpreter of docs/snippets/%s, is not installed", v.command[0], v.file)
			}
			var env []string
			if v.lacks != nil {
				var missing string
				if missing, env = v.lacks(); missing != "" {
					t.Skipf("NOT RUN: docs/snippets/%s needs %s, which is not installed", v.file, missing)
				}
			}
			c := s.client(int64(1000+i), "SANDBOX")
			run := func(url string, c creds) (stdout, stderr string, err error) {
				cmd := exec.Command(v.command[0], append(v.command[1:], filepath.Join(snippetDir, v.file))...)
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				// A proxy of whoever runs the tests has no say in the request.
				cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CONTACTBOOK_") }), "no_proxy=*", "NO_PROXY=*")
				if url != "" {
					cmd.Env = append(cmd.Env, "CONTACTBOOK_URL="+url, "CONTACTBOOK_CLIENT_ID="+c.ID, "CONTACTBOOK_CLIENT_SECRET="+c.Secret)
				}
				cmd.Env = append(cmd.Env, env...)
				err = cmd.Run()
				return out.String(), errs.String(), err
			}

			var ids []string
			for _, url := range []string{s.url, s.url + "/"} { // the second run finds the tag there
				stdout, stderr, err := run(url, c)
				if err != nil || stderr != "" {
					t.Fatalf("%v\n%s%s", err, stdout, stderr)
				}
				ids = append(ids, strings.TrimSuffix(stdout, "\n"))
				found := rows(s.ok(c, "GET", "/contacts/profile", m{"contactId": ids[len(ids)-1]}))
				if len(found) != 1 {
					t.Fatalf("it printed %q, which is %d contacts of the book", stdout, len(found))
				}
				wantFields(t, found[0], m{"_id": ids[len(ids)-1], "name": "Sample Name", "email": "sample@example.com",
					"mobile": "7428585742", "callingCode": "91", "companyName": "Business Name"})
			}
			wantIDs(t, s.ok(c, "GET", "/contacts/profile", nil), ids[1], ids[0])
			if tags := rows(s.ok(c, "GET", "/contacts/tag", nil)); len(tags) != 1 || tags[0]["name"] != "Employee" {
				t.Errorf("the book's tags are %v", tags)
			}

			wrong := c
			wrong.Secret = strings.Repeat("0", 64)
			stdout, stderr, err := run(s.url, wrong)
			if err == nil || stdout != "" || !strings.Contains(stderr, "IAC Invalid Dealer Credentials") || strings.Contains(stderr, wrong.Secret) {
				t.Errorf("with a wrong secret: %v\n%s%s", err, stdout, stderr)
			}
			if stdout, stderr, err := run("", creds{}); err == nil || stdout != "" || !strings.Contains(stderr, "CONTACTBOOK_") {
				t.Errorf("without settings: %v\n%s%s", err, stdout, stderr)
			}
		})
	}
}
