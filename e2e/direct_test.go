package e2e

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// openDirect opens a server's database past the server, to see and do what the API cannot. A SQLite file that no
// server has open is recovered and checkpointed by this: copy it first where the server is to find it raw.
func openDirect(t *testing.T, engine, database string, pragmas ...string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", database
	if engine == "sqlite" {
		driver, dsn = "sqlite", "file:"+strings.TrimPrefix(database, "sqlite:")+"?_pragma=busy_timeout(10000)"
		for _, p := range pragmas {
			dsn += "&_pragma=" + p
		}
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// row is one row of a book as the database has it.
type row struct {
	table  string
	names  []string
	values []any  // int64, string, bool; bytes as hex text
	text   string // all of it, to compare and to show
}

// col is a column's value; nil when there is no such column.
func (r row) col(name string) any {
	if i := slices.Index(r.names, name); i >= 0 {
		return r.values[i]
	}
	return nil
}

// key names the row within its tenant.
func (r row) key() string { return fmt.Sprint(r.table, " ", r.col("contact_id"), " ", r.col("id")) }

// dump is all rows of all books, by tenant.
type dump map[int64]map[string]row

// same tells whether a book is the same in both.
func (d dump) same(e dump, tenant int64) bool {
	return maps.EqualFunc(d[tenant], e[tenant], func(a, b row) bool { return a.text == b.text })
}

// difference is what only one of the two has of a book.
func (d dump) difference(e dump, tenant int64) string {
	var b strings.Builder
	for key, r := range d[tenant] {
		if e[tenant][key].text != r.text {
			fmt.Fprintln(&b, "-", r.text)
		}
	}
	for key, r := range e[tenant] {
		if d[tenant][key].text != r.text {
			fmt.Fprintln(&b, "+", r.text)
		}
	}
	return b.String()
}

// columnsOf lists the columns of every table, in the database's own words, so that a new table is seen by itself.
func columnsOf(t *testing.T, engine string, db *sql.DB) map[string][]string {
	t.Helper()
	query := "select table_name, column_name from information_schema.columns where table_schema = current_schema()"
	if engine == "sqlite" {
		query = "select m.name, c.name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'"
	}
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		tables[table] = append(tables[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return tables
}

// tenantTables are the tables of books: those with a tenant.
func tenantTables(tables map[string][]string) []string {
	var names []string
	for table, cols := range tables {
		if slices.Contains(cols, "tenant_id") {
			names = append(names, table)
		}
	}
	slices.Sort(names)
	return names
}

// dumpBooks reads every row that belongs to a tenant, or only those of some tenants.
func dumpBooks(t *testing.T, db *sql.DB, tables []string, tenants ...int64) dump {
	t.Helper()
	d, where := dump{}, ""
	for i, tenant := range tenants {
		where += fmt.Sprint([]string{" where", " or"}[min(i, 1)], " tenant_id = ", tenant)
	}
	for _, table := range tables {
		if err := d.read(db, table, where); err != nil {
			t.Fatalf("dump %s: %v", table, err)
		}
	}
	return d
}

func (d dump) read(db *sql.DB, table, where string) error {
	rows, err := db.Query("select * from " + table + where)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		r := row{table: table, names: names, values: values}
		text := []byte(table)
		for i, name := range names {
			switch v := values[i].(type) {
			case []byte:
				values[i] = hex.EncodeToString(v)
			case int64:
				if strings.HasPrefix(strings.ToUpper(types[i].DatabaseTypeName()), "BOOL") { // SQLite's are integers
					values[i] = v != 0
				}
			}
			text = fmt.Appendf(append(append(text, ' '), name...), "=%v", values[i])
		}
		r.text = string(text)
		tenant := r.col("tenant_id").(int64)
		if d[tenant] == nil {
			d[tenant] = map[string]row{}
		}
		d[tenant][r.key()] = r
	}
	return rows.Err()
}
