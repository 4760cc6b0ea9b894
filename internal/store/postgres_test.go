package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"contactbook/internal/pgtest"
	"contactbook/internal/wire"
)

// closedConn is what pgx reports where it reads the answer of a commit from a connection that is lost.
type closedConn struct{}

func (closedConn) Error() string     { return "conn closed" }
func (closedConn) SafeToRetry() bool { return true }

func TestPostgresVerdict(t *testing.T) {
	pg := func(code string) error {
		return &pgconn.PgError{Code: code, Message: "m", Detail: "Key (name)=(secret)"}
	}
	for name, c := range map[string]struct {
		err              error
		before, atCommit verdict
	}{
		"serialization failure": {pg("40001"), redo, redo},
		"deadlock":              {pg("40P01"), redo, redo},
		"lock timeout":          {pg("55P03"), redo, redo},
		"terminated":            {pg("57P01"), redo, unknown},
		"crashed":               {pg("57P02"), redo, unknown},
		"starting":              {pg("57P03"), redo, redo},
		"duplicate":             {pg("23505"), fails, fails},
		"statement timeout":     {pg("57014"), fails, fails},
		"lost":                  {io.ErrUnexpectedEOF, redo, unknown},
		"closed":                {fmt.Errorf("commit: %w", closedConn{}), redo, unknown},
		"client gone":           {context.Canceled, fails, fails},
	} {
		if got := postgresVerdict(c.err, false); got != c.before {
			t.Errorf("%s: %d", name, got)
		}
		if got := postgresVerdict(c.err, true); got != c.atCommit {
			t.Errorf("%s at commit: %d", name, got)
		}
		if strings.Contains(errors.Join(plain(c.err)).Error(), "secret") {
			t.Errorf("%s shows row values", name)
		}
	}
}

// A connection that the server ends in the middle of a transaction costs the
// client nothing.
func TestPostgresRedoes(t *testing.T) {
	db := open(t, fresh(t, "postgres"))
	n, tries := newNote("a"), 0
	err := db.Book(2).Write(t.Context(), func(ctx context.Context, tx *Tx) error {
		if err := n.add(ctx, tx); err != nil {
			return err
		}
		if tries++; tries == 1 {
			_, err := tx.Exec(ctx, "select pg_terminate_backend(pg_backend_pid()) where $1 > 0")
			return err
		}
		return nil
	})
	if err != nil || tries != 2 {
		t.Errorf("%d tries, %v", tries, err)
	}
	if err := Has(t.Context(), db.Book(2), n); err != nil {
		t.Error(err)
	}
}

