package e2e

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"contactbook/internal/book"

	"contactbook/internal/proof"
)

// TestSecondTenant (S1, S2) replays every op of book.Ops with ids that are not the caller's. It is generated from the ops and
// their fields: a new op is covered by being in the list, and one that holder cannot make succeed fails the test.
func TestSecondTenant(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		x := newIsolation(t, s)
		x.owners()
		x.strangers()
		x.shared()
		x.locked()
		x.cursors()
		x.spelling()
		proof.Record(t, proof.Figure{ID: "S1", What: fmt.Sprintf("%s, %d requests of every operation with ids that are not the caller's: reads, writes or replies that tell one from another", s.engine, x.requests),
			Target: "0", Got: fmt.Sprint(x.shown), Met: x.shown == 0, Seed: x.seed})
		found := x.shown
		names := x.serverFields()
		proof.Record(t, proof.Figure{ID: "S2", What: fmt.Sprintf("%s, %d names of fields and columns sent to every operation: server-owned fields changed", s.engine, names),
			Target: "0", Got: fmt.Sprint(x.shown - found), Met: x.shown == found, Seed: x.seed})
	})
}

// isolation is one run of the matrix on one server.
type isolation struct {
	*testing.T
	s       *server
	rand    *rand.Rand
	db      *sql.DB
	tables  []string        // of books
	columns map[string]bool // names of all columns of all tables
	replied map[string]bool // every key that was seen in a reply
	holders []*holder

	seed     uint64
	requests int // of strangers
	shown    int // findings
}

func newIsolation(t *testing.T, s *server) *isolation {
	random, seed := proof.Rand(t)
	x := &isolation{T: t, s: s, rand: random, seed: seed, replied: map[string]bool{}, columns: map[string]bool{}}
	x.db = openDirect(t, s.engine, s.database)
	x.holders = []*holder{
		x.holder("tenant A", "alpha", s.client(501, "LIVE")),
		x.holder("tenant B", "bravo", s.client(502, "LIVE")),
		x.holder("tenant A's SANDBOX", "echo", s.client(501, "SANDBOX")),
	}
	tables := columnsOf(t, s.engine, x.db)
	x.tables = tenantTables(tables)
	for _, names := range tables {
		for _, name := range names {
			x.columns[name] = true
		}
	}
	if len(x.tables) < 6 || len(x.columns) < 20 {
		t.Fatalf("the database has the tables %v", tables)
	}
	return x
}

// wrong reports one finding; a broken condition breaks hundreds of cases, of which a few tell enough.
func (x *isolation) wrong(format string, args ...any) {
	x.Helper()
	x.Errorf(format, args...)
	if x.shown++; x.shown >= 15 {
		x.FailNow()
	}
}

func (x *isolation) dump(tenants ...int64) dump {
	x.Helper()
	return dumpBooks(x.T, x.db, x.tables, tenants...)
}

// wholeReply is all of a reply that a client can compare.
func wholeReply(r reply) string {
	h := r.Header.Clone()
	h.Del("Date")
	var b strings.Builder
	h.Write(&b)
	return r.stable() + "\n" + b.String()
}

// snapshot is every list of the book as its owner gets it.
func (h *holder) snapshot() string {
	h.Helper()
	var b strings.Builder
	shown := 0
	for _, op := range book.Ops {
		if op.Method() != http.MethodGet {
			continue
		}
		var parent string
		for _, f := range op.Fields() {
			if f.Must && f.Kind == "id" {
				parent = f.Name
			} else if f.Must {
				h.Fatalf("%s: a list that cannot be listed without %s", op.Route, f.Name)
			}
		}
		bodies := []m{nil}
		if parent != "" {
			bodies = nil
			for _, id := range h.made[resourceOf(parent)] {
				bodies = append(bodies, m{parent: id})
			}
		}
		for _, body := range bodies {
			r := h.send(op, byBody, body)
			fmt.Fprintln(&b, op.Route, body, r.stable())
			if h.onlyOwn(op.Route, r); r.Code == "TXN" {
				shown += bytes.Count(r.Data, []byte(`"_id"`))
			}
		}
	}
	if shown < len(book.Ops) {
		h.Fatalf("the lists of %s show only %d records", h.name, shown)
	}
	return b.String()
}

