package sandbox

import (
	"sync"
	"sync/atomic"
	"time"

	"contactbook/internal/store"
)

// What a server keeps in memory for its SANDBOX clients altogether. Beyond it the
// client that has been quiet for longest is forgotten first.
const (
	maxDesks = 2000     // clients with faults or a journal
	maxBytes = 64 << 20 // of journals
)

// desk is what one server keeps for one client: its faults and its journal.
type desk struct {
	used atomic.Int64 // when it was last, unix nanoseconds

	mu      sync.Mutex
	faults  []*fault
	lastID  int
	journal []*Entry // oldest first
	bytes   int      // of the journal
	gone    bool     // it is forgotten
}

// desks are those of all clients.
type desks struct {
	mu    sync.RWMutex
	of    map[string]*desk // by client id
	bytes atomic.Int64     // of all journals
}

// desk is the client's own, made when it is first asked for.
func (s *Service) desk(c *store.Client) *desk {
	s.desks.mu.RLock()
	d := s.desks.of[c.ID]
	s.desks.mu.RUnlock()
	if d == nil {
		s.desks.mu.Lock()
		if d = s.desks.of[c.ID]; d == nil {
			d = new(desk)
			s.desks.of[c.ID] = d
		}
		s.desks.mu.Unlock()
	}
	d.used.Store(time.Now().UnixNano())
	return d
}

// tidy forgets clients as long as there is too much to keep; never keep, whose
// turn it is.
func (s *Service) tidy(keep *desk) {
	s.desks.mu.RLock()
	many := len(s.desks.of) > maxDesks
	s.desks.mu.RUnlock()
	for many || s.desks.bytes.Load() > maxBytes {
		s.desks.mu.Lock()
		oldest, id := (*desk)(nil), ""
		for k, d := range s.desks.of {
			if d != keep && (oldest == nil || d.used.Load() < oldest.used.Load()) {
				oldest, id = d, k
			}
		}
		delete(s.desks.of, id)
		many = len(s.desks.of) > maxDesks
		s.desks.mu.Unlock()
		if oldest == nil {
			return
		}
		oldest.forget(s)
	}
}

// forget drops a client that is no more, or that others need the room of.
func (d *desk) forget(s *Service) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.desks.bytes.Add(-int64(d.bytes))
	d.journal, d.faults, d.bytes, d.gone = nil, nil, 0, true
}

func (s *Service) forget(c *store.Client) {
	s.desks.mu.Lock()
	d := s.desks.of[c.ID]
	delete(s.desks.of, c.ID)
	s.desks.mu.Unlock()
	if d != nil {
		d.forget(s)
	}
	s.clocks.drop(c.Tenant())
}
