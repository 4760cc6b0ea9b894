package e2e

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

// kept is a value that is accepted, and how it is kept.
type kept struct {
	route     string
	set, want m
}

// TestFieldRules has what is accepted, at the border to what TestErrorTable has
// as refused. Each value is looked at in the reply and in the list.
func TestFieldRules(t *testing.T) {
	const profile, person, address, business = "POST /contacts/profile", "POST /contacts/person", "POST /contacts/address", "POST /contacts/business"
	const vpa, account, wallet = "POST /contacts/payment VPA", "POST /contacts/payment ACCOUNT", "POST /contacts/payment WALLET"
	indian := m{"mobile": "7428585742", "callingCode": "91"}
	british := m{"mobile": "2079460958", "callingCode": "44"}
	strict := []kept{
		// Trimming, and keys that are no field's.
		{profile, m{"name": " \t Sample Name \n"}, m{"name": "Sample Name"}},
		{profile, m{"email": " help@instantpay.in "}, m{"email": "help@instantpay.in"}},
		{profile, m{"Name": 5, "NAME": null, "surname": m{"a": []int{1}}, "": "x"}, m{"name": "Valid Name"}},
		{profile, m{"userId": 7, "_id": documentedTag, "tagId": []string{documentedTag}}, m{"userId": 1.0}},
		{profile, m{"companyName": "  "}, m{"companyName": ""}},
		{profile, m{"companyName": null}, m{"companyName": ""}},
		{profile, m{"companyName": " X "}, m{"companyName": "X"}},
		{person, m{"description": " line one\n\tline two "}, m{"description": "line one\n\tline two"}},
		{address, m{"address": "1 MG Road\n\tFloor 2"}, m{"address": "1 MG Road\n\tFloor 2"}},
		// Numbers.
		{profile, m{"mobile": "7428585742"}, indian},
		{profile, m{"mobile": "+917428585742"}, indian},
		{profile, m{"mobile": "07428585742"}, indian},
		{profile, m{"mobile": "+91 74285 85742"}, indian},
		{profile, m{"mobile": " 74285 85742 "}, indian},
		{profile, m{"mobile": "7428585742", "callingCode": "91"}, indian},
		{profile, m{"mobile": "7428585742", "callingCode": "+91"}, indian},
		{profile, m{"mobile": "7428585742", "callingCode": ""}, indian},
		{profile, m{"mobile": "+442079460958"}, british},
		{profile, m{"mobile": "+44 20 7946 0958"}, british},
		{profile, m{"mobile": "2079460958", "callingCode": "44"}, british},
		{profile, m{"mobile": "2079460958", "callingCode": "+44"}, british},
		{profile, m{"mobile": "+12024561111"}, m{"mobile": "2024561111", "callingCode": "1"}},
		{person, m{"mobile": "+917428585742"}, m{"mobile": "7428585742", "callingCode": "+91"}},
		{person, m{"mobile": "+442079460958"}, m{"mobile": "2079460958", "callingCode": "+44"}},
		{person, m{"mobile": "2079460958", "callingCode": "44"}, m{"mobile": "2079460958", "callingCode": "+44"}},
		{wallet, m{"phoneNumber": "+91 74285 85742"}, m{"accountNumber": "7428585742"}},
		// Addresses of e-mail.
		{profile, m{"email": "first.last+tag@example.co.in"}, m{"email": "first.last+tag@example.co.in"}},
		{profile, m{"email": "user@localhost"}, m{"email": "user@localhost"}},
		{profile, m{"email": `"two words"@example.com`}, m{"email": `"two words"@example.com`}},
		{profile, m{"email": "user@[192.0.2.1]"}, m{"email": "user@[192.0.2.1]"}},
		{person, m{"email": "o'hara@example.com"}, m{"email": "o'hara@example.com"}},
		{profile, m{"email": longEmail(254)}, m{"email": longEmail(254)}},
		// Identifiers are kept in upper case.
		{business, m{"pan": "aaocs6028b"}, m{"pan": samplePAN}},
		{business, m{"pan": " " + samplePAN + " "}, m{"pan": samplePAN}},
		{business, m{"cin": strings.ToLower(sampleCIN)}, m{"cin": sampleCIN}},
		{business, m{"gstin": strings.ToLower(sampleGSTIN), "pan": samplePAN}, m{"gstin": sampleGSTIN}}, // its PAN is not compared
		{business, m{"tan": strings.ToLower(sampleTAN)}, m{"tan": sampleTAN}},
		{business, m{"udyam": strings.ToLower(sampleUdyam)}, m{"udyam": sampleUdyam}},
		{business, m{"udhyam": sampleUdyam}, m{"udyam": sampleUdyam}},
		{business, m{"Udyam": sampleUdyam, "UDHYAM": sampleUdyam}, m{"udyam": nil}},
		{account, m{"accountIfsc": "hdfc0abc12d"}, m{"accountIfsc": "HDFC0ABC12D"}},
		// These are kept as they were sent.
		{vpa, m{"upiId": "Sample.Name-1_2@YBL"}, m{"accountNumber": "Sample.Name-1_2@YBL"}},
		{vpa, m{"upiId": " na@ok.axis "}, m{"accountNumber": "na@ok.axis"}},
		{vpa, m{"accountNumber": "x y", "accountIfsc": "x", "phoneNumber": "x"}, m{"accountNumber": "valid@ybl", "accountIfsc": ""}},
		{account, m{"accountNumber": "000123"}, m{"accountNumber": "000123"}},
		{account, m{"accountNumber": "000123456789abcDEF"}, m{"accountNumber": "000123456789abcDEF"}},
		{account, m{"accountType": "Account"}, m{"accountType": "ACCOUNT"}},
		{vpa, m{"accountType": " vpa "}, m{"accountType": "VPA"}},
		{wallet, m{"accountType": "wAlLeT"}, m{"accountType": "WALLET"}},
		{vpa, m{"isVerificationOn": false, "latitude": "", "longitude": null}, m{"isVerified": false}},
		{vpa, m{"isVerificationOn": null, "isPrimary": true, "isVerified": true}, m{"isPrimary": false, "isVerified": false}},
		{"POST /contacts/tag", m{"hexColorCode": "#ff19Ab"}, m{"hexColorCode": "#ff19Ab"}},
		{address, m{"countryCode": "GB", "pincode": "SW1A 1AA"}, m{"countryCode": "GB", "pincode": "SW1A 1AA"}},
	}
	for _, l := range limits {
		if l.route == "POST /contacts/payment VERIFY" || methodOf(l.route) == "PATCH" {
			continue
		}
		for _, letter := range []string{"x", "न", "😀"} {
			v := strings.Repeat(letter, l.limit)
			strict = append(strict, kept{l.route, m{l.field: "  " + v + "  "}, m{l.field: v}})
		}
	}
	lenient := []kept{
		{business, m{"pan": "business", "cin": "free text", "gstin": "29AAOCS6028B9Z9", "tan": "-", "udyam": "no. 5"},
			m{"pan": "business", "cin": "free text", "gstin": "29AAOCS6028B9Z9", "tan": "-", "udyam": "no. 5"}},
		{account, m{"accountNumber": "12 34", "accountIfsc": "HDFCO001234"}, m{"accountNumber": "12 34", "accountIfsc": "HDFCO001234"}},
		{vpa, m{"upiId": "free text"}, m{"accountNumber": "free text"}},
		{address, m{"pincode": "1100-44"}, m{"pincode": "1100-44"}},
	}
	onEngines(t, func(t *testing.T, s *server) {
		section(t, s, "kept", func(t *testing.T) { keepAll(t, newErrorBook(s, 1), strict) })
		section(t, s, "lenient", func(t *testing.T) {
			b := newErrorBook(s, 2)
			b.c = s.client(2, "SANDBOX", "--lenient")
			keepAll(t, b, lenient)
			b.state = b.snapshot()
			// What leniency never touches.
			b.misuse(t, badField,
				misuse{business, m{"pan": strings.Repeat("x", 256)}, "The pan may not be greater than 255 characters.", "/pan"},
				misuse{business, m{"tan": "a\x01b"}, "The tan format is invalid.", "/tan"},
				misuse{profile, m{"mobile": "123"}, "The mobile format is invalid.", "/mobile"},
				misuse{profile, m{"email": "plain"}, "The email must be a valid email address.", "/email"},
				misuse{person, m{"gcId": "x"}, "The selected gcId is invalid.", "/gcId"},
				misuse{"POST /contacts/tag", m{"hexColorCode": "red"}, "The hexColorCode format is invalid.", "/hexColorCode"},
				misuse{vpa, m{"upiId": ""}, "The upiId field is required.", "/upiId"})
		})
		section(t, s, "optional on Update", func(t *testing.T) { testOptional(t, newErrorBook(s, 3)) })
		section(t, s, "aliases", func(t *testing.T) {
			b := newErrorBook(s, 4)
			b.ok(b.c, "PATCH", "/contacts/business", m{"gcId": b.contactID, "udhyam": sampleUdyam})
			wantFields(t, rows(b.ok(b.c, "GET", "/contacts/business", m{"gcId": b.contactID}))[0], m{"udyam": sampleUdyam, "pan": samplePAN})
			b.ok(b.c, "DELETE", "/contacts/address", m{"gcId": b.contactID, "AddressId": b.addressID})
			wantIDs(t, b.ok(b.c, "GET", "/contacts/address", m{"gcId": b.contactID}))
		})
	})
}

