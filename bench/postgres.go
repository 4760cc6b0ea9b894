package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"contactbook/bench/load"
	"contactbook/bench/machine"
	"contactbook/internal/pgtest"
)

// postgresBooks are a cluster's databases filled to each size, to be copied for
// each run. The cluster is up only while its subject is measured: whatever it
// does in the background would be in the others' way.
type postgresBooks struct {
	server  *pgtest.Server
	tenants []tenant
	books   map[int]*book
	version string
}

func databaseOf(rows int) string { return "book_" + sizeText(rows) }

// makePostgresBooks starts a cluster, makes the clients once and fills a copy to
// each size.
func makePostgresBooks(ctx context.Context, sizes []int, said func(string)) (*postgresBooks, error) {
	os.Unsetenv(pgtest.Env) // a server whose settings, disk and processes are not known
	said("start PostgreSQL")
	server, err := pgtest.Start(ctx)
	if err != nil {
		return nil, err
	}
	p := &postgresBooks{server: server, books: map[int]*book{}}
	return p, errors.Join(p.fill(ctx, sizes, said))
}

func (p *postgresBooks) fill(ctx context.Context, sizes []int, said func(string)) error {
	// PostgreSQL's own default; the tests run on less.
	if err := p.exec(ctx, "alter system set shared_buffers = '128MB'", "create database book_base template template0"); err != nil {
		return err
	}
	if err := p.server.Restart(ctx, false); err != nil {
		return err
	}
	if err := p.ask(ctx, "select current_setting('server_version')", &p.version); err != nil {
		return err
	}
	var err error
	if p.tenants, err = makeTenants(ctx, p.server.DSN("book_base")); err != nil {
		return err
	}
	for _, rows := range sizes {
		said("fill a PostgreSQL book with " + sizeText(rows) + " contacts")
		name := databaseOf(rows)
		b := &book{rows: rows, tenants: p.tenants, born: time.Now().Add(-time.Minute)}
		if err := p.exec(ctx, "create database "+name+" template book_base"); err != nil {
			return err
		}
		if err := fillPostgres(ctx, p.server.DSN(name), b); err != nil {
			return err
		}
		p.books[rows] = b
	}
	return p.server.Down(ctx, false)
}

// exec runs statements, one by one, in the cluster's own database.
func (p *postgresBooks) exec(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, p.server.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (p *postgresBooks) ask(ctx context.Context, query string, dest any) error {
	conn, err := pgx.Connect(ctx, p.server.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.QueryRow(ctx, query).Scan(dest)
}

// dir is where the cluster's files are.
func (p *postgresBooks) dir() string {
	u, err := url.Parse(p.server.DSN("postgres"))
	if err != nil {
		return ""
	}
	return u.Query().Get("host")
}

// onPostgres is contactbook on a PostgreSQL of this machine.
func onPostgres(binary string, p *postgresBooks) *subject {
	return &subject{
		name: namePostgres, ops: contactOps,
		about: "the same on PostgreSQL " + p.version + " over a unix socket: its default settings, with `fsync`, `synchronous_commit` and `full_page_writes` on",
		sources: func(rows int, op string, conns int) []load.Source {
			return contactSources(p.books[rows], op, conns)
		},
		start: func(ctx context.Context, rows int) (*instance, error) {
			if err := p.server.Up(ctx); err != nil {
				return nil, err
			}
			err := p.exec(ctx, "drop database if exists book_run with (force)",
				"create database book_run template "+databaseOf(rows)+" strategy file_copy", "checkpoint")
			if err != nil {
				return nil, err
			}
			in, err := serveContactbook(ctx, binary, p.server.DSN("book_run"), p.books[rows])
			if err != nil {
				return nil, err
			}
			stop := in.stop
			in.stop = func() error {
				ctx := context.WithoutCancel(ctx)
				return errors.Join(stop(), p.exec(ctx, "drop database book_run with (force)"), p.server.Down(ctx, false))
			}
			in.size = func() (n int64, err error) {
				return n, p.ask(ctx, "select pg_database_size('book_run')", &n)
			}
			postmaster, err := p.postmaster(ctx)
			if err != nil {
				return nil, errors.Join(err, in.stop())
			}
			in.database = func() (time.Duration, error) { return machine.FamilyCPU(postmaster) }
			return in, nil
		},
	}
}

// postmaster is the process that every other of the cluster is a child of.
func (p *postgresBooks) postmaster(ctx context.Context) (int, error) {
	conn, err := pgx.Connect(ctx, p.server.DSN("postgres"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	return machine.Parent(int(conn.PgConn().PID()))
}
