package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// tenantTables are all tables of a book, parents before children.
var tenantTables = []string{"tag", "contact", "person", "address", "business", "payment", "snapshot", "verification"}

// besideRecords are those of a book whose rows are no records of the API.
var besideRecords = map[string]bool{"snapshot": true}

// migrate brings the schema up to date under the engine's lock; with all, it does
// what follows that too, where the schema needs nothing. A schema that is newer
// than this binary is refused.
func (db *DB) migrate(ctx context.Context, all bool) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(db.engine.dialect, db.migrations, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	guard, err := db.engine.migrateLock(db.migrationDSN)
	if err != nil {
		return err
	}
	// Looking without the lock first keeps an ordinary start quick; a first
	// look that fails will fail again, or not, under the lock.
	if pending, err := p.HasPending(ctx); err == nil && !pending && !all {
		return db.checkVersion(ctx, p)
	}
	if db.engine.mayMigrate != nil { // who may not would ask for the lock in vain, for minutes
		if err := db.engine.mayMigrate(ctx, db); err != nil {
			return err
		}
	}
	slow := time.AfterFunc(time.Second, func() { db.log.Info("waiting for another server's migration") })
	err = guard.Lock(ctx, db.migrations)
	slow.Stop()
	if err != nil {
		return mayNot(fmt.Errorf("wait for another server's migration: %w", err))
	}
	unlock := func() error { return guard.Unlock(context.WithoutCancel(ctx), db.migrations) }
	return errors.Join(db.migrateLocked(ctx, p), unlock())
}

func (db *DB) migrateLocked(ctx context.Context, p *goose.Provider) error {
	if _, err := p.Up(ctx); err != nil {
		return mayNot(fmt.Errorf("migrate the database: %w", err))
	}
	if err := db.checkVersion(ctx, p); err != nil {
		return err
	}
	if db.engine.afterMigrate == nil {
		return nil
	}
	return db.engine.afterMigrate(ctx, db)
}

// checkVersion refuses a schema made by a newer binary.
func (db *DB) checkVersion(ctx context.Context, p *goose.Provider) error {
	schema, newest, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if schema > newest {
		return SettingError(fmt.Sprintf("the database has schema %d, newer than this contactbook, which knows %d: use a newer contactbook", schema, newest))
	}
	db.schema = schema
	return nil
}

// Schema is the version of the database's schema.
func (db *DB) Schema() int64 { return db.schema }
