package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

var postgresEngine = engine{
	name:    "postgres",
	dialect: goose.DialectPostgres,
	migrateLock: func(string) (lock.Locker, error) {
		return lock.NewPostgresTableLocker(lock.WithTableName("migration_lock"),
			lock.WithTableLockTimeout(200*time.Millisecond, 600), lock.WithTableUnlockTimeout(200*time.Millisecond, 50),
			// A server that was killed while it migrated keeps the others waiting for its lease.
			lock.WithTableLeaseDuration(5*time.Second), lock.WithTableHeartbeatInterval(time.Second))
	},
	mayMigrate:   mayMigratePostgres,
	afterMigrate: afterMigratePostgres,
	holdContact:  "/* contact hold */ select 1 from contact where " + OfBook + " and id = $2 for update",
	isDuplicate:  func(err error) bool { return postgresCode(err) == "23505" },
	isDown:       func(err error) bool { return isPressed(err) || postgresVerdict(err, false) != fails },
	add:          addPostgres,
	knownFor:     2 * time.Second, // another server may delete
}

const (
	maxOpenConns = 32
	maxTries     = 5
	tryFor       = 2 * time.Second
)

// sessionSettings bound what a statement may wait and run, and keep a commit
// durable whatever the database's default is.
var sessionSettings = map[string]string{
	"statement_timeout":                   "10000",
	"lock_timeout":                        "2000",
	"idle_in_transaction_session_timeout": "10000",
	"synchronous_commit":                  "on",
	"application_name":                    "contactbook",
}

// postgresConfig reads an address and adds what each session must have.
func postgresConfig(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, SettingError("the database's address cannot be read: it must be like postgres://user@host:5432/name")
	}
	if config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, SettingError("the database's address asks for default_query_exec_mode=simple_protocol, which is not supported; exec suits PgBouncer")
	}
	for name, value := range sessionSettings {
		if given, ok := config.RuntimeParams[name]; !ok || weakCommit(name, given) {
			config.RuntimeParams[name] = value
		}
	}
	return config, nil
}

func openPostgres(ctx context.Context, db *DB, dsn string, _ bool) error {
	db.engine = &postgresEngine
	config, err := postgresConfig(dsn)
	if err != nil {
		return err
	}
	db.pool = stdlib.OpenDB(*config)
	db.close = append(db.close, db.pool.Close)
	db.pool.SetMaxOpenConns(maxOpenConns)
	db.pool.SetMaxIdleConns(maxOpenConns)
	db.reads, db.migrations = sqlConn{db.pool}, db.pool
	db.write = db.writePostgres
	db.connections = func() Connections {
		s := db.pool.Stats()
		return Connections{s.InUse, s.Idle, s.WaitCount}
	}
	if err := db.pool.PingContext(ctx); err != nil {
		return unreachable(err)
	}
	if err := db.warnUnsafe(ctx); err != nil {
		return err
	}
	return db.share(ctx)
}

// unreachable is why a first connection failed: ErrUnavailable where the database
// may come yet, and a SettingError where it is there and refuses this user or name.
func unreachable(err error) error {
	switch code := postgresCode(err); {
	case strings.HasPrefix(code, "28"):
		return SettingError(fmt.Sprintf("the database refuses this user or its password (SQLSTATE %s)", code))
	case code == "3D000":
		return SettingError("the database server has no database of that name")
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, plain(err))
}

// weakCommit tells whether a setting would acknowledge before the disk has it.
func weakCommit(name, value string) bool {
	return name == "synchronous_commit" && value != "on" && value != "remote_apply"
}

// warnUnsafe says so loudly when the database itself may lose what it committed.
func (db *DB) warnUnsafe(ctx context.Context) error {
	for _, name := range []string{"fsync", "full_page_writes"} {
		var value string
		if err := queryRow(ctx, db.reads, "select current_setting($1)", []any{name}, &value); err != nil {
			return plain(err)
		}
		if value != "on" {
			db.log.Warn("THE DATABASE IS NOT DURABLE: a crash of its machine can lose or damage acknowledged contacts; turn the setting on", "setting", name, "value", value)
		}
	}
	return nil
}

// plain leaves of a PostgreSQL error what may be logged: its detail, hint and
// position can carry row values, and so can the message of a value that does not fit.
func plain(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err
	}
	message := e.Message
	if strings.HasPrefix(e.Code, "22") { // data exceptions quote the value
		message = "a value does not suit its column"
	}
	return &pgconn.PgError{Severity: e.Severity, Code: e.Code, Message: message, ConstraintName: e.ConstraintName, TableName: e.TableName}
}

func postgresCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// verdict is what an error means for a write.
type verdict int

const (
	fails   verdict = iota // will not get better by trying again
	redo                   // nothing was changed: try again
	unknown                // it may have been committed: look, then try again
)

