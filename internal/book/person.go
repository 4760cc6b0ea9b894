package book

import (
	"context"

	"contactbook/internal/identity"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// person is somebody to talk to at a contact.
type person struct {
	child
	Name, Email, Mobile, CallingCode, Description string
}

func (*person) Table() string { return "person" }

func (p *person) Cols() []store.Col {
	return []store.Col{
		{Name: "name", Ptr: &p.Name}, {Name: "email", Ptr: &p.Email}, {Name: "mobile", Ptr: &p.Mobile},
		{Name: "calling_code", Ptr: &p.CallingCode}, {Name: "description", Ptr: &p.Description},
	}
}

type personIn struct {
	gcRef
	name, email string
	phone       identity.Phone
	description string
}

func (in *personIn) read(f *form) {
	in.gcRef.read(f)
	in.name = f.text("contactPersonName", must, maxText)
	in.email = f.email("email")
	in.phone = f.phone("mobile", must)
	in.description = f.lines("description", must)
}

func (in *personIn) record(m store.Meta) person {
	return person{child{m, in.contact}, in.name, in.email, in.phone.National, in.phone.CallingCode, in.description}
}

// personBody is what every reply about a person has.
type personBody struct {
	Contact     wire.ID `json:"gcId"`
	Name        string  `json:"contactPersonName"`
	Email       string  `json:"email"`
	Mobile      string  `json:"mobile"`
	Description string  `json:"description"`
	CallingCode string  `json:"callingCode"` // with a +, unlike a contact's
}

func (p *person) body() personBody {
	return personBody{p.Contact, p.Name, p.Email, p.Mobile, p.Description, "+" + p.CallingCode}
}

type personAdded struct {
	personBody
	dated
}

func addPerson(c *Call, in *personIn) (any, error) {
	p := in.record(c.new())
	err := c.write(func(ctx context.Context, tx *store.Tx) error { return addChild(ctx, tx, p.Contact, &p) })
	if err != nil {
		return nil, err
	}
	return personAdded{p.body(), p.dated()}, nil
}

type personItem struct {
	ID wire.ID `json:"_id"`
	personBody
	dates
}

var personsOf = store.NewQuery[person]("person list", ofContact)

func listPersons(c *Call, in *gcRef) (any, error) {
	return listChildren(c, personsOf, in.contact, func(p *person) any { return personItem{p.ID, p.body(), p.dates()} })
}

type personEdit struct {
	id wire.ID
	personIn
}

func (in *personEdit) read(f *form) {
	in.id = f.id("personId")
	in.personIn.read(f)
}

func updatePerson(c *Call, in *personEdit) (any, error) {
	p := in.record(store.NewMeta(in.id, c.Now))
	err := c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Set(ctx, &p) })
	if err != nil {
		return nil, err
	}
	return p.body(), nil
}

type personRef struct {
	gcRef
	id wire.ID
}

func (in *personRef) read(f *form) {
	in.gcRef.read(f)
	in.id = f.id("personId")
}

func deletePerson(c *Call, in *personRef) (any, error) {
	p := person{child: child{store.Meta{ID: in.id}, in.contact}}
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Drop(ctx, &p) })
}
