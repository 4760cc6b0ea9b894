package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestStrictJSON has bodies that lax decoders accept, beside what is still right.
func TestStrictJSON(t *testing.T) {
	nested := func(levels int) string { // levels of arrays in one object
		return `{"x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `,`
	}
	elements := func(n int) string { return `{"x":[0` + strings.Repeat(",0", n-1) + `],` }
	// keys has n in all: those of the tag too.
	keys := func(n int) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range n - 2 {
			fmt.Fprintf(&b, `"k%d":0,`, i)
		}
		return b.String()
	}
	const tag = `"name":"NAME","hexColorCode":"#FF1934"}`
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		for _, v := range []struct{ name, body string }{
			{"empty", ""},
			{"blank", " \r\n\t"},
			{"null", "null"},
			{"string", `"name"`},
			{"number", "5"},
			{"array", "[]"},
			{"array of a tag", "[{" + tag + "]"},
			{"cut off", `{"name":"NAME","hexColorCode":"#FF1934"`},
			{"byte order mark", "\ufeff{" + tag},
			{"trailing value", "{" + tag + "{}"},
			{"trailing letter", "{" + tag + "x"},
			{"trailing NUL", "{" + tag + "\x00"},
			{"trailing brace", "{" + tag + "}"},
			{"trailing comma", `{"name":"NAME","hexColorCode":"#FF1934",}`},
			{"single quotes", `{'name':'NAME','hexColorCode':'#FF1934'}`},
			{"bare key", `{name:"NAME","hexColorCode":"#FF1934"}`},
			{"comment", "{/* */" + tag},
			{"form", "name=NAME&hexColorCode=%23FF1934"},
			{"duplicate key", `{"name":"NAME",` + tag},
			{"duplicate key of equal value", `{"hexColorCode":"#FF1934",` + tag},
			{"escaped duplicate", `{"\u006eame":"NAME",` + tag},
			{"both escaped", `{"n\u0061me":"NAME","\u006eame":"NAME","hexColorCode":"#FF1934"}`},
			{"duplicate of an unknown key", `{"x":1,"x":1,` + tag},
			{"duplicate inside an unknown key", `{"x":[{"a":1,"a":1}],` + tag},
			{"invalid UTF-8", "{\"x\":\"\xff\"," + tag},
			{"overlong UTF-8", "{\"x\":\"\xc0\xaf\"," + tag},
			{"surrogate in UTF-8", "{\"x\":\"\xed\xa0\x80\"," + tag},
			{"Latin-1", "{\"x\":\"caf\xe9\"," + tag},
			{"invalid UTF-8 in a key", "{\"\xff\":1," + tag},
			{"lone high surrogate", `{"x":"\ud83d",` + tag},
			{"lone low surrogate", `{"x":"\ude00",` + tag},
			{"surrogates reversed", `{"x":"\ude00\ud83d",` + tag},
			{"NUL in a string", "{\"x\":\"a\x00b\"," + tag},
			{"newline in a string", "{\"x\":\"a\nb\"," + tag},
			{"unknown escape", `{"x":"\x41",` + tag},
			{"leading zero", `{"x":01,` + tag},
			{"plus sign", `{"x":+1,` + tag},
			{"no digit after the point", `{"x":1.,` + tag},
			{"NaN", `{"x":NaN,` + tag},
			{"True", `{"x":True,` + tag},
			{"17 levels", nested(17) + tag},
			{"10,000 levels", nested(10000) + tag},
			{"1,001 elements", elements(1001) + tag},
			{"201 keys", keys(201) + tag},
			{"201 keys inside", `{"x":` + keys(201) + `"a":1,"b":1},` + tag},
		} {
			section(t, s, v.name, func(t *testing.T) {
				for _, op := range []struct{ route, key, value string }{
					{"POST /contacts/tag", "name", "Refused"},
					{"GET /contacts/person", "gcId", b.contactID},
					{"DELETE /contacts/profile", "contactId", b.contactID},
				} {
					body := strings.NewReplacer("name", op.key, "n\\u0061me", op.key[:1]+fmt.Sprintf("\\u%04x", op.key[1])+op.key[2:],
						"\\u006eame", fmt.Sprintf("\\u%04x", op.key[0])+op.key[1:], "NAME", op.value).Replace(v.body)
					if op.key != "name" && strings.TrimSpace(body) == "" {
						continue // no error there
					}
					b.refuseOnly(t, op.route, b.request(b.c, methodOf(op.route), pathOf(op.route), body), badBody, notJSON)
				}
				b.unchanged(t, "one of them")
			})
		}
		for i, v := range []struct{ name, body string }{
			{"blanks around", " \r\n\t{" + tag + "\n \n"},
			{"blanks within", "{ \"x\" : [ 1 , 2 ] ,\n" + tag},
			{"escaped key", `{"\u006eame":"NAME","hexColorCode":"\u0023FF1934"}`},
			{"keys that differ in case", `{"Name":1,"NAME":2,` + tag},
			{"surrogate pair", `{"x":"\ud83d\ude00",` + tag},
			{"every escape", `{"x":"\"\\\/\b\f\n\r\t\u00e9",` + tag},
			{"numbers of any size", `{"x":[1e999,-0.0,123456789012345678901234567890,1E+2],` + tag},
			{"16 levels", nested(16) + tag},
			{"1,000 elements", elements(1000) + tag},
			{"200 keys", keys(200) + tag},
		} {
			name := fmt.Sprint("Accepted ", i)
			if r := b.call(b.c, "POST", "/contacts/tag", strings.ReplaceAll(v.body, "NAME", name)); r.Code != "TXN" || r.object()["name"] != name {
				t.Errorf("%s: %s", v.name, r.Raw)
			}
		}
		// An escaped NUL is JSON, but no value.
		b.state = b.snapshot()
		b.refuse(t, "escaped NUL", b.request(b.c, "POST", "/contacts/tag", `{"name":"a\u0000b","hexColorCode":"#FF1934"}`), badField, "The name format is invalid.")
	})
}
