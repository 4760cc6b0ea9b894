package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// documentedOp is a call with its mandatory fields in the documented order.
type documentedOp struct {
	route string
	must  string
	set   m // what makes the call valid beside them, or instead of the usual value
}

// documentedOps is the contract's table of endpoints, as far as it is served.
var documentedOps = []documentedOp{
	{"POST /contacts/tag", "name hexColorCode", nil},
	{"PATCH /contacts/tag", "tagId name hexColorCode", nil},
	{"GET /contacts/tag", "", nil},
	{"DELETE /contacts/tag", "tagId", nil},
	{"POST /contacts/profile", "name email mobile tagDetails", nil},
	{"GET /contacts/profile", "", nil},
	{"PATCH /contacts/profile", "contactId name email mobile tagDetails", nil},
	{"DELETE /contacts/profile", "contactId", nil},
	{"POST /contacts/person", "gcId contactPersonName email mobile description", nil},
	{"GET /contacts/person", "gcId", nil},
	{"PATCH /contacts/person", "personId gcId contactPersonName email mobile description", nil},
	{"DELETE /contacts/person", "gcId personId", nil},
	{"POST /contacts/address", "gcId addressType address city state pincode countryCode", nil},
	{"GET /contacts/address", "gcId", nil},
	{"PATCH /contacts/address", "addressId gcId addressType address city state pincode countryCode", nil},
	{"DELETE /contacts/address", "gcId addressId", nil},
	{"POST /contacts/business", "gcId", nil},
	{"GET /contacts/business", "gcId", nil},
	{"PATCH /contacts/business", "gcId", nil},
	{"DELETE /contacts/business", "gcId", nil},
	{"POST /contacts/business/verify", "gcId identity externalRef", m{"identity": "pan", "externalRef": "3456789"}},
	{"POST /contacts/payment VPA", "gcId accountType upiId", m{"accountType": "VPA"}},
	{"POST /contacts/payment ACCOUNT", "gcId accountType accountNumber accountIfsc beneficiaryName", m{"accountType": "ACCOUNT"}},
	{"POST /contacts/payment WALLET", "gcId accountType phoneNumber", m{"accountType": "WALLET"}},
	{"POST /contacts/payment VERIFY", "gcId accountType upiId externalRef latitude longitude", m{"accountType": "VPA", "isVerificationOn": true}},
	{"GET /contacts/payment", "gcId", nil},
	{"DELETE /contacts/payment", "gcId paymentId", nil},
	{"POST /contacts/payment/primary", "gcId paymentId", nil},
	{"POST /contacts/payment/verify", "gcId paymentId externalRef latitude longitude", m{"externalRef": "2345678"}},
}

func findOp(t *testing.T, route string) documentedOp {
	t.Helper()
	i := slices.IndexFunc(documentedOps, func(op documentedOp) bool { return op.route == route })
	if i < 0 {
		t.Fatalf("%s is not documented", route)
	}
	return documentedOps[i]
}

// errorBook is a book with one of everything, in which refused calls must change
// nothing. It is a SANDBOX one, so that each reply tells whether it was made
// before or after the secret was accepted.
type errorBook struct {
	*server
	fullBook
	c     creds
	bare  string // a contact that has nothing
	state string
}

func newErrorBook(s *server, userID int64) *errorBook { return newErrorBookIn(s, userID, "SANDBOX") }

func newErrorBookIn(s *server, userID int64, environment string) *errorBook {
	s.t.Helper()
	c := s.client(userID, environment)
	b := &errorBook{server: s, c: c, fullBook: newBook(s, c)}
	b.bare = s.contact(c, "Bare", b.tagID)
	b.state = b.snapshot()
	return b
}

// snapshot is everything that the book shows of itself.
func (b *errorBook) snapshot() string {
	b.t.Helper()
	var all strings.Builder
	all.Write(b.ok(b.c, "GET", "/contacts/tag", nil).Data)
	contacts := b.ok(b.c, "GET", "/contacts/profile", nil)
	all.Write(contacts.Data)
	for _, contact := range rows(contacts) {
		for _, path := range childPaths {
			fmt.Fprintf(&all, "\n%v%s ", contact["_id"], path)
			all.Write(b.ok(b.c, "GET", path, m{"gcId": contact["_id"]}).Data)
		}
	}
	return all.String()
}

// valid is a body that the op accepts.
func (b *errorBook) valid(op documentedOp) m {
	values := m{
		"name": "Valid Name", "hexColorCode": "#FF1934", "tagId": b.tagID, "contactId": b.contactID, "gcId": b.contactID,
		"email": "help@instantpay.in", "mobile": "7428585742", "tagDetails": tagDetails(b.tagID),
		"contactPersonName": "Valid Name", "description": "test desc", "personId": b.personID, "addressId": b.addressID,
		"addressType": "Shipping", "address": "Sarita Vihar", "city": "New Delhi", "state": "Delhi", "pincode": "110044", "countryCode": "IN",
		"paymentId": b.paymentID, "upiId": "valid@ybl", "accountNumber": "000123456789", "accountIfsc": "HDFC0001234",
		"beneficiaryName": "Valid Name", "phoneNumber": "7428585742", "externalRef": "1234567", "latitude": "27.897394", "longitude": "78.088013",
	}
	body := m{}
	for _, field := range strings.Fields(op.must) {
		body[field] = values[field]
	}
	return with(body, pairs(op.set)...)
}

