package store

import (
	"sync"
	"time"

	"contactbook/internal/wire"
)

// memory keeps small records that hot requests name again and again, a tenant's
// tags, so that naming one need not ask the database. What it does not know may
// exist all the same. Whoever changes a tenant's remembered records, and whoever
// cannot tell what was changed, makes it forget them.
type memory struct {
	now func() time.Time
	ttl time.Duration // 0: for ever

	mu    sync.RWMutex
	books map[Tenant]map[wire.ID]memo
	size  int // at most: what is forgotten book by book still counts
	// forgotten counts the times that something was.
	forgotten uint64
}

// memo is a record as it stood.
type memo struct {
	record any // a pointer
	at     time.Time
}

// maxKnown bounds the memory to some 200 MB; past it everything is forgotten.
const maxKnown = 1 << 20

func newMemory(ttl time.Duration, now func() time.Time) *memory {
	return &memory{now: now, ttl: ttl, books: map[Tenant]map[wire.ID]memo{}}
}

// mark is given to learn: what is forgotten between the two stays forgotten.
func (k *memory) mark() uint64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.forgotten
}

// recall tells the records of the ids that it knows, and returns the others and
// the mark.
func (k *memory) recall(t Tenant, ids []wire.ID, tell func(i int, record any)) (unknown []wire.ID, mark uint64) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	book := k.books[t]
	for i, id := range ids {
		m, ok := book[id]
		if !ok || k.ttl != 0 && k.now().Sub(m.at) >= k.ttl {
			unknown = append(unknown, id)
			continue
		}
		tell(i, m.record)
	}
	return unknown, k.forgotten
}

func (k *memory) learn(mark uint64, t Tenant, ids []wire.ID, record func(i int) any) {
	var now time.Time
	if k.ttl != 0 {
		now = k.now()
	}
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
		book = map[wire.ID]memo{}
		k.books[t] = book
	}
	for i, id := range ids {
		book[id] = memo{record(i), now}
	}
}

func (k *memory) forget(t Tenant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgotten++
	delete(k.books, t)
}

func (k *memory) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgotten++
	clear(k.books)
	k.size = 0
}

// rememberedTables are those whose records Recall and Missing are used on.
var rememberedTables = map[string]bool{"tag": true}

// touch notes that the transaction changes a table, or any.
func (tx *Tx) touch(table string) {
	if table == "" || rememberedTables[table] {
		tx.touched, tx.job.touched = true, true
	}
}

// settle forgets what a job changed, once its transaction has ended and before
// anybody is told.
func (db *DB) settle(j *job) {
	if j.touched {
		db.known.forget(j.tenant)
	}
}

// Recall returns the records with these ids, nil for each that does not exist:
// what is remembered, and of the rest what look finds. They are shared, so
// nobody changes them.
func Recall[R any, P interface {
	*R
	Record
}](from Reader, ids []wire.ID, look func([]wire.ID) ([]R, error)) ([]P, error) {
	return recall[R, P](from, ids, look, from.source().db.known.ttl == 0)
}

// Missing returns those of ids that do not exist. On PostgreSQL one that another
// server deleted may pass for knownFor.
func Missing[R any, P interface {
	*R
	Record
}](from Reader, ids []wire.ID, look func([]wire.ID) ([]R, error)) ([]wire.ID, error) {
	found, err := recall[R, P](from, ids, look, true)
	if err != nil {
		return nil, err
	}
	var missing []wire.ID
	for i, id := range ids {
		if found[i] == nil {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

func recall[R any, P interface {
	*R
	Record
}](from Reader, ids []wire.ID, look func([]wire.ID) ([]R, error), remembered bool) ([]P, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	s := from.source()
	all := make([]P, len(ids))
	unknown, mark := ids, s.db.known.mark()
	if remembered && !s.touched {
		unknown, mark = s.db.known.recall(s.tenant, ids, func(i int, record any) { all[i] = record.(P) })
	}
	if len(unknown) == 0 {
		return all, nil
	}
	found, err := look(unknown)
	if err != nil {
		return nil, err
	}
	names := make([]wire.ID, len(found))
	for i := range found {
		names[i] = P(&found[i]).meta().ID
		for n, id := range ids {
			if id == names[i] {
				all[n] = &found[i]
			}
		}
	}
	if !s.touched { // else it is not committed yet
		s.db.known.learn(mark, s.tenant, names, func(i int) any { return P(&found[i]) })
	}
	return all, nil
}
