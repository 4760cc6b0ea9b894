package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"contactbook/internal/book"
	"contactbook/internal/proof"
)

// canaryFields are values of fields that are found wherever they come out: nobody else has them.
var canaryFields = map[string]string{
	"name": "Zqx Contactname Qvk", "companyName": "Zqx Companyname Qvk", "contactPersonName": "Zqx Personname Qvk", "beneficiaryName": "Zqx Beneficiary Qvk",
	"email": "zqx.mailname@canary.example", "mobile": "9080716253", "phoneNumber": "9170615243", "description": "Zqx Description\n\tQvk",
	"address": "Zqx Street 7391\nQvk", "addressType": "Zqx Addresstype Qvk", "city": "Zqx Cityname Qvk", "state": "Zqx Statename Qvk", "pincode": "ZQXPIN QVK",
	"pan": "ZQXPK7391L", "cin": "U73915MH2009PTC739150", "gstin": "27AAPFU0939F1ZV", "tan": "ZQXK73915L", "udyam": "UDYAM-ZQ-73-7391502",
	"upiId": "zqx.vpaname@canarybank", "accountNumber": "ZQX00739150264", "accountIfsc": "ZQXK0739150", "externalRef": "ZQXREF-739150",
	"latitude": "27.7391502", "longitude": "78.7391503",
}

// canaryHeaders are headers that callers send and nobody needs to see.
var canaryHeaders = []string{
	"User-Agent", "zqx-useragent/7391", "Referer", "https://zqx-referer.example/7391", "Cookie", "zqxcookie=qvk7391", "Authorization", "Bearer zqxauthorization7391",
	"X-Forwarded-For", "198.51.100.173", "X-Ipay-Outlet-Id", "zqxoutlet7391", "X-Ipay-Request-Hash", "zqxhash7391", "Accept-Language", "zqx-language-7391",
	"X-Ipay-Endpoint-Ip", "2001:db8:7391::173",
}

// canary is one value that must come out nowhere but in the replies to whoever owns it.
type canary struct {
	what, value string
	secret      bool // and in no reply at all
}

// TestCanaries (S6) sends values that it would know again through every op, and through every way to fail: wrong fields,
// kinds and JSON, too large a body, strange paths, headers and methods, wrong credentials, too many of them, limits,
// overload, and a database that refuses, breaks or is gone. Then it looks for them, in the usual encodings, in the log at
// its most talkative, in metrics and profiles, in errors, in headers, and in the stacks of all goroutines.
func TestCanaries(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			database := newDatabase(t, engine)
			lost := func() {}
			if engine == "postgres" && proof.Sized() != proof.Quick && os.Getenv("CONTACTBOOK_TEST_POSTGRES") == "" {
				pg := ownPostgres(t)
				database = pg.Database(t)
				lost = func() { pg.Down(t.Context(), true) }
			}
			if engine == "postgres" {
				sign := "?"
				if strings.Contains(database, "?") {
					sign = "&"
				}
				database += sign + "lock_timeout=60000&statement_timeout=60000"
			}
			s := startOn(t, engine, database, filepath.Join(t.TempDir(), "pepper.key"), "--log-level", "debug", "--admin-listen", "127.0.0.1:0",
				"--max-requests", "2", "--auth-failures-per-minute", "3", "--trusted-proxy", "127.0.0.1")
			newCanaries(t, s).run(lost)
		})
	}
}

type canaries struct {
	*isolation
	h      *holder
	all    []canary
	mu     sync.Mutex
	failed strings.Builder // replies that are no success, headers and all
	given  strings.Builder // headers of the others, and their bodies
	codes  map[string]int
}

