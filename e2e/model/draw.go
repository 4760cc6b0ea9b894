package model

import (
	"fmt"
	"strconv"
	"strings"
)

// Source decides: it returns a number from 0 to n-1.
type Source func(n int) int

// weights say how often an operation is drawn.
var weights = []struct {
	name   string
	weight int
}{
	{"addTag", 3}, {"updateTag", 2}, {"listTags", 2}, {"deleteTag", 1},
	{"addContact", 6}, {"updateContact", 4}, {"listContacts", 8}, {"deleteContact", 1},
	{"addPerson", 3}, {"updatePerson", 3}, {"listPersons", 3}, {"deletePerson", 1},
	{"addAddress", 2}, {"updateAddress", 2}, {"listAddresses", 2}, {"deleteAddress", 1},
	{"addBusiness", 2}, {"updateBusiness", 3}, {"listBusiness", 2}, {"deleteBusiness", 1},
	{"addPayment", 6}, {"listPayments", 4}, {"deletePayment", 1}, {"setPrimaryPayment", 4},
}

// Next draws an operation that suits the state: mostly one that succeeds, now and then one that must not.
func (w *World) Next(pick Source) Op {
	total := 0
	for _, o := range weights {
		total += o.weight
	}
	n, i := pick(total), 0
	for n >= weights[i].weight {
		n -= weights[i].weight
		i++
	}
	d := drawer{w: w, pick: pick, o: Op{Name: weights[i].name, Book: favour(pick, len(w.Books))}}
	d.book = w.Books[d.o.Book]
	switch method, _ := d.o.Route(); {
	case method != "GET" && method != "DELETE":
	case d.one(2):
		d.o.Query = true
	}
	d.draw()
	return d.o
}

// favour draws the first of n half of the time or more: what is done goes to few
// records again and again, as faults that need two or three of them ask for.
func favour(pick Source, n int) int { return max(0, pick(2*n)-n) }

type drawer struct {
	w    *World
	pick Source
	book *Book
	o    Op
	at   *Contact // that gcId names, when it does
}

// one is true once in n times.
func (d *drawer) one(n int) bool { return d.pick(n) == n-1 }

func (d *drawer) field(f Field) { d.o.Fields = append(d.o.Fields, f) }

func (d *drawer) draw() {
	switch name := d.o.Name; {
	case name == "listTags":
	case name == "listContacts":
		d.list()
	case name == "addTag", name == "updateTag":
		if name == "updateTag" {
			d.id("tagId", d.tagIDs())
		}
		d.field(d.text("name", 100, "Employee", "Vendor", "employee", "Übersee", fmt.Sprint("Tag ", d.pick(50))))
		d.field(d.choose("hexColorCode", "#FF1934", "#00ff7A", "!red", "!#12345"))
	case name == "deleteTag":
		d.id("tagId", d.tagIDs())
	case name == "addContact", name == "updateContact":
		if name == "updateContact" {
			d.id("contactId", d.contactIDs())
		}
		d.field(d.text("name", 255, "Sample Name", "Söhne & Co / कंपनी", "O'Brien; drop table contact", "n"))
		d.field(d.email())
		d.field(d.phone("mobile"))
		if name == "addContact" {
			d.company()
		}
		d.tagDetails()
		if name == "updateContact" {
			d.company()
		}
	case name == "deleteContact":
		d.id("contactId", d.contactIDs())
	default:
		d.below()
	}
}

// list draws the fields of the contact list, and where a page begins.
func (d *drawer) list() {
	switch d.pick(6) {
	case 0: // the whole book
	case 1:
		d.id("contactId", d.contactIDs())
		if f := d.o.Fields[0]; f.missing() {
			d.o.Fields = nil
		}
	case 2:
		d.id("tagId", d.tagIDs())
		if f := d.o.Fields[0]; f.missing() {
			d.o.Fields = nil
		}
	default:
		n := 1 + d.pick(3)
		d.field(Field{Name: "limit", Send: n, Value: fmt.Sprint(n)})
		if d.one(12) {
			n := d.pick(2) * 501
			d.o.Fields[0] = Field{Name: "limit", Send: n, Fault: "The limit must be between 1 and 500."}
		}
	}
}

