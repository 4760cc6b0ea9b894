package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"contactbook/internal/book"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// seedTime is when the first record of a fixture was made, unless told otherwise.
// Each further one was made a second later.
var seedTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type seedIn struct {
	seed           int
	at             *time.Time
	keep           bool
	tags, contacts wire.Value
}

func (in *seedIn) read(f *form) {
	in.seed = f.integer("seed", 0, 1<<31-1, 1)
	in.at = f.moment("at")
	in.keep = f.boolean("keep")
	in.tags = f.list("tags")
	in.contacts = f.list("contacts")
}

// step is one record of a fixture: the op that adds it, what is sent, and where it
// stands. What it refers to gets its id when that is made.
type step struct {
	op      book.Op
	body    []wire.Member
	path    string // contacts.0.persons.1
	tags    []string
	contact *step // of a child
	primary *step // the payment method that it makes the primary one
	id      string
	name    string
}

// plan is a fixture as steps, with all that is wrong with it.
type plan struct {
	tags, contacts, children []*step
	known                    map[string]*step // tags by folded name
	faults                   []wire.Fault
	lenient                  bool
}

// children are the lists of a contact's fixture, in the order in which they are made.
var children = []struct{ field, route string }{
	{"persons", "POST /contacts/person"}, {"addresses", "POST /contacts/address"},
	{"business", "POST /contacts/business"}, {"payments", "POST /contacts/payment"},
}

func opNamed(route string) book.Op {
	for _, op := range book.Ops {
		if op.Route == route {
			return op
		}
	}
	panic("no op " + route)
}

func (p *plan) fault(path, rule, message string) {
	p.faults = append(p.faults, wire.NewFault(path, rule, message))
}

// add makes a step of an object; nil where it is none.
func (p *plan) add(route, path string, v wire.Value, without ...string) *step {
	if v.Kind() != wire.Object {
		p.fault(path, "object", "The %s must be an object.")
		return nil
	}
	s := &step{op: opNamed(route), path: path}
	own := map[string]bool{}
	for _, name := range without {
		own[name] = true
	}
	for key, value := range v.Members() {
		if !own[key] {
			s.body = append(s.body, wire.Member{Key: key, Value: value})
		}
	}
	s.name = strings.TrimSpace(v.Get("name").Text())
	return s
}

// each goes through an array that may be missing.
func (p *plan) each(path string, list wire.Value, do func(path string, v wire.Value)) {
	switch list.Kind() {
	case wire.Missing, wire.Null:
	case wire.Array:
		for i := range list.Len() {
			do(fmt.Sprintf("%s.%d", path, i), list.At(i))
		}
	default:
		p.fault(path, "array", "The %s must be an array.")
	}
}

// newPlan reads a fixture and judges each record by the rules of its op.
func newPlan(in *seedIn, known map[string]*step, lenient bool) *plan {
	p := &plan{known: known, lenient: lenient}
	p.each("tags", in.tags, func(path string, v wire.Value) {
		if s := p.add("POST /contacts/tag", path, v); s != nil {
			p.tags = append(p.tags, s)
			p.known[strings.ToLower(s.name)] = s
		}
	})
	p.each("contacts", in.contacts, p.contact)
	for _, list := range [][]*step{p.tags, p.contacts, p.children} {
		for _, s := range list {
			if s.primary == nil {
				p.judge(s)
			}
		}
	}
	return p
}

func (p *plan) contact(path string, v wire.Value) {
	s := p.add("POST /contacts/profile", path, v, "tags", "tagDetails", "persons", "addresses", "business", "payments")
	if s == nil {
		return
	}
	p.contacts = append(p.contacts, s)
	p.each(path+".tags", v.Get("tags"), func(path string, v wire.Value) {
		name := strings.ToLower(strings.TrimSpace(v.Text()))
		if v.Kind() != wire.String || p.known[name] == nil {
			p.fault(path, "exists", "The selected %s is invalid.")
		}
		s.tags = append(s.tags, name)
	})
	for _, kind := range children {
		list := v.Get(kind.field)
		if kind.field == "business" && list.Kind() == wire.Object { // there is one
			p.child(s, kind.route, path+".business", list)
			continue
		}
		p.each(path+"."+kind.field, list, func(path string, v wire.Value) { p.child(s, kind.route, path, v) })
	}
}

func (p *plan) child(contact *step, route, path string, v wire.Value) {
	s := p.add(route, path, v, "gcId", "isPrimary")
	if s == nil {
		return
	}
	s.contact = contact
	p.children = append(p.children, s)
	if v.Get("isPrimary").Bool() && route == "POST /contacts/payment" {
		p.children = append(p.children, &step{op: opNamed("POST /contacts/payment/primary"), path: path, contact: contact, primary: s})
	}
}