func newCanaries(t *testing.T, s *server) *canaries {
	random, _ := proof.Rand(t)
	x := &isolation{T: t, s: s, rand: random, replied: map[string]bool{}}
	c := &canaries{isolation: x, codes: map[string]int{}}
	own := s.client(7, "LIVE")
	c.secret("a client's secret", own.Secret)
	rotated := s.rotate(own, "1h")
	c.secret("a rotated secret", rotated.Secret)
	other := s.client(8, "SANDBOX", "--rate-limit", "1", "--burst", "1")
	c.secret("another client's secret", other.Secret)
	pepper, err := os.ReadFile(s.pepper)
	if err != nil {
		t.Fatal(err)
	}
	c.secret("the pepper", strings.TrimSpace(string(pepper)))
	raw, err := hex.DecodeString(strings.TrimSpace(string(pepper)))
	if err != nil {
		t.Fatal(err)
	}
	c.secret("the pepper's bytes", string(raw))
	c.secret("a wrong secret", strings.Repeat("73915026", 8))
	c.all = append(c.all, canary{"an unknown client id", "ZqxUnknownClientId73915026=", false}, canary{"a path", "zqxpath7391", false},
		canary{"a key", "zqxkey7391", false}, canary{"a query", "zqxquery7391", false}, canary{"garbage", "zqxgarbage7391", false}, canary{"a method", "ZQXMETHOD", false})
	for name, value := range canaryFields {
		c.all = append(c.all, canary{name, value, false})
	}
	for i := 1; i < len(canaryHeaders); i += 2 {
		c.all = append(c.all, canary{"the header " + canaryHeaders[i-1], canaryHeaders[i], false})
	}
	c.h = x.holder("the canaries' book", "zqxword", rotated)
	x.holders = []*holder{c.h, x.holder("a limited client's", "zqxword", other)}
	return c
}

func (c *canaries) secret(what, value string) { c.all = append(c.all, canary{what, value, true}) }

func (c *canaries) run(lost func()) {
	bodies := map[string]m{}
	for _, op := range book.Ops {
		own, err := c.h.prepare(op)
		if err != nil {
			c.Fatal(err)
		}
		body := altered(own.body, "", nil)
		for _, f := range op.Fields() {
			if v, ok := canaryFields[f.Name]; ok {
				body[f.Name] = v
			}
			if f.Name == "countryCode" {
				body[f.Name] = "GB"
			}
		}
		if op.Path() == "/contacts/tag" && body["name"] != nil {
			body["name"] = fmt.Sprint(body["name"], " ", op.Method())
		}
		bodies[op.Route] = body
		c.try(op, body)
	}
	c.strange(bodies)
	c.refusals(bodies)
	c.broken(bodies)
	if lost(); c.s.engine == "postgres" && proof.Sized() != proof.Quick {
		for _, op := range book.Ops {
			c.send(c.s.request(c.h.creds, op.Method(), op.Path(), bodies[op.Route]))
		}
	}
	c.look()
}

// try sends an op's fields in ways that fail, and once as they are.
func (c *canaries) try(op book.Op, body m) {
	text, err := json.Marshal(body)
	if err != nil {
		c.Fatal(err)
	}
	c.send(c.s.request(c.h.creds, op.Method(), op.Path(), string(text[:len(text)-1]))) // cut off
	c.send(c.s.request(c.h.creds, op.Method(), op.Path(), `{"zqxkey7391":1,"zqxkey7391":2,`+string(text[1:])))
	c.send(c.s.request(c.h.creds, op.Method(), op.Path(), string(text)+strings.Repeat(" ", 257<<10)))
	wrong := []func(v any) any{
		func(v any) any { return fmt.Sprint(v, "\x01") }, func(v any) any { return []any{v} }, func(v any) any { return m{fmt.Sprint(v): v} },
		func(v any) any { return fmt.Sprint(v, strings.Repeat(" zqx", 2000)) },
	}
	if proof.Sized() == proof.Quick {
		i := c.rand.IntN(len(wrong))
		wrong = wrong[i : i+1]
	}
	for _, spoil := range wrong {
		all := m{}
		for name, v := range body {
			if name == "callingCode" && op.Path() == "/contacts/payment" {
				continue // of a WALLET alone: nobody reads it here
			}
			all[name] = spoil(v)
			c.send(c.s.request(c.h.creds, op.Method(), op.Path(), altered(body, name, spoil(v)), "Accept", asProblem))
		}
		c.send(c.s.request(c.h.creds, op.Method(), op.Path(), all, "Accept", asProblem))
		c.send(c.s.request(c.h.creds, op.Method(), op.Path(), all))
	}
	ids := altered(body, "", nil)
	for _, f := range idFields(op) {
		putField(ids, f.Name, c.never())
	}
	c.send(c.s.request(c.h.creds, op.Method(), op.Path(), ids))
	if op.Bodyless() {
		query := url.Values{"zqxquery7391": {"zqxquery7391"}}
		for name, v := range ids {
			query.Set(name, fmt.Sprint(v))
		}
		c.send(c.s.request(c.h.creds, op.Method(), op.Path()+"?"+query.Encode(), nil))
		r := c.s.request(c.h.creds, op.Method(), op.Path(), nil)
		r.URL.RawQuery = "zqxquery7391=%zz"
		c.send(r)
	}
	if r := c.send(c.s.request(c.h.creds, op.Method(), op.Path(), body, canaryHeaders...)); r.Code == "TXN" {
		c.codes["all fields, of "+op.Method()]++
	}
}

