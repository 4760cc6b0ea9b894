package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// TestOverload (O4, small) has far more adds come than a server may work on,
// while its database stands still: what is over is refused in time and in form,
// what was accepted is kept, and then all is as before.
func TestOverload(t *testing.T) {
	const (
		working = 4   // and twice as many wait
		burst   = 120 // ten times both
	)
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			database := newDatabase(t, engine)
			if engine == "postgres" { // else it gives the lock up after 2 s
				sign := "?"
				if strings.Contains(database, "?") {
					sign = "&"
				}
				database += sign + "lock_timeout=60000&statement_timeout=60000"
			}
			s := startOn(t, engine, database, filepath.Join(t.TempDir(), "pepper.key"),
				"--max-requests", strconv.Itoa(working), "--admin-listen", "127.0.0.1:0")
			c := s.client(1, "LIVE")
			tag := s.tag(c, "a")

			letGo := holdContacts(t, engine, database)
			type answer struct {
				reply
				name string
			}
			answers := make(chan answer, burst)
			var wg sync.WaitGroup
			began := time.Now()
			for i := range burst {
				name := fmt.Sprintf("burst %03d", i)
				r := s.request(c, "POST", "/contacts/profile", contactBody(name, tag))
				wg.Go(func() {
					a, err := send(r)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					answers <- answer{a, name}
				})
			}
			deadline := time.Now().Add(time.Minute)
			for len(answers) < burst-working && time.Now().Before(deadline) {
				time.Sleep(5 * time.Millisecond)
			}
			took := time.Since(began)
			letGo()
			wg.Wait()
			close(answers)

			list := string(s.ok(c, "GET", "/contacts/profile", nil).Data)
			added, refused, lost := 0, 0, 0
			for a := range answers {
				switch kept := strings.Contains(list, `"`+a.name+`"`); {
				case a.Code == "TXN":
					if added++; !kept || !strings.Contains(list, a.id()) {
						lost++
						t.Errorf("%s was accepted, and is lost", a.name)
					}
				case a.HTTP == 503 && a.Code == "SPD" && a.Status == "Service Provider Downtime" && a.Header.Get("Retry-After") == "1":
					if refused++; kept {
						t.Errorf("%s was refused, and is there", a.name)
					}
				case a.Code == "ISE" && took > 5*time.Second: // a write gives up after 10 s
				default:
					t.Errorf("%s: HTTP %d %v %s", a.name, a.HTTP, a.Header, a.Raw)
				}
			}
			proof.Record(t, proof.Figure{ID: "O4", What: fmt.Sprintf("%s, %d adds at once on a database that stands still: of %d accepted lost, the other %d refused in time and in form", engine, burst, added, refused),
				Target: "0", Got: fmt.Sprint(lost), Met: lost == 0})
			if refused < burst/2 || added == 0 && took < 5*time.Second {
				t.Errorf("%d refused, %d added", refused, added)
			}
			if n := s.metric(t, `contactbook_requests_refused_total{why="overload"}`); n == 0 || n > refused {
				t.Errorf("%d refusals are counted, %d were answered", n, refused)
			}
			if n := s.metric(t, "contactbook_requests_waiting"); n != 0 {
				t.Errorf("%d requests wait when none is there", n)
			}
			for i := range 20 {
				s.contact(c, fmt.Sprint("afterwards ", i), tag)
			}
		})
	}
}

// holdContacts keeps a server from adding contacts until letGo is called.
func holdContacts(t *testing.T, engine, database string) (letGo func()) {
	t.Helper()
	conn, err := openDirect(t, engine, database).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	hold := []string{"begin immediate"}
	if engine == "postgres" {
		hold = []string{"begin", "lock table contact in access exclusive mode"}
	}
	for _, query := range hold {
		if _, err := conn.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), "rollback"); err != nil {
			t.Fatal(err)
		}
	}
}

var metricsAt = regexp.MustCompile(`metrics are on (\S+)`)

// metric reads one whole number of a server that was started with --admin-listen.
func (s *server) metric(t *testing.T, name string) int {
	t.Helper()
	at := metricsAt.FindStringSubmatch(s.out.String())
	if at == nil {
		t.Fatal("the server does not say where its metrics are")
	}
	res, err := http.Get(at[1])
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// TestWrongCredentials guesses until the server has enough of it.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite", "--auth-failures-per-minute", "3", "--trusted-proxy", "127.0.0.1", "--admin-listen", "127.0.0.1:0")
	c := s.client(1, "LIVE")
	wrong := c
	wrong.Secret = strings.Repeat("0", 64)
	from := func(c creds, ip string) reply { return s.call(c, "GET", "/contacts/tag", nil, "X-Forwarded-For", ip) }
	for range 3 {
		if r := from(wrong, "198.51.100.7"); r.Code != "IAC" {
			t.Errorf("a wrong secret: %s", r.Raw)
		}
	}
	for _, c := range []creds{wrong, c} {
		r := from(c, "198.51.100.7")
		seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
		if r.HTTP != 429 || r.Code != "ERR" || r.Status != "Too many requests" || err != nil || seconds < 1 || seconds > 60 {
			t.Errorf("after three wrong secrets: HTTP %d %v %s", r.HTTP, r.Header, r.Raw)
		}
	}
	if r := from(c, "198.51.100.8"); r.Code != "TXN" {
		t.Errorf("from another address: %s", r.Raw)
	}
	if n := s.metric(t, `contactbook_requests_refused_total{why="credentials"}`); n != 2 {
		t.Errorf("%d refusals are counted", n)
	}
}
