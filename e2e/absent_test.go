package e2e

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// TestDatabaseAbsentAtStart (R14) starts the server before its database: it lives, is not ready, refuses as in an outage,
// and works once the database comes, without a restart.
func TestDatabaseAbsentAtStart(t *testing.T) {
	t.Parallel()
	pg := ownPostgres(t)
	database := pg.Database(t)
	if err := pg.Down(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, "postgres", database, filepath.Join(t.TempDir(), "pepper.key"))
	stillLives(t, s)
	if r := s.call(creds{ID: "a", Secret: "b"}, "GET", "/contacts/tag", nil); r.Code != "SPD" || r.HTTP != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("without the database: %d %s", r.HTTP, r.Raw)
	}
	if _, stderr, code := s.run("client", "list"); code != 1 {
		t.Errorf("other commands do not wait: exit %d, %s", code, stderr)
	}
	if err := pg.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	awaitReady(t, s)
	took := time.Since(back)
	proof.Record(t, proof.Figure{ID: "R14", What: "from the database's arrival until the server is ready",
		Target: backWithin.String(), Got: took.Round(time.Millisecond).String(), Met: took <= backWithin})
	if exact() && took > backWithin {
		t.Errorf("ready after %v", took)
	}
	c := s.client(1, "LIVE")
	s.contact(c, "first", s.tag(c, "Employee"))
	if err := s.stop(); err != nil {
		t.Errorf("the server did not stop well: %v", err)
	}
}

// TestStopWithoutDatabase stops a server that still waits for its database.
func TestStopWithoutDatabase(t *testing.T) {
	t.Parallel()
	s := startOn(t, "postgres", "postgres://nobody@127.0.0.1:1/none", filepath.Join(t.TempDir(), "pepper.key"))
	stillLives(t, s)
	if err := s.stop(); err != nil {
		t.Errorf("the server did not stop well: %v", err)
	}
}

// TestLockTimeout (R11) holds a contact's row for longer than a write waits: the writer is told of an outage, and nothing
// has changed.
func TestLockTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, "postgres")
	c := s.client(1, "LIVE")
	id := s.contact(c, "held", s.tag(c, "Employee"))
	db := openDirect(t, "postgres", s.database)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("select 1 from contact for update"); err != nil {
		t.Fatal(err)
	}
	r := s.call(c, "DELETE", "/contacts/profile", m{"contactId": id})
	if r.Code != "SPD" || r.HTTP != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("a row that is held: %d %s", r.HTTP, r.Raw)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.ok(c, "DELETE", "/contacts/profile", m{"contactId": id})
}
