package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Finding is one thing that is wrong with a book. It never holds what users sent.
type Finding struct {
	What string // in a sentence, with the file where there is one
	Do   string // what mends it
}

// Checkup is what Check found, and what it looked at.
type Checkup struct {
	Engine  string
	Schema  int64
	Looked  []string // checks that passed, in a few words each
	Found   []Finding
	Advices []string // not wrong, but better otherwise
	Wall    Wall     // of PostgreSQL
}

func (c *Checkup) fine(format string, args ...any) {
	c.Looked = append(c.Looked, fmt.Sprintf(format, args...))
}

func (c *Checkup) wrong(do, format string, args ...any) {
	c.Found = append(c.Found, Finding{fmt.Sprintf(format, args...), do})
}

const (
	doRestore = "stop the server and restore a backup; keep the damaged files until the restored book is checked"
	doMigrate = "run contactbook migrate, or start the server, which does it too"
	doReport  = "restore a backup from before, and report it: a program wrote past contactbook, or contactbook has a fault"
)

// Check looks over the database at url without changing it, while servers run or
// not: its integrity, its schema, what must be true of every book, and the
// settings that durability rests on. An error means that it could not look;
// what it found wrong stands in the Checkup.
func Check(ctx context.Context, url string, pepper PepperSource) (*Checkup, error) {
	_, dsn, err := engineOf(url)
	if err != nil {
		return nil, err
	}
	if IsSQLite(url) {
		return checkSQLiteBook(ctx, dsn, pepper)
	}
	return checkPostgresBook(ctx, dsn, pepper)
}

// sqliteLook names a file to be read only. still means that nobody writes it:
// then nothing is made beside it either.
func sqliteLook(path string, still bool, pragmas ...string) string {
	u := fileURL(path) + "?mode=ro&_pragma=" + strings.Join(append([]string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "query_only(1)"}, pragmas...), "&_pragma=")
	if still {
		u += "&immutable=1"
	}
	return u
}

// fileURL is the file: address of a path.
func fileURL(path string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	return u.String()
}

func checkSQLiteBook(ctx context.Context, path string, pepper PepperSource) (*Checkup, error) {
	path, err := existing(path)
	if err != nil {
		return nil, err
	}
	c := &Checkup{Engine: "sqlite"}
	if err := checkFile(ctx, c, path, false); err != nil {
		return nil, err
	}
	if err := checkPragmas(ctx, c, path); err != nil {
		return nil, err
	}
	if err := checkFingerprint(ctx, c, sqliteOpener(path, false), pepper); err != nil {
		return nil, err
	}
	checkModes(c, path, pepper)
	return c, nil
}

// existing is the file that a path leads to.
func existing(path string) (string, error) {
	at, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", SettingError(fmt.Sprintf("there is no book at %s", path))
	}
	if err != nil {
		return "", err
	}
	return filepath.Abs(at)
}

