package sandbox

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

const fixture = `{"seed":7,"at":"2026-03-01T00:00:00Z",
	"tags":[{"name":"Vendor","hexColorCode":"#FF1934"},{"name":"Staff","hexColorCode":"#00FF00"}],
	"contacts":[
		{"name":"Asha","email":"asha@example.com","mobile":"7428585742","tags":["vendor","Staff"],
			"persons":[{"contactPersonName":"P","email":"p@example.com","mobile":"7428585743","description":"d"}],
			"addresses":[{"addressType":"Billing","address":"1, Road","city":"Pune","state":"Maharashtra","pincode":"411001","countryCode":"IN"}],
			"business":{"pan":"ABCPE1234F"},
			"payments":[{"accountType":"VPA","upiId":"asha@ybl"},{"accountType":"WALLET","phoneNumber":"7428585742","isPrimary":true}]},
		{"name":"Bela","email":"bela@example.com","mobile":"7428585744","companyName":"B","tags":["Staff"]}]}`

// whole is all that a book has, as its client reads it.
func (b *bench) whole(c *store.Client) string {
	b.Helper()
	var text bytes.Buffer
	show := func(v any) {
		if err := wire.Encode(&text, v); err != nil {
			b.Fatal(err)
		}
		text.WriteByte('\n')
	}
	show(b.run(c, "GET /contacts/tag", wire.Value{}))
	for item, err := range b.run(c, "GET /contacts/profile", wire.Value{}).(iter.Seq2[any, error]) {
		if err != nil {
			b.Fatal(err)
		}
		show(item)
		one, err := encoded(item)
		if err != nil {
			b.Fatal(err)
		}
		for _, kind := range []string{"person", "address", "business", "payment"} {
			show(b.run(c, "GET /contacts/"+kind, object(`{"gcId":"`+one.Get("_id").Text()+`"}`)))
		}
	}
	return text.String()
}

// A fixture makes the same book each time, ids and dates and all, whatever was there.
func TestSeed(t *testing.T) {
	b := newBench(t)
	c, other := b.client(1, true), b.client(2, true)
	b.run(c, "POST /contacts/tag", object(`{"name":"before","hexColorCode":"#FF1934"}`))
	var first string
	for _, who := range []*store.Client{c, c, other} {
		data, err := b.do(who, "POST /_sandbox/seed", object(fixture))
		if err != nil {
			t.Fatal(err)
		}
		if done := data.(seeded); done.Seed != 7 || len(done.Tags) != 2 || len(done.Contacts) != 2 || done.Contacts[0].Name != "Asha" {
			t.Errorf("the answer is %v", done)
		}
		whole := strings.ReplaceAll(b.whole(who), `"userId":2`, `"userId":1`)
		if first == "" {
			first = whole
		} else if d := cmp.Diff(first, whole); d != "" {
			t.Errorf("another time it is another book:\n%s", d)
		}
		b.clock.advance(1e9)
	}
	for _, want := range []string{`"2026-03-01T00:00:00.000000Z"`, `"name":"Asha"`, `"contactPersonName":"P"`, `"city":"Pune"`, `"pan":"ABCPE1234F"`, `"accountType":"WALLET","isPrimary":true`} {
		if !strings.Contains(first, want) {
			t.Errorf("the book has no %s:\n%s", want, first)
		}
	}
	if strings.Contains(first, "before") || strings.Count(first, `"contactPersonName"`) != 1 {
		t.Errorf("the book has more than the fixture:\n%s", first)
	}
	if _, err := b.do(c, "POST /_sandbox/seed", object(strings.Replace(fixture, `"seed":7`, `"seed":8`, 1))); err != nil || b.whole(c) == first {
		t.Errorf("another seed makes the same ids: %v", err)
	}

	// More beside what is there, with its tags.
	more := `{"keep":true,"seed":9,"contacts":[{"name":"Chitra","email":"c@example.com","mobile":"7428585745","tags":["staff"]}]}`
	if _, err := b.do(c, "POST /_sandbox/seed", object(more)); err != nil || !strings.Contains(b.whole(c), "Chitra") || !strings.Contains(b.whole(c), "Asha") {
		t.Errorf("added: %v", err)
	}
	if _, err := b.do(c, "POST /_sandbox/seed", object(more)); err != error(errSeeded) {
		t.Errorf("added again: %v", err)
	}
}

