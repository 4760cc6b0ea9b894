package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"contactbook"
	"contactbook/internal/book"
	"contactbook/internal/sandbox"
)

// anyOp is an op of the API, or one of the sandbox.
type anyOp struct {
	book.Op
	fields []book.Field
}

// allOps are the ops that openapi.yaml has, in its order.
func allOps() (all []anyOp) {
	for _, op := range book.Ops {
		all = append(all, anyOp{op, op.Fields()})
	}
	for _, op := range sandbox.Ops {
		all = append(all, anyOp{book.Op{Route: op.Route, Done: op.Done}, op.Fields()})
	}
	return all
}

// TestOpenAPICoversOps compares the document with the ops, both ways: the same
// operations in the same order, with the same fields and the same success.
func TestOpenAPICoversOps(t *testing.T) {
	d := document()
	var routes []string
	for _, op := range allOps() {
		routes = append(routes, op.Route)
	}
	documented := slices.DeleteFunc(slices.Clone(d.routes), func(route string) bool {
		return route == "GET /livez" || route == "GET /readyz"
	})
	if diff := cmp.Diff(routes, documented); diff != "" {
		t.Errorf("ops -, openapi.yaml +:\n%s", diff)
	}
	for _, op := range allOps() {
		t.Run(op.Route, func(t *testing.T) {
			call := d.calls[op.Route]
			if call == nil {
				t.Fatal("not documented")
			}
			testFields(t, op, call)
			outcomes := call.replies["200"].bodies["application/json"].node.must("schema").must("oneOf").items()
			done := outcomes[0].must("properties").must("status").must("const").text()
			if done != op.Done {
				t.Errorf("its success is documented as %q, and is %q", done, op.Done)
			}
			if ref := outcomes[1].must("$ref").text(); ref != "#/components/schemas/Failure" {
				t.Errorf("its failure is documented as %s", ref)
			}
		})
	}
}

// testFields compares an op's fields with its request's schema and, where they
// may stand in the query string, with its query parameters.
func testFields(t *testing.T, op anyOp, call *docCall) {
	t.Helper()
	type field struct {
		Name, Type string
		Must       bool
	}
	var want, got, inQuery []field
	for _, f := range op.fields {
		kind := "string"
		if slices.Contains([]string{"array", "boolean", "integer", "number", "object"}, f.Kind) {
			kind = f.Kind
		}
		want = append(want, field{f.Name, kind, f.Must})
	}
	schemas := map[string]string{} // where each field's is
	if call.request != nil {
		for _, f := range call.request.node.must("schema").fields() {
			got = append(got, field{f.name, f.schema.must("type").text(), f.must})
			schemas[f.name] = f.schema.pointer
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields of the op -, of openapi.yaml +:\n%s", diff)
	}
	for _, p := range call.parameters() {
		if p.must("in").text() != "query" {
			continue
		}
		name, schema := p.must("name").text(), p.must("schema").resolve()
		required, _ := p.get("required")
		i := slices.IndexFunc(want, func(f field) bool { return f.Name == name })
		if i < 0 || required.text() == "true" || schemas[name] != schema.pointer {
			t.Errorf("the query parameter %s is not as in the body, or not optional there", name)
			continue
		}
		inQuery = append(inQuery, want[i])
	}
	if !op.Bodyless() {
		want = nil
	}
	if diff := cmp.Diff(want, inQuery); diff != "" {
		t.Errorf("fields of the op -, query parameters of openapi.yaml +:\n%s", diff)
	}
}

func (c *docCall) parameters() (list []docNode) {
	if parameters, ok := c.node.get("parameters"); ok {
		for _, p := range parameters.items() {
			list = append(list, p.resolve())
		}
	}
	return list
}

// TestOpenAPIDocument has kin-openapi judge the document, and every example judged
// by its schema.
func TestOpenAPIDocument(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(contactbook.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}

	d := document()
	for route, call := range d.calls {
		success := 0
		check := func(what string, body *bodySchema) (examples int) {
			list, _ := body.node.get("examples")
			for name, example := range list.members() {
				var v any
				if err := example.resolve().must("value").Decode(&v); err != nil {
					t.Fatal(err)
				}
				if err := body.schema.Validate(v); err != nil {
					t.Errorf("%s: the example %s of %s: %v", route, name, what, err)
				}
				if o, _ := v.(map[string]any); o["statuscode"] == "TXN" {
					success++
				}
				examples++
			}
			return examples
		}
		for status, reply := range call.replies {
			for _, body := range reply.bodies {
				check(status, body)
			}
		}
		if (strings.Contains(route, " /contacts/") || strings.Contains(route, " /_sandbox/")) && success == 0 {
			t.Errorf("%s has no example of success", route)
		}
		if call.request != nil && check("the request", call.request) == 0 {
			t.Errorf("%s has no example of a request", route)
		}
	}
}

// TestOpenAPIShowsSamples checks that the documented samples stand in the document
// with their keys in order, which schemas cannot say.
func TestOpenAPIShowsSamples(t *testing.T) {
	d := document()
	for _, sample := range replays {
		call := d.calls[sample.route]
		for _, half := range []struct {
			file string
			body *bodySchema
		}{
			{sample.sample + ".request.json", call.request},
			{sample.sample + ".response.json", call.replies["200"].bodies["application/json"]},
		} {
			text := sampleText(t, map[string]bool{}, half.file)
			if text == "" {
				continue
			}
			example, ok := half.body.node.must("examples").get("documented")
			if !ok {
				t.Errorf("%s is not shown", half.file)
				continue
			}
			want, got := parseJSON(t, []byte(text)).keysBelow(), example.must("value").keysBelow()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("keys of %s -, of openapi.yaml +:\n%s", half.file, diff)
			}
		}
	}
}

