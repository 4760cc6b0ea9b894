package client

import (
	"context"
	"net/http"
	"time"
)

// Person is somebody to talk to at a contact.
type Person struct {
	ID          string    `json:"_id"`
	ContactID   string    `json:"gcId"`
	Name        string    `json:"contactPersonName"`
	Email       string    `json:"email"`
	Mobile      string    `json:"mobile"` // the national number
	Description string    `json:"description"`
	CallingCode string    `json:"callingCode"`         // the country's, with a plus, unlike a Contact's: +91 for India
	UpdatedAt   time.Time `json:"updated_at,omitzero"` // to the millisecond; zero after Update
	CreatedAt   time.Time `json:"created_at,omitzero"` // likewise
}

// PersonInput is what a person is made of. CallingCode may be empty; the rest is
// mandatory.
type PersonInput struct {
	Name        string `json:"contactPersonName"`
	Email       string `json:"email"`                 // one address of at most 254 characters, without a display name
	Mobile      string `json:"mobile"`                // ten digits of India, or + and the country's code and the number
	CallingCode string `json:"callingCode,omitempty"` // the country's code of a Mobile without one; "" is India's
	Description string `json:"description"`           // at most 4,000 characters; may have newlines
}

// PersonService is the calls about the persons of a contact.
type PersonService struct{ c *core }

const personPath = "/contacts/person"

// ofContact names a contact as its child records do.
type ofContact struct {
	ContactID string `json:"gcId"`
}

// personBody is the input of all calls about one person.
type personBody struct {
	ID string `json:"personId,omitempty"`
	ofContact
	*PersonInput
}

// Add adds a person to a contact, which holds at most 1,000. ErrNotFound when
// there is no such contact.
func (s *PersonService) Add(ctx context.Context, contactID string, in PersonInput) (*Person, error) {
	return fetch[Person](ctx, s.c, &call{method: http.MethodPost, path: personPath, input: personBody{"", ofContact{contactID}, &in}})
}

// List returns a contact's persons, oldest first. ErrNotFound when there is no
// such contact.
func (s *PersonService) List(ctx context.Context, contactID string) ([]Person, error) {
	return list[Person](ctx, s.c, &call{method: http.MethodGet, path: personPath, input: ofContact{contactID}, again: true})
}

// Update replaces a person of a contact by what in says, and returns it without
// its dates. ErrNotFound when the contact has no such person.
func (s *PersonService) Update(ctx context.Context, contactID, personID string, in PersonInput) (*Person, error) {
	p, err := fetch[Person](ctx, s.c, &call{method: http.MethodPatch, path: personPath, again: true,
		input: personBody{personID, ofContact{contactID}, &in}})
	if err == nil {
		p.ID = personID // the reply has none
	}
	return p, err
}

// Delete deletes a person of a contact. ErrNotFound when the contact has no such
// person.
func (s *PersonService) Delete(ctx context.Context, contactID, personID string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: personPath, again: true,
		input: personBody{personID, ofContact{contactID}, nil}})
}
