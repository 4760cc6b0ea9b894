package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"contactbook/internal/pgtest"
	"contactbook/internal/wire"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.StopShared()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// onEngines runs test on a fresh database of each engine.
func onEngines(t *testing.T, test func(t *testing.T, o Options)) {
	for _, engine := range pgtest.Engines() {
		t.Run(engine, func(t *testing.T) { test(t, fresh(t, engine)) })
	}
	t.Run("postgres as behind PgBouncer", func(t *testing.T) {
		o := fresh(t, "postgres")
		separator := "?"
		if strings.Contains(o.URL, "?") {
			separator = "&"
		}
		o.URL += separator + "default_query_exec_mode=exec"
		test(t, o)
	})
}

func fresh(t testing.TB, engine string) Options {
	return Options{
		URL:    pgtest.URL(t, engine, filepath.Join(t.TempDir(), "a b?c#%41", "book.db")),
		Pepper: PepperSource{Value: Secret(strings.Repeat("p", minPepper))},
	}
}

func open(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// note is a tag, as the least record there is.
type note struct {
	Meta
	Name, Key_, Color string
}

func (*note) Table() string { return "tag" }
func (n *note) Key() []Col  { return []Col{{"id", &n.ID}} }
func (n *note) Cols() []Col {
	return []Col{{"name", &n.Name}, {"name_key", &n.Key_}, {"hex_color_code", &n.Color}}
}

var notes = NewQuery[note]("note list", "where tenant_id = $1 order by id")

var ids = wire.NewIDs(time.Now)

func newNote(name string) *note {
	return &note{NewMeta(ids.New(), 1000), name, strings.ToLower(name), "#000000"}
}

func (n *note) add(ctx context.Context, tx *Tx) error { return tx.Add(ctx, n) }

func TestRecords(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		ctx, db := t.Context(), open(t, o)
		mine, other := db.Book(TenantOf(7, false)), db.Book(TenantOf(7, true))
		a, b := newNote("Ä"), newNote("b")
		for _, n := range []*note{a, b} {
			if err := mine.Write(ctx, n.add); err != nil {
				t.Fatal(err)
			}
		}
		if err := mine.Write(ctx, newNote("B").add); !errors.Is(err, ErrDuplicate) {
			t.Errorf("a taken name: %v", err)
		}
		if err := other.Write(ctx, newNote("b").add); err != nil {
			t.Errorf("another tenant's name: %v", err)
		}

		got := &note{Meta: Meta{ID: a.ID}}
		if err := Get(ctx, mine, got); err != nil || cmp.Diff(a, got) != "" {
			t.Errorf("get: %v %s", err, cmp.Diff(a, got))
		}
		if err := Get(ctx, other, got); !errors.Is(err, ErrNotFound) {
			t.Errorf("get across tenants: %v", err)
		}
		all, err := notes.All(ctx, mine)
		if err != nil || cmp.Diff([]note{*a, *b}, all) != "" {
			t.Errorf("list: %v %s", err, cmp.Diff([]note{*a, *b}, all))
		}

		for _, step := range []struct{ now, want wire.Millis }{{2000, 2000}, {1500, 2000}, {2001, 2001}} {
			edit := *a
			edit.Updated, edit.Created, edit.Name = step.now, 5, "new"
			if err := mine.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.Set(ctx, &edit) }); err != nil {
				t.Fatal(err)
			}
			if edit.Updated != step.want || edit.Created != 1000 {
				t.Errorf("set at %d: updated %d, created %d", step.now, edit.Updated, edit.Created)
			}
		}
		foreign := *a
		for name, do := range map[string]func(context.Context, *Tx) error{
			"set":  func(ctx context.Context, tx *Tx) error { return tx.Set(ctx, &foreign) },
			"drop": func(ctx context.Context, tx *Tx) error { return tx.Drop(ctx, &foreign) },
			"hold": func(ctx context.Context, tx *Tx) error { return tx.HoldContact(ctx, foreign.ID) },
		} {
			if err := other.Write(ctx, do); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s across tenants: %v", name, err)
			}
		}
		if err := mine.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.Drop(ctx, a) }); err != nil {
			t.Fatal(err)
		}
		if err := Has(ctx, mine, a); !errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnavailable) {
			t.Errorf("after drop: %v", err)
		}
	})
}

