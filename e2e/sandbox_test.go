package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"contactbook/internal/proof"
	"contactbook/internal/sandbox"
)

// sandboxRequests is a request of each op of the sandbox that succeeds, as often as it is sent.
var sandboxRequests = map[string]func(b *sandboxBook) m{
	"POST /_sandbox/books":   func(*sandboxBook) m { return m{"name": "job", "hours": 1} },
	"GET /_sandbox/books":    nil,
	"DELETE /_sandbox/books": func(b *sandboxBook) m { return m{"clientId": b.throwaway().ID} },
	"POST /_sandbox/reset":   nil,
	"POST /_sandbox/seed": func(*sandboxBook) m {
		return m{"seed": 7, "at": "2026-03-01T00:00:00Z", "tags": []m{{"name": "Vendor", "hexColorCode": "#FF1934"}}, "contacts": []m{{
			"name": "A", "email": "a@example.com", "mobile": "7428585742", "tags": []string{"Vendor"},
			"payments": []m{{"accountType": "VPA", "upiId": "aa@ybl", "isPrimary": true}},
		}}}
	},
	"POST /_sandbox/snapshot":       func(*sandboxBook) m { return m{"name": "kept"} },
	"GET /_sandbox/snapshot":        nil,
	"DELETE /_sandbox/snapshot":     func(b *sandboxBook) m { return b.kept() },
	"POST /_sandbox/rewind":         func(b *sandboxBook) m { return b.kept() },
	"GET /_sandbox/clock":           nil,
	"POST /_sandbox/clock":          func(*sandboxBook) m { return m{"at": "2027-02-01T00:00:00Z", "advance": "36h", "frozen": true} },
	"DELETE /_sandbox/clock":        nil,
	"POST /_sandbox/faults":         func(*sandboxBook) m { return m{"op": "POST /contacts/business", "code": "FAB", "count": 2} },
	"GET /_sandbox/faults":          nil,
	"DELETE /_sandbox/faults":       nil,
	"GET /_sandbox/journal":         func(*sandboxBook) m { return m{"limit": 5} },
	"DELETE /_sandbox/journal":      nil,
	"GET /_sandbox/journal/curl":    func(b *sandboxBook) m { return m{"ipay_uuid": b.noted()} },
	"POST /_sandbox/journal/replay": func(b *sandboxBook) m { return m{"ipay_uuid": b.noted()} },
}

// kept is a snapshot.
func (b *sandboxBook) kept() m {
	b.t.Helper()
	b.ok(b.creds, "POST", "/_sandbox/snapshot", m{"name": "kept"})
	return m{"name": "kept"}
}

// noted is a request that is in the client's journal.
func (b *sandboxBook) noted() string {
	b.t.Helper()
	return b.ok(b.creds, "GET", "/contacts/tag", nil).Reference
}

// sandboxBook is a book with something in it, and a client of it.
type sandboxBook struct {
	*server
	creds creds
	word  string // in all of its texts
}

func (b *sandboxBook) fill() (tag, contact string) {
	b.t.Helper()
	tag = b.tag(b.creds, b.word)
	return tag, b.contact(b.creds, b.word, tag)
}

func (b *sandboxBook) throwaway() (c creds) {
	b.t.Helper()
	json.Unmarshal(b.ok(b.creds, "POST", "/_sandbox/books", m{}).Data, &c)
	if c.ID == "" || c.Secret == "" {
		b.t.Fatal("no credentials")
	}
	return c
}

func (b *sandboxBook) request(route string) m {
	b.t.Helper()
	body, ok := sandboxRequests[route]
	if !ok {
		b.t.Fatalf("sandboxRequests has no request of %s", route)
	}
	if body == nil {
		return m{}
	}
	return body(b)
}

