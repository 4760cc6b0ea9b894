package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestClientLimits (O4, of one client): a client is kept within the limits that client create and update give it,
// while the server runs, and is told of them; its neighbour in the same book is not.
func TestClientLimits(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		limited, neighbour := s.client(1, "LIVE", "--max-in-flight", "1"), s.client(1, "LIVE")
		tag := s.tag(neighbour, "a")
		free := func() {
			t.Helper()
			if r := s.ok(neighbour, "GET", "/contacts/tag", nil); r.Header.Get("RateLimit") != "" || r.Header.Get("RateLimit-Policy") != "" {
				t.Errorf("a client without limits is told of %v", r.Header)
			}
		}

		// One at a time: the first has sent its headers, and its body is awaited.
		conn, body := s.hold(limited, contactBodyText(tag))
		r := s.call(limited, "GET", "/contacts/tag", nil)
		s.tooMany(r)
		if got := r.Header.Get("RateLimit"); got != `"in-flight";r=0` {
			t.Errorf("RateLimit: %s", got)
		}
		if got := r.Header.Get("RateLimit-Policy"); got != `"in-flight";q=1;qu="concurrent-requests"` {
			t.Errorf("RateLimit-Policy: %s", got)
		}
		if p := s.call(limited, "GET", "/contacts/tag", nil, "Accept", "application/problem+json"); p.HTTP != 429 || p.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("as problem details: %d %s", p.HTTP, p.Raw)
		}
		free()
		io.WriteString(conn, body)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil || !strings.Contains(string(text), `"TXN"`) || res.Header.Get("RateLimit") != `"in-flight";r=0` {
			t.Errorf("the one in flight: %v %s %v", err, text, res.Header)
		}
		s.ok(limited, "GET", "/contacts/tag", nil)

		// A rate instead: within 5 s on a running server, as any change of a client.
		s.must("client", "update", limited.ID, "--max-in-flight", "0", "--rate-limit", "1", "--burst", "4")
		var told reply
		s.until("a client is limited to a rate", func() bool {
			var wg sync.WaitGroup
			var mu sync.Mutex
			for range 8 {
				wg.Go(func() {
					r, err := send(s.request(limited, "GET", "/contacts/tag", nil))
					if mu.Lock(); err != nil {
						t.Error(err)
					} else if r.HTTP == 429 && strings.Contains(r.Header.Get("RateLimit"), `"rate"`) {
						told = r
					}
					mu.Unlock()
				})
			}
			wg.Wait()
			return told.HTTP != 0
		})
		s.tooMany(told)
		if got := told.Header.Get("RateLimit-Policy"); got != `"rate";q=4;w=4` {
			t.Errorf("RateLimit-Policy: %s", got)
		}
		if got := told.Header.Get("RateLimit"); !regexp.MustCompile(`^"rate";r=0;t=[1-4]$`).MatchString(got) {
			t.Errorf("RateLimit: %s", got)
		}
		free()
		wait, _ := strconv.Atoi(told.Header.Get("Retry-After"))
		time.Sleep(time.Duration(wait) * time.Second)
		s.ok(limited, "GET", "/contacts/tag", nil) // as promised

		s.must("client", "update", limited.ID, "--rate-limit", "0")
		s.until("the limit is off", func() bool {
			r := s.call(limited, "GET", "/contacts/tag", nil)
			return r.Code == "TXN" && r.Header.Get("RateLimit") == ""
		})
	})
}

func contactBodyText(tag string) string {
	return fmt.Sprintf(`{"name":"a","email":"a@b.example","mobile":"7428585742","tagDetails":[{"tagId":%q}]}`, tag)
}

// hold begins to add a contact and returns when the server has let it in and waits for its body.
func (s *server) hold(c creds, body string) (net.Conn, string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "POST /contacts/profile HTTP/1.1\r\nHost: x\r\nX-Ipay-Auth-Code: 1\r\nX-Ipay-Client-Id: %s\r\nX-Ipay-Client-Secret: %s\r\n"+
		"X-Ipay-Endpoint-Ip: ::1\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", c.ID, c.Secret, len(body))
	const let = "HTTP/1.1 100 Continue\r\n\r\n"
	answer := make([]byte, len(let))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != let {
		s.t.Fatalf("%q, %v", answer, err)
	}
	return conn, body
}

// tooMany checks a 429.
func (s *server) tooMany(r reply) {
	s.t.Helper()
	wait, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if r.HTTP != 429 || r.Code != "ERR" || r.Status != "Too many requests" || err != nil || wait < 1 || wait > 60 {
		s.t.Errorf("%d %s, Retry-After %q", r.HTTP, r.Raw, r.Header.Get("Retry-After"))
	}
}

// until waits for what will be so.
func (s *server) until(what string, so func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not in a minute: %s", what)
		}
	}
}
