package client

import (
	"context"
	"net/http"
	"time"
)

// Business is a contact's registrations, "" where it has none, each with whether
// it was verified. A number that changes is no longer verified.
type Business struct {
	ID            string    `json:"_id"` // "" after Update
	ContactID     string    `json:"gcId"`
	PAN           string    `json:"pan"`
	PANVerified   bool      `json:"panVerified"`
	CIN           string    `json:"cin"`
	CINVerified   bool      `json:"cinVerified"`
	GSTIN         string    `json:"gstin"`
	GSTINVerified bool      `json:"gstinVerified"`
	TAN           string    `json:"tan"`
	TANVerified   bool      `json:"tanVerified"`
	Udyam         string    `json:"udyam"`
	UdyamVerified bool      `json:"udyamVerified"`
	UpdatedAt     time.Time `json:"updated_at,omitzero"` // to the millisecond; zero after Update
	CreatedAt     time.Time `json:"created_at,omitzero"` // likewise
}

// BusinessVerified is what a register says of one number of a business.
type BusinessVerified struct {
	ExternalRef    string `json:"externalRef"`
	OrderID        string `json:"poolReferenceId"`
	ContactID      string `json:"gcId"`
	Identity       string `json:"identity"` // pan, cin, gstin, tan or udyam
	Number         string `json:"number"`
	Name           string `json:"name"`           // in which it was issued
	NameMatchScore int    `json:"nameMatchScore"` // with the contact's company name, or else its name: 0 to 100
}

// BusinessInput is what business details are made of. All fields may be empty.
// Lower case is accepted and stored in capitals; blanks and hyphens are not
// accepted, but for Udyam's own.
type BusinessInput struct {
	PAN   string `json:"pan,omitempty"`   // 10 characters, such as AAOCS6028B
	CIN   string `json:"cin,omitempty"`   // 21 characters, such as L17110MH1973PLC019786
	GSTIN string `json:"gstin,omitempty"` // 15 characters with a right check character
	TAN   string `json:"tan,omitempty"`   // 10 characters, such as DELA12345B
	Udyam string `json:"udyam,omitempty"` // such as UDYAM-DL-01-0000001
}

// BusinessUpdate is what business details are changed to: nil keeps a number,
// new("") clears it. The forms are those of BusinessInput.
type BusinessUpdate struct {
	PAN   *string `json:"pan,omitempty"`
	CIN   *string `json:"cin,omitempty"`
	GSTIN *string `json:"gstin,omitempty"`
	TAN   *string `json:"tan,omitempty"`
	Udyam *string `json:"udyam,omitempty"`
}

// BusinessService is the calls about the business details of a contact, which
// has them once or not at all.
type BusinessService struct{ c *core }

const businessPath = "/contacts/business"

// Add adds a contact's business details. ErrNotFound when there is no such
// contact, ErrDuplicate when it has business details already.
func (s *BusinessService) Add(ctx context.Context, contactID string, in BusinessInput) (*Business, error) {
	return fetch[Business](ctx, s.c, &call{method: http.MethodPost, path: businessPath, input: struct {
		ofContact
		BusinessInput
	}{ofContact{contactID}, in}})
}

// Get returns a contact's business details. ErrNotFound when there is no such
// contact, or it has none.
func (s *BusinessService) Get(ctx context.Context, contactID string) (*Business, error) {
	k := &call{method: http.MethodGet, path: businessPath, input: ofContact{contactID}, again: true}
	all, err := list[Business](ctx, s.c, k)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, &Error{Code: CodeERR, Message: noRecord, Op: k.op()}
	}
	return &all[0], nil
}

// Update changes a contact's business details and returns them as they are now,
// without id and dates. ErrNotFound when there is no such contact, or it has none.
func (s *BusinessService) Update(ctx context.Context, contactID string, in BusinessUpdate) (*Business, error) {
	return fetch[Business](ctx, s.c, &call{method: http.MethodPatch, path: businessPath, again: true, input: struct {
		ofContact
		BusinessUpdate
	}{ofContact{contactID}, in}})
}

// Delete deletes a contact's business details. ErrNotFound when there is no such
// contact, or it has none.
func (s *BusinessService) Delete(ctx context.Context, contactID string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: businessPath, input: ofContact{contactID}, again: true})
}

// Verify asks in whose name one number of a contact was issued: pan, cin, gstin,
// tan or udyam. ref is the caller's own reference, of this verification alone. The
// codes of an Error are those of [PaymentService.Verify]; ErrNotFound when the
// contact has no such number. It is never repeated by itself.
func (s *BusinessService) Verify(ctx context.Context, contactID, identity, ref string) (*BusinessVerified, error) {
	return verified[BusinessVerified](ctx, s.c, &call{method: http.MethodPost, path: businessPath + "/verify", input: struct {
		ofContact
		Identity string `json:"identity"`
		Ref      string `json:"externalRef"`
	}{ofContact{contactID}, identity, ref}})
}
