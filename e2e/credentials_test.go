package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"contactbook/internal/book"
)

// promised is within what time every server follows a change of a client; a little is for the test's own delays.
const (
	promised = 5 * time.Second
	tolerant = promised + time.Second
)

// runWith runs another command of the binary with text on its standard input, and ends one that does not end.
func (s *server) runWith(stdin string, env []string, args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); ctx.Err() != nil {
		s.t.Errorf("contactbook %q does not end:\n%s%s", args, &out, &errs)
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs another command on the server's database, which must succeed.
func (s *server) must(args ...string) string {
	s.t.Helper()
	stdout, stderr, code := s.run(args...)
	if code != 0 {
		s.t.Errorf("contactbook %q: exit %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// beside starts another server on the same database; nil where only one may serve it.
func (s *server) beside() *server {
	s.t.Helper()
	if s.engine == "sqlite" {
		return nil
	}
	return startOn(s.t, s.engine, s.database, s.pepper)
}

// rotate gives a client a new secret.
func (s *server) rotate(c creds, overlap string) creds {
	s.t.Helper()
	var fresh creds
	if err := json.Unmarshal([]byte(s.must("client", "rotate", c.ID, "--overlap", overlap, "--json")), &fresh); err != nil {
		s.t.Error(err)
	}
	if fresh.ID != c.ID || fresh.Secret == c.Secret || len(fresh.Secret) != 64 {
		s.t.Errorf("rotate answered %v", fresh)
	}
	return fresh
}

// codeOf is the statuscode of a list as c.
func (s *server) codeOf(c creds) string {
	s.t.Helper()
	r, err := send(s.request(c, "GET", "/contacts/tag", nil))
	if err != nil {
		s.t.Errorf("GET /contacts/tag: %v", err)
	}
	return r.Code
}

// TestRevocation changes clients by the command line while servers run and the clients are in use, so that every
// server remembers them: what takes something away takes effect everywhere within 5 s, and for good; what gives
// something, at once.
func TestRevocation(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		servers := []*server{s}
		if second := s.beside(); second != nil {
			servers = append(servers, second)
		}
		var wg sync.WaitGroup
		defer wg.Wait()

		// turns polls a client, as a busy one would, until its code turns from TXN, then sees it stay so.
		turns := func(what string, c creds, want string, within time.Duration) {
			began := time.Now()
			for i, server := range servers {
				wg.Go(func() {
					turned := time.Duration(0)
					for time.Since(began) < within+time.Second {
						code, at := server.codeOf(c), time.Since(began)
						switch {
						case code == want && turned == 0:
							turned = at
						case code != want && turned > 0:
							t.Errorf("%s: server %d answers %s at %v, after %s at %v", what, i, code, at, want, turned)
							return
						case code != want && code != "TXN":
							t.Errorf("%s: server %d answers %s", what, i, code)
							return
						}
						time.Sleep(30 * time.Millisecond)
					}
					if turned == 0 || turned > within {
						t.Errorf("%s: server %d answers %s after %v, want within %v (0: never)", what, i, want, turned, within)
					} else {
						t.Logf("%s: server %d answers %s after %v", what, i, want, turned.Round(time.Millisecond))
					}
				})
			}
		}
		// holds sees that a client is let in throughout.
		holds := func(what string, c creds, during time.Duration) {
			for i, server := range servers {
				wg.Go(func() {
					for began := time.Now(); time.Since(began) < during; time.Sleep(100 * time.Millisecond) {
						if code := server.codeOf(c); code != "TXN" {
							t.Errorf("%s: server %d answers %s after %v", what, i, code, time.Since(began))
							return
						}
					}
				})
			}
		}
		now := func(what string, c creds) {
			t.Helper()
			for i, server := range servers {
				if code := server.codeOf(c); code != "TXN" {
					t.Errorf("%s: server %d answers %s at once", what, i, code)
				}
			}
		}
		used := func(flags ...string) creds {
			t.Helper()
			c := s.client(9, "LIVE", flags...)
			now("a new client", c)
			return c
		}

		bystander := used()
		holds("a client that nobody touched", bystander, tolerant)

		disabled := used()
		s.must("client", "disable", disabled.ID)
		turns("disable", disabled, "AAB", tolerant)
		revoked := used()
		s.must("client", "revoke", revoked.ID)
		turns("revoke", revoked, "IAC", tolerant)
		deleted := used()
		s.must("client", "delete", deleted.ID)
		turns("delete", deleted, "IAC", tolerant)
		moved := used()
		s.must("client", "update", moved.ID, "--allow-ip", "192.0.2.1")
		turns("update --allow-ip", moved, "ERR", tolerant)

		old := used()
		s.rotate(old, "0s")
		turns("the secret after rotate --overlap 0s, when nobody uses the new one", old, "IAC", tolerant)
		old = used()
		fresh := s.rotate(old, "0s")
		now("the new secret after rotate --overlap 0s", fresh)
		turns("the old secret after rotate --overlap 0s", old, "IAC", tolerant)
		holds("the new secret after rotate --overlap 0s", fresh, tolerant)

		old = used()
		fresh = s.rotate(old, "1h")
		now("the new secret after rotate --overlap 1h", fresh)
		now("the old secret after rotate --overlap 1h", old)
		holds("the old secret after rotate --overlap 1h", old, tolerant)
		if show := s.must("client", "show", old.ID, "--json"); !strings.Contains(show, "oldSecretUntil") {
			t.Errorf("show in the overlap: %s", show)
		}

		old = used()
		fresh = s.rotate(old, "2s")
		now("the old secret after rotate --overlap 2s", old)
		turns("the old secret after rotate --overlap 2s", old, "IAC", 2*time.Second+tolerant)
		holds("the new secret after rotate --overlap 2s", fresh, tolerant)

		first := used()
		second := s.rotate(first, "1h")
		third := s.rotate(second, "1h")
		now("the newest secret of three", third)
		turns("the oldest secret of three", first, "IAC", tolerant)
		holds("the second secret of three", second, tolerant)

		wg.Wait()
		s.must("client", "enable", disabled.ID)
		began := time.Now()
		for _, server := range servers {
			for server.codeOf(disabled) != "TXN" {
				if time.Since(began) > tolerant {
					t.Error("an enabled client is not let in")
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		if _, stderr, code := s.run("client", "enable", revoked.ID); code != 1 || !strings.Contains(stderr, "for good") {
			t.Errorf("enable of a revoked client: exit %d %s", code, stderr)
		}
		if _, stderr, code := s.run("client", "rotate", revoked.ID); code != 1 || !strings.Contains(stderr, "revoked") {
			t.Errorf("rotate of a revoked client: exit %d %s", code, stderr)
		}
	})
}

// TestSecondServe: one process serves a SQLite file, whatever it is called.
func TestSecondServe(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite")
	c := s.client(1, "LIVE")
	path := strings.TrimPrefix(s.database, "sqlite:")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Symlink(filepath.Dir(path), folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, filepath.Dir(path) + "/./" + filepath.Base(path), link, filepath.Join(folder, filepath.Base(path))} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, binary, "serve", "--listen", "127.0.0.1:0", "--database", "sqlite:"+name, "--pepper-file", s.pepper)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		cmd.Run()
		if ctx.Err() != nil {
			t.Errorf("a second server serves %s", name)
		} else if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(errs.String(), "another contactbook already serves ") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("a second serve on %s: exit %d\n%s%s", name, code, &out, &errs)
		}
		cancel()
	}
	s.ok(c, "GET", "/contacts/tag", nil)
	if extra, _ := filepath.Glob(link + "*"); len(extra) != 1 {
		t.Errorf("beside a link to the file there are %v", extra)
	}
}

// TestAnotherPepper: with another pepper no secret would be right, so nothing starts.
func TestAnotherPepper(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "LIVE")
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		other, short, missing := filepath.Join(dir, "other.key"), filepath.Join(dir, "short.key"), filepath.Join(dir, "missing.key")
		const text = "a pepper that is not the one of this database"
		for file, text := range map[string]string{other: text, short: "short"} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, command := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"client", "list"}, {"client", "rotate", c.ID}} {
			for _, how := range []struct {
				file, env, says string
			}{
				{other, "", "another pepper"}, {missing, "", "another pepper"}, {short, "", "at least 32 characters"},
				{s.pepper, text, "another pepper"}, {s.pepper, "short", "at least 32 characters"},
			} {
				args := append(command, "--database", s.database, "--pepper-file", how.file)
				_, stderr, code := s.runWith("", []string{"CONTACTBOOK_PEPPER=" + how.env}, args...)
				if code != 2 || !strings.Contains(stderr, how.says) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, text) {
					t.Errorf("%q with the pepper %q of %s: exit %d\n%s", command, how.env, filepath.Base(how.file), code, stderr)
				}
			}
		}
		if _, err := os.Stat(missing); err == nil {
			t.Error("a pepper was made for a database that has one")
		}
		s.start()
		s.ok(c, "GET", "/contacts/tag", nil)
	})
}

