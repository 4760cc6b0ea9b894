package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"strconv"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"

	"contactbook/internal/wire"
)

// lite is a connection to an SQLite file in the library's own calls. Of the time
// of a short statement, database/sql and its driver took more than SQLite did:
// they name every column and every parameter anew and copy values twice. One
// goroutine at a time may use it.
type lite struct {
	tls   *libc.TLS
	db    uintptr // sqlite3*
	stmts map[string]*liteStmt
}

// openLite opens the file and sets its pragmas.
func openLite(path string, pragmas []string) (*lite, error) {
	c := &lite{tls: libc.NewTLS(), stmts: map[string]*liteStmt{}}
	name, err := libc.CString(path)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE | sqlite3.SQLITE_OPEN_NOMUTEX
	var rc int32
	c.db = out(c.tls, func(db uintptr) { rc = sqlite3.Xsqlite3_open_v2(c.tls, name, db, flags, 0) })
	if err := c.fault(rc); err != nil {
		c.Close()
		return nil, err
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	for _, p := range pragmas {
		if _, err := c.exec(context.Background(), "pragma "+p); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// out is what call writes to the place that it is given.
func out(tls *libc.TLS, call func(place uintptr)) uintptr {
	const size = unsafe.Sizeof(uintptr(0))
	p := libc.Xcalloc(tls, 1, types.Size_t(size))
	defer libc.Xfree(tls, p)
	call(p)
	if size == 4 {
		return uintptr(binary.NativeEndian.Uint32(libc.GoBytes(p, 4)))
	}
	return uintptr(binary.NativeEndian.Uint64(libc.GoBytes(p, 8)))
}

// liteError is an error of SQLite's. Its text names tables and columns, and no
// value of theirs.
type liteError struct {
	code int // extended
	text string
}

func (e *liteError) Error() string { return fmt.Sprintf("SQLite: %s (%d)", e.text, e.code) }

// fault is rc as an error, nil when it is none.
func (c *lite) fault(rc int32) error {
	if rc == sqlite3.SQLITE_OK {
		return nil
	}
	text := libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 {
		if more := libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db)); more != text {
			text += ": " + more
		}
	}
	return &liteError{int(rc), text}
}

// Close lets go of the file.
func (c *lite) Close() error {
	for _, s := range c.stmts {
		sqlite3.Xsqlite3_finalize(c.tls, s.handle)
		libc.Xfree(c.tls, s.text)
	}
	c.stmts = nil
	err := c.fault(sqlite3.Xsqlite3_close_v2(c.tls, c.db))
	c.tls.Close()
	return err
}

// liteStmt is a statement, prepared once and kept, and the rows of its run.
type liteStmt struct {
	*lite
	handle uintptr // sqlite3_stmt*
	places []int32 // of the arguments: $2 is not the second parameter where it stands first
	cols   int     // of a row, but for ownRow
	owns   bool    // ownRow is the last
	text   uintptr // memory of its texts and blobs while it runs
	size   int
	state  liteState
	failed error
}

type liteState int

const (
	resting liteState = iota
	first             // stands on its first row, which Next has not told of
	begun             // Next is to step
	ended             // there are no more rows
)

func (c *lite) prepare(query string) (*liteStmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	s := &liteStmt{lite: c}
	var rc int32
	s.handle = out(c.tls, func(stmt uintptr) {
		rc = sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, stmt, 0)
	})
	if err := c.fault(rc); err != nil {
		return nil, err
	}
	c.stmts[query] = s
	s.places = make([]int32, sqlite3.Xsqlite3_bind_parameter_count(c.tls, s.handle))
	for n := range s.places {
		name, err := libc.CString("$" + strconv.Itoa(n+1))
		if err != nil {
			return nil, err
		}
		s.places[n] = sqlite3.Xsqlite3_bind_parameter_index(c.tls, s.handle, name)
		libc.Xfree(c.tls, name)
	}
	if s.cols = int(sqlite3.Xsqlite3_column_count(c.tls, s.handle)); s.cols > 0 {
		last := sqlite3.Xsqlite3_column_name(c.tls, s.handle, int32(s.cols-1))
		if s.owns = libc.GoString(last) == ownRow; s.owns {
			s.cols--
		}
	}
	return s, nil
}

func (c *lite) exec(_ context.Context, query string, args ...any) (int64, error) {
	s, err := c.run(query, args)
	if err != nil {
		return 0, err
	}
	for s.state != ended { // one that returns rows counts its changes at the end
		s.step()
	}
	changed := int64(sqlite3.Xsqlite3_changes64(c.tls, c.db))
	return changed, s.reset()
}

func (c *lite) query(_ context.Context, query string, args ...any) (rows, error) {
	s, err := c.run(query, args)
	if err != nil {
		return nil, err
	}
	return &liteRows{liteStmt: s}, nil
}

// run binds args and takes the first step.
func (c *lite) run(query string, args []any) (*liteStmt, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	if s.state != resting {
		return nil, fmt.Errorf("a statement is run inside itself: %s", query)
	}
	if len(args) != len(s.places) {
		return nil, fmt.Errorf("%d arguments for the %d of: %s", len(args), len(s.places), query)
	}
	if err := s.bind(args); err != nil {
		return nil, err
	}
	s.state = first
	if s.step(); s.failed != nil {
		return nil, s.reset()
	}
	return s, nil
}