// outcome is a row of the contract's table of errors, but for the message.
type outcome struct {
	code        string
	environment string // LIVE until the secret was accepted
	http        int    // of the envelope
	problem     []int  // which true statuses make sense in problem+json
}

var (
	badHeader  = outcome{"RPI", "LIVE", 200, []int{400}}
	noClient   = outcome{"IAC", "LIVE", 200, []int{401}}
	noMethod   = outcome{"OUE", "LIVE", 405, []int{405}}
	noPath     = outcome{"OUE", "LIVE", 404, []int{404}}
	bigHeaders = outcome{"RPI", "LIVE", 431, []int{431}}
	disabled   = outcome{"AAB", "SANDBOX", 200, []int{403}}
	badCaller  = outcome{"ERR", "SANDBOX", 200, []int{403}}
	bigBody    = outcome{"RPI", "SANDBOX", 413, []int{413}}
	badBody    = outcome{"RPI", "SANDBOX", 200, []int{400}}
	badField   = outcome{"RPI", "SANDBOX", 200, []int{400, 422}}
	noRecord   = outcome{"ERR", "SANDBOX", 200, []int{404}}
	conflict   = outcome{"ERR", "SANDBOX", 200, []int{409}}
	full       = outcome{"ERR", "SANDBOX", 200, []int{403, 409, 422}}
	noService  = outcome{"SNA", "LIVE", 200, []int{500, 501, 502, 503, 504}}
	broken     = outcome{"ISE", "SANDBOX", 500, []int{500}}
)

// The messages of more than one row.
const (
	notJSON        = "The request body must be valid JSON."
	credentialsBad = "Invalid Dealer Credentials"
	noRecordFound  = "No Record Found"
	unknownMethod  = "Unknown Method"
	anyMessage     = "~" // the contract gives none
)

// says tells whether a message is the wanted one. Where the contract leaves the
// wording open, want has | between what is possible, or ~ before a part of it.
func says(got, want string) bool {
	if part, ok := strings.CutPrefix(want, "~"); ok {
		return got != "" && strings.Contains(got, part)
	}
	return slices.Contains(strings.Split(want, "|"), got)
}

const asProblem = "application/problem+json"

var nineKeys = []string{"statuscode", "actcode", "status", "data", "timestamp", "ipay_uuid", "orderid", "environment", "internalCode"}

// fieldError is an element of errors in problem+json.
type fieldError struct{ pointer, rule, message string }

// refuse sends a request that must be refused, first for an envelope and then for
// problem details, and returns the errors of the latter. Neither may change
// anything.
func (b *errorBook) refuse(t *testing.T, what string, r *http.Request, want outcome, message string) []fieldError {
	t.Helper()
	errors := b.refuseOnly(t, what, r, want, message)
	b.unchanged(t, what)
	return errors
}

// refuseOnly leaves the look at the book to the end of a group of calls.
func (b *errorBook) refuseOnly(t *testing.T, what string, r *http.Request, want outcome, message string) []fieldError {
	t.Helper()
	again := r.Clone(context.Background())
	if r.GetBody != nil {
		again.Body, _ = r.GetBody()
	}
	again.Header.Set("Accept", asProblem)
	envelope := b.do(r)
	checkRefusal(t, what, envelope, want, message)
	return checkProblem(t, what, b.do(again), want, envelope.Status)
}

func (b *errorBook) unchanged(t *testing.T, what string) {
	t.Helper()
	if state := b.snapshot(); state != b.state {
		t.Errorf("%s, which was refused, changed the book\nfrom %s\nto   %s", what, b.state, state)
		b.state = state
	}
}

// checkRefusal checks a failure's envelope.
func checkRefusal(t *testing.T, what string, r reply, want outcome, message string) {
	t.Helper()
	if r.HTTP != want.http || r.Code != want.code || !says(r.Status, message) || r.Environment != want.environment {
		t.Errorf("%s: HTTP %d %s\nwant HTTP %d %s %q %s", what, r.HTTP, r.Raw, want.http, want.code, message, want.environment)
		return
	}
	n := parseJSON(t, r.Raw)
	if !slices.Equal(n.keys, nineKeys) {
		t.Errorf("%s: the keys are %q", what, n.keys)
		return
	}
	for i, key := range n.keys {
		if null := slices.Contains([]string{"actcode", "data", "orderid", "internalCode"}, key); null != (n.items[i].kind == "null") {
			t.Errorf("%s: %s is of type %s", what, key, n.items[i].kind)
		}
		if f := madeFormats[key]; f != nil && !f.MatchString(n.items[i].text) {
			t.Errorf("%s: %s is %q", what, key, n.items[i].text)
		}
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s: Content-Type %q", what, got)
	}
}

