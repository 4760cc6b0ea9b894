package client

import (
	"context"
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
	ExternalRef string `json:"externalRef"` // the caller's own reference
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
// With Verify it is never repeated after a failure that leaves the outcome open,
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
