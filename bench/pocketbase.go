package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"contactbook/bench/load"
)

const namePeer = "pocketbase"

// peerBooks are PocketBase's data folders filled to each size.
type peerBooks struct {
	binary, dir string
	books       map[int]*book
	users       map[int][]peerUser
}

// peerUser is a tenant as pocketbase/fill.go prints it, and its headers.
type peerUser struct {
	ID    string   `json:"id"`
	Token string   `json:"token"`
	Tags  []string `json:"tags"`
	auth  []byte
}

func (p *peerBooks) path(rows int) string { return filepath.Join(p.dir, sizeText(rows)) }

func makePeerBooks(ctx context.Context, binary, dir string, sizes []int, said func(string)) (*peerBooks, error) {
	p := &peerBooks{binary: binary, dir: dir, books: map[int]*book{}, users: map[int][]peerUser{}}
	for _, rows := range sizes {
		said("fill a PocketBase book with " + sizeText(rows) + " contacts")
		b := &book{rows: rows, tenants: make([]tenant, tenants)}
		cmd := exec.CommandContext(ctx, binary, "fill", "--dir", p.path(rows), "--rows", strconv.Itoa(rows),
			"--tenants", strconv.Itoa(tenants), "--holders", strconv.Itoa(b.holders()))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("fill PocketBase: %w", err)
		}
		var users []peerUser
		if err := json.Unmarshal(out, &users); err != nil {
			return nil, err
		}
		for i := range users {
			users[i].auth = fmt.Appendf(nil, "Host: 127.0.0.1\r\nAuthorization: %s\r\nContent-Type: application/json\r\n", users[i].Token)
		}
		p.books[rows], p.users[rows] = b, users
	}
	return p, nil
}

func onPeer(p *peerBooks) *subject {
	return &subject{
		name: namePeer, ops: []string{opGet, opList, opTag, opRare, opSearch, opUpdate, opAdd, opDelete},
		about: "PocketBase as it is, through its API with a token of each tenant: WAL, `synchronous=NORMAL` (an answer may come before its fsync)," +
			" request log off; tenants kept apart by collection rules, one index (owner); lists without a count, tags expanded",
		sources: p.sources,
		start:   p.start,
	}
}

func (p *peerBooks) start(ctx context.Context, rows int) (*instance, error) {
	dir, err := os.MkdirTemp(p.dir, "run-")
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(p.path(rows))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Type().IsRegular() {
			if err := copyFile(filepath.Join(dir, f.Name()), filepath.Join(p.path(rows), f.Name())); err != nil {
				return nil, err
			}
		}
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	process, _, err := startProcess(exec.Command(p.binary, "serve", "--dir", dir, "--http", addr))
	if err != nil {
		return nil, err
	}
	in := &instance{addr: addr, pid: process.pid(), size: folderSize(dir)}
	in.stop = func() error { return errors.Join(process.stop(), os.RemoveAll(dir)) }
	for until := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return in, c.Close()
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return nil, errors.Join(err, in.stop())
		}
	}
}

// freeAddress is one that was free a moment ago: PocketBase does not say which
// port it took.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// records makes requests of PocketBase's API.
type records struct {
	sequence
	users []peerUser
	want  int
}

func (p *peerBooks) sources(rows int, op string, conns int) []load.Source {
	b := p.books[rows]
	all := make([]load.Source, conns)
	for i := range all {
		r := &records{newSequence(b, op, i, conns), p.users[rows], 1}
		switch op {
		case opList, opTag, opRare:
			r.want = b.matches(op)
		case opDelete:
			r.want = 0
		}
		all[i] = r
	}
	return all
}

const collection = "/api/collections/contacts/records"

// page asks for what contactbook's page has: the newest 50, their tags in full,
// and no count.
const page = collection + "?perPage=50&skipTotal=1&sort=-@rowid&expand=tags"

func (r *records) Next(buf []byte) ([]byte, bool) {
	i, ok := r.next()
	u := &r.users[r.b.owner(i)]
	body := r.body[:0]
	switch r.op {
	case opAdd:
		u = &r.users[r.rng.IntN(len(r.users))]
		buf = append(buf, "POST "+collection...)
		body = r.fields(body, u)
	case opUpdate:
		buf = append(buf, "PATCH "+collection+"/"...)
		buf = appendPeerID(buf, 'c', i)
		body = r.fields(body, u)
	case opDelete:
		buf = append(buf, "DELETE "+collection+"/"...)
		buf = appendPeerID(buf, 'c', i)
	case opGet:
		buf = append(buf, "GET "+collection+"/"...)
		buf = appendPeerID(buf, 'c', i)
		buf = append(buf, "?expand=tags"...)
	default:
		buf = append(buf, "GET "+page...)
		switch r.op {
		case opTag:
			buf = append(append(append(buf, "&filter=tags~'"...), u.Tags[common]...), '\'')
		case opRare:
			buf = append(append(append(buf, "&filter=tags~'"...), u.Tags[rare]...), '\'')
		case opSearch: // the whole number of one contact, within its name
			buf = append(appendDigits(append(buf, "&filter=name~'"...), i, 10), '\'')
		}
	}
	r.body = body
	return appendRest(buf, u.auth, body), ok
}

func (r *records) fields(b []byte, u *peerUser) []byte {
	b = append(b, `{"owner":"`...)
	b = append(b, u.ID...)
	b = append(b, `","name":"Sample Name `...)
	b = appendDigits(b, r.n, 8)
	b = append(b, `","email":"sample`...)
	b = appendDigits(b, r.n, 8)
	b = append(b, `@example.com","mobile":"9`...)
	b = appendDigits(b, r.rng.IntN(1e9), 9)
	b = append(b, `","callingCode":"91","companyName":"Business Name","tags":["`...)
	b = append(b, u.Tags[common]...)
	return append(b, `"]}`...)
}

// appendPeerID is the id of a record: pocketbase/fill.go has the same rule.
func appendPeerID(b []byte, kind byte, i int) []byte {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	x := uint64(i) * 0x9E3779B97F4A7C15
	b = append(b, kind)
	for range 14 {
		b = append(b, alphabet[x%36])
		x /= 36
	}
	return b
}

func (r *records) Check(status int, body []byte) error {
	good := 200
	if r.op == opDelete {
		good = 204
	}
	if n := bytes.Count(body, perRecord); status != good || n != r.want {
		return fmt.Errorf("%s: %d with %d contacts, want %d: %.200s", r.op, status, n, r.want, body)
	}
	return nil
}