// checkProblem checks a failure's problem details (RFC 9457).
func checkProblem(t *testing.T, what string, r reply, want outcome, message string) (errors []fieldError) {
	t.Helper()
	var p struct {
		Status  int              `json:"status"`
		Code    string           `json:"statuscode"`
		Message string           `json:"message"`
		Errors  []map[string]any `json:"errors"`
	}
	if err := json.Unmarshal(r.Raw, &p); err != nil {
		t.Errorf("%s: %v in %q", what, err, r.Raw)
	}
	if got := r.Header.Get("Content-Type"); got != asProblem {
		t.Errorf("%s: the problem's Content-Type is %q", what, got)
	}
	if !slices.Contains(want.problem, r.HTTP) || p.Status != r.HTTP {
		t.Errorf("%s: the problem has the status %d, over HTTP %d, want one of %d", what, p.Status, r.HTTP, want.problem)
	}
	if p.Code != want.code || p.Message != message {
		t.Errorf("%s: the problem says %s %q, the envelope %s %q", what, p.Code, p.Message, want.code, message)
	}
	for _, e := range p.Errors {
		f := fieldError{}
		f.pointer, _ = e["pointer"].(string)
		f.rule, _ = e["rule"].(string)
		f.message, _ = e["message"].(string)
		if f.rule == "" || f.message == "" {
			t.Errorf("%s: an error lacks rule or message: %v", what, e)
		}
		errors = append(errors, f)
	}
	return errors
}

// misuse is a valid call with something wrong in its body.
type misuse struct {
	route   string
	set     m // nil leaves a field out
	message string
	at      string // JSON pointer of the one failed field; "" where it is no field's fault
}

func (b *errorBook) misuse(t *testing.T, want outcome, uses ...misuse) {
	t.Helper()
	for _, u := range uses {
		body := with(b.valid(findOp(t, u.route)), pairs(u.set)...)
		what := fmt.Sprintf("%s with %.200v", u.route, u.set)
		errors := b.refuseOnly(t, what, b.request(b.c, methodOf(u.route), pathOf(u.route), body), want, u.message)
		if u.at == "" {
			continue
		}
		if len(errors) != 1 || errors[0].pointer != u.at || !says(errors[0].message, u.message) {
			t.Errorf("%s: errors are %q, want one at %s", what, errors, u.at)
		}
	}
	b.unchanged(t, fmt.Sprintf("one of %.1000v", uses))
}

// TestErrorTable goes through the contract's table of errors row by row. The rows
// about headers, credentials and transport have tests of their own below.
func TestErrorTable(t *testing.T) {
	onEnginesWith(t, []string{"--verifier", "none"}, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		for _, row := range []struct {
			name string
			test func(*testing.T, *errorBook)
		}{
			{"mandatory", testMandatory},
			{"several at once", testSeveralAtOnce},
			{"wrong type", testWrongType},
			{"bad value", testBadValue},
			{"control characters", testControlCharacters},
			{"bad id", testBadID},
			{"too long", testTooLong},
			{"no such tag", testNoSuchTag},
			{"body is not JSON", testNotJSON},
			{"no record", testNoRecord},
			{"conflict", testConflict},
			{"not configured", testNotConfigured},
			{"control", testFaultless},
			{"internal error", testInternalError},
		} {
			section(t, s, row.name, func(t *testing.T) { row.test(t, b) })
		}
	})
}

// absent is a field that is left out, where nil is a null.
type absent struct{}

// null is a JSON null, where nil leaves a field out.
var null = json.RawMessage("null")

func testMandatory(t *testing.T, b *errorBook) {
	for _, op := range documentedOps {
		for _, field := range strings.Fields(op.must) {
			required := "The " + field + " field is required."
			// What is empty, and of the other type at that, may fail either rule.
			blank, emptyArray := required, required+"|The "+field+" must be a string."
			if field == "tagDetails" {
				blank, emptyArray = required+"|The tagDetails must be an array.", required
			}
			for _, v := range []struct {
				value   any
				message string
			}{{absent{}, required}, {nil, required}, {"", blank}, {" \t ", blank}, {[]any{}, emptyArray}} {
				body := b.valid(op)
				if body[field] = v.value; v.value == (absent{}) {
					delete(body, field)
				}
				b.refuseField(t, op, body, fmt.Sprintf("%s of %#v", field, v.value), field, v.message)
			}
			b.unchanged(t, op.route+" without "+field)
		}
	}
	for _, route := range []string{"POST /contacts/profile", "PATCH /contacts/profile"} {
		for _, empty := range []m{{}, {"tagId": nil}, {"tagId": ""}, {"tagid": b.tagID}} {
			b.misuse(t, badField,
				misuse{route, m{"tagDetails": []m{empty}}, "The tagDetails.0.tagId field is required.", "/tagDetails/0/tagId"},
				misuse{route, m{"tagDetails": []m{{"tagId": b.tagID}, empty}}, "The tagDetails.1.tagId field is required.", "/tagDetails/1/tagId"})
		}
		// Keys are case-sensitive.
		b.misuse(t, badField, misuse{route, m{"name": nil, "Name": "x", "NAME": "x"}, "The name field is required.", "/name"})
	}
}