// keysBelow are all keys of a value in their order; of an array, its first
// element's.
func (n docNode) keysBelow() (keys []string) {
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
		return n.items()[0].keysBelow()
	}
	for key, v := range n.members() {
		keys = append(append(keys, key), v.keysBelow()...)
	}
	return keys
}

func (n *jsonNode) keysBelow() (keys []string) {
	if n.kind == "array" && len(n.items) > 0 {
		return n.items[0].keysBelow()
	}
	for i, key := range n.keys {
		keys = append(append(keys, key), n.items[i].keysBelow()...)
	}
	return keys
}

// TestOpenAPICheck plants faults in the documented examples: a checker that finds
// nothing must be one that would.
func TestOpenAPICheck(t *testing.T) {
	d := document()
	for _, op := range allOps() {
		t.Run(op.Route, func(t *testing.T) {
			request, success := d.examples(t, op.Op)
			carrier := http.Header{"Content-Type": {"application/json"}}
			try := func(status int, header http.Header) error {
				a := reply{HTTP: status, Header: header, Raw: encode(t, success)}
				json.Unmarshal(a.Raw, &a)
				r, err := http.NewRequest(op.Method(), "http://127.0.0.1"+op.Path(), bytes.NewReader(encode(t, request)))
				if err != nil {
					t.Fatal(err)
				}
				return d.check(r, a)
			}
			fails := func(what string) {
				t.Helper()
				if try(200, carrier) == nil {
					t.Errorf("%s was not found in %s", what, encode(t, success))
				}
			}
			if err := try(200, carrier); err != nil {
				t.Fatal(err)
			}

			for _, object := range objectsIn(success) {
				for key, v := range maps.Clone(object) {
					delete(object, key)
					fails(key + " left out")
					object[key+"x"] = v
					fails(key + " renamed")
					delete(object, key+"x")
					object[key] = []any{nil}
					fails(key + " of another type")
					object[key] = v
				}
				object["extra"] = nil
				fails("extra added")
				delete(object, "extra")
			}
			success["status"] = op.Done + "."
			fails("another message")
			success["status"], success["statuscode"] = op.Done, "RPI"
			if success["data"] != nil {
				fails("a failure with data")
			}
			success["statuscode"] = "TXN"

			for _, f := range op.fields {
				if v := request[f.Name]; f.Must && v != nil {
					request[f.Name] = " "
					fails("a success without its " + f.Name)
					request[f.Name] = 5
					fails("a success with a number for its " + f.Name)
					request[f.Name] = v
				}
			}
			for status, header := range map[int]http.Header{
				200: {"Content-Type": {"text/plain"}}, 201: carrier, 404: carrier, 503: carrier,
				429: {"Content-Type": {"application/json"}, "Retry-After": {"soon"}},
			} {
				if try(status, header) == nil {
					t.Errorf("HTTP %d with %v was not found", status, header)
				}
			}
			if err := try(200, carrier); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCheckOneIn checks that sampling is what was asked for.
func TestCheckOneIn(t *testing.T) {
	checkOneIn(50, creds{ID: "sparse"})
	checkOneIn(0, creds{ID: "timed"})
	for id, want := range map[string]int{"sparse": 2, "timed": 0, "any other": 100} {
		r, err := http.NewRequest("GET", "http://127.0.0.1/contacts/tag", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Ipay-Client-Id", id)
		got := 0
		for range 100 {
			if !unchecked(r) {
				got++
			}
		}
		if got != want {
			t.Errorf("%d of 100 calls of the client %q are checked, want %d", got, id, want)
		}
	}
}

// examples are an op's first documented request and its documented success.
func (d *openAPI) examples(t *testing.T, op book.Op) (request, success m) {
	t.Helper()
	call := d.calls[op.Route]
	if call.request != nil {
		for _, example := range call.request.node.must("examples").members() {
			request = exampleValue(t, example)
			break
		}
	}
	for _, example := range call.replies["200"].bodies["application/json"].node.must("examples").members() {
		if v := exampleValue(t, example); v["statuscode"] == "TXN" {
			return request, v
		}
	}
	t.Fatal("no success is documented")
	return nil, nil
}

func exampleValue(t *testing.T, example docNode) (v m) {
	t.Helper()
	if err := example.resolve().must("value").Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// objectsIn are a value and what is in it, as far as they are objects.
func objectsIn(v any) (list []map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		list = append(list, v)
		for _, value := range v {
			list = append(list, objectsIn(value)...)
		}
	case []any:
		for _, value := range v {
			list = append(list, objectsIn(value)...)
		}
	}
	return list
}

// TestOpenAPIServed compares the real server with the document: every operation
// succeeds once, and the failures that are no operation's own are met.
func TestOpenAPIServed(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(189590, "SANDBOX")
		statuses := map[int]int{}
		checked := func(r *http.Request) reply {
			t.Helper()
			a := s.do(r)
			if err := document().check(r, a); err != nil {
				t.Errorf("%s %s was answered HTTP %d %s: %v", r.Method, r.URL, a.HTTP, a.Raw, err)
			}
			statuses[a.HTTP]++
			return a
		}
		served := map[string]bool{}
		call := func(method, path string, body any) reply {
			t.Helper()
			a := checked(s.request(c, method, path, body))
			if a.Code != "TXN" {
				t.Errorf("%s %s with %v: %s", method, path, body, a.Raw)
			}
			path, _, _ = strings.Cut(path, "?")
			served[method+" "+path] = true
			return a
		}

		tag := call("POST", "/contacts/tag", m{"name": " Employee ", "hexColorCode": "#FF1934"}).id()
		call("PATCH", "/contacts/tag", m{"tagId": tag, "name": "Employee", "hexColorCode": "#8b0000"})
		call("GET", "/contacts/tag", nil)
		var contact string
		for _, mobile := range []string{"7428585742", "+1 650-253-0000", "+39 06 698 12345"} {
			body := contactBody("Sample Name", tag)
			body["mobile"] = mobile
			contact = call("POST", "/contacts/profile", body).id()
		}
		call("PATCH", "/contacts/profile", with(contactBody("Sample Name", tag), "contactId", contact, "companyName", ""))
		call("GET", "/contacts/profile", nil)
		page := call("GET", "/contacts/profile?limit=2&tagId="+tag, nil)
		if cursor := page.Header.Get("X-Next-Cursor"); cursor == "" {
			t.Error("two of three contacts are not followed by a page")
		} else {
			call("GET", "/contacts/profile", m{"limit": 2, "cursor": cursor})
		}
		person := m{"gcId": contact, "contactPersonName": "Sample Name", "email": "a@example.com", "mobile": "2071838750", "callingCode": "44", "description": "a\nb"}
		person["personId"] = call("POST", "/contacts/person", person).id()
		call("PATCH", "/contacts/person", person)
		address := m{"gcId": contact, "addressType": "Billing", "address": "1, Downing St", "city": "London", "state": "-", "pincode": "SW1A 2AA", "countryCode": "GB"}
		address["addressId"] = call("POST", "/contacts/address", address).id()
		call("PATCH", "/contacts/address", address)
		call("POST", "/contacts/business", m{"gcId": contact, "pan": "aaocs6028b", "udhyam": "UDYAM-MH-01-0000001"})
		call("POST", "/contacts/business/verify", m{"gcId": contact, "identity": "pan", "externalRef": "a"})
		call("PATCH", "/contacts/business", m{"gcId": contact, "cin": "L17110MH1973PLC019786", "pan": ""})
		var payment string
		for _, method := range []m{
			{"accountType": "vpa", "upiId": "7428585742@ybl", "accountNumber": "", "isVerificationOn": false},
			{"accountType": "Account", "accountNumber": "0012345678", "accountIfsc": "hdfc0000060", "beneficiaryName": "Sample Name"},
			{"accountType": "WALLET", "phoneNumber": "7428585742"},
		} {
			payment = call("POST", "/contacts/payment", with(method, "gcId", contact)).id()
		}
		call("POST", "/contacts/payment/primary", m{"gcId": contact, "paymentId": payment})
		call("POST", "/contacts/payment/verify", with(question("one"), "gcId", contact, "paymentId", payment))
		call("GET", "/contacts/payment", m{"gcId": contact, "expand": "verification"})
		for _, path := range childPaths {
			call("GET", path, m{"gcId": contact})
			call("GET", path+"?gcId="+contact, nil)
		}
		call("DELETE", "/contacts/payment?paymentId="+payment, m{"gcId": contact})
		call("DELETE", "/contacts/business", m{"gcId": contact})
		call("DELETE", "/contacts/address", m{"gcId": contact, "AddressId": address["addressId"]})
		call("DELETE", "/contacts/person?gcId="+contact, m{"personId": person["personId"]})
		call("DELETE", "/contacts/profile", m{"contactId": contact})
		call("DELETE", "/contacts/tag", m{"tagId": tag})
		for _, op := range book.Ops {
			if !served[op.Route] {
				t.Errorf("%s was not called", op.Route)
			}
		}

		for _, accept := range []string{"application/json", "application/problem+json"} {
			fail := func(c creds, method, path string, body any, more ...string) {
				t.Helper()
				a := checked(s.request(c, method, path, body, append(more, "Accept", accept)...))
				if a.Code == "TXN" {
					t.Errorf("%s %s with %.100v: %s", method, path, body, a.Raw)
				}
			}
			fail(c, "POST", "/contacts/tag", m{})
			fail(c, "POST", "/contacts/tag", "{")
			fail(c, "POST", "/contacts/profile", contactBody("Sample Name", tag))
			fail(c, "GET", "/contacts/profile?limit=x", nil)
			fail(c, "GET", "/contacts/person", m{"gcId": contact})
			fail(creds{ID: c.ID, Secret: "wrong"}, "GET", "/contacts/tag", nil)
			fail(creds{}, "GET", "/contacts/tag", nil)
			fail(c, "PUT", "/contacts/payment", nil)
			fail(c, "GET", "/contacts/unknown", nil)
			fail(c, "POST", "/contacts/tag", strings.Repeat(" ", 300<<10))
			fail(c, "GET", "/contacts/tag", nil, "X-Padding", strings.Repeat("x", 20<<10))
		}
		for _, path := range []string{"/livez", "/readyz"} {
			checked(s.request(creds{}, "GET", path, nil))
		}
		for _, status := range []int{200, 400, 401, 404, 405, 413, 422, 431} {
			if statuses[status] == 0 {
				t.Errorf("HTTP %d was never met: %v", status, statuses)
			}
		}
	})
}

// BenchmarkCheckSpec is what checking one call costs the tests.
func BenchmarkCheckSpec(b *testing.B) {
	text := []byte(`{"statuscode":"TXN","actcode":null,"status":"Contact Added Successfully","data":{"userId":189590,"name":"Sample Name",` +
		`"email":"help@instantpay.in","mobile":"7428585742","callingCode":"91","companyName":"Business Name","updated_at":"2023-05-10T05:14:35.381000Z",` +
		`"created_at":"2023-05-10T05:14:35.381000Z","_id":"645b283b9b2e242ec80dd5c2","tagId":["645b280e95335f08eb021aa2"]},` +
		`"timestamp":"2023-05-10 10:44:35","ipay_uuid":"h00599219842-6eda-44a4-bb0d-f23353f11f62-r8NwC1pEoT5v","orderid":null,"environment":"LIVE","internalCode":null}`)
	a := reply{HTTP: 200, Header: http.Header{"Content-Type": {"application/json"}}, Raw: text, Code: "TXN"}
	body := []byte(`{"name":"Sample Name","email":"help@instantpay.in","mobile":"7428585742","tagDetails":[{"tagId":"645b280e95335f08eb021aa2"}]}`)
	for b.Loop() {
		r, err := http.NewRequest("POST", "http://127.0.0.1/contacts/profile", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		if err := checkSpec(r, a); err != nil {
			b.Fatal(err)
		}
	}
}
