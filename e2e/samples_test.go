package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"contactbook/internal/proof"
)

// replays are the documented calls, in an order in which each finds the records
// that it names. A reply's _id takes the place of the documented ids in the
// fields keeps, from there on.
var replays = []struct {
	sample, route string
	keeps         []string
}{
	{"tag-add", "POST /contacts/tag", []string{"tagId"}},
	{"tag-update", "PATCH /contacts/tag", nil},
	{"tag-list", "GET /contacts/tag", nil},
	{"profile-add", "POST /contacts/profile", []string{"contactId", "gcId"}},
	{"profile-list", "GET /contacts/profile", nil},
	{"profile-update", "PATCH /contacts/profile", nil},
	{"person-add", "POST /contacts/person", []string{"personId"}},
	{"person-list", "GET /contacts/person", nil},
	{"person-update", "PATCH /contacts/person", nil},
	{"person-delete", "DELETE /contacts/person", nil},
	{"address-add", "POST /contacts/address", []string{"addressId"}},
	{"address-list", "GET /contacts/address", nil},
	{"address-update", "PATCH /contacts/address", nil},
	{"address-delete", "DELETE /contacts/address", nil},
	{"business-add", "POST /contacts/business", nil},
	{"business-list", "GET /contacts/business", nil},
	{"business-update", "PATCH /contacts/business", nil},
	{"payment-add", "POST /contacts/payment", []string{"paymentId"}},
	{"payment-verify", "POST /contacts/payment/verify", nil},
	{"payment-primary", "POST /contacts/payment/primary", nil},
	{"payment-delete", "DELETE /contacts/payment", nil},
	{"profile-delete", "DELETE /contacts/profile", nil},
	{"tag-delete", "DELETE /contacts/tag", nil},
}

// sampleExceptions are the samples that do not bind: allows is the contract's sentence
// that says so, find and put make of the sample what the contract has instead.
// (One more holds for every sample: an ipay_uuid here always has a suffix.)
var sampleExceptions = []struct{ file, allows, find, put string }{
	{"address-list.response.json", "`_id` last: a paste of Add's reply; ours is first",
		`(?s)\{\s+("gcId".*?),\s+("_id": "[0-9a-f]{24}")\s+\}`, `{$2, $1}`},
	{"address-update.response.json", "Address Updated Successfully (the page pastes Add's)",
		`Address Added Successfully`, `Address Updated Successfully`},
	{"address-update.response.json", "address-update (Add's message and shape)",
		`(?s),\s+"updated_at".*?"_id": "[0-9a-f]{24}"`, ``},
	{"payment-add.request.json", "it asks for verification and leaves empty what that makes mandatory",
		`"isVerificationOn": true`, `"isVerificationOn": false`},
}

// unserved are samples of calls that the server does not have yet. Each must be
// replayed as soon as its route is served.
var unserved = []struct{ sample, route, reason string }{
	{"note-add", "POST /contacts/note", "notes do not exist yet"},
	{"note-list", "GET /contacts/note", "notes do not exist yet"},
}

const samplesDir = "testdata/samples"

// TestSamples (M4) replays every documented request, with ids that exist, and compares
// each reply with the documented one.
func TestSamples(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(189590, "LIVE")
		seen := map[string]bool{}
		ids := map[string]string{}
		passed := 0
		for _, call := range replays {
			section(t, s, call.sample, func(t *testing.T) {
				request := replaceIDs(t, sampleText(t, seen, call.sample+".request.json"), ids)
				before := time.Now()
				r := s.do(s.request(c, methodOf(call.route), pathOf(call.route), request))
				want := parseJSON(t, []byte(sampleText(t, seen, call.sample+".response.json")))
				k := comparison{t: t, before: before, after: time.Now(), sent: sentValues(t, request), user: "189590"}
				k.compare("", "", want, parseJSON(t, r.Raw))
				checkCarrier(t, r)
				for _, field := range call.keeps {
					ids[field] = r.id()
				}
				if !t.Failed() {
					passed++
				}
			})
		}
		for _, u := range unserved {
			if r := s.call(c, methodOf(u.route), pathOf(u.route), nil); r.Code != "OUE" {
				t.Errorf("%s is served now, so its sample must be replayed (%s): %s", u.route, u.reason, r.Raw)
			}
			seen[u.sample+".request.json"], seen[u.sample+".response.json"] = true, true
		}
		files, err := os.ReadDir(samplesDir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !seen[f.Name()] {
				t.Errorf("%s is neither replayed nor listed as unserved", f.Name())
			}
		}
		proof.Record(t, proof.Figure{ID: "M4", What: fmt.Sprintf("%s: documented calls replayed; %d are of operations that are not there yet", s.engine, len(unserved)),
			Target: fmt.Sprint(len(replays)), Got: fmt.Sprint(passed), Met: passed == len(replays)})
	})
}

