package server

import (
	"container/list"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"contactbook/internal/wire"
)

// admission lets at most limit requests work at a time. In a burst more wait, the
// newest is let in first, and the oldest is refused when too many wait or it has
// waited too long: a fresh request still has a caller who waits for it, and an old
// one mostly has not, so the work that is done is work that somebody wants. Once
// one was refused it is no burst but an overload, until none was for a while: who
// finds no place then is refused at once, and who comes when one is free has it.
//
// A request works while it costs the server something: not while its body is
// awaited or its reply is read, so that slow clients cannot fill the limit.
//
// Until the limit is reached, coming in and going out are one atomic addition
// each. In what follows load counts those that work and those that want to, and
//
//	working + hand-overs under way + spare = min(load, limit)
//
// holds after every step. A request that goes out while others want to come in
// owes one of them its place: a hand-over. It goes to the newest that waits, else
// into spare, for one that is counted in load but does not wait yet. spare is
// negative while more than limit work, or when the place that a hand-over under
// way will bring is gone; the next hand-over pays that first.
type admission struct {
	limit    int64
	maxWait  int           // how many may wait
	patience time.Duration // how long they may, and how long after a refusal nobody may
	metrics  *Metrics
	log      *slog.Logger
	load     atomic.Int64

	mu      sync.Mutex
	spare   int64
	waiting list.List // of *waiter, newest first
	refused time.Time // the last refusal
	said    time.Time // when the log was last told of refusals
	unsaid  int       // how many there were since
}

// waiter is a request that waits to be let in.
type waiter struct {
	verdict chan bool // let in, or refused to make room
	gone    bool      // it is no longer in the list
}

// DefaultRequests is how many requests may work at a time: two full commits of
// SQLite, one that is written and one that gathers, and many times what
// PostgreSQL's pool can use at once. More would only wait further in.
const DefaultRequests = 512

// defaultPatience is well within what Retry-After tells those who are refused.
const defaultPatience = 200 * time.Millisecond

// newAdmission lets twice as many wait as may work: a burst that a healthy server
// works off well within their patience.
func newAdmission(limit int, m *Metrics, log *slog.Logger) *admission {
	return &admission{limit: int64(limit), maxWait: 2 * limit, patience: defaultPatience, metrics: m, log: log}
}

// enter is false when the request must be refused. One that was let in must leave.
func (a *admission) enter() bool {
	return a.load.Add(1) <= a.limit || a.wait()
}

// leave gives the place to one that waits.
func (a *admission) leave() {
	if a.load.Add(-1) >= a.limit {
		a.handOver()
	}
}

// reenter is enter for a request that has begun to answer: it is not refused, and
// counts beyond the limit if it must.
func (a *admission) reenter() {
	if a.load.Add(1) > a.limit {
		a.mu.Lock()
		a.spare--
		a.mu.Unlock()
	}
}

func (a *admission) wait() bool {
	a.mu.Lock()
	if a.spare > 0 {
		a.spare--
		a.mu.Unlock()
		return true
	}
	if time.Since(a.refused) < a.patience {
		a.giveUp()
		a.mu.Unlock()
		return false
	}
	if a.waiting.Len() >= a.maxWait {
		a.remove(a.waiting.Back()).verdict <- false
		a.giveUp()
	}
	w := &waiter{verdict: make(chan bool, 1)}
	e := a.waiting.PushFront(w)
	a.metrics.waiting.Inc()
	a.mu.Unlock()

	timer := time.NewTimer(a.patience)
	defer timer.Stop()
	select {
	case in := <-w.verdict:
		return in
	case <-timer.C:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.gone { // just now
		return <-w.verdict
	}
	a.remove(e)
	a.giveUp()
	return false
}

func (a *admission) handOver() {
	a.mu.Lock()
	defer a.mu.Unlock()
	newest := a.waiting.Front()
	if a.spare < 0 || newest == nil {
		a.spare++
		return
	}
	a.remove(newest).verdict <- true
}

// remove takes a waiter off the list; mu is held.
func (a *admission) remove(e *list.Element) *waiter {
	w := a.waiting.Remove(e).(*waiter)
	w.gone = true
	a.metrics.waiting.Dec()
	return w
}

// giveUp takes one that is refused off load; mu is held. Where that was not above the
// limit, a hand-over to it was under way.
func (a *admission) giveUp() {
	a.refused = time.Now()
	a.metrics.overload.Inc()
	// A line for each would cost as much as the refusal.
	if a.unsaid++; a.refused.Sub(a.said) >= time.Second {
		a.log.Warn("overload: requests were refused", "requests", a.unsaid)
		a.said, a.unsaid = a.refused, 0
	}
	if a.load.Add(-1) < a.limit {
		a.spare--
	}
}

// admit lets the request work, or refuses it.
func (q *request) admit() error {
	if !q.admission.enter() {
		q.turnedAway = true
		return wire.ErrDown
	}
	q.working = true
	return nil
}

// rest ends the request's work, for good or until its client has done its part;
// false when it did not work.
func (q *request) rest() bool {
	if !q.working {
		return false
	}
	q.working = false
	q.admission.leave()
	return true
}

// workOn resumes the work of a request that has begun to answer.
func (q *request) workOn() {
	q.admission.reenter()
	q.working = true
}