// refuseField is misuse for a body that is made already, without its look at the book.
func (b *errorBook) refuseField(t *testing.T, op documentedOp, body m, what, field, message string) {
	t.Helper()
	what = op.route + " with " + what
	errors := b.refuseOnly(t, what, b.request(b.c, methodOf(op.route), pathOf(op.route), body), badField, message)
	if len(errors) != 1 || errors[0].pointer != "/"+field || !says(errors[0].message, message) {
		t.Errorf("%s: errors are %q, want one at /%s", what, errors, field)
	}
}

// testSeveralAtOnce wants every failed field in the documented order; the
// envelope has the first.
func testSeveralAtOnce(t *testing.T, b *errorBook) {
	for _, op := range documentedOps {
		var want []fieldError
		for _, field := range strings.Fields(op.must) {
			if op.set[field] == nil {
				want = append(want, fieldError{pointer: "/" + field, message: "The " + field + " field is required."})
			}
		}
		if len(want) > 0 {
			b.wantErrors(t, op.route, with(op.set), want)
		}
	}
	long := strings.Repeat("x", 256)
	b.wantErrors(t, "POST /contacts/profile", m{
		"tagDetails": []any{m{"tagId": "x"}, m{}, m{"tagId": 5}}, "companyName": long, "mobile": "123", "name": 7,
	}, []fieldError{
		{pointer: "/name", message: "The name must be a string."},
		{pointer: "/email", message: "The email field is required."},
		{pointer: "/mobile", message: "The mobile format is invalid."},
		{pointer: "/companyName", message: "The companyName may not be greater than 255 characters."},
		{pointer: "/tagDetails/0/tagId", message: "The selected tagDetails.0.tagId is invalid."},
		{pointer: "/tagDetails/1/tagId", message: "The tagDetails.1.tagId field is required."},
		{pointer: "/tagDetails/2/tagId", message: "The tagDetails.2.tagId must be a string."},
	})
	b.wantErrors(t, "PATCH /contacts/person", m{"description": "", "email": "x", "gcId": 5, "personId": "x", "contactPersonName": "x"}, []fieldError{
		{pointer: "/personId", message: "The selected personId is invalid."},
		{pointer: "/gcId", message: "The gcId must be a string."},
		{pointer: "/email", message: "The email must be a valid email address."},
		{pointer: "/mobile", message: "The mobile field is required."},
		{pointer: "/description", message: "The description field is required."},
	})
	b.wantErrors(t, "PATCH /contacts/address", m{"countryCode": "IN", "pincode": "0", "city": long, "address": true, "addressId": b.addressID}, []fieldError{
		{pointer: "/gcId", message: "The gcId field is required."},
		{pointer: "/addressType", message: "The addressType field is required."},
		{pointer: "/address", message: "The address must be a string."},
		{pointer: "/city", message: "The city may not be greater than 255 characters."},
		{pointer: "/state", message: "The state field is required."},
		{pointer: "/pincode", message: "The pincode format is invalid."},
	})
	b.wantErrors(t, "POST /contacts/business", m{"udyam": "x", "tan": "x", "gstin": "x", "cin": "x", "pan": "x"}, []fieldError{
		{pointer: "/gcId", message: "The gcId field is required."},
		{pointer: "/pan", message: "The pan format is invalid."},
		{pointer: "/cin", message: "The cin format is invalid."},
		{pointer: "/gstin", message: "The gstin format is invalid."},
		{pointer: "/tan", message: "The tan format is invalid."},
		{pointer: "/udyam", message: "The udyam format is invalid."},
	})
	b.wantErrors(t, "POST /contacts/payment ACCOUNT", m{"beneficiaryName": long, "accountIfsc": "x", "accountNumber": 5, "accountType": "ACCOUNT", "gcId": "x"}, []fieldError{
		{pointer: "/gcId", message: "The selected gcId is invalid."},
		{pointer: "/accountNumber", message: "The accountNumber must be a string."},
		{pointer: "/accountIfsc", message: "The accountIfsc format is invalid."},
		{pointer: "/beneficiaryName", message: "The beneficiaryName may not be greater than 255 characters."},
	})
	// Existence is looked at last, and for all tags at once.
	b.wantErrors(t, "POST /contacts/profile", with(b.valid(findOp(t, "POST /contacts/profile")), "tagDetails", tagDetails(documentedTag, b.tagID, b.personID)), []fieldError{
		{pointer: "/tagDetails/0/tagId", message: "The selected tagDetails.0.tagId is invalid."},
		{pointer: "/tagDetails/2/tagId", message: "The selected tagDetails.2.tagId is invalid."},
	})
}

