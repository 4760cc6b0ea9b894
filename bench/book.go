package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// tenants is how many clients share a book, each busy as much as the others.
const tenants = 1000

// The tags of every tenant. A contact has one of the first two; one in twenty
// has the third beside it.
const (
	common = iota // on every second contact
	other
	rare
	tagsEach
)

// pageSize is how many contacts a page asks for.
const pageSize = 50

// tenant is one client with its tags.
type tenant struct {
	userID   int64
	clientID string
	secret   string
	tags     [tagsEach]wire.ID
	auth     []byte // its headers, as they stand in every request
}

func (t *tenant) id() store.Tenant { return store.TenantOf(t.userID, false) }

// book is a filled book. Its contacts follow from their number alone, so that
// nothing needs to be remembered of them.
type book struct {
	rows    int
	tenants []tenant
	born    time.Time // of the newest contact
}

// holders is how many tenants have the contacts, in turn: all of them, but at
// least 100 contacts each, so that a page is full in a small book too. Adds go
// to all tenants in any case.
func (b *book) holders() int { return min(len(b.tenants), max(1, b.rows/100)) }

// each is how many contacts a holder has.
func (b *book) each() int { return b.rows / b.holders() }

// owner is which tenant has the i-th contact. Of as many contacts as there are
// holders, each gets one, in no simple order. pocketbase/fill.go has the same rule.
func (b *book) owner(i int) int {
	n := b.holders()
	return (i*7919 + i/n) % n
}

func (b *book) holder(i int) *tenant { return &b.tenants[b.owner(i)] }

// perSecond is at what speed the filled contacts seem to have been added.
const perSecond = 1000

func (b *book) created(i int) time.Time {
	return b.born.Add(time.Duration(i-b.rows) * time.Second / perSecond)
}

// id is the id of the i-th contact: ids rise with the time of creation.
func (b *book) id(i int) wire.ID { return makeID(b.created(i), 'c', i) }

func makeID(at time.Time, kind byte, n int) wire.ID {
	var id wire.ID
	binary.BigEndian.PutUint32(id[:4], uint32(at.Unix()))
	copy(id[4:], "nch")
	id[7], id[8] = kind, byte(n>>24)
	id[9], id[10], id[11] = byte(n>>16), byte(n>>8), byte(n)
	return id
}

// tagsOf are the tags of the i-th contact. pocketbase/fill.go has the same rule.
func (b *book) tagsOf(i int) []byte {
	t, nth := b.holder(i), i/b.holders()
	ids := append(make([]byte, 0, 24), t.tags[nth%2][:]...)
	if nth%20 == 0 {
		ids = append(ids, t.tags[rare][:]...)
	}
	return ids
}

// contactCols are the columns of the values that contact returns. They and
// tagCols follow internal/store/migrations; TestFill says when they no longer do.
var contactCols = []string{"tenant_id", "id", "name", "email", "mobile", "calling_code", "company_name", "tag_ids", "created", "updated"}

// contact is the i-th contact's row.
func (b *book) contact(i int) []any {
	id, at := b.id(i), b.created(i).UnixMilli()
	return []any{
		int64(b.holder(i).id()), id[:], fmt.Sprintf("Payee %010d", i), fmt.Sprintf("payee%010d@example.com", i),
		fmt.Sprintf("9%09d", i), "91", fmt.Sprintf("Company %010d", i), b.tagsOf(i), at, at,
	}
}

var tagCols = []string{"tenant_id", "id", "name", "name_key", "hex_color_code", "created", "updated"}

// tag is a tag's row, n its number among all.
func (b *book) tag(n int) []any {
	t := &b.tenants[n/tagsEach]
	id := t.tags[n%tagsEach]
	at := b.born.UnixMilli()
	return []any{int64(t.id()), id[:], fmt.Sprintf("Tag %d", n%tagsEach), fmt.Sprintf("tag %d", n%tagsEach), "#FF1934", at, at}
}

// matches is how many contacts the page of a list op must have.
func (b *book) matches(op string) int {
	switch op {
	case opTag:
		return min(pageSize, (b.each()+1)/2)
	case opRare:
		return min(pageSize, (b.each()+19)/20)
	}
	return min(pageSize, b.each())
}
