// Package store is the database: embedded SQLite or PostgreSQL, spoken to in one
// SQL text. DB.Book is the only road to a tenant's rows; credentials and
// migrations live here too.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Errors that callers tell apart. Everything else is unexpected.
var (
	ErrNotFound    = errors.New("no such record")
	ErrDuplicate   = errors.New("a record with that key exists")
	ErrUnavailable = errors.New("the database cannot be reached or written")
	ErrClosed      = fmt.Errorf("%w: it is closed", ErrUnavailable)
)

// SettingError is a setting that cannot work, in one sentence for an operator.
type SettingError string

func (e SettingError) Error() string { return string(e) }

// Tenant is whom a row belongs to: a user in one environment.
type Tenant int64

// MaxUserID is the largest user id; tenants and JSON numbers stay exact below it.
const MaxUserID = 1 << 52

// TenantOf is user id * 2, plus 1 for SANDBOX, so that LIVE and SANDBOX never meet.
func TenantOf(userID int64, sandbox bool) Tenant {
	if sandbox {
		return Tenant(userID*2 + 1)
	}
	return Tenant(userID * 2)
}

// Options says which database to open and how.
type Options struct {
	URL   string // sqlite:PATH or postgres://...
	Serve bool   // take the SQLite file for this process; a second taker fails
	// Migrate goes through all of the migration even where the schema is up to
	// date: what follows it may have been cut short, or citus have come later.
	Migrate bool
	// Build says what migrating does to the second wall between tenants.
	Build WallBuild
	// Wall refuses a PostgreSQL whose row-level security does not stop this role.
	Wall   bool
	Pepper PepperSource
	Log    *slog.Logger
	Now    func() time.Time // nil: the system's clock
	// OnCommit, when set, is told of each commit: how many writes shared it and
	// how long it took.
	OnCommit func(writes int, took time.Duration)
}

// DB is an open database, migrated and with its pepper checked.
type DB struct {
	engine *engine
	now    func() time.Time
	log    *slog.Logger

	onCommit func(writes int, took time.Duration)

	reads       conn
	pool        *sql.DB // of PostgreSQL
	connections func() Connections
	write       func(context.Context, *job) error
	writer      *writer // of SQLite
	adds        *group  // of PostgreSQL; nil: each on its own
	asks        *group  // of PostgreSQL; nil: each on its own
	walled      bool    // each transaction must name its tenant; see wall.go
	known       *memory
	creds       *clientCache
	keys        keys

	migrations   *sql.DB
	migrationDSN string
	schema       int64

	close []func() error
}

// Open opens the database, brings its schema up to date, guarded against other
// servers that start at the same time, and checks that it belongs to the pepper.
// Settings that cannot work come back as a SettingError.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnCommit == nil {
		o.OnCommit = func(int, time.Duration) {}
	}
	db := &DB{now: o.Now, log: o.Log, onCommit: o.OnCommit}
	open, dsn, err := engineOf(o.URL)
	if err != nil {
		return nil, err
	}
	if err := db.open(ctx, open, dsn, o); err != nil {
		err = db.damaged(err)
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, open opener, dsn string, o Options) error {
	if err := open(ctx, db, dsn, o.Serve); err != nil {
		return err
	}
	db.known = newMemory(db.engine.knownFor, o.Now)
	db.creds = newClientCache(o.Now)
	if err := db.migrate(ctx, o.Migrate); err != nil {
		return err
	}
	if err := db.buildWall(ctx, o.Build); err != nil {
		return err
	}
	if err := db.meetWall(ctx, o.Wall); err != nil {
		return err
	}
	return db.checkPepper(ctx, o.Pepper)
}

// opener sets up db for one engine: its pool, its write path, what to close.
type opener func(ctx context.Context, db *DB, dsn string, serve bool) error

func engineOf(url string) (opener, string, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if path == "" {
			return nil, "", SettingError("the database sqlite: needs a path, as in sqlite:contactbook-data/contactbook.db")
		}
		return openSQLite, path, nil
	}
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return openPostgres, url, nil
	}
	return nil, "", SettingError("the database must be sqlite:PATH or postgres://...")
}

// Close finishes what is queued and lets go of the database.
func (db *DB) Close() error {
	var errs []error
	for i := len(db.close) - 1; i >= 0; i-- {
		errs = append(errs, db.close[i]())
	}
	db.close = nil
	return errors.Join(errs...)
}

// Ping tells whether the database answers, and is not known to refuse writes.
func (db *DB) Ping(ctx context.Context) error {
	if db.writer != nil && db.writer.broken.Load() {
		return errBroken
	}
	_, err := db.setting(ctx, "pepper")
	return db.class(err)
}

// Engine is sqlite or postgres.
func (db *DB) Engine() string { return db.engine.name }

// Connections are those that read; on PostgreSQL they write too.
type Connections struct {
	InUse, Idle int
	Waits       int64 // times that none was idle, since the start
}

// Connections tells how the database's connections are used now.
func (db *DB) Connections() Connections { return db.connections() }

// Book is one tenant's rows. Every statement that goes through it is bound to
// the tenant as $1.
type Book struct {
	db     *DB
	tenant Tenant
}

// Book returns the tenant's book; it need not exist, an empty one has no rows.
func (db *DB) Book(tenant Tenant) *Book { return &Book{db, tenant} }

// Reader is where rows can be read: a Book, or a Tx that sees its own changes.
type Reader interface {
	source() source
}

// source is what reading needs to know of a Reader.
type source struct {
	db     *DB
	conn   conn
	tenant Tenant
	// touched: there may be changes that are not committed to what is remembered.
	touched bool
	fail    func(error) error // classes an error
}

func (b *Book) source() source {
	return source{b.db, b.db.readsOf(b.tenant), b.tenant, false, b.db.class}
}

// class marks errors that an operator must mend rather than a programmer.
func (db *DB) class(err error) error {
	err = db.damaged(err)
	if err != nil && !errors.Is(err, ErrNotFound) && db.engine.isDown(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, plain(err))
	}
	return plain(err)
}

// Write runs fn in a transaction and returns when its changes are durable. fn
// may run more than once, so it must do nothing but work on tx; it must use the
// context that it is given. An error from fn undoes all that it changed.
func (b *Book) Write(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return b.db.write(ctx, &job{tenant: b.tenant, fn: fn})
}

// Add adds one record in a transaction of its own, after check has passed. It is
// the hot path: on PostgreSQL it is a single statement.
func (b *Book) Add(ctx context.Context, r Record, check func(context.Context, Reader) error) error {
	return b.db.engine.add(ctx, b, r, check)
}
