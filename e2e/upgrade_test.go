package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// rotation is what a balancer sends requests to, in turn.
type rotation struct {
	mu      sync.Mutex
	members []*server
	turn    int
	busy    map[*server]int // requests under way
}

func (r *rotation) pick() *server {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn++
	s := r.members[r.turn%len(r.members)]
	r.busy[s]++
	return s
}

func (r *rotation) done(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[s]--
}

// replace puts fresh in the place of old and tells when nothing is under way to old.
func (r *rotation) replace(old, fresh *server) (idle func() bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[slices.Index(r.members, old)] = fresh
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.busy[old] == 0
	}
}

// TestRollingUpgrade (O6) replaces two servers on one PostgreSQL one after the other, under load: no request fails, and
// what any of them acknowledged is in the book that the new ones serve. CONTACTBOOK_TEST_OLD_BINARY names a contactbook
// of another release to upgrade from; without it a server is replaced by one of its kind.
func TestRollingUpgrade(t *testing.T) {
	proof.Large(t)
	t.Parallel()
	oldBinary := os.Getenv("CONTACTBOOK_TEST_OLD_BINARY")
	database, pepper := newDatabase(t, "postgres"), filepath.Join(t.TempDir(), "pepper.key")
	launch := func(program string) *server {
		s := &server{t: t, engine: "postgres", database: database, pepper: pepper, program: program}
		s.start()
		t.Cleanup(s.kill)
		return s
	}
	olds := []*server{launch(oldBinary)}
	c := olds[0].client(1, "LIVE") // by the old binary, if there is one: the new one would bring the schema up to date
	olds = append(olds, launch(oldBinary))
	tag := olds[0].tag(c, "a")

	r := &rotation{members: slices.Clone(olds), busy: map[*server]int{}}
	var acknowledged sync.Map
	var calls, failed atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	call := func(c creds, method, path string, body any) reply {
		s := r.pick()
		defer r.done(s)
		calls.Add(1)
		a, err := send(s.request(c, method, path, body))
		if err != nil || a.Code != "TXN" {
			failed.Add(1)
			t.Errorf("%s %s: %v %s", method, path, err, a.Raw)
		}
		return a
	}
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; wait(stop, 2*time.Millisecond) && failed.Load() < 10; i++ {
				id := call(c, "POST", "/contacts/profile", contactBody(fmt.Sprint(worker, " ", i), tag)).id()
				acknowledged.Store(id, true)
				// Whichever server is asked knows it.
				if got := string(call(c, "GET", "/contacts/profile", m{"contactId": id}).Data); !strings.Contains(got, `"`+id+`"`) {
					t.Errorf("contact %s is not in %s", id, got)
				}
			}
		})
	}
	enough := func() { // of requests to what stands in the rotation now
		from := calls.Load()
		olds[0].until("60 calls", func() bool { return calls.Load() >= from+60 || failed.Load() > 0 })
	}
	enough()
	for _, old := range olds {
		fresh := launch("")
		idle := r.replace(old, fresh)
		enough() // old and new side by side
		old.until("the old server is idle", idle)
		if err := old.stop(); err != nil {
			t.Errorf("the old server: exit %v", err)
		}
		// Credentials that one of the new ones makes are good at the others, old or new.
		another := fresh.client(1, "LIVE")
		for range r.members {
			call(another, "GET", "/contacts/tag", nil)
		}
	}
	enough()
	close(stop)
	wg.Wait()

	last, count, lost := r.members[0], 0, 0
	list := string(last.ok(c, "GET", "/contacts/profile", nil).Data)
	acknowledged.Range(func(id, _ any) bool {
		if count++; !strings.Contains(list, `"_id":"`+id.(string)+`"`) {
			lost++
			t.Errorf("contact %s is lost", id)
		}
		return true
	})
	from := "one of its kind"
	if oldBinary != "" {
		from = "the next release"
	}
	proof.Record(t, proof.Figure{ID: "O6", What: fmt.Sprintf("2 servers replaced under load, each by %s: failed of %d requests", from, calls.Load()),
		Target: "0", Got: fmt.Sprint(failed.Load()), Met: failed.Load() == 0})
	proof.Record(t, proof.Figure{ID: "O6", What: fmt.Sprintf("lost of %d contacts acknowledged meanwhile", count),
		Target: "0", Got: fmt.Sprint(lost), Met: lost == 0})
}
