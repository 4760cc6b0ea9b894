package server

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// limits keep clients within theirs, where they have any, each server for itself.
// There is an entry for each such client that was let in, so no stranger fills it.
type limits struct{ clients sync.Map } // client id: *usage

// usage is how much of its limits a client has used. The limits themselves are
// the client's own, and may change while the server runs.
type usage struct {
	full     atomic.Int64 // when the bucket of tokens will be full again, unix nanoseconds
	inFlight atomic.Int64
}

// limit takes the request's place among those of its client, or refuses it, and
// publishes what is left in the header fields of the IETF's httpapi group.
func (q *request) limit() error {
	c := q.client
	if c.RateLimit == 0 && c.MaxInFlight == 0 {
		return nil
	}
	v, ok := q.limits.clients.Load(c.ID)
	if !ok {
		v, _ = q.limits.clients.LoadOrStore(c.ID, new(usage))
	}
	u := v.(*usage)
	var policies, left []string
	var refusal error
	if c.MaxInFlight > 0 {
		free, ok := u.enter(c.MaxInFlight)
		if ok {
			q.place = u
		} else {
			q.Metrics.refused.WithLabelValues("client in flight").Inc()
			refusal = wire.ErrTooMany(time.Second)
		}
		policies = append(policies, fmt.Sprintf(`"in-flight";q=%d;qu="concurrent-requests"`, c.MaxInFlight))
		left = append(left, fmt.Sprintf(`"in-flight";r=%d`, free))
	}
	if c.RateLimit > 0 {
		tokens := int64(1)
		if refusal != nil {
			tokens = 0
		}
		burst := burstOf(c)
		rest, full, wait := u.take(q.Now().UnixNano(), c.RateLimit, burst, tokens)
		if wait > 0 {
			q.givePlaceBack()
			q.Metrics.refused.WithLabelValues("client rate").Inc()
			refusal = wire.ErrTooMany(wait)
		}
		policies = append(policies, fmt.Sprintf(`"rate";q=%d;w=%d`, burst, (burst+c.RateLimit-1)/c.RateLimit))
		left = append(left, fmt.Sprintf(`"rate";r=%d;t=%d`, rest, (full+time.Second-1)/time.Second))
	}
	h := q.w.Header()
	h.Set("RateLimit-Policy", strings.Join(policies, ", "))
	h.Set("RateLimit", strings.Join(left, ", "))
	return refusal
}

// burstOf is how many requests a rested client may make at once.
func burstOf(c *store.Client) int64 {
	if c.Burst > 0 {
		return c.Burst
	}
	return c.RateLimit
}

// enter takes a place of so many, and tells how many are free after it.
func (u *usage) enter(places int64) (free int64, ok bool) {
	for {
		n := u.inFlight.Load()
		if n >= places {
			return 0, false
		}
		if u.inFlight.CompareAndSwap(n, n+1) {
			return places - n - 1, true
		}
	}
}

// take takes tokens, one or none, of a bucket that gains rate of them a second and
// holds burst. It tells how many are left, how long until it is full, and, when
// there was none to take, how long to wait for one. The bucket is one number, the
// time at which it is full, so it needs no lock and nobody to fill it.
func (u *usage) take(now, rate, burst, tokens int64) (left int64, full, wait time.Duration) {
	each := int64(time.Second) / rate
	for {
		was := u.full.Load()
		// No further ahead than empty, whatever the clock or the limit was before.
		at := min(max(was, now), now+burst*each)
		next := at + tokens*each
		if over := next - (now + burst*each); over > 0 {
			if was > at && !u.full.CompareAndSwap(was, at) {
				continue
			}
			return 0, time.Duration(at - now), time.Duration(over)
		}
		if u.full.CompareAndSwap(was, next) {
			return burst - (next-now+each-1)/each, time.Duration(next - now), 0
		}
	}
}

// givePlaceBack gives the request's place among those of its client back: before
// the reply's last bytes, because a client that has them may send its next request.
func (q *request) givePlaceBack() {
	if q.place != nil {
		q.place.inFlight.Add(-1)
		q.place = nil
	}
}
