package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestChildrenLimit fills a contact with persons, more than it may hold, all at
// once.
func TestChildrenLimit(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		op := findOp(t, "POST /contacts/person")
		body := with(b.valid(op), "gcId", b.bare)
		const limit, more = 1000, 20
		answers := s.many(limit+more, func(int) *http.Request { return s.request(b.c, "POST", "/contacts/person", body) })
		want := map[string]int{"TXN Contact Person Added Successfully <nil>": limit, "ERR Limit reached <nil>": more}
		if !maps.Equal(answers, want) {
			t.Errorf("%d adds were answered %v, want %v", limit+more, answers, want)
		}
		persons := rows(s.ok(b.c, "GET", "/contacts/person", m{"gcId": b.bare}))
		if len(persons) != limit {
			t.Errorf("%d persons are listed", len(persons))
		}
		if !slices.IsSortedFunc(persons, func(x, y m) int { return strings.Compare(x["_id"].(string), y["_id"].(string)) }) {
			t.Error("the persons are not in the order of their _id")
		}
		b.state = b.snapshot()
		b.misuse(t, full, misuse{op.route, m{"gcId": b.bare}, "Limit reached", ""})

		// The limit is of a kind and of a contact, and ends when one goes.
		b.ok(b.c, "POST", "/contacts/address", with(b.valid(findOp(t, "POST /contacts/address")), "gcId", b.bare))
		b.ok(b.c, "POST", "/contacts/person", b.valid(op))
		b.ok(b.c, "DELETE", "/contacts/person", m{"gcId": b.bare, "personId": persons[7]["_id"]})
		b.ok(b.c, "POST", "/contacts/person", body)
	})
}

// many sends n requests, a few at a time, and counts the answers.
func (s *server) many(n int, request func(i int) *http.Request) map[string]int {
	var mu sync.Mutex
	answers := map[string]int{}
	work := make(chan *http.Request)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for r := range work {
				a, err := send(r)
				mu.Lock()
				answers[fmt.Sprint(a.Code, " ", a.Status, " ", err)]++
				mu.Unlock()
			}
		})
	}
	for i := range n {
		work <- request(i)
	}
	close(work)
	workers.Wait()
	return answers
}
