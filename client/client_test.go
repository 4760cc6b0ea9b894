package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactbook/client"
	"contactbook/internal/book"
	"contactbook/internal/wire"
)

// recorder is a transport that keeps which routes were called with which fields.
type recorder struct {
	t      *testing.T
	mu     sync.Mutex
	fields map[string]map[string]bool // route, field
}

func (rec *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := r.GetBody, error(nil)
	var text []byte
	if body != nil {
		b, _ := body()
		text, err = io.ReadAll(b)
	}
	if err != nil {
		rec.t.Error(err)
	}
	if r.URL.RawQuery != "" {
		rec.t.Errorf("%s %s has a query: %s", r.Method, r.URL.Path, r.URL.RawQuery)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	route := r.Method + " " + r.URL.Path
	if rec.fields[route] == nil {
		rec.fields[route] = map[string]bool{}
	}
	if len(text) > 0 {
		if bytes.Contains(text, []byte("null")) {
			rec.t.Errorf("%s sends %s", route, text)
		}
		var sent map[string]any
		if err := json.Unmarshal(text, &sent); err != nil {
			rec.t.Errorf("%s sends %s: %v", route, text, err)
		}
		flatten(rec.fields[route], "", sent)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// flatten names a body's fields as book.Field does.
func flatten(names map[string]bool, prefix string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			names[prefix+k] = true
			flatten(names, prefix+k+".", member)
		}
	case []any:
		for _, item := range v {
			flatten(names, prefix+"*.", item)
		}
	}
}

// TestEveryOp makes every call, with every field, and looks at what comes back.
func TestEveryOp(t *testing.T) {
	rec := &recorder{t: t, fields: map[string]map[string]bool{}}
	cr := newCreds(t)
	c := at(t, baseURL, cr, client.HTTPClient(&http.Client{Transport: rec}))
	ctx := t.Context()
	start := time.Now().Add(-time.Second)

	check := func(name string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got, cmp.FilterValues(func(a, b time.Time) bool { return true }, cmp.Comparer(func(a, b time.Time) bool {
			return a.IsZero() == b.IsZero() // a date that is wanted is one of this test
		}))); d != "" {
			t.Errorf("%s: want -, got +:\n%s", name, d)
		}
	}
	now := func(name string, dates ...time.Time) {
		t.Helper()
		for _, d := range dates {
			if d.Before(start) || d.After(time.Now().Add(time.Second)) || d.Location() != time.UTC {
				t.Errorf("%s: date %v", name, d)
			}
		}
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	some := time.Now()

	// Tags.
	tag, err := c.Tags.Add(ctx, client.TagInput{Name: "Employee", HexColorCode: "#FF1934"})
	ok(err)
	now("tag", tag.CreatedAt, tag.UpdatedAt)
	check("tag added", tag, &client.Tag{ID: tag.ID, UserID: cr.UserID, Name: "Employee", HexColorCode: "#FF1934", UpdatedAt: some, CreatedAt: some})
	ok(c.Tags.Update(ctx, tag.ID, client.TagInput{Name: "Staff", HexColorCode: "#1EB626"}))
	other := addTag(t, c, "Other")
	tags, err := c.Tags.List(ctx)
	ok(err)
	check("tags", tags, []client.Tag{{ID: tag.ID, Name: "Staff", HexColorCode: "#1EB626"}, {ID: other, Name: "Other", HexColorCode: "#FF1934"}})

	// Contacts.
	in := client.ContactInput{Name: "Sample Name", Email: "sample@example.com", Mobile: "2125550123", CallingCode: "1",
		CompanyName: "Business Name", TagIDs: []string{tag.ID, other}}
	contact, err := c.Contacts.Add(ctx, in)
	ok(err)
	now("contact", contact.CreatedAt, contact.UpdatedAt)
	want := &client.Contact{ID: contact.ID, UserID: cr.UserID, Name: "Sample Name", Email: "sample@example.com", Mobile: "2125550123",
		CallingCode: "1", CompanyName: "Business Name", TagIDs: []string{tag.ID, other}, UpdatedAt: some, CreatedAt: some}
	check("contact added", contact, want)
	added := contact.UpdatedAt
	time.Sleep(2 * time.Millisecond)
	change := client.ContactUpdate{Name: "New Name", Email: "new@example.com", Mobile: "+447400123456", TagIDs: []string{other}}
	contact, err = c.Contacts.Update(ctx, contact.ID, change)
	ok(err)
	want.Name, want.Email, want.Mobile, want.CallingCode, want.TagIDs = "New Name", "new@example.com", "7400123456", "44", []string{other}
	check("contact updated, company kept", contact, want)
	if !contact.UpdatedAt.After(added) || !contact.CreatedAt.Equal(added) {
		t.Errorf("added at %v, updated at %v, created at %v", added, contact.UpdatedAt, contact.CreatedAt)
	}
	change.CallingCode, change.Mobile, change.CompanyName = "44", "7400123456", new("")
	contact, err = c.Contacts.Update(ctx, contact.ID, change)
	ok(err)
	want.CompanyName = ""
	check("contact updated, company cleared", contact, want)
	got, err := c.Contacts.Get(ctx, " "+strings.ToUpper(contact.ID))
	ok(err)
	want.UpdatedAt, want.CreatedAt = time.Time{}, time.Time{}
	want.Tags = []client.Tag{{ID: other, UserID: cr.UserID, Name: "Other", HexColorCode: "#FF1934", UpdatedAt: some, CreatedAt: some}}
	check("contact got", got, want)
	page, err := c.Contacts.Page(ctx, client.ContactFilter{TagID: other}, "")
	ok(err)
	check("page", page, &client.ContactPage{Contacts: []*client.Contact{want}})
	second := must[*client.Contact](t)(c.Contacts.Add(ctx, in))
	page, err = c.Contacts.Page(ctx, client.ContactFilter{PageSize: 1}, "")
	ok(err)
	page, err = c.Contacts.Page(ctx, client.ContactFilter{PageSize: 1}, page.Next)
	ok(err)
	check("last page", page, &client.ContactPage{Contacts: []*client.Contact{want}})
	ok(c.Contacts.Delete(ctx, second.ID))

	// Persons.
	person, err := c.Persons.Add(ctx, contact.ID, client.PersonInput{Name: "Asha", Email: "asha@example.com", Mobile: "2125550123",
		CallingCode: "1", Description: "two\nlines"})
	ok(err)
	now("person", person.CreatedAt, person.UpdatedAt)
	wantPerson := client.Person{ID: person.ID, ContactID: contact.ID, Name: "Asha", Email: "asha@example.com", Mobile: "2125550123",
		CallingCode: "+1", Description: "two\nlines", UpdatedAt: some, CreatedAt: some}
	check("person added", *person, wantPerson)
	persons, err := c.Persons.List(ctx, contact.ID)
	ok(err)
	check("persons", persons, []client.Person{wantPerson})
	person, err = c.Persons.Update(ctx, contact.ID, person.ID, client.PersonInput{Name: "Asha Rao", Email: "rao@example.com",
		Mobile: "7400123456", CallingCode: "44", Description: "one"})
	ok(err)
	check("person updated", person, &client.Person{ID: wantPerson.ID, ContactID: contact.ID, Name: "Asha Rao", Email: "rao@example.com",
		Mobile: "7400123456", CallingCode: "+44", Description: "one"})
	ok(c.Persons.Delete(ctx, contact.ID, person.ID))
	persons, err = c.Persons.List(ctx, contact.ID)
	ok(err)
	check("no persons", persons, []client.Person(nil))

	// Addresses.
	place := client.AddressInput{Type: "Shipping", Address: "Mohan Cooperative\nIndustrial Estate", City: "New Delhi", State: "Delhi",
		Pincode: "110044", CountryCode: "IN"}
	address, err := c.Addresses.Add(ctx, contact.ID, place)
	ok(err)
	now("address", address.CreatedAt, address.UpdatedAt)
	wantAddress := client.Address{ID: address.ID, ContactID: contact.ID, Type: place.Type, Address: place.Address, City: place.City,
		State: place.State, Pincode: place.Pincode, CountryCode: place.CountryCode, UpdatedAt: some, CreatedAt: some}
	check("address added", *address, wantAddress)
	addresses, err := c.Addresses.List(ctx, contact.ID)
	ok(err)
	check("addresses", addresses, []client.Address{wantAddress})
	place.Type, place.Pincode, place.CountryCode = "Billing", "SW1A 1AA", "GB"
	address, err = c.Addresses.Update(ctx, contact.ID, address.ID, place)
	ok(err)
	wantAddress.Type, wantAddress.Pincode, wantAddress.CountryCode = place.Type, place.Pincode, place.CountryCode
	wantAddress.UpdatedAt, wantAddress.CreatedAt = time.Time{}, time.Time{}
	check("address updated", *address, wantAddress)
	ok(c.Addresses.Delete(ctx, contact.ID, address.ID))

	// Business.
	business, err := c.Business.Add(ctx, contact.ID, client.BusinessInput{PAN: "aaocs6028b", CIN: "L17110MH1973PLC019786"})
	ok(err)
	now("business", business.CreatedAt, business.UpdatedAt)
	wantBusiness := client.Business{ID: business.ID, ContactID: contact.ID, PAN: "AAOCS6028B", CIN: "L17110MH1973PLC019786",
		UpdatedAt: some, CreatedAt: some}
	check("business added", *business, wantBusiness)
	business, err = c.Business.Update(ctx, contact.ID, client.BusinessUpdate{CIN: new(""), TAN: new("DELA12345B")})
	ok(err)
	wantBusiness.CIN, wantBusiness.TAN = "", "DELA12345B"
	lean := wantBusiness
	lean.ID, lean.UpdatedAt, lean.CreatedAt = "", time.Time{}, time.Time{}
	check("business updated", *business, lean)
	business, err = c.Business.Update(ctx, contact.ID, client.BusinessUpdate{})
	ok(err)
	check("business kept", *business, lean)
	business, err = c.Business.Get(ctx, contact.ID)
	ok(err)
	check("business got", *business, wantBusiness)
	tan, err := c.Business.Verify(ctx, contact.ID, "tan", "a")
	ok(err)
	check("TAN verified", tan.Number, "DELA12345B")
	business, err = c.Business.Get(ctx, contact.ID)
	ok(err)
	check("TAN's flag", business.TANVerified, true)
	ok(c.Business.Delete(ctx, contact.ID))
	all := client.BusinessInput{PAN: "AAOCS6028B", CIN: "L17110MH1973PLC019786", GSTIN: "27AAPFU0939F1ZV", TAN: "DELA12345B", Udyam: "UDYAM-DL-01-0000001"}
	business, err = c.Business.Add(ctx, contact.ID, all)
	ok(err)
	check("all of a business", client.BusinessInput{PAN: business.PAN, CIN: business.CIN, GSTIN: business.GSTIN, TAN: business.TAN, Udyam: business.Udyam}, all)
	_, err = c.Business.Update(ctx, contact.ID, client.BusinessUpdate{PAN: new(""), CIN: new(""), GSTIN: new(""), TAN: new(""), Udyam: new("")})
	ok(err)
	business, err = c.Business.Get(ctx, contact.ID)
	ok(err)
	check("nothing of a business", client.BusinessInput{PAN: business.PAN, CIN: business.CIN, GSTIN: business.GSTIN, TAN: business.TAN, Udyam: business.Udyam},
		client.BusinessInput{})

	// Payments.
	vpa, err := c.Payments.Add(ctx, contact.ID, client.PaymentInput{AccountType: client.VPA, UPIID: "7428585742@ybl"})
	ok(err)
	now("payment", vpa.CreatedAt, vpa.UpdatedAt)
	wantVPA := client.Payment{ID: vpa.ID, ContactID: contact.ID, AccountType: client.VPA, AccountNumber: "7428585742@ybl", UpdatedAt: some, CreatedAt: some}
	check("VPA added", *vpa, wantVPA)
	again, err := c.Payments.Add(ctx, contact.ID, client.PaymentInput{AccountType: client.VPA, UPIID: "7428585742@YBL"})
	ok(err)
	check("VPA added again", again.ID, vpa.ID)
	account, err := c.Payments.Add(ctx, contact.ID, client.PaymentInput{AccountType: client.Account, AccountNumber: "7770007428585742",
		AccountIFSC: "YESB0CMSNOC", BeneficiaryName: "Instantpay India Ltd."})
	ok(err)
	wantAccount := client.Payment{ID: account.ID, ContactID: contact.ID, AccountType: client.Account, AccountNumber: "7770007428585742",
		AccountIFSC: "YESB0CMSNOC", BeneficiaryName: "Instantpay India Ltd.", UpdatedAt: some, CreatedAt: some}
	check("account added", *account, wantAccount)
	wallet, err := c.Payments.Add(ctx, contact.ID, client.PaymentInput{AccountType: client.Wallet, PhoneNumber: "2125550123", CallingCode: "1"})
	ok(err)
	check("wallet added", wallet.AccountNumber, "2125550123")
	ok(c.Payments.SetPrimary(ctx, contact.ID, vpa.ID))
	ok(c.Payments.SetPrimary(ctx, contact.ID, account.ID))
	ok(c.Payments.Delete(ctx, contact.ID, wallet.ID))
	payments, err := c.Payments.List(ctx, contact.ID)
	ok(err)
	wantAccount.Primary = true
	check("payments", payments, []client.Payment{wantVPA, wantAccount})
	question := client.Verification{ExternalRef: "1234567", Latitude: "27.897394", Longitude: "78.088013"}
	first, err := c.Payments.Verify(ctx, contact.ID, vpa.ID, question)
	ok(err)
	check("verified", first.Payee.Account, "7428585742@ybl")
	repeated, err := c.Payments.Verify(ctx, contact.ID, vpa.ID, question)
	if e, _ := errors.AsType[*client.Error](err); e == nil || e.Code != client.CodeDTX {
		t.Errorf("a verification that was made before: %v", err)
	}
	check("verified before", repeated, first)
	if other, err := c.Payments.Verify(ctx, contact.ID, account.ID, question); other != nil || err == nil {
		t.Errorf("a reference of another method: %v, %v", other, err)
	}
	details, err := c.Payments.Details(ctx, contact.ID)
	ok(err)
	if d := details[0]; !d.Verified || d.VerifiedAt == nil || d.NameAtBank == nil || d.NameMatchScore == nil || details[1].VerifiedAt != nil {
		t.Errorf("details %+v", details)
	}
	question.ExternalRef = "1234568"
	proven, err := c.Payments.Add(ctx, contact.ID, client.PaymentInput{AccountType: client.VPA, UPIID: "other@ybl", Verify: &question})
	ok(err)
	check("added and verified", proven.Verified, true)

	ok(c.Tags.Delete(ctx, other))
	ok(c.Contacts.Delete(ctx, contact.ID))
	for contact, err := range c.Contacts.List(ctx, client.ContactFilter{}) {
		t.Errorf("the book still has %v, %v", contact, err)
	}

	for _, op := range book.Ops {
		sent, called := rec.fields[op.Route]
		if !called {
			t.Errorf("no typed call makes %s", op.Route)
			continue
		}
		for _, f := range op.Fields() {
			if !sent[f.Name] {
				t.Errorf("%s: no call can send %s; sent were %v", op.Route, f.Name, slices.Sorted(maps.Keys(sent)))
			}
			delete(sent, f.Name)
		}
		if len(sent) > 0 {
			t.Errorf("%s: the server reads no %v", op.Route, slices.Sorted(maps.Keys(sent)))
		}
		delete(rec.fields, op.Route)
	}
	if len(rec.fields) > 0 {
		t.Errorf("calls that are no op: %v", slices.Sorted(maps.Keys(rec.fields)))
	}
}

// seen is what of an error callers go by.
func seen(err error) (is []string) {
	for _, s := range []struct {
		name string
		err  error
	}{
		{"not found", client.ErrNotFound}, {"invalid", client.ErrInvalidInput}, {"credentials", client.ErrCredentials},
		{"blocked", client.ErrBlocked}, {"duplicate", client.ErrDuplicate}, {"unavailable", client.ErrUnavailable}, {"reply", client.ErrReply},
	} {
		if errors.Is(err, s.err) {
			is = append(is, s.name)
		}
	}
	return is
}

// gone is the id of nothing.
const gone = "645b283b9b2e242ec80dd5c2"

// TestRefusals meets every sentinel that the real server has.
func TestRefusals(t *testing.T) {
	ctx := t.Context()
	c := fresh(t)
	tag := addTag(t, c, "Employee")
	p := must[*client.Contact](t)(c.Contacts.Add(ctx, contactInput("Sample Name", tag)))
	must[*client.Business](t)(c.Business.Add(ctx, p.ID, client.BusinessInput{}))
	addTo := func(c *client.Client) error {
		_, err := c.Tags.Add(ctx, client.TagInput{Name: "Another", HexColorCode: "#FF1934"})
		return err
	}
	wrong := newCreds(t)
	wrong.Secret = strings.Repeat("0", 64)
	disabled := newCreds(t)
	if code := program(ctx, io.Discard, append([]string{"client", "disable", disabled.ID}, flags...)...); code != 0 {
		t.Fatal("client disable")
	}
	elsewhere := newCreds(t, "--allow-ip", "203.0.113.0/24")

	for _, v := range []struct {
		name, code, message, is string
		call                    func() error
	}{
		{"get no contact", "ERR", "No Record Found", "not found", func() error { _, err := c.Contacts.Get(ctx, gone); return err }},
		{"update no contact", "ERR", "No Record Found", "not found", func() error {
			_, err := c.Contacts.Update(ctx, gone, client.ContactUpdate{Name: "x", Email: "x@example.com", Mobile: "7428585742", TagIDs: []string{tag}})
			return err
		}},
		{"list the persons of no contact", "ERR", "No Record Found", "not found", func() error { _, err := c.Persons.List(ctx, gone); return err }},
		{"delete no tag", "ERR", "No Record Found", "not found", func() error { return c.Tags.Delete(ctx, gone) }},
		{"no such primary", "ERR", "No Record Found", "not found", func() error { return c.Payments.SetPrimary(ctx, p.ID, gone) }},
		{"a field missing", "RPI", "The tagDetails field is required.", "invalid", func() error {
			_, err := c.Contacts.Add(ctx, contactInput("Sample Name"))
			return err
		}},
		{"a bad value", "RPI", "The email must be a valid email address.", "invalid", func() error {
			in := contactInput("Sample Name", tag)
			in.Email = "sample"
			_, err := c.Contacts.Add(ctx, in)
			return err
		}},
		{"no such tag", "RPI", "The selected tagDetails.0.tagId is invalid.", "invalid", func() error {
			_, err := c.Contacts.Add(ctx, contactInput("Sample Name", gone))
			return err
		}},
		{"a page too large", "RPI", "The limit must be between 1 and 500.", "invalid", func() error {
			_, err := c.Contacts.Page(ctx, client.ContactFilter{PageSize: 501}, "")
			return err
		}},
		{"a foreign cursor", "RPI", "The selected cursor is invalid.", "invalid", func() error {
			_, err := c.Contacts.Page(ctx, client.ContactFilter{}, "abc")
			return err
		}},
		{"no id to delete", "RPI", "The contactId field is required.", "invalid", func() error { return c.Contacts.Delete(ctx, "") }},
		{"a tag's name taken", "ERR", "The name has already been taken.", "duplicate", func() error {
			_, err := c.Tags.Add(ctx, client.TagInput{Name: "EMPLOYEE", HexColorCode: "#FF1934"})
			return err
		}},
		{"business details twice", "ERR", "Business details already exist.", "duplicate", func() error {
			_, err := c.Business.Add(ctx, p.ID, client.BusinessInput{})
			return err
		}},
		{"a wrong secret", "IAC", "Invalid Dealer Credentials", "credentials", func() error { return addTo(at(t, baseURL, wrong)) }},
		{"a disabled client", "AAB", "Account Blocked, Contact Helpdesk", "blocked", func() error { return addTo(at(t, baseURL, disabled)) }},
		{"a caller from elsewhere", "ERR", "Request made from invalid ip address - 127.0.0.1", "blocked", func() error { return addTo(at(t, baseURL, elsewhere)) }},
	} {
		t.Run(v.name, func(t *testing.T) {
			err := v.call()
			e, ok := errors.AsType[*client.Error](err)
			if !ok {
				t.Fatalf("%v is no *Error", err)
			}
			if string(e.Code) != v.code || e.Message != v.message || e.HTTPStatus != 200 || !strings.Contains(e.Reference, "-") ||
				e.Environment != "SANDBOX" && v.is != "credentials" || e.Op == "" || e.RetryAfter != 0 {
				t.Errorf("%+v", *e)
			}
			if is := seen(err); !slices.Equal(is, []string{v.is}) {
				t.Errorf("%v is %v", err, is)
			}
			for _, part := range []string{v.code, v.message, e.Op, e.Reference} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}

	t.Run("no business details", func(t *testing.T) {
		other := must[*client.Contact](t)(c.Contacts.Add(ctx, contactInput("Sample Name", tag)))
		for _, id := range []string{gone, other.ID} {
			if _, err := c.Business.Get(ctx, id); !errors.Is(err, client.ErrNotFound) {
				t.Error(err)
			}
		}
	})
	t.Run("another path", func(t *testing.T) {
		_, err := at(t, baseURL+"/v2/", newCreds(t)).Tags.List(ctx)
		e, _ := errors.AsType[*client.Error](err)
		if e == nil || e.Code != client.CodeOUE || e.HTTPStatus != 404 || e.Op != "GET /contacts/tag" || seen(err) != nil {
			t.Errorf("%v is %v", err, seen(err))
		}
	})
	t.Run("a base path that a proxy takes off", func(t *testing.T) {
		p := newProxy(t, func(_ int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
			http.StripPrefix("/book", forward).ServeHTTP(w, r)
		})
		if _, err := at(t, p.URL+"/book/", newCreds(t)).Tags.List(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A call that cannot be right is not sent.
func TestNotSent(t *testing.T) {
	p := newProxy(t, answers(200, refusal("ERR", "it was sent")))
	c := at(t, p.URL, newCreds(t))
	nobody := must[*client.Client](t)(client.New(p.URL, clientID, clientSecret))
	for _, v := range []struct {
		want string
		err  func() error
	}{
		{"The contactId field is required.", func() error { _, err := c.Contacts.Get(t.Context(), " "); return err }},
		{"The X-Ipay-Endpoint-Ip header is required.", func() error { _, err := nobody.Tags.List(t.Context()); return err }},
		{"The X-Ipay-Endpoint-Ip header is invalid.", func() error {
			_, err := c.Tags.List(client.WithEndpointIP(t.Context(), "localhost"))
			return err
		}},
	} {
		err := v.err()
		e, _ := errors.AsType[*client.Error](err)
		if e == nil || e.Message != v.want || e.HTTPStatus != 0 || e.Op == "" || !errors.Is(err, client.ErrInvalidInput) {
			t.Errorf("%v instead of %s", err, v.want)
		}
	}
	if n := p.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestHeaders looks at what a request carries.
func TestHeaders(t *testing.T) {
	var got *http.Request
	p := newProxy(t, func(_ int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
		got = r.Clone(context.Background())
		forward.ServeHTTP(w, r)
	})
	cr := newCreds(t)
	cr.ID, cr.Secret = " "+cr.ID+"\n", "\t"+cr.Secret+"\r\n"
	c := at(t, p.URL, cr, client.UserAgent("payroll/1.0"), client.EndpointIP(" 2001:db8::0007 "))
	if _, err := c.Tags.List(client.WithEndpointIP(t.Context(), " 198.51.100.9 ")); err != nil {
		t.Fatal(err)
	}
	if ip := got.Header.Get("X-Ipay-Endpoint-Ip"); ip != "198.51.100.9" {
		t.Errorf("the context's address is sent as %q", ip)
	}
	if got.ContentLength != 0 || got.Header.Get("Content-Type") != "" {
		t.Error("a call without input has a body")
	}
	addTag(t, c, "Employee")
	want := map[string]string{"X-Ipay-Auth-Code": "1", "X-Ipay-Client-Id": strings.TrimSpace(cr.ID), "X-Ipay-Client-Secret": strings.TrimSpace(cr.Secret),
		"X-Ipay-Endpoint-Ip": "2001:db8::7", "Accept": "application/json", "Content-Type": "application/json", "User-Agent": "payroll/1.0"}
	for name, value := range want {
		if !slices.Equal(got.Header.Values(name), []string{value}) {
			t.Errorf("%s is %q", name, got.Header.Values(name))
		}
	}
}

func TestNew(t *testing.T) {
	for _, v := range []struct{ name, url, id, secret string }{
		{"no URL", "", "id", "secret"},
		{"no scheme", "book.example.com", "id", "secret"},
		{"another scheme", "ftp://book.example.com", "id", "secret"},
		{"no host", "https:///contacts", "id", "secret"},
		{"a user", "https://me:s3same@book.example.com", "id", "secret"},
		{"a query", "https://book.example.com/?key=s3same", "id", "secret"},
		{"a fragment", "https://book.example.com/#s3same", "id", "secret"},
		{"a URL that is none", "https://s3same\x7f/", "id", "secret"},
		{"no id", "https://book.example.com", " ", "secret"},
		{"no secret", "https://book.example.com", "id", "\n"},
		{"a secret of two lines", "https://book.example.com", "id", "s3same\nX-Other: 1"},
		{"an id that is no ASCII", "https://book.example.com", "s3samé", "secret"},
	} {
		if _, err := client.New(v.url, v.id, v.secret); err == nil || strings.Contains(err.Error(), "s3sam") {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	for name, opt := range map[string]client.Option{
		"no HTTP client": client.HTTPClient(nil), "no address": client.EndpointIP(""), "a name for an address": client.EndpointIP("localhost"),
		"an address with a zone": client.EndpointIP("fe80::1%eth0"), "no tries": client.Retries(0), "a header in the user agent": client.UserAgent("a\r\nb: c"),
	} {
		if _, err := client.New("https://book.example.com", "id", "secret", opt); err == nil {
			t.Error(name + " is accepted")
		}
	}
	if c, err := client.New("https://book.example.com/", "id", "secret"); err != nil || c.String() != "contactbook client of https://book.example.com" {
		t.Errorf("%v, %v", c, err)
	}
}

// TestSecrets prints whatever a program may come to print.
func TestSecrets(t *testing.T) {
	const id, secret = "c2VjcmV0SWRlbnRpZmllcg", "5e5a3e0123456789"
	c := must[*client.Client](t)(client.New("http://127.0.0.1:1", id, secret, client.EndpointIP("203.0.113.7"), client.Retries(1)))
	var said []string
	holder := struct {
		Client *client.Client
		inner  client.Client
	}{c, *c}
	for _, v := range []any{c, *c, &holder, c.Contacts, *c.Contacts, c.Payments} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T"} {
			said = append(said, fmt.Sprintf(verb, v))
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		said = append(said, string(text))
	}
	errs := func(c *client.Client) {
		ctx := t.Context()
		for _, call := range []func() error{
			func() error { _, err := c.Tags.List(ctx); return err },
			func() error { _, err := c.Contacts.Add(ctx, contactInput("Sample Name", "x")); return err },
			func() error { return c.Contacts.Delete(ctx, "x") },
		} {
			err := call()
			if err == nil {
				t.Error("no error")
			}
			for ; err != nil; err = errors.Unwrap(err) {
				said = append(said, fmt.Sprintf("%v %+v %#v", err, err, err))
			}
		}
	}
	errs(c)
	for _, make := range []trouble{
		dropped, answers(403, "<p>"+secret+" sample@example.com</p>", "Content-Type", "text/html"), answers(200, refusal("IAC", "Invalid Dealer Credentials")),
	} {
		errs(at(t, newProxy(t, make).URL, creds{ID: id, Secret: secret}, client.Retries(1)))
	}
	for _, s := range said {
		for _, private := range []string{id, secret, fmt.Sprintf("%x", secret), "sample@example.com", "7428585742"} {
			if strings.Contains(s, private) {
				t.Errorf("%q is in %s", private, s)
			}
		}
	}
}

// A redirect would carry the secret to another place.
func TestNoRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		other := newProxy(t, answers(200, refusal("TXN", "Transaction Successful")))
		p := newProxy(t, answers(status, "", "Location", other.URL+"/contacts/tag"))
		_, err := at(t, p.URL, newCreds(t), client.HTTPClient(&http.Client{})).Tags.List(t.Context())
		e, _ := errors.AsType[*client.Error](err)
		if e == nil || e.HTTPStatus != status || !errors.Is(err, client.ErrReply) {
			t.Errorf("%d: %v", status, err)
		}
		if other.requests.Load() != 0 || p.requests.Load() != 1 {
			t.Errorf("%d was followed", status)
		}
	}
}

// TestForeignReplies gets what no server of the API sends.
func TestForeignReplies(t *testing.T) {
	const private = "7428585742"
	for _, v := range []struct {
		name, body, is string
		status         int
	}{
		{"a proxy's page", "<html>" + private + "</html>", "reply", 200},
		{"a proxy's refusal", "<html>" + private + "</html>", "reply", 403},
		{"a gateway's error", "<html>" + private + "</html>", "unavailable reply", 502},
		{"nothing with a status", "", "reply", 500},
		{"JSON of another service", `{"message":"` + private + `"}`, "reply", 200},
		{"an array", `[` + private + `]`, "reply", 200},
		{"a number as statuscode", `{"statuscode":` + private + `}`, "reply", 200},
		{"another shape of data", `{"statuscode":"TXN","status":"ok","data":{"_id":` + private + `}}`, "reply", 200},
		{"a string as data", `{"statuscode":"TXN","status":"ok","data":"` + private + `"}`, "reply", 200},
		{"a list as data", `{"statuscode":"TXN","status":"ok","data":[]}`, "reply", 200},
		{"a date of another form", `{"statuscode":"TXN","status":"ok","data":{"_id":"x","created_at":"` + private + `"}}`, "reply", 200},
		{"null as data", `{"statuscode":"TXN","status":"ok","data":null}`, "reply", 200},
		{"no data", `{"statuscode":"TXN","status":"ok"}`, "reply", 200},
		{"a success with an error's status", `{"statuscode":"TXN","status":"ok","data":{"_id":"x"}}`, "", 500},
		{"a failure with data", `{"statuscode":"IAN","status":"Invalid Account Number","data":{"account":` + private + `}}`, "", 200},
		{"downtime", refusal("SPD", "Service Provider Downtime"), "unavailable", 200},
		{"maintenance", refusal("USM", "Under Scheduled Maintenance"), "unavailable", 200},
		{"a gateway that times out", "", "unavailable reply", 504},
		{"too many requests", refusal("ERR", "Too Many Requests"), "unavailable", 429},
		{"an expired token", refusal("IAT", "Invalid Access Token"), "credentials", 200},
		{"a pending one", `{"statuscode":"TUP","status":"Transaction Under Process","data":{"_id":"x"}}`, "", 200},
	} {
		t.Run(v.name, func(t *testing.T) {
			p := newProxy(t, answers(v.status, v.body))
			_, err := at(t, p.URL, newCreds(t), client.Retries(1)).Contacts.Add(t.Context(), contactInput("Sample Name"))
			e, _ := errors.AsType[*client.Error](err)
			if e == nil || e.HTTPStatus != v.status || strings.Join(seen(err), " ") != v.is {
				t.Fatalf("%v is %v", err, seen(err))
			}
			if e.Code.Pending() != (v.name == "a pending one") {
				t.Errorf("%v is pending: %t", err, e.Code.Pending())
			}
			if success := strings.Contains(v.body, "TXN"); success != e.Code.Success() {
				t.Errorf("the code is %q: %v", e.Code, err)
			}
			if strings.Contains(fmt.Sprintf("%+v %#v", err, *e), private) {
				t.Errorf("the error repeats the reply: %v", err)
			}
		})
	}
	t.Run("data before statuscode", func(t *testing.T) {
		p := newProxy(t, answers(200, `{"data":[{"_id":"x"}],"status":"ok","statuscode":"TXN"}`))
		if tags, err := at(t, p.URL, newCreds(t)).Tags.List(t.Context()); err != nil || len(tags) != 1 {
			t.Errorf("%v, %v", tags, err)
		}
	})
}

// endless is a body that goes on for size bytes.
type endless struct {
	head, item, tail string
	size             int
	rest             string
	read             *atomic.Int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		switch {
		case e.head != "":
			e.rest, e.head = e.head, ""
		case e.size > 0:
			e.size -= len(e.item)
			e.rest = e.item
		case e.tail != "":
			e.rest, e.tail = e.tail, ""
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.read.Add(int64(n))
	return n, nil
}

func (*endless) Close() error { return nil }

// roundTrip is a transport of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// replying is a client that is sent e.
func replying(t *testing.T, e endless) (*client.Client, *atomic.Int64) {
	e.read = new(atomic.Int64)
	return fresh(t, client.HTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		body := e
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &body}, nil
	})})), e.read
}

const (
	listHead = `{"statuscode":"TXN","actcode":null,"status":"Transaction Successful","data":[{"_id":"000000000000000000000000"}`
	listItem = `,{"_id":"645b283b9b2e242ec80dd5c2","userId":189590,"name":"Sample Name","email":"help@instantpay.in","mobile":"7428585742",` +
		`"callingCode":"91","companyName":"XYZ","tagId":["645b280e95335f08eb021aa2"],"tags":[]}`
	listTail = `],"timestamp":"2023-05-10 10:45:08","ipay_uuid":"h","orderid":null,"environment":"LIVE","internalCode":null}`
)

// A book that arrives in one reply is not held: neither by List nor by Get.
func TestFlatMemory(t *testing.T) {
	const size = 8 << 20
	c, read := replying(t, endless{head: listHead, item: listItem, tail: listTail, size: size})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, n := heap(), uint64(0), 0
	for _, err := range c.Contacts.List(t.Context(), client.ContactFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%5000 == 0 {
			most = max(most, heap())
		}
	}
	if want := 1 + (size+len(listItem)-1)/len(listItem); n != want {
		t.Errorf("%d contacts, want %d", n, want)
	}
	if most > before+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, most)
	}

	read.Store(0)
	if p, err := c.Contacts.Get(t.Context(), strings.Repeat("0", 24)); err != nil || p.ID != strings.Repeat("0", 24) {
		t.Errorf("got %v, %v", p, err)
	}
	for range c.Contacts.List(t.Context(), client.ContactFilter{}) {
		break
	}
	if n := read.Load(); n > 1<<20 {
		t.Errorf("%d bytes were read for two contacts", n)
	}
}

func TestBoundedReading(t *testing.T) {
	const size = 100 << 20
	for name, v := range map[string]struct {
		e    endless
		most int64
		call func(c *client.Client) error
	}{
		"a value without end": {endless{head: `{"statuscode":"TXN","data":{"name":"`, item: strings.Repeat("x", 64<<10), size: size}, 3 << 20, func(c *client.Client) error {
			_, err := c.Tags.Add(t.Context(), client.TagInput{})
			return err
		}},
		"an item without end": {endless{head: listHead + `,{"name":"`, item: strings.Repeat("x", 64<<10), size: size}, 3 << 20, func(c *client.Client) error {
			for _, err := range c.Contacts.List(t.Context(), client.ContactFilter{}) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		"an ignored value without end": {endless{head: `{"other":"`, item: strings.Repeat("x", 64<<10), size: size}, 3 << 20, func(c *client.Client) error {
			return c.Tags.Delete(t.Context(), "x")
		}},
		"blanks without end": {endless{item: strings.Repeat(" ", 64<<10), size: size}, 3 << 20, func(c *client.Client) error {
			return c.Tags.Delete(t.Context(), "x")
		}},
		"a slice without end": {endless{head: listHead, item: `,{"name":"` + strings.Repeat("x", 1<<20) + `"}`, size: size}, 67 << 20, func(c *client.Client) error {
			_, err := c.Persons.List(t.Context(), "x")
			return err
		}},
	} {
		c, read := replying(t, v.e)
		if err := v.call(c); !errors.Is(err, client.ErrReply) || !strings.Contains(err.Error(), "larger than the client reads") {
			t.Errorf("%s: %v", name, err)
		}
		if n := read.Load(); n > v.most {
			t.Errorf("%s: %d bytes were read", name, n)
		}
	}
}

func ids(t *testing.T, c *client.Client, f client.ContactFilter) (all []string) {
	t.Helper()
	for p, err := range c.Contacts.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.ID)
	}
	return all
}

func TestList(t *testing.T) {
	c := fresh(t)
	tag, other := addTag(t, c, "Employee"), addTag(t, c, "Other")
	want := addContacts(t, c, 5, tag)
	others := addContacts(t, c, 2, other)
	count := newProxy(t, first(0, nil))
	cr := newCreds(t)

	t.Run("pages", func(t *testing.T) {
		for size, pages := range map[int]int64{0: 1, 1: 7, 3: 3, 7: 1, 500: 1} {
			p := newProxy(t, first(0, nil))
			c := sameBook(t, c, p.URL)
			if got := ids(t, c, client.ContactFilter{PageSize: size}); !slices.Equal(got, slices.Concat(others, want)) {
				t.Errorf("by %d: %v", size, got)
			}
			if n := p.requests.Load(); n != pages {
				t.Errorf("by %d: %d requests, want %d", size, n, pages)
			}
		}
	})
	t.Run("by tag", func(t *testing.T) {
		for _, size := range []int{0, 1, 2} {
			if got := ids(t, c, client.ContactFilter{TagID: tag, PageSize: size}); !slices.Equal(got, want) {
				t.Errorf("by %d: %v", size, got)
			}
		}
		if got := ids(t, c, client.ContactFilter{TagID: gone}); got != nil {
			t.Errorf("with no such tag: %v", got)
		}
	})
	t.Run("a loop that ends early asks for no more", func(t *testing.T) {
		p := newProxy(t, first(0, nil))
		for range sameBook(t, c, p.URL).Contacts.List(t.Context(), client.ContactFilter{PageSize: 2}) {
			break
		}
		if n := p.requests.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("an iterator may be used again", func(t *testing.T) {
		list := c.Contacts.List(t.Context(), client.ContactFilter{PageSize: 3})
		for range 2 {
			n := 0
			for _, err := range list {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != 7 {
				t.Errorf("%d contacts", n)
			}
		}
	})
	t.Run("pages by hand", func(t *testing.T) {
		var got []string
		for cursor, more := "", true; more; more = cursor != "" {
			page := must[*client.ContactPage](t)(c.Contacts.Page(t.Context(), client.ContactFilter{TagID: tag, PageSize: 2}, cursor))
			for _, p := range page.Contacts {
				got = append(got, p.ID)
			}
			cursor = page.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
	})
	t.Run("an empty book", func(t *testing.T) {
		c := at(t, count.URL, cr)
		if got := ids(t, c, client.ContactFilter{}); got != nil {
			t.Errorf("%v", got)
		}
		page := must[*client.ContactPage](t)(c.Contacts.Page(t.Context(), client.ContactFilter{}, ""))
		if len(page.Contacts) != 0 || page.Next != "" {
			t.Errorf("%+v", page)
		}
	})
	t.Run("an error ends it", func(t *testing.T) {
		p := newProxy(t, func(n int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
			if n == 2 {
				answers(200, refusal("ISE", "System Error"))(n, w, r, forward)
				return
			}
			forward.ServeHTTP(w, r)
		})
		var got []string
		var errs []error
		for p, err := range sameBook(t, c, p.URL).Contacts.List(t.Context(), client.ContactFilter{PageSize: 3}) {
			if err != nil {
				errs = append(errs, err)
				if p != nil {
					t.Errorf("a contact with an error: %v", p)
				}
				continue
			}
			got = append(got, p.ID)
		}
		if len(errs) != 1 || !slices.Equal(got, slices.Concat(others, want)[:3]) {
			t.Errorf("%v, %v", got, errs)
		}
	})
	t.Run("a page that is lost is asked for again", func(t *testing.T) {
		for _, make := range []trouble{dropped, lost, cut, answers(503, "<html>")} {
			p := newProxy(t, func(n int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
				if n == 2 || n == 3 {
					make(n, w, r, forward)
					return
				}
				forward.ServeHTTP(w, r)
			})
			if got := ids(t, sameBook(t, c, p.URL), client.ContactFilter{PageSize: 3}); !slices.Equal(got, slices.Concat(others, want)) {
				t.Errorf("%v", got)
			}
			if n := p.requests.Load(); n != 5 {
				t.Errorf("%d requests", n)
			}
		}
	})
	t.Run("a server that knows no pages, filters or search", func(t *testing.T) {
		p := newProxy(t, deaf)
		c := sameBook(t, c, p.URL)
		for _, size := range []int{1, 6, 7, 0} {
			if got := ids(t, c, client.ContactFilter{PageSize: size}); !slices.Equal(got, slices.Concat(others, want)) {
				t.Errorf("by %d: %v", size, got)
			}
			if got := ids(t, c, client.ContactFilter{PageSize: size, TagID: tag}); !slices.Equal(got, want) {
				t.Errorf("by %d and tag: %v", size, got)
			}
		}
		for _, id := range slices.Concat(others, want) {
			if got, err := c.Contacts.Get(t.Context(), id); err != nil || got.ID != id {
				t.Errorf("got %v, %v", got, err)
			}
		}
		if _, err := c.Contacts.Get(t.Context(), gone); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("got no contact: %v", err)
		}
		page := must[*client.ContactPage](t)(c.Contacts.Page(t.Context(), client.ContactFilter{PageSize: 2}, ""))
		if len(page.Contacts) != 7 || page.Next != "" {
			t.Errorf("a page of %d, and then %q", len(page.Contacts), page.Next)
		}
		for range c.Contacts.List(t.Context(), client.ContactFilter{PageSize: 2}) {
			break
		}
	})
	t.Run("no contact twice when such a reply is cut", func(t *testing.T) {
		p := newProxy(t, first(1, func(n int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
			dropBody(r)
			cut(n, w, r, forward)
		}))
		var got []string
		var last error
		for p, err := range sameBook(t, c, p.URL).Contacts.List(t.Context(), client.ContactFilter{PageSize: 1}) {
			if last = err; err == nil {
				got = append(got, p.ID)
			}
		}
		if !errors.Is(last, io.ErrUnexpectedEOF) || len(got) < 2 || !slices.Equal(got, slices.Concat(others, want)[:len(got)]) {
			t.Errorf("%v, %v", got, last)
		}
	})
}

// TestRetries counts the tries of calls that meet trouble.
func TestRetries(t *testing.T) {
	c := fresh(t)
	tag := addTag(t, c, "Employee")
	p := must[*client.Contact](t)(c.Contacts.Add(t.Context(), contactInput("Sample Name", tag)))
	payment := must[*client.Payment](t)(c.Payments.Add(t.Context(), p.ID, client.PaymentInput{AccountType: client.VPA, UPIID: "sample@ybl"}))
	spd := refusal("SPD", "Service Provider Downtime")
	calls := map[string]func(ctx context.Context, c *client.Client) error{
		"list": func(ctx context.Context, c *client.Client) error {
			tags, err := c.Tags.List(ctx)
			if err == nil && len(tags) == 0 {
				err = errors.New("no tags")
			}
			return err
		},
		"get": func(ctx context.Context, c *client.Client) error { _, err := c.Contacts.Get(ctx, p.ID); return err },
		"add": func(ctx context.Context, c *client.Client) error {
			_, err := c.Contacts.Add(ctx, contactInput("Another", tag))
			return err
		},
		"add tag": func(ctx context.Context, c *client.Client) error {
			_, err := c.Tags.Add(ctx, client.TagInput{Name: fmt.Sprint(time.Now().UnixNano()), HexColorCode: "#FF1934"})
			return err
		},
		"add payment": func(ctx context.Context, c *client.Client) error {
			got, err := c.Payments.Add(ctx, p.ID, client.PaymentInput{AccountType: client.VPA, UPIID: "sample@ybl"})
			if err == nil && got.ID != payment.ID {
				err = errors.New("a second copy")
			}
			return err
		},
		"verify": func(ctx context.Context, c *client.Client) error {
			_, err := c.Payments.Add(ctx, p.ID, client.PaymentInput{AccountType: client.VPA, UPIID: "sample@ybl",
				Verify: &client.Verification{ExternalRef: "1", Latitude: "1", Longitude: "1"}})
			if e, ok := errors.AsType[*client.Error](err); ok && e.Code == client.CodeSNA {
				err = nil // as far as it comes here
			}
			return err
		},
		"update": func(ctx context.Context, c *client.Client) error {
			_, err := c.Contacts.Update(ctx, p.ID, client.ContactUpdate{Name: "New", Email: "new@example.com", Mobile: "7428585742", TagIDs: []string{tag}})
			return err
		},
		"primary": func(ctx context.Context, c *client.Client) error { return c.Payments.SetPrimary(ctx, p.ID, payment.ID) },
		"delete": func(ctx context.Context, cl *client.Client) error {
			return cl.Tags.Delete(ctx, addTag(t, c, fmt.Sprint(time.Now().UnixNano())))
		},
	}
	const never = 9
	for _, v := range []struct {
		call, trouble string
		times         int // that the trouble happens
		make          trouble
		tries         int64
		ok            bool
	}{
		{"list", "dropped", 2, dropped, 3, true},
		{"list", "dropped", never, dropped, 3, false},
		{"list", "lost", 1, lost, 2, true},
		{"list", "cut", 2, cut, 3, true},
		{"list", "503 of a proxy", 1, answers(503, "<html>"), 2, true},
		{"list", "502", 1, answers(502, "<html>"), 2, true},
		{"list", "504", 1, answers(504, ""), 2, true},
		{"list", "SPD with HTTP 200", 1, answers(200, spd), 2, true},
		{"list", "429", 1, answers(429, refusal("ERR", "Too Many Requests")), 2, true},
		{"list", "500", never, answers(500, refusal("ISE", "System Error")), 1, false},
		{"list", "a page", never, answers(200, "<html>"), 1, false},
		{"list", "not found", never, answers(404, ""), 1, false},
		{"get", "cut", 2, cut, 3, true},

		{"add", "dropped", never, dropped, 1, false},
		{"add", "lost", never, lost, 1, false},
		{"add", "cut", never, cut, 1, false},
		{"add", "503 SPD", 2, answers(503, spd), 3, true},
		{"add", "503 of a proxy", never, answers(503, "<html>"), 1, false},
		{"add", "SPD with HTTP 200", never, answers(200, spd), 1, false},
		{"add", "502", never, answers(502, ""), 1, false},
		{"add", "429", 2, answers(429, "<html>"), 3, true},
		{"add", "500", never, answers(500, refusal("ISE", "System Error")), 1, false},
		{"add tag", "lost", never, lost, 1, false},
		{"add tag", "503 SPD", 1, answers(503, spd), 2, true},

		{"add payment", "lost", 2, lost, 3, true},
		{"add payment", "cut", 1, cut, 2, true},
		{"verify", "lost", never, lost, 1, false},
		{"verify", "503 SPD", 1, answers(503, spd), 2, true},

		{"update", "lost", 2, lost, 3, true},
		{"update", "503 of a proxy", 1, answers(503, "<html>"), 2, true},
		{"update", "500", never, answers(500, refusal("ISE", "System Error")), 1, false},
		{"primary", "lost", 2, lost, 3, true},
		{"delete", "dropped", 2, dropped, 3, true},
	} {
		t.Run(v.call+" "+v.trouble, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, first(v.times, v.make))
			err := calls[v.call](t.Context(), sameBook(t, c, p.URL))
			if (err == nil) != v.ok || p.requests.Load() != v.tries {
				t.Errorf("%d tries, want %d: %v", p.requests.Load(), v.tries, err)
			}
		})
	}

	t.Run("a delete that was lost finds its work done", func(t *testing.T) {
		p := newProxy(t, first(1, lost))
		if err := calls["delete"](t.Context(), sameBook(t, c, p.URL)); !errors.Is(err, client.ErrNotFound) || p.requests.Load() != 2 {
			t.Errorf("%d tries: %v", p.requests.Load(), err)
		}
	})
	t.Run("an add that was lost is there once", func(t *testing.T) {
		c := fresh(t)
		tag := addTag(t, c, "Employee")
		p := newProxy(t, first(1, lost))
		if _, err := sameBook(t, c, p.URL).Contacts.Add(t.Context(), contactInput("Sample Name", tag)); err == nil {
			t.Error("no error")
		}
		if got := ids(t, c, client.ContactFilter{}); len(got) != 1 {
			t.Errorf("%d contacts", len(got))
		}
	})
	t.Run("as often as asked", func(t *testing.T) {
		for _, tries := range []int{1, 2, 4} {
			p := newProxy(t, dropped)
			if err := calls["list"](t.Context(), sameBook(t, c, p.URL, client.Retries(tries))); err == nil || p.requests.Load() != int64(tries) {
				t.Errorf("%d tries, want %d: %v", p.requests.Load(), tries, err)
			}
		}
	})
	t.Run("a connection that cannot be made", func(t *testing.T) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		closed.Close()
		for bad, ok := range map[int32]bool{2: true, 3: false} {
			var dials atomic.Int32
			transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if dials.Add(1) <= bad {
					addr = closed.Addr().String()
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			}}
			defer transport.CloseIdleConnections()
			c := sameBook(t, c, baseURL, client.HTTPClient(&http.Client{Transport: transport}))
			err := calls["add"](t.Context(), c)
			op, wrapped := errors.AsType[*net.OpError](err)
			if (err == nil) != ok || dials.Load() != 3 || !ok && (!wrapped || op.Op != "dial") {
				t.Errorf("%d bad: %d dials, %v", bad, dials.Load(), err)
			}
			if _, isOurs := errors.AsType[*client.Error](err); isOurs {
				t.Errorf("%v is an answer", err)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	c := fresh(t)
	spd := refusal("SPD", "Service Provider Downtime")
	list := func(ctx context.Context, url string, opts ...client.Option) (time.Duration, error) {
		start := time.Now()
		_, err := sameBook(t, c, url, opts...).Tags.List(ctx)
		return time.Since(start), err
	}
	t.Run("seconds", func(t *testing.T) {
		t.Parallel()
		if took, err := list(t.Context(), newProxy(t, first(1, answers(503, spd, "Retry-After", "1"))).URL); err != nil || took < time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
	t.Run("a date", func(t *testing.T) {
		t.Parallel()
		at := time.Now().Add(2 * time.Second).Truncate(time.Second)
		p := newProxy(t, first(1, answers(429, "", "Retry-After", at.UTC().Format(http.TimeFormat))))
		if _, err := list(t.Context(), p.URL); err != nil || time.Now().Before(at) {
			t.Errorf("at %v instead of %v: %v", time.Now(), at, err)
		}
	})
	for name, v := range map[string]struct {
		value string
		want  time.Duration
	}{
		"too long": {"3600", time.Hour}, "a date gone by": {"Wed, 10 May 2023 10:45:08 GMT", 0}, "nonsense": {"soon", 0}, "negative": {"-5", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, answers(503, spd, "Retry-After", v.value))
			took, err := list(t.Context(), p.URL)
			e, _ := errors.AsType[*client.Error](err)
			tries := int64(3)
			if v.want > 0 {
				tries = 1
			}
			if e == nil || e.RetryAfter != v.want || p.requests.Load() != tries || !errors.Is(err, client.ErrUnavailable) || took > 5*time.Second {
				t.Errorf("%d tries in %v: %v", p.requests.Load(), took, err)
			}
		})
	}
	t.Run("longer than the deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		took, err := list(ctx, newProxy(t, answers(503, spd, "Retry-After", "20")).URL)
		if e, _ := errors.AsType[*client.Error](err); e == nil || e.RetryAfter != 20*time.Second || took > 5*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestCancellation(t *testing.T) {
	c := fresh(t)
	tag := addTag(t, c, "Employee")
	addContacts(t, c, 3, tag)
	hang := func(_ int, _ http.ResponseWriter, r *http.Request, _ http.Handler) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	// soon fails the test when fn takes long after the context's end.
	soon := func(t *testing.T, fn func() error) error {
		t.Helper()
		start := time.Now()
		err := fn()
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
		return err
	}
	t.Run("while the server thinks", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newProxy(t, func(n int, w http.ResponseWriter, r *http.Request, next http.Handler) {
			cancel()
			hang(n, w, r, next)
		})
		err := soon(t, func() error { _, err := sameBook(t, c, p.URL).Tags.List(ctx); return err })
		if !errors.Is(err, context.Canceled) || p.requests.Load() != 1 || strings.Count(err.Error(), "context canceled") != 1 {
			t.Errorf("%d requests, %v", p.requests.Load(), err)
		}
	})
	t.Run("a deadline", func(t *testing.T) {
		p := newProxy(t, hang)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := soon(t, func() error { return sameBook(t, c, p.URL).Tags.Delete(ctx, tag) })
		if !errors.Is(err, context.DeadlineExceeded) || p.requests.Load() > 1 { // none, on a slow machine
			t.Errorf("%d requests, %v", p.requests.Load(), err)
		}
	})
	t.Run("between tries", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		refuse := answers(503, refusal("SPD", "Service Provider Downtime"), "Retry-After", "20")
		p := newProxy(t, func(n int, w http.ResponseWriter, r *http.Request, next http.Handler) {
			refuse(n, w, r, next)
			w.(http.Flusher).Flush()
			time.AfterFunc(time.Second, cancel)
		})
		err := soon(t, func() error { _, err := sameBook(t, c, p.URL).Tags.List(ctx); return err })
		if !errors.Is(err, context.Canceled) || !errors.Is(err, client.ErrUnavailable) || p.requests.Load() != 1 {
			t.Errorf("%d requests, %v", p.requests.Load(), err)
		}
	})
	t.Run("before the call", func(t *testing.T) {
		p := newProxy(t, first(0, nil))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := sameBook(t, c, p.URL).Tags.List(ctx); !errors.Is(err, context.Canceled) || p.requests.Load() != 0 {
			t.Errorf("%d requests, %v", p.requests.Load(), err)
		}
	})
	t.Run("in a list", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		var last error
		for _, err := range c.Contacts.List(ctx, client.ContactFilter{PageSize: 1}) {
			n++
			last = err
			cancel()
		}
		if n != 2 || !errors.Is(last, context.Canceled) {
			t.Errorf("%d turns, %v", n, last)
		}
	})
	t.Run("in a reply", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := newProxy(t, func(_ int, w http.ResponseWriter, r *http.Request, _ http.Handler) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, listHead)
			w.(http.Flusher).Flush()
			time.AfterFunc(50*time.Millisecond, cancel)
			<-r.Context().Done()
		})
		err := soon(t, func() error {
			_, err := sameBook(t, c, p.URL).Tags.Add(ctx, client.TagInput{Name: "Another", HexColorCode: "#FF1934"})
			return err
		})
		if !errors.Is(err, context.Canceled) || p.requests.Load() != 1 {
			t.Errorf("%d requests, %v", p.requests.Load(), err)
		}
	})
}

