package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// WallBuild is what migrating does to the second wall between tenants.
type WallBuild struct {
	Up   bool   // put it up, or mend it
	Down bool   // take it down
	Role string // the role that serve connects as: it is given what it needs, and no more
}

// buildWall does what o asks for. Each part of it is done wholly or not at all.
func (db *DB) buildWall(ctx context.Context, o WallBuild) error {
	if o == (WallBuild{}) {
		return nil
	}
	if db.pool == nil {
		return SettingError("--row-level-security and --serving-role are PostgreSQL's: SQLite has no such wall")
	}
	if o.Up {
		if citus, err := db.hasCitus(ctx); err != nil {
			return err
		} else if citus {
			return SettingError("--row-level-security is not for Citus: its workers are not told a transaction's tenant")
		}
	}
	w, err := lookAtWall(ctx, db.reads)
	if err != nil {
		return plain(err)
	}
	var all []string
	if o.Role != "" {
		if all, err = db.grants(ctx, w, o.Role); err != nil {
			return err
		}
	}
	switch {
	case o.Up:
		all = append(all, w.raise()...)
	case o.Down:
		all = append(all, w.lower()...)
	}
	return db.build(ctx, all)
}

// mendWall puts tables that a migration has just made behind a wall that is up,
// and lets the serving roles at them.
func (db *DB) mendWall(ctx context.Context) error {
	w, err := lookAtWall(ctx, db.reads)
	if err != nil || !w.Up() {
		return plain(err)
	}
	all := w.raise()
	roles, err := column(ctx, db.pool, servingRoles)
	if err != nil {
		return plain(err)
	}
	for _, role := range roles {
		more, err := db.grants(ctx, w, role)
		if err != nil {
			return err
		}
		all = append(all, more...)
	}
	return db.build(ctx, all)
}

// servingRoles are those that were let at the contacts.
const servingRoles = `select distinct r.rolname from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
	where c.oid = 'contact'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner and not r.rolsuper and not r.rolbypassrls
		and not pg_has_role(r.oid, c.relowner, 'usage') order by 1`

// raise is what puts the wall up where it has a gap. Switching it on comes first:
// it locks the table, and without a policy lets nothing through.
func (w Wall) raise() (all []string) {
	for _, table := range w.Gaps() {
		t := pgx.Identifier{table}.Sanitize()
		all = append(all, "alter table "+t+" enable row level security")
		for _, policy := range []string{tenantPolicy, addsPolicy} {
			name, rule, _ := strings.Cut(policy, " ")
			all = append(all, "drop policy if exists "+name+" on "+t, "create policy "+name+" on "+t+" "+rule)
		}
	}
	return all
}

// lower is what takes it down.
func (w Wall) lower() (all []string) {
	for _, b := range w.bricks {
		t := pgx.Identifier{b.table}.Sanitize()
		all = append(all, "alter table "+t+" disable row level security")
		for _, policy := range []string{tenantPolicy, addsPolicy} {
			name, _, _ := strings.Cut(policy, " ")
			all = append(all, "drop policy if exists "+name+" on "+t)
		}
	}
	return all
}

// grants are what a serving role needs: all of the books' rows, which the wall
// divides; of the credentials and the schema's version only to read.
func (db *DB) grants(ctx context.Context, w Wall, role string) ([]string, error) {
	var above bool
	var schema string
	err := queryRow(ctx, db.reads, `select rolsuper or rolbypassrls or pg_has_role(oid, (select relowner from pg_class where oid = 'contact'::regclass), 'usage'),
		current_schema() from pg_roles where rolname = $1`, []any{role}, &above, &schema)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, SettingError(fmt.Sprintf("there is no role %s: make it with create role %[1]s login", pgx.Identifier{role}.Sanitize()))
	case err != nil:
		return nil, plain(err)
	case above:
		return nil, SettingError(fmt.Sprintf("the role %s cannot be a serving role: it stands above the second wall, as the tables' owner, a superuser or by BYPASSRLS", pgx.Identifier{role}.Sanitize()))
	}
	to := " to " + pgx.Identifier{role}.Sanitize()
	all := []string{
		"grant usage on schema " + pgx.Identifier{schema}.Sanitize() + to,
		"grant select on goose_db_version, client" + to,
		"grant select, insert on setting" + to,
	}
	for _, b := range w.bricks {
		all = append(all, "grant select, insert, update, delete on "+pgx.Identifier{b.table}.Sanitize()+to)
	}
	return all, nil
}

// build runs statements in one transaction.
func (db *DB) build(ctx context.Context, all []string) error {
	if len(all) == 0 {
		return nil
	}
	tx, err := db.pool.BeginTx(ctx, nil)
	if err != nil {
		return plain(err)
	}
	defer tx.Rollback()
	for _, s := range all {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return mayNot(fmt.Errorf("build the second wall: %w", plain(err)))
		}
	}
	return plain(tx.Commit())
}

// mayMigratePostgres refuses a serving role.
func mayMigratePostgres(ctx context.Context, db *DB) error {
	var may bool
	err := queryRow(ctx, db.reads, `select coalesce((select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('contact')),
		has_schema_privilege(current_schema(), 'create'), true)`, nil, &may)
	if err == nil && !may {
		return errMayNot
	}
	return plain(err)
}

const errMayNot = SettingError("this role may not change the database's schema: run contactbook migrate as the owner of the tables")

// mayNot says in an operator's words that the role may not change the schema.
func mayNot(err error) error {
	if postgresCode(err) == "42501" {
		return errMayNot
	}
	return err
}