// TestSecretsNowhere looks for every secret that was ever printed, in all that is kept.
func TestSecretsNowhere(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			secretsNowhere(t, start(t, engine, "--log-level", "debug"))
		})
	}
}

func secretsNowhere(t *testing.T, s *server) {
	a, b := s.client(1, "LIVE"), s.client(2, "SANDBOX")
	rotated := s.rotate(a, "1h")
	secrets := map[string]string{"a client's": a.Secret, "another client's": b.Secret, "a rotated one": rotated.Secret}
	prints := map[string]int{}
	if s.engine == "sqlite" {
		first := regexp.MustCompile(`X-Ipay-Client-Secret: ([0-9a-f]{64})\n\n`).FindStringSubmatch(s.out.String())
		if first == nil {
			t.Fatalf("the first start printed no client:\n%s", &s.out)
		}
		// The first start prints the credentials, and two commands to paste that have them again.
		secrets["the first client's"], prints["the first client's"] = first[1], 3
	}
	pepper, err := os.ReadFile(s.pepper)
	if err != nil {
		t.Fatal(err)
	}
	secrets["the pepper"] = strings.TrimSpace(string(pepper))

	// In use, in wrong places, and in requests that fail in every way.
	for _, c := range []creds{a, b, rotated} {
		tag := s.tag(c, "Tag "+c.Secret[:8])
		s.contact(c, "Name", tag)
		s.contact(c, "Name", tag)
	}
	for _, c := range []creds{{ID: a.ID, Secret: b.Secret}, {ID: a.Secret, Secret: a.ID}, {ID: "unknown", Secret: a.Secret}, {ID: a.ID, Secret: a.Secret + "0"}} {
		for _, op := range book.Ops {
			s.call(c, op.Method(), op.Path(), `{"broken":`)
		}
	}
	s.call(a, "POST", "/nowhere/"+a.Secret, nil)
	s.call(a, "PUT", "/contacts/tag?secret="+a.Secret, nil)
	listed := s.must("client", "list") + s.must("client", "list", "--json")
	for _, c := range []creds{a, b} {
		listed += s.must("client", "show", c.ID) + s.must("client", "show", c.ID, "--json") + s.must("client", "update", c.ID, "--name", "new", "--json")
	}
	_, stderr, _ := s.run("client", "show", a.Secret[:10])
	listed += stderr

	places := map[string]string{"client list and show": listed}
	s.kept(places, "while it runs")
	s.kill()
	s.kept(places, "after a kill")
	s.start()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.kept(places, "after a stop")
	places["the server's output"] = s.out.String()

	found := 0
	for whose, secret := range secrets {
		if len(secret) < 64 {
			t.Fatalf("%s secret is %q", whose, secret)
		}
		raw, err := hex.DecodeString(secret)
		if err != nil {
			t.Fatal(err)
		}
		sum, rawSum := sha256.Sum256([]byte(secret)), sha256.Sum256(raw)
		for place, text := range places {
			want := 0
			if place == "the server's output" {
				want = prints[whose]
			}
			if n := strings.Count(text, secret); n != want {
				t.Errorf("%s secret is %d times in %s, want %d", whose, n, place, want)
			}
			// As bytes, and as a hash that no pepper keys: neither could be told from a guess.
			for _, form := range []string{
				string(raw), base64.StdEncoding.EncodeToString(raw), strings.ToUpper(secret), string(sum[:]), hex.EncodeToString(sum[:]), string(rawSum[:]),
			} {
				if strings.Contains(text, form) {
					t.Errorf("%s secret is in %s in another form", whose, place)
				}
			}
			found += strings.Count(text, "first client") + strings.Count(text, a.ID)
		}
	}
	if found == 0 {
		t.Error("the places do not have even a client's id: the search is not one")
	}
	if !strings.Contains(s.out.String(), "level=INFO") {
		t.Error("the server logged nothing of its requests")
	}
}

