package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactbook/internal/pgtest"
	"contactbook/internal/proof"
)

// walledOptions are those of a serving role behind the second wall, and of the
// owner of its tables.
func walledOptions(t testing.TB) (serving, owner Options, role string) {
	t.Helper()
	owner = fresh(t, "postgres")
	open(t, owner).Close()
	role, as := pgtest.Role(t, owner.URL)
	owner.Migrate, owner.Build = true, WallBuild{Up: true, Role: role}
	open(t, owner).Close()
	owner.Build = WallBuild{}
	serving = owner
	serving.URL, serving.Migrate, serving.Wall = as, false, true
	return serving, owner, role
}

// What a program that forgot the tenant, or took another, can do behind the wall.
func TestWallStops(t *testing.T) {
	serving, owner, _ := walledOptions(t)
	db := open(t, serving)
	ctx := t.Context()
	mine, other := newNote("mine"), newNote("other")
	for tenant, n := range map[Tenant]*note{2: mine, 4: other} {
		if err := db.Book(tenant).Write(ctx, n.add); err != nil {
			t.Fatal(err)
		}
	}
	for _, forgot := range []string{"select count(*) from tag", "update tag set name = 'x'", "delete from tag",
		"insert into tag select 2, id, name, 'k', hex_color_code, created, updated from tag"} {
		if _, err := db.reads.exec(ctx, forgot); err == nil {
			t.Errorf("%s without a tenant is let through", forgot)
		}
	}
	// Of a session that had a tenant once the setting is empty, not unknown.
	for range 2 * maxOpenConns {
		if _, err := db.reads.exec(ctx, "select count(*) from tag"); err == nil {
			t.Fatal("a connection kept its tenant")
		}
	}
	err := db.Book(2).Write(ctx, func(ctx context.Context, tx *Tx) error {
		for query, want := range map[string]int64{
			"select 1 from tag where $1 > 0":                                    1,
			"update tag set name = 'taken' where $1 > 0 and tenant_id <> $1":    0,
			"delete from tag where $1 > 0 and tenant_id = 4":                    0,
			"update tag set name = name where $1 > 0 and name_key = 'mine'":     1,
			"select 1 from tag where tenant_id <> $1":                           0,
			"select 1 from contact where tenant_id <> $1 or tenant_id is null ": 0,
		} {
			if n, err := tx.Exec(ctx, query); err != nil || n != want {
				t.Errorf("%s: %d rows and not %d, %v", query, n, want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, query := range []string{
		"insert into tag values (4, $2, 'n', 'n', '#000000', $1, 5)",
		"update tag set tenant_id = 4 where $1 > 0 and id <> $2",
	} {
		err := db.Book(2).Write(ctx, func(ctx context.Context, tx *Tx) error {
			_, err := tx.Exec(ctx, query, ids.New())
			return err
		})
		if postgresCode(err) != "42501" {
			t.Errorf("%s as another tenant: %v", query, err)
		}
	}
	if err := Get(ctx, db.Book(4), other); err != nil || other.Name != "other" {
		t.Errorf("the other's note is %s, %v", other.Name, err)
	}

	// A batch of adds may insert for its tenants alone, and read nothing.
	tx, err := db.pool.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, setAdds, "{2,6}"); err != nil {
		t.Fatal(err)
	}
	insert := func(tenant int) error {
		id := ids.New()
		_, err := tx.ExecContext(ctx, "insert into tag values ($1, $2, 'n', $3, '#000000', 5, 5)", tenant, id, id.String())
		return err
	}
	var n int
	if err := errors.Join(insert(6), insert(2), tx.QueryRowContext(ctx, "select count(*) from tag").Scan(&n)); err != nil || n != 0 {
		t.Errorf("a batch of adds reads %d rows, %v", n, err)
	}
	if err := insert(4); postgresCode(err) != "42501" {
		t.Errorf("a batch of adds inserts for a tenant that is not of it: %v", err)
	}

	// Credentials are for the owner to change.
	if _, _, err := db.AddClient(ctx, Client{UserID: 1}); postgresCode(err) != "42501" {
		t.Errorf("a server makes a client: %v", err)
	}
	if _, err := db.Clients(ctx); err != nil {
		t.Error(err)
	}
	// The owner is above it.
	if _, err := Open(ctx, Options{URL: owner.URL, Pepper: owner.Pepper, Wall: true}); !isSetting(err, "stands above the second wall") {
		t.Errorf("the wall asked for as its owner: %v", err)
	}
}

func isSetting(err error, words string) bool {
	var s SettingError
	return errors.As(err, &s) && strings.Contains(err.Error(), words)
}

// Adds of many tenants that share batches arrive, each in its own book.
func TestWallAdds(t *testing.T) {
	serving, _, _ := walledOptions(t)
	for _, mode := range []string{"", "exec", "describe_exec", "cache_describe"}[:proof.Pick(2, 4, 4)] {
		o := serving
		if mode != "" {
			o.URL += "&default_query_exec_mode=" + mode
		}
		var most atomic.Int64
		o.OnCommit = func(writes int, _ time.Duration) { most.Store(max(most.Load(), int64(writes))) }
		db := open(t, o)
		const tenants, each = 8, 20
		var wg sync.WaitGroup
		for i := range tenants {
			wg.Go(func() {
				for range each {
					p := newPayee()
					if err := db.Book(Tenant(2+i)).Add(t.Context(), p, func(context.Context, Reader) error { return nil }); err != nil {
						t.Error(err)
						return
					}
					again := payee{Meta: Meta{ID: p.ID}}
					if err := Get(t.Context(), db.Book(Tenant(2+i)), &again); err != nil || cmp.Diff(p.tags, again.tags) != "" {
						t.Errorf("%s: %v", mode, err)
					}
					if err := Has(t.Context(), db.Book(Tenant(2+(i+1)%tenants)), p); !errors.Is(err, ErrNotFound) {
						t.Errorf("%s: another finds it: %v", mode, err)
					}
				}
			})
		}
		wg.Wait()
		db.Close()
		if most.Load() < 2 {
			t.Errorf("%s: no two adds shared a commit", mode)
		}
	}
}

// A server that finds an older schema as the serving role says at once who must
// bring it up to date.
func TestWallMigrates(t *testing.T) {
	serving, owner, _ := walledOptions(t)
	raw, err := sql.Open("pgx", owner.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("delete from goose_db_version where version_id = (select max(version_id) from goose_db_version)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := Open(ctx, serving); !isSetting(err, "run contactbook migrate as the owner") {
		t.Errorf("an older schema as the serving role: %v", err)
	}
}

// A table that a later migration makes without a word about the wall is found,
// stops a server that needs the wall, and is put behind it by the next migrate.
func TestWallGap(t *testing.T) {
	serving, owner, _ := walledOptions(t)
	raw, err := sql.Open("pgx", owner.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, gap := range []struct{ make, table string }{
		{"create table later (tenant_id bigint not null, id bytea not null, primary key (tenant_id, id))", "later"},
		{"alter policy contactbook_tenant on tag using (true)", "tag"},
		{"alter table payment disable row level security", "payment"},
		{"drop policy contactbook_tenant on address", "address"},
		{"create policy loophole on person using (true)", "person"},
	}[:proof.Pick(2, 5, 5)] {
		if _, err := raw.Exec(gap.make); err != nil {
			t.Fatal(err)
		}
		words := "has a gap at " + gap.table + ":"
		if _, err := Open(t.Context(), serving); !isSetting(err, words) {
			t.Errorf("%s: serve says %v", gap.make, err)
		}
		for _, o := range []Options{serving, owner} {
			c, err := Check(t.Context(), o.URL, o.Pepper)
			if err != nil || !slices.ContainsFunc(c.Found, func(f Finding) bool { return strings.Contains(f.What, words) }) {
				t.Errorf("%s: doctor finds %v, %v", gap.make, c, err)
			}
		}
		if strings.Contains(gap.make, "loophole") { // it is not contactbook's to drop
			raw.Exec("drop policy loophole on person")
		}
		open(t, owner).Close()
		db, err := Open(t.Context(), serving)
		if err != nil {
			t.Fatalf("%s: after migrate: %v", gap.make, err)
		}
		if _, err := (walled{db, 2}).exec(t.Context(), "select * from "+gap.table); err != nil {
			t.Errorf("%s: the serving role is not let at it: %v", gap.make, err)
		}
		db.Close()
	}
}

// The wall goes up and comes down, and says to whom it cannot be given.
func TestWallBuild(t *testing.T) {
	serving, owner, role := walledOptions(t)
	build := func(b WallBuild) error {
		o := owner
		o.Build = b
		db, err := Open(t.Context(), o)
		if err == nil {
			db.Close()
		}
		return err
	}
	if err := build(WallBuild{Down: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), serving); !isSetting(err, "is not up") {
		t.Errorf("a server that needs the wall, without one: %v", err)
	}
	serving.Wall = false
	db := open(t, serving)
	if err := db.Book(2).Write(t.Context(), newNote("a").add); err != nil || db.walled {
		t.Errorf("without the wall the serving role still serves: %v", err)
	}
	for range 2 {
		if err := build(WallBuild{Up: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := notes.All(t.Context(), db.Book(2)); err == nil {
		t.Errorf("a server from before the wall reads %d rows, as if the book were empty", len(n))
	}
	if all, err := notes.All(t.Context(), open(t, serving).Book(2)); err != nil || len(all) != 1 {
		t.Errorf("%d notes, %v", len(all), err)
	}
	raw, err := sql.Open("pgx", owner.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("alter role " + role + " bypassrls"); err != nil {
		t.Fatal(err)
	}
	if err := build(WallBuild{Role: role}); !isSetting(err, "cannot be a serving role") {
		t.Errorf("a role above the wall: %v", err)
	}
	if err := build(WallBuild{Role: "no such \"role"}); !isSetting(err, "there is no role") {
		t.Errorf("no such role: %v", err)
	}
	o := fresh(t, "sqlite")
	o.Build.Up = true
	if _, err := Open(t.Context(), o); !isSetting(err, "SQLite has no such wall") {
		t.Errorf("on SQLite: %v", err)
	}
}
