package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// TestBackupWhileServing (O7) copies the book under load, more often where there is time, restores each copy elsewhere,
// and finds there all that was acknowledged before the copy began, as it was acknowledged, for the client that wrote it.
func TestBackupWhileServing(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite")
	l := newLoad(t, s)
	stop := l.start(0)
	stopped := false
	defer func() {
		if !stopped {
			stop()
		}
	}()
	rounds := proof.Pick(1, 10, 50)
	checked, lost := 0, 0
	for n := range rounds {
		awaitAcks(t, l, int64(50*(n+1)))
		l.mu.Lock()
		contacts, persons := maps.Clone(l.contacts.acked), maps.Clone(l.persons.acked)
		l.mu.Unlock()
		dir := t.TempDir()
		to := filepath.Join(dir, "copy.db")
		if stdout, stderr, code := s.run("backup", "--to", to); code != 0 {
			t.Fatalf("backup: exit %d\n%s%s", code, stdout, stderr)
		}
		back := &server{t: t, engine: "sqlite", database: "sqlite:" + filepath.Join(dir, "back", "book.db"), pepper: filepath.Join(dir, "back", "pepper.key")}
		began := time.Now()
		if stdout, stderr, code := back.run("restore", to); code != 0 {
			t.Fatalf("restore: exit %d\n%s%s", code, stdout, stderr)
		}
		if stdout, stderr, code := back.run("doctor"); code != 0 {
			t.Errorf("doctor: exit %d\n%s%s", code, stdout, stderr)
		}
		back = startOn(t, "sqlite", back.database, back.pepper)
		awaitReady(t, back)
		t.Logf("backup %d: restored, looked over and ready after %v", n+1, time.Since(began).Round(time.Millisecond))
		// Read by the credentials of the first book, and compared with what was acknowledged; what was sent later may
		// be there too.
		l.mu.Lock()
		copied := &load{T: t, s: back, creds: l.creds, http: l.http, hosts: maps.Clone(l.hosts)}
		copied.contacts = ledger[contactShown]{maps.Clone(l.contacts.sent), contacts}
		copied.persons = ledger[personShown]{maps.Clone(l.persons.sent), persons}
		l.mu.Unlock()
		copied.verify()
		checked, lost = checked+len(contacts)+len(persons), lost+copied.lost
		back.kill()
		if len(contacts) == 0 || len(persons) == 0 {
			t.Errorf("nothing was written before the backup: %d contacts, %d persons", len(contacts), len(persons))
		}
		// A book that is served is not restored over.
		if _, stderr, code := s.run("restore", to, "--force"); code != 2 {
			t.Errorf("restore over a served book: exit %d, %s", code, stderr)
		}
	}
	stop()
	stopped = true
	l.finish()
	proof.Record(t, proof.Figure{ID: "O7", What: fmt.Sprintf("%d backups under load, each restored: lost of %d records acknowledged before", rounds, checked),
		Target: "0", Got: fmt.Sprint(lost), Met: lost == 0, Seed: l.from})
}

// awaitAcks waits for n acknowledgements since the load began.
func awaitAcks(t *testing.T, l *load, n int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); l.acks.Load() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d acknowledgements in a minute", l.acks.Load())
		}
	}
}

// TestBackupKilled kills a backup at some moment: the name it was to have is free, or it is a whole backup's.
func TestBackupKilled(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite")
	r, _ := proof.Rand(t)
	c := s.client(5, "LIVE")
	tag := s.tag(c, "Employee")
	for range 20 {
		s.contact(c, "sample", tag)
	}
	for range 4 {
		to := filepath.Join(t.TempDir(), "copy.db")
		killAfter(t, time.Duration(r.IntN(80))*time.Millisecond, "backup", "--to", to, "--database", s.database, "--pepper-file", s.pepper)
		if _, err := os.Stat(to); err != nil {
			continue
		}
		back := filepath.Join(t.TempDir(), "book.db")
		if stdout, stderr, code := runBinary("restore", to, "--database", "sqlite:"+back, "--pepper-file", back+".pepper"); code != 0 {
			t.Errorf("restore of what a killed backup left: exit %d\n%s%s", code, stdout, stderr)
		}
	}
}

// TestRestoreStaleWAL restores where a book was deleted and its WAL was not: what that holds is no part of the backup.
func TestRestoreStaleWAL(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite")
	before := s.client(5, "LIVE")
	to := filepath.Join(t.TempDir(), "copy.db")
	if stdout, stderr, code := s.run("backup", "--to", to); code != 0 {
		t.Fatalf("backup: exit %d\n%s%s", code, stdout, stderr)
	}
	after := s.client(6, "LIVE")
	s.kill()
	path := strings.TrimPrefix(s.database, "sqlite:")
	if len(read(t, path+"-wal")) == 0 {
		t.Fatal("there is no WAL")
	}
	for _, name := range []string{path, s.pepper} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if stdout, stderr, code := s.run("restore", to); code != 0 {
		t.Fatalf("restore: exit %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code := s.run("client", "list")
	if code != 0 || !strings.Contains(stdout, before.ID) || strings.Contains(stdout, after.ID) {
		t.Errorf("client list: exit %d; %s must be there, %s must not be\n%s%s", code, before.ID, after.ID, stdout, stderr)
	}
}
