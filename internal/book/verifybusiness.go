package book

import (
	"context"
	"strings"

	"contactbook/internal/store"
	"contactbook/internal/verify"
	"contactbook/internal/wire"
)

// Identities are the numbers of a business that are verified, each by itself.
var Identities = []string{"pan", "cin", "gstin", "tan", "udyam"}

// identity is one of Identities.
func (b *business) identity(name string) *proof {
	switch name {
	case "pan":
		return &b.PAN
	case "cin":
		return &b.CIN
	case "gstin":
		return &b.GSTIN
	case "tan":
		return &b.TAN
	}
	return &b.Udyam
}

type verifyBusinessIn struct {
	gcRef
	identity, ref string
}

func (in *verifyBusinessIn) read(f *form) {
	in.gcRef.read(f)
	in.identity = f.choice("identity", Identities...)
	in.ref = f.text("externalRef", must, maxText)
}

// businessVerified is the reply, an extension of the documented API.
type businessVerified struct {
	Ref        string  `json:"externalRef"`
	Reference  string  `json:"poolReferenceId"`
	Contact    wire.ID `json:"gcId"`
	Identity   string  `json:"identity"`
	Number     string  `json:"number"`
	Name       string  `json:"name"` // as the register has it
	MatchScore int64   `json:"nameMatchScore"`
}

func verifyBusiness(c *Call, in *verifyBusinessIn) (any, error) {
	s := &businessSubject{b: business{child: child{Contact: in.contact}}, identity: in.identity}
	w := verifying{Call: c, v: c.newVerification(in.contact, in.ref, in.identity, wire.ID{}), s: s}
	w.load = func(ctx context.Context, tx *store.Tx) error {
		if err := tx.HoldContact(ctx, in.contact); err != nil {
			return err
		}
		s.number = ""
		err := s.load(ctx, tx)
		w.v.Number = s.number
		return err
	}
	data, err := w.run()
	if err != nil || data == nil {
		return nil, err
	}
	return data, nil
}

// businessSubject is one identity of a business that is verified.
type businessSubject struct {
	b        business
	identity string
	number   string // that was asked about; "": whichever there is
	contact  contact
}

// load is ErrNotFound when there is no such number, or another one by now.
func (s *businessSubject) load(ctx context.Context, from store.Reader) error {
	s.contact = contact{Meta: store.Meta{ID: s.b.Contact}}
	if err := store.Get(ctx, from, &s.contact); err != nil {
		return err
	}
	if err := store.Get(ctx, from, &s.b); err != nil {
		return err
	}
	number := s.b.identity(s.identity).number
	if number == "" || s.number != "" && s.number != number {
		return store.ErrNotFound
	}
	s.number = number
	return nil
}

// holder is whom the user takes for the identity's.
func (s *businessSubject) holder() string {
	if s.contact.Company != "" {
		return s.contact.Company
	}
	return s.contact.Name
}

func (s *businessSubject) question() verify.Question {
	return verify.Question{Kind: strings.ToUpper(s.identity), Number: s.number, Name: s.holder()}
}

func (s *businessSubject) verified(ctx context.Context, tx *store.Tx, v *verification, a verify.Answer, at wire.Millis) (any, error) {
	s.b.identity(s.identity).verified, s.b.Updated = true, at
	if err := tx.Set(ctx, &s.b); err != nil {
		return nil, err
	}
	return businessVerified{v.Ref, v.OrderID, v.Contact, s.identity, s.number, a.Name, score(s.holder(), "", a.Name)}, nil
}
