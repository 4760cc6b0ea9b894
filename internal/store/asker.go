package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"contactbook/internal/wire"
)

// asked is a query with, once it is answered, its rows.
type asked struct {
	text string
	args []any // plain values
	rows *heldRows
}

// askers is how many batches of queries may be under way to PostgreSQL at a time.
func askers() int { return min(max(2, runtime.GOMAXPROCS(0)), maxOpenConns/2) }

// together is a conn whose queries share round trips: those that wait when a
// connection is free go out on it as one batch. A round trip and the waking of a
// backend cost more than a look by key does.
type together struct {
	sqlConn // where each goes alone
	group   *group
}

func (c together) query(ctx context.Context, query string, args ...any) (rows, error) {
	if err := plainArgs(args); err != nil {
		return nil, err
	}
	q := &asked{text: query, args: args}
	err := c.group.ask(ctx, &job{ask: q})
	var alone *errAlone
	switch {
	case err == nil:
		return q.rows, nil
	case errors.As(err, &alone):
		return c.sqlConn.query(ctx, query, args...)
	}
	return nil, err
}

// askTogether sends a batch's queries in one round trip. Those that one of them,
// or the connection, spoils are for their askers to ask alone.
func (db *DB) askTogether(batch []*waiting) {
	ctx, cancel := context.WithTimeout(context.Background(), WriteTimeout)
	defer cancel()
	answered, err := db.sendAsked(ctx, batch)
	for i, p := range batch {
		if i >= answered {
			p.err = &errAlone{cause: plain(err)}
		}
		close(p.done)
	}
}

func (db *DB) sendAsked(ctx context.Context, batch []*waiting) (answered int, err error) {
	c, err := db.pool.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	err = onPgx(c, func(on *pgx.Conn) error {
		var all pgx.Batch
		names := db.naming(batch)
		for i, p := range batch {
			if names[i] {
				all.Queue(setTenant, p.tenant.text())
			}
			all.Queue(p.ask.text, p.ask.args...)
		}
		results := on.SendBatch(ctx, &all)
		for i, p := range batch {
			if names[i] {
				results.Exec() // its error is the query's too
			}
			r, err := results.Query()
			if err == nil {
				p.ask.rows, err = keepRows(r)
			}
			if err != nil {
				return errors.Join(err, results.Close())
			}
			answered++
		}
		return results.Close()
	})
	return answered, err
}

// heldRows are all rows of an answer, in memory, as PostgreSQL sent them.
type heldRows struct {
	columns []pgconn.FieldDescription
	memory  []byte
	ends    []int // of the values in memory; -1 less the end for a null
	at      int   // the value that the present row begins with
}

func keepRows(r pgx.Rows) (*heldRows, error) {
	defer r.Close()
	h := &heldRows{}
	for r.Next() {
		for _, v := range r.RawValues() {
			h.memory = append(h.memory, v...)
			if v == nil {
				h.ends = append(h.ends, -1-len(h.memory))
			} else {
				h.ends = append(h.ends, len(h.memory))
			}
		}
	}
	h.columns = append(h.columns, r.FieldDescriptions()...)
	h.at = -len(h.columns)
	return h, r.Err()
}

func (h *heldRows) Next() bool {
	h.at += len(h.columns)
	return h.at < len(h.ends)
}

func (h *heldRows) Err() error   { return nil }
func (h *heldRows) Close() error { return nil }

// Scan copies the row's values to dest. No column of ours is null.
func (h *heldRows) Scan(dest ...any) error {
	if len(dest) != len(h.columns) {
		return fmt.Errorf("sql: %d places for %d columns", len(dest), len(h.columns))
	}
	for i, d := range dest {
		from := 0
		if n := h.at + i; n > 0 {
			if from = h.ends[n-1]; from < 0 {
				from = -1 - from
			}
		}
		to := h.ends[h.at+i]
		if to < 0 {
			return fmt.Errorf("sql: column %d: it is null", i+1)
		}
		if err := decode(d, h.columns[i], h.memory[from:to]); err != nil {
			return fmt.Errorf("sql: column %d: %w", i+1, err)
		}
	}
	return nil
}

// decode reads a value, which is text in the modes that poolers need.
func decode(dest any, column pgconn.FieldDescription, value []byte) error {
	binaryForm := column.Format == pgtype.BinaryFormatCode
	integer := func() (int64, error) {
		switch {
		case !binaryForm:
			return strconv.ParseInt(string(value), 10, 64)
		case len(value) == 8:
			return int64(binary.BigEndian.Uint64(value)), nil
		case len(value) == 4:
			return int64(int32(binary.BigEndian.Uint32(value))), nil
		}
		return 0, fmt.Errorf("%d bytes are no number of ours", len(value))
	}
	blob := func() ([]byte, error) {
		if binaryForm {
			return value, nil
		}
		if len(value) < 2 || value[0] != '\\' || value[1] != 'x' {
			return nil, errors.New("not the hex form of bytes")
		}
		return hex.AppendDecode(nil, value[2:])
	}
	var n int64
	var b []byte
	var err error
	switch d := dest.(type) {
	case *string:
		*d = string(value)
	case *bool:
		*d = len(value) == 1 && (value[0] == 1 || value[0] == 't')
	case *int64:
		*d, err = integer()
	case *int:
		n, err = integer()
		*d = int(n)
	case *wire.Millis:
		n, err = integer()
		*d = wire.Millis(n)
	case *[]byte:
		b, err = blob()
		*d = append([]byte{}, b...)
	case sql.Scanner:
		if b, err = blob(); err == nil {
			err = d.Scan(b)
		}
	default:
		err = fmt.Errorf("a %T cannot be read", dest)
	}
	return err
}
