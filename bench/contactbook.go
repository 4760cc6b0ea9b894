package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"contactbook/bench/load"
)

const (
	nameSQLite   = "contactbook-sqlite"
	namePostgres = "contactbook-postgres"
)

var contactOps = []string{opGet, opList, opTag, opRare, opUpdate, opAdd, opAdd60, opDelete}

// sqliteBooks are SQLite files filled to each size, to be copied for each run.
type sqliteBooks struct {
	dir     string
	tenants []tenant
	books   map[int]*book
}

func (s *sqliteBooks) path(rows int) string { return filepath.Join(s.dir, sizeText(rows)+".db") }

// makeSQLiteBooks makes the clients once and fills a copy to each size.
func makeSQLiteBooks(ctx context.Context, dir string, sizes []int, said func(string)) (*sqliteBooks, error) {
	s := &sqliteBooks{dir: dir, books: map[int]*book{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	base := filepath.Join(dir, "base.db")
	var err error
	if s.tenants, err = makeTenants(ctx, "sqlite:"+base); err != nil {
		return nil, err
	}
	for _, rows := range sizes {
		said("fill a SQLite book with " + sizeText(rows) + " contacts")
		b := &book{rows: rows, tenants: s.tenants, born: time.Now().Add(-time.Minute)}
		if err := copyFile(s.path(rows), base); err != nil {
			return nil, err
		}
		if err := fillSQLite(ctx, s.path(rows), b); err != nil {
			return nil, err
		}
		s.books[rows] = b
	}
	return s, nil
}

// copy puts a fresh copy of a book into a folder of its own.
func (s *sqliteBooks) copy(rows int) (dir, file string, err error) {
	if dir, err = os.MkdirTemp(s.dir, "run-"); err != nil {
		return "", "", err
	}
	file = filepath.Join(dir, "book.db")
	return dir, file, copyFile(file, s.path(rows))
}

func (s *sqliteBooks) sources(rows int, op string, conns int) []load.Source {
	return contactSources(s.books[rows], op, conns)
}

// onSQLite is contactbook as it is shipped, on its SQLite file.
func onSQLite(binary string, s *sqliteBooks) *subject {
	return &subject{
		name: nameSQLite, ops: contactOps, sources: s.sources,
		about: "`contactbook serve --log-level warn` on a SQLite file, as shipped: WAL, `synchronous=FULL`, every answer after its fsync",
		start: func(ctx context.Context, rows int) (*instance, error) {
			dir, file, err := s.copy(rows)
			if err != nil {
				return nil, err
			}
			in, err := serveContactbook(ctx, binary, "sqlite:"+file, s.books[rows])
			if err != nil {
				return nil, err
			}
			stop := in.stop
			in.size = folderSize(dir)
			in.stop = func() error { return errors.Join(stop(), os.RemoveAll(dir)) }
			return in, nil
		},
	}
}

// serveContactbook runs the real binary on a database.
func serveContactbook(ctx context.Context, binary, url string, b *book) (*instance, error) {
	cmd := exec.Command(binary, "serve", "--database", url, "--log-level", "warn",
		"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "CONTACTBOOK_PEPPER="+pepper)
	begin := time.Now()
	p, said, err := startProcess(cmd, "contactbook listens on http://", "metrics are on ")
	if err != nil {
		return nil, err
	}
	in := &instance{addr: said[0], admin: strings.TrimSuffix(said[1], "/metrics"), pid: p.pid(), stop: p.stop}
	op := opGet
	if b.rows == 0 {
		op = opAdd
	}
	if _, err := load.Once(in.addr, contactSources(b, op, 1)[0]); err != nil {
		return nil, errors.Join(err, in.stop())
	}
	in.ready = time.Since(begin)
	return in, nil
}
