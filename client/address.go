package client

import (
	"context"
	"net/http"
	"time"
)

// Address is one of a contact's places.
type Address struct {
	ID          string    `json:"_id"`
	ContactID   string    `json:"gcId"`
	Type        string    `json:"addressType"`
	Address     string    `json:"address"`
	City        string    `json:"city"`
	State       string    `json:"state"`
	Pincode     string    `json:"pincode"`
	CountryCode string    `json:"countryCode"`         // ISO 3166-1 alpha-2
	UpdatedAt   time.Time `json:"updated_at,omitzero"` // to the millisecond; zero after Update
	CreatedAt   time.Time `json:"created_at,omitzero"` // likewise
}

// AddressInput is what an address is made of. All fields are mandatory.
type AddressInput struct {
	Type        string `json:"addressType"` // any text, such as Shipping or Billing
	Address     string `json:"address"`     // at most 4,000 characters; may have newlines
	City        string `json:"city"`
	State       string `json:"state"`
	Pincode     string `json:"pincode"`     // in India six digits, the first not 0
	CountryCode string `json:"countryCode"` // ISO 3166-1 alpha-2 in capitals, such as IN
}

// AddressService is the calls about the addresses of a contact.
type AddressService struct{ c *core }

const addressPath = "/contacts/address"

// addressBody is the input of all calls about one address.
type addressBody struct {
	ID string `json:"addressId,omitempty"`
	ofContact
	*AddressInput
}

// Add adds an address to a contact, which holds at most 1,000. ErrNotFound when
// there is no such contact.
func (s *AddressService) Add(ctx context.Context, contactID string, in AddressInput) (*Address, error) {
	return fetch[Address](ctx, s.c, &call{method: http.MethodPost, path: addressPath, input: addressBody{"", ofContact{contactID}, &in}})
}

// List returns a contact's addresses, oldest first. ErrNotFound when there is no
// such contact.
func (s *AddressService) List(ctx context.Context, contactID string) ([]Address, error) {
	return list[Address](ctx, s.c, &call{method: http.MethodGet, path: addressPath, input: ofContact{contactID}, again: true})
}

// Update replaces an address of a contact by what in says, and returns it without
// its dates. ErrNotFound when the contact has no such address.
func (s *AddressService) Update(ctx context.Context, contactID, addressID string, in AddressInput) (*Address, error) {
	a, err := fetch[Address](ctx, s.c, &call{method: http.MethodPatch, path: addressPath, again: true,
		input: addressBody{addressID, ofContact{contactID}, &in}})
	if err == nil {
		a.ID = addressID // the reply need not have one
	}
	return a, err
}

// Delete deletes an address of a contact. ErrNotFound when the contact has no
// such address.
func (s *AddressService) Delete(ctx context.Context, contactID, addressID string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: addressPath, again: true,
		input: addressBody{addressID, ofContact{contactID}, nil}})
}