// TestSamplePaymentAsPublished sends the one documented request that cannot
// succeed, to see that it fails for the reason that the contract gives.
func TestSamplePaymentAsPublished(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "LIVE")
		contact := s.contact(c, "Sample Name", s.tag(c, "Employee"))
		text, err := os.ReadFile(filepath.Join(samplesDir, "payment-add.request.json"))
		if err != nil {
			t.Fatal(err)
		}
		r := s.call(c, "POST", "/contacts/payment", replaceIDs(t, string(text), map[string]string{"gcId": contact}))
		if r.Code != "RPI" || r.Status != "The externalRef field is required." {
			t.Errorf("answered %s", r.Raw)
		}
		if r := s.ok(c, "GET", "/contacts/payment", m{"gcId": contact}); string(r.Data) != "[]" {
			t.Errorf("stored %s", r.Data)
		}
	})
}

// sampleText is a file's text with its exceptions applied; "" for a request that was
// published without a body.
func sampleText(t *testing.T, seen map[string]bool, file string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(samplesDir, file))
	if errors.Is(err, os.ErrNotExist) && strings.HasSuffix(file, "-list.request.json") {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	seen[file] = true
	text := string(raw)
	for _, e := range sampleExceptions {
		if e.file != file {
			continue
		}
		find := regexp.MustCompile(e.find)
		if !find.MatchString(text) {
			t.Fatalf("%s needs no exception any more: %s", file, e.allows)
		}
		text = find.ReplaceAllString(text, e.put)
	}
	return text
}

var documentedID = regexp.MustCompile(`"(\w+)": "[0-9a-f]{24}"`)

// replaceIDs puts existing ids in the place of the documented ones.
func replaceIDs(t *testing.T, request string, ids map[string]string) string {
	t.Helper()
	return documentedID.ReplaceAllStringFunc(request, func(found string) string {
		field := documentedID.FindStringSubmatch(found)[1]
		if ids[field] == "" {
			t.Fatalf("no call before this one has made a %s", field)
		}
		return fmt.Sprintf("%q: %q", field, ids[field])
	})
}

// sentValues are the strings of a request by the key under which they come back.
func sentValues(t *testing.T, request string) map[string]string {
	t.Helper()
	values := map[string]string{}
	if request == "" {
		return values
	}
	n := parseJSON(t, []byte(request))
	for i, key := range n.keys {
		if n.items[i].kind == "string" {
			values[key] = n.items[i].text
		}
	}
	if upi, ok := values["upiId"]; ok { // the contract: "a VPA is returned in accountNumber"
		values["accountNumber"] = upi
	}
	return values
}

// comparison compares one reply with its sample.
type comparison struct {
	t             *testing.T
	before, after time.Time         // of the call
	sent          map[string]string // what comes back as it was sent
	user          string
}

