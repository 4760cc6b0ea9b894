package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// walled runs one tenant's statements behind the second wall, outside a
// transaction of more than one. The tenant travels in front of the statement in
// the same round trip, which PostgreSQL takes for one transaction, so the setting
// ends with it: no session keeps it, and a pooler between may do as it likes.
type walled struct {
	db     *DB
	tenant Tenant
}

// freshTries is how many connections a query may find dead.
const freshTries = 3

func (w walled) query(ctx context.Context, query string, args ...any) (rows, error) {
	if err := plainArgs(args); err != nil {
		return nil, err
	}
	if w.db.asks != nil {
		q := &asked{text: query, args: args}
		err := w.db.asks.ask(ctx, &job{tenant: w.tenant, ask: q})
		var alone *errAlone
		if err == nil {
			return q.rows, nil
		} else if !errors.As(err, &alone) {
			return nil, err
		}
	}
	for n := 1; ; n++ {
		var held *heldRows
		err := w.alone(ctx, query, args, func(answer pgx.BatchResults) error {
			r, err := answer.Query()
			if err == nil {
				held, err = keepRows(r)
			}
			return err
		})
		if err == nil {
			return held, nil
		}
		if n == freshTries || ctx.Err() != nil || postgresVerdict(err, false) != redo {
			return nil, err
		}
	}
}

func (w walled) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	if err := plainArgs(args); err != nil {
		return 0, err
	}
	err = w.alone(ctx, query, args, func(answer pgx.BatchResults) error {
		tag, err := answer.Exec()
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

// alone sends the tenant and the statement, and takes the statement's answer.
func (w walled) alone(ctx context.Context, query string, args []any, take func(pgx.BatchResults) error) error {
	c, err := w.db.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return onPgx(c, func(on *pgx.Conn) error {
		var both pgx.Batch
		both.Queue(setTenant, w.tenant.text())
		both.Queue(query, args...)
		answer := on.SendBatch(ctx, &both)
		_, err := answer.Exec()
		if err == nil {
			err = take(answer)
		}
		if end := answer.Close(); err == nil {
			err = end
		}
		return err
	})
}

func pgxOf(raw any) (*pgx.Conn, error) {
	on, ok := raw.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("a connection is a %T", raw)
	}
	return on.Conn(), nil
}
