package client

import (
	"context"
	"net/http"
	"time"
)

// SandboxService is the calls about the sandbox of a contactbook server. They are
// for SANDBOX clients: a LIVE client's are refused with ErrBlocked. The API that
// contactbook is a double of has none of them.
type SandboxService struct{ c *core }

const sandboxPath = "/_sandbox"

// SandboxBook is a throw-away book and the client that opens it.
type SandboxBook struct {
	ClientID     string    `json:"clientId"`
	ClientSecret string    `json:"clientSecret"` // shown once; "" in a list
	Name         string    `json:"name"`         // "" where it is made
	UserID       int64     `json:"userId"`
	CreatedAt    time.Time `json:"created_at"` // zero where it is made
	ExpiresAt    time.Time `json:"expires_at"` // both end then
}

// MakeBook makes a client with an empty book of its own, which lasts for hours: 1
// to 24, and 24 when it is 0. It is never repeated after a failure that leaves the
// outcome open. CodeERR when there are as many as the server allows, CodeSNA when
// it allows none.
func (s *SandboxService) MakeBook(ctx context.Context, name string, hours int) (*SandboxBook, error) {
	return fetch[SandboxBook](ctx, s.c, &call{method: http.MethodPost, path: sandboxPath + "/books", input: struct {
		Name  string `json:"name,omitempty"`
		Hours int    `json:"hours,omitempty"`
	}{name, hours}})
}

// Books returns the throw-away books that this client has made and that have not
// ended, oldest first.
func (s *SandboxService) Books(ctx context.Context) ([]SandboxBook, error) {
	return list[SandboxBook](ctx, s.c, &call{method: http.MethodGet, path: sandboxPath + "/books", again: true})
}

// EndBook ends a throw-away book before its time. ErrInvalidInput when this client
// has made none of that client id, or it has ended.
func (s *SandboxService) EndBook(ctx context.Context, clientID string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: sandboxPath + "/books", again: true, input: struct {
		ID string `json:"clientId"`
	}{clientID}})
}

// Reset empties the book, and returns how many contacts there were.
func (s *SandboxService) Reset(ctx context.Context) (contacts int64, err error) {
	v, err := fetch[struct {
		Contacts int64 `json:"contacts"`
	}](ctx, s.c, &call{method: http.MethodPost, path: sandboxPath + "/reset", again: true})
	if err != nil {
		return 0, err
	}
	return v.Contacts, nil
}
