package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contactbook/internal/book"
	"contactbook/internal/pgtest"
	"contactbook/internal/proof"
)

// behindWall runs serve behind PostgreSQL's row-level security, as a role that owns nothing. program is another build
// of the binary, or nothing.
func behindWall(t *testing.T, program string) *server {
	t.Helper()
	s := &server{t: t, engine: "postgres", database: newDatabase(t, "postgres"), pepper: filepath.Join(t.TempDir(), "pepper.key"), program: program}
	role, as := pgtest.Role(t, s.database)
	s.serving, s.flags = as, []string{"--row-level-security"}
	if program != "" {
		s.flags = append(s.flags, "--auth-failures-per-minute", "0")
	}
	if stdout, stderr, code := s.run("migrate", "--row-level-security", "--serving-role", role); code != 0 {
		t.Fatalf("migrate: exit %d\n%s%s", code, stdout, stderr)
	}
	s.startUntilEnd()
	return s
}

// startUntilEnd starts the server, and kills it when the test ends.
func (s *server) startUntilEnd() {
	s.t.Helper()
	s.start()
	s.t.Cleanup(func() {
		s.kill()
		if s.t.Failed() {
			s.t.Logf("the server said at last:\n%s", s.out.tail())
		}
	})
}

// TestRowLevelSecurity serves behind the second wall: every op works, on a pooler's terms too, and the commands say who
// stands where. At nightly size it is all of S1.
func TestRowLevelSecurity(t *testing.T) {
	t.Parallel()
	s := behindWall(t, "")
	x := newIsolation(t, s)
	if proof.Sized() == proof.Quick {
		x.holders = x.holders[:2]
		x.owners()
		x.cursors()
	} else {
		x.everything()
	}
	proof.Record(t, proof.Figure{ID: "S1", What: fmt.Sprintf("PostgreSQL with row-level security, %d ops: reads or writes across", len(book.Ops)), Target: "0", Got: fmt.Sprint(x.shown), Met: x.shown == 0})

	pooled := &server{t: t, engine: s.engine, database: s.database, serving: s.serving + "&default_query_exec_mode=exec", pepper: s.pepper, flags: s.flags}
	pooled.startUntilEnd()
	a := x.holders[0]
	if here, there := s.ok(a.creds, "GET", "/contacts/profile", nil), pooled.ok(a.creds, "GET", "/contacts/profile", nil); string(here.Data) != string(there.Data) || len(here.Data) < 100 {
		t.Errorf("as behind PgBouncer the list is\n%s\nand not\n%s", there.Data, here.Data)
	}
	pooled.contact(a.creds, a.word, pooled.tag(a.creds, a.word+" pooled"))

	sand := &sandboxBook{s, s.client(9, "SANDBOX"), "sand"}
	sand.fill()
	for _, route := range []string{"POST /_sandbox/seed", "POST /_sandbox/snapshot", "POST /_sandbox/reset", "POST /_sandbox/rewind"} {
		method, path, _ := strings.Cut(route, " ")
		s.ok(sand.creds, method, path, sand.request(route))
	}
	if r := s.call(sand.creds, "POST", "/_sandbox/books", nil); r.Code != "SNA" {
		t.Errorf("a serving role, which may not store clients, makes one: %s", r.Raw)
	}

	for _, c := range []struct {
		what, database string
		args           []string
		code           int
		says           string
		quick          bool // the others are for larger runs: each is a process
	}{
		{"doctor as the owner", s.database, []string{"doctor", "--row-level-security"}, 0, "stands above row-level security", false},
		{"doctor as the serving role", s.serving, []string{"doctor", "--row-level-security"}, 0, "run doctor as the owner", true},
		{"a server that needs the wall, as the owner", s.database, []string{"serve", "--row-level-security", "--listen", "127.0.0.1:0"}, 2, "stands above the second wall", true},
		{"the wall taken down by the serving role", s.serving, []string{"migrate", "--row-level-security=false"}, 2, "run contactbook migrate as the owner", false},
		{"the wall taken down", s.database, []string{"migrate", "--row-level-security=false"}, 0, "Row-level security is off", true},
		{"doctor without the wall", s.database, []string{"doctor", "--row-level-security"}, 1, "is not up", false},
	} {
		if !c.quick && proof.Sized() == proof.Quick {
			continue
		}
		stdout, stderr, code := runBinary(append(c.args, "--database", c.database, "--pepper-file", s.pepper)...)
		if said := stdout + stderr; code != c.code || !strings.Contains(said, c.says) || strings.Contains(said, a.word) {
			t.Errorf("%s: exit %d and not %d, or not %q:\n%s", c.what, code, c.code, c.says, said)
		}
	}
	s.ok(a.creds, "GET", "/contacts/profile", nil) // which goes on naming its tenant
}

// everything is all of S1.
func (x *isolation) everything() {
	x.owners()
	x.strangers()
	x.shared()
	x.locked()
	x.cursors()
	x.spelling()
	x.serverFields()
}

// bareEnv makes TestWallWithoutPredicate run S1 without any wall, in a process of its own, where it must fail.
const bareEnv = "CONTACTBOOK_TEST_WITHOUT_ANY_WALL"

// TestWallWithoutPredicate (S7) builds a server whose statements do not ask for the tenant, as one whose every statement
// had that fault. Behind row-level security S1 finds nothing; without it S1 fails, so it would have.
func TestWallWithoutPredicate(t *testing.T) {
	proof.Large(t)
	program := filepath.Join(t.TempDir(), "contactbook")
	build := exec.Command("go", append(append([]string{"build", "-tags", "contactbook_without_predicate"}, buildFlags...), "-o", program, "contactbook/cmd/contactbook")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if os.Getenv(bareEnv) != "" {
		s := &server{t: t, engine: "postgres", database: newDatabase(t, "postgres"), pepper: filepath.Join(t.TempDir(), "pepper.key"), program: program,
			flags: []string{"--auth-failures-per-minute", "0"}}
		s.startUntilEnd()
		newIsolation(t, s).everything()
		return
	}
	x := newIsolation(t, behindWall(t, program))
	x.everything()
	bare := exec.Command(os.Args[0], "-test.run", "^TestWallWithoutPredicate$", "-test.v")
	bare.Env = append(os.Environ(), bareEnv+"=1", "CONTACTBOOK_PROOF=")
	out, err := bare.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "was shown a") || !strings.Contains(string(out), "--- FAIL: TestWallWithoutPredicate") {
		t.Errorf("without any wall S1 ends with %v, and finds nothing that is shown across:\n%s", err, out)
	}
	proof.Record(t, proof.Figure{ID: "S7", What: "PostgreSQL with row-level security, statements that do not ask for the tenant, S1: reads or writes across; without row-level security the same test fails",
		Target: "0", Got: fmt.Sprint(x.shown), Met: x.shown == 0})
}
