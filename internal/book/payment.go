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
}

func (*payment) Table() string { return "payment" }

func (p *payment) Cols() []store.Col {
	return []store.Col{
		{Name: "account_type", Ptr: &p.Type}, {Name: "account_number", Ptr: &p.Number},
		{Name: "calling_code", Ptr: &p.CallingCode}, {Name: "account_ifsc", Ptr: &p.IFSC},
		{Name: "beneficiary_name", Ptr: &p.Beneficiary},
		{Name: "is_primary", Ptr: &p.Primary}, {Name: "is_verified", Ptr: &p.Verified},
	}
}

// equal tells whether both pay the same account under the same name.
func (p *payment) equal(q *payment) bool {
	number := p.Number == q.Number
	if p.Type == vpa {
		number = identity.VPAKey(p.Number) == identity.VPAKey(q.Number)
	}
	return p.Type == q.Type && number && p.CallingCode == q.CallingCode && p.IFSC == q.IFSC && p.Beneficiary == q.Beneficiary
}

type paymentIn struct {
	gcRef
	kind, upiID, number, ifsc, beneficiary string
	phone                                  identity.Phone
	verify                                 bool
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
	f.text("externalRef", need(in.verify), maxText)
	f.coordinate("latitude", need(in.verify), 90)
	f.coordinate("longitude", need(in.verify), 180)
}

// coordinate is a plain decimal number of degrees, in a string; judged when needed.
func (f *form) coordinate(name string, n need, limit float64) {
	path, v := f.get("coordinate", optional, name)
	s, ok := f.check(path, v, n, maxText, false)
	d, err := strconv.ParseFloat(s, 64)
	plain := strings.Trim(s, "-0123456789.") == "" // not 1e1, 0x1p3 or Inf
	if ok && bool(n) && (err != nil || !plain || d < -limit || d > limit) {
		f.fault(path, "format", badFormat)
	}
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
	err := c.write(func(ctx context.Context, tx *store.Tx) error {
		p = in.record(store.NewMeta(wire.ID{}, c.Now))
		if err := tx.HoldContact(ctx, p.Contact); err != nil {
			return err
		}
		if in.verify {
			return wire.ErrNoService
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
		if len(there) >= maxChildren {
			return wire.ErrLimit
		}
		p.ID = c.IDs.New()
		return tx.Add(ctx, &p)
	})
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

func listPayments(c *Call, in *gcRef) (any, error) {
	return listChildren(c, paymentsOf, in.contact, func(p *payment) any { return paymentItem{p.ID, p.body(), p.dates()} })
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
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Drop(ctx, &p) })
}

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
