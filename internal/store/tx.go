package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"contactbook/internal/wire"
)

// job is one write that waits for its turn.
type job struct {
	tenant Tenant
	fn     func(context.Context, *Tx) error
	add    *statement // what fn does, where that is a lone add to PostgreSQL
	ask    *asked     // a query of PostgreSQL's, in the place of fn
	again  bool       // an earlier try may have been committed: an add looks for its row first
	lost   *lostTry   // that one, while it may still be under way
	met    bool       // since then an add met a row of its key
	tries  int        // that were made before retry
	began  time.Time  // the first of them

	touched bool // what is remembered of the tenant may not be true after it
}

// Tx is a transaction in one tenant's book.
type Tx struct {
	db      *DB
	conn    conn
	tenant  Tenant
	changed int64 // rows, since the job began
	broken  bool  // the transaction can only be rolled back
	touched bool  // this job or one before it changed what is remembered
	again   bool  // see job
	job     *job
}

func (tx *Tx) source() source { return source{tx.db, tx.conn, tx.tenant, tx.touched, tx.fail} }

// run does j's work, turning a panic into an error: one request's fault must not
// take its neighbours in the batch along.
func (tx *Tx) run(ctx context.Context, j *job) (err error) {
	tx.job, tx.tenant, tx.again, tx.changed = j, j.tenant, j.again, 0
	defer func() {
		if p := recover(); p != nil {
			tx.broken = true
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return j.fn(ctx, tx)
}

// clean tells whether err left nothing behind: a refusal before any change.
func (tx *Tx) clean() bool { return !tx.broken && tx.changed == 0 }

// fail classes an error of a statement. A duplicate undoes only its own
// statement on SQLite, and everything on PostgreSQL, whose job ends with it.
func (tx *Tx) fail(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrNotFound):
		return err
	case tx.db.engine.isDuplicate(err):
		return ErrDuplicate
	}
	tx.broken = true
	return err
}

// Exec runs a statement with the tenant as $1 and args from $2, and tells how
// many rows it changed. A broken unique key is ErrDuplicate.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tx.touch("")
	return tx.exec(ctx, query, bind(tx.tenant, args))
}

func (tx *Tx) exec(ctx context.Context, query string, args []any) (int64, error) {
	n, err := tx.conn.exec(ctx, query, args...)
	tx.changed += n
	return n, tx.fail(err)
}

// HoldContact keeps a contact, and the number of its children, from being
// changed by others until the transaction ends. ErrNotFound when there is none.
func (tx *Tx) HoldContact(ctx context.Context, id wire.ID) error {
	var one int
	return tx.fail(queryRow(ctx, tx.conn, tx.db.engine.holdContact, []any{int64(tx.tenant), id}, &one))
}

// queryRow scans the only row of a query; ErrNotFound when there is none.
func queryRow(ctx context.Context, c conn, query string, args []any, dest ...any) error {
	rows, err := c.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return ErrNotFound
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
}
