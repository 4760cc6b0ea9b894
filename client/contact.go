package client

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Contact is a payee: whom the user pays or is paid by.
type Contact struct {
	ID          string    `json:"_id"`
	UserID      int64     `json:"userId"` // whose book it is in
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	Mobile      string    `json:"mobile"`      // the national number
	CallingCode string    `json:"callingCode"` // the country's, without a plus: 91 for India
	CompanyName string    `json:"companyName"` // "" for none
	TagIDs      []string  `json:"tagId"`
	Tags        []Tag     `json:"tags,omitempty"`      // in full; only when it was read, by Get, List or Page
	UpdatedAt   time.Time `json:"updated_at,omitzero"` // to the millisecond; only after Add and Update
	CreatedAt   time.Time `json:"created_at,omitzero"` // likewise
}

// ContactInput is what a new contact is made of. CompanyName and CallingCode may
// be empty; the rest is mandatory.
type ContactInput struct {
	Name        string
	Email       string // one address of at most 254 characters, without a display name
	Mobile      string // ten digits of India, or + and the country's code and the number
	CallingCode string // the country's code of a Mobile without one; "" is India's
	CompanyName string
	TagIDs      []string // at least one
}

// ContactUpdate is what a contact is changed to. It replaces all that a contact
// is made of, so everything but CallingCode and CompanyName is mandatory.
type ContactUpdate struct {
	Name        string
	Email       string   // as in ContactInput
	Mobile      string   // as in ContactInput
	CallingCode string   // as in ContactInput: "" is India's, not what it was
	TagIDs      []string // at least one; the contact's other tags are taken off
	CompanyName *string  // nil keeps it, new("") clears it
}

// ContactFilter says which contacts to list.
type ContactFilter struct {
	// TagID, unless empty, lists only contacts with that tag; none when there is
	// no such tag.
	TagID string
	// PageSize is how many contacts one request asks for, 1 to 500; 0 is 200.
	PageSize int
}

// ContactPage is one page of a list.
type ContactPage struct {
	Contacts []*Contact
	Next     string // the cursor of the page that follows; "" on the last page
}

// ContactService is the calls about contacts.
type ContactService struct{ c *core }

const (
	contactPath = "/contacts/profile"

	defaultPage = 200
)

type tagDetail struct {
	ID string `json:"tagId"`
}

func tagDetails(ids []string) []tagDetail {
	all := make([]tagDetail, len(ids))
	for i, id := range ids {
		all[i].ID = id
	}
	return all
}

// contactBody is the input of Add and Update.
type contactBody struct {
	ID          string      `json:"contactId,omitempty"`
	Name        string      `json:"name"`
	Email       string      `json:"email"`
	Mobile      string      `json:"mobile"`
	CallingCode string      `json:"callingCode,omitempty"`
	CompanyName *string     `json:"companyName,omitempty"`
	Tags        []tagDetail `json:"tagDetails"`
}

// Add adds a contact. ErrInvalidInput when one of its tags does not exist.
func (s *ContactService) Add(ctx context.Context, in ContactInput) (*Contact, error) {
	return fetch[Contact](ctx, s.c, &call{method: http.MethodPost, path: contactPath, input: contactBody{
		"", in.Name, in.Email, in.Mobile, in.CallingCode, &in.CompanyName, tagDetails(in.TagIDs),
	}})
}

// Update changes a contact and returns it as it is now. ErrNotFound when there is
// no such contact, ErrInvalidInput when one of its tags does not exist.
func (s *ContactService) Update(ctx context.Context, id string, in ContactUpdate) (*Contact, error) {
	return fetch[Contact](ctx, s.c, &call{method: http.MethodPatch, path: contactPath, again: true, input: contactBody{
		id, in.Name, in.Email, in.Mobile, in.CallingCode, in.CompanyName, tagDetails(in.TagIDs),
	}})
}

// Delete deletes a contact and all below it: persons, addresses, business
// details and payment methods. ErrNotFound when there is no such contact.
func (s *ContactService) Delete(ctx context.Context, id string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: contactPath, again: true, input: contactQuery{ID: id}})
}

// contactQuery is the input of lists, and of Delete.
type contactQuery struct {
	ID     string `json:"contactId,omitempty"`
	TagID  string `json:"tagId,omitempty"`
	Limit  int    `json:"limit,omitempty"`
	Cursor string `json:"cursor,omitempty"`
}