// An error or a panic undoes its own job's changes and nobody else's.
func TestOneFailsAlone(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		ctx, db := t.Context(), open(t, o)
		book := db.Book(2)
		release := hold(t, book)
		refused := errors.New("refused")
		const jobs = 60
		errs := make([]error, jobs)
		var wg sync.WaitGroup
		for i := range jobs {
			wg.Go(func() {
				n := newNote(fmt.Sprint("n", i))
				errs[i] = book.Write(ctx, func(ctx context.Context, tx *Tx) error {
					if i%5 == 4 {
						return refused // before any change
					}
					if err := tx.Add(ctx, n); err != nil {
						return err
					}
					switch i % 5 {
					case 1:
						return refused
					case 2:
						panic("a bug")
					case 3:
						return tx.Add(ctx, newNote(fmt.Sprint("N", i))) // taken
					}
					return nil
				})
			})
		}
		release(jobs)
		wg.Wait()
		for i, err := range errs {
			good := [5]bool{
				err == nil, errors.Is(err, refused), err != nil && strings.Contains(err.Error(), "a bug"),
				errors.Is(err, ErrDuplicate), errors.Is(err, refused),
			}
			if !good[i%5] {
				t.Errorf("job %d: %v", i, err)
			}
		}
		all, err := notes.All(ctx, book)
		if err != nil || len(all) != jobs/5 {
			t.Errorf("%d notes stand, %v", len(all), err)
		}
		for _, n := range all {
			var i int
			if fmt.Sscanf(n.Name, "n%d", &i); i%5 != 0 {
				t.Errorf("%s stands", n.Name)
			}
		}
	})
}

// hold keeps SQLite's writer busy until release has seen n jobs in its queue, so
// that they share a batch. On PostgreSQL writes do not queue.
func hold(t *testing.T, book *Book) (release func(n int)) {
	if book.db.engine.name != "sqlite" {
		return func(int) {}
	}
	entered, leave := make(chan bool), make(chan bool)
	go book.Write(t.Context(), func(context.Context, *Tx) error {
		entered <- true
		<-leave
		return nil
	})
	<-entered
	return func(n int) {
		for len(book.db.writer.queue) < n {
			time.Sleep(time.Millisecond)
		}
		close(leave)
	}
}

// Adds that wait share a commit; one that cannot be done fails alone.
func TestAddsShareACommit(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		ctx := t.Context()
		var commits, adds atomic.Int64
		o.OnCommit = func(n int, _ time.Duration) { commits.Add(1); adds.Add(int64(n)) }
		db := open(t, o)
		fine := func(context.Context, Reader) error { return nil }
		first := newPayee()
		if err := db.Book(2).Add(ctx, first, fine); err != nil {
			t.Fatal(err)
		}
		commits.Store(0)
		const each, callers = 20, 64
		var wg sync.WaitGroup
		payees := make([][]*payee, callers)
		for i := range callers {
			wg.Go(func() {
				for n := range each {
					p, want := newPayee(), error(nil)
					if i == 6 && n%5 == 0 {
						p.ID, want = first.ID, ErrDuplicate
					}
					if err := db.Book(Tenant(2+i%3*2)).Add(ctx, p, fine); !errors.Is(err, want) {
						t.Errorf("add: %v, want %v", err, want)
					} else if err == nil {
						payees[i] = append(payees[i], p)
					}
				}
			})
		}
		wg.Wait()
		stand := map[Tenant]int{2: 1}
		for i, some := range payees {
			tenant := Tenant(2 + i%3*2)
			stand[tenant] += len(some)
			for _, p := range some {
				got := payee{Meta: Meta{ID: p.ID}}
				if err := Get(ctx, db.Book(tenant), &got); err != nil || got.email != p.email {
					t.Errorf("%v: %q, %v", p.ID, got.email, err)
				}
			}
		}
		for tenant, n := range stand {
			all, err := NewQuery[payee]("all", "where tenant_id = $1").All(ctx, db.Book(tenant))
			if err != nil || len(all) != n {
				t.Errorf("tenant %d has %d, want %d, %v", tenant, len(all), n, err)
			}
		}
		if n := commits.Load(); n >= adds.Load() {
			t.Errorf("%d commits of %d adds", n, adds.Load())
		}
	})
}

func newPayee() *payee {
	id := ids.New()
	return &payee{NewMeta(id, 1000), "Sample Name", id.String() + "@example.com", "7428585742", "91", "Business Name", []byte{}}
}

func TestGoneContextIsNotWritten(t *testing.T) {
	db := open(t, fresh(t, "sqlite"))
	book := db.Book(2)
	release := hold(t, book)
	ctx, cancel := context.WithCancel(t.Context())
	n, done := newNote("late"), make(chan error)
	go func() { done <- book.Write(ctx, n.add) }()
	for len(db.writer.queue) < 1 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	release(1)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	if err := Has(t.Context(), book, n); !errors.Is(err, ErrNotFound) {
		t.Errorf("read: %v", err)
	}
}

// An add that follows one of unknown outcome finds what that one added.
func TestAgain(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		ctx, db := t.Context(), open(t, o)
		n := newNote("once")
		for range 2 {
			if err := db.write(ctx, &job{tenant: 2, again: true, fn: n.add}); err != nil {
				t.Errorf("add: %v", err)
			}
		}
	})
}

