package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var sqliteEngine = engine{
	name:        "sqlite",
	dialect:     goose.DialectSQLite3,
	ownRows:     true,
	migrateLock: func(path string) (lock.Locker, error) { return fileLocker{flock.New(path + ".migrate.lock")}, nil },
	// One writer: nothing else changes the row meanwhile.
	holdContact: "/* contact hold */ select 1 from contact where " + OfBook + " and id = $2",
	isDuplicate: func(err error) bool {
		return sqliteCode(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
	},
	isDown: func(err error) bool {
		return sqliteCode(err, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
	},
	add: func(ctx context.Context, b *Book, r Record, check func(context.Context, Reader) error) error {
		return b.Write(ctx, func(ctx context.Context, tx *Tx) error {
			if err := check(ctx, tx); err != nil {
				return err
			}
			return tx.Add(ctx, r)
		})
	},
}

// sqliteCode compares extended codes, and primary ones with their whole family.
func sqliteCode(err error, codes ...int) bool {
	code, ok := sqliteCodeOf(err)
	return ok && (slices.Contains(codes, code) || slices.Contains(codes, code&0xff))
}

// sqliteCodeOf is an error's extended code; false when it is not SQLite's.
func sqliteCodeOf(err error) (int, bool) {
	var own *liteError
	var driver *sqlite.Error // of database/sql, which migrates and checks
	switch {
	case errors.As(err, &own):
		return own.code, true
	case errors.As(err, &driver):
		return driver.Code(), true
	}
	return 0, false
}

const busyTimeout = 10 * time.Second // for another process's credential write to end

// sqlitePragmas are what a connection needs, as they are per connection.
func sqlitePragmas() []string {
	return []string{
		fmt.Sprintf("busy_timeout = %d", busyTimeout.Milliseconds()),
		"journal_mode = wal", "synchronous = full", "foreign_keys = 1", "fullfsync = 1", "checkpoint_fullfsync = 1",
		fmt.Sprintf("wal_autocheckpoint = %d", checkpointSize), pagePragma,
	}
}

// sqliteDSN names the file, with the pragmas and more of them, for database/sql,
// which migrates and checks.
func sqliteDSN(path string, more ...string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	dsn := u.String() + "?_txlock=immediate"
	for _, p := range append(sqlitePragmas(), more...) {
		dsn += "&_pragma=" + url.QueryEscape(p)
	}
	return dsn
}

func openSQLite(ctx context.Context, db *DB, path string, serve bool) error {
	db.engine = &sqliteEngine
	sharePages()
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := makeFile(path); err != nil {
		return SettingError(fmt.Sprintf("the database file cannot be opened: %v", err))
	}
	// By its own name, whatever link led to it: the locks beside it are named after it.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return SettingError(fmt.Sprintf("the database file cannot be opened: %v", err))
	}
	db.migrationDSN = path
	if serve {
		if err := db.takeFile(path); err != nil {
			return err
		}
	}
	fail := func(err error) error { return fmt.Errorf("open %s: %w", path, db.class(err)) }
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fail(err)
	}
	db.close = append(db.close, file.Close) // last but for the lock, as it must be
	if db.migrations, err = sql.Open("sqlite", sqliteDSN(path, strings.TrimPrefix(walCut, "pragma "))); err != nil {
		return fail(err)
	}
	db.close = append(db.close, db.migrations.Close)
	w, err := newWriter(db, path, file)
	if err != nil {
		return fail(err)
	}
	db.writer, db.write = w, w.write
	r, err := openReaders(path)
	if err != nil {
		return errors.Join(fail(err), w.Close())
	}
	db.reads, db.connections = r, r.connections
	// Last opened, first closed: the readers go before the writer, whose last
	// connection checkpoints and removes the WAL.
	db.close = append(db.close, w.Close, r.Close)
	if serve { // SQLite syncs the names of the file and its WAL too, and goes on where that fails
		if err := syncFolder(filepath.Dir(path)); err != nil {
			return fail(err)
		}
	}
	return nil
}

// makeFile creates the file, readable by its owner alone, and its folder.
func makeFile(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), syncFolder(filepath.Dir(path)))
}

// syncFolder makes the name of a new file in dir, and dir's own, durable: what a
// crash leaves without a name is lost, however well it was written.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // which has no such call
	}
	for _, name := range []string{dir, filepath.Dir(dir)} {
		f, err := os.Open(name)
		if err != nil {
			continue // a parent that may not be read was there before
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// takeFile makes this the one process that serves the file: what it keeps in
// memory is only true while nobody else changes tenants' rows.
func (db *DB) takeFile(path string) error {
	l := flock.New(path + ".lock")
	ok, err := l.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return SettingError(fmt.Sprintf("another contactbook already serves %s; stop it first, or use PostgreSQL to run several", path))
	}
	db.close = append(db.close, l.Close)
	return nil
}

// fileLocker guards a migration by a lock on a file beside the database.
type fileLocker struct{ *flock.Flock }

func (l fileLocker) Lock(ctx context.Context, _ *sql.DB) error {
	_, err := l.TryLockContext(ctx, 50*time.Millisecond)
	return err
}

func (l fileLocker) Unlock(context.Context, *sql.DB) error { return l.Close() }
