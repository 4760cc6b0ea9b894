// Package load sends requests over keep-alive connections and measures the
// replies, in a closed loop (each connection sends its next request when it has
// the reply to its last) or an open one (requests are due at a fixed rate,
// whatever the server does).
package load

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Source makes the requests of one connection and judges their replies.
type Source interface {
	// Next appends the next request to buf; false when there is none left.
	Next(buf []byte) ([]byte, bool)
	// Check says what is wrong with the reply to the last request.
	Check(status int, body []byte) error
}

// Options say how to load a server. A run ends by itself: after For, or after
// Max requests, or with its sources.
type Options struct {
	Addr string        // of the server, on this machine
	Rate float64       // requests a second, of all connections together; 0: closed loop
	For  time.Duration // how long requests are begun, or fall due
	Max  int           // requests; 0: as many as there is time for
}

// Result is what a run measured.
type Result struct {
	Done      int           // replies that were right
	Errors    int           // replies that were wrong, and connections that failed
	Unsent    int           // requests that fell due and were never sent: the server was too slow
	First     error         // the first of Errors
	Elapsed   time.Duration // from the start to the last reply
	Latencies *Histogram    // of Done; in an open loop from when the request was due
	BodyBytes int64         // of all right replies
}

// Rate is right replies a second.
func (r *Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Done) / r.Elapsed.Seconds()
}

// maxErrors ends a run that measures nothing but failures.
const maxErrors = 1000

// run is what the connections of one run share.
type run struct {
	Options
	start, end time.Time // of beginning requests
	late       time.Time // when an open loop gives up on requests that are due
	tickets    atomic.Int64
	errors     atomic.Int64
}

// Run loads the server with one connection a source and returns when all
// replies are there.
func Run(ctx context.Context, o Options, sources []Source) (*Result, error) {
	if host, _, err := net.SplitHostPort(o.Addr); err != nil || host != "127.0.0.1" {
		return nil, errors.New("only servers on 127.0.0.1 are loaded")
	}
	// Connections are made before the clock starts.
	hard := time.Now().Add(2*o.For + time.Minute)
	conns := make([]*conn, len(sources))
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	for i := range conns {
		var err error
		if conns[i], err = dial(o.Addr, hard); err != nil {
			return nil, err
		}
	}
	r := &run{Options: o, start: time.Now()}
	r.end, r.late = r.start.Add(o.For), r.start.Add(2*o.For)
	parts := make([]part, len(sources))
	var wg sync.WaitGroup
	for i := range sources {
		wg.Go(func() { parts[i].loop(ctx, r, &conns[i], sources[i], hard) })
	}
	wg.Wait()

	total := &Result{Latencies: new(Histogram)}
	last := r.start
	for i := range parts {
		p := &parts[i]
		total.Done += p.latencies.Count()
		total.Errors += p.errors
		total.Unsent += p.unsent
		total.BodyBytes += p.bodyBytes
		total.Latencies.Add(&p.latencies)
		if total.First == nil {
			total.First = p.first
		}
		if p.last.After(last) {
			last = p.last
		}
	}
	total.Elapsed = last.Sub(r.start)
	return total, ctx.Err()
}

// part is what one connection measured.
type part struct {
	latencies Histogram
	errors    int
	unsent    int
	first     error
	bodyBytes int64
	last      time.Time
}

func (p *part) loop(ctx context.Context, r *run, c **conn, source Source, hard time.Time) {
	buf := make([]byte, 0, 4096)
	for ctx.Err() == nil && r.errors.Load() < maxErrors {
		begin, ok := r.turn(p)
		if !ok {
			return
		}
		var more bool
		if buf, more = source.Next(buf[:0]); !more {
			return
		}
		status, body, err := (*c).roundTrip(buf)
		broken := err != nil
		if !broken {
			err = source.Check(status, body)
		}
		p.last = time.Now()
		if err == nil {
			p.latencies.Record(p.last.Sub(begin))
			p.bodyBytes += int64(len(body))
			continue
		}
		p.errors++
		r.errors.Add(1)
		if p.first == nil {
			p.first = err
		}
		if broken {
			(*c).Close()
			again, err := dial(r.Addr, hard)
			if err != nil {
				return
			}
			*c = again
		}
	}
}

// turn waits until the connection may send its next request, and returns when
// that was due.
func (r *run) turn(p *part) (time.Time, bool) {
	for {
		ticket := r.tickets.Add(1) - 1
		if r.Max > 0 && ticket >= int64(r.Max) {
			return time.Time{}, false
		}
		now := time.Now()
		if r.Rate == 0 {
			return now, now.Before(r.end)
		}
		due := r.start.Add(time.Duration(float64(ticket) / r.Rate * float64(time.Second)))
		if !due.Before(r.end) {
			return time.Time{}, false
		}
		if now.Before(r.late) {
			time.Sleep(time.Until(due))
			return due, true
		}
		p.unsent++
	}
}

// Once sends one request and returns the body of its reply, which must be right.
func Once(addr string, s Source) ([]byte, error) {
	c, err := dial(addr, time.Now().Add(time.Minute))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	request, ok := s.Next(nil)
	if !ok {
		return nil, errors.New("no request")
	}
	status, body, err := c.roundTrip(request)
	if err != nil {
		return nil, err
	}
	return body, s.Check(status, body)
}
