package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// rates sends requests that are due at a fixed rate, whatever the server does: clients that do not know of one another
// do not wait for one another. Each connection has one request under way.
type rates struct {
	address string
	request func(n int) []byte
	conns   int
}

// sent is what came of a run at one rate.
type sent struct {
	Good, Refused, Other, Unsent int
	First                        error           // of Other
	Refusals                     []time.Duration // how long each took that was sent after the first second
	Goods                        []time.Duration
	Last                         time.Duration // the last refusal, from the start
	Elapsed                      time.Duration
}

func (s *sent) rate() float64 { return float64(s.Good) / s.Elapsed.Seconds() }

// percentile is what this share of the latencies are within.
func percentile(all []time.Duration, of float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(of*float64(len(all))))]
}

// run sends for so long; rate 0 sends each connection's next request upon the answer to its last.
func (g rates) run(t *testing.T, rate float64, long time.Duration) *sent {
	t.Helper()
	var mu sync.Mutex
	next := 0
	began := time.Now()
	parts := make([]sent, g.conns)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			p := &parts[i]
			var c *rawConn
			defer func() { c.close() }()
			for {
				mu.Lock()
				n := next
				next++
				mu.Unlock()
				due := time.Now()
				if rate > 0 {
					due = began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
				}
				if due.Sub(began) >= long {
					return
				}
				time.Sleep(time.Until(due))
				if time.Since(due) > time.Second { // every connection was busy: it was never offered
					p.Unsent++
					continue
				}
				if c == nil {
					var err error
					if c, err = dialRaw(g.address); err != nil {
						p.Other++
						p.First = err
						continue
					}
				}
				start := time.Now()
				status, retry, err := c.ask(g.request(n))
				took := time.Since(start)
				switch {
				case err == nil && status == http.StatusOK:
					p.Good++
					p.Goods = append(p.Goods, took)
				case err == nil && status == http.StatusServiceUnavailable && retry:
					p.Refused++
					if start.Sub(began) > time.Second {
						p.Refusals = append(p.Refusals, took)
					}
					p.Last = time.Since(began)
				default:
					p.Other++
					p.First = fmt.Errorf("HTTP %d, %w", status, err)
				}
				if err != nil {
					c.close()
					c = nil
				}
			}
		})
	}
	all.Wait()
	total := &sent{Elapsed: max(long, time.Since(began))}
	for i := range parts {
		p := &parts[i]
		total.Good, total.Refused, total.Other, total.Unsent = total.Good+p.Good, total.Refused+p.Refused, total.Other+p.Other, total.Unsent+p.Unsent
		total.Refusals, total.Goods = append(total.Refusals, p.Refusals...), append(total.Goods, p.Goods...)
		total.Last = max(total.Last, p.Last)
		if p.First != nil {
			total.First = p.First
		}
	}
	return total
}

// rawConn is one keep-alive connection, read with as little work as will do: the machine is the server's to use.
type rawConn struct {
	net.Conn
	in *bufio.Reader
}

func dialRaw(address string) (*rawConn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &rawConn{c, bufio.NewReaderSize(c, 4<<10)}, nil
}

func (c *rawConn) close() {
	if c != nil {
		c.Conn.Close()
	}
}

// ask sends a request and reads its answer: the status, and whether it says when to come again.
func (c *rawConn) ask(request []byte) (status int, retry bool, err error) {
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.Write(request); err != nil {
		return 0, false, err
	}
	length, chunks := -1, false
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return status, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first && len(line) >= 12:
			status, err = strconv.Atoi(string(line[9:12]))
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			length, err = strconv.Atoi(string(line[16:]))
		case bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked")):
			chunks = true
		case bytes.HasPrefix(line, []byte("Retry-After: ")):
			retry = true
		}
		if err != nil {
			return status, false, err
		}
		if len(line) == 0 {
			break
		}
	}
	if chunks {
		return status, retry, fmt.Errorf("a list in chunks")
	}
	_, err = c.in.Discard(max(0, length))
	if length < 0 {
		err = io.ErrUnexpectedEOF
	}
	return status, retry, err
}

// raw is a request of the client as bytes.
func (s *server) raw(c creds, method, path, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nX-Ipay-Auth-Code: 1\r\nX-Ipay-Client-Id: %s\r\nX-Ipay-Client-Secret: %s\r\n"+
		"X-Ipay-Endpoint-Ip: 203.0.113.7\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, s.address(), c.ID, c.Secret, len(body), body)
}

func (s *server) address() string { return strings.TrimPrefix(s.url, "http://") }