// checkFile looks over a SQLite file: all that can be known without the pepper.
func checkFile(ctx context.Context, c *Checkup, path string, still bool) error {
	db, err := sql.Open("sqlite", sqliteLook(path, still))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	// One transaction: the server may write meanwhile.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback()
		err = looks(ctx, c, tx, path)
	}
	var e *sqlite.Error
	switch {
	case err == nil || ctx.Err() != nil:
		return errors.Join(ctx.Err(), err)
	case isDamage(err):
		c.wrong(doRestore, "%s is damaged, or is not a contact book: %s", path, sqliteWords(err))
		return nil
	case errors.As(err, &e):
		return fmt.Errorf("read %s: %s", path, sqliteWords(err))
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// looks runs every check of a SQLite file in one transaction.
func looks(ctx context.Context, c *Checkup, tx *sql.Tx, path string) error {
	if err := checkObjects(ctx, c, tx, path); err != nil || len(c.Found) > 0 {
		return err // the lines below would name what is garbage
	}
	lines, err := column(ctx, tx, "pragma integrity_check(20)")
	if err != nil {
		return err
	}
	if !slices.Equal(lines, []string{"ok"}) {
		c.wrong(doRestore, "%s is damaged: SQLite's integrity_check says %q", path, strings.Join(lines, "; "))
		return nil
	}
	c.fine("integrity_check of %s", path)
	var orphans int
	if err := tx.QueryRowContext(ctx, "select count(*) from pragma_foreign_key_check").Scan(&orphans); err != nil {
		return err
	}
	if orphans > 0 {
		c.wrong(doReport, "%d rows of %s point to a row that is not there (foreign_key_check)", orphans, path)
	} else {
		c.fine("foreign_key_check")
	}
	return checkBooks(ctx, c, tx)
}

// madeBy is the schema that a table came with, where that is not the first: a book
// from before it is none the worse for having none.
var madeBy = map[string]int64{"snapshot": 4, "verification": 5}

// schemaOf is the version of a database's schema.
func schemaOf(ctx context.Context, q querier) (schema int64, err error) {
	err = q.QueryRowContext(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied").Scan(&schema)
	return schema, err
}

var objectName = regexp.MustCompile(`^[a-z0-9_]+$`)

// checkObjects finds out whether the schema is there. Names of the file stand in
// messages from here on, so they must be ours.
func checkObjects(ctx context.Context, c *Checkup, tx *sql.Tx, path string) error {
	names, err := column(ctx, tx, "select name from sqlite_master")
	if err != nil {
		return err
	}
	var schema int64
	if slices.Contains(names, "goose_db_version") {
		if schema, err = schemaOf(ctx, tx); err != nil {
			return err
		}
	}
	for _, want := range append([]string{"setting", "client", "goose_db_version", "tag_name", "payment_primary"}, tenantTables...) {
		if !slices.Contains(names, want) && schema >= madeBy[want] {
			c.wrong(doRestore, "%s is damaged, or is not a contact book: a part of its schema is missing, %s", path, want)
			return nil
		}
	}
	for _, name := range names {
		if !objectName.MatchString(name) {
			c.wrong(doRestore, "%s is damaged: its schema has a name that contactbook never made", path)
			return nil
		}
	}
	return nil
}

// newestSchema is the schema of this binary.
func newestSchema() (newest int64, err error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	for _, f := range files {
		text, _, _ := strings.Cut(filepath.Base(f), "_")
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, err
		}
		newest = max(newest, n)
	}
	return newest, err
}

// invariants are what must be true of all books: a query that counts what is
// not. One text for both engines.
func invariants() []invariant {
	var all []invariant
	for _, t := range tenantTables {
		key := "tenant_id, id"
		if t != "tag" && t != "contact" && !besideRecords[t] {
			key = "tenant_id, contact_id, id"
			all = append(all,
				invariant{t + ": none without its contact", "rows of " + t + " have no contact in their own book",
					"select count(*) from " + t + " c where not exists (select 1 from contact p where p.tenant_id = c.tenant_id and p.id = c.contact_id)"},
				invariant{t + ": none in another tenant", "rows of " + t + " hang on a contact of another tenant",
					"select count(*) from " + t + " c where not exists (select 1 from contact p where p.tenant_id = c.tenant_id and p.id = c.contact_id)" +
						" and exists (select 1 from contact p where p.id = c.contact_id)"})
		}
		all = append(all,
			invariant{t + ": unique keys", "keys of " + t + " are there twice",
				"select count(*) from (select 1 from " + t + " group by " + key + " having count(*) > 1) t"},
			invariant{t + ": ids and times", "rows of " + t + " have an id, a tenant or times that contactbook never makes",
				"select count(*) from " + t + " where length(id) <> 12 or tenant_id < 2 or updated < created"})
	}
	return append(all,
		invariant{"payment: at most one primary", "contacts have more than one primary payment method",
			"select count(*) from (select 1 from payment where is_primary group by tenant_id, contact_id having count(*) > 1) t"},
		invariant{"business: at most one", "contacts have more than one business record",
			"select count(*) from (select 1 from business group by tenant_id, contact_id having count(*) > 1) t"},
		invariant{"tag: unique names", "tag names are there twice in a book",
			"select count(*) from (select 1 from tag group by tenant_id, name_key having count(*) > 1) t"},
		invariant{"contact: tags", "contacts have a list of tags that is cut short",
			"select count(*) from contact where length(tag_ids) % 12 <> 0"},
		invariant{"client: unique ids", "client ids are there twice",
			"select count(*) from (select 1 from client group by client_id having count(*) > 1) t"})
}

// invariant is one of them; what and bad are for people.
type invariant struct{ what, bad, count string }

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// checkBooks looks at the schema's version and at the invariants, on either engine.
func checkBooks(ctx context.Context, c *Checkup, q querier) error {
	if good, err := checkSchema(ctx, c, q); err != nil || !good {
		return err
	}
	for _, i := range invariants() {
		var n int64
		if err := q.QueryRowContext(ctx, "/* check */ "+i.count).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			c.wrong(doReport, "%d %s", n, i.bad)
		} else {
			c.fine("%s", i.what)
		}
	}
	return nil
}

