package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// addContact is the documented Add Contact body (samples/profile-add.request.json of the contract).
const addContact = `{
  "name": "Sample Name",
  "email": "help@instantpay.in",
  "mobile": "7428585742",
  "companyName": "Business Name",
  "tagDetails": [
    {
      "tagId": "645b280e95335f08eb021aa2"
    }
  ]
}
`

// The reasons of the rules that encoding/json does not have.
const (
	duplicateKey = "duplicate key"
	invalidUTF8  = "invalid UTF-8"
	surrogate    = "unpaired surrogate"
	levels       = "too many levels"
	elements     = "too many elements or keys"
)

// reasons are all that a SyntaxError may say: anything else could be content of the body.
var reasons = []string{
	duplicateKey, invalidUTF8, surrogate, levels, elements,
	"content after the value",
	"expected a colon",
	"expected a comma or the end of the array or object",
	"expected a digit",
	"expected a hexadecimal digit",
	"expected a key in double quotes",
	"expected a value",
	"unescaped control character",
	"unexpected end",
	"unknown escape",
}

// A document's tree in terms of any: nil, bool, json.Number, string, []any and object.
type (
	object []pair
	pair   struct {
		Key   string
		Value any
	}
)

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(p.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.Value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// tree reads v through its exported methods only.
func tree(v Value) any {
	switch v.Kind() {
	case Null:
		return nil
	case Bool:
		return v.Bool()
	case Number:
		return json.Number(v.Text())
	case String:
		return v.Text()
	case Array:
		list := []any{}
		for i := range v.Len() {
			list = append(list, tree(v.At(i)))
		}
		return list
	case Object:
		members := object{}
		for key, value := range v.Members() {
			members = append(members, pair{key, tree(value)})
		}
		return members
	}
	return v.Kind().String()
}

func TestDecodeAccepts(t *testing.T) {
	tests := []struct {
		name string
		body string
		want any
	}{
		{"null", `null`, nil},
		{"true", `true`, true},
		{"false", `false`, false},
		{"empty string", `""`, ""},
		{"empty array", `[]`, []any{}},
		{"empty array with white space", "[ \n ]", []any{}},
		{"empty object", `{}`, object{}},
		{"empty object with white space", "{\t\r\n }", object{}},
		{"all white space everywhere", " \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n} \t\r\n",
			object{{"a", []any{json.Number("1"), json.Number("2")}}}},
		{"mixed array", `[null,true,false,0,"",[],{}]`,
			[]any{nil, true, false, json.Number("0"), "", []any{}, object{}}},
		{"members stay in order", `{"b":1,"a":2,"":3}`,
			object{{"b", json.Number("1")}, {"a", json.Number("2")}, {"", json.Number("3")}}},
		{"keys that differ in case only", `{"name":1,"Name":2,"NAME":3}`,
			object{{"name", json.Number("1")}, {"Name", json.Number("2")}, {"NAME", json.Number("3")}}},
		{"keys that are equal only when normalised", `{"\u00e9":1,"e\u0301":2}`,
			object{{"é", json.Number("1")}, {"e\u0301", json.Number("2")}}},
		{"same key in different objects", `{"a":{"a":{"a":0}}}`, object{{"a", object{{"a", object{{"a", json.Number("0")}}}}}}},
		{"same key in neighbours", `[{"a":0},{"a":1}]`,
			[]any{object{{"a", json.Number("0")}}, object{{"a", json.Number("1")}}}},
		{"key as value", `{"a":"a"}`, object{{"a", "a"}}},

		{"zero", `0`, json.Number("0")},
		{"minus zero", `-0`, json.Number("-0")},
		{"integer", `-1234567890`, json.Number("-1234567890")},
		{"fraction", `0.10`, json.Number("0.10")},
		{"exponent", `1e5`, json.Number("1e5")},
		{"exponents in full", `[1E5,0e+0,0E-0,-1.50e+007]`,
			[]any{json.Number("1E5"), json.Number("0e+0"), json.Number("0E-0"), json.Number("-1.50e+007")}},
		{"number of more digits than float64", `12345678901234567890.12345678901234567890`,
			json.Number("12345678901234567890.12345678901234567890")},
		{"number over float64's range", `1e999999`, json.Number("1e999999")},

		{"all short escapes", `"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{"escape at the start, inside and at the end", `"\nab\ncd\n"`, "\nab\ncd\n"},
		{"hexadecimal in both cases", `"\u00e9\u00E9\u20aC"`, "éé€"},
		{"escaped letter", `"\u0041BC"`, "ABC"},
		{"escaped NUL", `"a\u0000b"`, "a\x00b"},
		{"escaped NUL in a key", `{"\u0000":0}`, object{{"\x00", json.Number("0")}}},
		{"escaped control characters", `"\u0001\u001f\u007f"`, "\x01\x1f\x7f"},
		{"escaped backslash before u", `"\\u0041"`, `\u0041`},
		{"escaped backslash before the end", `["\\"]`, []any{`\`}},
		{"surrogate pair", `"\ud83d\ude00"`, "😀"},
		{"first and last surrogate pair", `"\uD800\uDC00\uDBFF\uDFFF"`, "\U00010000\U0010FFFF"},
		{"next to the surrogates", `"\ud7ff\ue000"`, "\ud7ff\ue000"},
		{"two pairs", `"\ud83d\ude00\ud83d\ude01"`, "😀😁"},
		{"non-characters", `"\uffff\ufdd0\ufffe"`, "\uffff\ufdd0\ufffe"},
		{"replacement character, raw and escaped", `"` + "\ufffd" + `\ufffd"`, "\ufffd\ufffd"},
		{"raw text of two, three and four bytes", `"é€😀"`, "é€😀"},
		{"raw text after an escape", `"\té€😀"`, "\té€😀"},
		{"raw delete", "\"\x7f\"", "\x7f"},
		{"raw C1 control characters", "\"\u0080\u009f\"", "\u0080\u009f"},
		{"raw line separators", "\"\u2028\u2029\"", "\u2028\u2029"},
		{"raw byte order mark in a string", "\"\ufeff\"", "\ufeff"},
		{"comment signs in a string", `"/* // # */"`, "/* // # */"},
		{"brackets and quotes in a string", `"[{\"]},:"`, `[{"]},:`},

		{"documented body", addContact, object{
			{"name", "Sample Name"}, {"email", "help@instantpay.in"}, {"mobile", "7428585742"},
			{"companyName", "Business Name"}, {"tagDetails", []any{object{{"tagId", "645b280e95335f08eb021aa2"}}}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := Decode([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, tree(v)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			compare(t, []byte(test.body))
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	const (
		end     = "unexpected end"
		value   = "expected a value"
		key     = "expected a key in double quotes"
		colon   = "expected a colon"
		comma   = "expected a comma or the end of the array or object"
		trail   = "content after the value"
		digit   = "expected a digit"
		hex     = "expected a hexadecimal digit"
		control = "unescaped control character"
		escape  = "unknown escape"
	)
	tests := []struct {
		name   string
		body   string
		offset int
		reason string
	}{
		{"nothing", "", 0, end},
		{"white space only", " \n", 2, end},
		{"byte order mark", "\ufeff{}", 0, value},
		{"UTF-16", "{\x00}\x00", 1, key},
		{"NUL", "\x00", 0, value},
		{"vertical tab as white space", "\v1", 0, value},
		{"form feed as white space", "[\f1]", 1, value},
		{"no-break space as white space", "[\u00a01]", 1, value},
		{"no-break space before a comma", "[1\u00a0]", 2, comma},
		{"line comment", "1 // x", 2, trail},
		{"block comment", "[/* x */1]", 1, value},
		{"hash comment", "{# x\n}", 1, key},

		{"two values", "1 2", 2, trail},
		{"two objects", "{}{}", 2, trail},
		{"closing bracket too many", "[]]", 2, trail},
		{"closing brace too many", "{}}", 2, trail},
		{"comma after the value", "1,", 1, trail},
		{"NUL after the value", "{}\x00", 2, trail},
		{"quote after the value (the documented slip)", "{}'", 2, trail},

		{"open array", "[", 1, end},
		{"open array after a value", "[1", 2, end},
		{"open array after a comma", "[1,", 3, end},
		{"array with trailing comma", "[1,]", 3, value},
		{"array with leading comma", "[,1]", 1, value},
		{"array with two commas", "[1,,2]", 3, value},
		{"array with only a comma", "[,]", 1, value},
		{"array without commas", "[1 2]", 3, comma},
		{"array with a colon", "[1:2]", 2, comma},
		{"array with a key", `["a":1]`, 4, comma},
		{"array closed by a brace", "[1}", 2, comma},
		{"empty array closed by a brace", "[}", 1, value},

		{"open object", "{", 1, end},
		{"open object after a key", `{"a"`, 4, end},
		{"open object after a colon", `{"a":`, 5, end},
		{"open object after a value", `{"a":1`, 6, end},
		{"open object after a comma", `{"a":1,`, 7, end},
		{"object with trailing comma", `{"a":1,}`, 7, key},
		{"object with leading comma", `{,"a":1}`, 1, key},
		{"object with two commas", `{"a":1,,"b":2}`, 7, key},
		{"object with a semicolon", `{"a":1;"b":2}`, 6, comma},
		{"object without commas", `{"a":1 "b":2}`, 7, comma},
		{"object closed by a bracket", `{"a":1]`, 6, comma},
		{"empty object closed by a bracket", `{]`, 1, key},
		{"no colon", `{"a" 1}`, 5, colon},
		{"equals sign", `{"a"=1}`, 4, colon},
		{"two colons", `{"a"::1}`, 5, value},
		{"no value", `{"a":}`, 5, value},
		{"key alone", `{"a"}`, 4, colon},
		{"key without quotes", `{a:1}`, 1, key},
		{"key in single quotes", `{'a':1}`, 1, key},
		{"number as key", `{1:1}`, 1, key},
		{"null as key", `{null:1}`, 1, key},

		{"wrong case", "True", 0, value},
		{"wrong case inside", "nULL", 1, value},
		{"cut literal", "tru", 3, end},
		{"cut literal in an array", "[fals]", 5, value},
		{"longer literal", "nulls", 4, trail},
		{"undefined", "undefined", 0, value},

		{"NaN", "NaN", 0, value},
		{"Infinity", "Infinity", 0, value},
		{"minus Infinity", "-Infinity", 1, value},
		{"minus alone", "-", 1, end},
		{"minus before a space", "- 1", 1, value},
		{"two minus signs", "--1", 1, value},
		{"leading plus", "+1", 0, value},
		{"leading zero", "01", 1, trail},
		{"leading zero in an array", "[01]", 2, comma},
		{"leading zero after minus", "-01", 2, trail},
		{"two zeros", "00", 1, trail},
		{"fraction only", ".5", 0, value},
		{"minus and fraction only", "-.5", 1, value},
		{"dot at the end", "1.", 2, end},
		{"dot before a bracket", "[1.]", 3, digit},
		{"dot before the exponent", "1.e1", 2, digit},
		{"two dots", "1.2.3", 3, trail},
		{"exponent cut", "1e", 2, end},
		{"exponent cut after its sign", "1e+", 3, end},
		{"exponent without digits", "[1e]", 3, digit},
		{"exponent with two signs", "1e+-1", 3, digit},
		{"exponent with a fraction", "1e1.5", 3, trail},
		{"hexadecimal number", "0x1F", 1, trail},
		{"digit separator", "1_000", 1, trail},
		{"full-width digit", "１", 0, value},

		{"open string", `"`, 1, end},
		{"open string with text", `"abc`, 4, end},
		{"open string with an escape", `"\n`, 3, end},
		{"open string after a backslash", `"\`, 2, end},
		{"open string by an escaped quote", `"\"`, 3, end},
		{"open string in an escape", `"\u12`, 5, end},
		{"single quotes", `'a'`, 0, value},
		{"raw newline", "\"a\nb\"", 2, control},
		{"raw tab", "\"\t\"", 1, control},
		{"raw NUL", "\"\x00\"", 1, control},
		{"raw 1F", "\"\x1f\"", 1, control},
		{"raw newline after an escape", "\"\\n\n\"", 3, control},
		{"raw newline in a key", "{\"a\n\":1}", 3, control},
		{"escape x", `"\x41"`, 2, escape},
		{"escape v", `"\v"`, 2, escape},
		{"escape zero", `"\0"`, 2, escape},
		{"escape single quote", `"\'"`, 2, escape},
		{"escape capital U", `"\U0041"`, 2, escape},
		{"escape capital N", `"\N"`, 2, escape},
		{"escaped newline", "\"\\\n\"", 2, escape},
		{"escaped raw NUL", "\"\\\x00\"", 2, escape},
		{"escape of a non-ASCII character", `"\é"`, 2, escape},
		{"escape with three digits", `"\u004"`, 6, hex},
		{"escape with a wrong digit", `"\u00g0"`, 5, hex},
		{"escape with braces", `"\u{41}"`, 3, hex},
		{"escape with a sign", `"\u+041"`, 3, hex},
		{"wrong digit in the second of a pair", `"\ud83d\udz00"`, 10, hex},

		{"high surrogate alone", `"\ud83d"`, 1, surrogate},
		{"low surrogate alone", `"\ude00"`, 1, surrogate},
		{"first high surrogate alone", `"\ud800"`, 1, surrogate},
		{"last high surrogate alone", `"\udbff"`, 1, surrogate},
		{"first low surrogate alone", `"\udc00"`, 1, surrogate},
		{"last low surrogate alone", `"\udfff"`, 1, surrogate},
		{"capital hexadecimal", `"\uD83D"`, 1, surrogate},
		{"reversed pair", `"\ude00\ud83d"`, 1, surrogate},
		{"two high surrogates", `"\ud83d\ud83d"`, 1, surrogate},
		{"two low surrogates", `"\ude00\ude00"`, 1, surrogate},
		{"pair and a low surrogate", `"\ud83d\ude00\ude00"`, 13, surrogate},
		{"high surrogate and a pair", `"\ud83d\ud83d\ude00"`, 1, surrogate},
		{"high surrogate before text", `"\ud83dx"`, 1, surrogate},
		{"high surrogate before an escape", `"\ud83d\n"`, 1, surrogate},
		{"high surrogate before an escaped backslash", `"\ud83d\\ude00"`, 1, surrogate},
		{"high surrogate before another escaped character", `"\ud83d\u0041"`, 1, surrogate},
		{"pair that is torn apart", `"\ud83d \ude00"`, 1, surrogate},
		{"pair over two strings", `["\ud83d","\ude00"]`, 2, surrogate},
		{"lone surrogate in a key", `{"\ud83d":1}`, 2, surrogate},
		{"high surrogate before raw text of the astral planes", `"\ud83d😀"`, 1, surrogate},

		{"stray continuation byte", "\"\x80\"", 1, invalidUTF8},
		{"sequence cut by the quote", "\"\xe2\x82\"", 1, invalidUTF8},
		{"sequence cut by the end", "\"\xe2\x82", 1, invalidUTF8},
		{"Latin-1", "\"caf\xe9\"", 4, invalidUTF8},
		{"overlong of two bytes", "\"\xc0\xaf\"", 1, invalidUTF8},
		{"overlong NUL", "\"\xc0\x80\"", 1, invalidUTF8},
		{"overlong of three bytes", "\"\xe0\x80\xaf\"", 1, invalidUTF8},
		{"overlong of four bytes", "\"\xf0\x80\x80\xaf\"", 1, invalidUTF8},
		{"high surrogate in UTF-8", "\"\xed\xa0\xbd\"", 1, invalidUTF8},
		{"pair in UTF-8 (CESU-8)", "\"\xed\xa0\xbd\xed\xb8\x80\"", 1, invalidUTF8},
		{"over U+10FFFF", "\"\xf4\x90\x80\x80\"", 1, invalidUTF8},
		{"five bytes", "\"\xf8\x88\x80\x80\x80\"", 1, invalidUTF8},
		{"byte FF", "\"\xff\"", 1, invalidUTF8},
		{"after a true replacement character", "\"\ufffd\xff\"", 4, invalidUTF8},
		{"in a key", "{\"\xff\":1}", 2, invalidUTF8},
		{"outside of strings", "[1\xff]", 2, invalidUTF8},
		{"after the value", "{}\xff", 2, invalidUTF8},
		{"UTF-16 with its mark", "\xff\xfe{\x00}\x00", 0, invalidUTF8},

		{"duplicate key", `{"a":1,"a":2}`, 7, duplicateKey},
		{"duplicate key with equal values", `{"a":1,"a":1}`, 7, duplicateKey},
		{"duplicate key, not adjacent", `{"a":1,"b":2,"a":3}`, 13, duplicateKey},
		{"duplicate key, second escaped", `{"a":1,"\u0061":2}`, 7, duplicateKey},
		{"duplicate key, first escaped", `{"\u0061":1,"a":2}`, 12, duplicateKey},
		{"duplicate key, raw and pair", `{"😀":1,"\ud83d\ude00":2}`, 10, duplicateKey},
		{"duplicate key, slash", `{"/":1,"\/":2}`, 7, duplicateKey},
		{"duplicate empty key", `{"":1,"":2}`, 6, duplicateKey},
		{"duplicate key inside", `[{"x":{"a":1,"a":2}}]`, 13, duplicateKey},
		{"duplicate key after an inner object with it", `{"a":{"a":1},"a":2}`, 13, duplicateKey},
		{"duplicate of the first of 200 keys", withoutEnd(keys(199)) + `,"0":0}`, len(keys(199)), duplicateKey},
		{"duplicate of the last of 200 keys", withoutEnd(keys(199)) + `,"198":0}`, len(keys(199)), duplicateKey},
	}
	stricter := []string{duplicateKey, invalidUTF8, surrogate}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := Decode([]byte(test.body))
			checkError(t, []byte(test.body), v, err)
			var syntax *SyntaxError
			if errors.As(err, &syntax) && (syntax.Offset != test.offset || syntax.Reason != test.reason) {
				t.Errorf("got %q at %d, want %q at %d", syntax.Reason, syntax.Offset, test.reason, test.offset)
			}
			if json.Valid([]byte(test.body)) && !slices.Contains(stricter, test.reason) {
				t.Error("encoding/json accepts it")
			}
			compare(t, []byte(test.body))
		})
	}
}

// keys returns an object of n keys.
func keys(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%d":0`, i)
	}
	b.WriteByte('}')
	return b.String()
}

func withoutEnd(s string) string { return s[:len(s)-1] }

func repeat(s string, n int) string {
	return strings.Join(slices.Repeat([]string{s}, n), ",")
}

func TestDecodeLimits(t *testing.T) {
	arrays := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	tests := []struct {
		name   string
		body   string
		reason string // "" for accepted
	}{
		{"16 arrays", arrays(16), ""},
		{"17 arrays", arrays(17), levels},
		{"16 objects", objects(16), ""},
		{"17 objects", objects(17), levels},
		{"16 of both", strings.Repeat(`[{"a":`, 8) + "1" + strings.Repeat("}]", 8), ""},
		{"17 of both, array last", strings.Repeat(`[{"a":`, 8) + "[]" + strings.Repeat("}]", 8), levels},
		{"17 of both, object last", strings.Repeat(`{"a":[`, 8) + "{}" + strings.Repeat("]}", 8), levels},
		{"16 levels many times", "[" + repeat(arrays(15), 1000) + "]", ""},
		{"17 levels late", "[" + repeat(arrays(15), 99) + "," + arrays(16) + "]", levels},
		{"opening brackets only", strings.Repeat("[", 256<<10), levels},
		{"opening braces only", strings.Repeat(`{"a":`, 50<<10), levels},

		{"1,000 elements", "[" + repeat("0", 1000) + "]", ""},
		{"1,001 elements", "[" + repeat("0", 1001) + "]", elements},
		{"1,001 elements, the last one broken", "[" + repeat("0", 1000) + ",x]", elements},
		{"1,000 elements and a trailing comma", "[" + repeat("0", 1000) + ", ", "unexpected end"},
		{"1,001 elements inside", `{"a":[[` + repeat("{}", 1001) + "]]}", elements},
		{"1,000 elements after another array of them", "[" + repeat("["+repeat("0", 1000)+"]", 2) + "]", ""},
		{"1,000 elements before the last one", "[" + repeat("0", 999) + ",[" + repeat("0", 1000) + "]]", ""},

		{"200 keys", keys(200), ""},
		{"201 keys", keys(201), elements},
		{"200 keys and a duplicate", withoutEnd(keys(200)) + `,"0":0}`, elements},
		{"200 keys inside", "[" + repeat(keys(200), 3) + "]", ""},
		{"201 keys inside", "[" + repeat(keys(201), 3) + "]", elements},
		{"200 keys that differ in case only",
			withoutEnd(strings.ReplaceAll(keys(100), `":`, `k":`)) + "," + strings.ReplaceAll(keys(100), `":`, `K":`)[1:], ""},
		{"200 keys as the last of 200", withoutEnd(keys(199)) + `,"x":` + keys(200) + "}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := Decode([]byte(test.body))
			if test.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
			} else {
				checkError(t, []byte(test.body), v, err)
				var syntax *SyntaxError
				if errors.As(err, &syntax) && syntax.Reason != test.reason {
					t.Errorf("got %q, want %q", syntax.Reason, test.reason)
				}
			}
			compare(t, []byte(test.body))
		})
	}
}

// TestDecodeEveryByte checks each byte value in each place against what RFC 8259 says of it.
func TestDecodeEveryByte(t *testing.T) {
	for b := range 256 {
		c := string([]byte{byte(b)})
		for _, test := range []struct {
			place  string
			body   string
			accept bool
		}{
			{"before the value", c + "[1]", strings.Contains(" \t\r\n", c)},
			{"after the value", "[1]" + c, strings.Contains(" \t\r\n", c)},
			{"between tokens", "[1," + c + "[]]", strings.Contains(" \t\r\n", c)},
			{"in a string", `"a` + c + `z"`, b >= 0x20 && b < 0x80 && c != `"` && c != `\`},
			{"in a key", `{"a` + c + `z":1}`, b >= 0x20 && b < 0x80 && c != `"` && c != `\`},
			{"behind a backslash", `"\` + c + `"`, strings.Contains(`"\/bfnrt`, c)},
			{"behind a digit", "[1" + c + "]", strings.Contains(" \t\r\n0123456789", c)},
			{"behind a zero", "[0" + c + "]", strings.Contains(" \t\r\n", c)},
			{"as a hexadecimal digit", `"\u00` + c + `0"`, strings.Contains("0123456789abcdefABCDEF", c)},
		} {
			v, err := Decode([]byte(test.body))
			if (err == nil) != test.accept {
				t.Errorf("byte %#02x %s: %v", b, test.place, err)
			}
			if err != nil {
				checkError(t, []byte(test.body), v, err)
			}
			compare(t, []byte(test.body))
		}
	}
}

// TestDecodeEveryEscape decodes every \u escape and compares it with unicode/utf16.
func TestDecodeEveryEscape(t *testing.T) {
	for r := range rune(0x10000) {
		v, err := Decode(fmt.Appendf(nil, `"\u%04x"`, r))
		if utf16.IsSurrogate(r) != (err != nil) || err == nil && v.Text() != string(r) {
			t.Fatalf("U+%04X: %q, %v", r, v.Text(), err)
		}
	}
	for r := rune(0x10000); r <= utf8.MaxRune; r += 251 {
		high, low := utf16.EncodeRune(r)
		v, err := Decode(fmt.Appendf(nil, `"\u%04x\u%04X"`, high, low))
		if err != nil || v.Text() != string(r) {
			t.Fatalf("U+%04X: %q, %v", r, v.Text(), err)
		}
	}
}

func TestDecodeCutBody(t *testing.T) {
	body := strings.TrimSpace(addContact)
	for i := range body {
		var syntax *SyntaxError
		_, err := Decode([]byte(body[:i]))
		if !errors.As(err, &syntax) || syntax.Offset != i || syntax.Reason != "unexpected end" {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestDecodeBodyReused(t *testing.T) {
	body := []byte(`{"plain":"text","esc\u0061ped":"\u0041","number":12.5,"list":["a","b"]}`)
	v, err := Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'x'
	}
	want := object{{"plain", "text"}, {"escaped", "A"}, {"number", json.Number("12.5")}, {"list", []any{"a", "b"}}}
	if diff := cmp.Diff(want, tree(v)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// TestSyntaxErrorSaysNothing breaks a body full of a marker in every place.
func TestSyntaxErrorSaysNothing(t *testing.T) {
	body := strings.NewReplacer("name", "zqzq", "Sample", "zqzq", "tagId", `\u007aqzq`).Replace(addContact)
	plain := regexp.MustCompile(`^invalid JSON at byte [0-9]+: [A-Za-y8 -]+$`) // no z: the marker has one
	for i := range body {
		for _, wrong := range []string{"z", "\x00", "\xff", `"`, `\`, "}", ","} {
			_, err := Decode([]byte(body[:i] + wrong + body[i:]))
			if err != nil && !plain.MatchString(err.Error()) {
				t.Errorf("%q at %d: %v", wrong, i, err)
			}
		}
	}
	if got, want := (&SyntaxError{Offset: 12, Reason: duplicateKey}).Error(), "invalid JSON at byte 12: duplicate key"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestValue(t *testing.T) {
	v, err := Decode([]byte(`{"s":"text","n":-1.50,"t":true,"f":false,"z":null,"a":["x",{"k":"deep"}],"o":{"k":"v"}}`))
	if err != nil {
		t.Fatal(err)
	}
	type facts struct {
		Kind string
		Text string
		Bool bool
		Len  int
	}
	for key, want := range map[string]facts{
		"s":      {"string", "text", false, 0},
		"n":      {"number", "-1.50", false, 0},
		"t":      {"bool", "", true, 0},
		"f":      {"bool", "", false, 0},
		"z":      {"null", "", false, 0},
		"a":      {"array", "", false, 2},
		"o":      {"object", "", false, 1},
		"S":      {"missing", "", false, 0},
		"absent": {"missing", "", false, 0},
		"":       {"missing", "", false, 0},
	} {
		member := v.Get(key)
		got := facts{member.Kind().String(), member.Text(), member.Bool(), member.Len()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("member %q (-want +got):\n%s", key, diff)
		}
		if got, want := member.Get("k").Text() == "v", key == "o"; got != want {
			t.Errorf("member %q: Get found something: %t", key, got)
		}
		if got, want := member.At(0).Text() == "x", key == "a"; got != want {
			t.Errorf("member %q: At found something: %t", key, got)
		}
		for range member.Members() {
			if key != "o" {
				t.Errorf("member %q: Members yields", key)
			}
		}
	}
	if got := v.Get("a").At(1).Get("k").Text(); got != "deep" {
		t.Errorf("nested text: %q", got)
	}
	for _, i := range []int{-1, 2} {
		if got := v.Get("a").At(i).Kind(); got != Missing {
			t.Errorf("element %d: %v", i, got)
		}
	}
	if got := v.At(0).Kind(); got != Missing {
		t.Errorf("element of an object: %v", got)
	}
	for key := range v.Members() {
		if key != "s" {
			t.Errorf("went on to %q after the break", key)
		}
		break
	}
	if got := Kind(200).String(); got != "unknown" {
		t.Errorf("kind 200: %q", got)
	}
	if got := (Value{}).Kind(); got != Missing {
		t.Errorf("zero Value: %v", got)
	}
}

func TestNew(t *testing.T) {
	members := []Member{{"a", NewString("1")}, {"b", NewArray(NewString("x"), NewString("y"))}, {"a", NewString("2")}}
	v := NewObject(members...)
	members[0] = Member{"changed", Value{}}
	want := object{{"a", "1"}, {"b", []any{"x", "y"}}, {"a", "2"}}
	if diff := cmp.Diff(want, tree(v)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	if got := v.Get("a").Text(); got != "1" {
		t.Errorf("first of two: %q", got)
	}
	for _, empty := range []Value{NewObject(), NewArray()} {
		if empty.Len() != 0 || empty.At(0).Kind() != Missing || empty.Get("").Kind() != Missing {
			t.Errorf("empty %v has something in it", empty.Kind())
		}
	}
}

// checkError checks what holds for every refusal.
func checkError(t rapid.TB, body []byte, v Value, err error) {
	t.Helper()
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("not a SyntaxError: %v", err)
	}
	if v.Kind() != Missing || v.Len() != 0 || v.Text() != "" {
		t.Errorf("a %v next to an error", v.Kind())
	}
	if syntax.Offset < 0 || syntax.Offset > len(body) {
		t.Errorf("offset %d in a body of %d", syntax.Offset, len(body))
	}
	if !slices.Contains(reasons, syntax.Reason) {
		t.Errorf("unknown reason %q", syntax.Reason)
	}
}

// judge is the independent judge: encoding/json's own view of body, and those of our stricter rules that it breaks.
func judge(body []byte) (root any, broken []string, valid bool) {
	if !json.Valid(body) {
		return nil, nil, false
	}
	if !utf8.Valid(body) {
		broken = append(broken, invalidUTF8)
	}
	if hasLoneSurrogate(body) {
		broken = append(broken, surrogate)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	token := func() json.Token {
		token, err := d.Token()
		if err != nil && err != io.EOF {
			panic(err) // cannot be: the body is valid
		}
		return token
	}
	var read func(level int) any
	read = func(level int) any {
		first := token()
		if _, ok := first.(json.Delim); ok && level > 16 {
			broken = append(broken, levels)
		}
		switch first {
		case json.Delim('['):
			list := []any{}
			for d.More() {
				list = append(list, read(level+1))
			}
			if token(); len(list) > 1000 {
				broken = append(broken, elements)
			}
			return list
		case json.Delim('{'):
			members, seen := object{}, map[string]bool{}
			for d.More() {
				key := token().(string)
				if seen[key] {
					broken = append(broken, duplicateKey)
				}
				seen[key] = true
				members = append(members, pair{key, read(level + 1)})
			}
			if token(); len(members) > 200 {
				broken = append(broken, elements)
			}
			return members
		}
		return any(first)
	}
	return read(1), broken, true
}

var (
	escapes = regexp.MustCompile(`(?s)\\u[0-9a-fA-F]{4}|\\.`)
	pairs   = regexp.MustCompile(`(?i)^\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}`)
	halves  = regexp.MustCompile(`(?i)^\\ud[89a-f]`)
)

// hasLoneSurrogate looks for a \u escape of a surrogate without its partner in valid JSON.
func hasLoneSurrogate(body []byte) bool {
	for {
		next := escapes.FindIndex(body)
		if next == nil {
			return false
		}
		rest := body[next[0]:]
		switch {
		case pairs.Match(rest):
			body = rest[12:]
		case halves.Match(rest):
			return true
		default:
			body = body[next[1]:]
		}
	}
}

// compare holds Decode against judge: it accepts exactly what encoding/json accepts and our rules allow, with an equal
// tree, and gives a broken rule as the reason for the rest.
func compare(t rapid.TB, body []byte) {
	t.Helper()
	v, err := Decode(body)
	root, broken, valid := judge(body)
	switch {
	case !valid || len(broken) > 0:
		if err == nil {
			t.Fatalf("accepted %.200q: valid for encoding/json: %t, broken rules: %q", body, valid, broken)
		}
		checkError(t, body, v, err)
		var syntax *SyntaxError
		if errors.As(err, &syntax) && valid && !slices.Contains(broken, syntax.Reason) {
			t.Errorf("refused %.200q for %q, broken rules: %q", body, syntax.Reason, broken)
		}
	case err != nil:
		t.Fatalf("refused %.200q: %v", body, err)
	default:
		// cmp.Diff alone takes seconds for the largest trees.
		if got := tree(v); !reflect.DeepEqual(root, got) {
			t.Errorf("tree of %.200q (-encoding/json +Decode):\n%s", body, cmp.Diff(root, got))
		}
	}
}

// TestDecodeSoup decodes random runs of tokens, most of them broken in some way.
func TestDecodeSoup(t *testing.T) {
	tokens := []string{
		"{", "}", "[", "]", ",", ":", `"`, `""`, `"a"`, `"A"`, `"\u0061"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"😀"`,
		`"a":`, `"b":`, `{"a":1}`, "[1]", "0", "-", "1", "0.5", "1e5", "01", "true", "false", "null", "nul", " ", "\n", "\f",
		"\ufeff", "\xff", "\x00", `\`, `\u`, "//",
	}
	rapid.Check(t, func(t *rapid.T) {
		soup := rapid.SliceOfN(rapid.SampledFrom(tokens), 0, 12).Draw(t, "soup")
		compare(t, []byte(strings.Join(soup, "")))
	})
}

// TestDecodeDamage decodes well-formed documents, with and without one change to their bytes.
func TestDecodeDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := encode(t, trees(4).Draw(t, "tree"))
		compare(t, body)
		at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "change") {
		case 0:
			body = slices.Delete(body, at, at+1)
		case 1:
			body[at] = rapid.Byte().Draw(t, "byte")
		case 2:
			body = slices.Insert(body, at, rapid.Byte().Draw(t, "byte"))
		}
		compare(t, body)
	})
}

func TestDecodeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root := trees(5).Draw(t, "tree")
		v, err := Decode(encode(t, root))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(root, tree(v)); diff != "" {
			t.Errorf("tree (-drawn +decoded):\n%s", diff)
		}
	})
}

// trees generates trees of at most depth levels that break no rule.
func trees(depth int) *rapid.Generator[any] {
	asAny := func(s string) any { return s }
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?`),
			func(s string) any { return json.Number(s) }),
		rapid.Map(rapid.String(), asAny),
		rapid.Map(rapid.StringOf(rapid.RuneFrom([]rune("\x00\x1f\"\\/<\u2028\uFFFD😀aé"))), asAny),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return trees(depth - 1) })
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(inner, 0, 8), func(list []any) any { return append([]any{}, list...) }),
		rapid.Custom(func(t *rapid.T) any {
			members := object{}
			for _, key := range rapid.SliceOfNDistinct(rapid.String(), 0, 8, rapid.ID[string]).Draw(t, "keys") {
				members = append(members, pair{key, inner.Draw(t, "value")})
			}
			return members
		}))...)
}

// encode marshals root, in one of the ways in which clients write JSON.
func encode(t *rapid.T, root any) []byte {
	body, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 1:
		var b bytes.Buffer
		if err := json.Indent(&b, body, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		return append(b.Bytes(), "\r\n"...)
	case 2: // ASCII only
		var b []byte
		for _, r := range string(body) {
			if r < utf8.RuneSelf {
				b = append(b, byte(r))
				continue
			}
			for _, unit := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04X`, unit)
			}
		}
		return b
	}
	return body
}

func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		addContact, ``, ` `, `{}`, `[]`, `[1,-0,0.5,1e5,1E-5]`, `{"a":{"b":[null,true,false]}}`,
		`{"a":1,"\u0061":2}`, `{"a":1,"A":2}`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\\ud83d"`, `"\u0000"`,
		"\"\xed\xa0\xbd\"", "\"\xc0\x80\"", "\xef\xbb\xbf{}", `[1,]`, `{"a":1,}`, `[01]`, `[+1]`, `[.5]`, `NaN`, `{}{}`,
		"\"\n\"", `"\n\"\/\b\f\r\t\u20aC"`, `[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]`, `[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]`,
		"[" + repeat("0", 1001) + "]", keys(201),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		compare(t, body)
		if !bytes.Equal(before, body) {
			t.Error("Decode has written to the body")
		}
	})
}

// hostile are legal bodies of about 256 KB that cost as much as possible.
func hostile() map[string][]byte {
	// Arrays of up to 1,000 units in one array.
	fill := func(unit string) []byte {
		perArray := min(1000, 250_000/(len(unit)+1))
		array := "[" + repeat(unit, perArray) + "]"
		return []byte("[" + repeat(array, max(1, 256<<10/len(array))) + "]")
	}
	longKeys := func(n, size int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%s%03d":0`, strings.Repeat("x", size), i)
		}
		return "{" + b.String()[1:] + "}"
	}
	return map[string][]byte{
		"zeros":         fill("0"),
		"empty arrays":  fill("[]"),
		"small arrays":  fill("[0]"),
		"lists of 17":   fill("[" + repeat("0", 17) + "]"),
		"lists of 33":   fill("[" + repeat("0", 33) + "]"),
		"deep arrays":   fill("[[[[[[[[[[[[[[]]]]]]]]]]]]]]"),
		"8 keys":        fill(longKeys(8, 0)),
		"20 keys":       fill(longKeys(20, 0)),
		"200 keys":      fill(longKeys(200, 0)),
		"200 long keys": []byte(longKeys(200, 1300)),
		"long string":   []byte(`"` + strings.Repeat("x", 256<<10) + `"`),
		"escapes":       []byte(`"` + strings.Repeat(`\u0041`, 256<<10/6) + `"`),
		"escaped strs":  fill(`"\n"`),
		"long number":   bytes.Repeat([]byte("1"), 256<<10),
		"spaces":        append(bytes.Repeat([]byte(" "), 256<<10), '1'),
	}
}

// TestDecodeMemory bounds what one body can make Decode allocate. The worst are arrays of one-digit numbers: 64 bytes of
// Member for two of the body.
func TestDecodeMemory(t *testing.T) {
	for name, body := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := Decode(body)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		runtime.KeepAlive(v)
		if got := (after.TotalAlloc - before.TotalAlloc) / uint64(len(body)); got > 48 {
			t.Errorf("%s: %d bytes allocated for each of the body", name, got)
		}
	}
}

func TestDecodeAllocations(t *testing.T) {
	body := []byte(addContact)
	got := testing.AllocsPerRun(100, func() {
		if _, err := Decode(body); err != nil {
			t.Fatal(err)
		}
	})
	if got > 2 { // the copy of the body and the members
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkDecode(b *testing.B) {
	benchmark(b, []byte(addContact))
}

func BenchmarkDecodeHostile(b *testing.B) {
	for name, body := range hostile() {
		b.Run(name, func(b *testing.B) { benchmark(b, body) })
	}
}

func benchmark(b *testing.B, body []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