func (b *errorBook) wantErrors(t *testing.T, route string, body m, want []fieldError) {
	t.Helper()
	got := b.refuse(t, route+" with several faults", b.request(b.c, methodOf(route), pathOf(route), body), badField, want[0].message)
	for i := range got {
		got[i].rule = "" // its names are the server's own
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: errors are\n%q, want\n%q", route, got, want)
	}
}

func testWrongType(t *testing.T, b *errorBook) {
	optional := map[string][]string{
		"POST /contacts/profile": {"companyName"}, "PATCH /contacts/profile": {"companyName"}, "GET /contacts/profile": {"contactId", "tagId", "cursor"},
		"POST /contacts/business":  {"pan", "cin", "gstin", "tan", "udyam", "udhyam"},
		"PATCH /contacts/business": {"pan", "cin", "gstin", "tan", "udyam", "udhyam"},
	}
	for _, op := range documentedOps {
		for _, field := range append(strings.Fields(op.must), optional[op.route]...) {
			message, wrong := "The "+field+" must be a string.", []any{5, 7428585742, true, m{"a": 1}, []string{"x"}}
			if field == "tagDetails" {
				message, wrong = "The tagDetails must be an array.", []any{5, true, "x", m{"tagId": b.tagID}}
			}
			for _, v := range wrong {
				b.refuseField(t, op, with(b.valid(op), field, v), fmt.Sprintf("%s of %v", field, v), field, message)
			}
			b.unchanged(t, op.route+" with a wrong "+field)
		}
	}
	for _, v := range []any{5, true, m{}, []string{b.tagID}} {
		b.misuse(t, badField, misuse{"POST /contacts/profile", m{"tagDetails": []m{{"tagId": v}}}, "The tagDetails.0.tagId must be a string.", "/tagDetails/0/tagId"})
	}
	for _, v := range []any{1, "yes", m{}, []int{1}} {
		b.misuse(t, badField, misuse{"POST /contacts/payment VPA", m{"isVerificationOn": v}, "~isVerificationOn", "/isVerificationOn"})
	}
	for _, v := range []any{"10", true, 1.5, m{}, []int{1}} { // 1 to 500, a JSON integer in a body
		b.misuse(t, badField, misuse{"GET /contacts/profile", m{"limit": v}, "~limit", "/limit"})
	}
}

func testBadValue(t *testing.T, b *errorBook) {
	const format = "The %s format is invalid."
	bad := func(route, field, message string, values ...string) {
		t.Helper()
		var uses []misuse
		for _, v := range values {
			uses = append(uses, misuse{route, m{field: v}, strings.ReplaceAll(message, "%s", field), "/" + field})
		}
		b.misuse(t, badField, uses...)
	}
	emails := []string{"plain", "@example.com", "a@", "a b@example.com", "a@b@c", "Name <a@example.com>", "<a@example.com>", "a@example.com, b@example.com",
		"a..b@example.com", ".a@example.com", "a.@example.com", "a@-example.com", "a@example..com", "a@exam ple.com", "a@example.com.", "[email\u00a0protected]"}
	bad("POST /contacts/profile", "email", "The email must be a valid email address.", emails...)
	bad("PATCH /contacts/profile", "email", "The email must be a valid email address.", emails[:2]...)
	bad("POST /contacts/person", "email", "The email must be a valid email address.", emails[:2]...)
	bad("PATCH /contacts/person", "email", "The email must be a valid email address.", emails[:2]...)

	phones := []string{"123", "742858574", "74285857421234567890", "abcdefghij", "742858574a", "+999123456789", "+", "++917428585742", "+91742858574", "7428585742;ext=1", "٧٤٢٨٥٨٥٧٤٢"}
	bad("POST /contacts/profile", "mobile", format, phones...)
	bad("PATCH /contacts/profile", "mobile", format, phones[:2]...)
	bad("POST /contacts/person", "mobile", format, phones[:2]...)
	bad("POST /contacts/payment WALLET", "phoneNumber", format, phones[:3]...)
	bad("POST /contacts/profile", "callingCode", "~callingCode", "999", "x", "+")

	colors := []string{"FF1934", "#FF193", "#FF19345", "#GG1934", "red", "# FF193"}
	bad("POST /contacts/tag", "hexColorCode", format, colors...)
	bad("PATCH /contacts/tag", "hexColorCode", format, colors[:2]...)

	pincodes := []string{"011004", "11004", "1100444", "11004a", "110 044"}
	bad("POST /contacts/address", "pincode", format, pincodes...)
	bad("PATCH /contacts/address", "pincode", format, pincodes[:2]...)
	bad("POST /contacts/address", "countryCode", "The countryCode format is invalid.|The selected countryCode is invalid.", "XX", "IND", "I", "91", "India")

	for field, values := range map[string][]string{
		"pan":   {"AAOCS6028", "AAOCS6028BX", "AAODS6028B", "AAOCS602AB", "AAOCS 6028B", "AAOCS-6028B", "business"},
		"cin":   {"L1710MH1973PLC019786", "X17110MH1973PLC019786", "L17110MH1973PLC01978A", "L17110 MH1973PLC019786", "L17110-MH1973PLC019786"},
		"gstin": {"27AAPFU0939F1ZW", "27AAPFU0939F1Z", "00AAPFU0939F1ZB", "95AAPFU0939F1ZS", "27AAPDU0939F1ZZ", "27 AAPFU0939F1ZV", "29AAOCS6028B9Z9"},
		"tan":   {"DELA1234B", "DELA123456", "DEL12345B", "DELA 12345B", "DELA-12345B"},
		"udyam": {"UDYAM-DL-01-000123", "UDYAM-DL-1-0001234", "UDYAMDL010001234", "UDYAM DL 01 0001234", "UDYAM-DL-01-0001234 5"},
	} {
		bad("POST /contacts/business", field, format, values...)
		bad("PATCH /contacts/business", field, format, values[:2]...)
	}
	bad("POST /contacts/payment VPA", "accountType", "The selected accountType is invalid.", "UPI", "BANK", "VPA ACCOUNT")
	bad("POST /contacts/payment VPA", "upiId", format, "name", "@ybl", "n@ybl", "na me@ybl", "name@1bank", "name@y", "name@y-b", "name@@ybl", strings.Repeat("n", 20)+"@ybl@ybl")
	bad("POST /contacts/payment ACCOUNT", "accountNumber", format, "12345", "1234567890123456789", "123 456 789", "123-456-789", "१२३४५६७")
	bad("POST /contacts/payment ACCOUNT", "accountIfsc", format, "HDFCO001234", "HDFC000123", "HDFC00012345", "1DFC0001234", "HDFC 0001234", "HDFC-0001234")
	for _, v := range []int{0, -1, 501, 1 << 40} {
		b.misuse(t, badField, misuse{"GET /contacts/profile", m{"limit": v}, "~limit", "/limit"})
	}
	bad("GET /contacts/profile", "cursor", "~cursor", "x", "AAAA", "Ω", strings.Repeat("A", 80))
}

