package sandbox

import (
	"context"
	"errors"
	"net/http"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// Request is one request of a SANDBOX client on its way through the server.
type Request struct {
	service *Service
	desk    *desk
	clock   *clock // nil: the real time
	fault   *fault // nil: nothing goes wrong
	entry   *Entry // nil: it is not in the journal
}

// Begin is told of a SANDBOX client's request to an op of the API, once its secret
// is accepted. An op of the sandbox itself is told of by its client alone: nothing
// goes wrong with it on purpose, and it is in no journal.
func (s *Service) Begin(c *store.Client, route string, r *http.Request, reference string) *Request {
	q := &Request{service: s, clock: s.clocks.get(c.Tenant())}
	if r != nil {
		q.desk = s.desk(c)
		q.fault = q.desk.draw(route)
		q.entry = newEntry(route, r, reference, s.Now())
		if q.fault != nil {
			q.entry.Fault = q.fault.ID
		}
	}
	return q
}

// Now is the book's time.
func (q *Request) Now() time.Time {
	if q.clock != nil {
		return q.clock.now()
	}
	return q.service.Now()
}

// IDs makes the ids of the book's time, in the place of the server's own.
func (q *Request) IDs(own *wire.IDs) *wire.IDs {
	if q.clock != nil {
		return q.clock.ids
	}
	return own
}

// Latency is how long the request is to be held up.
func (q *Request) Latency() time.Duration {
	if q.fault == nil {
		return 0
	}
	return time.Duration(q.fault.LatencyMs) * time.Millisecond
}

// Wait holds the request up.
func (q *Request) Wait(ctx context.Context) {
	select {
	case <-time.After(q.Latency()):
	case <-ctx.Done(): // its client is gone
	}
}

// Refuse is the error that the request is to end with instead of being done; it
// panics with http.ErrAbortHandler where the connection is to be dropped.
func (q *Request) Refuse() error {
	if q.fault == nil {
		return nil
	}
	if q.fault.Drop == before {
		panic(http.ErrAbortHandler)
	}
	if e := q.fault.refusal(); e != nil {
		return e
	}
	return nil
}

// Cuts tells whether the reply is to be broken, and how much of p, its first
// bytes, is to be sent of it.
func (q *Request) Cuts(p []byte) (send []byte, cut bool) {
	switch {
	case q.fault == nil:
		return p, false
	case q.fault.Drop == after:
		return nil, true
	case q.fault.Cut:
		return p[:len(p)/2], true
	}
	return p, false
}

// Sent is the body of the request.
func (q *Request) Sent(body []byte) {
	if q.entry != nil {
		q.entry.keepRequest(body)
	}
}

// Reply is a part of the reply's body.
func (q *Request) Reply(status int, p []byte) {
	if q.entry != nil {
		q.entry.HTTPStatus = status
		q.entry.keepReply(p)
	}
}

// Failed is why the request was refused.
func (q *Request) Failed(err error) {
	var e *wire.Error
	if q.entry != nil && errors.As(err, &e) {
		q.entry.failed = e.Faults
	}
}

// End is told of the request's outcome, and puts it into the journal.
func (q *Request) End(code wire.Code, status string, took time.Duration) {
	if q.entry != nil {
		q.entry.Code, q.entry.Status, q.entry.took = code, status, took
		q.desk.note(q.service, q.entry)
	}
}