// postgresVerdict judges an error; atCommit: it came while a commit was under way.
func postgresVerdict(err error, atCommit bool) verdict {
	if err == nil {
		return fails
	}
	lost := redo
	if atCommit {
		lost = unknown
	}
	code := postgresCode(err)
	switch {
	case code == "40001" || code == "40P01" || code == "55P03": // the last: a lock was not to be had in time
		return redo
	case code == "57P01" || code == "57P02": // the server ended this connection
		return lost
	case code == "57P03": // it takes no connections now
		return redo
	case code != "":
		return fails
	}
	var connect *pgconn.ConnectError
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return fails
	case errors.As(err, &connect):
		return redo
	case pgconn.SafeToRetry(err) && !atCommit: // pgx says so of a commit too, that was sent and lost its answer
		return redo
	case isScan(err) || errors.Is(err, pgx.ErrTxCommitRollback):
		return fails
	}
	return lost
}

// isPressed tells refusals of a database that is up and cannot do this now: a
// lock or the time ran out, it is short of disk, memory or connections, it takes
// no writes. Nothing was changed; a caller may try again later.
func isPressed(err error) bool {
	switch code := postgresCode(err); {
	case code == "55P03", code == "57014", code == "25P03", code == "25006", code == "58030":
		return true
	default:
		return strings.HasPrefix(code, "53")
	}
}

// pressed marks such a refusal as ErrUnavailable.
func pressed(err error) error {
	if isPressed(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// isScan tells errors of database/sql's own making, which no connection caused.
func isScan(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || strings.HasPrefix(err.Error(), "sql: ")
}

// retry runs try until it succeeds or fails for good, with jitter between, at
// most maxTries times within tryFor.
func (db *DB) retry(ctx context.Context, j *job, try func(context.Context) (verdict, error)) error {
	if j.began.IsZero() {
		j.began = time.Now()
	}
	deadline := j.began.Add(tryFor)
	for n := j.tries + 1; ; n++ {
		v, err := db.tryAfter(ctx, j, try)
		if err == nil || v == fails && !(j.again && isPressed(err)) {
			return pressed(plain(err))
		}
		j.again = j.again || v == unknown
		pause := time.Duration(rand.Int64N(int64(20*time.Millisecond)<<n)) + time.Millisecond
		if n >= maxTries || v == fails || time.Now().Add(pause).After(deadline) {
			if j.again { // not ErrUnavailable, which says that nothing was changed
				return fmt.Errorf("the outcome of a commit is unknown: %w", plain(err))
			}
			return fmt.Errorf("%w: %w", ErrUnavailable, plain(err))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryAfter tries when nothing of a lost try can come in between, and if that one
// was not committed after all.
func (db *DB) tryAfter(ctx context.Context, j *job, try func(context.Context) (verdict, error)) (verdict, error) {
	if j.lost != nil {
		committed, err := db.learn(ctx, *j.lost)
		if err != nil {
			return unknown, err
		}
		if committed {
			return fails, nil
		}
		j.again = j.lost.transaction == ""
		j.lost = nil
	}
	return try(ctx)
}

func (db *DB) writePostgres(ctx context.Context, j *job) error {
	return db.retry(ctx, j, func(ctx context.Context) (verdict, error) { return db.transact(ctx, j) })
}

// transact tries j in a transaction.
func (db *DB) transact(ctx context.Context, j *job) (verdict, error) {
	t, err := db.begin(ctx, j.tenant)
	if err != nil {
		return postgresVerdict(err, false), err
	}
	tx := &Tx{db: db, conn: sqlConn{t}}
	defer db.settle(j)
	if err := tx.run(ctx, j); err != nil {
		t.Rollback()
		if !tx.broken {
			return fails, err
		}
		return postgresVerdict(err, false), err
	}
	start := time.Now()
	err = t.Commit()
	db.onCommit(1, time.Since(start))
	v := postgresVerdict(err, true)
	if v == unknown {
		j.lost = &t.try
	}
	return v, err
}

// distribution is what makes a Citus cluster of the schema, in order: a parent
// before its children. Each statement does nothing when it was done before.
func distribution() []string {
	shard := func(table, column, with string) string {
		return fmt.Sprintf("select create_distributed_table('%[1]s', '%[2]s', colocate_with => '%[3]s')"+
			" where not exists (select 1 from pg_dist_partition where logicalrelid = '%[1]s'::regclass)", table, column, with)
	}
	statements := []string{shard("client", "client_id", "none")}
	with := "none"
	for _, t := range tenantTables {
		statements = append(statements, shard(t, "tenant_id", with))
		with = tenantTables[0]
	}
	return statements
}

func (db *DB) hasCitus(ctx context.Context) (citus bool, err error) {
	err = queryRow(ctx, db.reads, "select exists (select 1 from pg_extension where extname = 'citus')", nil, &citus)
	return citus, plain(err)
}

// afterMigratePostgres brings new tables to where the others are.
func afterMigratePostgres(ctx context.Context, db *DB) error {
	if err := distribute(ctx, db); err != nil {
		return err
	}
	return db.mendWall(ctx)
}

// distribute shards the tables where the database has the citus extension.
func distribute(ctx context.Context, db *DB) error {
	if citus, err := db.hasCitus(ctx); err != nil || !citus {
		return err
	}
	for _, s := range distribution() {
		if _, err := db.reads.exec(ctx, s); err != nil {
			return fmt.Errorf("distribute by tenant: %w", plain(err))
		}
	}
	return nil
}
