package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAccept has who gets problem details, and who the envelope.
func TestAccept(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "LIVE")
		for _, v := range []struct {
			accept  []string
			problem bool
		}{
			{nil, false},
			{[]string{""}, false},
			{[]string{"*/*"}, false},
			{[]string{"application/*"}, false},
			{[]string{"application/json"}, false},
			{[]string{"text/html"}, false},
			{[]string{"application/problem+xml"}, false},
			{[]string{"application/problem+json"}, true},
			{[]string{"APPLICATION/Problem+JSON"}, true},
			{[]string{"application/problem+json; charset=utf-8"}, true},
			{[]string{"application/json, application/problem+json"}, true},
			{[]string{"application/json;q=0.5,application/problem+json;q=0.5"}, true},
			{[]string{"application/json;q=0.4,application/problem+json;q=0.5"}, true},
			{[]string{"application/json;q=0.5,application/problem+json;q=0.4"}, false},
			{[]string{"application/json, application/problem+json;q=0.9"}, false},
			{[]string{"application/problem+json;q=0.9"}, true},
			{[]string{"application/problem+json;Q=0.001"}, true},
			{[]string{"application/problem+json;q=0"}, false},
			{[]string{"application/problem+json ; q=0.000"}, false},
			{[]string{"application/json;q=0, application/problem+json;q=0.1"}, true},
			{[]string{"application/json", "application/problem+json"}, true},
			{[]string{"application/problem+json;q=0.1", "application/json;q=0.2"}, false},
		} {
			bad := s.request(c, "POST", "/contacts/tag", m{"name": "x"})
			good := s.request(c, "GET", "/contacts/tag", nil)
			for _, a := range v.accept {
				bad.Header.Add("Accept", a)
				good.Header.Add("Accept", a)
			}
			r := s.do(bad)
			want, status := "application/json", r.HTTP == 200
			if v.problem {
				want, status = asProblem, r.HTTP >= 400
			}
			if got := r.Header.Get("Content-Type"); got != want || !status {
				t.Errorf("Accept %q: HTTP %d %s %s", v.accept, r.HTTP, got, r.Raw)
			}
			// A success stays in the envelope.
			if r := s.do(good); r.HTTP != 200 || r.Code != "TXN" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("Accept %q: HTTP %d %s", v.accept, r.HTTP, r.Raw)
			}
		}
	})
}

