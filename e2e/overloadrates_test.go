package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// TestOverloadRates (O4) offers two, five and ten times what a server can do, by clients that do not wait for one
// another. They share the machine's cores with the server and with PostgreSQL, so what is asked is a page of 500
// contacts, which costs the server many times what a refusal does: where requests cost little more than to be read, to
// refuse nine for each that is served takes the time of serving. Adds, which are nearly so, are measured at twice their
// peak. Figures that are missed are recorded, and do not fail the test: what is fast here depends on the clients too.
func TestOverloadRates(t *testing.T) {
	proof.Large(t)
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) { // one after the other: each needs the machine
			s := start(t, engine)
			c := s.client(5, "LIVE")
			add, err := json.Marshal(contactBody("Sample Name", s.tag(c, "Employee")))
			if err != nil {
				t.Fatal(err)
			}
			one := s.raw(c, "POST", "/contacts/profile", string(add))
			page := s.raw(c, "GET", "/contacts/profile?limit=500", "")
			adds := rates{s.address(), func(int) []byte { return one }, 64}
			pages := rates{s.address(), func(int) []byte { return page }, 64}
			adds.run(t, 0, 2*time.Second) // there are contacts to list, and all is warm
			overload(t, s, "pages of 500 contacts", pages, map[int]float64{2: 0.9, 5: 0.8, 10: 0.8})
			overload(t, s, "adds", adds, map[int]float64{2: 0.9})
		})
	}
}

// overload offers each multiple of the peak, and holds what was served against its share of the peak.
func overload(t *testing.T, s *server, what string, g rates, shares map[int]float64) {
	t.Helper()
	g.run(t, 0, 2*time.Second)
	peak := g.run(t, 0, 5*time.Second)
	if peak.Other > 0 || peak.Refused > 0 || peak.Good == 0 {
		t.Fatalf("%s: at the peak %d were refused and %d failed: %v", what, peak.Refused, peak.Other, peak.First)
	}
	g.conns = 2000
	for _, times := range []int{2, 5, 10} {
		least, ok := shares[times]
		if !ok {
			continue
		}
		o := g.run(t, float64(times)*peak.rate(), time.Duration(proof.Pick(0, 8, 60))*time.Second)
		after := g.run(t, peak.rate()/2, 8*time.Second)
		if o.Other > 0 || after.Other > 0 {
			t.Errorf("%s at %d times the peak: %d and %d answers are neither successes nor refusals with Retry-After: %v %v", what, times, o.Other, after.Other, o.First, after.First)
		}
		offered := float64(o.Good+o.Refused) / o.Elapsed.Seconds() / peak.rate()
		name := fmt.Sprintf("%s, %s, %d times the peak of %.0f/s (%.1f times were sent)", s.engine, what, times, peak.rate(), offered)
		record := func(what, target, got string, met bool) {
			t.Helper()
			proof.Record(t, proof.Figure{ID: "O4", What: name + ": " + what, Target: target, Got: got, Met: met})
		}
		share := o.rate() / peak.rate()
		record("served, of the peak", fmt.Sprintf("%.0f%%", 100*least), fmt.Sprintf("%.0f%%", 100*share), share >= least)
		half, most := percentile(o.Refusals, 0.5), percentile(o.Refusals, 0.99)
		record("refusals after the first second, p50 (p99), at the client", "5 ms", fmt.Sprintf("%v (%v)", half.Round(time.Millisecond), most.Round(time.Millisecond)), most <= 5*time.Millisecond)
		record("at half the peak again: the last refusal", "5 s", after.Last.Round(time.Millisecond).String(), after.Last <= 5*time.Second)
	}
}
