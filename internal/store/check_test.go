package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// faults are rows that no book may hold, planted one after another past
// contactbook, and what doctor must say. A and B stand for two ids.
var faults = []struct {
	name  string
	plant []string
	want  []string
}{
	{"another's pepper", []string{"update setting set value = 'other' where name = 'pepper'"}, []string{"the pepper is not this book's"}},
	{"rows", []string{
		"insert into person values (2, A, B, 'n', 'e', 'm', '91', 'd', 5, 5)",
		"insert into contact values (4, A, 'n', 'e', 'm', '91', 'c', A, 5, 5)",
		"insert into address values (2, A, B, 't', 'a', 'c', 's', 'p', 'IN', 5, 5)",
		"insert into address values (6, A, B, 't', 'a', 'c', 's', 'p', 'IN', 5, 5)",
		"insert into contact values (2, B, 'n', 'e', 'm', '91', 'c', A, 5, 5)",
		"drop index payment_primary", "create index payment_primary on payment (tenant_id)",
		"insert into payment (tenant_id, contact_id, id, account_type, account_number, calling_code, account_ifsc, beneficiary_name, is_primary, is_verified, created, updated) values (2, B, A, 't', 'n', '', 'i', 'b', true, false, 5, 5)",
		"insert into payment (tenant_id, contact_id, id, account_type, account_number, calling_code, account_ifsc, beneficiary_name, is_primary, is_verified, created, updated) values (2, B, B, 't', 'n', '', 'i', 'b', true, false, 5, 5)",
		"drop index tag_name", "create index tag_name on tag (tenant_id)",
		"insert into tag values (2, A, 'N', 'n', '#FFFFFF', 5, 5)", "insert into tag values (2, B, 'n', 'n', '#FFFFFF', 5, 5)",
		"insert into tag values (2, substr(A, 1, 5), 'N', 'short', '#FFFFFF', 5, 5)", "insert into tag values (4, B, 'N', 'back', '#FFFFFF', 5, 4)",
		"insert into tag values (1, A, 'N', 'n', '#FFFFFF', 5, 5)",
		"insert into contact values (8, A, 'n', 'e', 'm', '91', 'c', substr(A, 1, 7), 5, 5)",
	}, []string{
		"1 rows of person have no contact in their own book", "2 rows of address hang on a contact of another tenant",
		"1 contacts have more than one primary payment method", "1 tag names are there twice in a book",
		"3 rows of tag have an id, a tenant or times", "1 contacts have a list of tags that is cut short",
	}},
	{"a newer schema", []string{"insert into goose_db_version (version_id, is_applied) values (9999, true)"}, []string{"schema 9999, newer"}},
	{"an older schema", []string{"update goose_db_version set version_id = 0", "drop table snapshot", "drop table verification"}, []string{"schema 0, older"}},
	{"a table is missing", []string{"delete from goose_db_version", "insert into goose_db_version (version_id, is_applied) values (NEWEST, true)", "drop table payment"}, []string{"a part of its schema is missing"}},
}

// Doctor finds each fault that is planted, by name, and nothing in a good book.
func TestCheckFindsFaults(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		db := open(t, o)
		good, err := Check(t.Context(), o.URL, o.Pepper)
		if err != nil || len(good.Found) > 0 || len(good.Looked) < 25 {
			t.Fatalf("of a good book: %+v, %v", good, err)
		}
		mark, err := fingerprintIn(t.Context(), db.migrations)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		driver, dsn, id := "pgx", o.URL, `'\x00000000000000000000000%d'::bytea`
		if good.Engine == "sqlite" {
			driver, dsn, id = "sqlite", fileURL(strings.TrimPrefix(o.URL, "sqlite:")), "x'00000000000000000000000%d'"
		}
		raw, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		do := func(s string) {
			t.Helper()
			s = regexp.MustCompile(`\b[AB]\b`).ReplaceAllStringFunc(s, func(m string) string { return fmt.Sprintf(id, m[0]-'A') })
			s = strings.Replace(s, "NEWEST", fmt.Sprint(good.Schema), 1)
			if _, err := raw.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
		if good.Engine == "postgres" {
			do("alter table person drop constraint person_tenant_id_contact_id_fkey")
			do("alter table address drop constraint address_tenant_id_contact_id_fkey")
		}
		for _, f := range faults {
			for _, s := range f.plant {
				do(s)
			}
			c, err := Check(t.Context(), o.URL, o.Pepper)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range f.want {
				if !slices.ContainsFunc(c.Found, func(x Finding) bool { return strings.Contains(x.What, want) && x.Do != "" }) {
					t.Errorf("%s: %q is not among %q", f.name, want, c.Found)
				}
			}
			do("update setting set value = '" + mark + "' where name = 'pepper'")
		}
	})
}

