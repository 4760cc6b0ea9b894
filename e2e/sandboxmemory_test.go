package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestSandboxFaults has each kind of fault befall a request, and looks at what became of it.
func TestSandboxFaults(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite")
	c, other := s.client(7, "SANDBOX"), s.client(7, "SANDBOX")
	checkOneIn(0, c) // what a fault answers is not documented, of course
	fault := func(f m) {
		t.Helper()
		s.ok(c, "DELETE", "/_sandbox/faults", nil)
		s.ok(c, "POST", "/_sandbox/faults", f)
	}
	tags := func() int { t.Helper(); return len(rows(s.ok(other, "GET", "/contacts/tag", nil))) }
	add := func(name string, more ...string) (reply, error) {
		return send(s.request(c, "POST", "/contacts/tag", m{"name": name, "hexColorCode": "#FF1934"}, append(more, "Connection", "close")...))
	}

	fault(m{"op": "POST /contacts/tag", "code": "FAB", "count": 2})
	for i := range 3 {
		r, err := add("counted")
		if failed := r.Code == "FAB" && r.HTTP == 200 && r.Status == "Failure at Bank end" && string(r.Data) == "null"; err != nil || failed != (i < 2) {
			t.Errorf("fail the next two: request %d: %v %s", i, err, r.Raw)
		}
	}
	if tags() != 1 {
		t.Errorf("%d tags: a request that failed was done", tags())
	}
	s.ok(c, "GET", "/contacts/profile", nil)

	fault(m{"httpStatus": 503, "code": "SPD", "message": "Down for a while", "count": 1})
	if r, err := add("x"); err != nil || r.HTTP != 503 || r.Code != "SPD" || r.Status != "Down for a while" || r.Header.Get("Retry-After") == "" {
		t.Errorf("a status: %v %d %s", err, r.HTTP, r.Raw)
	}
	fault(m{"httpStatus": 502, "count": 1})
	if r, err := add("x", "Accept", "application/problem+json"); err != nil || r.HTTP != 502 || !strings.Contains(string(r.Raw), `"status":502`) {
		t.Errorf("a problem: %v %d %s", err, r.HTTP, r.Raw)
	}
	before := tags()
	fault(m{"drop": "before", "count": 1})
	if r, err := add("dropped"); err == nil || tags() != before {
		t.Errorf("dropped before it is done: %s, %d tags", r.Raw, tags())
	}
	fault(m{"drop": "after", "count": 1})
	if r, err := add("dropped"); err == nil || tags() != before+1 {
		t.Errorf("dropped after it is done: %s, %d tags", r.Raw, tags())
	}
	fault(m{"cut": true})
	for _, path := range []string{"/contacts/tag", "/contacts/profile"} { // with a length, and in chunks
		res, err := http.DefaultClient.Do(s.request(c, "GET", path, nil))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil || res.StatusCode != 200 || !strings.HasPrefix(string(text), `{"statuscode":"TXN"`) || json.Valid(text) {
			t.Errorf("cut in half: %v %s", err, text)
		}
	}
	fault(m{"latencyMs": 300, "code": "TUP", "count": 1})
	if r, err := add("late"); err != nil || r.Code != "TUP" {
		t.Errorf("late: %v %s", err, r.Raw)
	}
	found := rows(s.ok(c, "GET", "/_sandbox/journal", m{"limit": 1}))
	if len(found) != 1 || found[0]["ms"].(float64) < 300 || found[0]["fault"] == 0.0 {
		t.Errorf("the journal says of it %v", found)
	}
	if got := rows(s.ok(other, "GET", "/_sandbox/faults", nil)); len(got) != 0 {
		t.Errorf("another client's faults: %v", got)
	}
}

// TestSandboxClock moves a book's time, on both engines, and looks at what it leaves in records and replies; the LIVE book
// of the same user keeps the real one.
func TestSandboxClock(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c, live := s.client(7, "SANDBOX"), s.client(7, "LIVE")
		s.ok(c, "POST", "/_sandbox/clock", m{"at": "2031-02-01T00:00:00Z", "frozen": true})
		tag := s.tag(c, "then")
		contact := s.contact(c, "A", tag)
		s.ok(c, "POST", "/_sandbox/clock", m{"advance": "36h"})
		r := s.ok(c, "PATCH", "/contacts/profile", m{"contactId": contact, "name": "B", "email": "a@example.com", "mobile": "7428585742", "tagDetails": []m{{"tagId": tag}}})
		wantFields(t, r.object(), m{"created_at": "2031-02-01T00:00:00.000000Z", "updated_at": "2031-02-02T12:00:00.000000Z"})
		if r.Timestamp != "2031-02-02 17:30:00" { // in India
			t.Errorf("the envelope says %s", r.Timestamp)
		}
		if second := fmt.Sprintf("%08x", time.Date(2031, 2, 1, 0, 0, 0, 0, time.UTC).Unix()); !strings.HasPrefix(contact, second) {
			t.Errorf("the id %s is of another second", contact)
		}
		if r := s.ok(live, "POST", "/contacts/tag", m{"name": "now", "hexColorCode": "#FF1934"}); strings.Contains(string(r.Raw), "2031-") {
			t.Errorf("the LIVE book has the sandbox's time: %s", r.Raw)
		}
		s.ok(c, "DELETE", "/_sandbox/clock", nil)
		if r := s.ok(c, "POST", "/contacts/tag", m{"name": "now", "hexColorCode": "#FF1934"}); strings.Contains(string(r.Raw), "2031-") {
			t.Errorf("the real time is not back: %s", r.Raw)
		}
	})
}

