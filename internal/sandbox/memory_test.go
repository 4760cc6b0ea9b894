package sandbox

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactbook/internal/book"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		`{"name":"Asha Rao","mobile":"7428585742"}`:                                      `{"name":"xxxx xxx","mobile":"9999999999"}`,
		`{"mobile":7428585742,"limit":20,"on":true}`:                                     `{"mobile":9999999999,"limit":20,"on":true}`,
		`{"tagDetails":[{"tagId":"645b280e95335f08eb021aa2"}],"hexColorCode":"#FF1934"}`: `{"tagDetails":[{"tagId":"645b280e95335f08eb021aa2"}],"hexColorCode":"#FF1934"}`,
		`{"7428585742":"x","asha@example.com" : 1}`:                                      `{"9999999999":"x","xxxx@xxxxxxx.xxx" : 1}`,
		`{"name":"A\"sha\u0041\n"}`:                                                      `{"name":"xxxxxxx"}`,
		`{"name":"Asha Ra`:                                                               `{"name":"xxxx xx`,
		`name=Asha&mobile=7428585742`:                                                    `xxxx=xxxx&xxxxxx=9999999999`,
		`{"statuscode":"Asha"}`:                                                          `{"statuscode":"xxxx"}`,
		`"`:                                                                              `"`,
		`"\`:                                                                             `"x`,
		"\xff\xfe{":                                                                      `?{`,
	} {
		if got := mask([]byte(text), false); got != want {
			t.Errorf("%s\nis masked as %s\nwant %s", text, got, want)
		}
	}
	reply := `{"statuscode":"TXN","status":"Contact Added Successfully","data":{"status":"Asha","name":"Asha","created_at":"2026-11-22T23:12:15.480000Z"},"orderid":null}`
	want := `{"statuscode":"TXN","status":"Contact Added Successfully","data":{"status":"xxxx","name":"xxxx","created_at":"2026-11-22T23:12:15.480000Z"},"orderid":null}`
	if got := mask([]byte(reply), true); got != want {
		t.Errorf("a reply is masked as %s", got)
	}
	if got := maskTarget("/contacts/profile?contactId=645b280e95335f08eb021aa2&name=Asha&742=1"); got != "/contacts/profile?999=9&contactId=645b280e95335f08eb021aa2&name=xxxx" {
		t.Errorf("a target is masked as %s", got)
	}
}

// FuzzMask: no digit but in what is harmless, no panic, whatever the text.
func FuzzMask(f *testing.F) {
	for _, seed := range []string{`{"name":"Asha","mobile":7428585742}`, `[[["a`, `"\u00`, `{"a":"b","c"`, `x7428585742y`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const canary = "7428585742"
		for _, envelope := range []bool{false, true} {
			masked := mask(append(append(append([]byte{}, text...), `,"mobile":"`...), canary+`"}`...), envelope && !bytes.Contains(text, []byte(`"`)))
			if strings.Contains(masked, canary) {
				t.Errorf("%q is masked as %q", text, masked)
			}
		}
	})
}

