package server

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// scrape is what Prometheus would read.
func (w *world) scrape() string {
	var b strings.Builder
	families, err := w.Metrics.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if m.Counter != nil && len(m.Label) == 1 {
				fmt.Fprintf(&b, "%s{%s=%q} %v\n", f.GetName(), m.Label[0].GetName(), m.Label[0].GetValue(), m.Counter.GetValue())
			}
		}
	}
	return b.String()
}

// clock is a clock that stands until it is moved.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanos.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// TestBucket follows a bucket of tokens through time.
func TestBucket(t *testing.T) {
	l, c := new(usage), newClock()
	take := func(left int64, wait time.Duration) {
		t.Helper()
		gotLeft, _, gotWait := l.take(c.now().UnixNano(), 10, 3, 1)
		if gotLeft != left || gotWait != wait {
			t.Errorf("%d left, wait %v; want %d, %v", gotLeft, gotWait, left, wait)
		}
	}
	take(2, 0)
	take(1, 0)
	take(0, 0)
	take(0, 100*time.Millisecond)
	c.advance(60 * time.Millisecond)
	take(0, 40*time.Millisecond)
	c.advance(40 * time.Millisecond)
	take(0, 0)
	c.advance(time.Hour) // no more than a burst is saved up
	take(2, 0)
	c.advance(-time.Hour) // a clock that steps back costs a bucket, not an hour
	take(0, 100*time.Millisecond)
	c.advance(300 * time.Millisecond)
	if left, full, wait := l.take(c.now().UnixNano(), 10, 3, 0); left != 3 || full != 0 || wait != 0 {
		t.Errorf("a look: %d left, full in %v, wait %v", left, full, wait)
	}

	// Many at once take what there is, once.
	l, c = new(usage), newClock()
	var got atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if _, _, wait := l.take(c.now().UnixNano(), 50, 100, 1); wait == 0 {
					got.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got.Load() != 100 {
		t.Errorf("%d were let in of a burst of 100", got.Load())
	}
}

// TestClientLimits: a client is kept within its own limits, and told of them; another is not.
func TestClientLimits(t *testing.T) {
	w := newWorld(t)
	c := newClock()
	w.Now = c.now
	client, secret, err := w.DB.AddClient(t.Context(), store.Client{UserID: 7, Name: "b", RateLimit: 2, Burst: 3, MaxInFlight: 2})
	if err != nil {
		t.Fatal(err)
	}
	limited := func() *httptest.ResponseRecorder {
		return w.do(w.request("GET", "/contacts/tag", "", "X-Ipay-Client-Id", client.ID, "X-Ipay-Client-Secret", secret))
	}
	const policy = `"in-flight";q=2;qu="concurrent-requests", "rate";q=3;w=2`
	told := func(rec *httptest.ResponseRecorder, left string) {
		t.Helper()
		if got := rec.Header().Get("RateLimit-Policy"); got != policy {
			t.Errorf("RateLimit-Policy: %s", got)
		}
		if got := rec.Header().Get("RateLimit"); got != left {
			t.Errorf("RateLimit: %s, want %s", got, left)
		}
	}
	told(limited(), `"in-flight";r=1, "rate";r=2;t=1`)
	told(limited(), `"in-flight";r=1, "rate";r=1;t=1`)
	told(limited(), `"in-flight";r=1, "rate";r=0;t=2`)
	rec := limited()
	refused(t, rec, 429, wire.ERR, "Too many requests")
	told(rec, `"in-flight";r=1, "rate";r=0;t=2`)
	for range 10 {
		rec := w.do(w.request("GET", "/contacts/tag", ""))
		if !bytes.Contains(rec.Body.Bytes(), []byte(`"TXN"`)) || rec.Header().Get("RateLimit") != "" {
			t.Fatalf("a client without limits: %v %s", rec.Header(), rec.Body)
		}
	}
	c.advance(time.Second)
	v, _ := w.limits.clients.Load(client.ID)
	l := v.(*usage)
	if n := l.inFlight.Load(); n != 0 {
		t.Fatalf("%d are in flight at rest", n)
	}
	l.inFlight.Store(2)
	rec = limited()
	refused(t, rec, 429, wire.ERR, "Too many requests")
	told(rec, `"in-flight";r=0, "rate";r=2;t=1`)
	l.inFlight.Store(0)
	told(limited(), `"in-flight";r=1, "rate";r=1;t=1`)
	text := w.scrape()
	for _, line := range []string{`contactbook_requests_refused_total{why="client rate"} 1`, `contactbook_requests_refused_total{why="client in flight"} 1`} {
		if !strings.Contains(text, line) {
			t.Errorf("not counted: %s", line)
		}
	}
}
