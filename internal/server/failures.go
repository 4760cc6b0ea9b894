package server

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// failures counts wrong credentials by the caller's address, and tells which
// addresses have had their share for now. It is no guard of the secrets, which
// are too long to be guessed, but of the database, which every guess asks.
//
// An address's minute begins with its first failure. Entries move through two
// tables that change places once a minute, so that none is kept for more than two
// and none needs to be searched for.
type failures struct {
	limit int // a minute and address; 0: any number
	any   atomic.Bool

	mu      sync.Mutex
	now     map[netip.Prefix]failed
	before  map[netip.Prefix]failed
	rotated time.Time
}

type failed struct {
	since time.Time
	times int
}

const (
	failureWindow = time.Minute
	// maxFailed bounds each table, to a few megabytes. Beyond it arbitrary addresses
	// are forgotten; whoever commands so many needs no second try from one.
	maxFailed = 1 << 15
)

// failureKey is what counts as one address: of IPv6 a /64, all of which one
// caller has.
func failureKey(ip netip.Addr) netip.Prefix {
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // of no address: the zero prefix, one for all of them
	return p
}

// blocked is for how long the caller of q is refused; 0 when it is not.
func (f *failures) blocked(q *request) time.Duration {
	if !f.any.Load() { // nearly always
		return 0
	}
	key := failureKey(callerIP(q.r, q.TrustedProxies))
	now := q.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rotate(now)
	if e := f.get(key, now); e.times >= f.limit {
		return e.since.Add(failureWindow).Sub(now)
	}
	return 0
}

// count counts a failure of the caller of q.
func (f *failures) count(q *request) {
	if f.limit == 0 {
		return
	}
	key := failureKey(callerIP(q.r, q.TrustedProxies))
	now := q.Now()
	f.mu.Lock()
	f.rotate(now)
	e := f.get(key, now)
	if e.times == 0 {
		e.since = now
	}
	e.times++
	if _, known := f.now[key]; !known && len(f.now) >= maxFailed {
		for other := range f.now {
			delete(f.now, other)
			break
		}
	}
	f.now[key] = e
	f.any.Store(true)
	f.mu.Unlock()
	if e.times == f.limit { // the address itself is personal data
		q.Log.Warn("an address has sent wrong credentials too often and is refused for the rest of its minute",
			"ipay_uuid", q.env.Reference, "x_forwarded_for", q.forwarded())
	}
}

// forwarded tells what was made of X-Forwarded-For: a proxy that is not trusted is
// refused with everybody behind it.
func (q *request) forwarded() string {
	switch {
	case len(q.r.Header.Values("X-Forwarded-For")) == 0:
		return "none"
	case callerIP(q.r, q.TrustedProxies) == callerIP(q.r, nil):
		return "not believed"
	}
	return "believed"
}

// get is an address's entry, zero when its minute is over or the clock has gone
// back; mu is held.
func (f *failures) get(key netip.Prefix, now time.Time) failed {
	e, ok := f.now[key]
	if !ok {
		e = f.before[key]
	}
	if age := now.Sub(e.since); age >= failureWindow || age < 0 {
		return failed{}
	}
	return e
}

// rotate forgets what is over; mu is held.
func (f *failures) rotate(now time.Time) {
	age := now.Sub(f.rotated)
	if f.now != nil && age >= 0 && age < failureWindow {
		return
	}
	f.before, f.now, f.rotated = f.now, map[netip.Prefix]failed{}, now
	if age >= 2*failureWindow || age < 0 {
		f.before = nil
	}
	f.any.Store(len(f.before) > 0)
}