// madeFormats are those of values that the server makes.
var madeFormats = map[string]*regexp.Regexp{
	"_id":             regexp.MustCompile(`^[0-9a-f]{24}$`),
	"gcId":            regexp.MustCompile(`^[0-9a-f]{24}$`),
	"tagId":           regexp.MustCompile(`^[0-9a-f]{24}$`),
	"updated_at":      regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$`),
	"created_at":      regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$`),
	"poolReferenceId": regexp.MustCompile(`^1\d{12}[A-Z]{5}$`),
	"txnValue":        regexp.MustCompile(`^\d+\.\d\d$`), "openingBal": regexp.MustCompile(`^\d+\.\d\d$`),
	"amount": regexp.MustCompile(`^\d+\.\d\d$`), "closingBal": regexp.MustCompile(`^\d+\.\d\d$`),
	"timestamp": regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`),
	"ipay_uuid": regexp.MustCompile(`^h\d{3}[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-[A-Za-z0-9]{12}$`),
}

// fixedKeys are the strings, numbers and booleans that are the same in every reply.
var fixedKeys = []string{"statuscode", "status", "environment", "data", "callingCode", "accountType", "accountIfsc",
	"isPrimary", "isVerified", "countryCode"}

// compare walks both replies. An array's elements all have the form of the
// documented first one.
func (k *comparison) compare(at, key string, want, got *jsonNode) {
	k.t.Helper()
	switch {
	case want.kind != got.kind:
		k.t.Errorf("%s is of type %s, documented as %s", at, got.kind, want.kind)
	case want.kind == "object" && !slices.Equal(want.keys, got.keys):
		k.t.Errorf("%s has the keys %q, documented as %q", at, got.keys, want.keys)
	case want.kind == "object":
		for i, key := range want.keys {
			k.compare(at+"/"+key, key, want.items[i], got.items[i])
		}
	case want.kind == "array":
		if len(got.items) == 0 {
			k.t.Errorf("%s is empty", at)
		}
		for i, item := range got.items {
			k.compare(at+"/"+strconv.Itoa(i), key, want.items[0], item)
		}
	default:
		k.leaf(at, key, want.text, got.text)
	}
}

func (k *comparison) leaf(at, key, want, got string) {
	k.t.Helper()
	if f := madeFormats[key]; f != nil && !f.MatchString(got) {
		k.t.Errorf("%s is %q, which is not of the form %s", at, got, f)
		return
	}
	sent, wasSent := k.sent[key]
	switch {
	case key == "userId":
		want = k.user
	case key == "ipay_uuid":
		k.clock(at, got, time.UnixMicro(10*hexNumber(got[4:12]+got[13:17])), 10*time.Microsecond)
		return
	case key == "timestamp":
		ist, err := time.ParseInLocation(time.DateTime, got, time.FixedZone("IST", 19800))
		if err != nil {
			k.t.Errorf("%s: %v", at, err)
		}
		k.clock(at, got, ist, time.Second)
		return
	case slices.Contains(fixedKeys, key):
	case wasSent && strings.Count(at, "/") == 2: // a field of an object, not of a list's items
		want = sent
	default:
		return
	}
	if got != want {
		k.t.Errorf("%s is %q, want %q", at, got, want)
	}
}

// clock checks that a time, cut to a unit, lies within the call.
func (k *comparison) clock(at, text string, got time.Time, unit time.Duration) {
	k.t.Helper()
	if got.Before(k.before.Truncate(unit)) || got.After(k.after) {
		k.t.Errorf("%s is %s, which is %s; the call went from %s to %s", at, text, got.UTC(), k.before.UTC(), k.after.UTC())
	}
}

func hexNumber(s string) int64 {
	n, err := strconv.ParseInt(s, 16, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// checkCarrier checks what carries an envelope: status, media type, compactness.
func checkCarrier(t *testing.T, r reply) {
	t.Helper()
	if r.HTTP != 200 || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HTTP %d, Content-Type %q", r.HTTP, r.Header.Get("Content-Type"))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, r.Raw); err != nil || !bytes.Equal(compact.Bytes(), r.Raw) {
		t.Errorf("not compact JSON (%v): %s", err, r.Raw)
	}
}

// jsonNode is a JSON value that keeps the order of its keys.
type jsonNode struct {
	kind  string      // object, array, string, number, boolean or null
	text  string      // of a string, number or boolean
	keys  []string    // of an object
	items []*jsonNode // of an array, or of an object in the order of its keys
}

func parseJSON(t *testing.T, raw []byte) *jsonNode {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	n, err := readNode(d)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	return n
}

func readNode(d *json.Decoder) (*jsonNode, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case string:
		return &jsonNode{kind: "string", text: v}, nil
	case json.Number:
		return &jsonNode{kind: "number", text: v.String()}, nil
	case bool:
		return &jsonNode{kind: "boolean", text: strconv.FormatBool(v)}, nil
	case nil:
		return &jsonNode{kind: "null"}, nil
	}
	n := &jsonNode{kind: "array"}
	if token == json.Delim('{') {
		n.kind = "object"
	}
	for d.More() {
		if n.kind == "object" {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			n.keys = append(n.keys, key.(string))
		}
		item, err := readNode(d)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, err = d.Token()
	return n, err
}

// methodOf and pathOf take a route apart; a word behind it tells apart the forms
// of one call.
func methodOf(route string) string { return strings.Fields(route)[0] }
func pathOf(route string) string   { return strings.Fields(route)[1] }

// section is a subtest to which the server's own failures belong too. Sections
// of one server must not run side by side.
func section(t *testing.T, s *server, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		outer := s.t
		s.t = t
		defer func() { s.t = outer }()
		test(t)
	})
}

// TestSampleValues checks what the samples, whose values are of many calls, cannot
// show: that each reply says what was sent, and that replies agree with each other.
func TestSampleValues(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		for i, v := range []struct {
			name string
			test func(*testing.T, *server, creds)
		}{
			{"tags", testTagValues},
			{"contacts", testContactValues},
			{"children", testChildValues},
			{"business", testBusinessValues},
			{"payments", testPaymentValues},
			{"primary", testPrimary},
			{"delete contact", testDeleteContact},
			{"delete tag", testDeleteTag},
			{"empty lists", testEmptyLists},
			{"JSON text", testTextUnescaped},
		} {
			section(t, s, v.name, func(t *testing.T) {
				v.test(t, s, s.client(int64(i+1), "SANDBOX"))
			})
		}
	})
}

func testTagValues(t *testing.T, s *server, c creds) {
	red := s.ok(c, "POST", "/contacts/tag", m{"name": "Red", "hexColorCode": "#ff1934"})
	wantFields(t, red.object(), m{"userId": float64(c.UserID), "name": "Red", "hexColorCode": "#ff1934"})
	wantCreated(t, red.object())
	blue := s.tag(c, "Blue")
	green := s.tag(c, "Green")
	wantIDs(t, s.ok(c, "GET", "/contacts/tag", nil), red.id(), blue, green)

	contact := s.contact(c, "Sample Name", red.id())
	time.Sleep(tick)
	s.ok(c, "PATCH", "/contacts/tag", m{"tagId": red.id(), "name": "Dark Red", "hexColorCode": "#8B0000"})
	tags := s.ok(c, "GET", "/contacts/tag", nil)
	wantIDs(t, tags, red.id(), blue, green)
	wantFields(t, rows(tags)[0], m{"name": "Dark Red", "hexColorCode": "#8B0000"})

	// A tag's dates are shown where it is embedded.
	embedded := rows(s.ok(c, "GET", "/contacts/profile", m{"contactId": contact}))[0]["tags"].([]any)[0].(m)
	wantFields(t, embedded, m{"_id": red.id(), "userId": float64(c.UserID), "name": "Dark Red", "hexColorCode": "#8B0000"})
	wantUpdated(t, red.object(), embedded)

	s.ok(c, "DELETE", "/contacts/tag", m{"tagId": blue})
	wantIDs(t, s.ok(c, "GET", "/contacts/tag", nil), red.id(), green)
}

func testContactValues(t *testing.T, s *server, c creds) {
	one, two := s.tag(c, "One"), s.tag(c, "Two")
	sent := m{"name": "Sample Name", "email": "sample@example.com", "mobile": "7428585742", "companyName": "Business Name"}
	added := s.ok(c, "POST", "/contacts/profile", with(sent, "tagDetails", tagDetails(two, one)))
	want := with(sent, "userId", float64(c.UserID), "callingCode", "91", "tagId", []any{two, one})
	wantFields(t, added.object(), want)
	wantCreated(t, added.object())
	second := s.contact(c, "Second", one)
	third := s.contact(c, "Third", two)
	list := s.ok(c, "GET", "/contacts/profile", nil)
	wantIDs(t, list, third, second, added.id())
	wantFields(t, rows(list)[2], want)
	tags := rows(list)[2]["tags"].([]any)
	if len(tags) != 2 || tags[0].(m)["_id"] != two || tags[1].(m)["_id"] != one {
		t.Errorf("tags are %v, tagId has %s and %s", tags, two, one)
	}

	time.Sleep(tick)
	edit := m{"contactId": added.id(), "name": "New Name", "email": "new@example.com", "mobile": "9876543210"}
	updated := s.ok(c, "PATCH", "/contacts/profile", with(edit, "tagDetails", tagDetails(one)))
	want = with(edit, "contactId", nil, "_id", added.id(), "companyName", "Business Name", "tagId", []any{one},
		"userId", float64(c.UserID), "callingCode", "91")
	wantFields(t, updated.object(), want)
	wantUpdated(t, added.object(), updated.object())
	list = s.ok(c, "GET", "/contacts/profile", nil)
	wantIDs(t, list, third, second, added.id())
	wantFields(t, rows(list)[2], want)

	s.ok(c, "DELETE", "/contacts/profile", m{"contactId": second})
	wantIDs(t, s.ok(c, "GET", "/contacts/profile", nil), third, added.id())

	// As many tags as anybody would give one contact, in no order.
	var many []string
	for i := range 40 {
		many = slices.Insert(many, i/2, s.tag(c, fmt.Sprint("Tag ", i)))
	}
	id := s.contact(c, "Many", many...)
	tags = rows(s.ok(c, "GET", "/contacts/profile", m{"contactId": id}))[0]["tags"].([]any)
	for i, tag := range tags {
		if len(tags) != len(many) || tag.(m)["_id"] != many[i] {
			t.Fatalf("tag %d of %d is %v, want %s of %d", i, len(tags), tag, many[i], len(many))
		}
	}
	s.ok(c, "DELETE", "/contacts/profile", m{"contactId": id})

	bare := s.ok(c, "POST", "/contacts/profile", with(sent, "companyName", nil, "tagDetails", tagDetails(one)))
	wantFields(t, bare.object(), m{"companyName": ""})
}

// testChildValues adds, lists, updates and deletes the two kinds that have all four.
func testChildValues(t *testing.T, s *server, c creds) {
	contact := s.contact(c, "Sample Name", s.tag(c, "Employee"))
	other := s.contact(c, "Other", s.tag(c, "Vendor"))
	for _, kind := range []struct {
		path, id   string
		sent, edit m
		made       m // what the reply has beside it
	}{
		{"/contacts/person", "personId",
			m{"contactPersonName": "Sample Name", "email": "help@instantpay.in", "mobile": "7428585742", "description": "test desc"},
			m{"contactPersonName": "New Name", "email": "new@example.com", "mobile": "9876543210", "description": "two\n\tlines"},
			m{"callingCode": "+91"}},
		{"/contacts/address", "addressId",
			m{"addressType": "Shipping", "address": "Sarita Vihar", "city": "New Delhi", "state": "Delhi", "pincode": "110044", "countryCode": "IN"},
			m{"addressType": "Billing", "address": "1 MG Road\nFloor 2", "city": "Pune", "state": "Maharashtra", "pincode": "411001", "countryCode": "IN"},
			m{}},
	} {
		sent := with(kind.sent, "gcId", contact)
		added := s.ok(c, "POST", kind.path, sent)
		want := with(sent, pairs(kind.made)...)
		wantFields(t, added.object(), want)
		wantCreated(t, added.object())
		second := s.ok(c, "POST", kind.path, sent).id()
		third := s.ok(c, "POST", kind.path, sent).id()
		elsewhere := s.ok(c, "POST", kind.path, with(sent, "gcId", other)).id()
		list := s.ok(c, "GET", kind.path, m{"gcId": contact})
		wantIDs(t, list, added.id(), second, third)
		wantFields(t, rows(list)[0], with(want, "updated_at", added.object()["updated_at"], "created_at", added.object()["created_at"]))

		time.Sleep(tick)
		edit := with(kind.edit, "gcId", contact)
		lean := s.ok(c, "PATCH", kind.path, with(edit, kind.id, added.id()))
		want = with(edit, pairs(kind.made)...)
		wantFields(t, lean.object(), want)
		list = s.ok(c, "GET", kind.path, m{"gcId": contact})
		wantIDs(t, list, added.id(), second, third)
		wantFields(t, rows(list)[0], want)
		wantUpdated(t, added.object(), rows(list)[0])

		s.ok(c, "DELETE", kind.path, m{"gcId": contact, kind.id: second})
		wantIDs(t, s.ok(c, "GET", kind.path, m{"gcId": contact}), added.id(), third)
		wantIDs(t, s.ok(c, "GET", kind.path, m{"gcId": other}), elsewhere)
	}
}

// Business identities that satisfy every rule of the contract.
const (
	samplePAN   = "AAOCS6028B"
	sampleCIN   = "L17110MH1973PLC019786"
	sampleGSTIN = "27AAPFU0939F1ZV"
	sampleTAN   = "DELA12345B"
	sampleUdyam = "UDYAM-DL-01-0001234"
)

func testBusinessValues(t *testing.T, s *server, c creds) {
	tag := s.tag(c, "Employee")
	contact := s.contact(c, "Sample Name", tag)
	const at = "/contacts/business"
	keysOf := func(r reply) []string { return parseJSON(t, r.Data).keys }

	// Add shows what is there, each with its flag behind it.
	added := s.ok(c, "POST", at, m{"gcId": contact, "tan": sampleTAN, "pan": samplePAN, "gstin": ""})
	if want := []string{"gcId", "pan", "panVerified", "tan", "tanVerified", "updated_at", "created_at", "_id"}; !slices.Equal(keysOf(added), want) {
		t.Errorf("Add has the keys %q, want %q", keysOf(added), want)
	}
	wantFields(t, added.object(), m{"pan": samplePAN, "panVerified": false, "tan": sampleTAN, "tanVerified": false})
	wantCreated(t, added.object())
	list := s.ok(c, "GET", at, m{"gcId": contact})
	wantIDs(t, list, added.id())
	five := m{"pan": samplePAN, "cin": "", "gstin": "", "tan": sampleTAN, "udyam": "", "panVerified": false,
		"cinVerified": false, "gstinVerified": false, "tanVerified": false, "udyamVerified": false}
	wantFields(t, rows(list)[0], five)

	// Update keeps what is absent or null, clears what is "", and shows all five.
	time.Sleep(tick)
	updated := s.ok(c, "PATCH", at, m{"gcId": contact, "tan": "", "pan": nil, "cin": sampleCIN, "udhyam": sampleUdyam})
	five = with(five, "tan", "", "cin", sampleCIN, "udyam", sampleUdyam)
	wantFields(t, updated.object(), five)
	list = s.ok(c, "GET", at, m{"gcId": contact})
	wantIDs(t, list, added.id())
	wantFields(t, rows(list)[0], five)
	wantUpdated(t, added.object(), rows(list)[0])

	// An equal value keeps its flag, a changed one loses it. Verification is not the
	// client's to claim, so the flags are raised behind the server's back.
	behindBack(t, s, "update business set pan_verified = true, cin_verified = true, udyam_verified = true")
	flagged := with(five, "panVerified", true, "cinVerified", true, "udyamVerified", true)
	wantFields(t, rows(s.ok(c, "GET", at, m{"gcId": contact}))[0], flagged)
	wantFields(t, s.ok(c, "PATCH", at, m{"gcId": contact, "pan": strings.ToLower(samplePAN), "cinVerified": true}).object(), flagged)
	updated = s.ok(c, "PATCH", at, m{"gcId": contact, "pan": "AAPFU0939F", "udyam": "", "panVerified": true, "tanVerified": true})
	five = with(flagged, "pan", "AAPFU0939F", "panVerified", false, "udyam", "", "udyamVerified", false)
	wantFields(t, updated.object(), five)
	wantFields(t, rows(s.ok(c, "GET", at, m{"gcId": contact}))[0], five)

	all := s.ok(c, "POST", at, m{"gcId": s.contact(c, "All", tag), "udyam": sampleUdyam, "tan": sampleTAN, "gstin": sampleGSTIN,
		"cin": sampleCIN, "pan": samplePAN})
	if want := []string{"gcId", "pan", "panVerified", "cin", "cinVerified", "gstin", "gstinVerified", "tan", "tanVerified",
		"udyam", "udyamVerified", "updated_at", "created_at", "_id"}; !slices.Equal(keysOf(all), want) {
		t.Errorf("Add has the keys %q, want %q", keysOf(all), want)
	}

	s.ok(c, "DELETE", at, m{"gcId": contact})
	wantIDs(t, s.ok(c, "GET", at, m{"gcId": contact}))
	// No identity is mandatory.
	empty := s.ok(c, "POST", at, m{"gcId": contact})
	if want := []string{"gcId", "updated_at", "created_at", "_id"}; !slices.Equal(keysOf(empty), want) {
		t.Errorf("Add of nothing has the keys %q, want %q", keysOf(empty), want)
	}
}

func testPaymentValues(t *testing.T, s *server, c creds) {
	contact := s.contact(c, "Sample Name", s.tag(c, "Employee"))
	const at = "/contacts/payment"
	vpa := m{"gcId": contact, "accountType": "VPA", "upiId": "Sample.Name@ybl", "beneficiaryName": "Sample Name"}
	account := m{"gcId": contact, "accountType": "Account", "accountNumber": "000123456789", "accountIfsc": "HDFC0001234", "beneficiaryName": "Sample Name"}
	wallet := m{"gcId": contact, "accountType": "wallet", "phoneNumber": "7428585742"}
	unset := m{"gcId": contact, "isPrimary": false, "isVerified": false}
	var added []reply
	for _, p := range []struct{ sent, want m }{
		{vpa, with(unset, "accountType", "VPA", "accountNumber", "Sample.Name@ybl", "accountIfsc", "", "beneficiaryName", "Sample Name")},
		{account, with(unset, "accountType", "ACCOUNT", "accountNumber", "000123456789", "accountIfsc", "HDFC0001234", "beneficiaryName", "Sample Name")},
		{wallet, with(unset, "accountType", "WALLET", "accountNumber", "7428585742", "accountIfsc", "", "beneficiaryName", "")},
	} {
		r := s.ok(c, "POST", at, p.sent)
		wantFields(t, r.object(), p.want)
		wantCreated(t, r.object())
		added = append(added, r)
	}
	list := s.ok(c, "GET", at, m{"gcId": contact})
	wantIDs(t, list, added[0].id(), added[1].id(), added[2].id())
	want := []string{"_id", "gcId", "accountType", "isPrimary", "isVerified", "accountNumber", "accountIfsc", "beneficiaryName", "updated_at", "created_at"}
	if got := parseJSON(t, list.Data).items[0].keys; !slices.Equal(got, want) {
		t.Errorf("a listed payment method has the keys %q, want %q", got, want)
	}

	// An equal one is the one that is there.
	time.Sleep(tick)
	for _, p := range []struct {
		sent m
		of   reply
	}{
		{vpa, added[0]}, {with(vpa, "upiId", "SAMPLE.name@YBL"), added[0]}, {with(vpa, "accountType", "vpa", "accountNumber", ""), added[0]},
		{account, added[1]}, {with(account, "accountIfsc", "hdfc0001234", "accountNumber", " 000123456789 "), added[1]},
		{wallet, added[2]}, {with(wallet, "phoneNumber", "+917428585742"), added[2]},
	} {
		if r := s.ok(c, "POST", at, p.sent); !bytes.Equal(r.Data, p.of.Data) {
			t.Errorf("adding %v again gave %s, there was %s", p.sent, r.Data, p.of.Data)
		}
	}
	wantIDs(t, s.ok(c, "GET", at, m{"gcId": contact}), added[0].id(), added[1].id(), added[2].id())

	// One that differs in one thing is another.
	for i, sent := range []m{
		with(vpa, "upiId", "Sample.Name@okaxis"), with(vpa, "beneficiaryName", "Other"),
		with(account, "accountNumber", "123456789"), with(account, "accountIfsc", "HDFC0001235"), with(account, "beneficiaryName", "sample name"),
		with(wallet, "phoneNumber", "9876543210"),
	} {
		s.ok(c, "POST", at, sent)
		if got := len(rows(s.ok(c, "GET", at, m{"gcId": contact}))); got != 4+i {
			t.Errorf("after %v there are %d, want %d", sent, got, 4+i)
		}
	}
}

func testPrimary(t *testing.T, s *server, c creds) {
	contact := s.contact(c, "Sample Name", s.tag(c, "Employee"))
	var ids []string
	for i := range 3 {
		ids = append(ids, s.ok(c, "POST", "/contacts/payment", m{"gcId": contact, "accountType": "VPA", "upiId": fmt.Sprintf("name%d@ybl", i)}).id())
	}
	primaries := func() (primary []string) {
		for _, p := range rows(s.ok(c, "GET", "/contacts/payment", m{"gcId": contact})) {
			if p["isPrimary"] == true {
				primary = append(primary, p["_id"].(string))
			}
		}
		return primary
	}
	if got := primaries(); len(got) != 0 {
		t.Errorf("without Set Primary %q are primary", got)
	}
	for _, id := range []string{ids[1], ids[2], ids[2], ids[0]} {
		s.ok(c, "POST", "/contacts/payment/primary", m{"gcId": contact, "paymentId": id})
		if got := primaries(); !slices.Equal(got, []string{id}) {
			t.Errorf("%s was set primary, %q are", id, got)
		}
	}
	s.ok(c, "DELETE", "/contacts/payment", m{"gcId": contact, "paymentId": ids[0]})
	if got := primaries(); len(got) != 0 {
		t.Errorf("after the primary one was deleted %q are", got)
	}
}

// childPaths are the lists below a contact.
var childPaths = []string{"/contacts/person", "/contacts/address", "/contacts/business", "/contacts/payment"}

func testDeleteContact(t *testing.T, s *server, c creds) {
	b := newBook(s, c)
	other := newChildren(s, c, s.contact(c, "Other", b.tagID))
	s.ok(c, "DELETE", "/contacts/profile", m{"contactId": b.contactID})
	for _, call := range []struct {
		method, path string
		body         m
	}{
		{"GET", "/contacts/profile", m{"contactId": b.contactID}},
		{"DELETE", "/contacts/profile", m{"contactId": b.contactID}},
		{"DELETE", "/contacts/person", m{"gcId": b.contactID, "personId": b.personID}},
		{"DELETE", "/contacts/address", m{"gcId": b.contactID, "addressId": b.addressID}},
		{"DELETE", "/contacts/business", m{"gcId": b.contactID}},
		{"DELETE", "/contacts/payment", m{"gcId": b.contactID, "paymentId": b.paymentID}},
		{"POST", "/contacts/payment/primary", m{"gcId": b.contactID, "paymentId": b.paymentID}},
	} {
		if r := s.call(c, call.method, call.path, call.body); r.Code == "TXN" && string(r.Data) != "[]" {
			t.Errorf("%s %s of a deleted contact: %s", call.method, call.path, r.Raw)
		}
	}
	for _, p := range childPaths {
		if r := s.call(c, "GET", p, m{"gcId": b.contactID}); r.Status != "No Record Found" {
			t.Errorf("GET %s of a deleted contact: %s", p, r.Raw)
		}
		if got := rows(s.ok(c, "GET", p, m{"gcId": other.contactID})); len(got) != 1 {
			t.Errorf("GET %s of another contact: %v", p, got)
		}
	}
}

func testDeleteTag(t *testing.T, s *server, c creds) {
	gone, stays := s.tag(c, "Gone"), s.tag(c, "Stays")
	both, one, none := s.contact(c, "Both", gone, stays), s.contact(c, "One", gone), s.contact(c, "None", stays)
	s.ok(c, "DELETE", "/contacts/tag", m{"tagId": gone})
	list := s.ok(c, "GET", "/contacts/profile", nil)
	wantIDs(t, list, none, one, both)
	for i, want := range [][]any{{stays}, {}, {stays}} {
		row := rows(list)[i]
		wantFields(t, row, m{"tagId": want})
		if tags := row["tags"].([]any); len(tags) != len(want) {
			t.Errorf("%v has the tags %v", row["name"], tags)
		}
	}
	// The name is free again, and its new owner is on no contact.
	again := s.tag(c, "Gone")
	wantIDs(t, s.ok(c, "GET", "/contacts/profile", m{"tagId": again}))
}

func testEmptyLists(t *testing.T, s *server, c creds) {
	wantIDs(t, s.ok(c, "GET", "/contacts/profile", nil))
	wantIDs(t, s.ok(c, "GET", "/contacts/tag", nil))
	contact := s.contact(c, "Sample Name", s.tag(c, "Employee"))
	for _, p := range childPaths {
		r := s.ok(c, "GET", p, m{"gcId": contact})
		if string(r.Data) != "[]" || r.Status != "Transaction Successful" {
			t.Errorf("GET %s: %s", p, r.Raw)
		}
	}
}

// testTextUnescaped looks at bytes: neither a slash nor a letter is escaped.
func testTextUnescaped(t *testing.T, s *server, c creds) {
	const name = "A/B नमस्ते 😀"
	r := s.ok(c, "POST", "/contacts/profile", with(contactBody(name, s.tag(c, "Employee")), "companyName", `quote " backslash \`))
	if !bytes.Contains(r.Raw, []byte(`"name":"`+name+`"`)) {
		t.Errorf("%q came back as %s", name, r.Raw)
	}
	wantFields(t, r.object(), m{"companyName": `quote " backslash \`})
}

// behindBack runs a statement on the server's database.
func behindBack(t *testing.T, s *server, statement string) {
	t.Helper()
	driver, source := "pgx", s.database
	if s.engine == "sqlite" {
		driver, source = "sqlite", strings.TrimPrefix(s.database, "sqlite:")
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// tick is long enough for a date of millisecond precision to move.
const tick = 3 * time.Millisecond

// rows is a reply's data as a list of objects.
func rows(r reply) []m {
	var list []m
	json.Unmarshal(r.Data, &list)
	return list
}

// fullBook is a book with one of everything.
type fullBook struct{ tagID, contactID, personID, addressID, paymentID string }

func newBook(s *server, c creds) fullBook {
	s.t.Helper()
	tag := s.tag(c, "Employee")
	b := newChildren(s, c, s.contact(c, "Sample Name", tag))
	b.tagID = tag
	return b
}

// newChildren gives a contact one child of each kind.
func newChildren(s *server, c creds, contact string) fullBook {
	s.t.Helper()
	b := fullBook{contactID: contact}
	b.personID = s.ok(c, "POST", "/contacts/person", m{"gcId": contact, "contactPersonName": "Sample Name", "email": "help@instantpay.in",
		"mobile": "7428585742", "description": "test desc"}).id()
	b.addressID = s.ok(c, "POST", "/contacts/address", m{"gcId": contact, "addressType": "Shipping", "address": "Sarita Vihar",
		"city": "New Delhi", "state": "Delhi", "pincode": "110044", "countryCode": "IN"}).id()
	s.ok(c, "POST", "/contacts/business", m{"gcId": contact, "pan": samplePAN})
	b.paymentID = s.ok(c, "POST", "/contacts/payment", m{"gcId": contact, "accountType": "VPA", "upiId": "sample@ybl"}).id()
	return b
}

// with is a body with fields set, or with nil left out.
func with(body m, keysAndValues ...any) m {
	b := m{}
	for k, v := range body {
		b[k] = v
	}
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		if k := keysAndValues[i].(string); keysAndValues[i+1] == nil {
			delete(b, k)
		} else {
			b[k] = keysAndValues[i+1]
		}
	}
	return b
}

// pairs is a body as with takes it.
func pairs(body m) (list []any) {
	for k, v := range body {
		list = append(list, k, v)
	}
	return list
}

func tagDetails(ids ...string) []m {
	details := []m{}
	for _, id := range ids {
		details = append(details, m{"tagId": id})
	}
	return details
}

func wantFields(t *testing.T, got, want m) {
	t.Helper()
	for key, v := range want {
		if !reflect.DeepEqual(got[key], v) {
			t.Errorf("%s is %#v, want %#v", key, got[key], v)
		}
	}
}

func wantIDs(t *testing.T, list reply, want ...string) {
	t.Helper()
	got := []string{}
	for _, row := range rows(list) {
		id, _ := row["_id"].(string)
		got = append(got, id)
	}
	if !slices.Equal(got, want) || len(want) == 0 && string(list.Data) != "[]" {
		t.Errorf("listed %q, want %q, in %s", got, want, list.Raw)
	}
}

// wantCreated checks the dates and the id of a record that was just added.
func wantCreated(t *testing.T, got m) {
	t.Helper()
	created, id := dateOf(t, got, "created_at"), got["_id"].(string)
	if got["created_at"] != got["updated_at"] {
		t.Errorf("created_at %v, updated_at %v", got["created_at"], got["updated_at"])
	}
	if age := time.Since(created); age < 0 || age > time.Minute {
		t.Errorf("created %s ago", age)
	}
	// The second in an id may be carried forward, never back.
	if second := time.Unix(hexNumber(id[:8]), 0); second.Sub(created).Abs() > 2*time.Second {
		t.Errorf("_id %s says %s, created_at %s", id, second.UTC(), created)
	}
}

// wantUpdated checks the dates of a record that was changed since it was added.
func wantUpdated(t *testing.T, added, now m) {
	t.Helper()
	if now["created_at"] != added["created_at"] {
		t.Errorf("created_at changed from %v to %v", added["created_at"], now["created_at"])
	}
	if !dateOf(t, now, "updated_at").After(dateOf(t, added, "updated_at")) {
		t.Errorf("updated_at went from %v to %v", added["updated_at"], now["updated_at"])
	}
}

func dateOf(t *testing.T, record m, key string) time.Time {
	t.Helper()
	text, _ := record[key].(string)
	if !madeFormats[key].MatchString(text) {
		t.Fatalf("%s is %q", key, text)
	}
	date, err := time.Parse("2006-01-02T15:04:05.000000Z", text)
	if err != nil {
		t.Fatal(err)
	}
	return date
}