func TestNearMisses(t *testing.T) {
	const good = `"name":"A","email":"a@example.com","mobile":"7428585742","tagDetails":[{"tagId":"645b280e95335f08eb021aa2"}]`
	edit := func(from, to string) string { return "{" + strings.Replace(good, from, to, 1) + "}" }
	address := `{"gcId":"645b280e95335f08eb021aa2","addressType":"x","address":"y","city":"z","state":"s","pincode":"%s","countryCode":"IN"}`
	account := `{"gcId":"645b280e95335f08eb021aa2","accountType":"ACCOUNT","accountNumber":"%s","accountIfsc":"%s","beneficiaryName":"A"}`
	business := `{"gcId":"645b280e95335f08eb021aa2","%s":"%s"}`
	profile := "POST /contacts/profile"
	for _, tc := range []struct{ route, body, field, why string }{
		{profile, edit("7428585742", "742858574"), "mobile", "mobile has 9 digits; an Indian mobile has 10"},
		{profile, edit("7428585742", "5000000000"), "mobile", "mobile begins with 5; an Indian mobile begins with 6 to 9"},
		{profile, edit("7428585742", "74285x5742"), "mobile", "mobile has a character that is no digit at place 6"},
		{profile, edit("7428585742", "+1 12"), "mobile", "mobile has 3 digits, which is no number of that country"},
		{profile, edit(`"7428585742"`, "7428585742"), "mobile", "mobile is a number; it must be a string"},
		{profile, edit(`"mobile"`, `"Mobile"`), "mobile", "mobile is not there, and Mobile is: capitals count"},
		{profile, edit(`"email"`, `"emial"`), "email", "email is not there, and emial is: is that what it should be?"},
		{profile, edit(`"mobile"`, `"phone"`), "mobile", "mobile is not there"},
		{profile, edit(`"A"`, `" "`), "name", "name is there, and blank"},
		{profile, edit(`"A"`, `null`), "name", "name is there, and null"},
		{profile, edit(`"A"`, `"`+strings.Repeat("é", 300)+`"`), "name", "name has 300 characters, which is too many"},
		{profile, edit(`"A"`, `"A\u0007"`), "name", "name has a control character, such as a newline, at place 2"},
		{profile, edit("a@example.com", "a.example.com"), "email", "email has no @"},
		{profile, edit("a@example.com", "a@b@example.com"), "email", "email has 2 @"},
		{profile, edit("a@example.com", "A <a@example.com>"), "email", "email has a display name; one address alone is taken"},
		{profile, edit("a@example.com", "a@"), "email", "email has nothing after its @"},
		{profile, edit("645b280e95335f08eb021aa2", "645b"), "tagDetails.0.tagId", "tagDetails.0.tagId has 4 characters; an id has 24"},
		{profile, edit("645b280e95335f08eb021aa2", "645b280e95335f08eb021aaZ"), "tagDetails.0.tagId", "tagDetails.0.tagId has a wrong character at place 24, where an id has a hex digit"},
		{profile, edit(`[{"tagId":"645b280e95335f08eb021aa2"}]`, `[]`), "tagDetails", "tagDetails is there, and has no element"},
		{profile, edit(`{"tagId":"645b280e95335f08eb021aa2"}`, `{"tagid":"645b280e95335f08eb021aa2"}`), "tagDetails.0.tagId", "tagDetails.0.tagId is not there, and tagid is: capitals count"},
		{profile, edit(`{"tagId":"645b280e95335f08eb021aa2"}`, `"645b280e95335f08eb021aa2"`), "tagDetails.0.tagId", "tagDetails.0.tagId is not there: what it stands in is a string"},
		{profile, edit(`[{"tagId":"645b280e95335f08eb021aa2"}]`, `{}`), "tagDetails", "tagDetails is an object; it must be an array"},
		{"POST /contacts/tag", `{"name":"x","hexColorCode":"FF1934"}`, "hexColorCode", "hexColorCode has 6 characters; a colour has 7"},
		{"POST /contacts/address", fmt.Sprintf(address, "56000"), "pincode", "pincode has 5 characters; an Indian PIN code has 6"},
		{"POST /contacts/address", fmt.Sprintf(address, "056000"), "pincode", "pincode begins with 0, as no Indian PIN code does"},
		{"POST /contacts/payment", fmt.Sprintf(account, "123", "SBIN0001234"), "accountNumber", "accountNumber has 3 characters; an account number has 6 to 18"},
		{"POST /contacts/payment", fmt.Sprintf(account, "123456", "SBINO001234"), "accountIfsc", "accountIfsc has a wrong character at place 5, where an IFSC has the sign 0, not the letter O"},
		{"POST /contacts/payment", `{"gcId":"645b280e95335f08eb021aa2","accountType":"VPA","upiId":"ash"}`, "upiId", "upiId has 0 @; a VPA is a name, one @ and a handle"},
		{"POST /contacts/business", fmt.Sprintf(business, "pan", "ABCDE1234F"), "pan", "pan has a PAN's shape, but its fourth letter tells no kind of holder, or its digits are all zero"},
		{"POST /contacts/business", fmt.Sprintf(business, "pan", "ABCPE12345"), "pan", "pan has a wrong character at place 10, where a PAN has a letter"},
		{"POST /contacts/business", fmt.Sprintf(business, "gstin", "22AAAAA0000A1Z5"), "gstin", "gstin has a GSTIN's length, but its state code, the PAN in it or its check character is wrong"},
		{"POST /contacts/business", fmt.Sprintf(business, "udyam", "UDYAM-DL-1-0000001"), "udyam", "udyam has 18 characters; an Udyam number has 19"},
		{profile, `{"name":`, "", "The request body must be valid JSON. (invalid JSON at byte 8: unexpected end)"},
	} {
		e := &Entry{Route: tc.route, request: []byte(tc.body)}
		body, err := wire.Decode([]byte(tc.body))
		if err != nil {
			e.failed = wire.ErrBody(err).Faults
		} else {
			for _, op := range book.Ops {
				if op.Route == tc.route {
					e.failed = op.Faults(body, wire.Value{}, false)
				}
			}
		}
		got := ""
		for _, n := range e.nearMisses() {
			if n.Field == tc.field {
				got = n.Why
			}
		}
		if got != tc.why && !(tc.field == "mobile" && strings.HasPrefix(got, tc.why)) {
			t.Errorf("%s %s\nsays of %s: %s\nwant %s", tc.route, tc.body, tc.field, got, tc.why)
		}
	}
}

