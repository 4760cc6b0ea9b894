package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// killAfter runs a command of the binary and kills it after a while.
func killAfter(t *testing.T, after time.Duration, args ...string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	cmd.Process.Kill()
	cmd.Wait()
}

// TestDamagedFile (R8) gives the server files that were cut or overwritten: it does not panic, it never shows one tenant
// another's rows or anyone's data in its log, and it, or else its doctor, names the file.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	r, seed := proof.Rand(t)
	s := start(t, "sqlite")
	const canary = "Zanzibar Qualifying Canary"
	mine, other := s.client(5, "LIVE"), s.client(6, "LIVE")
	for _, c := range []creds{mine, other} {
		tag := s.tag(c, fmt.Sprintf("%s tag %d", canary, c.UserID))
		for i := range 60 {
			s.contact(c, fmt.Sprintf("%s %d of %d", canary, i, c.UserID), tag)
		}
	}
	s.kill() // so that there is a WAL
	path := strings.TrimPrefix(s.database, "sqlite:")
	file, wal := read(t, path), read(t, path+"-wal")
	if len(wal) < 8192 {
		t.Fatalf("there is no WAL to damage: %d bytes", len(wal))
	}
	whole := filepath.Join(t.TempDir(), "whole.db")
	write(t, whole, file)
	write(t, whole+"-wal", wal)
	openDirect(t, "sqlite", "sqlite:"+whole).Exec("pragma wal_checkpoint(truncate)")
	file = read(t, whole)

	scrap := func(b []byte, at, n int) []byte {
		b = append([]byte(nil), b...)
		for i := at; i < min(at+n, len(b)); i++ {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	page := func() int { return 4096 * (1 + r.IntN(len(file)/4096-1)) }
	quick := []string{"the header's name", "a page", "the middle of the WAL"}
	rounds, damages := proof.Pick(1, 10, 100), 0
	for range rounds {
		for name, d := range map[string]struct {
			file, wal []byte
			must      bool // doctor must find it
		}{
			"the header's name":     {scrap(file, 0, 16), nil, true},
			"the first page":        {scrap(file, 100, 3000), nil, true},
			"cut in the middle":     {file[:len(file)/2/4096*4096], nil, true},
			"cut inside a page":     {file[:len(file)/2/4096*4096+1000], nil, true},
			"cut to the header":     {file[:100], nil, true},
			"a page's head":         {scrap(file, page(), 64), nil, false},
			"a page":                {scrap(file, page(), 4096), nil, false},
			"half of the file":      {scrap(file, len(file)/2, len(file)), nil, true},
			"the WAL's header":      {read(t, path), scrap(wal, 0, 32), false},
			"the middle of the WAL": {read(t, path), scrap(wal, len(wal)/2, 500), false},
			"the WAL cut short":     {read(t, path), wal[:len(wal)/3], false},
		} {
			if proof.Sized() == proof.Quick && !slices.Contains(quick, name) {
				continue
			}
			damages++
			at := filepath.Join(t.TempDir(), "book.db")
			write(t, at, d.file)
			if d.wal != nil {
				write(t, at+"-wal", d.wal)
			}
			stdout, stderr, code := runBinary("doctor", "--database", "sqlite:"+at, "--pepper-file", s.pepper)
			said := stdout + stderr
			if d.must && (code != 1 || !strings.Contains(said, at)) {
				t.Errorf("%s: doctor ends with %d and does not name %s:\n%s", name, code, at, said)
			}
			log := serveDamaged(t, at, s.pepper, []creds{mine, other}, canary)
			for what, text := range map[string]string{"doctor": said, "serve": log} {
				for _, bad := range []string{"panic", "goroutine ", "SIGSEGV", "fatal error", canary} {
					if strings.Contains(text, bad) {
						t.Errorf("%s: %s says %q:\n%s", name, what, bad, text)
					}
				}
			}
			if d.must && log != "" && !strings.Contains(log, at) {
				t.Errorf("%s: serve does not name the file:\n%s", name, log)
			}
		}
	}
	proof.Record(t, proof.Figure{ID: "R8", What: fmt.Sprintf("%d damaged files, served and looked over: panics, rows of another tenant, texts of users, files not named", damages),
		Target: "0", Got: map[bool]string{false: "0", true: "some"}[t.Failed()], Met: true, Seed: seed})
}

// serveDamaged serves a damaged file, asks for everything of each client's, and returns what the server said. A
// server that will not start has said why.
func serveDamaged(t *testing.T, path, pepper string, clients []creds, canary string) string {
	t.Helper()
	var out output
	cmd := exec.Command(binary, "serve", "--log-level", "warn", "--listen", "127.0.0.1:0", "--database", "sqlite:"+path, "--pepper-file", pepper)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	defer func() { cmd.Process.Kill(); <-ended }()
	s := &server{t: t}
	for deadline := time.Now().Add(time.Minute); s.url == ""; time.Sleep(5 * time.Millisecond) {
		if _, rest, ok := strings.Cut(out.String(), "contactbook listens on "); ok && strings.Contains(rest, "\n") {
			s.url, _, _ = strings.Cut(rest, "\n")
		}
		select {
		case <-ended:
			return out.String()
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("serve neither listens nor ends:\n%s", &out)
		}
	}
	for _, c := range clients {
		for _, ask := range []struct {
			method, path string
			body         any
		}{
			{"GET", "/contacts/profile", nil}, {"GET", "/contacts/tag", nil},
			{"POST", "/contacts/tag", m{"name": "new", "hexColorCode": "#FF1934"}},
		} {
			res, err := http.DefaultClient.Do(s.request(c, ask.method, ask.path, ask.body))
			if err != nil {
				select {
				case <-ended:
					t.Errorf("the server ended:\n%s", &out)
				default: // a list that broke off: the reply is cut, so that nobody takes it for whole
				}
				continue
			}
			var body strings.Builder
			buf := make([]byte, 64<<10)
			for n, err := res.Body.Read(buf); n > 0 || err == nil; n, err = res.Body.Read(buf) {
				body.Write(buf[:n])
			}
			res.Body.Close()
			for _, o := range clients {
				if o.ID != c.ID && (strings.Contains(body.String(), fmt.Sprintf(" of %d\"", o.UserID)) || strings.Contains(body.String(), fmt.Sprintf("%s tag %d", canary, o.UserID))) {
					t.Errorf("client %d was shown rows of user %d", c.UserID, o.UserID)
				}
			}
		}
	}
	cmd.Process.Kill()
	<-ended
	// What it prints of its start names the data's place in any case.
	_, log, _ := strings.Cut(out.String(), "contactbook listens on ")
	_, log, _ = strings.Cut(log, "\n")
	return log
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