// checkSchema looks at the schema's version; good tells whether it is this binary's.
func checkSchema(ctx context.Context, c *Checkup, q querier) (good bool, err error) {
	newest, err := newestSchema()
	if err != nil {
		return false, err
	}
	if c.Schema, err = schemaOf(ctx, q); err != nil {
		return false, err
	}
	switch {
	case c.Schema > newest:
		c.wrong("use a newer contactbook", "the database has schema %d, newer than this contactbook, which knows %d", c.Schema, newest)
		return false, nil
	case c.Schema < newest:
		c.wrong(doMigrate, "the database has schema %d, older than this contactbook's, %d", c.Schema, newest)
		return false, nil
	}
	c.fine("schema %d", c.Schema)
	return true, nil
}

// column is the first column of a query.
func column(ctx context.Context, q querier, query string) (all []string, err error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// isDamage tells errors that a SQLite file's content causes.
func isDamage(err error) bool {
	return sqliteCode(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_SCHEMA)
}

// sqliteWords says a SQLite error by its code alone: of a damaged file the
// message may quote what stands where a name should.
func sqliteWords(err error) string {
	code, ok := sqliteCodeOf(err)
	if !ok {
		return "it cannot be read"
	}
	if words, ok := sqlite.ErrorCodeString[code&0xff]; ok {
		return fmt.Sprintf("%s (code %d)", words, code)
	}
	return fmt.Sprintf("SQLite code %d", code)
}

// checkFingerprint finds out whether the pepper at hand is the book's.
func checkFingerprint(ctx context.Context, c *Checkup, open func() (*sql.DB, error), from PepperSource) error {
	if len(c.Found) > 0 {
		return nil // of what cannot be read well nothing more is read
	}
	db, err := open()
	if err != nil {
		return err
	}
	defer db.Close()
	mark, err := fingerprintIn(ctx, db)
	if err != nil {
		return err
	}
	if mark == "" {
		return nil // no pepper has been used yet
	}
	pepper, err := from.read(false)
	switch {
	case err != nil:
		c.wrong("give the pepper the book was set up with, in CONTACTBOOK_PEPPER or with --pepper-file", "%v", err)
	case fingerprint(pepper) != mark:
		c.wrong("give the pepper the book was set up with, in CONTACTBOOK_PEPPER or with --pepper-file", "the pepper is not this book's: no client can be let in with it")
	default:
		c.fine("the pepper is this book's")
	}
	return nil
}

// fingerprintIn is the mark of its pepper that a book keeps; empty for none.
func fingerprintIn(ctx context.Context, q querier) (mark string, err error) {
	err = q.QueryRowContext(ctx, "/* setting get */ select value from setting where name = $1", "pepper").Scan(&mark)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return mark, plain(err)
}

func sqliteOpener(path string, still bool) func() (*sql.DB, error) {
	return func() (*sql.DB, error) { return sql.Open("sqlite", sqliteLook(path, still)) }
}

// checkPostgresBook looks over a PostgreSQL database.
func checkPostgresBook(ctx context.Context, dsn string, pepper PepperSource) (*Checkup, error) {
	config, err := postgresConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["statement_timeout"] = "0" // it reads everything
	config.RuntimeParams["default_transaction_read_only"] = "on"
	c := &Checkup{Engine: "postgres"}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return nil, unreachable(err)
	}
	if err := checkPostgresSettings(ctx, c, db); err != nil {
		return nil, plain(err)
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, plain(err)
	}
	defer tx.Rollback()
	err = checkWall(ctx, c, tx)
	if err == nil && c.Wall.Holds() {
		_, err = checkSchema(ctx, c, tx)
	} else if err == nil {
		err = checkBooks(ctx, c, tx)
	}
	switch code := postgresCode(err); {
	case code == "42P01" || code == "42703":
		c.wrong("run contactbook migrate, or restore a backup where there was a book", "the database has no contact book, or a part of its schema is missing")
		return c, nil
	case strings.HasPrefix(code, "XX"):
		c.wrong("restore a base backup (docs/operate.md), and check the disk", "PostgreSQL says that its data is damaged (SQLSTATE %s); its log has the details", code)
		return c, nil
	case err != nil:
		return nil, plain(err)
	}
	tx.Rollback()
	return c, checkFingerprint(ctx, c, func() (*sql.DB, error) { return stdlib.OpenDB(*config), nil }, pepper)
}