// Many goroutines share a client, and its connections are used again.
func TestConcurrentUse(t *testing.T) {
	var dials atomic.Int64
	transport := &http.Transport{MaxIdleConnsPerHost: 8, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	defer transport.CloseIdleConnections()
	c := fresh(t, client.HTTPClient(&http.Client{Transport: transport}))
	tag := addTag(t, c, "Employee")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 5 {
				p, err := c.Contacts.Add(t.Context(), contactInput(fmt.Sprint(i, "-", j), tag))
				if err == nil {
					_, err = c.Contacts.Get(t.Context(), p.ID)
				}
				if err == nil {
					_, err = c.Persons.List(t.Context(), p.ID)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := ids(t, c, client.ContactFilter{PageSize: 7}); len(got) != 40 {
		t.Errorf("%d contacts", len(got))
	}
	if n := dials.Load(); n > 16 {
		t.Errorf("%d connections for 8 goroutines", n)
	}
}

// The codes are those of the published table.
func TestCodes(t *testing.T) {
	for code, meaning := range wire.Meanings {
		if got := client.Code(code).Meaning(); got != meaning {
			t.Errorf("%s means %q, want %q", code, got, meaning)
		}
		c := client.Code(code)
		if c.Success() != (code == "TXN") || c.Pending() != (code == "TUP") {
			t.Errorf("%s: success %t, pending %t", code, c.Success(), c.Pending())
		}
	}
	if client.Code("XYZ").Meaning() != "" || client.Code("").Success() {
		t.Error("a code that is not in the table")
	}
	if text, err := json.Marshal(client.CodeTXN); err != nil || !bytes.Equal(text, []byte(`"TXN"`)) {
		t.Errorf("%s, %v", text, err)
	}
}
