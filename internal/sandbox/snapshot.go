package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"

	"contactbook/internal/book"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

const (
	maxSnapshots = 20        // of a book
	maxRecords   = 20_000    // in one
	partSize     = 256 << 10 // bytes of one row
)

// part is a part of a snapshot, which is a copy of the book, compressed and cut.
type part struct {
	store.Meta
	Name    string
	Part    int64
	Records int64
	Data    []byte
}

func (*part) Table() string { return "snapshot" }

func (p *part) Key() []store.Col { return []store.Col{{Name: "id", Ptr: &p.ID}} }

func (p *part) Cols() []store.Col {
	return []store.Col{{Name: "name", Ptr: &p.Name}, {Name: "part", Ptr: &p.Part}, {Name: "records", Ptr: &p.Records}, {Name: "data", Ptr: &p.Data}}
}

var (
	partsOf    = store.NewQuery[part]("snapshot parts", "where "+store.OfBook+" and name = $2 and part >= $3 order by part, id limit $4")
	firstParts = store.NewQuery[part]("snapshot list", "where "+store.OfBook+" and part = 0 order by id")
)

const dropParts = "/* snapshot drop */ delete from snapshot where " + store.OfBook + " and name = $2"

type snapshotIn struct{ name string }

func (in *snapshotIn) read(f *form) { in.name = f.text("name", must) }

type snapshotItem struct {
	Name    string      `json:"name"`
	Records int64       `json:"records"`
	Created wire.Millis `json:"created_at"`
}

var errLarge = &wire.Error{Code: wire.ERR, Message: fmt.Sprintf("The book has more than %d records.", maxRecords), Status: http.StatusConflict}

// snapshot copies the book under a name; one of that name is replaced.
func (s *Service) snapshot(c *Call, in *snapshotIn) (any, error) {
	var text bytes.Buffer
	zip := gzip.NewWriter(&text)
	n, err := book.Copy(c.Context, c.Book, maxRecords, zip)
	if errors.Is(err, book.ErrLarge) {
		return nil, errLarge
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		return nil, err
	}
	at := wire.Millis(s.Now().UnixMilli())
	var parts []*part
	for left := text.Bytes(); len(left) > 0 || len(parts) == 0; {
		size := min(len(left), partSize)
		parts = append(parts, &part{Meta: store.NewMeta(c.IDs.New(), at), Name: in.name, Part: int64(len(parts)), Records: int64(n), Data: left[:size]})
		left = left[size:]
	}
	err = c.Book.Write(c.Context, func(ctx context.Context, tx *store.Tx) error {
		there, err := firstParts.All(ctx, tx)
		if err != nil {
			return err
		}
		others := 0
		for _, p := range there {
			if p.Name != in.name {
				others++
			}
		}
		if others >= maxSnapshots {
			return wire.ErrLimit
		}
		if _, err := tx.Exec(ctx, dropParts, in.name); err != nil {
			return err
		}
		for _, p := range parts {
			if err := tx.Add(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return snapshotItem{in.name, int64(n), at}, nil
}

func (s *Service) listSnapshots(c *Call, _ *none) (any, error) {
	rows, err := firstParts.All(c.Context, c.Book)
	list := []snapshotItem{}
	for _, p := range rows {
		list = append(list, snapshotItem{p.Name, p.Records, p.Created})
	}
	return list, err
}

func (s *Service) dropSnapshot(c *Call, in *snapshotIn) (any, error) {
	return nil, c.Book.Write(c.Context, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, dropParts, in.name)
		if err == nil && n == 0 {
			return wire.ErrNoRecord
		}
		return err
	})
}

var errMeanwhile = &wire.Error{Code: wire.ERR, Message: "The book was changed while it was rewound.", Status: http.StatusConflict}

// rewind makes the book what it was when it was copied.
func (s *Service) rewind(c *Call, in *snapshotIn) (any, error) {
	var text bytes.Buffer
	var first part
	for n := int64(0); ; n++ { // one at a time: each is large
		rows, err := partsOf.All(c.Context, c.Book, in.name, n, 1)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			break
		}
		if n == 0 {
			first = rows[0]
		}
		text.Write(rows[0].Data)
	}
	if text.Len() == 0 {
		return nil, wire.ErrNoRecord
	}
	copied, err := gzip.NewReader(&text)
	if err != nil {
		return nil, err
	}
	if err := c.Book.Empty(c.Context, func(int64) {}); err != nil {
		return nil, err
	}
	err = book.Restore(c.Context, c.Book, copied)
	if errors.Is(err, store.ErrDuplicate) {
		return nil, errMeanwhile
	}
	if err != nil {
		return nil, err
	}
	return snapshotItem{first.Name, first.Records, first.Created}, nil
}