// checkWall looks over the second wall between tenants, where there is one.
func checkWall(ctx context.Context, c *Checkup, tx *sql.Tx) (err error) {
	if c.Wall, err = lookAtWall(ctx, sqlConn{tx}); err != nil || !c.Wall.Up() {
		return err
	}
	switch gaps := c.Wall.Gaps(); {
	case len(gaps) > 0:
		c.wrong("run contactbook migrate --row-level-security as the owner of the tables, and drop policies that are not contactbook's",
			"the second wall between tenants, row-level security, has a gap at %s: there a fault of contactbook's could show a tenant another's rows", strings.Join(gaps, ", "))
	default:
		c.fine("row-level security on %d tables", len(c.Wall.bricks))
	}
	if c.Wall.Holds() {
		c.Advices = append(c.Advices, "this role sees one tenant at a time, so the books were not looked over: run doctor as the owner of the tables, too")
	} else {
		c.Advices = append(c.Advices, "this role stands above row-level security, as it must to look over all books: serve should connect as another")
	}
	return nil
}

// oldestPostgres is the oldest major version that is still maintained by its makers.
const oldestPostgres = 140000

func checkPostgresSettings(ctx context.Context, c *Checkup, db *sql.DB) error {
	setting := func(name string) (value string, err error) {
		err = db.QueryRowContext(ctx, "select current_setting($1)", name).Scan(&value)
		return value, err
	}
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		value, err := setting(name)
		if err != nil {
			return err
		}
		if value == "on" || name == "synchronous_commit" && value == "remote_apply" {
			c.fine("%s is %s", name, value)
		} else {
			c.wrong("alter system set "+name+" = on; select pg_reload_conf();", "%s is %s: a crash of the database's machine can lose or damage acknowledged contacts", name, value)
		}
	}
	text, err := setting("server_version_num")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(text); err != nil || n < oldestPostgres {
		c.wrong("upgrade PostgreSQL", "PostgreSQL has version %d, older than %d", n/10000, oldestPostgres/10000)
	} else {
		c.fine("PostgreSQL %d", n/10000)
	}
	if sums, err := setting("data_checksums"); err != nil {
		return err
	} else if sums != "on" {
		c.Advices = append(c.Advices, "data_checksums is off: PostgreSQL cannot tell that a disk changed a page (pg_checksums --enable, while it is stopped)")
	}
	var broken int
	const invalid = `select count(*) from pg_index i join pg_class t on t.oid = i.indrelid
		where t.relnamespace = current_schema()::regnamespace and not (i.indisvalid and i.indisready)`
	if err := db.QueryRowContext(ctx, invalid).Scan(&broken); err != nil {
		return err
	}
	if broken > 0 {
		c.wrong("reindex database concurrently, at a quiet time", "%d indexes are not valid: unique keys may not hold", broken)
	} else {
		c.fine("indexes are valid")
	}
	return nil
}
