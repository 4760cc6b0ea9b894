package book

import (
	"context"
	"errors"

	"contactbook/internal/identity"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// proof is one business identity: its number and whether somebody other than
// the client has verified it.
type proof struct {
	number   string
	verified bool
}

// edit changes the number; a changed one is unverified, an equal one stays as it is.
func (p *proof) edit(sent *string) {
	if sent != nil && *sent != p.number {
		*p = proof{number: *sent}
	}
}

// business is a contact's registrations; a contact has at most one such record.
type business struct {
	child
	PAN, CIN, GSTIN, TAN, Udyam proof
}

func (*business) Table() string { return "business" }

func (b *business) Key() []store.Col { return []store.Col{{Name: "contact_id", Ptr: &b.Contact}} }

func (b *business) Cols() []store.Col {
	return []store.Col{
		{Name: "id", Ptr: &b.ID},
		{Name: "pan", Ptr: &b.PAN.number}, {Name: "pan_verified", Ptr: &b.PAN.verified},
		{Name: "cin", Ptr: &b.CIN.number}, {Name: "cin_verified", Ptr: &b.CIN.verified},
		{Name: "gstin", Ptr: &b.GSTIN.number}, {Name: "gstin_verified", Ptr: &b.GSTIN.verified},
		{Name: "tan", Ptr: &b.TAN.number}, {Name: "tan_verified", Ptr: &b.TAN.verified},
		{Name: "udyam", Ptr: &b.Udyam.number}, {Name: "udyam_verified", Ptr: &b.Udyam.verified},
	}
}

// businessIn serves Add and Update alike; what was not sent is nil.
type businessIn struct {
	gcRef
	pan, cin, gstin, tan, udyam *string
}

func (in *businessIn) read(f *form) {
	in.gcRef.read(f)
	in.pan = f.identifierEdit("pan", identity.PAN, "pan")
	in.cin = f.identifierEdit("cin", identity.CIN, "cin")
	in.gstin = f.identifierEdit("gstin", identity.GSTIN, "gstin")
	in.tan = f.identifierEdit("tan", identity.TAN, "tan")
	in.udyam = f.identifierEdit("udyam", identity.Udyam, "udyam", "udhyam")
}

func (b *business) edit(in *businessIn) {
	b.PAN.edit(in.pan)
	b.CIN.edit(in.cin)
	b.GSTIN.edit(in.gstin)
	b.TAN.edit(in.tan)
	b.Udyam.edit(in.udyam)
}

// businessAdded leaves out what is empty, and each identity's flag with it.
type businessAdded struct {
	Contact       wire.ID `json:"gcId"`
	PAN           string  `json:"pan,omitempty"`
	PANVerified   *bool   `json:"panVerified,omitempty"`
	CIN           string  `json:"cin,omitempty"`
	CINVerified   *bool   `json:"cinVerified,omitempty"`
	GSTIN         string  `json:"gstin,omitempty"`
	GSTINVerified *bool   `json:"gstinVerified,omitempty"`
	TAN           string  `json:"tan,omitempty"`
	TANVerified   *bool   `json:"tanVerified,omitempty"`
	Udyam         string  `json:"udyam,omitempty"`
	UdyamVerified *bool   `json:"udyamVerified,omitempty"`
	dated
}

// flag is nil where there is nothing to verify.
func (p *proof) flag() *bool {
	if p.number == "" {
		return nil
	}
	return &p.verified
}

func addBusiness(c *Call, in *businessIn) (any, error) {
	b := business{child: child{c.new(), in.contact}}
	b.edit(in)
	err := c.write(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.HoldContact(ctx, b.Contact); err != nil {
			return err
		}
		old := business{child: child{Contact: b.Contact}}
		switch err := store.Get(ctx, tx, &old); {
		case errors.Is(err, store.ErrNotFound):
			return tx.Add(ctx, &b)
		case err != nil:
			return err
		case old.ID == b.ID: // an earlier try of this very request landed
			return nil
		}
		return wire.ErrBusiness
	})
	if err != nil {
		return nil, err
	}
	return businessAdded{
		b.Contact,
		b.PAN.number, b.PAN.flag(), b.CIN.number, b.CIN.flag(), b.GSTIN.number, b.GSTIN.flag(),
		b.TAN.number, b.TAN.flag(), b.Udyam.number, b.Udyam.flag(),
		b.dated(),
	}, nil
}

// businessBody is what the replies to List and Update have: all five.
type businessBody struct {
	Contact       wire.ID `json:"gcId"`
	PAN           string  `json:"pan"`
	PANVerified   bool    `json:"panVerified"`
	CIN           string  `json:"cin"`
	CINVerified   bool    `json:"cinVerified"`
	GSTIN         string  `json:"gstin"`
	GSTINVerified bool    `json:"gstinVerified"`
	TAN           string  `json:"tan"`
	TANVerified   bool    `json:"tanVerified"`
	Udyam         string  `json:"udyam"`
	UdyamVerified bool    `json:"udyamVerified"`
}

func (b *business) body() businessBody {
	return businessBody{
		b.Contact,
		b.PAN.number, b.PAN.verified, b.CIN.number, b.CIN.verified, b.GSTIN.number, b.GSTIN.verified,
		b.TAN.number, b.TAN.verified, b.Udyam.number, b.Udyam.verified,
	}
}

type businessItem struct {
	ID wire.ID `json:"_id"`
	businessBody
	dates
}

var businessOf = store.NewQuery[business]("business list", ofContact)

func listBusiness(c *Call, in *gcRef) (any, error) {
	return listChildren(c, businessOf, in.contact, func(b *business) any { return businessItem{b.ID, b.body(), b.dates()} })
}

func updateBusiness(c *Call, in *businessIn) (any, error) {
	var b business
	err := c.write(func(ctx context.Context, tx *store.Tx) error {
		b = business{child: child{Contact: in.contact}}
		if err := tx.HoldContact(ctx, b.Contact); err != nil {
			return err
		}
		if err := store.Get(ctx, tx, &b); err != nil {
			return err
		}
		b.edit(in)
		b.Updated = c.Now
		return tx.Set(ctx, &b)
	})
	if err != nil {
		return nil, err
	}
	return b.body(), nil
}

func deleteBusiness(c *Call, in *gcRef) (any, error) {
	b := business{child: child{Contact: in.contact}}
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Drop(ctx, &b) })
}