// TestHeaders has the mandatory headers, right and wrong, and those that are
// ignored.
func TestHeaders(t *testing.T) {
	const auth, id, secret, endpoint = "X-Ipay-Auth-Code", "X-Ipay-Client-Id", "X-Ipay-Client-Secret", "X-Ipay-Endpoint-Ip"
	mandatory := []string{auth, id, secret, endpoint}
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		other := s.client(1, "SANDBOX")
		// The same call as reading and as writing.
		refuse := func(t *testing.T, what, message string, edit func(http.Header)) {
			t.Helper()
			for _, route := range []string{"GET /contacts/profile", "POST /contacts/profile", "DELETE /contacts/tag", "PATCH /contacts/tag"} {
				r := s.request(b.c, methodOf(route), pathOf(route), b.valid(findOp(t, route)))
				edit(r.Header)
				b.refuseOnly(t, what+" on "+route, r, badHeader, message)
			}
			b.unchanged(t, what)
		}
		section(t, s, "missing", func(t *testing.T) {
			for _, name := range mandatory {
				message := "The " + name + " header is required."
				refuse(t, "no "+name, message, func(h http.Header) { h.Del(name) })
				refuse(t, "empty "+name, message, func(h http.Header) { h.Set(name, "") })
				refuse(t, "blank "+name, message, func(h http.Header) { h.Set(name, " \t ") })
			}
		})
		section(t, s, "bad", func(t *testing.T) {
			for _, v := range []string{"2", "01", "1 1", "true"} {
				refuse(t, "auth code "+v, "The X-Ipay-Auth-Code header is invalid.", func(h http.Header) { h.Set(auth, v) })
			}
			for _, v := range []string{"localhost", "300.1.1.1", "203.0.113", "203.0.113.7:80", "203.0.113.0/24", "203.0.113.7, 203.0.113.8", "2001:db8::g", "{{endPointIP}}"} {
				refuse(t, "endpoint "+v, "The X-Ipay-Endpoint-Ip header is invalid.", func(h http.Header) { h.Set(endpoint, v) })
			}
		})
		section(t, s, "repeated", func(t *testing.T) {
			for name, second := range map[string]string{auth: "2", id: other.ID, secret: other.Secret} {
				refuse(t, name+" twice", "The "+name+" header is invalid.", func(h http.Header) { h.Add(name, second) })
				refuse(t, name+" twice, the right one last", "The "+name+" header is invalid.", func(h http.Header) {
					h[name] = []string{second, h.Get(name)}
				})
			}
			r := s.request(b.c, "GET", "/contacts/tag", nil)
			for _, name := range mandatory {
				r.Header[name] = []string{r.Header.Get(name), r.Header.Get(name), r.Header.Get(name)}
			}
			if r := s.do(r); r.Code != "TXN" {
				t.Errorf("identical repeats: %s", r.Raw)
			}
		})
		section(t, s, "good", func(t *testing.T) {
			for _, v := range []string{"203.0.113.7", "0.0.0.0", "2001:db8::1", "::1", "::ffff:203.0.113.7", "2001:0DB8:0000:0000:0000:0000:0000:0001"} {
				if r := s.call(b.c, "GET", "/contacts/tag", nil, endpoint, v); r.Code != "TXN" {
					t.Errorf("endpoint %s: %s", v, r.Raw)
				}
			}
			// A client library trims what it sends, so these blanks go over a socket.
			request := fmt.Sprintf("GET /contacts/tag HTTP/1.1\r\nHost: book\r\nConnection: close\r\nx-ipay-auth-code:  1 \r\nX-IPAY-AUTH-CODE: 1\r\n"+
				"X-Ipay-Client-Id:\t%s \r\nX-Ipay-Client-Secret:%s\r\nX-Ipay-Endpoint-Ip:   203.0.113.7\t \r\n\r\n", b.c.ID, b.c.Secret)
			if r, _ := overSocket(t, s, request); r.Code != "TXN" {
				t.Errorf("with blanks around: %s", r.Raw)
			}
		})
		section(t, s, "ignored", func(t *testing.T) {
			for i, h := range [][]string{
				{"Content-Type", ""}, {"Content-Type", "text/plain"}, {"Content-Type", "application/x-www-form-urlencoded"},
				{"Content-Type", "multipart/form-data; boundary=x"}, {"Content-Type", "application/json; charset=latin1"},
				{"Xcontent-Type", "application/json"}, {"X-Ipay-Outlet-Id", "x"}, {"X-Ipay-Request-Hash", "x"},
				{"X-Ipay-Request-Timestamp", "x"}, {"X-Ipay-Hash-Check", "x"},
			} {
				r := s.request(b.c, "POST", "/contacts/tag", m{"name": fmt.Sprint("Tag ", i), "hexColorCode": "#FF1934"}, h...)
				if h[1] == "" {
					r.Header.Del(h[0])
				}
				if r := s.do(r); r.Code != "TXN" {
					t.Errorf("%q: %s", h, r.Raw)
				}
			}
		})
	})
}

