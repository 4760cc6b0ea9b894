package book

import (
	"context"
	"errors"

	"contactbook/internal/store"
	"contactbook/internal/verify"
	"contactbook/internal/wire"
)

// ofPayment is the subject of a payment method's verification.
const ofPayment = "payment"

type verifyIn struct {
	paymentRef
	place
}

func (in *verifyIn) read(f *form) {
	in.paymentRef.read(f)
	in.place.read(f, must)
}

// verifyReply is the documented one; amounts are strings of two decimals.
type verifyReply struct {
	Ref           string `json:"externalRef"`
	PoolReference string `json:"poolReferenceId"`
	Value         string `json:"txnValue"`
	BankReference string `json:"txnReferenceId"`
	Pool          pool   `json:"pool"`
	Payer         party  `json:"payer"`
	Payee         party  `json:"payee"`
	Cached        bool   `json:"isCached"`
}

type pool struct {
	Account string `json:"account"`
	Opening string `json:"openingBal"`
	Mode    string `json:"mode"`
	Amount  string `json:"amount"`
	Closing string `json:"closingBal"`
}

type party struct {
	Account string `json:"account"`
	Name    string `json:"name"`
}

func verifyPayment(c *Call, in *verifyIn) (any, error) {
	s := &paymentSubject{p: in.record(), place: in.place}
	w := verifying{Call: c, v: c.newVerification(in.contact, in.ref, ofPayment, in.id), s: s}
	w.load = func(ctx context.Context, tx *store.Tx) error {
		if err := tx.HoldContact(ctx, in.contact); err != nil {
			return err
		}
		return s.load(ctx, tx)
	}
	data, err := w.run()
	if err != nil || data == nil {
		return nil, err
	}
	return data, nil
}

// addVerified adds p, which find finds or adds, and verifies it. A repeat of a
// call that has had its success succeeds again, as that of Add does.
func addVerified(c *Call, in *paymentIn, p *payment, find func(context.Context, *store.Tx) error) error {
	s := &paymentSubject{place: in.place}
	w := verifying{Call: c, v: c.newVerification(in.contact, in.ref, ofPayment, wire.ID{}), s: s}
	w.load = func(ctx context.Context, tx *store.Tx) error {
		if err := find(ctx, tx); err != nil {
			return err
		}
		s.p, w.v.Payment = *p, p.ID
		return s.loadContact(ctx, tx)
	}
	_, err := w.run()
	c.OrderID = "" // it is of payment/verify alone
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Code == wire.DTX && refused.Data != nil {
		return nil
	}
	*p = s.p
	return err
}

// paymentSubject is a payment method that is verified.
type paymentSubject struct {
	p       payment
	contact string // the contact's name
	place
}

func (s *paymentSubject) load(ctx context.Context, from store.Reader) error {
	if err := s.loadContact(ctx, from); err != nil {
		return err
	}
	return store.Get(ctx, from, &s.p)
}

func (s *paymentSubject) loadContact(ctx context.Context, from store.Reader) error {
	c := contact{Meta: store.Meta{ID: s.p.Contact}}
	err := store.Get(ctx, from, &c)
	s.contact = c.Name
	return err
}

func (s *paymentSubject) question() verify.Question {
	q := verify.Question{
		Kind: s.p.Type, Number: s.p.Number, CallingCode: s.p.CallingCode, IFSC: s.p.IFSC, Name: s.p.Beneficiary,
		Latitude: s.latitude, Longitude: s.longitude,
	}
	if q.Name == "" {
		q.Name = s.contact
	}
	return q
}

// verified keeps what the bank said beside what was given, and fills what was not.
func (s *paymentSubject) verified(ctx context.Context, tx *store.Tx, v *verification, a verify.Answer, at wire.Millis) (any, error) {
	p := &s.p
	p.Verified, p.VerifiedAt, p.VerifiedBy, p.Updated = true, at, v.Verifier, at
	p.NameAtBank, p.MatchScore = a.Name, score(p.Beneficiary, s.contact, a.Name)
	if p.Beneficiary == "" {
		p.Beneficiary = a.Name
	}
	if err := tx.Set(ctx, p); err != nil {
		return nil, err
	}
	return verifyReply{
		Ref: v.Ref, PoolReference: v.OrderID, Value: a.Value.String(), BankReference: a.BankReference,
		Pool:  pool{a.Pool.Account, a.Pool.Opening.String(), "DR", a.Pool.Charge.String(), a.Pool.Closing.String()},
		Payer: party{a.Payer.Account, a.Payer.Name},
		Payee: party{p.Number, a.Name},
	}, nil
}