func testControlCharacters(t *testing.T, b *errorBook) {
	for _, c := range []string{"\x00", "\x01", "\x1b", "\x7f", "\u0085"} {
		v := "one" + c + "two"
		for _, u := range []struct{ route, fields string }{
			{"POST /contacts/tag", "name"},
			{"POST /contacts/profile", "name companyName"},
			{"PATCH /contacts/profile", "name companyName"},
			{"POST /contacts/person", "contactPersonName description"},
			{"POST /contacts/address", "addressType address city state"},
			{"POST /contacts/payment ACCOUNT", "beneficiaryName accountNumber accountIfsc"},
			{"POST /contacts/business", "pan gstin"},
		} {
			var uses []misuse
			for _, field := range strings.Fields(u.fields) {
				uses = append(uses, misuse{u.route, m{field: v}, "The " + field + " format is invalid.", "/" + field})
			}
			b.misuse(t, badField, uses...)
		}
		b.misuse(t, badField,
			misuse{"POST /contacts/profile", m{"email": "a" + c + "b@example.com"}, "The email must be a valid email address.|The email format is invalid.", "/email"},
			misuse{"DELETE /contacts/tag", m{"tagId": b.tagID + c + "0"}, "The selected tagId is invalid.", "/tagId"})
	}
	// NUL is no blank that may be trimmed, and a tab or newline has its place only in longer texts.
	b.misuse(t, badField,
		misuse{"POST /contacts/profile", m{"name": "name\x00"}, "The name format is invalid.", "/name"},
		misuse{"POST /contacts/person", m{"description": "\x00desc"}, "The description format is invalid.", "/description"},
		misuse{"POST /contacts/profile", m{"name": "two\nlines"}, "The name format is invalid.", "/name"},
		misuse{"POST /contacts/tag", m{"name": "a\ttab"}, "The name format is invalid.", "/name"},
		misuse{"POST /contacts/address", m{"city": "two\nlines"}, "The city format is invalid.", "/city"})
}

func testBadID(t *testing.T, b *errorBook) {
	for _, op := range documentedOps {
		fields := strings.Fields(op.must)
		if op.route == "GET /contacts/profile" {
			fields = []string{"contactId", "tagId"}
		}
		for _, field := range fields {
			if !strings.HasSuffix(field, "Id") || field == "upiId" {
				continue
			}
			for _, id := range []string{"x", b.tagID[:23], b.tagID + "0", b.tagID[:23] + "g", b.tagID[:12] + " " + b.tagID[12:], "0x" + b.tagID[:22], strings.Repeat("é", 12)} {
				b.refuseField(t, op, with(b.valid(op), field, id), field+" of "+id, field, "The selected "+field+" is invalid.")
			}
			b.unchanged(t, op.route+" with a bad "+field)
		}
	}
	b.misuse(t, badField,
		misuse{"POST /contacts/profile", m{"tagDetails": tagDetails(b.tagID, "x")}, "The selected tagDetails.1.tagId is invalid.", "/tagDetails/1/tagId"},
		misuse{"PATCH /contacts/profile", m{"tagDetails": tagDetails("x")}, "The selected tagDetails.0.tagId is invalid.", "/tagDetails/0/tagId"})
}

