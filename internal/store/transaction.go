package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5"
)

// transaction is one of PostgreSQL's, in one tenant's book.
type transaction struct {
	*sql.Conn
	ctx context.Context
	try lostTry // what it will be known by, if its connection is lost
}

// begin begins a transaction of one tenant's, in one round trip.
func (db *DB) begin(ctx context.Context, t Tenant) (*transaction, error) {
	c, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx := &transaction{Conn: c, ctx: ctx}
	err = onPgx(c, func(on *pgx.Conn) error {
		var all pgx.Batch
		all.Queue("begin")
		if db.walled {
			all.Queue(setTenant, t.text())
		}
		all.Queue(knownBy).QueryRow(func(row pgx.Row) error { return row.Scan(&tx.try.backend, &tx.try.transaction) })
		return on.SendBatch(ctx, &all).Close()
	})
	if err != nil {
		tx.Rollback()
		return nil, err
	}
	return tx, nil
}

// Commit ends the transaction, well or not.
func (tx *transaction) Commit() error {
	err := onPgx(tx.Conn, func(on *pgx.Conn) error {
		tag, err := on.Exec(tx.ctx, "commit")
		if err == nil && tag.String() != "COMMIT" {
			err = pgx.ErrTxCommitRollback
		}
		return err
	})
	if err != nil {
		tx.Rollback()
		return err
	}
	return tx.Conn.Close()
}

// Rollback leaves the connection fit for others, or closes it for good.
func (tx *transaction) Rollback() error {
	defer tx.Conn.Close()
	return tx.Conn.Raw(func(raw any) error {
		on, err := pgxOf(raw)
		if err != nil {
			return err
		}
		if on.PgConn().TxStatus() == 'I' {
			return nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tx.ctx), 5*time.Second)
		defer cancel()
		if _, err := on.Exec(ctx, "rollback"); err != nil {
			return driver.ErrBadConn
		}
		return nil
	})
}
