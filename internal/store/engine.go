package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// engine is what truly differs between the two databases.
type engine struct {
	name    string
	dialect goose.Dialect
	// add is the write path of a lone record.
	add func(context.Context, *Book, Record, func(context.Context, Reader) error) error
	// mayMigrate refuses who may not change the schema.
	mayMigrate func(context.Context, *DB) error
	// migrateLock keeps two starting servers from migrating at once.
	migrateLock func(dsn string) (lock.Locker, error)
	// afterMigrate does what the engine needs once the schema stands.
	afterMigrate func(context.Context, *DB) error
	// ownRows: statements check that the row that an index leads to is its own.
	ownRows bool
	// holdContact locks a contact's row for the rest of the transaction.
	holdContact string
	isDuplicate func(error) bool
	isDown      func(error) bool
	// knownFor is how long a record may be believed to exist without asking; 0
	// is for ever, where no other process deletes.
	knownFor time.Duration
}

// conn is where statements run: a pool, a transaction, one connection.
type conn interface {
	// exec runs a statement and tells how many rows it changed.
	exec(ctx context.Context, query string, args ...any) (int64, error)
	// query runs one that returns rows, which must be closed.
	query(ctx context.Context, query string, args ...any) (rows, error)
}

// rows are walked as those of database/sql are.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// sqlConn is a conn of database/sql.
type sqlConn struct {
	on interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
}

func (c sqlConn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := c.on.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c sqlConn) query(ctx context.Context, query string, args ...any) (rows, error) {
	r, err := c.on.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err // and no *sql.Rows that is nil in rows
	}
	return r, nil
}
