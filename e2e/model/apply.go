package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

var (
	noRecord = Want{Code: "ERR", Status: "No Record Found", Data: "null"}
	taken    = Want{Code: "ERR", Status: "The name has already been taken.", Data: "null"}
)

func refuse(code, message string) Want { return Want{Code: code, Status: message, Data: "null"} }

func success(message, data string) Want { return Want{Code: "TXN", Status: message, Data: data} }

// Apply does the operation on the book and returns what must be answered. An error means that what the server chose
// itself, in the reply it gave, breaks a rule.
func (w *World) Apply(o Op, r Reply) (Want, error) {
	if m := o.fault(); m != "" {
		return refuse("RPI", m), nil
	}
	b := w.Books[o.Book]
	switch o.Name {
	case "addTag":
		return w.addTag(b, o, r)
	case "updateTag":
		t := b.tag(o.get("tagId").Value)
		if t == nil {
			return noRecord, nil
		}
		if b.taken(o.get("name").Value, t.ID) {
			return taken, nil
		}
		t.Name, t.Color = o.get("name").Value, o.get("hexColorCode").Value
		t.touch(r)
		return success("Tag Updated Successfully", "1"), nil
	case "listTags":
		var items []string
		for _, t := range b.Tags {
			items = append(items, object("_id", t.ID, "name", t.Name, "hexColorCode", t.Color))
		}
		return success("Transaction Successful", array(items)), nil
	case "deleteTag":
		return w.deleteTag(b, o.get("tagId").Value)
	case "addContact":
		return w.addContact(b, o, r)
	case "updateContact":
		return w.updateContact(b, o, r)
	case "listContacts":
		return b.listContacts(o, r)
	case "deleteContact":
		return w.deleteContact(b, o.get("contactId").Value)
	}
	c := b.find(o.get("gcId").Value)
	if c == nil {
		return noRecord, nil
	}
	return w.below(c, o, r)
}

func (w *World) addTag(b *Book, o Op, r Reply) (Want, error) {
	name, color := o.get("name").Value, o.get("hexColorCode").Value
	if b.taken(name, "") {
		return taken, nil
	}
	s, err := w.made(r)
	if err != nil {
		return Want{}, err
	}
	b.Tags = append(b.Tags, &Tag{name, color, s})
	return success("Tag Added Successfully", object("userId", b.User, "name", name, "hexColorCode", color,
		"updated_at", s.updated, "created_at", s.created, "_id", s.ID)), nil
}

func (w *World) deleteTag(b *Book, id string) (Want, error) {
	t := b.tag(id)
	if t == nil {
		return noRecord, nil
	}
	b.Tags = slices.DeleteFunc(b.Tags, func(o *Tag) bool { return o == t })
	for _, c := range b.Contacts {
		c.Tags = slices.DeleteFunc(c.Tags, func(o *Tag) bool { return o == t })
	}
	w.gone = append(w.gone, id)
	return success("Tag Deleted successfully", "null"), nil
}