// keepAll sends each value to a new contact.
func keepAll(t *testing.T, b *errorBook, values []kept) {
	t.Helper()
	for i, v := range values {
		op := findOp(t, v.route)
		body, list := b.valid(op), m{}
		switch pathOf(v.route) {
		case "/contacts/tag":
			body["name"] = fmt.Sprint("Tag ", i)
		case "/contacts/profile":
		default:
			body["gcId"] = b.contact(b.c, "Sample Name", b.tagID)
			list["gcId"] = body["gcId"]
		}
		what := fmt.Sprintf("%s with %.200q", v.route, v.set)
		r := b.call(b.c, "POST", pathOf(v.route), with(body, pairs(v.set)...))
		if r.Code != "TXN" {
			t.Errorf("%s: %s", what, r.Raw)
			continue
		}
		if pathOf(v.route) == "/contacts/profile" {
			list["contactId"] = r.id()
		}
		listed := rows(b.ok(b.c, "GET", pathOf(v.route), list))
		for key, want := range v.want {
			if got := r.object()[key]; got != want {
				t.Errorf("%s: %s is %#v, want %#v", what, key, got, want)
			}
			if got := listed[len(listed)-1][key]; got != cmp.Or[any](want, "") { // a list shows what is empty
				t.Errorf("%s: %s is listed as %#v, want %#v", what, key, got, want)
			}
		}
	}
}

