package e2e

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"contactbook/internal/book"
)

// TestSecondTenant replays every op of book.Ops with ids that are not the caller's. It is generated from the ops and
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
		x.serverFields()
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
	shown   int
}

// holder is one book and whom it belongs to.
type holder struct {
	*isolation
	name   string
	word   string // stands in all its texts, so that none can be shown to others unnoticed
	creds  creds
	serial int
	made   map[string][]string // resource to the ids that it ever had here
	cases  map[string]*replay  // route to a request that works
}

// given names one record of each resource, as one request goes by them.
type given map[string]string

// replay is a request of an op that would succeed as its owner's.
type replay struct {
	op   book.Op
	have given
	body m
}

func newIsolation(t *testing.T, s *server) *isolation {
	x := &isolation{T: t, s: s, rand: seeded(t), replied: map[string]bool{}, columns: map[string]bool{}}
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

func (x *isolation) holder(name, word string, c creds) *holder {
	return &holder{isolation: x, name: name, word: word, creds: c, made: map[string][]string{}, cases: map[string]*replay{}}
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

func (h *holder) tenant() int64 {
	if h.creds.Environment == "SANDBOX" {
		return 2*h.creds.UserID + 1
	}
	return 2 * h.creds.UserID
}

// next is another book.
func (h *holder) next() *holder {
	return h.holders[(slices.Index(h.holders, h)+1)%len(h.holders)]
}

// The generator: a good value of every field, and records for every id.

// resourceOf is what an id field names: the last element of the path below which its records are added.
func resourceOf(field string) string {
	name := strings.TrimSuffix(field[strings.LastIndex(field, ".")+1:], "Id")
	if name == "gc" || name == "contact" {
		return "profile"
	}
	return name
}

// resourceAt is the resource of a path: /contacts/payment/primary is about payments.
func resourceAt(op book.Op) string { return strings.Split(op.Path(), "/")[2] }

func opNamed(method, resource string) (book.Op, bool) {
	for _, op := range book.Ops {
		if op.Route == method+" /contacts/"+resource {
			return op, true
		}
	}
	return book.Op{}, false
}

// idFields are the op's fields that name a record.
func idFields(op book.Op) (ids []book.Field) {
	for _, f := range op.Fields() {
		if f.Kind == "id" {
			ids = append(ids, f)
		}
	}
	return ids
}

// isChild tells a record that lives below a contact.
func isChild(resource string) bool {
	add, ok := opNamed("POST", resource)
	return ok && slices.ContainsFunc(idFields(add), func(f book.Field) bool { return f.Name == "gcId" })
}

// examples are the kinds whose form says everything; texts are made by holder.
var examples = map[string]any{
	"callingCode": "91", "boolean": false, "integer": 3, "color": "#12AB34", "pincode": "560001", "country": "IN",
	"pan": "ABCPE1234F", "cin": "U72200MH2009PTC123456", "gstin": "27AAPFU0939F1ZV", "tan": "DELA12345B",
	"udyam": "UDYAM-MH-18-0001234", "accountIfsc": "HDFC0001234", "coordinate": "12.9716",
}

// choices are the fields that take one of a few words.
var choices = map[string]string{"accountType": "ACCOUNT"}

// example is a good value of a field in this book; records that it must name are made.
func (h *holder) example(f book.Field, have given) (any, error) {
	if v, ok := examples[f.Kind]; ok {
		return v, nil
	}
	h.serial++
	switch f.Kind {
	case "id":
		return h.record(resourceOf(f.Name), have)
	case "text":
		if f.Name == "cursor" {
			return h.cursor(have)
		}
		return fmt.Sprintf("%s text %d", h.word, h.serial), nil
	case "lines":
		return fmt.Sprintf("%s line %d\nand another", h.word, h.serial), nil
	case "email":
		return fmt.Sprintf("%s%d@example.com", h.word, h.serial), nil
	case "phone":
		return fmt.Sprintf("98%08d", h.serial), nil
	case "upiId":
		return fmt.Sprintf("%s%d@bank", h.word, h.serial), nil
	case "accountNumber":
		return fmt.Sprintf("%s%08d", h.word, h.serial), nil
	case "choice":
		if v, ok := choices[f.Name]; ok {
			return v, nil
		}
	}
	return nil, fmt.Errorf("no example of a %s for %s: give one in isolation_test.go", f.Kind, f.Name)
}

// record is the id of the one that have names, else of a new one.
func (h *holder) record(resource string, have given) (string, error) {
	if id := have[resource]; id != "" {
		return id, nil
	}
	return h.add(resource, have)
}

// add adds a record of a resource by its own op.
func (h *holder) add(resource string, have given) (string, error) {
	op, ok := opNamed("POST", resource)
	if !ok {
		return "", fmt.Errorf("no op adds a %s", resource)
	}
	body, err := h.body(op, have)
	if err != nil {
		return "", err
	}
	r := h.send(op, byBody, body)
	if r.Code != "TXN" || r.id() == "" {
		return "", fmt.Errorf("%s: %s", op.Route, r.Raw)
	}
	have[resource] = r.id()
	h.made[resource] = append(h.made[resource], r.id())
	return r.id(), nil
}

// body has a good value in every field of an op. have is completed by what had to be made.
func (h *holder) body(op book.Op, have given) (m, error) {
	body, fields := m{}, op.Fields()
	for _, f := range fields {
		within := func(g book.Field) bool { return strings.HasPrefix(g.Name, f.Name+".") }
		if slices.ContainsFunc(fields, within) {
			continue // an array is there when its elements are
		}
		v, err := h.example(f, have)
		if err != nil {
			return nil, err
		}
		putField(body, f.Name, v)
	}
	return body, nil
}

// putField sets the value at a field's dotted path; * is an array's one element.
func putField(in m, path string, v any) {
	name, rest, nested := strings.Cut(path, ".*.")
	if !nested {
		in[path] = v
		return
	}
	list, ok := in[name].([]any)
	if !ok {
		list = []any{m{}}
		in[name] = list
	}
	putField(list[0].(m), rest, v)
}

// messagePath is a field's path as messages have it.
func messagePath(field string) string { return strings.ReplaceAll(field, "*", "0") }

// altered is a copy of body with another value in one field.
func altered(body m, field string, v any) m {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	var c m
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&c); err != nil {
		panic(err)
	}
	if field != "" {
		putField(c, field, v)
	}
	return c
}

// prepare makes a request that works, and the records that it needs.
func (h *holder) prepare(op book.Op) (*replay, error) {
	have := given{}
	body, err := h.body(op, have)
	if err != nil {
		return nil, err
	}
	// A contact's one business record is named by its contact alone, and a list shows more when it has an item.
	if own := resourceAt(op); have[own] == "" && op.Route != "POST /contacts/"+own {
		if _, err := h.add(own, have); err != nil {
			return nil, err
		}
	}
	return &replay{op, have, body}, nil
}

// deleted is the id of a record beside the one that have names, which existed until now.
func (h *holder) deleted(resource string, have given) string {
	op, ok := opNamed("DELETE", resource)
	if !ok || !slices.ContainsFunc(idFields(op), func(f book.Field) bool { return resourceOf(f.Name) == resource }) {
		return ""
	}
	beside := maps.Clone(have)
	delete(beside, resource)
	id, err := h.add(resource, beside)
	if err != nil {
		h.Fatal(err)
	}
	body, err := h.body(op, beside)
	if err != nil {
		h.Fatal(err)
	}
	if r := h.send(op, byBody, body); r.Code != "TXN" {
		h.Fatalf("%s: %s", op.Route, r.Raw)
	}
	return id
}

// cursor is one of the list of contacts with a tag, which has a second page then.
func (h *holder) cursor(have given) (string, error) {
	tag, err := h.record("tag", have)
	if err != nil {
		return "", err
	}
	for range 2 {
		if _, err := h.add("profile", given{"tag": tag}); err != nil {
			return "", err
		}
	}
	r := h.s.ok(h.creds, "GET", "/contacts/profile", m{"tagId": tag, "limit": 1})
	if cursor := r.Header.Get("X-Next-Cursor"); cursor != "" {
		return cursor, nil
	}
	return "", fmt.Errorf("no cursor after %s", r.Raw)
}

// way is how a request's fields travel and how it is answered.
type way string

const (
	byBody       way = "body"
	byQuery      way = "query"
	problemReply way = "problem+json"
)

// ways are those that an op knows for such a body.
func ways(op book.Op, body m) []way {
	all := []way{byBody, problemReply}
	if op.Bodyless() && fitsQuery(body) {
		all = append(all, byQuery)
	}
	return all
}

// fitsQuery tells whether a query string can say the same.
func fitsQuery(body m) bool {
	for _, v := range body {
		switch v := v.(type) {
		case string, int, json.Number:
		case []any: // a repeated field
			for _, item := range v {
				if _, ok := item.(string); !ok {
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}

func (h *holder) send(op book.Op, how way, body m) reply {
	h.Helper()
	return h.sendAs(h.creds, op, how, body)
}

func (h *holder) sendAs(c creds, op book.Op, how way, body m) reply {
	h.Helper()
	path, more := op.Path(), []string(nil)
	var sent any
	if body != nil {
		sent = body
	}
	switch how {
	case byQuery:
		query := url.Values{}
		for name, v := range body {
			items, ok := v.([]any)
			if !ok {
				items = []any{v}
			}
			for _, item := range items {
				query.Add(name, fmt.Sprint(item))
			}
		}
		path, sent = path+"?"+query.Encode(), nil
	case problemReply:
		more = []string{"Accept", "application/problem+json"}
	}
	r := h.s.call(c, op.Method(), path, sent, more...)
	var data any
	if json.Unmarshal(r.Data, &data) == nil {
		h.keys(data)
	}
	return r
}

// keys notes every key of a reply's data.
func (x *isolation) keys(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, item := range v {
			x.replied[name] = true
			x.keys(item)
		}
	case []any:
		for _, item := range v {
			x.keys(item)
		}
	}
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
	for _, other := range h.holders {
		if other == h {
			continue
		}
		if bytes.Contains(r.Raw, []byte(other.word)) {
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
	x.Logf("%d requests with ids that are not the caller's", requests)
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
	for _, other := range h.holders {
		c := other.cases[own.op.Route]
		if other != h {
			set("a "+resource+" of "+other.name, c.have[resource])
			set("a deleted "+resource+" of "+other.name, other.deleted(resource, c.have))
		}
		for kind, all := range other.made {
			if kind != resource && (other == h || other == h.next()) {
				set("a "+kind+" of "+other.name, all[len(all)-1])
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

// serverFields sends every key of every reply and every column's name as input: what the server owns stays its own.
func (x *isolation) serverFields() {
	other := x.holders[1]
	names := map[string]bool{"__proto__": true, "id": true, "_rev": true, "environment": true, "sandbox": true, "lenient": true, "primary": true}
	maps.Copy(names, x.replied)
	for name := range x.columns {
		names[name] = true
		names[camelCase(name)] = true
	}
	if len(names) < 50 || !names["isVerified"] || !names["panVerified"] || !names["tenant_id"] || !names["tenantId"] {
		x.Fatalf("only these names were found: %v", slices.Sorted(maps.Keys(names)))
	}
	all := x.dump()
	books := map[string]*holder{}
	for i, op := range book.Ops {
		if op.Method() == http.MethodGet {
			continue
		}
		// A book for each resource, so that little need be compared; with something in it that no request names.
		h := books[resourceAt(op)]
		if h == nil {
			h = x.holder("the tenant of "+resourceAt(op), fmt.Sprintf("delta%dx", i), x.s.client(int64(1000+i), "LIVE"))
			books[resourceAt(op)] = h
		}
		if _, err := h.prepare(op); err != nil {
			x.Fatal(err)
		}
		own, err := h.add("profile", given{})
		if err != nil {
			x.Fatal(err)
		}
		// One value for all names of a request: a text, an id that never was, ids that exist, numbers of another
		// tenant and of another time, flags, a date.
		hostile := []any{
			"hostile", h.never(), other.made["profile"][0], own, other.tenant(), other.creds.UserID,
			int64(978307200000), true, false, "2001-01-01T00:00:00.000000Z",
		}
		known := map[string]bool{}
		for _, f := range op.Fields() {
			for part := range strings.SplitSeq(f.Name, ".*.") {
				known[part] = true
			}
		}
		extra := slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool { return known[name] })
		cases := make([]*replay, len(hostile))
		for i, v := range hostile {
			if cases[i], err = h.prepare(op); err != nil {
				x.Fatal(err)
			}
			if v == false { // there must be something to take away
				h.flag(cases[i])
			}
		}
		before := x.dump(h.tenant())
		for i, v := range hostile {
			c, start := cases[i], time.Now()
			r := h.send(op, byBody, soil(c.body, extra, v))
			what := fmt.Sprintf("%s with %v in every other field", op.Route, v)
			if r.Code != "TXN" || r.Status != op.Done {
				x.wrong("%s: %s", what, r.Raw)
				continue
			}
			if id, ok := v.(string); ok && id != own && bytes.Contains(r.Raw, []byte(id)) ||
				v != false && (bytes.Contains(r.Raw, []byte(`erified":true`)) || bytes.Contains(r.Raw, []byte(`rimary":true`))) {
				x.wrong("%s takes it: %s", what, r.Raw)
			}
			h.onlyOwn(what, r)
			after := x.dump(h.tenant())
			h.serverOwned(what, c, r, before, after, start)
			before = after
		}
		all[h.tenant()] = before[h.tenant()]
		x.unchanged(all, op.Route+" with other fields")
	}
}

// flag sets the flags of what a request is about, as a verification would. A primary payment method stays what it is:
// there is one at most.
func (h *holder) flag(c *replay) {
	h.Helper()
	set := 0
	for _, r := range h.dump(h.tenant())[h.tenant()] {
		for i, name := range r.names {
			if _, flag := r.values[i].(bool); !flag || name == "is_primary" || fmt.Sprint(r.col("contact_id")) != c.have["profile"] {
				continue
			}
			id, err := hex.DecodeString(c.have["profile"])
			if err != nil {
				h.Fatal(err)
			}
			query := "update " + r.table + " set " + name + " = true where tenant_id = $1 and contact_id = $2"
			if _, err := h.db.Exec(query, h.tenant(), id); err != nil {
				h.Fatal(err)
			}
			set++
		}
	}
	if owner := resourceAt(c.op); set == 0 && (owner == "business" || owner == "payment") && c.op.Route != "POST /contacts/"+owner {
		h.Fatalf("%s: nothing has a flag", c.op.Route)
	}
}

// camelCase is a column's name as a key would be written.
func camelCase(column string) string {
	parts := strings.Split(column, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

// soil adds fields with one value to a request, in the objects within it too.
func soil(body m, extra []string, v any) m {
	body = altered(body, "", nil)
	into := []m{body}
	for _, field := range body {
		if list, ok := field.([]any); ok {
			for _, item := range list {
				if o, ok := item.(map[string]any); ok {
					into = append(into, o)
				}
			}
		}
	}
	for _, o := range into {
		for _, name := range extra {
			o[name] = v
		}
	}
	return body
}

// serverOwned compares the book before and after a request that succeeded.
func (h *holder) serverOwned(what string, c *replay, r reply, before, after dump, start time.Time) {
	h.Helper()
	low, high := start.Add(-time.Second).UnixMilli(), time.Now().Add(time.Second).UnixMilli()
	named := func(id any) bool {
		return slices.Contains(slices.Collect(maps.Values(map[string]string(c.have))), fmt.Sprint(id))
	}
	primary := c.op.Route == "POST /contacts/payment/primary" // the one op that sets a flag
	old, now := before[h.tenant()], after[h.tenant()]
	added := 0
	for key, was := range old {
		is, ok := now[key]
		switch {
		case !ok && (c.op.Method() != http.MethodDelete || !named(was.col("id")) && !named(was.col("contact_id"))):
			h.wrong("%s deleted %s", what, was.text)
		case ok && was.text != is.text:
			if !named(is.col("id")) && !named(is.col("contact_id")) {
				h.wrong("%s changed %s\nto %s", what, was.text, is.text)
			}
			for i, name := range was.names {
				v := was.values[i]
				_, flag := v.(bool)
				owned := name == "id" || name == "tenant_id" || name == "contact_id" || name == "created" || flag && !primary
				if owned && v != is.col(name) {
					h.wrong("%s changed %s of %s\nto %v", what, name, was.text, is.col(name))
				}
			}
			if u := is.col("updated").(int64); u < low || u > high {
				h.wrong("%s set updated of %s", what, is.text)
			}
		}
	}
	for key, is := range now {
		if _, ok := old[key]; ok {
			continue
		}
		added++
		if c.op.Route != "POST /contacts/"+resourceAt(c.op) || is.col("id") != r.id() {
			h.wrong("%s made %s and answered %s", what, is.text, r.Raw)
		}
		for _, name := range []string{"created", "updated"} {
			if at := is.col(name).(int64); at < low || at > high {
				h.wrong("%s set %s of %s", what, name, is.text)
			}
		}
		for i, v := range is.values {
			if v == true || v == "hostile" {
				h.wrong("%s set %s of %s", what, is.names[i], is.text)
			}
		}
	}
	if c.op.Route == "POST /contacts/"+resourceAt(c.op) && added != 1 {
		h.wrong("%s made %d rows", what, added)
	}
}