// A fixture with a fault changes nothing, and the fault is told by its place.
func TestSeedRefuses(t *testing.T) {
	b := newBench(t)
	c := b.client(1, true)
	b.run(c, "POST /contacts/tag", object(`{"name":"before","hexColorCode":"#FF1934"}`))
	for from, tc := range map[string]struct{ to, want string }{
		`"7428585744"`:         {`"74"`, "The contacts.1.mobile format is invalid."},
		`["vendor","Staff"]`:   {`["vendor","Nobody"]`, "The selected contacts.0.tags.1 is invalid."},
		`"tags":["Staff"]`:     {`"tags":[]`, "The contacts.1.tags field is required."},
		`"#00FF00"`:            {`"green"`, "The tags.1.hexColorCode format is invalid."},
		`"411001"`:             {`"4110"`, "The contacts.0.addresses.0.pincode format is invalid."},
		`{"pan":"ABCPE1234F"}`: {`{"pan":"x"}`, "The contacts.0.business.pan format is invalid."},
		`"upiId":"asha@ybl"`:   {`"upiId":"asha"`, "The contacts.0.payments.0.upiId format is invalid."},
		`"persons":[{`:         {`"persons":["x",{`, "The contacts.0.persons.0 must be an object."},
		`"seed":7`:             {`"seed":-1`, "The seed must be between 0 and 2147483647."},
		`"at":"2026`:           {`"at":"1926`, "The at must be a time such as 2026-01-31T09:30:00Z."},
	} {
		text := strings.Replace(fixture, from, tc.to, 1)
		_, err := b.do(c, "POST /_sandbox/seed", object(text))
		var refused *wire.Error
		if !errors.As(err, &refused) || refused.Message != tc.want {
			t.Errorf("%s for %s: %v, want %s", tc.to, from, err, tc.want)
		}
	}
	if b.tags(c) != 1 {
		t.Error("a fixture that was refused changed the book")
	}
	_, err := b.do(c, "POST /_sandbox/seed", object(`{"tags":[{"name":"a","hexColorCode":"#FF1934"},{"name":"A","hexColorCode":"#FF1934"}]}`))
	var refused *wire.Error
	if !errors.As(err, &refused) || refused.Message != "tags.1: The name has already been taken." {
		t.Errorf("one name twice: %v", err)
	}
}

// A rewind brings back all that a snapshot had, ids, dates and flags, and nothing else.
func TestSnapshotAndRewind(t *testing.T) {
	b := newBench(t)
	c, other := b.client(1, true), b.client(2, true)
	must := func(data any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	do := func(who *store.Client, route, body string) any {
		t.Helper()
		return must(b.do(who, route, object(body)))
	}
	do(c, "POST /_sandbox/snapshot", `{"name":"empty"}`)
	do(c, "POST /_sandbox/seed", fixture)
	do(other, "POST /_sandbox/seed", fixture)
	full, others := b.whole(c), b.whole(other)
	if got := do(c, "POST /_sandbox/snapshot", `{"name":"full"}`).(snapshotItem); got.Records != 9 {
		t.Errorf("%d records are copied", got.Records)
	}
	b.clock.advance(1e9)
	b.run(c, "POST /contacts/tag", object(`{"name":"later","hexColorCode":"#FF1934"}`))
	do(c, "POST /_sandbox/seed", `{"keep":true,"seed":9,"contacts":[{"name":"Chitra","email":"c@example.com","mobile":"7428585745","tags":["staff"]}]}`)
	b.run(c, "POST /contacts/payment/primary", object(`{"gcId":"`+do(c, "POST /_sandbox/seed", fixture).(seeded).Contacts[0].ID+`","paymentId":"`+b.payment(c)+`"}`))
	do(c, "POST /_sandbox/rewind", `{"name":"full"}`)
	if d := cmp.Diff(full, b.whole(c)); d != "" {
		t.Errorf("rewound, the book is another:\n%s", d)
	}
	do(c, "POST /_sandbox/reset", `{}`)
	do(c, "POST /_sandbox/rewind", `{"name":"full"}`)
	if d := cmp.Diff(full, b.whole(c)); d != "" {
		t.Errorf("rewound after a reset, the book is another:\n%s", d)
	}
	do(c, "POST /_sandbox/rewind", `{"name":"empty"}`)
	if b.whole(c) != "[]\n" {
		t.Errorf("rewound to nothing, the book has\n%s", b.whole(c))
	}
	if b.whole(other) != others {
		t.Error("another book is not what it was")
	}
	for _, route := range []string{"POST /_sandbox/rewind", "DELETE /_sandbox/snapshot"} {
		if _, err := b.do(other, route, object(`{"name":"full"}`)); err != error(wire.ErrNoRecord) {
			t.Errorf("%s of another book's: %v", route, err)
		}
	}
	do(c, "POST /_sandbox/snapshot", `{"name":"full"}`) // replaces it
	do(c, "DELETE /_sandbox/snapshot", `{"name":"empty"}`)
	if list := do(c, "GET /_sandbox/snapshot", `{}`).([]snapshotItem); len(list) != 1 || list[0].Name != "full" || list[0].Records != 0 {
		t.Errorf("listed are %v", list)
	}
	for i := range maxSnapshots - 1 {
		do(c, "POST /_sandbox/snapshot", `{"name":"`+strings.Repeat("x", i+1)+`"}`)
	}
	if _, err := b.do(c, "POST /_sandbox/snapshot", object(`{"name":"one too many"}`)); err != error(wire.ErrLimit) {
		t.Errorf("one too many: %v", err)
	}
	do(c, "POST /_sandbox/snapshot", `{"name":"full"}`)
}

// payment is a payment method of the book's first contact.
func (b *bench) payment(c *store.Client) string {
	b.Helper()
	for item := range b.run(c, "GET /contacts/profile", wire.Value{}).(iter.Seq2[any, error]) {
		one, err := encoded(item)
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range b.run(c, "GET /contacts/payment", object(`{"gcId":"`+one.Get("_id").Text()+`"}`)).([]any) {
			if v, err := encoded(p); err == nil {
				return v.Get("_id").Text()
			}
		}
	}
	b.Fatal("no payment method")
	return ""
}