// strange sends what matches no op, and what is no HTTP.
func (c *canaries) strange(bodies map[string]m) {
	body := bodies["POST /contacts/profile"]
	for _, path := range []string{"/zqxpath7391", "/contacts/zqxpath7391?name=zqxquery7391", "/contacts/tag/zqxpath7391", "/docs/zqxpath7391", "/livez/zqxpath7391"} {
		c.send(c.s.request(c.h.creds, "POST", path, body, canaryHeaders...))
		c.send(c.s.request(c.h.creds, "GET", path, body, "Accept", asProblem))
	}
	c.send(c.s.request(c.h.creds, "ZQXMETHOD", "/contacts/tag", body))
	for _, raw := range []string{
		"zqxgarbage7391 zqxgarbage7391\r\n\r\n", "GET /zqxpath7391 HTTP/1.1\r\nHost: zqxgarbage7391\r\nzqxgarbage7391\r\n\r\n",
		"POST /contacts/tag HTTP/1.1\r\nHost: a\r\nContent-Length: zqxgarbage7391\r\n\r\n", "GET /%zqxpath7391 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /contacts/tag HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zqxgarbage7391\r\n\r\n", "\x16\x03\x01zqxgarbage7391",
		"GET /contacts/tag HTTP/1.1\r\nHost: a\r\nX-A: zqxgarbage7391" + strings.Repeat("x", 100<<10) + "\r\n\r\n",
		fmt.Sprintf("POST /contacts/profile HTTP/1.1\r\nHost: a\r\nX-Ipay-Auth-Code: 1\r\nX-Ipay-Client-Id: %s\r\nX-Ipay-Client-Secret: %s\r\nX-Ipay-Endpoint-Ip: ::1\r\n"+
			"Content-Length: 5000\r\n\r\n{\"name\":\"zqxgarbage7391", c.h.creds.ID, c.h.creds.Secret), // and goes away
	} {
		conn := dial(c.T, c.s)
		io.WriteString(conn, raw)
		conn.CloseWrite()
		answer, _ := io.ReadAll(conn)
		conn.Close()
		c.failed.Write(answer)
	}
}

// refusals are those of credentials, limits and overload.
func (c *canaries) refusals(bodies map[string]m) {
	add := bodies["POST /contacts/profile"]
	wrong := creds{ID: c.h.creds.ID, Secret: strings.Repeat("73915026", 8)}
	unknown := creds{ID: "ZqxUnknownClientId73915026=", Secret: c.h.creds.Secret}
	turned := creds{ID: c.h.creds.Secret, Secret: c.h.creds.ID}
	for _, w := range []creds{wrong, unknown, turned, wrong, c.h.creds} { // the address is refused after three
		c.send(c.s.request(w, "POST", "/contacts/profile", add, canaryHeaders...))
	}
	limited := c.holders[1].creds
	for range 4 {
		c.send(c.s.request(limited, "POST", "/contacts/profile", add))
	}
	// Two may work and four wait, while the database stands still.
	letGo := holdContacts(c.T, c.s.engine, c.s.database)
	var wg sync.WaitGroup
	for range 12 {
		r := c.s.request(c.h.creds, "POST", "/contacts/profile", add)
		wg.Go(func() { c.send(r) })
	}
	c.s.until("requests are refused for their number", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.codes["503"] >= 6
	})
	if proof.Sized() != proof.Quick {
		time.Sleep(11 * time.Second) // until what works gives up
	}
	letGo()
	wg.Wait()
}