// limits are in characters, whatever their size in bytes.
var limits = []struct {
	route, field string
	limit        int
}{
	{"POST /contacts/tag", "name", 100},
	{"PATCH /contacts/tag", "name", 100},
	{"POST /contacts/profile", "name", 255},
	{"POST /contacts/profile", "companyName", 255},
	{"PATCH /contacts/profile", "name", 255},
	{"PATCH /contacts/profile", "companyName", 255},
	{"POST /contacts/person", "contactPersonName", 255},
	{"POST /contacts/person", "description", 4000},
	{"PATCH /contacts/person", "description", 4000},
	{"POST /contacts/address", "addressType", 255},
	{"POST /contacts/address", "address", 4000},
	{"POST /contacts/address", "city", 255},
	{"POST /contacts/address", "state", 255},
	{"PATCH /contacts/address", "address", 4000},
	{"POST /contacts/payment ACCOUNT", "beneficiaryName", 255},
	{"POST /contacts/payment VERIFY", "externalRef", 255},
}

func testTooLong(t *testing.T, b *errorBook) {
	for _, l := range limits {
		message := fmt.Sprintf("The %s may not be greater than %d characters.", l.field, l.limit)
		var uses []misuse
		for _, letter := range []string{"x", "é", "न", "😀"} {
			uses = append(uses, misuse{l.route, m{l.field: strings.Repeat(letter, l.limit+1)}, message, "/" + l.field})
		}
		b.misuse(t, badField, uses...)
	}
	const message = "The email may not be greater than 254 characters."
	for _, route := range []string{"POST /contacts/profile", "PATCH /contacts/profile", "POST /contacts/person", "PATCH /contacts/person"} {
		b.misuse(t, badField, misuse{route, m{"email": longEmail(255)}, message, "/email"})
	}
}

// longEmail is a valid address but for its length; n is from 194 to 256.
func longEmail(n int) string {
	label := strings.Repeat("d", 63)
	return strings.Repeat("l", 64) + "@" + label + "." + label + "." + label[:n-193]
}

func testNoSuchTag(t *testing.T, b *errorBook) {
	gone := b.ok(b.c, "POST", "/contacts/tag", m{"name": "Gone", "hexColorCode": "#FF1934"}).id()
	b.ok(b.c, "DELETE", "/contacts/tag", m{"tagId": gone})
	live := b.tag(b.client(b.c.UserID, "LIVE"), "Elsewhere")
	stranger := b.tag(b.client(b.c.UserID+1, "SANDBOX"), "Elsewhere")
	for _, route := range []string{"POST /contacts/profile", "PATCH /contacts/profile"} {
		for _, id := range []string{documentedTag, gone, b.contactID, live, stranger} {
			b.misuse(t, badField,
				misuse{route, m{"tagDetails": tagDetails(id)}, "The selected tagDetails.0.tagId is invalid.", "/tagDetails/0/tagId"},
				misuse{route, m{"tagDetails": tagDetails(b.tagID, id)}, "The selected tagDetails.1.tagId is invalid.", "/tagDetails/1/tagId"})
		}
	}
}

func testNotJSON(t *testing.T, b *errorBook) {
	for _, op := range documentedOps {
		for _, body := range []string{"{", "not JSON", `{"a":1,"a":2}`, "[]", "{}{}"} {
			b.refuseOnly(t, op.route+" with the body "+body, b.request(b.c, methodOf(op.route), pathOf(op.route), body), badBody, notJSON)
		}
		b.unchanged(t, op.route+" with a bad body")
	}
}

func testNoRecord(t *testing.T, b *errorBook) {
	gone := b.contact(b.c, "Gone", b.tagID)
	b.ok(b.c, "DELETE", "/contacts/profile", m{"contactId": gone})
	stranger := newErrorBook(b.server, b.c.UserID+2)
	for _, op := range documentedOps {
		for _, field := range strings.Fields(op.must) {
			if !strings.HasSuffix(field, "Id") || field == "upiId" || op.route == "POST /contacts/payment VERIFY" {
				continue
			}
			// Unknown, of another kind, deleted, another user's of the same kind, and of its other contact.
			var uses []misuse
			for _, id := range []string{documentedTag, b.tagID, gone, stranger.contactID, stranger.personID, stranger.addressID, stranger.paymentID, stranger.tagID} {
				if id != b.tagID || field != "tagId" {
					uses = append(uses, misuse{op.route, m{field: id}, noRecordFound, ""})
				}
			}
			b.misuse(t, noRecord, uses...)
		}
	}
	for _, route := range []string{"PATCH /contacts/person", "DELETE /contacts/person", "PATCH /contacts/address", "DELETE /contacts/address",
		"PATCH /contacts/business", "DELETE /contacts/business", "DELETE /contacts/payment", "POST /contacts/payment/primary"} {
		b.misuse(t, noRecord, misuse{route, m{"gcId": b.bare}, noRecordFound, ""})
	}
	// The same user's other environment is another book.
	live := b.client(b.c.UserID, "LIVE")
	for _, path := range childPaths {
		if r := b.call(live, "GET", path, m{"gcId": b.contactID}); r.Status != noRecordFound || r.Environment != "LIVE" {
			t.Errorf("GET %s from LIVE of a SANDBOX contact: %s", path, r.Raw)
		}
	}
}

