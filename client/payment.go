package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// AccountType is a kind of payment method.
type AccountType string

// The kinds of payment method.
const (
	VPA     AccountType = "VPA"     // a UPI address
	Account AccountType = "ACCOUNT" // a bank account
	Wallet  AccountType = "WALLET"  // a phone number
)

// Payment is a payment method: one way to pay a contact.
type Payment struct {
	ID              string      `json:"_id"`
	ContactID       string      `json:"gcId"`
	AccountType     AccountType `json:"accountType"`
	Primary         bool        `json:"isPrimary"` // of a contact's payment methods at most one is
	Verified        bool        `json:"isVerified"`
	AccountNumber   string      `json:"accountNumber"` // the account number, the VPA, or the wallet's national phone number
	AccountIFSC     string      `json:"accountIfsc"`   // "" but for an ACCOUNT
	BeneficiaryName string      `json:"beneficiaryName"`
	UpdatedAt       time.Time   `json:"updated_at"` // to the millisecond
	CreatedAt       time.Time   `json:"created_at"` // likewise

	// What the last verification said; nil before there was one, and but for Details.
	VerifiedAt     *time.Time `json:"verifiedAt,omitempty"`
	NameAtBank     *string    `json:"nameAtBank,omitempty"`     // the holder
	NameMatchScore *int       `json:"nameMatchScore,omitempty"` // how well it agrees with BeneficiaryName, or else the contact's name: 0 to 100
}

// PaymentInput is what a payment method is made of. AccountType is mandatory, and
// the fields that it names; the others may be empty.
type PaymentInput struct {
	AccountType     AccountType `json:"accountType"`
	UPIID           string      `json:"upiId,omitempty"`           // of a VPA, such as 7428585742@ybl
	AccountNumber   string      `json:"accountNumber,omitempty"`   // of an Account: 6 to 18 digits or letters
	AccountIFSC     string      `json:"accountIfsc,omitempty"`     // of an Account: 11 characters, such as SBIN0001234
	BeneficiaryName string      `json:"beneficiaryName,omitempty"` // of an Account
	PhoneNumber     string      `json:"phoneNumber,omitempty"`     // of a Wallet: ten digits of India, or + and the country's code and the number
	CallingCode     string      `json:"callingCode,omitempty"`     // the country's code of a PhoneNumber without one; "" is India's

	// Verify, unless nil, has the account verified as it is added. A server without
	// that service answers CodeSNA and adds nothing.
	Verify *Verification `json:"-"`
}

// Verification is what the verification of an account needs. All fields are
// mandatory.
type Verification struct {
	ExternalRef string `json:"externalRef"` // the caller's own reference, unique in the book
	Latitude    string `json:"latitude"`    // of the end customer, in degrees, -90 to 90, such as 27.897394
	Longitude   string `json:"longitude"`   // likewise, -180 to 180
}

// PaymentService is the calls about the payment methods of a contact. There is no
// Update: payee account details are replaced by another method, never edited.
type PaymentService struct{ c *core }

const paymentPath = "/contacts/payment"

// Add adds a payment method to a contact, which holds at most 1,000. When the
// contact has an equal one (type, number, IFSC and beneficiary name), that one is
// returned and nothing is added, so a repeat is safe. ErrNotFound when there is no
// such contact.
//
// With Verify the method is added and verified, and CodeTUP and the codes of a
// failed verification (see Verify) leave it added. It is then never repeated after a failure that leaves the outcome open,
// because a verification may cost money.
func (s *PaymentService) Add(ctx context.Context, contactID string, in PaymentInput) (*Payment, error) {
	return fetch[Payment](ctx, s.c, &call{method: http.MethodPost, path: paymentPath, again: in.Verify == nil, input: struct {
		ofContact
		PaymentInput
		On bool `json:"isVerificationOn,omitempty"`
		*Verification
	}{ofContact{contactID}, in, in.Verify != nil, in.Verify}})
}

// List returns a contact's payment methods, oldest first. ErrNotFound when there
// is no such contact.
func (s *PaymentService) List(ctx context.Context, contactID string) ([]Payment, error) {
	return list[Payment](ctx, s.c, &call{method: http.MethodGet, path: paymentPath, input: ofContact{contactID}, again: true})
}

// Details is List with what the verifications of the methods said.
func (s *PaymentService) Details(ctx context.Context, contactID string) ([]Payment, error) {
	return list[Payment](ctx, s.c, &call{method: http.MethodGet, path: paymentPath, again: true, input: struct {
		ofContact
		Expand string `json:"expand"`
	}{ofContact{contactID}, "verification"}})
}

// Verified is the transaction of a verification. Amounts are rupees with two
// decimals.
type Verified struct {
	ExternalRef   string `json:"externalRef"`
	OrderID       string `json:"poolReferenceId"` // the server's name for it
	Value         string `json:"txnValue"`        // that was transferred to the account
	BankReference string `json:"txnReferenceId"`
	Pool          struct {
		Account string `json:"account"`
		Opening string `json:"openingBal"`
		Mode    string `json:"mode"` // DR
		Amount  string `json:"amount"`
		Closing string `json:"closingBal"`
	} `json:"pool"` // the balance that the verification was charged to
	Payer  Party `json:"payer"`
	Payee  Party `json:"payee"` // the account, and its holder as the bank has it
	Cached bool  `json:"isCached"`
}

// Party is one side of a transfer.
type Party struct {
	Account string `json:"account"`
	Name    string `json:"name"`
}

// Verify asks who holds a payment method's account; the method is verified after
// it. An Error's Code tells what else came of it: CodeTUP, nobody knows yet, call
// again with the same ExternalRef; CodeIAN, there is no such account; CodeFAB and
// CodeSPD, its bank failed or is down; CodeDTX, the reference has had its answer,
// which is returned beside the error if it was a success, or is of another
// verification. It is never repeated by itself, because it may cost money; calling
// it again with the same reference costs nothing.
func (s *PaymentService) Verify(ctx context.Context, contactID, paymentID string, v Verification) (*Verified, error) {
	return verified[Verified](ctx, s.c, &call{method: http.MethodPost, path: paymentPath + "/verify", input: struct {
		paymentRef
		Verification
	}{paymentRef{ofContact{contactID}, paymentID}, v}})
}

// verified makes a call whose reply may be that of an earlier one, beside CodeDTX.
func verified[T any](ctx context.Context, c *core, k *call) (*T, error) {
	done, err := fetch[T](ctx, c, k)
	if e, ok := errors.AsType[*Error](err); ok && e.first != nil && json.Unmarshal(e.first, &done) != nil {
		done = nil
	}
	return done, err
}

// paymentRef names a payment method.
type paymentRef struct {
	ofContact
	ID string `json:"paymentId"`
}

// Delete deletes a payment method of a contact, the primary one too. ErrNotFound
// when the contact has no such method.
func (s *PaymentService) Delete(ctx context.Context, contactID, paymentID string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: paymentPath, again: true,
		input: paymentRef{ofContact{contactID}, paymentID}})
}

// SetPrimary makes a payment method the contact's primary one, and no other.
// ErrNotFound when the contact has no such method.
func (s *PaymentService) SetPrimary(ctx context.Context, contactID, paymentID string) error {
	return s.c.run(ctx, &call{method: http.MethodPost, path: paymentPath + "/primary", again: true,
		input: paymentRef{ofContact{contactID}, paymentID}})
}