// broken has the database refuse rows, and be of another shape than is believed.
func (c *canaries) broken(bodies map[string]m) {
	db := openDirect(c.T, c.s.engine, c.s.database)
	sabotage := []string{"alter table payment rename to payment_gone"}
	for _, table := range []string{"contact", "person", "address", "business", "tag"} {
		if c.s.engine == "sqlite" {
			sabotage = append(sabotage,
				"create trigger no_"+table+" before insert on "+table+" begin select raise(abort, 'no rows today'); end",
				"create trigger set_"+table+" before update on "+table+" begin select raise(abort, 'no rows today'); end")
		} else {
			sabotage = append(sabotage, "alter table "+table+" add constraint no_rows_today check (created < 0) not valid") // its detail has the row
		}
	}
	if c.s.engine == "postgres" { // its message has the value
		sabotage = append(sabotage, "alter table person alter column email type bigint using 1", "alter table address alter column city type boolean using true")
	}
	for _, text := range sabotage {
		if _, err := db.Exec(text); err != nil {
			c.Fatalf("%s: %v", text, err)
		}
	}
	for _, op := range book.Ops {
		body := bodies[op.Route]
		if op.Path() == "/contacts/tag" && body["name"] != nil {
			body["name"] = fmt.Sprint(body["name"], " again")
		}
		c.send(c.s.request(c.h.creds, op.Method(), op.Path(), body))
	}
}

// send sends a request and keeps its reply for the search.
func (c *canaries) send(r *http.Request) reply {
	a, err := send(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return a
	}
	c.codes[a.Code]++
	c.codes[strconv.Itoa(a.HTTP)]++
	into := &c.failed
	if a.Code == "TXN" || a.Code == "DTX" && string(a.Data) != "null" { // the first answer's data again
		into = &c.given
	}
	a.Header.Write(into)
	into.Write(a.Raw)
	into.WriteString("\n")
	if a.Code == "TXN" { // its headers hold no one's data: a cursor is sealed
		a.Header.Write(&c.failed)
	}
	return a
}

