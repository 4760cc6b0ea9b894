package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"

	"contactbook/bench/load"
	"contactbook/internal/wire"
)

// The operations that are measured.
const (
	opGet    = "get"    // one contact by its id
	opList   = "list"   // the newest page of 50
	opTag    = "tag"    // the newest page of 50 with a tag that every second contact has
	opRare   = "rare"   // the same with a tag that one contact in twenty has
	opSearch = "search" // of a part of a name; the peer's only, until contactbook has one
	opUpdate = "update"
	opAdd    = "add"
	opAdd60  = "add60" // at 60% of the rate that add reached, in an open loop
	opDelete = "delete"
)

// allOps is the order in which a server is asked: reads while the book is as it
// was filled, what takes from it last.
var allOps = []string{opGet, opList, opTag, opRare, opSearch, opUpdate, opAdd, opAdd60, opDelete}

// Each connection sends its own sequence of requests, the same in every run.
type sequence struct {
	b           *book
	op          string
	rng         *rand.Rand
	conn, conns int
	n           int // requests so far
	body        []byte
}

func newSequence(b *book, op string, conn, conns int) sequence {
	return sequence{b: b, op: op, rng: rand.New(rand.NewPCG(uint64(conn), uint64(len(op)))), conn: conn, conns: conns}
}

// next chooses a contact, and says false when there is none left to delete.
func (s *sequence) next() (int, bool) {
	s.n++
	if s.op != opDelete {
		return s.rng.IntN(max(1, s.b.rows)), true
	}
	nth := s.conn + (s.n-1)*s.conns
	return nth * 7919 % max(1, s.b.rows), nth < s.b.rows // scattered, each one once
}

// anyone is a tenant, all alike often.
func (s *sequence) anyone() *tenant { return &s.b.tenants[s.rng.IntN(len(s.b.tenants))] }

// contacts makes requests of contactbook's API.
type contacts struct {
	sequence
	want int // contacts in a good reply
}

// contactSources are the requests of op, one sequence a connection.
func contactSources(b *book, op string, conns int) []load.Source {
	if op == opAdd60 {
		op = opAdd
	}
	all := make([]load.Source, conns)
	for i := range all {
		c := &contacts{sequence: newSequence(b, op, i, conns), want: 1}
		switch op {
		case opList, opTag, opRare:
			c.want = b.matches(op)
		case opDelete:
			c.want = 0
		}
		all[i] = c
	}
	return all
}

const profile = "/contacts/profile"

func (c *contacts) Next(buf []byte) ([]byte, bool) {
	i, ok := c.next()
	t := c.b.holder(i)
	body := c.body[:0]
	switch c.op {
	case opAdd:
		t = c.anyone()
		buf = append(buf, "POST "+profile...)
		body = append(body, '{')
		body = c.fields(body, t)
	case opUpdate:
		buf = append(buf, "PATCH "+profile...)
		body = append(body, `{"contactId":"`...)
		body = appendID(body, c.b.id(i))
		body = append(body, `",`...)
		body = c.fields(body, t)
	case opDelete:
		buf = append(buf, "DELETE "+profile...)
		body = append(body, `{"contactId":"`...)
		body = appendID(body, c.b.id(i))
		body = append(body, `"}`...)
	case opGet:
		buf = append(buf, "GET "+profile+"?contactId="...)
		buf = appendID(buf, c.b.id(i))
	default:
		buf = append(buf, "GET "+profile+"?limit=50"...)
		switch c.op {
		case opTag:
			buf = appendID(append(buf, "&tagId="...), t.tags[common])
		case opRare:
			buf = appendID(append(buf, "&tagId="...), t.tags[rare])
		}
	}
	c.body = body
	return appendRest(buf, t.auth, body), ok
}

// appendRest ends a request whose line is complete but for its protocol.
func appendRest(buf, headers, body []byte) []byte {
	buf = append(buf, " HTTP/1.1\r\n"...)
	buf = append(buf, headers...)
	if len(body) > 0 {
		buf = append(buf, "Content-Length: "...)
		buf = strconv.AppendInt(buf, int64(len(body)), 10)
		buf = append(buf, "\r\n"...)
	}
	buf = append(buf, "\r\n"...)
	return append(buf, body...)
}

// fields are the documented ones of Add and Update Contact.
func (c *contacts) fields(b []byte, t *tenant) []byte {
	b = append(b, `"name":"Sample Name `...)
	b = appendDigits(b, c.n, 8)
	b = append(b, `","email":"sample`...)
	b = appendDigits(b, c.n, 8)
	b = append(b, `@example.com","mobile":"9`...)
	b = appendDigits(b, c.rng.IntN(1e9), 9)
	b = append(b, `","companyName":"Business Name","tagDetails":[{"tagId":"`...)
	b = appendID(b, t.tags[common])
	return append(b, `"}]}`...)
}

func appendID(b []byte, id wire.ID) []byte { return hex.AppendEncode(b, id[:]) }

// appendDigits appends n with zeros before it, width digits in all.
func appendDigits(b []byte, n, width int) []byte {
	at := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := at + width - 1; i >= at && n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

var (
	success   = []byte(`{"statuscode":"TXN"`)
	perRecord = []byte(`"callingCode":`) // once in every contact
)

func (c *contacts) Check(status int, body []byte) error {
	if status != 200 || !bytes.HasPrefix(body, success) {
		return fmt.Errorf("%s: %d %.200s", c.op, status, body)
	}
	if n := bytes.Count(body, perRecord); n != c.want {
		return fmt.Errorf("%s: %d contacts, want %d", c.op, n, c.want)
	}
	return nil
}