// step goes to the next row, or to the end.
func (s *liteStmt) step() {
	switch rc := sqlite3.Xsqlite3_step(s.tls, s.handle); rc {
	case sqlite3.SQLITE_ROW:
		if s.owns && sqlite3.Xsqlite3_column_int64(s.tls, s.handle, int32(s.cols)) == 0 {
			s.state, s.failed = ended, errOtherRow
		}
	case sqlite3.SQLITE_DONE:
		s.state = ended
	default:
		s.state, s.failed = ended, s.fault(rc)
	}
}

// reset makes the statement ready to be run again, and returns what went wrong.
func (s *liteStmt) reset() error {
	err := s.failed
	s.state, s.failed = resting, nil
	rc := sqlite3.Xsqlite3_reset(s.tls, s.handle) // repeats the fault of the step
	if err == nil {
		err = s.fault(rc)
	}
	return err
}

// bind gives args to the statement's parameters. Texts and blobs are copied to
// memory of the statement's own first, where they stay while it runs.
func (s *liteStmt) bind(args []any) error {
	need := 1 // never nothing, as a text at no address would be null
	for i, a := range args {
		switch v := a.(type) {
		case string:
			need += len(v)
		case *string:
			need += len(*v)
		case *wire.ID, wire.ID:
			need += len(wire.ID{})
		case []byte:
			need += len(v)
		case *[]byte:
			need += len(*v)
		case driver.Valuer:
			value, err := v.Value()
			if err != nil {
				return err
			}
			args[i] = value
			b, _ := value.([]byte)
			need += len(b)
		}
	}
	if need > s.size {
		libc.Xfree(s.tls, s.text)
		s.size = 2 * need
		if s.text = libc.Xmalloc(s.tls, types.Size_t(s.size)); s.text == 0 {
			s.size = 0
			return fmt.Errorf("no memory for %d bytes", need)
		}
	}
	memory, used := libc.GoBytes(s.text, s.size), 0
	text := func(i int32, v string) int32 {
		at := s.text + uintptr(used)
		used += copy(memory[used:], v)
		return sqlite3.Xsqlite3_bind_text(s.tls, s.handle, i, at, int32(len(v)), 0)
	}
	blob := func(i int32, v []byte) int32 {
		at := s.text + uintptr(used)
		used += copy(memory[used:], v)
		return sqlite3.Xsqlite3_bind_blob(s.tls, s.handle, i, at, int32(len(v)), 0)
	}
	integer := func(i int32, v int64) int32 { return sqlite3.Xsqlite3_bind_int64(s.tls, s.handle, i, v) }
	boolean := func(i int32, v bool) int32 {
		if v {
			return integer(i, 1)
		}
		return integer(i, 0)
	}
	for n, a := range args {
		i, rc := s.places[n], int32(0)
		switch v := a.(type) {
		case string:
			rc = text(i, v)
		case *string:
			rc = text(i, *v)
		case wire.ID:
			rc = blob(i, v[:])
		case *wire.ID:
			rc = blob(i, v[:])
		case []byte:
			rc = blob(i, v)
		case *[]byte:
			rc = blob(i, *v)
		case int64:
			rc = integer(i, v)
		case *int64:
			rc = integer(i, *v)
		case int:
			rc = integer(i, int64(v))
		case *wire.Millis:
			rc = integer(i, int64(*v))
		case bool:
			rc = boolean(i, v)
		case *bool:
			rc = boolean(i, *v)
		default:
			return fmt.Errorf("argument %d: a %T cannot be stored", n+1, a)
		}
		if err := s.fault(rc); err != nil {
			return err
		}
	}
	return nil
}

// Next goes to the next row; false at the end and on an error.
func (s *liteStmt) Next() bool {
	switch s.state {
	case first:
		s.state = begun
	case begun:
		s.step()
	}
	return s.state == begun
}

func (s *liteStmt) Err() error { return s.failed }

// liteRows are the rows of one run: closed twice, they leave the next run alone.
type liteRows struct {
	*liteStmt
	pool   *readers // where their connection goes; nil for the writer's
	closed bool
}

// Close ends the rows, and gives their connection back.
func (r *liteRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.reset()
	if r.pool != nil {
		r.pool.give(r.lite)
	}
	return err
}

// Scan copies the row's columns to dest. No column of ours is null.
func (s *liteStmt) Scan(dest ...any) error {
	if s.cols != len(dest) {
		return fmt.Errorf("%d places for %d columns", len(dest), s.cols)
	}
	for n, d := range dest {
		i := int32(n)
		switch v := d.(type) {
		case *string:
			*v = string(s.bytes(i))
		case *wire.ID:
			b := s.bytes(i)
			if len(b) != len(v) {
				return &liteError{sqlite3.SQLITE_CORRUPT, "an id is not 12 bytes long"}
			}
			copy(v[:], b)
		case *[]byte:
			*v = append([]byte{}, s.bytes(i)...)
		case *int64:
			*v = sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i)
		case *int:
			*v = int(sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i))
		case *wire.Millis:
			*v = wire.Millis(sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i))
		case *bool:
			*v = sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i) != 0
		case sql.Scanner:
			if err := v.Scan(s.bytes(i)); err != nil {
				return &liteError{sqlite3.SQLITE_CORRUPT, err.Error()}
			}
		default:
			return fmt.Errorf("column %d: a %T cannot be read", n+1, d)
		}
	}
	return nil
}

// bytes is a text or blob where SQLite has it, until the next step.
func (s *liteStmt) bytes(i int32) []byte {
	p := sqlite3.Xsqlite3_column_blob(s.tls, s.handle, i)
	if p == 0 {
		return nil
	}
	return libc.GoBytes(p, int(sqlite3.Xsqlite3_column_bytes(s.tls, s.handle, i)))
}