// Get returns a contact with its tags in full, without its dates. ErrNotFound
// when there is no such contact.
//
// A server that knows no search by id sends the whole book, which is read as far
// as the contact, in flat memory.
func (s *ContactService) Get(ctx context.Context, id string) (*Contact, error) {
	k := &call{method: http.MethodGet, path: contactPath, again: true, input: contactQuery{ID: id}}
	if id = strings.TrimSpace(id); id == "" { // without it the book would be listed
		return nil, &Error{Code: CodeRPI, Message: "The contactId field is required.", Op: k.op()}
	}
	var found *Contact
	err := s.c.do(ctx, k, func(r *reply) error {
		found = nil
		return r.each(func() error {
			if found != nil {
				return errStop
			}
			item := new(Contact)
			err := r.value(item)
			if err == nil && strings.EqualFold(item.ID, id) {
				found = item
			}
			return err
		})
	})
	switch {
	case err != nil && err != errStop:
		return nil, err
	case found == nil:
		return nil, &Error{Code: CodeERR, Message: noRecord, Op: k.op()}
	}
	return found, nil
}

// List goes through contacts, newest first, page by page: as many requests are
// made as the loop needs. A contact that is added meanwhile does not appear, and
// none appears twice. An error ends the list, with a nil contact.
//
//	for contact, err := range c.Contacts.List(ctx, client.ContactFilter{}) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// A page is held until it is whole, so that a lost one is asked for again. A
// server that knows no pages sends the whole book in one reply; what is beyond
// the page is then handed on as it arrives, so memory stays flat all the same, but
// a connection that is lost there ends the list with an error.
func (s *ContactService) List(ctx context.Context, f ContactFilter) iter.Seq2[*Contact, error] {
	return func(yield func(*Contact, error) bool) {
		hand := func(p *Contact) bool { return yield(p, nil) }
		for cursor, more := "", true; more; more = cursor != "" {
			var err error
			if cursor, err = s.page(ctx, f, cursor, hand); err != nil {
				if err != errStop {
					yield(nil, err)
				}
				return
			}
		}
	}
}

// Page returns one page of the list, newest first: the first one for an empty
// cursor, else the one that the Next of the page before it leads to. A cursor
// belongs to its book and its TagID; with another it is ErrInvalidInput.
func (s *ContactService) Page(ctx context.Context, f ContactFilter, cursor string) (*ContactPage, error) {
	p := new(ContactPage)
	next, err := s.page(ctx, f, cursor, func(c *Contact) bool {
		p.Contacts = append(p.Contacts, c)
		return true
	})
	if err != nil {
		return nil, err
	}
	p.Next = next
	return p, nil
}

// page hands on one page and returns the next one's cursor. It ends with errStop
// when hand wants no more.
func (s *ContactService) page(ctx context.Context, f ContactFilter, cursor string, hand func(*Contact) bool) (next string, err error) {
	size := f.PageSize
	if size == 0 {
		size = defaultPage
	}
	k := &call{method: http.MethodGet, path: contactPath, input: contactQuery{TagID: f.TagID, Limit: size, Cursor: cursor}, again: true}
	var held []*Contact
	release := func() error {
		for _, p := range held {
			if !hand(p) {
				return errStop
			}
		}
		held = nil
		return nil
	}
	err = s.c.do(ctx, k, func(r *reply) error {
		held, next = nil, r.header.Get("X-Next-Cursor")
		return r.each(func() error {
			p := new(Contact)
			if err := r.value(p); err != nil {
				return err
			}
			if !f.matches(p) {
				return nil
			}
			if k.again && len(held) < size {
				held = append(held, p)
				return nil
			}
			k.again = false // from here on contacts are out, and would be out twice
			if err := release(); err != nil {
				return err
			}
			if !hand(p) {
				return errStop
			}
			return nil
		})
	})
	if err != nil {
		return "", err
	}
	return next, release()
}

// matches is for servers that know no filter.
func (f *ContactFilter) matches(p *Contact) bool {
	id := strings.TrimSpace(f.TagID)
	return id == "" || slices.ContainsFunc(p.TagIDs, func(tag string) bool { return strings.EqualFold(tag, id) })
}
