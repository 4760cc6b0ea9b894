package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver
)

// fillSQLite writes the tags and contacts of b into a SQLite file that nobody
// serves, in the layout and the order that the server would have written them.
func fillSQLite(ctx context.Context, path string, b *book) error {
	// The file is copied and synced as a whole before it is served.
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-512000)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	err = func() error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := insert(ctx, tx, "tag", tagCols, len(b.tenants)*tagsEach, b.tag); err != nil {
			return err
		}
		if err := insert(ctx, tx, "contact", contactCols, b.rows, b.contact); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, "pragma wal_checkpoint(truncate)")
		return err
	}()
	return errors.Join(err, db.Close())
}

func insert(ctx context.Context, tx *sql.Tx, table string, cols []string, n int, row func(int) []any) error {
	marks := make([]string, len(cols))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	stmt, err := tx.PrepareContext(ctx, fmt.Sprintf("insert into %s (%s) values (%s)", table, strings.Join(cols, ", "), strings.Join(marks, ", ")))
	if err != nil {
		return err
	}
	defer stmt.Close()
	for i := range n {
		if _, err := stmt.ExecContext(ctx, row(i)...); err != nil {
			return err
		}
	}
	return nil
}

// fillPostgres does the same in PostgreSQL, and what autovacuum would do in time.
func fillPostgres(ctx context.Context, dsn string, b *book) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, t := range []struct {
		name string
		cols []string
		n    int
		row  func(int) []any
	}{
		{"tag", tagCols, len(b.tenants) * tagsEach, b.tag},
		{"contact", contactCols, b.rows, b.contact},
	} {
		rows := pgx.CopyFromSlice(t.n, func(i int) ([]any, error) { return t.row(i), nil })
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{t.name}, t.cols, rows); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, "vacuum (analyze)")
	return err
}

// copyFile copies a file and makes the copy durable, so that no later sync pays
// for it.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
