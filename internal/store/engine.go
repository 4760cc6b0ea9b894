package store

import (
	"context"
	"database/sql"
	"sync"
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
	// migrateLock keeps two starting servers from migrating at once.
	migrateLock func(dsn string) (lock.Locker, error)
	// afterMigrate does what the engine needs once the schema stands.
	afterMigrate func(context.Context, *DB) error
	// holdContact locks a contact's row for the rest of the transaction.
	holdContact string
	isDuplicate func(error) bool
	isDown      func(error) bool
	// knownFor is how long an id may be believed to exist without asking; 0 is
	// for ever, where no other process deletes.
	knownFor time.Duration
}

// conn is what a pool, a transaction and the SQLite writer have in common.
type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// prepared is a conn that prepares each text once. SQLite parses a statement
// anew each time otherwise; pgx remembers by itself.
type prepared struct {
	prepare func(ctx context.Context, query string) (*sql.Stmt, error)
	mu      sync.RWMutex
	stmts   map[string]*sql.Stmt
}

func newPrepared(prepare func(context.Context, string) (*sql.Stmt, error)) *prepared {
	return &prepared{prepare: prepare, stmts: map[string]*sql.Stmt{}}
}

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	s := p.stmts[query]
	p.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.stmts[query]; s != nil {
		return s, nil
	}
	s, err := p.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	p.stmts[query] = s
	return s, nil
}

func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (p *prepared) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.stmts {
		s.Close()
	}
	clear(p.stmts)
	return nil
}
