package book

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/verify"
	"contactbook/internal/wire"
)

// What keeps an answer from being stored.
var (
	ErrNoVerification = errors.New("there is no such verification, or what it was about is gone or changed")
	ErrDecided        = errors.New("the verification has its answer already")
)

// Undecided is a verification that is pending, without personal data.
type Undecided struct {
	Ref      string    `json:"externalRef"`
	OrderID  string    `json:"orderid"`
	Subject  string    `json:"subject"` // payment, or an identity
	Contact  string    `json:"gcId"`
	Payment  string    `json:"paymentId,omitempty"`
	Verifier string    `json:"verifier"` // who was asked
	Since    time.Time `json:"since"`
}

var undecided = store.NewQuery[verification]("verification undecided", "where "+store.OfBook+" and outcome = '' order by id limit 1000")

// Pending lists a book's pending verifications, oldest first, at most 1,000.
func Pending(ctx context.Context, b *store.Book) ([]Undecided, error) {
	found, err := undecided.All(ctx, b)
	list := make([]Undecided, 0, len(found))
	for _, v := range found {
		u := Undecided{v.Ref, v.OrderID, v.Subject, v.Contact.String(), "", v.Verifier, time.UnixMilli(int64(v.Created)).UTC()}
		if v.Subject == ofPayment {
			u.Payment = v.Payment.String()
		}
		list = append(list, u)
	}
	return list, err
}

// Decide stores the answer to a pending verification; by is who gave it.
func Decide(ctx context.Context, b *store.Book, ref string, a verify.Answer, by string, clock func() wire.Millis) error {
	v, err := findVerification(ctx, b, ref)
	if err == nil && v == nil {
		err = ErrNoVerification
	}
	if err != nil {
		return err
	}
	return v.decide(ctx, b, a, by, clock)
}

var verificationByID = store.NewQuery[verification]("verification by id", "where "+store.OfBook+" and id = $2")

// Answered is Decide for a verifier, which knows a verification by its reference.
func Answered(ctx context.Context, b *store.Book, id wire.ID, a verify.Answer, by string, clock func() wire.Millis) error {
	found, err := verificationByID.All(ctx, b, id)
	if err == nil && len(found) == 0 {
		err = ErrNoVerification
	}
	if err != nil {
		return err
	}
	return found[0].decide(ctx, b, a, by, clock)
}

func (v *verification) decide(ctx context.Context, b *store.Book, a verify.Answer, by string, clock func() wire.Millis) error {
	var s subject
	if v.Subject == ofPayment {
		s = &paymentSubject{p: payment{child: child{store.Meta{ID: v.Payment}, v.Contact}}}
	} else {
		s = &businessSubject{b: business{child: child{Contact: v.Contact}}, identity: v.Subject, number: v.Number}
	}
	_, err := settle(ctx, b, v, s, a, by, clock)
	switch {
	case errors.Is(err, errSettled):
		return ErrDecided
	case errors.Is(err, store.ErrNotFound):
		return ErrNoVerification
	}
	return err
}

// DecideIdentity stores what a person found out about a business identity, as the
// answer to a question of its own. number must be the one that the contact has.
func DecideIdentity(ctx context.Context, b *store.Book, id, contactID wire.ID, identity, number string, a verify.Answer, by string, clock func() wire.Millis) error {
	if !slices.Contains(Identities, identity) {
		return ErrNoVerification
	}
	now := clock()
	v := verification{
		child: child{store.NewMeta(id, now), contactID}, Ref: "contactbook-verify-" + id.String(), Subject: identity, Number: strings.ToUpper(number),
		OrderID: wire.OrderID(time.UnixMilli(int64(now))), Verifier: by, Asks: 1,
	}
	s := businessSubject{b: business{child: child{Contact: contactID}}, identity: identity, number: v.Number}
	err := b.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.HoldContact(ctx, contactID); err != nil {
			return err
		}
		if err := s.load(ctx, tx); err != nil {
			return err
		}
		return tx.Add(ctx, &v)
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoVerification
	}
	if err != nil {
		return err
	}
	return v.decide(ctx, b, a, by, clock)
}