// What is remembered must follow every change of it, and never know what is not
// committed.
func TestRemembered(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		ctx, db := t.Context(), open(t, o)
		book := db.Book(2)
		n := newNote("a")
		asked := 0
		look := func(from Reader) func(ids []wire.ID) ([]note, error) {
			return func(ids []wire.ID) ([]note, error) {
				asked++
				found := note{Meta: Meta{ID: ids[0]}}
				if err := Get(ctx, from, &found); errors.Is(err, ErrNotFound) {
					return nil, nil
				} else if err != nil {
					t.Fatal(err)
				}
				return []note{found}, nil
			}
		}
		missing := func(from Reader) bool {
			gone, err := Missing(from, []wire.ID{n.ID}, look(from))
			if err != nil {
				t.Fatal(err)
			}
			return len(gone) == 1
		}
		name := func() string {
			found, err := Recall(book, []wire.ID{n.ID}, look(book))
			if err != nil {
				t.Fatal(err)
			}
			if found[0] == nil {
				return ""
			}
			return found[0].Name
		}
		book.Write(ctx, func(ctx context.Context, tx *Tx) error {
			if err := tx.Add(ctx, n); err != nil {
				t.Fatal(err)
			}
			if missing(tx) {
				t.Error("its own write is missing")
			}
			return errors.New("undo")
		})
		if !missing(book) {
			t.Error("what was undone is still known")
		}
		if err := book.Write(ctx, n.add); err != nil {
			t.Fatal(err)
		}
		asked = 0
		for range 3 {
			if missing(book) {
				t.Error("missing")
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		if gone, _ := Missing(db.Book(4), []wire.ID{n.ID}, func([]wire.ID) ([]note, error) { return nil, nil }); len(gone) != 1 {
			t.Error("known across tenants")
		}
		if name() != "a" {
			t.Errorf("it is %q", name())
		}
		change := func(fn func(context.Context, *Tx) error) {
			t.Helper()
			if err := book.Write(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		n.Name = "b"
		change(func(ctx context.Context, tx *Tx) error { return tx.Set(ctx, n) })
		if name() != "b" {
			t.Errorf("after Set it is %q", name())
		}
		change(func(ctx context.Context, tx *Tx) error {
			_, err := tx.Exec(ctx, "update tag set name = 'c' where tenant_id = $1")
			return err
		})
		if name() != "c" {
			t.Errorf("after Exec it is %q", name())
		}
		change(func(ctx context.Context, tx *Tx) error { return tx.Drop(ctx, n) })
		if !missing(book) || name() != "" {
			t.Error("deleted and still known")
		}
	})
}

// A read that began before a change must not be remembered after it.
func TestRememberedTooLate(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		ctx, db := t.Context(), open(t, o)
		book, n := db.Book(2), newNote("a")
		if err := book.Write(ctx, n.add); err != nil {
			t.Fatal(err)
		}
		stale := *n
		gone, err := Missing(book, []wire.ID{n.ID}, func([]wire.ID) ([]note, error) {
			return []note{stale}, book.Write(ctx, func(ctx context.Context, tx *Tx) error { return tx.Drop(ctx, n) })
		})
		if err != nil || len(gone) != 0 {
			t.Errorf("missing %v, %v", gone, err)
		}
		gone, err = Missing(book, []wire.ID{n.ID}, func([]wire.ID) ([]note, error) { return nil, nil })
		if err != nil || len(gone) != 1 {
			t.Errorf("remembered, %v", err)
		}
	})
}

func TestManyOpenAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		o.Pepper = PepperSource{File: filepath.Join(t.TempDir(), "deep", "pepper.key")}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				db, err := Open(t.Context(), o)
				if err != nil {
					t.Error(err)
					return
				}
				if db.Schema() < 1 {
					t.Errorf("schema %d", db.Schema())
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		db := open(t, o)
		if _, err := db.migrations.Exec("insert into goose_db_version (version_id, is_applied) values (9999, true)"); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), o)
		var setting SettingError
		if !errors.As(err, &setting) || !strings.Contains(err.Error(), "9999") {
			t.Errorf("open: %v", err)
		}
	})
}