// Two transactions that lock each other's rows both succeed in the end.
func TestPostgresDeadlock(t *testing.T) {
	o := fresh(t, "postgres")
	separator := "?"
	if strings.Contains(o.URL, "?") {
		separator = "&"
	}
	o.URL += separator + "deadlock_timeout=50ms" // long before a lock's timeout, on a slow machine too
	db := open(t, o)
	book := db.Book(2)
	a, b := newNote("a"), newNote("b")
	for _, n := range []*note{a, b} {
		if err := book.Write(t.Context(), n.add); err != nil {
			t.Fatal(err)
		}
	}
	var meet, both sync.WaitGroup
	meet.Add(2)
	for _, order := range [][]*note{{a, b}, {b, a}} {
		first := true
		both.Go(func() {
			err := book.Write(t.Context(), func(ctx context.Context, tx *Tx) error {
				for i, n := range order {
					edit := *n
					if err := tx.Set(ctx, &edit); err != nil {
						return err
					}
					if i == 0 && first {
						first = false
						meet.Done()
						meet.Wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

// What is known of a try that lost its connection is true, and stays so: it is
// ended before it is asked for.
func TestPostgresLostTry(t *testing.T) {
	db := open(t, fresh(t, "postgres"))
	ctx, book := t.Context(), db.Book(2)
	begun := func(n *note) *transaction {
		t.Helper()
		tx, err := db.begin(ctx, 2)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tx.Rollback() })
		if err := (&Tx{db: db, conn: sqlConn{tx}}).run(ctx, &job{tenant: 2, fn: n.add}); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	learn := func(l lostTry) bool {
		t.Helper()
		committed, err := db.learn(ctx, l)
		if err != nil {
			t.Fatal(err)
		}
		return committed
	}

	done := newNote("done")
	tx := begun(done)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if !learn(lostTry{transaction: tx.try.transaction}) { // its connection is well, and in the pool again
		t.Error("a committed try counts for nothing")
	}

	for what, known := range map[string]func(*lostTry){
		"with its transaction": func(*lostTry) {},
		"without":              func(l *lostTry) { l.transaction = "" },
	} {
		late := newNote("late " + what)
		tx := begun(late)
		known(&tx.try)
		if learn(tx.try) {
			t.Errorf("%s: a try that has not committed counts as done", what)
		}
		if err := tx.Commit(); err == nil { // what it sent arrives
			t.Errorf("%s: it committed when the write was tried again already", what)
		}
		if err := Has(ctx, book, late); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Adds whose connections the server ends, before, in or after a batch, are all
// there in the end, each once.
func TestPostgresAddsSurvive(t *testing.T) {
	db := open(t, fresh(t, "postgres"))
	ctx := t.Context()
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				db.pool.ExecContext(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database() and random() < 0.2")
			}
		}
	}()
	const each, callers = 50, 16
	var wg sync.WaitGroup
	added := make([][]wire.ID, callers)
	for i := range callers {
		wg.Go(func() {
			for range each {
				p := newPayee()
				err := db.Book(2).Add(ctx, p, func(context.Context, Reader) error { return nil })
				if err == nil {
					added[i] = append(added[i], p.ID)
				} else if errors.Is(err, ErrDuplicate) {
					t.Error("an add met itself") // a try that was committed must be known again
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	<-stopped
	n := 0
	for _, some := range added {
		for _, id := range some {
			n++
			if err := Has(ctx, db.Book(2), &payee{Meta: Meta{ID: id}}); err != nil {
				t.Errorf("an acknowledged add is lost: %v", err)
			}
		}
	}
	t.Logf("%d of %d adds acknowledged", n, each*callers)
	if n == 0 {
		t.Error("none")
	}
}

// The statements that would run on Citus: every table of the schema but those of
// the whole installation is distributed, a parent before its children.
func TestDistribution(t *testing.T) {
	want := []string{
		"select create_distributed_table('client', 'client_id', colocate_with => 'none') where not exists (select 1 from pg_dist_partition where logicalrelid = 'client'::regclass)",
	}
	with := "none"
	for _, table := range []string{"tag", "contact", "person", "address", "business", "payment", "snapshot", "verification"} {
		want = append(want, "select create_distributed_table('"+table+"', 'tenant_id', colocate_with => '"+with+"') where not exists (select 1 from pg_dist_partition where logicalrelid = '"+table+"'::regclass)")
		with = "tag"
	}
	if diff := cmp.Diff(want, distribution()); diff != "" {
		t.Error(diff)
	}

	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, file := range files {
		one, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, one...)
	}
	var made []string
	for _, found := range regexp.MustCompile(`(?m)^create table (\w+)`).FindAllStringSubmatch(string(text), -1) {
		if found[1] != "setting" && found[1] != "client" {
			made = append(made, found[1])
		}
	}
	if diff := cmp.Diff(made, tenantTables); diff != "" {
		t.Errorf("tables made and distributed differ: %s", diff)
	}
	// Citus can only enforce keys that have the column it shards by.
	for _, key := range regexp.MustCompile(`(?:primary key|foreign key|unique index \w+ on \w+|references \w+) \((.*?)\)`).FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(key[1], "tenant_id, ") {
			t.Errorf("the key (%s) does not start with tenant_id", key[1])
		}
	}
}

// Where the extension is, migrate distributes every table, once, however often it
// runs and although the schema was up to date before the extension came. The
// functions of Citus are stand-ins that write down what they are asked for.
func TestMigrateDistributes(t *testing.T) {
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	o := fresh(t, "sqlite")
	o.URL, o.Migrate = server.Database(t), true
	db := open(t, o)
	for _, s := range []string{
		"create table pg_dist_partition (n serial, logicalrelid regclass, key text, beside text)",
		`create function create_distributed_table(rel text, col text, colocate_with text) returns void language sql as
		 'insert into pg_dist_partition (logicalrelid, key, beside) values (rel::regclass, col, colocate_with)'`,
		`set allow_system_table_mods = on; insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
		 select 999999, 'citus', 10, oid, false, '1' from pg_namespace where nspname = 'public'`,
	} {
		if _, err := db.pool.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	for range 2 {
		open(t, o)
	}
	rows, err := db.pool.Query("select logicalrelid::text || ' by ' || key || ' beside ' || beside from pg_dist_partition order by n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	want := []string{"client by client_id beside none", "tag by tenant_id beside none"}
	for _, table := range tenantTables[1:] {
		want = append(want, table+" by tenant_id beside tag")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