func TestClock(t *testing.T) {
	b := newBench(t)
	c, other := b.client(1, true), b.client(2, true)
	same := b.client(1, true) // of the same book
	set := func(body string) clockView {
		t.Helper()
		data, err := b.do(c, "POST /_sandbox/clock", object(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return data.(clockView)
	}
	is := func(what string, got clockView, at string, frozen bool) {
		t.Helper()
		want, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got != (clockView{wire.Millis(want.UnixMilli()), frozen, false}) {
			t.Errorf("%s: %v, frozen %t, real %t", what, time.UnixMilli(int64(got.Now)).UTC(), got.Frozen, got.Real)
		}
	}
	q := func(c *store.Client) *Request { return b.Begin(c, "", nil, "") }
	if data, _ := b.do(c, "GET /_sandbox/clock", object(`{}`)); data != (clockView{wire.Millis(b.clock.now().UnixMilli()), false, true}) {
		t.Errorf("before it is set: %v", data)
	}
	is("frozen", set(`{"at":"2027-02-01T00:00:00Z","frozen":true}`), "2027-02-01T00:00:00Z", true)
	b.clock.advance(time.Hour)
	is("an hour later", set(`{}`), "2027-02-01T00:00:00Z", true)
	is("advanced", set(`{"advance":"36h"}`), "2027-02-02T12:00:00Z", true)
	is("running", set(`{"frozen":false}`), "2027-02-02T12:00:00Z", false)
	b.clock.advance(time.Minute)
	is("a minute later", set(`{}`), "2027-02-02T12:01:00Z", false)
	if !q(same).Now().Equal(q(c).Now()) || !q(other).Now().Equal(b.clock.now()) {
		t.Error("the clock is not the book's, or another's too")
	}

	// Ids are of the book's time, also when it goes back, and differ all the same.
	seen := map[wire.ID]bool{}
	for _, at := range []string{"2027-02-01T00:00:00Z", "2020-01-01T00:00:00Z", "2027-02-01T00:00:00Z", "2020-01-01T00:00:00Z"} {
		set(`{"at":"` + at + `","frozen":true}`)
		for range 1000 {
			id := q(c).IDs(b.ids).New()
			if second := time.Unix(int64(id[0])<<24|int64(id[1])<<16|int64(id[2])<<8|int64(id[3]), 0).UTC().Format(time.RFC3339); second != at || seen[id] {
				t.Fatalf("the id %s at %s is of %s, there before: %t", id, at, second, seen[id])
			}
			seen[id] = true
		}
	}
	for _, body := range []string{`{"at":"tomorrow"}`, `{"at":"2200-01-01T00:00:00Z"}`, `{"advance":"-1h"}`, `{"advance":"2000000h"}`, `{"frozen":"yes"}`, `{"frozen":1}`} {
		if _, err := b.do(c, "POST /_sandbox/clock", object(body)); err == nil {
			t.Errorf("%s is accepted", body)
		}
	}
	if _, err := b.do(c, "DELETE /_sandbox/clock", object(`{}`)); err != nil || !q(c).Now().Equal(b.clock.now()) || q(c).IDs(b.ids) != b.ids {
		t.Errorf("the real time is not back: %v", err)
	}
}

func TestFaultDraw(t *testing.T) {
	b := newBench(t)
	c, other := b.client(1, true), b.client(2, true)
	add := func(body string) {
		t.Helper()
		if _, err := b.do(c, "POST /_sandbox/faults", object(body)); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
	}
	hits := func(c *store.Client, op string, n int) (hit string) {
		for range n {
			if b.Begin(c, op, &http.Request{Method: "GET", URL: mustURL()}, "").fault != nil {
				hit += "x"
			} else {
				hit += "."
			}
		}
		return hit
	}
	add(`{"op":"POST /contacts/tag","code":"FAB","count":2}`)
	if got := hits(other, "POST /contacts/tag", 3) + hits(c, "GET /contacts/tag", 3) + hits(c, "POST /contacts/tag", 4); got != "......xx.." {
		t.Errorf("fail the next two: %s", got)
	}
	if q := b.Begin(c, "", nil, ""); q.fault != nil || q.entry != nil {
		t.Error("an op of the sandbox itself is broken, or noted")
	}
	b.do(c, "DELETE /_sandbox/faults", object(`{}`))
	var first string
	for i := range 2 {
		add(`{"probability":0.3,"drop":"after","seed":7}`)
		got := hits(c, "GET /contacts/tag", 200)
		if n := strings.Count(got, "x"); n < 30 || n > 90 {
			t.Errorf("of 200 with a probability of 0.3 %d hit", n)
		}
		if first == "" {
			first = got
		} else if got != first {
			t.Error("the same seed draws other requests")
		}
		data, err := b.do(c, "GET /_sandbox/faults", object(`{}`))
		list := data.([]fault)
		if err != nil || len(list) != 1 || list[0].Hits != strings.Count(got, "x") || list[0].ID != i+2 {
			t.Fatalf("listed: %v %v", list, err)
		}
		b.do(c, "DELETE /_sandbox/faults", object(fmt.Sprintf(`{"id":%d}`, i+2)))
	}
	if _, err := b.do(c, "DELETE /_sandbox/faults", object(`{"id":99}`)); err != error(wire.ErrNoRecord) {
		t.Errorf("one that is not there: %v", err)
	}
	for _, body := range []string{
		`{}`, `{"op":"POST /_sandbox/reset","code":"FAB"}`, `{"op":"tag","code":"FAB"}`, `{"code":"TXN"}`, `{"code":"XXX"}`, `{"code":"FAB","cut":true}`,
		`{"drop":"now"}`, `{"httpStatus":200}`, `{"latencyMs":0}`, `{"cut":true,"probability":0}`, `{"cut":true,"probability":1.5}`, `{"cut":true,"count":0}`, `{"cut":1}`,
	} {
		if _, err := b.do(c, "POST /_sandbox/faults", object(body)); err == nil {
			t.Errorf("%s is accepted", body)
		}
	}
	for range maxFaults {
		add(`{"cut":true}`)
	}
	if _, err := b.do(c, "POST /_sandbox/faults", object(`{"cut":true}`)); err != error(wire.ErrLimit) {
		t.Errorf("one too many: %v", err)
	}
}

// The journal is bounded in entries and bytes, of a client and of all.
func TestJournalIsBounded(t *testing.T) {
	b := newBench(t)
	note := func(c *store.Client, i, bytes int) {
		q := b.Begin(c, "GET /contacts/tag", &http.Request{Method: "GET", URL: mustURL()}, fmt.Sprint(i))
		q.Sent(make([]byte, bytes))
		q.Reply(200, make([]byte, bytes))
		q.Reply(200, make([]byte, bytes))
		q.End(wire.TXN, "", 0)
	}
	c := b.client(1, true)
	for i := range maxEntries + 10 {
		note(c, i, 1)
	}
	d := b.desk(c)
	if len(d.journal) != maxEntries || d.journal[0].Reference != "10" {
		t.Errorf("%d entries, from %s", len(d.journal), d.journal[0].Reference)
	}
	for i := range 100 {
		note(c, i, 80<<10)
	}
	if d.bytes > maxJournal || d.bytes != weigh(d) || int64(d.bytes) != b.desks.bytes.Load() {
		t.Errorf("%d bytes are kept, %d are counted, of all %d", weigh(d), d.bytes, b.desks.bytes.Load())
	}
	for user := range maxBytes/maxJournal + 3 {
		c := b.client(int64(100+user), true)
		for i := range 100 {
			note(c, i, 80<<10)
		}
	}
	if b.desks.bytes.Load() > maxBytes || b.desks.of[c.ID] != nil {
		t.Errorf("%d bytes are kept; the quiet client is still there: %t", b.desks.bytes.Load(), b.desks.of[c.ID] != nil)
	}
	total := 0
	for _, d := range b.desks.of {
		total += weigh(d)
	}
	if int64(total) != b.desks.bytes.Load() {
		t.Errorf("%d bytes are kept, %d are counted", total, b.desks.bytes.Load())
	}
}

func weigh(d *desk) (n int) {
	for _, e := range d.journal {
		n += e.weight()
	}
	return n
}

func TestQuote(t *testing.T) {
	if d := cmp.Diff(`'it'\''s $HOME'`, quote("it's $HOME")); d != "" {
		t.Error(d)
	}
}

func mustURL() *url.URL { return &url.URL{Path: "/contacts/tag"} }
