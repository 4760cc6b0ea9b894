package server

import (
	"encoding/binary"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"contactbook/internal/wire"
)

// TestAuthFailures has addresses send wrong credentials: beyond the limit an
// address is refused before its credentials are looked at, for a minute.
func TestAuthFailures(t *testing.T) {
	w := newWorld(t)
	w.failures.limit = 3
	w.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	now := time.Now()
	w.Now = func() time.Time { return now }
	call := func(from string, more ...string) *httptest.ResponseRecorder {
		r := w.request("GET", "/contacts/tag", "", more...)
		r.RemoteAddr = from
		return w.do(r)
	}
	is := func(what string, rec *httptest.ResponseRecorder, code string) {
		t.Helper()
		if !strings.Contains(rec.Body.String(), `"statuscode":"`+code+`"`) {
			t.Errorf("%s: %d %s, want %s", what, rec.Code, rec.Body, code)
		}
	}
	blocked := func(what string, rec *httptest.ResponseRecorder, seconds string) {
		t.Helper()
		refused(t, rec, 429, wire.ERR, "Too many requests")
		if got := rec.Header().Get("Retry-After"); got != seconds {
			t.Errorf("%s: Retry-After is %s, want %s", what, got, seconds)
		}
	}
	wrong := []string{headerSecret, "wrong"}

	for range 10 {
		is("a bad header", call("203.0.113.7:1", headerAuthCode, "2"), "RPI")
		is("a success", call("203.0.113.7:1"), "TXN")
	}
	is("the 1st failure", call("203.0.113.7:1", wrong...), "IAC")
	now = now.Add(20 * time.Second)
	is("the 2nd failure", call("203.0.113.7:2", wrong...), "IAC")
	is("an unknown client", call("203.0.113.7:3", headerClient, "nobody"), "IAC")
	blocked("wrong once more", call("203.0.113.7:4", wrong...), "40")
	blocked("with the right secret", call("203.0.113.7:4"), "40")
	is("a bad header of a blocked address", call("203.0.113.7:4", headerAuthCode, "2"), "RPI")
	is("another address", call("203.0.113.8:1"), "TXN")
	if rec := call("203.0.113.7:4", "Accept", wire.ProblemType); rec.Code != 429 || rec.Header().Get("Content-Type") != wire.ProblemType {
		t.Errorf("problem details: %d %v", rec.Code, rec.Header())
	}
	now = now.Add(39*time.Second + 500*time.Millisecond)
	blocked("just before its minute is over", call("203.0.113.7:4"), "1")
	now = now.Add(time.Second)
	is("after its minute", call("203.0.113.7:4"), "TXN")
	is("after its minute", call("203.0.113.7:4", wrong...), "IAC")

	for _, from := range []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::ffff:0:3]:1"} {
		is(from, call(from, wrong...), "IAC")
	}
	blocked("a fourth of one /64", call("[2001:db8::4]:1"), "60")
	is("another /64", call("[2001:db8:0:1::1]:1"), "TXN")

	for range 3 {
		is("through a proxy", call("10.0.0.1:1", append(wrong, "X-Forwarded-For", "198.51.100.7")...), "IAC")
	}
	blocked("through another proxy", call("10.0.0.2:1", "X-Forwarded-For", "198.51.100.7"), "60")
	is("another behind the proxy", call("10.0.0.1:1", "X-Forwarded-For", "198.51.100.8"), "TXN")

	log := w.log.String()
	if strings.Count(log, "wrong credentials too often") != 3 || strings.Contains(log, "203.0.113") || strings.Contains(log, "198.51.100") {
		t.Errorf("log: %s", log)
	}

	w.failures.limit = 0
	for i := range 50 {
		is("without a limit: "+strconv.Itoa(i), call("192.0.2.1:1", wrong...), "IAC")
	}
}

// TestAuthFailuresBounded has more addresses fail than are kept, and time go on
// and back: what is kept stays bounded and is forgotten in the end.
func TestAuthFailuresBounded(t *testing.T) {
	w := newWorld(t)
	w.failures.limit = 3
	now := time.Now()
	w.Now = func() time.Time { return now }
	q := &request{Server: w.Server, r: httptest.NewRequest("GET", "/", nil)}
	from := func(i int) *request {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], uint32(i)+1<<24)
		q.r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4(ip), 1).String()
		return q
	}
	for i := range maxFailed + 100 {
		w.failures.count(from(i))
	}
	if n := len(w.failures.now); n != maxFailed {
		t.Errorf("%d addresses are kept, want %d", n, maxFailed)
	}
	for range 3 {
		w.failures.count(from(1 << 25))
	}
	if w.failures.blocked(q) == 0 {
		t.Error("a full table blocks nobody")
	}
	for range 2 {
		now = now.Add(failureWindow)
		w.failures.blocked(q)
	}
	if len(w.failures.now)+len(w.failures.before) > 0 || w.failures.any.Load() {
		t.Error("two minutes later something is kept")
	}
	for range 3 {
		w.failures.count(q)
	}
	now = now.Add(-time.Hour)
	if wait := w.failures.blocked(q); wait > failureWindow {
		t.Errorf("the clock went back, and an address is refused for %v", wait)
	}
}