func TestCheckModes(t *testing.T) {
	o := fresh(t, "sqlite")
	open(t, o).Close()
	path := strings.TrimPrefix(o.URL, "sqlite:")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Check(t.Context(), o.URL, o.Pepper)
	if err != nil || len(c.Found) == 0 || c.Found[0].Do != "chmod 600 "+path {
		t.Errorf("%+v, %v", c, err)
	}
}

// A database that is up and cannot do this now is an outage to come back from.
func TestPressed(t *testing.T) {
	for code, want := range map[string]bool{"55P03": true, "57014": true, "53300": true, "53100": true, "25006": true, "23505": false, "42601": false} {
		if got := isPressed(&pgconn.PgError{Code: code}); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
}

// A backup that ends early leaves nothing, and one that is there stays.
func TestBackupLeavesNothing(t *testing.T) {
	o := fresh(t, "sqlite")
	o.Pepper = PepperSource{File: filepath.Join(t.TempDir(), "pepper.key")}
	open(t, o).Close()
	dir := t.TempDir()
	for _, stop := range []string{"copied", "checksummed"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Backup{URL: o.URL, To: filepath.Join(dir, "b.db"), Pepper: o.Pepper, Progress: func(step string, _, _ int64) {
			if step == stop {
				cancel()
			}
		}}.Run(ctx)
		left, _ := os.ReadDir(dir)
		if err == nil || len(left) > 0 {
			t.Errorf("ended while it %s: %v, left %v", stop, err, left)
		}
	}
	b := Backup{URL: o.URL, To: filepath.Join(dir, "b.db"), Pepper: o.Pepper, Progress: func(string, int64, int64) {}}
	if _, err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Run(t.Context()); err == nil {
		t.Error("a backup was overwritten")
	}
	left, _ := os.ReadDir(dir)
	for _, f := range left {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
	if len(left) != 3 {
		t.Errorf("there are %v", left)
	}
}

// What was changed since the backup is not restored, and the book stays.
func TestRestoreRefuses(t *testing.T) {
	o := fresh(t, "sqlite")
	o.Pepper = PepperSource{File: filepath.Join(t.TempDir(), "pepper.key")}
	open(t, o).Close()
	quiet := func(string, int64, int64) {}
	from := filepath.Join(t.TempDir(), "b.db")
	if _, err := (Backup{URL: o.URL, To: from, Pepper: o.Pepper, Progress: quiet}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(o.URL, "sqlite:")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	restore := func(name string, force bool, want string) {
		t.Helper()
		_, err := Restore{From: from, URL: o.URL, Pepper: o.Pepper, Force: force, Progress: quiet}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
			t.Errorf("%s: the book has changed, %v", name, err)
		}
	}
	restore("over a book", false, "with --force it is overwritten")
	bad := slices.Clone(good)
	bad[len(bad)/2] ^= 1
	for name, text := range map[string][]byte{"one bit": bad, "cut short": good[:len(good)-4096], "nothing": nil} {
		os.WriteFile(from, text, 0o600)
		restore(name, true, "is not what was backed up")
	}
	os.WriteFile(from, []byte("not a book"), 0o600)
	os.WriteFile(from+SumSuffix, []byte("8ba7ba3ba4ba3fdb3a2b2be2ba2c0e83f2ad21b6e5d6ed2f7d8e2d0d9b2b6c17  b.db\n"), 0o600)
	restore("another's checksum", true, "is not what was backed up")
	os.WriteFile(from, good, 0o600)
	os.Remove(from + SumSuffix)
	restore("without a checksum", true, "checksum cannot be read")
	db, err := Open(t.Context(), Options{URL: o.URL, Pepper: o.Pepper, Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	putFile(from+SumSuffix, strings.Repeat("0", 64))
	if _, err := (Restore{From: from, URL: o.URL, Pepper: o.Pepper, Force: true, Progress: quiet}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("a served book: %v", err)
	}
}
