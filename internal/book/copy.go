package book

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// kinds are all records of a book, what others hang on first.
var kinds = []kind{
	kindOf[tag](), kindOf[contact](), kindOf[person](), kindOf[address](), kindOf[business](), kindOf[payment](), kindOf[verification](),
}

// kind reads and makes records of one table.
type kind struct {
	table string
	make  func() store.Record
	after func(ctx context.Context, from store.Reader, id wire.ID, limit int) ([]store.Record, error)
}

func kindOf[R any, P interface {
	*R
	store.Record
}]() kind {
	query := store.NewQuery[R, P]("copy", "where "+store.OfBook+" and id > $2 order by id limit $3")
	return kind{
		table: P(new(R)).Table(),
		make:  func() store.Record { return P(new(R)) },
		after: func(ctx context.Context, from store.Reader, id wire.ID, limit int) ([]store.Record, error) {
			rows, err := query.All(ctx, from, id, limit)
			all := make([]store.Record, len(rows))
			for i := range rows {
				all[i] = P(&rows[i])
			}
			return all, err
		},
	}
}

const (
	copyPage  = 500 // rows that are read at a time
	copyBatch = 200 // rows that are written in one transaction, so that others are not held up
)

// ErrLarge: a book has more records than may be copied.
var ErrLarge = errors.New("the book is too large to be copied")

// line is one record in a copy. Values are by the names of their columns, so a
// copy can be read when the table has got more of them.
type line struct {
	Table  string                     `json:"t"`
	Values map[string]json.RawMessage `json:"v"`
}

// Copy writes all records of a book, at most limit, and tells how many. A record
// that is changed meanwhile is copied as it was or as it is.
func Copy(ctx context.Context, from *store.Book, limit int, w io.Writer) (records int, err error) {
	out := json.NewEncoder(w)
	contacts := map[wire.ID]bool{}
	for _, k := range kinds {
		last := wire.ID{}
		for end := false; !end; {
			page, err := k.after(ctx, from, last, copyPage)
			if err != nil {
				return 0, refusal(err)
			}
			end = len(page) < copyPage
			for _, r := range page {
				id, parent := keyOf(r)
				last = id
				if k.table == "contact" {
					contacts[id] = true
				}
				if parent != nil && !contacts[*parent] { // added just now
					continue
				}
				if records++; records > limit {
					return 0, ErrLarge
				}
				l, err := lineOf(k.table, r)
				if err == nil {
					err = out.Encode(l)
				}
				if err != nil {
					return 0, err
				}
			}
		}
	}
	return records, nil
}

// Restore adds all records of a copy to a book, which should be empty, as they
// were: ids, dates and all.
func Restore(ctx context.Context, to *store.Book, r io.Reader) error {
	makes := map[string]func() store.Record{}
	for _, k := range kinds {
		makes[k.table] = k.make
	}
	in := json.NewDecoder(bufio.NewReader(r))
	for end := false; !end; {
		var batch []store.Record
		for len(batch) < copyBatch {
			var l line
			err := in.Decode(&l)
			if end = err == io.EOF; end {
				break
			}
			if err == nil && makes[l.Table] == nil {
				err = fmt.Errorf("a copy has records of %q, which is no table", l.Table)
			}
			if err != nil {
				return err
			}
			one := makes[l.Table]()
			if err := l.into(one); err != nil {
				return err
			}
			batch = append(batch, one)
		}
		err := to.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for _, one := range batch {
				if err := tx.Add(ctx, one); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return refusal(err)
		}
	}
	return nil
}

// columns are all of a record's, its dates too.
func columns(r store.Record) []store.Col {
	return append(append(append([]store.Col{}, r.Key()...), r.Cols()...), store.Dates(r)...)
}

// keyOf is a record's id, and its contact's where it has one.
func keyOf(r store.Record) (id wire.ID, contact *wire.ID) {
	for _, c := range columns(r) {
		switch c.Name {
		case "id":
			id = *c.Ptr.(*wire.ID)
		case "contact_id":
			contact = c.Ptr.(*wire.ID)
		}
	}
	return id, contact
}

func lineOf(table string, r store.Record) (line, error) {
	l := line{table, map[string]json.RawMessage{}}
	for _, c := range columns(r) {
		v := c.Ptr
		if of, ok := v.(driver.Valuer); ok { // bytes, of ids and lists of them
			bytes, err := of.Value()
			if err != nil {
				return l, err
			}
			v = bytes
		}
		if at, ok := v.(*wire.Millis); ok {
			v = int64(*at)
		}
		text, err := json.Marshal(v)
		if err != nil {
			return l, err
		}
		l.Values[c.Name] = text
	}
	return l, nil
}

// into sets a record's columns; one that the copy does not have stays zero.
func (l line) into(r store.Record) error {
	for _, c := range columns(r) {
		text, ok := l.Values[c.Name]
		if !ok {
			continue
		}
		var err error
		switch p := c.Ptr.(type) {
		case sql.Scanner:
			var s string
			var bytes []byte
			if err = json.Unmarshal(text, &s); err == nil {
				if bytes, err = base64.StdEncoding.DecodeString(s); err == nil {
					err = p.Scan(bytes)
				}
			}
		case *wire.Millis:
			err = json.Unmarshal(text, (*int64)(p))
		default:
			err = json.Unmarshal(text, p)
		}
		if err != nil {
			return fmt.Errorf("column %s of %s in a copy: %w", c.Name, l.Table, err)
		}
	}
	return nil
}