func (d *drawer) below() {
	name := d.o.Name
	own := map[string][]*Child{}
	child := func(key string, of func(*Contact) []*Child) {
		if d.at != nil {
			own[key] = of(d.at)
		}
		var ids []string
		for _, c := range own[key] {
			ids = append(ids, c.ID)
		}
		d.id(key, ids)
	}
	gc := func() {
		d.id("gcId", d.contactIDs())
		d.at = d.book.find(d.o.get("gcId").Value)
	}
	persons, addresses := func(c *Contact) []*Child { return c.Persons }, func(c *Contact) []*Child { return c.Addresses }
	switch name {
	case "updatePerson", "updateAddress": // the record's id stands first, and hangs on the contact's
		gc()
		contact := d.o.Fields[0]
		d.o.Fields = nil
		if name == "updatePerson" {
			child("personId", persons)
		} else {
			child("addressId", addresses)
		}
		d.field(contact)
	default:
		gc()
	}
	switch name {
	case "deletePerson":
		child("personId", persons)
	case "deleteAddress":
		child("addressId", addresses)
	case "deletePayment", "setPrimaryPayment":
		child("paymentId", func(c *Contact) []*Child { return c.Payments })
	case "addPerson", "updatePerson":
		d.field(d.text("contactPersonName", 255, "Sample Name", "दूसरा", "p"))
		d.field(d.email())
		d.field(d.phone("mobile"))
		d.field(d.text("description", 4000, "test desc", "two\nlines\tand a tab", "d"))
	case "addAddress", "updateAddress":
		d.field(d.text("addressType", 255, "Shipping", "Billing"))
		d.field(d.text("address", 4000, "Mohan Cooperative Industrial Estate", "House 7\nSarita Vihar"))
		d.field(d.text("city", 255, "New Delhi", "München"))
		d.field(d.text("state", 255, "Delhi", "Bayern"))
		if d.one(4) {
			d.field(Field{Name: "pincode", Send: "EC1A 1BB", Value: "EC1A 1BB"})
			d.field(Field{Name: "countryCode", Send: "GB", Value: "GB"})
		} else {
			d.field(d.choose("pincode", "110044", "560001", "!011044", "!11004"))
			d.field(Field{Name: "countryCode", Send: " IN", Value: "IN"})
		}
	case "addBusiness", "updateBusiness":
		d.identity("pan", "AAOCS6028B", "AAPFU0939F")
		d.identity("cin", "L17110MH1973PLC019786", "U12345DL2020PTC123456")
		d.identity("gstin", "29AAGCB7383J1Z4", "27AAPFU0939F1ZV")
		d.identity("tan", "DELA12345B", "MUMB00001C")
		if d.one(2) {
			d.identity("udyam", "UDYAM-DL-01-0000001", "UDYAM-MH-20-7654321")
		} else if value := "UDYAM-KA-03-0000009"; d.one(2) {
			d.field(Field{Name: "udhyam", Send: value, Value: value})
		}
	case "addPayment":
		d.payment()
	}
}

func (d *drawer) payment() {
	kind := []string{"VPA", "ACCOUNT", "WALLET"}[d.pick(3)]
	send := kind
	if d.one(4) {
		send = strings.ToLower(kind)
	}
	d.field(Field{Name: "accountType", Send: send, Value: kind})
	switch kind {
	case "VPA":
		d.field(d.choose("upiId", "7428585742@ybl", "Sample.Name@okaxis", "sample.name@OKAXIS", "a-b_c@upi", "!nobody"))
	case "ACCOUNT":
		d.field(d.choose("accountNumber", "0012345678", "123456789012345678", "!12345"))
		ifsc := d.choose("accountIfsc", "HDFC0000060", "hdfc0000060", "SBIN0ABC123", "!HDFCO000060")
		ifsc.Value = strings.ToUpper(ifsc.Value)
		d.field(ifsc)
		d.field(d.text("beneficiaryName", 255, "Sample Name", "Other Name"))
	case "WALLET":
		f := d.choose("phoneNumber", "7428585742", "9876543210", "+917428585742", "!12345")
		f.Value = strings.TrimPrefix(f.Value, "+91")
		d.field(f)
	}
	if d.at != nil && d.one(8) {
		d.field(Field{Name: "isVerificationOn", Send: true, Value: "true"})
		ref := "ref " + strconv.Itoa(d.pick(12))
		d.field(Field{Name: "externalRef", Send: ref, Value: ref})
		for _, name := range []string{"latitude", "longitude"} {
			d.field(Field{Name: name, Send: "28.6139", Value: "28.6139"})
		}
	}
}

func (d *drawer) company() {
	switch d.pick(4) {
	case 0:
	case 1:
		d.field(Field{Name: "companyName", Send: ""})
	case 2:
		d.field(Field{Name: "companyName", Send: nil})
	default:
		d.field(Field{Name: "companyName", Send: " Business Name ", Value: "Business Name"})
	}
}

// identity draws a business identity: absent, cleared, or a value, at times in lower case or bad.
func (d *drawer) identity(name string, values ...string) {
	switch v := values[d.pick(len(values))]; d.pick(12) {
	case 0, 1, 2, 3:
	case 4, 5:
		d.field(Field{Name: name, Send: " "})
	case 6:
		d.field(Field{Name: name, Send: v[:len(v)-1], Fault: "The " + name + " format is invalid."})
	case 7:
		d.field(Field{Name: name, Send: strings.ToLower(v), Value: v})
	default:
		d.field(Field{Name: name, Send: v, Value: v})
	}
}

// spoil makes a string field missing or of the wrong type, once in a while.
func (d *drawer) spoil(f Field) Field {
	if !d.one(40) {
		return f
	}
	switch d.pick(4) {
	case 0:
		return Field{Name: f.Name, Omit: true}
	case 1:
		return Field{Name: f.Name, Send: " \t"}
	case 2:
		return Field{Name: f.Name, Send: nil}
	}
	return Field{Name: f.Name, Send: []any{"x"}, Fault: "The " + f.Name + " must be a string."}
}

