package sandbox

import (
	"net/http"
	"sync"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// clock is a book's own time, which all of its clients share.
type clock struct {
	real func() time.Time
	ids  *wire.IDs

	mu     sync.Mutex
	ahead  time.Duration // of the real time, while it runs
	frozen *time.Time    // nil while it runs
}

func (k *clock) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at()
}

// at is the time; mu is held.
func (k *clock) at() time.Time {
	if k.frozen != nil {
		return *k.frozen
	}
	return k.real().Add(k.ahead)
}

// set moves the clock; false when that would lead out of the times that there are.
func (k *clock) set(at *time.Time, advance time.Duration, frozen *bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.at()
	next := before
	if at != nil {
		next = *at
	}
	if next = next.Add(advance); next.Before(earliest) || !next.Before(latest) {
		return false
	}
	stands := k.frozen != nil
	if frozen != nil {
		stands = *frozen
	}
	if k.frozen = nil; stands {
		k.frozen = &next
	}
	k.ahead = next.Sub(k.real())
	if next.Before(before) {
		k.ids.Turn()
	}
	return true
}

// clocks are those of books whose time is not the real one.
type clocks struct {
	mu sync.RWMutex
	of map[store.Tenant]*clock
}

func (c *clocks) get(t store.Tenant) *clock {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.of[t]
}

func (c *clocks) drop(t store.Tenant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, t)
}

func (c *clocks) make(t store.Tenant, real func() time.Time) *clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.of[t]
	if k == nil {
		k = &clock{real: real}
		k.ids = wire.NewIDs(k.now)
		c.of[t] = k
	}
	return k
}

// clockView is a book's time as it is told.
type clockView struct {
	Now    wire.Millis `json:"now"`
	Frozen bool        `json:"frozen"`
	Real   bool        `json:"real"` // nobody has set it
}

func (s *Service) readClock(c *Call, _ *none) (any, error) {
	k := s.clocks.get(c.Client.Tenant())
	if k == nil {
		return clockView{wire.Millis(s.Now().UnixMilli()), false, true}, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return clockView{wire.Millis(k.at().UnixMilli()), k.frozen != nil, false}, nil
}

type clockIn struct {
	at      *time.Time
	advance time.Duration
	frozen  *bool
}

func (in *clockIn) read(f *form) {
	in.at = f.moment("at")
	in.advance = f.span("advance")
	in.frozen = f.flag("frozen")
}

var errClock = &wire.Error{Code: wire.RPI, Message: "The clock must stay between 1970 and 2100.", Status: http.StatusUnprocessableEntity,
	Faults: []wire.Fault{{Pointer: "/advance", Rule: "between", Message: "The clock must stay between 1970 and 2100."}}}

// setClock sets the book's time, then advances it; frozen, it stands still from
// then on.
func (s *Service) setClock(c *Call, in *clockIn) (any, error) {
	if !s.clocks.make(c.Client.Tenant(), s.Now).set(in.at, in.advance, in.frozen) {
		return nil, errClock
	}
	return s.readClock(c, nil)
}

// dropClock gives the book the real time again.
func (s *Service) dropClock(c *Call, _ *none) (any, error) {
	s.clocks.drop(c.Client.Tenant())
	return nil, nil
}
