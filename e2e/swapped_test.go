package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"contactbook/internal/book"
	"contactbook/internal/proof"
)

// TestSwappedIndex (R8) gives the server a file in which the index of every table leads to the rows of another tenant:
// the worst that damage can do to a wall that is made of keys. Nobody is shown or changes another's row, the file is
// named, and doctor finds it.
func TestSwappedIndex(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite", "--verifier", "simulator")
	x := newIsolation(t, s)
	a, b := x.holders[0], x.holders[1]
	for _, h := range []*holder{a, b} {
		for _, op := range book.Ops {
			c, err := h.prepare(op)
			if err != nil {
				t.Fatal(err)
			}
			h.cases[op.Route] = c
			if verifies(op) { // it leaves a record of its own
				h.send(op, byBody, c.body)
			}
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	x.db.Close()
	// Copies of sandboxes are not in LIVE books, whose operations these are.
	tables := slices.DeleteFunc(slices.Clone(x.tables), func(table string) bool { return table == "snapshot" })
	swapped := swapIndexes(t, s.database, tables, a.tenant(), b.tenant())
	x.db = openDirect(t, s.engine, s.database) // it knows the schema as it is now
	before := x.dump()
	s.start()
	asked, refused := 0, 0
	for _, h := range []*holder{a, b} {
		for _, op := range book.Ops {
			c := h.cases[op.Route]
			for _, body := range []m{c.body, lone(c)} {
				r := h.send(op, byBody, body)
				h.onlyOwn(op.Route, r)
				asked++
				if r.Code == "ISE" && (len(r.Data) == 0 || string(r.Data) == "null") {
					refused++
				} else if op.Method() == http.MethodGet {
					x.wrong("%s as %s: want ISE and no data\n%s", op.Route, h.name, r.Raw)
				}
			}
		}
	}
	after := x.dump()
	for _, h := range []*holder{a, b} {
		for key, r := range before[h.tenant()] {
			if now := after[h.tenant()][key].text; now != r.text {
				x.wrong("a row of %s, through a damaged index:\n%s\nbecame\n%s", h.name, r.text, now)
			}
		}
	}
	if refused < len(book.Ops) {
		t.Errorf("only %d of %d requests met the damage", refused, asked)
	}
	path := strings.TrimPrefix(s.database, "sqlite:")
	log := s.out.String()
	if !strings.Contains(log, path+" is damaged") {
		t.Errorf("the log does not name the file:\n%s", log)
	}
	stdout, stderr, code := s.run("doctor")
	if code != 1 || !strings.Contains(stdout, path+" is damaged") {
		t.Errorf("doctor ends with %d and says:\n%s%s", code, stdout, stderr)
	}
	for _, h := range []*holder{a, b} {
		if strings.Contains(log+stdout+stderr, h.word) {
			t.Errorf("the log or doctor shows texts of %s", h.name)
		}
	}
	proof.Record(t, proof.Figure{ID: "R8", What: fmt.Sprintf("SQLite, %d index entries that lead to another tenant's row, %d requests: rows shown or changed across", swapped, asked),
		Target: "0", Got: fmt.Sprint(x.shown), Met: x.shown == 0})
}

// lone is a request without its optional ids, where that is another: all contacts instead of one.
func lone(c *replay) m {
	body := altered(c.body, "", nil)
	for _, f := range c.op.Fields() {
		if !f.Must && (f.Kind == "id" || f.Name == "cursor" || f.Kind == "integer") {
			delete(body, f.Name)
		}
	}
	return body
}

// swapIndexes makes the primary key's index of each table lead from rows of one tenant to rows of the other, and back:
// the index is built over a table of the same form with the row numbers exchanged, and takes the old one's place.
func swapIndexes(t *testing.T, database string, tables []string, a, b int64) (swapped int) {
	t.Helper()
	c, err := openDirect(t, "sqlite", database, "writable_schema(1)", "foreign_keys(0)").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, table := range tables {
		twin := table + "_twin"
		for _, do := range []string{
			fmt.Sprintf("create temp table pair_%[1]s as select p.n one, q.n other from"+
				" (select rowid n, row_number() over (order by rowid) k from %[1]s where tenant_id = %[2]d) p join"+
				" (select rowid n, row_number() over (order by rowid) k from %[1]s where tenant_id = %[3]d) q on p.k = q.k", table, a, b),
			fmt.Sprintf("create table %[2]s as select coalesce((select other from pair_%[1]s where one = t.rowid), (select one from pair_%[1]s where other = t.rowid), t.rowid) n, t.* from %[1]s t", table, "rows_"+table),
		} {
			if _, err := c.ExecContext(t.Context(), do); err != nil {
				t.Fatalf("%s: %v", do, err)
			}
		}
		var form string
		if err := c.QueryRowContext(t.Context(), "select sql from sqlite_schema where name = $1", table).Scan(&form); err != nil {
			t.Fatal(err)
		}
		var pairs int
		if err := c.QueryRowContext(t.Context(), "select count(*) from temp.pair_"+table).Scan(&pairs); err != nil {
			t.Fatal(err)
		}
		if pairs == 0 {
			t.Fatalf("%s: nothing to exchange", table)
		}
		swapped += 2 * pairs
		var columns string
		if err := c.QueryRowContext(t.Context(), "select group_concat(name, ', ') from pragma_table_info($1)", table).Scan(&columns); err != nil {
			t.Fatal(err)
		}
		for _, do := range []string{
			strings.Replace(form, "CREATE TABLE "+table, "create table "+twin, 1),
			fmt.Sprintf("insert into %s (rowid, %[2]s) select n, %[2]s from rows_%[3]s", twin, columns, table),
			"drop table rows_" + table,
		} {
			if _, err := c.ExecContext(t.Context(), do); err != nil {
				t.Fatalf("%s: %v", do, err)
			}
		}
		const exchange = `update sqlite_schema set rootpage = case name when $1 then (select rootpage from sqlite_schema where name = $2)
			else (select rootpage from sqlite_schema where name = $1) end where name in ($1, $2)`
		if _, err := c.ExecContext(t.Context(), exchange, "sqlite_autoindex_"+table+"_1", "sqlite_autoindex_"+twin+"_1"); err != nil {
			t.Fatal(err)
		}
	}
	return swapped
}