// TestSandboxStaysInItsBook (S1, S2, S3, S6) sends each op of the sandbox, generated from sandbox.Ops, as the client of a
// book: as it is documented, with every key and column as further fields, with hostile texts in every field, and as a LIVE
// client. Other books, LIVE ones above all, stay as they are, to the byte; nothing ends in System Error, and nothing that
// was sent is in the log.
func TestSandboxStaysInItsBook(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := start(t, engine, "--log-level", "debug", "--sandbox-books", "10000")
			db := openDirect(t, engine, s.database)
			columns := columnsOf(t, engine, db)
			x := &sandboxWall{t: t, server: s, db: db, tables: tenantTables(columns)}
			own := &sandboxBook{s, s.client(7, "SANDBOX"), "alpha"}
			other := &sandboxBook{s, s.client(8, "SANDBOX"), "beta"}
			live := &sandboxBook{s, s.client(7, "LIVE"), "gamma"}
			for _, b := range []*sandboxBook{own, other, live} {
				b.fill()
			}
			x.own, x.before = 7*2+1, dumpBooks(t, db, x.tables)
			extra := m{}
			for _, names := range columns {
				for _, name := range names {
					extra[name], extra[camelCase(name)] = live.creds.UserID, live.creds.UserID
				}
			}
			extra["tenantId"], extra["environment"], extra["clientSecret"] = 7*2, "LIVE", live.creds.Secret
			random, seed := proof.Rand(t)
			texts := slices.Clone(hostileTexts)
			random.Shuffle(len(texts), func(a, b int) { texts[a], texts[b] = texts[b], texts[a] })
			sent := 0
			for i := range sandbox.Ops { // what one of them leaves behind is no hindrance to the next
				op := &sandbox.Ops[i]
				method, path, _ := strings.Cut(op.Route, " ")
				x.same(op.Route+" by a LIVE client", s.call(live.creds, method, path, own.request(op.Route)), func(r reply) bool { return r.Code == "UAD" && string(r.Data) == "null" && r.Environment == "LIVE" })
				done := func(r reply) bool { return r.Code == "TXN" && r.Status == op.Done }
				x.same(op.Route, s.call(own.creds, method, path, own.request(op.Route)), done)
				soiled := own.request(op.Route)
				for _, f := range op.Fields() {
					if _, ok := soiled[f.Name]; !ok {
						soiled[f.Name] = nil // not one of the further fields
					}
				}
				for name, v := range extra {
					if _, ok := soiled[name]; !ok {
						soiled[name] = v
					}
				}
				x.same(op.Route+" with other fields", s.call(own.creds, method, path, soiled), done)
				for _, f := range op.Fields() {
					for range proof.Pick(2, 20, len(texts)) {
						body := own.request(op.Route)
						body[f.Name] = fmt.Sprint(texts[sent%len(texts)], " ", injected, sent)
						sent++
						x.same(fmt.Sprintf("%s with %s = %q", op.Route, f.Name, body[f.Name]), s.call(own.creds, method, path, body),
							func(r reply) bool {
								if r.Code == "RPI" {
									return strings.Contains(r.Status, f.Name) && !bytes.Contains(r.Raw, []byte(injected))
								}
								return f.Kind == "text" && (done(r) || r.Code == "ERR" && r.Status == "No Record Found")
							})
					}
				}
			}
			x.same("a book after all", s.ok(other.creds, "GET", "/contacts/profile", nil), func(r reply) bool { return strings.Contains(string(r.Data), other.word) })
			if err := s.stop(); err != nil {
				t.Error(err)
			}
			log := s.out.String()
			for _, secret := range []string{injected, own.creds.Secret, live.creds.Secret, own.word} {
				if strings.Contains(log, secret) {
					t.Errorf("the log has %q", secret)
				}
			}
			proof.Record(t, proof.Figure{ID: "S1", What: engine + ", the sandbox's ops: other books that one of them changed or read", Target: "0",
				Got: fmt.Sprint(x.wrong), Met: x.wrong == 0, Seed: seed})
		})
	}
}

// sandboxWall watches the books that are not the caller's.
type sandboxWall struct {
	*server
	t      *testing.T
	db     *sql.DB
	tables []string
	own    int64
	before dump
	wrong  int
}