// onlyOwn finds what belongs to another book in a reply.
func (h *holder) onlyOwn(what string, r reply) {
	h.Helper()
	text := []byte(r.stable()) // chance may spell a word in a reference
	for _, other := range h.holders {
		if other == h {
			continue
		}
		if bytes.Contains(text, []byte(other.word)) {
			h.wrong("%s: %s was shown a text of %s:\n%s", what, h.name, other.name, r.Raw)
		}
		for _, ids := range other.made {
			for _, id := range ids {
				if bytes.Contains(r.Raw, []byte(id)) {
					h.wrong("%s: %s was shown an id of %s:\n%s", what, h.name, other.name, r.Raw)
				}
			}
		}
	}
}

// owners shows that the generator's requests succeed, for what a stranger is refused means nothing otherwise, and
// leaves every book with a request of each op that would.
func (x *isolation) owners() {
	for _, h := range x.holders {
		for _, op := range book.Ops {
			for _, how := range []way{byBody, byQuery} {
				c, err := h.prepare(op)
				if err != nil {
					x.Fatalf("%s: the generator cannot make a request of it: %v", op.Route, err)
				}
				if how == byQuery && !(op.Bodyless() && fitsQuery(c.body)) {
					continue
				}
				r := h.send(op, how, c.body)
				if r.Code != "TXN" || r.Status != op.Done {
					x.Fatalf("%s: the generator's request fails as %s, in the %s: %v\n%s", op.Route, h.name, how, c.body, r.Raw)
				}
				h.onlyOwn(op.Route, r)
			}
			c, err := h.prepare(op)
			if err != nil {
				x.Fatal(err)
			}
			h.cases[op.Route] = c
		}
		for _, op := range book.Ops {
			if own := resourceAt(op); len(h.made[own]) == 0 {
				x.Fatalf("the book of %s has no %s", h.name, own)
			}
		}
	}
}

// never is an id that was never made.
func (x *isolation) never() string {
	var id [12]byte
	for i := range id {
		id[i] = byte(x.rand.IntN(256))
	}
	return hex.EncodeToString(id[:])
}

// trial is what an op's fields are tried with, by one book's client.
type trial struct {
	h       *holder
	own     *replay
	foreign map[string]map[string]string // field to what an id is to the id, which the client must not reach
}

// strangers is the matrix: each op, each of its id fields, each book's ids in each other's hands.
func (x *isolation) strangers() {
	// All that the trials need is made first, so that nothing may change from here on.
	var trials []trial
	for _, op := range book.Ops {
		for _, h := range x.holders {
			c := trial{h, h.cases[op.Route], map[string]map[string]string{}}
			for _, f := range idFields(op) {
				c.foreign[f.Name] = h.foreign(c.own, f)
			}
			if len(c.foreign) > 0 {
				trials = append(trials, c)
			}
		}
	}
	before, lists := x.dump(), map[*holder]string{}
	for _, h := range x.holders {
		lists[h] = h.snapshot()
	}
	requests := 0
	for i, c := range trials {
		op := c.own.op
		for _, f := range idFields(op) {
			for i, body := range bases(c.own, f) {
				for _, how := range ways(op, body) {
					if i == 0 || how != problemReply {
						requests += c.h.refused(op, f, how, body, c.foreign[f.Name])
					}
				}
				if c.h == x.holders[0] { // it is the same in every book
					requests += c.h.malformed(op, f, body)
				}
			}
		}
		requests += c.h.replayed(c.own)
		if i == len(trials)-1 || trials[i+1].own.op.Route != op.Route {
			x.unchanged(before, op.Route+" with ids of others")
		}
	}
	for _, h := range x.holders {
		if after := h.snapshot(); after != lists[h] {
			x.wrong("the lists of %s are not what they were:\n%s", h.name, difference(lists[h], after))
		}
	}
	x.requests = requests
}

