package book

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"contactbook/internal/identity"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// tag is a coloured name that contacts carry.
type tag struct {
	store.Meta
	Name  string
	key   string // by which names are compared
	Color string
}

func (*tag) Table() string { return "tag" }

func (t *tag) Key() []store.Col { return []store.Col{{Name: "id", Ptr: &t.ID}} }

func (t *tag) Cols() []store.Col {
	return []store.Col{{Name: "name", Ptr: &t.Name}, {Name: "name_key", Ptr: &t.key}, {Name: "hex_color_code", Ptr: &t.Color}}
}

// fold is a name without case and without differences in encoding.
func fold(s string) string { return norm.NFC.String(strings.ToLower(norm.NFC.String(s))) }

type tagIn struct{ name, color string }

func (in *tagIn) read(f *form) {
	in.name = f.text("name", must, maxTag)
	in.color = f.color("hexColorCode")
}

// color has no lenient form: it is no Indian identifier.
func (f *form) color(name string) string {
	path, v := f.get("color", must, name)
	s, ok := f.check(path, v, must, maxText, false)
	if ok && !identity.Color(s) {
		f.fault(path, "format", badFormat)
	}
	return s
}

// tagDoc is a tag in full, as it stands in contacts.
type tagDoc struct {
	ID wire.ID `json:"_id"`
	tagBody
	dates
}

func (t tagDoc) AppendJSON(b []byte) []byte {
	b = t.ID.AppendJSON(append(b, `{"_id":`...))
	b = wire.AppendInt(b, "userId", t.UserID)
	b = wire.AppendText(b, "name", t.Name)
	b = wire.AppendText(b, "hexColorCode", t.Color)
	return append(t.dates.append(b), '}')
}

type tagAdded struct {
	tagBody
	dated
}

type tagBody struct {
	UserID int64  `json:"userId"`
	Name   string `json:"name"`
	Color  string `json:"hexColorCode"`
}

func addTag(c *Call, in *tagIn) (any, error) {
	t := tag{Meta: c.new(), Name: in.name, key: fold(in.name), Color: in.color}
	err := c.write(func(ctx context.Context, tx *store.Tx) error { return taken(tx.Add(ctx, &t)) })
	if err != nil {
		return nil, err
	}
	return tagAdded{tagBody{c.UserID, t.Name, t.Color}, dated{t.Updated, t.Created, t.ID}}, nil
}

// taken says a broken unique key in the words of the wire.
func taken(err error) error {
	if errors.Is(err, store.ErrDuplicate) {
		return wire.ErrNameTaken
	}
	return err
}

type tagEdit struct {
	id wire.ID
	tagIn
}

func (in *tagEdit) read(f *form) {
	in.id = f.id("tagId")
	in.tagIn.read(f)
}

func updateTag(c *Call, in *tagEdit) (any, error) {
	t := tag{Meta: store.NewMeta(in.id, c.Now), Name: in.name, key: fold(in.name), Color: in.color}
	err := c.write(func(ctx context.Context, tx *store.Tx) error { return taken(tx.Set(ctx, &t)) })
	if err != nil {
		return nil, err
	}
	return 1, nil
}

type tagItem struct {
	ID    wire.ID `json:"_id"`
	Name  string  `json:"name"`
	Color string  `json:"hexColorCode"`
}

var allTags = store.NewQuery[tag]("tag list", "where "+store.OfBook+" order by id")

func listTags(c *Call, _ *none) (any, error) {
	return items(func(t *tag) any { return tagItem{t.ID, t.Name, t.Color} })(allTags.All(c.Context, c.Book))
}

// items shows rows as an array that is [] when there are none.
func items[R any](show func(*R) any) func([]R, error) (any, error) {
	return func(rows []R, err error) (any, error) {
		list := make([]any, len(rows))
		for i := range rows {
			list[i] = show(&rows[i])
		}
		return list, err
	}
}

type tagRef struct{ id wire.ID }

func (in *tagRef) read(f *form) { in.id = f.id("tagId") }

// deleteTag leaves contacts as they are: a dead id is dropped on reading.
func deleteTag(c *Call, in *tagRef) (any, error) {
	t := tag{Meta: store.Meta{ID: in.id}}
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Drop(ctx, &t) })
}

// tagIDs are the tags of a contact, as they stand in its row: 12 bytes each.
type tagIDs []wire.ID

// Value is the ids end to end.
func (ids tagIDs) Value() (driver.Value, error) {
	b := make([]byte, 0, len(wire.ID{})*len(ids))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b, nil
}

// Scan reads what Value wrote.
func (ids *tagIDs) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b)%len(wire.ID{}) != 0 {
		return fmt.Errorf("tag ids are 12 bytes each, not %d of %T", len(b), src)
	}
	*ids = make(tagIDs, 0, len(b)/len(wire.ID{}))
	for one := range slices.Chunk(b, len(wire.ID{})) {
		*ids = append(*ids, wire.ID(one))
	}
	return nil
}

// unique drops repeats, keeping the order.
func (ids tagIDs) unique() tagIDs {
	seen := make(map[wire.ID]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id wire.ID) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

// A text has a fixed number of parameters, so there is one for a contact's usual
// tags, and one for those of a page or of a contact with many.
const (
	fewSlots  = 4
	manySlots = 32
)

var (
	fewTags  = store.NewQuery[tag]("tag by id", "where "+store.OfBook+" and id in ($2, $3, $4, $5)")
	manyTags = store.NewQuery[tag]("tags by id", "where "+store.OfBook+" and id in ($2, $3, $4, $5, $6, $7, $8, $9,"+
		" $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,"+
		" $26, $27, $28, $29, $30, $31, $32, $33)")
)

// findTags reads the tags with these ids; what does not exist is not there.
func findTags(ctx context.Context, from store.Reader, ids []wire.ID) ([]tag, error) {
	var found []tag
	for some := range slices.Chunk(ids, manySlots) {
		query, slots := manyTags, manySlots
		if len(some) <= fewSlots {
			query, slots = fewTags, fewSlots
		}
		args := make([]any, slots)
		for i := range args {
			args[i] = some[min(i, len(some)-1)] // the last one fills up
		}
		tags, err := query.All(ctx, from, args...)
		if err != nil {
			return nil, err
		}
		found = append(found, tags...)
	}
	return found, nil
}

// checkTags refuses tags that do not exist.
func checkTags(ctx context.Context, from store.Reader, ids tagIDs) error {
	missing, err := store.Missing(from, ids, func(unknown []wire.ID) ([]tag, error) { return findTags(ctx, from, unknown) })
	if err != nil || len(missing) == 0 {
		return err
	}
	var faults []wire.Fault
	for i, id := range ids {
		if slices.Contains(missing, id) {
			faults = append(faults, wire.NewFault(tagPath(i), "exists", badChoice))
		}
	}
	return wire.ErrFields(faults)
}