func TestPepper(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		file := filepath.Join(t.TempDir(), "pepper.key")
		o.Pepper = PepperSource{File: file}
		db := open(t, o)
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("pepper file: %v %v", info, err)
		}
		c, secret, err := db.AddClient(t.Context(), Client{UserID: 1, Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(file)
		same := open(t, Options{URL: o.URL, Pepper: PepperSource{Value: Secret(strings.TrimSpace(string(text)))}})
		if _, err := same.Authenticate(t.Context(), c.ID, secret); err != nil {
			t.Errorf("the same pepper from the environment: %v", err)
		}
		for name, p := range map[string]PepperSource{
			"another":   {Value: Secret(strings.Repeat("x", minPepper))},
			"too short": {Value: "x"},
			"absent":    {File: file + ".gone"},
		} {
			_, err := Open(t.Context(), Options{URL: o.URL, Pepper: p})
			var setting SettingError
			if !errors.As(err, &setting) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestClients(t *testing.T) {
	onEngines(t, func(t *testing.T, o Options) {
		now := time.UnixMilli(1_700_000_000_000)
		o.Now = func() time.Time { return now }
		ctx, db := t.Context(), open(t, o)
		server := open(t, o) // another one on the same database
		c, secret, err := db.AddClient(ctx, Client{UserID: MaxUserID, Sandbox: true, Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		try := func(what, id, secret string, want error) {
			t.Helper()
			got, err := server.Authenticate(ctx, id, secret)
			if !errors.Is(err, want) || err == nil && (got.ID != id || got.Tenant() != MaxUserID*2+1) {
				t.Errorf("%s: %v, %v", what, got, err)
			}
		}
		try("new", c.ID, secret, nil)
		try("wrong secret", c.ID, secret[1:], ErrCredentials)
		try("unknown", secret, secret, ErrCredentials)
		_, second, err := db.Rotate(ctx, c.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		try("rotated, new secret", c.ID, second, nil)
		try("rotated, old secret", c.ID, secret, nil)
		now = now.Add(time.Hour)
		try("overlap over", c.ID, secret, ErrCredentials)
		try("overlap over, new secret", c.ID, second, nil)
		if _, err := db.UpdateClient(ctx, c.ID, func(c *Client) error { c.Revoked = true; return nil }); err != nil {
			t.Fatal(err)
		}
		now = now.Add(RevocationLag)
		try("revoked", c.ID, second, ErrCredentials)
		if _, _, err := db.Rotate(ctx, c.ID, time.Hour); err == nil {
			t.Error("a revoked client was rotated")
		}
		if err := db.DeleteClient(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Client(ctx, c.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
	})
}

func TestSeal(t *testing.T) {
	db := open(t, fresh(t, "sqlite"))
	sealed := db.Book(2).Seal([]byte("position"))
	if text, ok := db.Book(2).Unseal(sealed); !ok || string(text) != "position" {
		t.Errorf("unsealed %q, %t", text, ok)
	}
	if _, ok := db.Book(4).Unseal(sealed); ok {
		t.Error("unsealed for another book")
	}
	sealed[len(sealed)-1] ^= 1
	if _, ok := db.Book(2).Unseal(sealed); ok {
		t.Error("unsealed what was changed")
	}
	if _, ok := db.Book(2).Unseal(nil); ok {
		t.Error("unsealed nothing")
	}
}

// Every pooled connection must have the pragmas that durability rests on.
func TestSQLitePragmas(t *testing.T) {
	db := open(t, fresh(t, "sqlite"))
	want := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": fmt.Sprint(busyTimeout.Milliseconds()),
		"fullfsync": "1", "checkpoint_fullfsync": "1",
	}
	check := func(what string, c *lite) {
		for pragma, value := range want {
			var got string
			if err := queryRow(t.Context(), c, "pragma "+pragma, nil, &got); err != nil || got != value {
				t.Errorf("%s: %s is %q, %v", what, pragma, got, err)
			}
		}
	}
	check("writer", db.writer.conn)
	for i, c := range db.reads.(*readers).all {
		check(fmt.Sprint("reader ", i), c)
		if _, err := c.exec(t.Context(), "delete from tag"); err == nil {
			t.Errorf("reader %d may write", i)
		}
	}
}

func TestPostgresSettings(t *testing.T) {
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	o := fresh(t, "sqlite")
	o.URL = server.Database(t)
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	db := open(t, o)
	for name, want := range map[string]string{
		"synchronous_commit": "on", "statement_timeout": "10s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s",
	} {
		var got string
		if err := db.pool.QueryRow("show " + name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if log.Len() > 0 {
		t.Errorf("a safe database is warned of: %s", &log)
	}
	for _, s := range []string{"alter system set fsync = off", "alter system set full_page_writes = off", "select pg_reload_conf()", "select pg_sleep(0.3)"} {
		if _, err := db.pool.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	open(t, o)
	for _, name := range []string{"fsync", "full_page_writes"} {
		if !strings.Contains(log.String(), "setting="+name) {
			t.Errorf("no warning of %s: %s", name, &log)
		}
	}
	for _, bad := range []string{"?default_query_exec_mode=simple_protocol", "?sslmode=what"} {
		_, err := Open(t.Context(), Options{URL: "postgres://a:hush@127.0.0.1/x" + bad})
		var setting SettingError
		if !errors.As(err, &setting) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