// tagsOf resolves the tags that a request names, each once.
func (b *Book) tagsOf(o Op) ([]*Tag, string) {
	var tags []*Tag
	for i, id := range o.get("tagDetails").List {
		t := b.tag(id)
		if t == nil {
			return nil, fmt.Sprintf("The selected tagDetails.%d.tagId is invalid.", i)
		}
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags, ""
}

func (c *Contact) tagIDs() raw {
	var ids []string
	for _, t := range c.Tags {
		ids = append(ids, text(t.ID))
	}
	return raw(array(ids))
}

func (c *Contact) fields(b *Book) []any {
	return []any{"userId", b.User, "name", c.Name, "email", c.Email, "mobile", c.Mobile, "callingCode", c.Code, "companyName", c.Company}
}

func (w *World) addContact(b *Book, o Op, r Reply) (Want, error) {
	tags, fault := b.tagsOf(o)
	if fault != "" {
		return refuse("RPI", fault), nil
	}
	s, err := w.made(r)
	if err != nil {
		return Want{}, err
	}
	m := o.get("mobile")
	c := &Contact{Name: o.get("name").Value, Email: o.get("email").Value, Mobile: m.Value, Code: m.Code,
		Company: o.get("companyName").Value, Tags: tags, stamp: s}
	b.Contacts = append(b.Contacts, c)
	return success("Contact Added Successfully",
		object(append(c.fields(b), "updated_at", s.updated, "created_at", s.created, "_id", s.ID, "tagId", c.tagIDs())...)), nil
}

func (w *World) updateContact(b *Book, o Op, r Reply) (Want, error) {
	c := b.find(o.get("contactId").Value)
	tags, fault := b.tagsOf(o)
	switch { // a tag that does not exist is a field's fault (RPI), and fields come before existence
	case fault != "":
		return refuse("RPI", fault), nil
	case c == nil:
		return noRecord, nil
	}
	m := o.get("mobile")
	c.Name, c.Email, c.Mobile, c.Code, c.Tags = o.get("name").Value, o.get("email").Value, m.Value, m.Code, tags
	if f := o.get("companyName"); !f.Omit && f.Send != nil {
		c.Company = f.Value
	}
	c.touch(r)
	if err := c.learn(updates(r.Data)); err != nil {
		return Want{}, err
	}
	return success("Contact Updated Successfully", object(append(append([]any{"_id", c.ID}, c.fields(b)...),
		"updated_at", c.updated, "created_at", c.created, "tagId", c.tagIDs())...)), nil
}

func (w *World) deleteContact(b *Book, id string) (Want, error) {
	c := b.find(id)
	if c == nil {
		return noRecord, nil
	}
	b.Contacts = slices.DeleteFunc(b.Contacts, func(o *Contact) bool { return o == c })
	maps.DeleteFunc(b.refs, func(_ string, v reference) bool { return v.contact == c })
	w.gone = append(w.gone, id)
	for _, of := range [][]*Child{c.Persons, c.Addresses, c.Payments} {
		for _, k := range of {
			w.gone = append(w.gone, k.ID)
		}
	}
	return success("Contact Deleted successfully", "null"), nil
}

func (b *Book) listContacts(o Op, r Reply) (Want, error) {
	seen := updates(r.Data)
	if id := o.get("contactId").Value; id != "" && b.find(id) == nil {
		return noRecord, nil
	}
	limit := -1
	if v := o.get("limit").Value; v != "" {
		limit, _ = strconv.Atoi(v)
	}
	items, next := []string{}, false
	for _, c := range slices.Backward(b.Contacts) {
		if id := o.get("contactId").Value; id != "" && c.ID != id {
			continue
		}
		if id := o.get("tagId").Value; id != "" && !slices.ContainsFunc(c.Tags, func(t *Tag) bool { return t.ID == id }) {
			continue
		}
		if o.After != "" && c.ID >= o.After {
			continue
		}
		if len(items) == limit {
			next = true
			break
		}
		var tags []string
		for _, t := range c.Tags {
			if err := t.learn(seen); err != nil {
				return Want{}, err
			}
			tags = append(tags, object("_id", t.ID, "userId", b.User, "name", t.Name, "hexColorCode", t.Color,
				"updated_at", t.updated, "created_at", t.created))
		}
		items = append(items, object(append(append([]any{"_id", c.ID}, c.fields(b)...), "tagId", c.tagIDs(), "tags", raw(array(tags)))...))
	}
	return Want{"TXN", "Transaction Successful", array(items), next}, nil
}

// kind is how the records of one kind below a contact are shown.
type kind struct {
	fields               []string
	id                   string // the field that names one
	added, lean, deleted string // messages
}

var (
	person = kind{[]string{"contactPersonName", "email", "mobile", "description", "callingCode"}, "personId",
		"Contact Person Added Successfully", "Contact Person Updated Successfully", "Person Deleted successfully"}
	address = kind{[]string{"addressType", "address", "city", "state", "pincode", "countryCode"}, "addressId",
		"Address Added Successfully", "Address Updated Successfully", "Address Deleted successfully"}
	payment = kind{nil, "paymentId", "Payment Method Added Successfully", "", "Payment Method Deleted successfully"}
)

// shown are the fields of a child, in order.
func (k kind) shown(c *Contact, v *Child) []any {
	pairs := []any{"gcId", c.ID}
	if k.id == "paymentId" {
		return append(pairs, "accountType", v.Values["accountType"], "isPrimary", v.Primary, "isVerified", v.Verified,
			"accountNumber", v.Values["accountNumber"], "accountIfsc", v.Values["accountIfsc"], "beneficiaryName", v.Values["beneficiaryName"])
	}
	for _, f := range k.fields {
		pairs = append(pairs, f, v.Values[f])
	}
	return pairs
}

func (w *World) below(c *Contact, o Op, r Reply) (Want, error) {
	switch {
	case strings.HasSuffix(o.Name, "Business"):
		return w.business(c, o, r)
	case strings.Contains(o.Name, "Person"):
		return w.children(person, &c.Persons, c, o, r)
	case strings.Contains(o.Name, "Address"):
		return w.children(address, &c.Addresses, c, o, r)
	case o.Name == "setPrimaryPayment":
		p := child(c.Payments, o.get("paymentId").Value)
		if p == nil {
			return noRecord, nil
		}
		if !p.Primary {
			for _, other := range c.Payments {
				if other.Primary {
					other.Primary = false
					other.touch(r)
				}
			}
			p.Primary = true
			p.touch(r)
		}
		return success("Primary Account Set Successfully", "null"), nil
	}
	return w.children(payment, &c.Payments, c, o, r)
}

func (w *World) children(k kind, of *[]*Child, c *Contact, o Op, r Reply) (Want, error) {
	add := func(v *Child) string {
		return object(append(k.shown(c, v), "updated_at", v.updated, "created_at", v.created, "_id", v.ID)...)
	}
	switch {
	case strings.HasPrefix(o.Name, "list"):
		seen, items := updates(r.Data), []string{}
		for _, v := range *of {
			if err := v.learn(seen); err != nil {
				return Want{}, err
			}
			items = append(items, object(append(append([]any{"_id", v.ID}, k.shown(c, v)...), "updated_at", v.updated, "created_at", v.created)...))
		}
		return success("Transaction Successful", array(items)), nil
	case strings.HasPrefix(o.Name, "add"):
		v := &Child{Values: o.values()}
		if k.id == "paymentId" {
			if on, _ := o.get("isVerificationOn").Send.(bool); on {
				return w.verified(k, of, c, o, r, add)
			}
			for _, p := range *of {
				if p.same(v.Values) {
					if err := p.learn(updates(r.Data)); err != nil {
						return Want{}, err
					}
					return success(k.added, add(p)), nil
				}
			}
		}
		s, err := w.made(r)
		if err != nil {
			return Want{}, err
		}
		v.stamp = s
		*of = append(*of, v)
		return success(k.added, add(v)), nil
	}
	v := child(*of, o.get(k.id).Value)
	if v == nil {
		return noRecord, nil
	}
	if strings.HasPrefix(o.Name, "delete") {
		*of = slices.DeleteFunc(*of, func(x *Child) bool { return x == v })
		w.gone = append(w.gone, v.ID)
		return success(k.deleted, "null"), nil
	}
	v.Values = o.values()
	v.touch(r)
	return success(k.lean, object(k.shown(c, v)...)), nil
}

// verified adds a payment method, unless there is an equal one, and verifies it, unless it was under that reference. The
// simulator finds what it is told.
func (w *World) verified(k kind, of *[]*Child, c *Contact, o Op, r Reply, add func(*Child) string) (Want, error) {
	if w.Books[o.Book].refs == nil {
		w.Books[o.Book].refs = map[string]reference{}
	}
	refs := w.Books[o.Book].refs
	ref := o.get("externalRef").Value
	v := &Child{Values: o.values()}
	i := slices.IndexFunc(*of, func(p *Child) bool { return p.same(v.Values) })
	if i >= 0 {
		v = (*of)[i]
	}
	if known := refs[ref]; known.contact != nil {
		if known.payment != v {
			return refuse("DTX", "Duplicate Transaction"), nil
		}
		if err := v.learn(updates(r.Data)); err != nil {
			return Want{}, err
		}
		return success(k.added, add(v)), nil
	}
	if i >= 0 {
		v.touch(r)
		if err := v.learn(updates(r.Data)); err != nil {
			return Want{}, err
		}
	} else {
		s, err := w.madeAndChanged(r)
		if err != nil {
			return Want{}, err
		}
		v.stamp = s
		*of = append(*of, v)
	}
	v.Verified, v.bank = true, strings.ToUpper(v.Values["beneficiaryName"])
	if v.Values["beneficiaryName"] == "" {
		v.bank = strings.ToUpper(c.Name)
		v.Values["beneficiaryName"] = v.bank
	}
	refs[ref] = reference{c, v}
	return success(k.added, add(v)), nil
}

// values are what the request's fields keep.
func (o Op) values() map[string]string {
	v := map[string]string{}
	for _, f := range o.Fields {
		switch f.Name {
		case "upiId", "phoneNumber", "accountNumber":
			if f.Value != "" {
				v["accountNumber"] = f.Value
			}
		case "mobile":
			v["mobile"], v["callingCode"] = f.Value, "+"+f.Code
		default:
			v[f.Name] = f.Value
		}
	}
	return v
}

// same tells whether a payment method that is to be added is one that is there, whose name may be the bank's because none
// was given. A VPA is compared in lower case.
func (v *Child) same(b map[string]string) bool {
	a := v.Values
	number := func(v map[string]string) string {
		if v["accountType"] == "VPA" {
			return strings.ToLower(v["accountNumber"])
		}
		return v["accountNumber"]
	}
	return a["accountType"] == b["accountType"] && number(a) == number(b) &&
		a["accountIfsc"] == b["accountIfsc"] &&
		(a["beneficiaryName"] == b["beneficiaryName"] || b["beneficiaryName"] == "" && a["beneficiaryName"] == v.bank)
}

var identities = []string{"pan", "cin", "gstin", "tan", "udyam"}

func (w *World) business(c *Contact, o Op, r Reply) (Want, error) {
	v := c.Business
	all := func() []any {
		pairs := []any{"gcId", c.ID}
		for _, f := range identities {
			pairs = append(pairs, f, v.Values[f], f+"Verified", false)
		}
		return pairs
	}
	switch o.Name {
	case "listBusiness":
		if v == nil {
			return success("Transaction Successful", "[]"), nil
		}
		if err := v.learn(updates(r.Data)); err != nil {
			return Want{}, err
		}
		return success("Transaction Successful",
			array([]string{object(append(append([]any{"_id", v.ID}, all()...), "updated_at", v.updated, "created_at", v.created)...)})), nil
	case "addBusiness":
		if v != nil {
			return refuse("ERR", "Business details already exist."), nil
		}
		s, err := w.made(r)
		if err != nil {
			return Want{}, err
		}
		c.Business = &Child{Values: map[string]string{}, stamp: s}
		c.Business.take(o)
		pairs := []any{"gcId", c.ID}
		for _, f := range identities {
			if value := c.Business.Values[f]; value != "" {
				pairs = append(pairs, f, value, f+"Verified", false)
			}
		}
		return success("Business DetailsAdded Successfully",
			object(append(pairs, "updated_at", s.updated, "created_at", s.created, "_id", s.ID)...)), nil
	}
	if v == nil {
		return noRecord, nil
	}
	if o.Name == "deleteBusiness" {
		c.Business = nil
		return success("Business Deleted successfully", "null"), nil
	}
	v.take(o)
	v.touch(r)
	return success("Business Updated Successfully", object(all()...)), nil
}

// take keeps the identities that were sent; an empty one clears.
func (v *Child) take(o Op) {
	for _, f := range o.Fields {
		name := strings.Replace(f.Name, "udhyam", "udyam", 1)
		if slices.Contains(identities, name) && !f.Omit && f.Send != nil {
			v.Values[name] = f.Value
		}
	}
}
