package store

import (
	"slices"
	"sync"
	"time"

	"contactbook/internal/wire"
)

// knownIDs remembers ids that were found to exist, so that naming one in a hot
// write need not ask the database. An id that it does not know may exist all the
// same. It must forget whatever may have gone: on a delete, on a rollback, and
// when another process has written.
type knownIDs struct {
	now func() time.Time
	ttl time.Duration // 0: for ever

	mu    sync.RWMutex
	books map[Tenant]map[wire.ID]time.Time
	size  int // at most: what is forgotten one by one still counts
	// forgotten counts the times that something was.
	forgotten uint64
}

// maxKnown bounds the memory to some 100 MB; past it everything is forgotten.
const maxKnown = 1 << 20

func newKnownIDs(ttl time.Duration, now func() time.Time) *knownIDs {
	return &knownIDs{now: now, ttl: ttl, books: map[Tenant]map[wire.ID]time.Time{}}
}

func (k *knownIDs) has(t Tenant, id wire.ID) bool {
	k.mu.RLock()
	at, ok := k.books[t][id]
	k.mu.RUnlock()
	return ok && (k.ttl == 0 || k.now().Sub(at) < k.ttl)
}

// mark is given to learn: what is forgotten between the two stays forgotten.
func (k *knownIDs) mark() uint64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.forgotten
}

func (k *knownIDs) learn(mark uint64, t Tenant, ids []wire.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if mark != k.forgotten {
		return
	}
	if k.size += len(ids); k.size > maxKnown {
		clear(k.books)
		k.size = len(ids)
	}
	book := k.books[t]
	if book == nil {
		book = map[wire.ID]time.Time{}
		k.books[t] = book
	}
	for _, id := range ids {
		book[id] = k.now()
	}
}

func (k *knownIDs) forget(t Tenant, id wire.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgotten++
	delete(k.books[t], id)
}

func (k *knownIDs) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgotten++
	clear(k.books)
	k.size = 0
}

// Missing returns those of ids that do not exist, asking look, which returns
// those that do, only about the ones that were not lately found.
func Missing(from Reader, ids []wire.ID, look func([]wire.ID) ([]wire.ID, error)) ([]wire.ID, error) {
	s := from.source()
	var missing []wire.ID
	for _, id := range ids {
		if !s.db.known.has(s.tenant, id) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	mark := s.db.known.mark()
	found, err := look(missing)
	if err != nil {
		return nil, err
	}
	s.db.known.learn(mark, s.tenant, found)
	return slices.DeleteFunc(missing, func(id wire.ID) bool { return slices.Contains(found, id) }), nil
}

// Forget must be called by whoever deletes an id that may have been learned.
func (tx *Tx) Forget(id wire.ID) {
	tx.db.known.forget(tx.tenant, id)
	tx.job.gone = append(tx.job.gone, id)
}