func (x *isolation) unchanged(before dump, what string) {
	x.Helper()
	after := x.dump()
	for _, h := range x.holders {
		if !before.same(after, h.tenant()) {
			x.wrong("%s changed the book of %s:\n%s", what, h.name, before.difference(after, h.tenant()))
		}
	}
	for tenant := range after {
		if before[tenant] == nil {
			x.wrong("%s made rows of tenant %d:\n%s", what, tenant, before.difference(after, tenant))
		}
	}
}

// difference is the lines that only one of two texts has.
func difference(a, b string) string {
	var out strings.Builder
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for _, l := range as {
		if !slices.Contains(bs, l) {
			fmt.Fprintln(&out, "-", l)
		}
	}
	for _, l := range bs {
		if !slices.Contains(as, l) {
			fmt.Fprintln(&out, "+", l)
		}
	}
	return out.String()
}

// bases are the requests to put ids in: with all fields, and without the other optional ids, which narrow a list or
// lead elsewhere.
func bases(c *replay, f book.Field) []m {
	all := altered(c.body, "", nil)
	lone := altered(c.body, "", nil)
	for _, g := range c.op.Fields() {
		if !g.Must && g.Name != f.Name && (g.Kind == "id" || g.Name == "cursor" || g.Kind == "integer") {
			delete(lone, g.Name)
		}
	}
	if len(lone) == len(all) {
		return []m{all}
	}
	return []m{all, lone}
}

// foreign are ids that a field of h's request must not reach, each with what it is.
func (h *holder) foreign(own *replay, f book.Field) map[string]string {
	resource, ids := resourceOf(f.Name), map[string]string{}
	set := func(what, id string) {
		if id != "" {
			ids[what] = id
		}
	}
	set("an own deleted "+resource, h.deleted(resource, own.have))
	set("the lowest "+resource, strings.Repeat("0", 24)) // not to be taken for one that was not sent
	set("the highest "+resource, strings.Repeat("f", 24))
	for _, other := range h.holders {
		c := other.cases[own.op.Route]
		if other != h {
			set("a "+resource+" of "+other.name, c.have[resource])
			set("a deleted "+resource+" of "+other.name, other.deleted(resource, c.have))
		}
		for kind, id := range other.living() {
			if kind != resource && (other == h || other == h.next()) {
				set("a "+kind+" of "+other.name, id)
			}
		}
	}
	// A contact's child is reached through its own contact only, not through another of the same book.
	below := func(g book.Field) bool { return isChild(resourceOf(g.Name)) }
	if isChild(resource) || resource == "profile" && slices.ContainsFunc(idFields(own.op), below) {
		second, err := h.prepare(own.op)
		if err != nil {
			h.Fatal(err)
		}
		set("the "+resource+" of another own contact", second.have[resource])
	}
	return ids
}

// refused sends every foreign id and compares the reply with the one to an id that never was.
func (h *holder) refused(op book.Op, f book.Field, how way, body m, foreign map[string]string) int {
	h.Helper()
	unknown := h.send(op, how, altered(body, f.Name, h.never()))
	empty := op.Method() == http.MethodGet && unknown.Code == "TXN" && string(unknown.Data) == "[]"
	if unknown.Code == "TXN" && !empty {
		h.wrong("%s (%s) as %s accepts an id that never was in %s:\n%s", op.Route, how, h.name, f.Name, unknown.Raw)
	}
	requests := 1
	for what, id := range foreign {
		if how != byBody && !strings.Contains(what, resourceOf(f.Name)) {
			continue // ids of other kinds need not travel every way
		}
		requests++
		r := h.send(op, how, altered(body, f.Name, id))
		if got, want := wholeReply(r), wholeReply(unknown); got != want {
			h.wrong("%s (%s) as %s tells %s in %s from one that never was:\n%s\nand not\n%s", op.Route, how, h.name, what, f.Name, got, want)
		}
		h.onlyOwn(op.Route, r)
	}
	return requests
}

