package book

import (
	"context"
	"strings"

	"contactbook/internal/identity"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// address is one of a contact's places.
type address struct {
	child
	Type, Address, City, State, Pincode, Country string
}

func (*address) Table() string { return "address" }

func (a *address) Cols() []store.Col {
	return []store.Col{
		{Name: "address_type", Ptr: &a.Type}, {Name: "address", Ptr: &a.Address}, {Name: "city", Ptr: &a.City},
		{Name: "state", Ptr: &a.State}, {Name: "pincode", Ptr: &a.Pincode}, {Name: "country_code", Ptr: &a.Country},
	}
}

type addressIn struct {
	gcRef
	kind, address, city, state, pincode, country string
}

func (in *addressIn) read(f *form) {
	in.gcRef.read(f)
	in.kind = f.text("addressType", must, maxText)
	in.address = f.lines("address", must)
	in.city = f.text("city", must, maxText)
	in.state = f.text("state", must, maxText)
	in.pincode = f.pincode("pincode", "countryCode")
	in.country = f.country("countryCode")
}

// pincode has a form in India only; the country is a field after it.
func (f *form) pincode(name, country string) string {
	rule := asSent(identity.Pincode)
	_, v := (&form{body: f.body, query: f.query}).get("", optional, country)
	if strings.TrimSpace(v.Text()) != "IN" {
		rule = nil
	}
	return f.identifier("pincode", must, rule, name)
}

func (f *form) country(name string) string {
	path, v := f.get("country", must, name)
	s, ok := f.check(path, v, must, maxText, false)
	if ok && !identity.Country(s) {
		f.fault(path, "choice", badChoice)
	}
	return s
}

func (in *addressIn) record(m store.Meta) address {
	return address{child{m, in.contact}, in.kind, in.address, in.city, in.state, in.pincode, in.country}
}

// addressBody is what every reply about an address has.
type addressBody struct {
	Contact wire.ID `json:"gcId"`
	Type    string  `json:"addressType"`
	Address string  `json:"address"`
	City    string  `json:"city"`
	State   string  `json:"state"`
	Pincode string  `json:"pincode"`
	Country string  `json:"countryCode"`
}

func (a *address) body() addressBody {
	return addressBody{a.Contact, a.Type, a.Address, a.City, a.State, a.Pincode, a.Country}
}

type addressAdded struct {
	addressBody
	dated
}

func addAddress(c *Call, in *addressIn) (any, error) {
	a := in.record(c.new())
	err := c.write(func(ctx context.Context, tx *store.Tx) error { return addChild(ctx, tx, a.Contact, &a) })
	if err != nil {
		return nil, err
	}
	return addressAdded{a.body(), a.dated()}, nil
}

type addressItem struct {
	ID wire.ID `json:"_id"`
	addressBody
	dates
}

var addressesOf = store.NewQuery[address]("address list", ofContact)

func listAddresses(c *Call, in *gcRef) (any, error) {
	return listChildren(c, addressesOf, in.contact, func(a *address) any { return addressItem{a.ID, a.body(), a.dates()} })
}

type addressEdit struct {
	id wire.ID
	addressIn
}

func (in *addressEdit) read(f *form) {
	in.id = f.id("addressId", "AddressId")
	in.addressIn.read(f)
}

func updateAddress(c *Call, in *addressEdit) (any, error) {
	a := in.record(store.NewMeta(in.id, c.Now))
	err := c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Set(ctx, &a) })
	if err != nil {
		return nil, err
	}
	return a.body(), nil
}

type addressRef struct {
	gcRef
	id wire.ID
}

func (in *addressRef) read(f *form) {
	in.gcRef.read(f)
	in.id = f.id("addressId", "AddressId")
}

func deleteAddress(c *Call, in *addressRef) (any, error) {
	a := address{child: child{store.Meta{ID: in.id}, in.contact}}
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Drop(ctx, &a) })
}
