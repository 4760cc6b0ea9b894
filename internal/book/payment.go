package book

import (
	"context"
	"strconv"
	"strings"

	"contactbook/internal/identity"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// The kinds of payment method.
const (
	vpa     = "VPA"
	account = "ACCOUNT"
	wallet  = "WALLET"
)

// payment is one way to pay a contact. Its details never change: they are
// replaced by another method.
type payment struct {
	child
	Type        string
	Number      string // an account number, a VPA or a wallet's phone number
	CallingCode string // of a wallet's phone number
	IFSC        string
	Beneficiary string
	Primary     bool
	Verified    bool
	VerifiedAt  wire.Millis // 0: never
	VerifiedBy  string      // the verifier
	NameAtBank  string
	MatchScore  int64 // of that name, 0 to 100
}

func (*payment) Table() string { return "payment" }

func (p *payment) Cols() []store.Col {
	return []store.Col{
		{Name: "account_type", Ptr: &p.Type}, {Name: "account_number", Ptr: &p.Number},
		{Name: "calling_code", Ptr: &p.CallingCode}, {Name: "account_ifsc", Ptr: &p.IFSC},
		{Name: "beneficiary_name", Ptr: &p.Beneficiary},
		{Name: "is_primary", Ptr: &p.Primary}, {Name: "is_verified", Ptr: &p.Verified},
		{Name: "verified_at", Ptr: &p.VerifiedAt}, {Name: "verified_by", Ptr: &p.VerifiedBy},
		{Name: "name_at_bank", Ptr: &p.NameAtBank}, {Name: "match_score", Ptr: &p.MatchScore},
	}
}

// equal tells whether q, which is to be added, pays the same account under the same
// name as p, whose name may be the bank's because none was given.
func (p *payment) equal(q *payment) bool {
	number := p.Number == q.Number
	if p.Type == vpa {
		number = identity.VPAKey(p.Number) == identity.VPAKey(q.Number)
	}
	return p.Type == q.Type && number && p.CallingCode == q.CallingCode && p.IFSC == q.IFSC &&
		(p.Beneficiary == q.Beneficiary || q.Beneficiary == "" && p.Beneficiary == p.NameAtBank)
}

type paymentIn struct {
	gcRef
	kind, upiID, number, ifsc, beneficiary string
	phone                                  identity.Phone
	verify                                 bool
	place
}

func (in *paymentIn) read(f *form) {
	in.gcRef.read(f)
	in.kind = f.choice("accountType", vpa, account, wallet)
	// A field that another kind of method needs is read, and not judged.
	of := func(kind string, rule func(string) (string, bool)) (need, func(string) (string, bool)) {
		if in.kind == kind {
			return must, rule
		}
		return optional, nil
	}
	n, rule := of(vpa, asSent(identity.VPA))
	in.upiID = f.identifier("upiId", n, rule, "upiId")
	n, rule = of(account, asSent(identity.AccountNumber))
	in.number = f.identifier("accountNumber", n, rule, "accountNumber")
	n, rule = of(account, identity.IFSC)
	in.ifsc = f.identifier("accountIfsc", n, rule, "accountIfsc")
	in.beneficiary = f.text("beneficiaryName", need(in.kind == account), maxText)
	if in.kind == wallet || f.seen != nil {
		in.phone = f.phone("phoneNumber", need(f.seen == nil))
	} else {
		f.text("phoneNumber", optional, maxText)
	}
	in.verify = f.boolean("isVerificationOn")
	in.place.read(f, need(in.verify))
}

// place is what a verification needs to be asked for: its reference, and where
// the end customer is.
type place struct{ ref, latitude, longitude string }

func (in *place) read(f *form, n need) {
	in.ref = f.text("externalRef", n, maxText)
	in.latitude = f.coordinate("latitude", n, 90)
	in.longitude = f.coordinate("longitude", n, 180)
}

// coordinate is a plain decimal number of degrees, in a string; judged when needed.
func (f *form) coordinate(name string, n need, limit float64) string {
	path, v := f.get("coordinate", n, name)
	s, ok := f.check(path, v, n, maxText, false)
	d, err := strconv.ParseFloat(s, 64)
	plain := strings.Trim(s, "-0123456789.") == "" // not 1e1, 0x1p3 or Inf
	if ok && bool(n) && (err != nil || !plain || d < -limit || d > limit) {
		f.fault(path, "format", badFormat)
	}
	return s
}

func (in *paymentIn) record(m store.Meta) payment {
	p := payment{child: child{m, in.contact}, Type: in.kind, Beneficiary: in.beneficiary}
	switch in.kind {
	case vpa:
		p.Number = in.upiID
	case account:
		p.Number, p.IFSC = in.number, in.ifsc
	case wallet:
		p.Number, p.CallingCode = in.phone.National, in.phone.CallingCode
	}
	return p
}

// paymentBody is what every reply about a payment method has.
type paymentBody struct {
	Contact     wire.ID `json:"gcId"`
	Type        string  `json:"accountType"`
	Primary     bool    `json:"isPrimary"`
	Verified    bool    `json:"isVerified"`
	Number      string  `json:"accountNumber"`
	IFSC        string  `json:"accountIfsc"`
	Beneficiary string  `json:"beneficiaryName"`
}

func (p *payment) body() paymentBody {
	return paymentBody{p.Contact, p.Type, p.Primary, p.Verified, p.Number, p.IFSC, p.Beneficiary}
}

type paymentAdded struct {
	paymentBody
	dated
}

var paymentsOf = store.NewQuery[payment]("payment list", ofContact)

// addPayment answers with the method that is already there when it is equal, so
// that a repeat is safe.
func addPayment(c *Call, in *paymentIn) (any, error) {
	var p payment
	find := func(ctx context.Context, tx *store.Tx) error {
		p = in.record(store.NewMeta(wire.ID{}, c.Now))
		if err := tx.HoldContact(ctx, p.Contact); err != nil {
			return err
		}
		there, err := paymentsOf.All(ctx, tx, p.Contact)
		if err != nil {
			return err
		}
		for i := range there {
			if there[i].equal(&p) {
				p = there[i]
				return nil
			}
		}
		if in.verify && c.Desk == nil {
			return wire.ErrNoService
		}
		if len(there) >= maxChildren {
			return wire.ErrLimit
		}
		p.ID = c.IDs.New()
		return tx.Add(ctx, &p)
	}
	var err error
	if in.verify {
		err = addVerified(c, in, &p, find)
	} else {
		err = c.write(find)
	}
	if err != nil {
		return nil, err
	}
	return paymentAdded{p.body(), p.dated()}, nil
}

type paymentItem struct {
	ID wire.ID `json:"_id"`
	paymentBody
	dates
}

// paymentDetail is an item with what its verification said.
type paymentDetail struct {
	paymentItem
	VerifiedAt *wire.Millis `json:"verifiedAt"` // null before it was verified, as are the others
	NameAtBank *string      `json:"nameAtBank"`
	MatchScore *int64       `json:"nameMatchScore"`
}

type paymentsIn struct {
	gcRef
	detailed bool
}

func (in *paymentsIn) read(f *form) {
	in.gcRef.read(f)
	in.detailed = f.maybeChoice("expand", "verification") != ""
}

func listPayments(c *Call, in *paymentsIn) (any, error) {
	return listChildren(c, paymentsOf, in.contact, func(p *payment) any {
		item := paymentItem{p.ID, p.body(), p.dates()}
		switch {
		case !in.detailed:
			return item
		case p.VerifiedAt == 0:
			return paymentDetail{paymentItem: item}
		}
		return paymentDetail{item, &p.VerifiedAt, &p.NameAtBank, &p.MatchScore}
	})
}

type paymentRef struct {
	gcRef
	id wire.ID
}

func (in *paymentRef) read(f *form) {
	in.gcRef.read(f)
	in.id = f.id("paymentId")
}

func (in *paymentRef) record() payment {
	return payment{child: child{store.Meta{ID: in.id}, in.contact}}
}

func deletePayment(c *Call, in *paymentRef) (any, error) {
	p := in.record()
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Drop(ctx, &p); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, forgetAnswers, p.Contact, p.ID)
		return err
	})
}

// forgetAnswers leaves the references of a payment method that is gone, so that
// none is used for another, and takes its holder's name away.
const forgetAnswers = "/* verification forget answers */ update verification set answer = ''" +
	" where " + store.OfBook + " and contact_id = $2 and payment_id = $3 and answer <> ''"

const clearPrimary = "/* payment clear primary */ update payment set is_primary = false," +
	" updated = case when updated > $3 then updated else $3 end" +
	" where " + store.OfBook + " and contact_id = $2 and is_primary"

// setPrimary makes one method the primary one and no other.
func setPrimary(c *Call, in *paymentRef) (any, error) {
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error {
		p := in.record()
		if err := tx.HoldContact(ctx, p.Contact); err != nil {
			return err
		}
		if err := store.Get(ctx, tx, &p); err != nil || p.Primary {
			return err
		}
		if _, err := tx.Exec(ctx, clearPrimary, p.Contact, int64(c.Now)); err != nil {
			return err
		}
		p.Primary, p.Updated = true, c.Now
		return tx.Set(ctx, &p)
	})
}
