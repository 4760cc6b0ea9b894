package store

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/flock"
)

// A backup takes away what one that was killed has left in the same folder, and nothing of one that is at work, nor
// anybody else's.
func TestBackupRemovesDead(t *testing.T) {
	o := fresh(t, "sqlite")
	open(t, o).Close()
	dir := filepath.Join(t.TempDir(), "a [b]*")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	dead := []string{".n.db.part-1", ".n.db.part-1.lock", ".n.db.part-1.pepper", ".n.db.part-1-journal"}
	stay := []string{".n.db.part-2", ".n.db.part-2.lock", ".n.db.part-2.sha256", ".n.db.part-3", "n.db.part-1.lock", "mine.lock"}
	for _, name := range append(slices.Clone(dead), stay...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alive := flock.New(filepath.Join(dir, ".n.db.part-2.lock"))
	if ok, err := alive.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	defer alive.Close()
	b := Backup{URL: o.URL, To: filepath.Join(dir, "other.db"), Pepper: o.Pepper, Progress: func(string, int64, int64) {}}
	if _, err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range there {
		names = append(names, f.Name())
	}
	want := append(stay, "other.db", "other.db.sha256")
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("there are %q, and should be %q", names, want)
	}
}

// A folder is made with all that is missing above it.
func TestMakeFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := makeFolder(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeFolder(filepath.Join(dir, "file", "below")); err == nil {
		t.Error("a folder below a file")
	}
}

// Doctor finds a row that is missing from one index only, which no query of ours can see.
func TestDoctorIndex(t *testing.T) {
	o := fresh(t, "sqlite")
	open(t, o).Close()
	do := func(statements ...string) {
		t.Helper()
		db, err := sql.Open("sqlite", fileURL(strings.TrimPrefix(o.URL, "sqlite:"))+"?_pragma=writable_schema(1)")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	// The index is hidden while the row is written.
	do("create table hidden as select * from sqlite_master where name = 'tag_name'", "delete from sqlite_master where name = 'tag_name'")
	do("insert into tag values (2, x'000000000000000000000001', 'N', 'n', '#FFFFFF', 5, 5)", "insert into sqlite_master select * from hidden", "delete from sqlite_master where name = 'hidden'")
	c, err := Check(t.Context(), o.URL, o.Pepper)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(c.Found, func(f Finding) bool { return strings.Contains(f.What, "tag_name") }) {
		t.Errorf("it found %+v", c.Found)
	}
}
