package store

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"contactbook/internal/wire"
)

// Col is one column of a record: its name, and where its value is and goes.
type Col struct {
	Name string
	Ptr  any
}

// Record is a row of a tenant's book: a struct that embeds Meta and lists its
// columns once, for binding and scanning alike.
type Record interface {
	Table() string
	Key() []Col  // what names the row within its tenant
	Cols() []Col // the rest, but for the dates of Meta
	meta() *Meta
}

// Meta is what every record has.
type Meta struct {
	ID      wire.ID
	Created wire.Millis
	Updated wire.Millis // never decreases
}

func (m *Meta) meta() *Meta { return m }

// A record that is printed or logged says its id alone: the rest is personal data.

func (m Meta) String() string       { return "record " + m.ID.String() }
func (m Meta) GoString() string     { return m.String() }
func (m Meta) LogValue() slog.Value { return slog.StringValue(m.String()) }

// NewMeta is the Meta of a record made now.
func NewMeta(id wire.ID, now wire.Millis) Meta { return Meta{ID: id, Created: now, Updated: now} }

// Dates are the columns of a record's Meta that are neither in Key nor in Cols.
func Dates(r Record) []Col {
	m := r.meta()
	return []Col{{"created", &m.Created}, {"updated", &m.Updated}}
}

// texts are the statements of one table, made from its column names once.
type texts struct{ sel, add, get, has, set, drop, siblings string }

var textsOf, checkedTextsOf sync.Map // table name -> *texts; the latter have ownRow

func (e *engine) textOf(r Record) *texts {
	all := &textsOf
	if e.ownRows {
		all = &checkedTextsOf
	}
	if t, ok := all.Load(r.Table()); ok {
		return t.(*texts)
	}
	t := newTexts(r, e.ownRows)
	all.Store(r.Table(), t)
	return t
}

func newTexts(r Record, checked bool) *texts {
	table := r.Table()
	var names, marks, sets []string
	where := " where " + OfBook
	var within string // where, but for the last column of the key
	column := func(name string) (assignment string) {
		mark := "$" + strconv.Itoa(len(marks)+2) // $1 is the tenant
		names, marks = append(names, name), append(marks, mark)
		return name + " = " + mark
	}
	for _, c := range r.Key() {
		within = where
		where += " and " + column(c.Name)
	}
	for _, c := range r.Cols() {
		sets = append(sets, column(c.Name))
	}
	column("updated")
	now := marks[len(marks)-1]
	column("created") // last: set does not bind it

	cols := strings.Join(names, ", ")
	sel, one, set, drop := " select "+cols+" from "+table, " select 1 from "+table, "", ""
	if checked {
		key := names[:len(r.Key())]
		sel = " select " + own(names) + ", " + isOwn(key) + fromOwn(table, names)
		one = " select 1, " + isOwn(key) + fromOwn(table, key)
		set, drop = ", "+wasOwn(key), " returning "+wasOwn(key)
	}
	return &texts{
		sel: sel,
		add: "/* " + table + " add */ insert into " + table + " (tenant_id, " + cols + ") values ($1, " + strings.Join(marks, ", ") + ")",
		get: "/* " + table + " get */" + sel + where,
		has: "/* " + table + " has */" + one + where,
		set: "/* " + table + " set */ update " + table + " set " + strings.Join(sets, ", ") +
			", updated = case when updated > " + now + " then updated else " + now + " end" +
			where + " returning updated, created" + set,
		drop: "/* " + table + " drop */ delete from " + table + where + drop,

		siblings: "/* " + table + " siblings */ select count(*) from " + table + within,
	}
}

// pointers are the record's places in the order of its statements.
func pointers(r Record) (key, rest []any) {
	names, cols := r.Key(), r.Cols()
	all := make([]any, 0, len(names)+len(cols)+2)
	for _, c := range names {
		all = append(all, c.Ptr)
	}
	for _, c := range cols {
		all = append(all, c.Ptr)
	}
	m := r.meta()
	all = append(all, &m.Updated, &m.Created)
	return all[:len(names):len(names)], all[len(names):]
}

