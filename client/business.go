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
