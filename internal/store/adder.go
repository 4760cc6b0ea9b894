package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"contactbook/internal/wire"
)

// adders is how many batches of adds are under way to PostgreSQL at a time: while
// one is committed the next is sent.
const adders = 2

// statement is an add that needs no look at the database first.
type statement struct {
	text string
	args []any // plain values
}

// errAlone says that a batch failed, so that each of it must be tried alone.
type errAlone struct {
	verdict verdict
	try     lostTry
	cause   error
}

func (e *errAlone) Error() string { return "the batch failed: " + e.cause.Error() }

// addPostgres adds in one statement. Adds that wait share a round trip and a
// commit: they come from requests that know nothing of one another, so no order
// among them matters, and one that spoils its batch is tried again alone.
func addPostgres(ctx context.Context, b *Book, r Record, check func(context.Context, Reader) error) error {
	if err := check(ctx, b); err != nil {
		return err
	}
	j := &job{tenant: b.tenant, touched: rememberedTables[r.Table()],
		fn: func(ctx context.Context, tx *Tx) error { return tx.Add(ctx, r) }}
	defer b.db.settle(j)
	var err error
	if j.add, err = addOf(b, r); err != nil {
		return err
	}
	if b.db.adds != nil {
		j.began, j.tries = time.Now(), 1
		err = b.db.adds.write(ctx, j)
		var alone *errAlone
		if !errors.As(err, &alone) {
			return err
		}
		if alone.verdict == unknown {
			j.again, j.lost = true, &alone.try
		}
	}
	return b.db.retry(ctx, j, func(ctx context.Context) (verdict, error) {
		if j.again { // it has to look first
			return b.db.transact(ctx, j)
		}
		v, try, err := b.db.commitAdds(ctx, j)
		if v == unknown {
			j.lost = &try
		}
		if b.db.engine.isDuplicate(err) {
			err = ErrDuplicate
		}
		return v, err
	})
}

// addOf is r's add with plain values, which the driver need not look into.
func addOf(b *Book, r Record) (*statement, error) {
	key, rest := pointers(r)
	args := bind(b.tenant, key, rest)
	if err := plainArgs(args); err != nil {
		return nil, err
	}
	return &statement{b.db.engine.textOf(r).add, args}, nil
}

// plainArgs makes plain values of what args point to or know to make.
func plainArgs(args []any) error {
	for i, a := range args {
		switch v := a.(type) {
		case *string:
			args[i] = *v
		case *wire.Millis:
			args[i] = int64(*v)
		case driver.Valuer:
			value, err := v.Value()
			if err != nil {
				return err
			}
			args[i] = value
		}
	}
	return nil
}

// addTogether commits a batch, and has each of one that fails tried alone.
func (db *DB) addTogether(batch []*waiting) {
	ctx, cancel := context.WithTimeout(context.Background(), WriteTimeout)
	defer cancel()
	jobs := make([]*job, len(batch))
	for i, p := range batch {
		jobs[i] = p.job
	}
	v, try, err := db.commitAdds(ctx, jobs...)
	if err != nil {
		err = &errAlone{v, try, plain(err)}
	}
	for _, p := range batch {
		p.err = err
		close(p.done)
	}
}

// commitAdds sends adds in one round trip, which PostgreSQL takes for one
// transaction.
func (db *DB) commitAdds(ctx context.Context, adds ...*job) (v verdict, try lostTry, err error) {
	start := time.Now()
	c, err := db.pool.Conn(ctx)
	if err != nil {
		return postgresVerdict(err, false), try, err
	}
	defer c.Close()
	err = onPgx(c, func(on *pgx.Conn) error {
		try.backend = int64(on.PgConn().PID())
		var all pgx.Batch
		if db.walled {
			all.Queue(setAdds, listed(adds))
		}
		for _, j := range adds {
			all.Queue(j.add.text, j.add.args...)
		}
		return on.SendBatch(ctx, &all).Close()
	})
	db.onCommit(len(adds), time.Since(start))
	return postgresVerdict(err, true), try, err
}

// share has adds and queries of many requests share round trips, but for Citus,
// where a transaction over several tenants would be one over several machines.
func (db *DB) share(ctx context.Context) error {
	citus, err := db.hasCitus(ctx)
	if err != nil || citus {
		return err
	}
	db.adds = newGroup(adders, db.addTogether)
	db.asks = newGroup(askers(), db.askTogether)
	db.reads = together{sqlConn{db.pool}, db.asks}
	db.close = append(db.close, func() error { db.adds.stop(); db.asks.stop(); return nil })
	return nil
}