// testOptional updates with an optional field absent, null, empty and given.
func testOptional(t *testing.T, b *errorBook) {
	for _, f := range []struct{ route, field, first, second string }{
		{"PATCH /contacts/profile", "companyName", "First Ltd", "Second Ltd"},
		{"PATCH /contacts/business", "pan", samplePAN, "AAPFU0939F"},
		{"PATCH /contacts/business", "cin", sampleCIN, "U17110MH1973PLC019787"},
		{"PATCH /contacts/business", "gstin", sampleGSTIN, "29AAGCB7383J1Z4"},
		{"PATCH /contacts/business", "tan", sampleTAN, "DELB12345C"},
		{"PATCH /contacts/business", "udyam", sampleUdyam, "UDYAM-MH-02-0001234"},
	} {
		op := findOp(t, f.route)
		for _, step := range []struct {
			what string
			set  m
			want string
		}{
			{"given", m{f.field: f.first}, f.first},
			{"absent", m{}, f.first},
			{"another", m{f.field: f.second}, f.second},
			{"null", m{f.field: null}, f.second},
			{"empty", m{f.field: ""}, ""},
			{"absent again", m{}, ""},
			{"given again", m{f.field: f.first}, f.first},
			{"blank", m{f.field: "  "}, ""},
		} {
			body := with(b.valid(op), pairs(step.set)...)
			r := b.call(b.c, "PATCH", pathOf(f.route), body)
			list := rows(b.ok(b.c, "GET", pathOf(f.route), m{"gcId": b.contactID, "contactId": b.contactID}))
			if r.object()[f.field] != step.want || list[0][f.field] != step.want {
				t.Errorf("%s %s: %s, listed as %v, want %q", f.field, step.what, r.Raw, list[0][f.field], step.want)
			}
		}
	}
}