// replayed sends another book's request as it stands, and compares the reply with that to ids that never were.
func (h *holder) replayed(own *replay) (requests int) {
	fields := idFields(own.op)
	nothing := altered(own.body, "", nil)
	for _, f := range fields {
		putField(nothing, f.Name, h.never())
	}
	for _, how := range ways(own.op, nothing) {
		unknown := h.send(own.op, how, nothing)
		for _, other := range h.holders {
			if other == h {
				continue
			}
			body := altered(own.body, "", nil)
			for _, f := range fields {
				putField(body, f.Name, other.cases[own.op.Route].have[resourceOf(f.Name)])
			}
			r := h.send(own.op, how, body)
			if got, want := wholeReply(r), wholeReply(unknown); got != want {
				h.wrong("%s (%s) as %s tells all ids of %s from ones that never were:\n%s\nand not\n%s", own.op.Route, how, h.name, other.name, got, want)
			}
			h.onlyOwn(own.op.Route, r)
			requests++
		}
	}
	return requests
}

// malformed sends what is no id, and expects the rule that it breaks.
func (h *holder) malformed(op book.Op, f book.Field, body m) (requests int) {
	id := h.cases[op.Route].have[resourceOf(f.Name)]
	path := messagePath(f.Name)
	choice, text, missing := "The selected "+path+" is invalid.", "The "+path+" must be a string.", "The "+path+" field is required."
	if !f.Must {
		missing = "" // as if it were not there
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{id[:23], choice}, {id + "0", choice}, {"g" + id[1:], choice}, {id[:11] + " " + id[12:], choice}, {id + "\x00", choice},
		{"0x" + id[2:], choice}, {strings.Repeat("٣", 12), choice}, {"null", choice}, {"' or '1'='1", choice},
		{[]any{id, id}, text}, {m{"$ne": id}, text}, {12345678, text}, {json.Number("123456789012345678901234"), text}, {true, text},
		{"", missing}, {"  ", missing}, {nil, missing},
	} {
		b := altered(body, "", nil)
		putField(b, f.Name, c.value)
		for _, how := range ways(op, b) {
			if _, number := c.value.(int); how != byBody && (how == problemReply || number || c.want == missing && !f.Must) {
				continue // a number in a query string is digits; the problem says the same as the envelope
			}
			if _, number := c.value.(json.Number); number && how == byQuery {
				continue
			}
			r := h.send(op, how, b)
			requests++
			h.onlyOwn(op.Route, r)
			if c.want == "" {
				if r.Code != "TXN" {
					h.wrong("%s (%s) with %s = %#v: %s", op.Route, how, f.Name, c.value, r.Raw)
				}
			} else if r.Code != "RPI" || r.Status != c.want {
				h.wrong("%s (%s) with %s = %#v: want RPI %s\n%s", op.Route, how, f.Name, c.value, c.want, r.Raw)
			}
		}
	}
	return requests
}

// shared: two clients of one user and environment open one book.
func (x *isolation) shared() {
	a := x.holders[0]
	second := x.s.client(a.creds.UserID, a.creds.Environment)
	for _, op := range book.Ops {
		c, err := a.prepare(op)
		if err != nil {
			x.Fatal(err)
		}
		if r := a.sendAs(second, op, byBody, c.body); r.Code != "TXN" || r.Status != op.Done {
			x.wrong("%s by a second client of the same book: %s", op.Route, r.Raw)
		} else if op.Route == "POST /contacts/profile" {
			a.made["profile"] = append(a.made["profile"], r.id())
		}
	}
	first, before := a.creds, a.snapshot()
	a.creds = second
	if after := a.snapshot(); before != after {
		x.wrong("two clients of one book see different lists:\n%s", difference(before, after))
	}
	a.creds = first
}

