package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The second wall between tenants is PostgreSQL's own: with row-level security a
// role that owns nothing sees the rows of that one tenant alone that its
// transaction has named, whatever a statement asks for. A transaction that has
// named none is refused, loudly, rather than shown an empty book.
//
// What is asked before the tenant is known has no policy: client, which leads to
// the tenant, setting and goose_db_version. They hold nothing of a book's.
const (
	tenantSetting = "contactbook.tenant"
	addsSetting   = "contactbook.adds" // the tenants of a batch of adds, which may only insert
	nobodysTenant = "0"

	setTenant = "/* wall */ select set_config('" + tenantSetting + "', $1, true)"
	setAdds   = "/* wall of adds */ select set_config('" + tenantSetting + "', '" + nobodysTenant + "', true), set_config('" + addsSetting + "', $1, true)"

	tenantPolicy = "contactbook_tenant using (tenant_id = current_setting('" + tenantSetting + "')::bigint)"
	addsPolicy   = "contactbook_adds for insert with check (tenant_id = any (nullif(current_setting('" + addsSetting + "', true), '')::bigint[]))"

	// wholePolicies are both, as bricksQuery tells them.
	wholePolicies = "contactbook_adds a  (tenant_id = ANY ((NULLIF(current_setting('contactbook.adds'::text, true), ''::text))::bigint[]));" +
		"contactbook_tenant * (tenant_id = (current_setting('contactbook.tenant'::text))::bigint) "
)

// brick is a table of books as it stands in the second wall.
type brick struct {
	table string
	up    bool // row-level security is enabled
	holds bool // and stops this role
	whole bool // with contactbook's policies, and none that opens it further
}

// bricksQuery finds every table with a tenant, whoever made it, and the policies
// that let everybody or this role through.
const bricksQuery = `/* wall look */ select c.relname, c.relrowsecurity, row_security_active(c.oid),
	coalesce((select string_agg(polname || ' ' || polcmd::text || ' ' || coalesce(pg_get_expr(polqual, polrelid), '') || ' ' ||
		coalesce(pg_get_expr(polwithcheck, polrelid), ''), ';' order by polname) from pg_policy where polrelid = c.oid and polpermissive
			and (polroles = '{0}' or row_security_active(c.oid) and exists (select 1 from unnest(polroles) r where pg_has_role(r, 'usage')))), '')
	from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
	where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') order by c.relname`

// Wall is the second wall between tenants as this role meets it.
type Wall struct{ bricks []brick }

func lookAtWall(ctx context.Context, c conn) (w Wall, err error) {
	rows, err := c.query(ctx, bricksQuery)
	if err != nil {
		return w, err
	}
	defer rows.Close()
	for rows.Next() {
		var b brick
		var policies string
		if err := rows.Scan(&b.table, &b.up, &b.holds, &policies); err != nil {
			return w, err
		}
		b.whole = policies == wholePolicies
		w.bricks = append(w.bricks, b)
	}
	return w, rows.Err()
}

// Up tells whether there is a wall, whole or not.
func (w Wall) Up() bool {
	for _, b := range w.bricks {
		if b.up {
			return true
		}
	}
	return false
}

// Holds tells whether it stops this role, somewhere at least.
func (w Wall) Holds() bool {
	for _, b := range w.bricks {
		if b.holds {
			return true
		}
	}
	return false
}

// Gaps are the tables of books that are not, or not wholly, behind it.
func (w Wall) Gaps() (tables []string) {
	for _, b := range w.bricks {
		if !b.up || !b.whole {
			tables = append(tables, b.table)
		}
	}
	return tables
}

// Fault says what keeps the wall from being one for this role; empty for nothing.
func (w Wall) Fault() string {
	switch gaps := w.Gaps(); {
	case !w.Up():
		return "the second wall between tenants, row-level security, is not up: run contactbook migrate --row-level-security as the owner of the tables"
	case len(gaps) > 0:
		return fmt.Sprintf("the second wall between tenants, row-level security, has a gap at %s: run contactbook migrate --row-level-security as the owner of the tables, and drop policies that are not contactbook's", strings.Join(gaps, ", "))
	case !w.Holds():
		return "this role stands above the second wall between tenants, row-level security, as the tables' owner, a superuser or by BYPASSRLS: connect as the serving role"
	}
	return ""
}

// meetWall finds out whether each transaction must name its tenant; with need, a
// wall that would not hold is refused.
func (db *DB) meetWall(ctx context.Context, need bool) error {
	if db.pool == nil {
		if need {
			return SettingError("--row-level-security is PostgreSQL's: SQLite has no such wall")
		}
		return nil
	}
	w, err := lookAtWall(ctx, db.reads)
	if err != nil {
		return plain(err)
	}
	db.walled = w.Holds()
	switch fault := w.Fault(); {
	case fault == "":
	case need:
		return SettingError(fault)
	case w.Up():
		db.log.Warn(fault)
	}
	return nil
}

// readsOf is where a tenant's rows are read outside a transaction.
func (db *DB) readsOf(t Tenant) conn {
	if db.walled {
		return walled{db, t}
	}
	return db.reads
}

// text is the tenant as the wall's setting has it; nobody's for what belongs to none.
func (t Tenant) text() string { return fmt.Sprint(int64(t)) }

// naming tells before which queries of a batch their tenant must be named: behind
// the wall, where it is another than the one before.
func (db *DB) naming(batch []*waiting) []bool {
	names := make([]bool, len(batch))
	for i, p := range batch {
		names[i] = db.walled && (i == 0 || p.tenant != batch[i-1].tenant)
	}
	return names
}

// listed are the tenants of a batch, each once, as an array of PostgreSQL's.
func listed(adds []*job) string {
	seen := make(map[Tenant]bool, len(adds))
	list := make([]string, 0, len(adds))
	for _, j := range adds {
		if !seen[j.tenant] {
			seen[j.tenant] = true
			list = append(list, j.tenant.text())
		}
	}
	return "{" + strings.Join(list, ",") + "}"
}

// onPgx runs fn with the connection's own of pgx.
func onPgx(c *sql.Conn, fn func(*pgx.Conn) error) error {
	return c.Raw(func(raw any) error {
		on, err := pgxOf(raw)
		if err != nil {
			return err
		}
		return fn(on)
	})
}