func testConflict(t *testing.T, b *errorBook) {
	other := b.tag(b.c, "Zoë")
	b.state = b.snapshot()
	const taken = "The name has already been taken."
	for _, name := range []string{"Employee", "EMPLOYEE", "employee", " Employee "} {
		b.misuse(t, conflict,
			misuse{"POST /contacts/tag", m{"name": name}, taken, ""},
			misuse{"PATCH /contacts/tag", m{"tagId": other, "name": name}, taken, ""})
	}
	b.misuse(t, conflict, misuse{"POST /contacts/tag", m{"name": "ZOË"}, taken, ""},
		misuse{"POST /contacts/business", m{"pan": samplePAN}, "Business details already exist.", ""},
		misuse{"POST /contacts/business", m{"tan": sampleTAN}, "Business details already exist.", ""},
		misuse{"POST /contacts/business", nil, "Business details already exist.", ""})
	// A tag's own name is not taken, nor is one of another user or environment.
	b.ok(b.c, "PATCH", "/contacts/tag", m{"tagId": other, "name": "zoë", "hexColorCode": "#FF1934"})
	b.ok(b.client(b.c.UserID, "LIVE"), "POST", "/contacts/tag", m{"name": "Employee", "hexColorCode": "#FF1934"})
	b.ok(b.client(b.c.UserID+100, "SANDBOX"), "POST", "/contacts/tag", m{"name": "Employee", "hexColorCode": "#FF1934"})
	b.state = b.snapshot()
}

// testNotConfigured is in a LIVE book: in a SANDBOX one verification always is.
func testNotConfigured(t *testing.T, b *errorBook) {
	b = newErrorBookIn(b.server, 99, "LIVE")
	const route = "POST /contacts/payment VERIFY"
	b.misuse(t, noService,
		misuse{route, nil, "Service not available", ""},
		misuse{route, m{"upiId": "other@ybl"}, "Service not available", ""},
		misuse{route, m{"accountType": "ACCOUNT", "upiId": nil, "accountNumber": "123456", "accountIfsc": "HDFC0001234", "beneficiaryName": "x"}, "Service not available", ""},
		misuse{route, m{"accountType": "WALLET", "upiId": nil, "phoneNumber": "7428585742"}, "Service not available", ""},
		misuse{"POST /contacts/payment/verify", nil, "Service not available", ""},
		misuse{"POST /contacts/business/verify", nil, "Service not available", ""})
}

// testFaultless sends the bodies that the other rows put one fault into, as a
// control: without it nearly all succeed.
func testFaultless(t *testing.T, b *errorBook) {
	var deletes []documentedOp // last, and children before parents
	run := func(op documentedOp, set m) {
		t.Helper()
		r := b.call(b.c, methodOf(op.route), pathOf(op.route), with(b.valid(op), pairs(set)...))
		if r.Code != "TXN" {
			t.Errorf("%s: %s", op.route, r.Raw)
		}
	}
	for _, op := range documentedOps {
		switch {
		case methodOf(op.route) == "DELETE":
			deletes = append(deletes, op)
		case op.route == "POST /contacts/business": // the other contact has one already
			run(op, m{"gcId": b.bare})
		case op.route == "PATCH /contacts/tag": // POST took the name
			run(op, m{"name": "Other Name"})
		default:
			run(op, nil)
		}
	}
	for _, op := range slices.Backward(deletes) {
		run(op, nil)
	}
	b.state = b.snapshot()
}

// testInternalError takes a table away from under the server. It leaves the book
// unusable.
func testInternalError(t *testing.T, b *errorBook) {
	behindBack(t, b.server, "alter table person rename to person_gone")
	for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
		op := findOp(t, method+" /contacts/person")
		r := b.call(b.c, method, pathOf(op.route), with(b.valid(op), "gcId", b.bare))
		checkRefusal(t, op.route, r, broken, "System Error")
		checkProblem(t, op.route, b.call(b.c, method, pathOf(op.route), with(b.valid(op), "gcId", b.bare), "Accept", asProblem), broken, "System Error")
		if bytes.Contains(r.Raw, []byte("person")) {
			t.Errorf("%s shows its insides: %s", op.route, r.Raw)
		}
		// The log comes through a pipe.
		for deadline := time.Now().Add(10 * time.Second); !strings.Contains(b.out.String(), r.Reference); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the log says nothing of %s", op.route, r.Reference)
			}
		}
	}
}