// same checks a reply, and that no other book has changed.
func (x *sandboxWall) same(what string, r reply, good func(reply) bool) {
	x.t.Helper()
	if !good(r) || r.Code == "ISE" {
		x.wrong++
		x.t.Errorf("%s: %d %s", what, r.HTTP, r.Raw)
	}
	after := dumpBooks(x.t, x.db, x.tables)
	for tenant := range maps.Keys(x.before) {
		if tenant != x.own && !x.before.same(after, tenant) {
			x.wrong++
			x.t.Errorf("%s changed another book:\n%s", what, x.before.difference(after, tenant))
		}
	}
	for tenant := range after {
		if x.before[tenant] == nil {
			x.wrong++
			x.t.Errorf("%s made rows of tenant %d", what, tenant)
		}
	}
}

// TestSandboxBooks makes throw-away books, which share a server and nothing else, and resets one.
func TestSandboxBooks(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		ci := s.client(7, "SANDBOX")
		maker := &sandboxBook{s, ci, "maker"}
		maker.fill()
		var jobs []*sandboxBook
		for _, word := range []string{"one", "two"} {
			job := &sandboxBook{s, maker.throwaway(), word}
			job.fill()
			jobs = append(jobs, job)
		}
		for _, b := range append(jobs, maker) {
			found := rows(s.ok(b.creds, "GET", "/contacts/profile", nil))
			if len(found) != 1 || found[0]["name"] != b.word {
				t.Errorf("the book of %s has %v", b.word, found)
			}
		}
		if r := s.ok(jobs[0].creds, "POST", "/_sandbox/reset", nil); r.object()["contacts"] != 1.0 {
			t.Errorf("the reset says %s", r.Data)
		}
		for i, want := range []int{0, 1} {
			for _, path := range []string{"/contacts/profile", "/contacts/tag"} {
				if got := len(rows(s.ok(jobs[i].creds, "GET", path, nil))); got != want {
					t.Errorf("%s of job %d has %d", path, i, got)
				}
			}
		}
		jobs[0].fill() // the name of its tag is free again
		listed := rows(s.ok(ci, "GET", "/_sandbox/books", nil))
		if len(listed) != 2 || listed[0]["clientId"] != jobs[0].creds.ID {
			t.Errorf("listed are %v", listed)
		}
		s.ok(ci, "DELETE", "/_sandbox/books", m{"clientId": jobs[0].creds.ID})
		if r := s.call(jobs[0].creds, "GET", "/contacts/tag", nil); r.Code != "IAC" {
			t.Errorf("a client whose book has ended: %s", r.Raw)
		}
		if r := s.call(ci, "DELETE", "/_sandbox/books", m{"clientId": jobs[0].creds.ID}); r.Code != "RPI" {
			t.Errorf("a book that has ended: %s", r.Raw)
		}
	})
}

// TestSandboxRewind fills a book, copies it, changes it and brings it back, on both engines: to the byte.
func TestSandboxRewind(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := &sandboxBook{s, s.client(7, "SANDBOX"), "later"}
		whole := func() (text string) {
			for _, path := range []string{"/contacts/tag", "/contacts/profile"} {
				text += string(s.ok(b.creds, "GET", path, nil).Data)
			}
			for _, contact := range rows(s.ok(b.creds, "GET", "/contacts/profile", nil)) {
				text += string(s.ok(b.creds, "GET", "/contacts/payment", m{"gcId": contact["_id"]}).Data)
			}
			return text
		}
		s.ok(b.creds, "POST", "/_sandbox/seed", b.request("POST /_sandbox/seed"))
		full := whole()
		if !strings.Contains(full, `"isPrimary":true`) || !strings.Contains(full, "2026-03-01T00:00:02.000000Z") {
			t.Errorf("the fixture made %s", full)
		}
		s.ok(b.creds, "POST", "/_sandbox/snapshot", m{"name": "full"})
		b.fill()
		s.ok(b.creds, "POST", "/_sandbox/rewind", m{"name": "full"})
		if got := whole(); got != full {
			t.Errorf("rewound, it is\n%s\nand was\n%s", got, full)
		}
		s.ok(b.creds, "POST", "/_sandbox/reset", nil)
		s.ok(b.creds, "POST", "/_sandbox/seed", b.request("POST /_sandbox/seed"))
		if got := whole(); got != full {
			t.Errorf("seeded again, it is\n%s\nand was\n%s", got, full)
		}
	})
}