// send is a step's request, with the ids of what it refers to.
func (p *plan) send(s *step, id func(*step) string) wire.Value {
	body := append([]wire.Member{}, s.body...)
	member := func(key, value string) { body = append(body, wire.Member{Key: key, Value: wire.NewString(value)}) }
	if s.contact != nil {
		member("gcId", id(s.contact))
	}
	if s.primary != nil {
		member("paymentId", id(s.primary))
	}
	if s.op.Route == "POST /contacts/profile" {
		var details []wire.Value
		for _, name := range s.tags {
			if tag := p.known[name]; tag != nil {
				details = append(details, wire.NewObject(wire.Member{Key: "tagId", Value: wire.NewString(id(tag))}))
			}
		}
		body = append(body, wire.Member{Key: "tagDetails", Value: wire.NewArray(details...)})
	}
	return wire.NewObject(body...)
}

// judge tells a step's faults by their places in the fixture.
func (p *plan) judge(s *step) {
	noID := func(*step) string { return wire.ID{}.String() }
	for _, f := range s.op.Faults(p.send(s, noID), wire.Value{}, p.lenient) {
		field := strings.ReplaceAll(strings.TrimPrefix(f.Pointer, "/"), "/", ".")
		told := field
		if field == "tagDetails" {
			told = "tags"
		}
		told = s.path + "." + told
		p.faults = append(p.faults, wire.Fault{
			Pointer: "/" + strings.ReplaceAll(told, ".", "/"), Rule: f.Rule, Message: strings.Replace(f.Message, " "+field+" ", " "+told+" ", 1),
		})
	}
}

type seeded struct {
	Seed     int        `json:"seed"`
	Tags     []seedItem `json:"tags"`
	Contacts []seedItem `json:"contacts"`
}

type seedItem struct {
	ID   string `json:"_id"`
	Name string `json:"name"`
}

var (
	errSeeded = &wire.Error{Code: wire.ERR, Message: "Records of that seed exist already.", Status: http.StatusConflict}
	errNoID   = errors.New("a record of the fixture has no id")
)

// seed empties the book and fills it with a fixture, whose ids and dates are the
// same each time; or adds the fixture to what is there.
func (s *Service) seed(c *Call, in *seedIn) (any, error) {
	known := map[string]*step{}
	if in.keep {
		if err := s.knownTags(c, known); err != nil {
			return nil, err
		}
	}
	p := newPlan(in, known, c.Lenient)
	if len(p.faults) > 0 {
		return nil, wire.ErrFields(p.faults)
	}
	if !in.keep {
		if err := c.Book.Empty(c.Context, func(int64) {}); err != nil {
			return nil, err
		}
	}
	now := seedTime
	if in.at != nil {
		now = *in.at
	}
	ids := wire.NewSeededIDs(uint64(in.seed), func() time.Time { return now })
	for _, list := range [][]*step{p.tags, p.contacts, p.children} {
		for _, one := range list {
			if err := s.take(c, p, one, ids, now); err != nil {
				return nil, err
			}
			now = now.Add(time.Second)
		}
	}
	done := seeded{in.seed, []seedItem{}, []seedItem{}}
	for _, t := range p.tags {
		done.Tags = append(done.Tags, seedItem{t.id, t.name})
	}
	for _, t := range p.contacts {
		done.Contacts = append(done.Contacts, seedItem{t.id, t.name})
	}
	return done, nil
}

// take does one step.
func (s *Service) take(c *Call, p *plan, one *step, ids *wire.IDs, now time.Time) error {
	data, err := one.op.Run(&book.Call{
		Context: c.Context, Book: c.Book, UserID: c.UserID, Lenient: c.Lenient, Now: wire.Millis(now.UnixMilli()),
		IDs: ids, Body: p.send(one, func(s *step) string { return s.id }), Header: http.Header{},
	})
	if errors.Is(err, store.ErrDuplicate) {
		return errSeeded
	}
	var refused *wire.Error
	if errors.As(err, &refused) && error(refused) == err {
		told := *refused
		told.Message = one.path + ": " + told.Message
		return &told
	}
	if err != nil || one.primary != nil {
		return err
	}
	reply, err := encoded(data)
	if one.id = reply.Get("_id").Text(); err == nil && one.id == "" {
		err = errNoID
	}
	return err
}

// knownTags are the tags that are in the book.
func (s *Service) knownTags(c *Call, known map[string]*step) error {
	call := *c.Call
	call.Body, call.Query = wire.Value{}, wire.Value{}
	data, err := opNamed("GET /contacts/tag").Run(&call)
	if err != nil {
		return err
	}
	for _, item := range data.([]any) {
		t, err := encoded(item)
		if err != nil {
			return err
		}
		known[strings.ToLower(t.Get("name").Text())] = &step{id: t.Get("_id").Text()}
	}
	return nil
}

// encoded is data as the client would read it.
func encoded(data any) (wire.Value, error) {
	var buf bytes.Buffer
	if err := wire.Encode(&buf, data); err != nil {
		return wire.Value{}, err
	}
	return wire.Decode(buf.Bytes())
}