// choose draws one of the values; those with ! in front break the field's form.
func (d *drawer) choose(name string, values ...string) Field {
	v := values[d.pick(len(values))]
	for try := 0; v[0] == '!' && try < 2; try++ { // bad ones are rarer
		v = values[d.pick(len(values))]
	}
	if v[0] == '!' {
		return Field{Name: name, Send: v[1:], Fault: "The " + name + " format is invalid."}
	}
	return d.spoil(Field{Name: name, Send: v, Value: v})
}

// text draws a free text with blanks around it, at times one that is too long.
func (d *drawer) text(name string, limit int, values ...string) Field {
	v := values[d.pick(len(values))]
	switch d.pick(60) {
	case 0:
		return Field{Name: name, Send: strings.Repeat("é", limit+1), Fault: fmt.Sprintf("The %s may not be greater than %d characters.", name, limit)}
	case 1:
		v = strings.Repeat("é", limit)
	case 2:
		return Field{Name: name, Send: "a\x00b", Fault: "The " + name + " format is invalid."}
	case 3:
		return d.spoil(Field{Name: name, Send: "  " + v + " ", Value: v})
	}
	return d.spoil(Field{Name: name, Send: v, Value: v})
}

func (d *drawer) email() Field {
	v := []string{"sample@example.com", "help@instantpay.in", "first.last+tag@localhost", "!nobody"}[d.pick(4)]
	if v[0] == '!' {
		if !d.one(4) {
			v = "help@instantpay.in"
		} else {
			return Field{Name: "email", Send: v, Fault: "The email must be a valid email address."}
		}
	}
	return d.spoil(Field{Name: "email", Send: v, Value: v})
}

func (d *drawer) phone(name string) Field {
	switch d.pick(16) {
	case 0:
		return Field{Name: name, Send: "12345", Fault: "The " + name + " format is invalid."}
	case 1, 2:
		return Field{Name: name, Send: "+442071838750", Value: "2071838750", Code: "44"}
	case 3:
		return Field{Name: name, Send: " +917428585742 ", Value: "7428585742", Code: "91"}
	}
	f := d.spoil(Field{Name: name, Send: "7428585742", Value: "7428585742", Code: "91"})
	return f
}

// tagDetails draws one to three tags, at times one twice, and at times a list that must be refused.
func (d *drawer) tagDetails() {
	const name = "tagDetails"
	own := d.tagIDs()
	switch d.pick(30) {
	case 0:
		d.field(Field{Name: name, Send: []any{}})
		return
	case 1:
		d.field(Field{Name: name, Send: "x", Fault: "The tagDetails must be an array."})
		return
	case 2:
		d.field(Field{Name: name, Send: []any{map[string]any{"tagId": ""}}, Fault: "The tagDetails.0.tagId field is required."})
		return
	case 3:
		d.field(Field{Name: name, Send: []any{map[string]any{"tagId": "xyz"}}, Fault: "The selected tagDetails.0.tagId is invalid."})
		return
	}
	var send []any
	var ids []string
	for range 1 + d.pick(3) {
		id := d.stray()
		if len(own) > 0 && !d.one(20) {
			id = own[d.pick(len(own))]
		}
		ids = append(ids, id)
		send = append(send, map[string]any{"tagId": id})
	}
	d.field(Field{Name: name, Send: send, List: ids})
}

func (d *drawer) tagIDs() (ids []string) {
	for _, t := range d.book.Tags {
		ids = append(ids, t.ID)
	}
	return ids
}

func (d *drawer) contactIDs() (ids []string) {
	for _, c := range d.book.Contacts {
		ids = append(ids, c.ID)
	}
	return ids
}

// stray draws an id that is not in the book: of another book, deleted, or never given.
func (d *drawer) stray() string {
	var ids []string
	for _, b := range d.w.Books {
		if b == d.book {
			continue
		}
		for _, t := range b.Tags {
			ids = append(ids, t.ID)
		}
		for _, c := range b.Contacts {
			ids = append(ids, c.ID)
			for _, of := range [][]*Child{c.Persons, c.Addresses, c.Payments} {
				for _, k := range of {
					ids = append(ids, k.ID)
				}
			}
		}
	}
	ids = append(ids, d.w.gone[max(0, len(d.w.gone)-20):]...)
	ids = append(ids, strings.Repeat("0", 24), fmt.Sprintf("%024x", d.pick(1<<30)))
	return ids[d.pick(len(ids))]
}

// id draws an id: mostly one of those that the book has.
func (d *drawer) id(name string, own []string) {
	if d.one(60) {
		d.field(Field{Name: name, Send: "645383ba4acec95a3208982", Fault: "The selected " + name + " is invalid."})
		return
	}
	id := d.stray()
	if len(own) > 0 && !d.one(12) {
		id = own[favour(d.pick, len(own))]
	}
	f := Field{Name: name, Send: id, Value: id}
	if d.one(20) {
		f.Send = strings.ToUpper(id)
	}
	f = d.spoil(f)
	if _, list := f.Send.([]any); list && d.o.Query { // a query string carries strings alone
		f = Field{Name: name, Omit: true}
	}
	d.field(f)
}
