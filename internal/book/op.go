// Package book is the product: the Contact Book's operations, one file per
// resource, and Ops, the whole API as one list.
package book

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// Ops is the whole API: route, the status of its success, and what runs.
var Ops = []Op{
	{"POST /contacts/tag", "Tag Added Successfully", in(addTag)},
	{"PATCH /contacts/tag", "Tag Updated Successfully", in(updateTag)},
	{"GET /contacts/tag", listed, in(listTags)},
	{"DELETE /contacts/tag", "Tag Deleted successfully", in(deleteTag)},

	{"POST /contacts/profile", "Contact Added Successfully", in(addContact)},
	{"GET /contacts/profile", listed, in(listContacts)},
	{"PATCH /contacts/profile", "Contact Updated Successfully", in(updateContact)},
	{"DELETE /contacts/profile", "Contact Deleted successfully", in(deleteContact)},

	{"POST /contacts/person", "Contact Person Added Successfully", in(addPerson)},
	{"GET /contacts/person", listed, in(listPersons)},
	{"PATCH /contacts/person", "Contact Person Updated Successfully", in(updatePerson)},
	{"DELETE /contacts/person", "Person Deleted successfully", in(deletePerson)},

	{"POST /contacts/address", "Address Added Successfully", in(addAddress)},
	{"GET /contacts/address", listed, in(listAddresses)},
	{"PATCH /contacts/address", "Address Updated Successfully", in(updateAddress)},
	{"DELETE /contacts/address", "Address Deleted successfully", in(deleteAddress)},

	{"POST /contacts/business", "Business DetailsAdded Successfully", in(addBusiness)},
	{"GET /contacts/business", listed, in(listBusiness)},
	{"PATCH /contacts/business", "Business Updated Successfully", in(updateBusiness)},
	{"DELETE /contacts/business", "Business Deleted successfully", in(deleteBusiness)},
	{"POST /contacts/business/verify", "Business Verification Successful", in(verifyBusiness)},

	{"POST /contacts/payment", "Payment Method Added Successfully", in(addPayment)},
	{"GET /contacts/payment", listed, in(listPayments)},
	{"DELETE /contacts/payment", "Payment Method Deleted successfully", in(deletePayment)},
	{"POST /contacts/payment/primary", "Primary Account Set Successfully", in(setPrimary)},
	{"POST /contacts/payment/verify", "Account Verfication Successful", in(verifyPayment)},
}

const listed = "Transaction Successful"

// Op is one row of the API.
type Op struct {
	Route string // method and path
	Done  string // the envelope's status on success
	action
}

// Method is the route's HTTP method.
func (op Op) Method() string { m, _, _ := strings.Cut(op.Route, " "); return m }

// Path is the route's path.
func (op Op) Path() string { _, p, _ := strings.Cut(op.Route, " "); return p }

// Bodyless tells whether the op's fields may stand in the query string instead
// of the body, because clients and proxies drop the body of such a method.
func (op Op) Bodyless() bool {
	return op.Method() == http.MethodGet || op.Method() == http.MethodDelete
}

// Fields lists the op's input, in the documented order.
func (op Op) Fields() []Field {
	f := form{seen: &[]Field{}}
	op.read(&f)
	return *f.seen
}

// Faults are the rules that a request's fields break, by themselves: what depends
// on the book is not looked at.
func (op Op) Faults(body, query wire.Value, lenient bool) []wire.Fault {
	f := form{body: body, query: query, lenient: lenient}
	op.read(&f)
	return f.faults
}

// Run does the op and returns its envelope's data, which is nil, an integer, an
// object, an array, or an iter.Seq2[any, error] of an array's items. Errors that
// the client may see are *wire.Error; any other is unexpected.
func (op Op) Run(c *Call) (any, error) {
	data, err := op.run(c)
	return data, refusal(err)
}

// refusal says a store's error in the words of the wire.
func refusal(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return wire.ErrNoRecord
	case errors.Is(err, store.ErrUnavailable):
		return errors.Join(wire.ErrDown, err) // the client is told the first, the log both
	}
	return err
}

// Call is one request to an op, by an authenticated client.
type Call struct {
	Context context.Context
	Book    *store.Book // the client's own, and no other
	UserID  int64
	Lenient bool // the client skips the form rules of Indian identifiers
	Now     wire.Millis
	Clock   func() wire.Millis // what Now was when the call began
	Warn    func(what string, why error)
	IDs     *wire.IDs
	Body    wire.Value // an object, or Missing
	Query   wire.Value // likewise; the body wins
	Header  http.Header
	Desk    *Desk             // where verifications are asked; nil: nowhere
	Away    func(wait func()) // lets others work while the call waits for somebody outside

	// What the reply has beside its data.
	OrderID string // of a transaction
	Pending bool   // it is under process: TUP
}

// new is the Meta of a record that this call adds.
func (c *Call) new() store.Meta { return store.NewMeta(c.IDs.New(), c.Now) }

func (c *Call) write(fn func(context.Context, *store.Tx) error) error {
	return c.Book.Write(c.Context, fn)
}

// action is an op's input and function, their types erased.
type action struct {
	read func(*form) any // returns the input
	run  func(*Call) (any, error)
}

// in makes an action of a function by its input, which is read and checked first.
func in[T any, P interface {
	*T
	read(*form)
}](fn func(*Call, *T) (any, error)) action {
	read := func(f *form) *T {
		input := new(T)
		P(input).read(f)
		return input
	}
	return action{
		read: func(f *form) any { return read(f) },
		run: func(c *Call) (any, error) {
			f := form{body: c.Body, query: c.Query, lenient: c.Lenient}
			input := read(&f)
			if len(f.faults) > 0 {
				return nil, wire.ErrFields(f.faults)
			}
			return fn(c, input)
		},
	}
}

// none is the input of an op without fields.
type none struct{}

func (*none) read(*form) {}