// bind is the tenant, the record's key and, for the rest, its other values.
func bind(tenant Tenant, groups ...[]any) []any {
	n := 1
	for _, g := range groups {
		n += len(g)
	}
	args := append(make([]any, 0, n), int64(tenant))
	for _, g := range groups {
		args = append(args, g...)
	}
	return args
}

// Get reads the record that r's key names into r; ErrNotFound when there is none.
func Get(ctx context.Context, from Reader, r Record) error {
	s := from.source()
	key, rest := pointers(r)
	return s.fail(queryRow(ctx, s.conn, s.db.engine.textOf(r).get, bind(s.tenant, key), append(key, rest...)...))
}

// Has is nil when there is a record of r's key, else ErrNotFound.
func Has(ctx context.Context, from Reader, r Record) error {
	var one int
	s := from.source()
	key, _ := pointers(r)
	return s.fail(queryRow(ctx, s.conn, s.db.engine.textOf(r).has, bind(s.tenant, key), &one))
}

// Siblings counts the records that share all of r's key but its last column: the
// children of one parent.
func (tx *Tx) Siblings(ctx context.Context, r Record) (n int, err error) {
	key, _ := pointers(r)
	err = tx.fail(queryRow(ctx, tx.conn, tx.db.engine.textOf(r).siblings, bind(tx.tenant, key[:len(key)-1]), &n))
	return n, err
}

// Add inserts r. ErrDuplicate when a unique key says no.
func (tx *Tx) Add(ctx context.Context, r Record) error {
	key, rest := pointers(r)
	if tx.again { // the id is this request's own: finding it means that an earlier try landed
		if err := Has(ctx, tx, r); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	tx.touch(r.Table())
	_, err := tx.exec(ctx, tx.db.engine.textOf(r).add, bind(tx.tenant, key, rest))
	if tx.again && !tx.job.met && errors.Is(err, ErrDuplicate) {
		tx.job.met, tx.broken = true, true
		return errMet
	}
	return err
}

// errMet says that an add, whose earlier try may have been committed, found no
// row of its own and then met one of its key: that try was still on its way, as
// happens where a pooler hides which connection was lost. The next one tells
// whose the row is.
var errMet = errors.New("an earlier try of this add may just have been committed")

// Set writes all of r but its key and its creation date, which it reads back
// with the date of the update. ErrNotFound when there is no such record.
func (tx *Tx) Set(ctx context.Context, r Record) error {
	m := r.meta()
	key, rest := pointers(r)
	args := bind(tx.tenant, key, rest[:len(rest)-1])
	tx.touch(r.Table())
	err := tx.fail(queryRow(ctx, tx.conn, tx.db.engine.textOf(r).set, args, &m.Updated, &m.Created))
	if err == nil {
		tx.changed++
	}
	return err
}

// Drop deletes the record that r's key names. ErrNotFound when there is none.
func (tx *Tx) Drop(ctx context.Context, r Record) error {
	key, _ := pointers(r)
	tx.touch(r.Table())
	n, err := tx.exec(ctx, tx.db.engine.textOf(r).drop, bind(tx.tenant, key))
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// Query is a SELECT of R's rows whose WHERE is a constant of the caller.
type Query[R any, P interface {
	*R
	Record
}] struct{ text, checked string }

// NewQuery makes a query named name, for the database's log; tail follows the
// table's name, with the tenant as $1 and arguments from $2.
func NewQuery[R any, P interface {
	*R
	Record
}](name, tail string) Query[R, P] {
	text := func(checked bool) string { return "/* " + name + " */" + newTexts(P(new(R)), checked).sel + " " + tail }
	return Query[R, P]{text(false), text(true)}
}

// All returns every row.
func (q Query[R, P]) All(ctx context.Context, from Reader, args ...any) ([]R, error) {
	s := from.source()
	text := q.text
	if s.db.engine.ownRows {
		text = q.checked
	}
	all, err := q.all(ctx, s.conn, text, bind(s.tenant, args))
	return all, s.fail(err)
}

func (q Query[R, P]) all(ctx context.Context, c conn, text string, args []any) ([]R, error) {
	rows, err := c.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []R
	var r R
	key, rest := pointers(P(&r))
	places := append(key, rest...)
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
