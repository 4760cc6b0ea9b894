package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"contactbook/internal/book"
)

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

func (x *isolation) holder(name, word string, c creds) *holder {
	return &holder{isolation: x, name: name, word: word, creds: c, made: map[string][]string{}, cases: map[string]*replay{}}
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

// living names one record of each resource that nothing deletes.
func (h *holder) living() given {
	all := given{}
	for _, c := range h.cases {
		maps.Copy(all, c.have)
	}
	return all
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

// verifies tells an op that verifies a record and changes its flag.
func verifies(op book.Op) bool { return strings.HasSuffix(op.Path(), "/verify") }

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
var choices = map[string]string{"accountType": "ACCOUNT", "expand": "verification", "identity": "pan"}

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
	return nil, fmt.Errorf("no example of a %s for %s: give one in generator_test.go", f.Kind, f.Name)
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