// TestSandboxJournal (S6) reads what a client has sent: masked unless asked, with why it failed, as curl, and sent again.
func TestSandboxJournal(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite")
	c, other := s.client(7, "SANDBOX"), s.client(8, "SANDBOX")
	tag := s.tag(c, "Qvxtag")
	body := contactBody("Qvxname O'Neil", tag)
	body["mobile"] = "7398585741"
	good := s.ok(c, "POST", "/contacts/profile", body)
	body["mobile"] = "739858574"
	bad := s.call(c, "POST", "/contacts/profile", body)
	entries := rows(s.ok(c, "GET", "/_sandbox/journal", nil))
	if len(entries) != 3 || entries[0]["ipay_uuid"] != bad.Reference || entries[1]["ipay_uuid"] != good.Reference {
		t.Fatalf("the journal is %v", entries)
	}
	wantFields(t, entries[0], m{"op": "POST /contacts/profile", "statuscode": "RPI", "status": "The mobile format is invalid.", "httpStatus": 200.0})
	misses := entries[0]["nearMisses"].([]any)
	if len(misses) != 1 || !strings.HasPrefix(misses[0].(map[string]any)["why"].(string), "mobile has 9 digits") {
		t.Errorf("why: %v", misses)
	}
	masked := string(s.ok(c, "GET", "/_sandbox/journal", nil).Raw) + string(s.ok(c, "GET", "/_sandbox/journal/curl", m{"ipay_uuid": good.Reference}).Raw)
	for _, secret := range []string{"Qvx", "7398585741", "739858574", "sample@example.com", c.Secret} {
		if strings.Contains(masked, secret) {
			t.Errorf("%q is not masked", secret)
		}
	}
	if personal := string(s.ok(c, "GET", "/_sandbox/journal?personal=true", nil).Raw); !strings.Contains(personal, "Qvxname") || !strings.Contains(personal, "7398585741") || strings.Contains(personal, c.Secret) {
		t.Errorf("asked for, it is %s", personal)
	}
	if got := rows(s.ok(other, "GET", "/_sandbox/journal", nil)); len(got) != 0 {
		t.Errorf("another client's journal: %v", got)
	}
	for _, path := range []string{"/_sandbox/journal/curl", "/_sandbox/journal/replay"} {
		method := map[bool]string{true: "GET", false: "POST"}[strings.HasSuffix(path, "curl")]
		if r := s.call(other, method, path, m{"ipay_uuid": good.Reference}); r.Code != "ERR" || r.Status != "No Record Found" {
			t.Errorf("%s of another client's request: %s", path, r.Raw)
		}
	}

	replayed := s.ok(c, "POST", "/_sandbox/journal/replay", m{"ipay_uuid": good.Reference}).object()
	var again reply
	if err := json.Unmarshal([]byte(replayed["reply"].(string)), &again); err != nil || replayed["answered"] != true || again.Code != "TXN" || again.id() == good.id() {
		t.Errorf("sent again, it is answered %v", replayed)
	}
	command, _ := s.ok(c, "GET", "/_sandbox/journal/curl", m{"ipay_uuid": good.Reference, "personal": true}).object()["curl"].(string)
	run := exec.Command("sh", "-c", command)
	run.Env = append(run.Environ(), "CONTACTBOOK_URL="+s.url, "CONTACTBOOK_CLIENT_SECRET="+c.Secret)
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"name":"Qvxname O'Neil"`) {
		t.Errorf("the curl command: %v\n%s\n%s", err, command, out)
	}
	if got := len(rows(s.ok(c, "GET", "/contacts/profile", nil))); got != 3 {
		t.Errorf("%d contacts after one, its replay and its curl", got)
	}
	s.ok(c, "POST", "/_sandbox/faults", m{"op": "POST /contacts/profile", "drop": "before"})
	if r := s.ok(c, "POST", "/_sandbox/journal/replay", m{"ipay_uuid": good.Reference}).object(); r["answered"] != false {
		t.Errorf("a replay that is dropped: %v", r)
	}
	s.ok(c, "DELETE", "/_sandbox/journal", nil)
	if got := rows(s.ok(c, "GET", "/_sandbox/journal", nil)); len(got) != 0 {
		t.Errorf("emptied, it is %v", got)
	}
}
