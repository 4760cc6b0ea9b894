package book

import (
	"context"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// maxChildren is how many records of a kind a contact holds.
const maxChildren = 1000

// child is what the records below a contact have in common: they are named by
// their contact and their id together, so that nobody reaches another's.
type child struct {
	store.Meta
	Contact wire.ID
}

func (r *child) Key() []store.Col {
	return []store.Col{{Name: "contact_id", Ptr: &r.Contact}, {Name: "id", Ptr: &r.ID}}
}

// addChild adds r below its contact, which must exist and have room.
func addChild(ctx context.Context, tx *store.Tx, contact wire.ID, r store.Record) error {
	if err := tx.HoldContact(ctx, contact); err != nil {
		return err
	}
	n, err := tx.Siblings(ctx, r)
	if err != nil {
		return err
	}
	if n >= maxChildren {
		return wire.ErrLimit
	}
	return tx.Add(ctx, r)
}

// ofContact is the tail of a query for a contact's children, oldest first.
const ofContact = "where " + store.OfBook + " and contact_id = $2 order by id"

// listChildren shows a contact's children; ErrNotFound without such a contact.
func listChildren[R any, P interface {
	*R
	store.Record
}](c *Call, q store.Query[R, P], contactID wire.ID, show func(*R) any) (any, error) {
	rows, err := q.All(c.Context, c.Book, contactID)
	if err == nil && len(rows) == 0 {
		err = store.Has(c.Context, c.Book, &contact{Meta: store.Meta{ID: contactID}})
	}
	return items(show)(rows, err)
}

// gcRef names a contact as child records do.
type gcRef struct{ contact wire.ID }

func (in *gcRef) read(f *form) { in.contact = f.id("gcId") }

// dated is the end of the replies to Add.
type dated struct {
	Updated wire.Millis `json:"updated_at"`
	Created wire.Millis `json:"created_at"`
	ID      wire.ID     `json:"_id"`
}

// dates is the end of what begins with its id.
type dates struct {
	Updated wire.Millis `json:"updated_at"`
	Created wire.Millis `json:"created_at"`
}

func (d dated) dates() dates { return dates{d.Updated, d.Created} }

// append appends the fields, each after a comma.
func (d dates) append(b []byte) []byte {
	b = d.Updated.AppendJSON(wire.Field(b, "updated_at"))
	return d.Created.AppendJSON(wire.Field(b, "created_at"))
}

func (r *child) dated() dated { return dated{r.Updated, r.Created, r.ID} }

func (r *child) dates() dates { return dates{r.Updated, r.Created} }