// kept adds all that a server keeps: SQLite's files, or every row of every table.
func (s *server) kept(places map[string]string, when string) {
	s.t.Helper()
	if s.engine == "sqlite" {
		files, err := filepath.Glob(strings.TrimPrefix(s.database, "sqlite:") + "*")
		if err != nil || len(files) == 0 {
			s.t.Fatal(files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				s.t.Fatal(err)
			}
			places[filepath.Base(file)+" "+when] = string(text)
		}
		return
	}
	db := openDirect(s.t, s.engine, s.database)
	defer db.Close()
	for table, cols := range columnsOf(s.t, s.engine, db) {
		var all strings.Builder
		rows, err := db.Query("select " + strings.Join(cols, ", ") + " from " + table)
		if err != nil {
			s.t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(cols)), make([]any, len(cols))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				s.t.Fatal(err)
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					fmt.Fprintf(&all, "%s %x\n", b, b)
				} else {
					fmt.Fprintln(&all, v)
				}
			}
		}
		if err := rows.Close(); err != nil {
			s.t.Fatal(err)
		}
		places["table "+table+" "+when] = all.String()
	}
}

// TestClientDelete: the last client of a book goes only after a yes, and its data only on demand, then all of it,
// even when the client writes on, and nobody else's.
func TestClientDelete(t *testing.T) {
	t.Parallel() // it mostly waits
	onEngines(t, func(t *testing.T, s *server) {
		remove := func(stdin string, c creds, more ...string) (stdout, stderr string, code int) {
			t.Helper()
			args := append([]string{"client", "delete", c.ID, "--database", s.database, "--pepper-file", s.pepper}, more...)
			return s.runWith(stdin, nil, args...)
		}
		a, sandbox, other := s.client(41, "LIVE"), s.client(41, "SANDBOX"), s.client(42, "LIVE")
		for _, c := range []creds{a, sandbox, other} {
			tag := s.tag(c, "Employee")
			for range 3 {
				id := s.contact(c, "Name", tag)
				s.ok(c, "POST", "/contacts/person", m{"gcId": id, "contactPersonName": "P", "email": "p@example.com", "mobile": "7428585742", "description": "d"})
				s.ok(c, "POST", "/contacts/business", m{"gcId": id, "pan": "ABCPE1234F"})
			}
		}
		db := openDirect(t, s.engine, s.database, "query_only(1)")
		tables := tenantTables(columnsOf(t, s.engine, db))
		before := dumpBooks(t, db, tables)
		const tenant = 2 * 41

		for _, answer := range []string{"", "\n", "n\n", "no\n", "yep\n"} {
			for _, more := range [][]string{nil, {"--with-data"}} {
				stdout, stderr, code := remove(answer, a, more...)
				if code != 1 || stdout != "" || !strings.Contains(stderr, "nothing was deleted") || !strings.Contains(stderr, a.ID) || !strings.Contains(stderr, "LIVE book of user 41") {
					t.Errorf("delete %q answered with %q: exit %d\n%s%s", more, answer, code, stdout, stderr)
				}
			}
		}
		if code := s.codeOf(a); code != "TXN" {
			t.Errorf("after no yes the client is answered %s", code)
		}

		// Not the last one: no question, and no erasing.
		second := s.client(41, "LIVE")
		if _, stderr, code := remove("y\n", second, "--with-data"); code != 1 || !strings.Contains(stderr, "other clients still open this book") {
			t.Errorf("erasing a shared book: exit %d %s", code, stderr)
		}
		if stdout, stderr, code := remove("", second); code != 0 || stderr != "" || !strings.Contains(stdout, second.ID) {
			t.Errorf("delete of one of two: exit %d %s%s", code, stdout, stderr)
		}

		// The last one, without its data.
		if stdout, stderr, code := remove("y\n", a); code != 0 || !strings.Contains(stdout, a.ID) {
			t.Errorf("delete of the last: exit %d %s%s", code, stdout, stderr)
		}
		if !before.same(dumpBooks(t, db, tables), tenant) {
			t.Error("delete without --with-data changed the book")
		}
		heir := s.client(41, "LIVE")
		if r := s.ok(heir, "GET", "/contacts/profile", nil); strings.Count(string(r.Data), `"mobile"`) != 3 {
			t.Errorf("a new client of the book sees %s", r.Raw)
		}

		// The last one, with its data, while it writes.
		tag := s.tag(heir, "in use")
		var wrote int
		var wg sync.WaitGroup
		wg.Go(func() {
			for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); wrote++ {
				if r, err := send(s.request(heir, "POST", "/contacts/profile", contactBody("more", tag))); err != nil || r.Code != "TXN" {
					if r.Code != "IAC" {
						t.Errorf("a client that is deleted is answered %s %v", r.Raw, err)
					}
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
		time.Sleep(50 * time.Millisecond)
		stdout, stderr, code := remove("YES\n", heir, "--with-data")
		wg.Wait()
		if code != 0 || !strings.Contains(stdout, fmt.Sprintf("Erased the LIVE book of user 41: %d contacts.", wrote+3)) {
			t.Errorf("delete --with-data: exit %d, %d contacts were written meanwhile\n%s%s", code, wrote, stdout, stderr)
		}
		after := dumpBooks(t, db, tables)
		if n := len(after[tenant]); n != 0 {
			t.Errorf("%d rows are left of an erased book:\n%s", n, dump{}.difference(after, tenant))
		}
		for _, tenant := range []int64{2*41 + 1, 2 * 42} {
			if len(before[tenant]) == 0 || !before.same(after, tenant) {
				t.Errorf("erasing a book changed another:\n%s", before.difference(after, tenant))
			}
		}
		if len(after) != 2 {
			t.Errorf("there are books of %d tenants", len(after))
		}
		t.Logf("%d contacts were written while the client was deleted, none is left", wrote)

		// A new client of the user begins an empty book; nothing of the old one is remembered.
		if code := s.codeOf(heir); code != "IAC" {
			t.Errorf("a deleted client is answered %s", code)
		}
		fresh := s.client(41, "LIVE")
		for _, path := range []string{"/contacts/tag", "/contacts/profile"} {
			if r := s.ok(fresh, "GET", path, nil); string(r.Data) != "[]" {
				t.Errorf("%s of an erased book: %s", path, r.Raw)
			}
		}
		if r := s.call(fresh, "POST", "/contacts/profile", contactBody("Name", tag)); r.Code != "RPI" {
			t.Errorf("a contact with an erased tag: %s", r.Raw)
		}
	})
}

// TestStartTogether starts eight servers at once on an empty database, without a pepper yet: all come up, and agree.
func TestStartTogether(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		if engine == "sqlite" {
			continue // one process serves a file
		}
		t.Run(engine, func(t *testing.T) {
			database, pepper := newDatabase(t, engine), filepath.Join(t.TempDir(), "new", "pepper.key")
			servers := make([]*server, 8)
			var wg sync.WaitGroup
			for i := range servers {
				wg.Go(func() { servers[i] = startOn(t, engine, database, pepper) })
			}
			wg.Wait()
			if t.Failed() {
				t.FailNow()
			}
			var c creds
			for i, s := range servers {
				if i%2 == 0 {
					c = s.client(5, "LIVE")
					s.tag(c, fmt.Sprint("tag ", i))
				}
				if r := s.ok(c, "GET", "/contacts/tag", nil); strings.Count(string(r.Data), `"_id"`) != i/2+1 {
					t.Errorf("server %d lists %s", i, r.Raw)
				}
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(pepper), "*"))
			if err != nil || len(left) != 1 {
				t.Errorf("the folder of the pepper has %v", left)
			}
		})
	}
}

// TestCreateTogether runs client create eight times at once on an empty database.
func TestCreateTogether(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			s := &server{t: t, engine: engine, database: newDatabase(t, engine), pepper: filepath.Join(t.TempDir(), "pepper.key")}
			clients := make([]creds, 8)
			var wg sync.WaitGroup
			for i := range clients {
				wg.Go(func() { clients[i] = s.client(6, "LIVE") })
			}
			wg.Wait()
			if t.Failed() {
				t.FailNow()
			}
			s.start()
			defer s.kill()
			for _, c := range clients {
				s.ok(c, "GET", "/contacts/tag", nil)
			}
		})
	}
}
