package sandbox

import (
	"errors"
	"net/http"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// maxHours is how long a throw-away book lasts at most, and unless told otherwise.
const maxHours = 24

type bookIn struct {
	name  string
	hours int
}

func (in *bookIn) read(f *form) {
	in.name = f.text("name", optional)
	in.hours = f.integer("hours", 1, maxHours, maxHours)
}

type bookMade struct {
	ID          string      `json:"clientId"`
	Secret      string      `json:"clientSecret"`
	UserID      int64       `json:"userId"`
	Environment string      `json:"environment"`
	Expires     wire.Millis `json:"expires_at"`
}

var (
	errNested = &wire.Error{Code: wire.UAD, Message: "A throw-away client cannot make throw-away books.", Status: http.StatusForbidden}
	errNoBook = &wire.Error{Code: wire.RPI, Message: "The selected clientId is invalid.", Status: http.StatusUnprocessableEntity,
		Faults: []wire.Fault{wire.NewFault("clientId", "exists", "The selected %s is invalid.")}}
)

// makeBook makes a client with a book of its own, which both end in some hours. It
// is let in from where its maker is, and is as lenient and as limited.
func (s *Service) makeBook(c *Call, in *bookIn) (any, error) {
	if s.Books == 0 {
		return nil, wire.ErrNoService
	}
	if c.Client.Parent != "" {
		return nil, errNested
	}
	if in.name == "" {
		in.name = "throw-away"
	}
	made, secret, err := c.DB.AddThrowaway(c.Context, c.Client, in.name, s.Now().Add(time.Duration(in.hours)*time.Hour), s.Books)
	var setting store.SettingError
	switch {
	case errors.Is(err, store.ErrLimit):
		return nil, wire.ErrLimit
	case errors.As(err, &setting): // a serving role behind the second wall makes no clients
		return nil, errors.Join(wire.ErrNoService, err)
	case err != nil:
		return nil, err
	}
	return bookMade{made.ID, secret, made.UserID, made.Environment(), made.Expires}, nil
}

type bookItem struct {
	ID      string      `json:"clientId"`
	Name    string      `json:"name"`
	UserID  int64       `json:"userId"`
	Created wire.Millis `json:"created_at"`
	Expires wire.Millis `json:"expires_at"`
}

func (s *Service) listBooks(c *Call, _ *none) (any, error) {
	children, err := c.DB.Throwaways(c.Context, c.Client.ID)
	if err != nil {
		return nil, err
	}
	list := []bookItem{}
	for _, k := range children {
		if int64(k.Expires) > s.Now().UnixMilli() {
			list = append(list, bookItem{k.ID, k.Name, k.UserID, k.Created, k.Expires})
		}
	}
	return list, nil
}

type bookRef struct{ client string }

func (in *bookRef) read(f *form) { in.client = f.text("clientId", must) }

// endBook ends one of the caller's throw-away books before its time. Its rows are
// erased with those of all that have ended.
func (s *Service) endBook(c *Call, in *bookRef) (any, error) {
	err := c.DB.EndThrowaway(c.Context, c.Client.ID, in.client, s.Now())
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoBook
	}
	return nil, err
}