// look gathers all that the server said, and searches it.
func (c *canaries) look() {
	places := map[string]string{"errors, and all headers": c.failed.String()}
	admin := metricsAt.FindStringSubmatch(c.s.out.String())
	if admin == nil {
		c.Fatal("the server does not say where its metrics are")
	}
	for _, path := range []string{"/metrics", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/pprof/cmdline"} {
		res, err := http.Get(strings.TrimSuffix(admin[1], "/metrics") + path)
		if err != nil {
			c.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || len(text) == 0 || res.StatusCode != 200 {
			c.Fatalf("%s: %s, %v", path, res.Status, err)
		}
		places[path] = string(text)
	}
	c.s.cmd.Process.Signal(syscall.SIGQUIT) // as a panic that nobody catches: all stacks
	c.s.exited <- <-c.s.exited
	places["the log and all stacks"] = c.s.out.String()
	found := 0
	for place, text := range places {
		in := newHaystack(text)
		for _, k := range c.all {
			for _, form := range in.find(k.value) {
				found++
				c.Errorf("%s is in %s, %s", k.what, place, form)
			}
		}
	}
	given := newHaystack(c.given.String())
	for _, k := range c.all {
		if k.secret && len(given.find(k.value)) > 0 {
			found++
			c.Errorf("%s is in a reply", k.what)
		}
	}
	// The search would find them, and all that was to happen did.
	for _, name := range []string{"name", "email", "pan", "accountNumber"} {
		if len(given.find(canaryFields[name])) == 0 {
			c.Errorf("not even the replies to their owner have the canary of %s", name)
		}
	}
	log := places["the log and all stacks"]
	for what, ok := range map[string]bool{
		"requests": strings.Count(log, "msg=request ") > 200, "failures": strings.Count(log, `msg="request failed"`) > 5, "stacks": strings.Count(log, "\ngoroutine ") > 5,
		"too many wrong credentials": strings.Contains(log, "wrong credentials too often"),
	} {
		if !ok {
			c.Errorf("the log has no %s:\n%s", what, c.s.out.tail())
		}
	}
	for _, code := range []string{"TXN", "RPI", "IAC", "ERR", "OUE", "SPD", "ISE", "413", "429", "503", "404", "405"} {
		if c.codes[code] == 0 {
			c.Errorf("no request was answered %s: %v", code, c.codes)
		}
	}
	if len(c.all) < 40 {
		c.Errorf("only %d canaries", len(c.all))
	}
	proof.Record(c.T, proof.Figure{ID: "S6", What: fmt.Sprintf("%s, %d canaries in logs, metrics, profiles, errors and stacks: found", c.s.engine, len(c.all)),
		Target: "0", Got: fmt.Sprint(found), Met: found == 0})
}

// haystack is a text in which values are looked for in the forms that they may take.
type haystack struct{ text, lower string }

func newHaystack(text string) haystack { return haystack{text, strings.ToLower(text)} }

// find names the forms of a value that the text has.
func (in haystack) find(value string) (forms []string) {
	folded := map[string]string{
		"as it is": value, "in hexadecimal": hex.EncodeToString([]byte(value)), "escaped for a query": url.QueryEscape(value), "escaped for a path": url.PathEscape(value),
		"quoted": strings.Trim(strconv.Quote(value), `"`), "in ASCII": strings.Trim(strconv.QuoteToASCII(value), `"`), "in JSON": strings.Trim(jsonText(value), `"`),
		"in JSON's escapes": escapedText(value), "as Go's bytes": strings.Trim(fmt.Sprint([]byte(value)), "[]"), "in Go's hexadecimal": strings.TrimPrefix(fmt.Sprintf("% x", value), " "),
	}
	for name, form := range folded {
		if strings.Contains(in.lower, strings.ToLower(form)) {
			forms = append(forms, name)
		}
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for before := range 3 { // its place among its neighbours decides its letters
			text := e.WithPadding(base64.NoPadding).EncodeToString([]byte(strings.Repeat("x", before) + value))
			whole := text[(before*8+5)/6 : (before+len(value))*8/6]
			if len(whole) >= 8 && strings.Contains(in.text, whole) {
				forms = append(forms, "in base64")
			}
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// escapedText is s with an escape for each letter.
func escapedText(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

// TestHaystack plants a value in each form: a search that finds nothing must be one that would.
func TestHaystack(t *testing.T) {
	const value = "Zqx Street 7391\nQvk"
	for _, form := range []string{
		value, strings.ToUpper(value), fmt.Sprintf("%q", value), fmt.Sprintf("%+v", struct{ A string }{value}), jsonText(value), url.QueryEscape(value), url.PathEscape(value),
		hex.EncodeToString([]byte(value)), fmt.Sprintf("%X", value), fmt.Sprintf("% x", value), fmt.Sprint([]byte(value)), escapedText(value),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.URLEncoding.EncodeToString([]byte("ab" + value + "cd")), base64.RawStdEncoding.EncodeToString([]byte("a" + value)),
	} {
		if len(newHaystack("before "+form+" after").find(value)) == 0 {
			t.Errorf("not found in %s", form)
		}
	}
	if forms := newHaystack("Zqx Street 7391 Qvk, and what else is near").find(value); len(forms) > 0 {
		t.Errorf("found %v where it is not", forms)
	}
}