// TestCredentials has the rows about whose credentials they are.
func TestCredentials(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		live := s.client(2, "LIVE")
		off, gone := s.client(1, "SANDBOX"), s.client(1, "SANDBOX")
		s.mustRun("client", "disable", off.ID)
		s.mustRun("client", "revoke", gone.ID)
		liveOff := s.client(1, "LIVE")
		s.mustRun("client", "disable", liveOff.ID)
		const blocked = "Account Blocked, Contact Helpdesk"
		inLive := disabled
		inLive.environment = "LIVE"
		for _, v := range []struct {
			name    string
			c       creds
			want    outcome
			message string
		}{
			{"unknown client", creds{ID: strings.Repeat("A", 43) + "=", Secret: b.c.Secret}, noClient, credentialsBad},
			{"wrong secret", creds{ID: b.c.ID, Secret: strings.Repeat("0", 64)}, noClient, credentialsBad},
			{"another's secret", creds{ID: b.c.ID, Secret: live.Secret}, noClient, credentialsBad},
			{"secret in capitals", creds{ID: b.c.ID, Secret: strings.ToUpper(b.c.Secret)}, noClient, credentialsBad},
			{"cut secret", creds{ID: b.c.ID, Secret: b.c.Secret[:63]}, noClient, credentialsBad},
			{"client id in lower case", creds{ID: strings.ToLower(b.c.ID), Secret: b.c.Secret}, noClient, credentialsBad},
			{"revoked", gone, noClient, credentialsBad},
			{"disabled", off, disabled, blocked},
			{"disabled in LIVE", liveOff, inLive, blocked},
		} {
			section(t, s, v.name, func(t *testing.T) {
				for _, op := range documentedOps {
					b.refuseOnly(t, op.route, s.request(v.c, methodOf(op.route), pathOf(op.route), b.valid(op)), v.want, v.message)
				}
				b.unchanged(t, "one of them")
			})
		}
		// One answer for an unknown id and a wrong secret, to the byte.
		unknown := s.call(creds{ID: strings.Repeat("A", 43) + "=", Secret: b.c.Secret}, "GET", "/contacts/tag", nil).stable()
		if wrong := s.call(creds{ID: b.c.ID, Secret: live.Secret}, "GET", "/contacts/tag", nil).stable(); wrong != unknown {
			t.Errorf("an unknown client is answered\n%s, a wrong secret\n%s", unknown, wrong)
		}
		s.mustRun("client", "enable", off.ID)
		// Other servers, and this one's memory, may lag by 5 seconds.
		deadline := time.Now().Add(10 * time.Second)
		for s.call(off, "GET", "/contacts/tag", nil).Code != "TXN" {
			if time.Now().After(deadline) {
				t.Fatal("the client was enabled again, and is refused still")
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// TestAllowList has clients that may be used from some addresses only: it is the
// caller's own address that counts.
func TestAllowList(t *testing.T) {
	refused := func(ip string) string { return "Request made from invalid ip address - " + ip }
	for _, proxied := range []bool{false, true} {
		name, flags := "direct", []string(nil)
		if proxied {
			name, flags = "behind a proxy", []string{"--trusted-proxy", "127.0.0.0/8"}
		}
		t.Run(name, func(t *testing.T) {
			for _, engine := range engines {
				t.Run(engine, func(t *testing.T) {
					t.Parallel()
					s := start(t, engine, flags...)
					b := newErrorBook(s, 1)
					local := s.client(1, "SANDBOX", "--allow-ip", "127.0.0.1")
					net4 := s.client(1, "SANDBOX", "--allow-ip", "198.51.100.5", "--allow-ip", "203.0.113.0/24")
					net6 := s.client(1, "SANDBOX", "--allow-ip", "2001:db8::/32")
					for _, v := range []struct {
						name, forwarded string
						c               creds
						direct, behind  string // the address that is refused; "" for none
					}{
						{"own address", "", local, "", ""},
						{"other address", "", net4, "127.0.0.1", "127.0.0.1"},
						{"other family", "", net6, "127.0.0.1", "127.0.0.1"},
						{"forwarded for a good one", "203.0.113.7", net4, "127.0.0.1", ""},
						{"forwarded for a single one", "198.51.100.5", net4, "127.0.0.1", ""},
						{"forwarded for a bad one", "198.51.100.9", net4, "127.0.0.1", "198.51.100.9"},
						{"forwarded for a bad one, proxy allowed", "198.51.100.9", local, "", "198.51.100.9"},
						{"forged", "203.0.113.7, 198.51.100.9", net4, "127.0.0.1", "198.51.100.9"},
						{"through two proxies", "198.51.100.9, 203.0.113.7, 127.0.0.2", net4, "127.0.0.1", ""},
						{"IPv6", "2001:db8::7", net6, "127.0.0.1", ""},
						{"other IPv6", "2001:db9::7", net6, "127.0.0.1", "2001:db9::7"},
					} {
						ip := v.direct
						if proxied {
							ip = v.behind
						}
						section(t, s, v.name, func(t *testing.T) {
							for _, route := range []string{"GET /contacts/person", "POST /contacts/person", "DELETE /contacts/profile"} {
								if ip == "" && methodOf(route) != "GET" {
									continue
								}
								r := s.request(v.c, methodOf(route), pathOf(route), b.valid(findOp(t, route)), "X-Ipay-Endpoint-Ip", "203.0.113.7")
								if v.forwarded != "" {
									r.Header.Set("X-Forwarded-For", v.forwarded)
								}
								if ip != "" {
									b.refuse(t, route, r, badCaller, refused(ip))
								} else if r := s.do(r); r.Code != "TXN" {
									t.Errorf("%s: %s", route, r.Raw)
								}
							}
						})
					}
				})
			}
		})
	}
}