// locked: clients that are no more let in get one answer, whatever they ask for.
func (x *isolation) locked() {
	a := x.holders[0]
	before := x.dump()
	for _, c := range []struct{ how, code string }{{"disable", "AAB"}, {"revoke", "IAC"}} {
		client := x.s.client(a.creds.UserID, a.creds.Environment)
		if _, stderr, code := x.s.run("client", c.how, client.ID); code != 0 {
			x.Fatalf("client %s: exit %d\n%s", c.how, code, stderr)
		}
		for _, op := range book.Ops {
			own := a.cases[op.Route]
			for _, how := range ways(op, own.body) {
				r := a.sendAs(client, op, how, own.body)
				nothing := a.sendAs(client, op, how, m{})
				if r.Code != c.code || string(r.Data) != "null" && len(r.Data) > 0 {
					x.wrong("%s (%s) after client %s: want %s\n%s", op.Route, how, c.how, c.code, r.Raw)
				}
				if got, want := wholeReply(r), wholeReply(nothing); got != want {
					x.wrong("%s (%s) after client %s depends on what is asked:\n%s\nand not\n%s", op.Route, how, c.how, got, want)
				}
				for _, h := range x.holders {
					if bytes.Contains(r.Raw, []byte(h.word)) {
						x.wrong("%s after client %s shows the book:\n%s", op.Route, c.how, r.Raw)
					}
				}
			}
		}
	}
	x.unchanged(before, "a client that is not let in")
}

// cursors: one book's place in its list is nothing to another.
func (x *isolation) cursors() {
	list, ok := opNamed("GET", "profile")
	if !ok {
		x.Fatal("no list of contacts")
	}
	for _, h := range x.holders {
		page := h.s.ok(h.creds, "GET", "/contacts/profile", m{"limit": 1})
		cursor := page.Header.Get("X-Next-Cursor")
		if cursor == "" || !strings.Contains(page.Header.Get("Link"), url.QueryEscape(cursor)) {
			x.Fatalf("no cursor after one contact of %s: %v", h.name, page.Header)
		}
		garbage := []byte(cursor)
		x.rand.Shuffle(len(garbage), func(i, j int) { garbage[i], garbage[j] = garbage[j], garbage[i] })
		for _, how := range []way{byBody, byQuery, problemReply} {
			if r := h.send(list, how, m{"limit": 1, "cursor": cursor}); r.Code != "TXN" || bytes.Equal(r.Data, page.Data) || string(r.Data) == "[]" {
				x.wrong("a cursor (%s) of its own book leads to %s", how, r.Raw)
			}
			for _, other := range x.holders {
				if other == h {
					continue
				}
				for _, body := range []m{{"limit": 1}, {}} {
					r := other.send(list, how, altered(body, "cursor", cursor))
					unknown := other.send(list, how, altered(body, "cursor", string(garbage)))
					if r.Code != "RPI" || !bytes.Contains(r.Raw, []byte("The selected cursor is invalid.")) || r.Header.Get("X-Next-Cursor") != "" {
						x.wrong("a cursor (%s) of %s in the hands of %s: %s", how, h.name, other.name, r.Raw)
					}
					if got, want := wholeReply(r), wholeReply(unknown); got != want {
						x.wrong("a cursor (%s) of %s is told from garbage by %s:\n%s\nand not\n%s", how, h.name, other.name, got, want)
					}
				}
			}
		}
	}
}

// spelling: an own id in capitals or between blanks is the same id.
func (x *isolation) spelling() {
	a := x.holders[0]
	for _, op := range book.Ops {
		for _, f := range idFields(op) {
			for _, spell := range []func(string) string{strings.ToUpper, func(id string) string { return " " + id + "\t" }} {
				c, err := a.prepare(op)
				if err != nil {
					x.Fatal(err)
				}
				id := c.have[resourceOf(f.Name)]
				if r := a.send(op, byBody, altered(c.body, f.Name, spell(id))); r.Code != "TXN" || r.Status != op.Done {
					x.wrong("%s with %s = %q: %s", op.Route, f.Name, spell(id), r.Raw)
				}
			}
		}
	}
}
