package book

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// goodValues are values of each kind of field, that fuzzing begins with.
var goodValues = map[string][]string{
	"id": {"645b280e95335f08eb021aa2", " 645B280E95335F08EB021AA2 "}, "array": {`[{"tagId":"645b280e95335f08eb021aa2"}]`}, "text": {"Sample Name", "नमस्ते"},
	"lines": {`"line\n\tand line\r\n"`}, "email": {"help@instantpay.in", `"\"a b\"@c.in"`, "संपर्क@उदाहरण.भारत"}, "phone": {"7428585742", "+44 20 7946 0958"},
	"callingCode": {"91", "+44"}, "boolean": {"true", "false"}, "integer": {"3", "500"}, "color": {"#FF1934"}, "pincode": {"110044"}, "country": {"IN", "GB"},
	"pan": {"AAOCS6028B"}, "cin": {"U72200MH2009PTC123456"}, "gstin": {"27AAPFU0939F1ZV"}, "tan": {"DELA12345B"}, "udyam": {"UDYAM-MH-18-0001234"},
	"upiId": {"valid@ybl"}, "accountNumber": {"000123456789"}, "accountIfsc": {"HDFC0001234"}, "coordinate": {"27.897394"},
	"choice": {"VPA", "account", " Wallet "},
}

// fieldNames are the op's fields that stand at the top of its input.
func fieldNames(op Op) (names []Field) {
	for _, f := range op.Fields() {
		if !strings.Contains(f.Name, ".") {
			names = append(names, f)
		}
	}
	return names
}

// bodyOf makes an op's body of lines, one for each field: JSON, or a text as it stands. What has no line is not there.
func bodyOf(t *testing.T, op Op, lines string) []byte {
	var members []string
	rest := strings.Split(lines, "\n")
	for i, f := range fieldNames(op) {
		if i >= len(rest) {
			break
		}
		value := []byte(rest[i])
		if !json.Valid(value) {
			var err error
			if value, err = json.Marshal(rest[i]); err != nil {
				t.Fatal(err)
			}
		}
		members = append(members, `"`+f.Name+`":`+string(value))
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

var faultText = regexp.MustCompile(`^The (selected )?[A-Za-z]+(\.[0-9]+\.[A-Za-z]+)? (field is required\.|must be a string\.|must be an array\.|must be an integer\.|` +
	`must be between [0-9]+ and [0-9]+\.|field must be true or false\.|format is invalid\.|is invalid\.|must be a valid email address\.|may not be greater than [0-9]+ characters\.)$`)

// FuzzInputs reads the input of every op in Ops. Whatever is sent: no panic, faults that name a field and repeat nothing of
// it, and an accepted input that is the same however it was sent, without blanks around and control characters within.
func FuzzInputs(f *testing.F) {
	for i, op := range Ops {
		for choice := range 3 {
			var lines []string
			for _, field := range fieldNames(op) {
				values := goodValues[field.Kind]
				if len(values) == 0 {
					f.Fatalf("%s: no good value of a %s", op.Route, field.Kind)
				}
				lines = append(lines, values[choice%len(values)])
			}
			f.Add(byte(i), strings.Join(lines, "\n"))
		}
	}
	f.Fuzz(func(t *testing.T, n byte, lines string) {
		op := Ops[int(n)%len(Ops)]
		body, err := wire.Decode(bodyOf(t, op, lines))
		if err != nil {
			return
		}
		strict, lenient := form{body: body}, form{body: body, lenient: true}
		input := op.read(&strict)
		inLenient := op.read(&lenient)
		fields := op.Fields()
		for _, fault := range append(strict.faults, lenient.faults...) {
			path := regexp.MustCompile(`/[0-9]+/`).ReplaceAllString(fault.Pointer, "/*/")
			named := slices.ContainsFunc(fields, func(g Field) bool { return "/"+strings.ReplaceAll(g.Name, ".", "/") == path })
			if !named || !faultText.MatchString(fault.Message) {
				t.Fatalf("%s: %+v of %s", op.Route, fault, lines)
			}
		}
		if len(lenient.faults) > len(strict.faults) {
			t.Fatalf("%s: leniency refuses more: %v, and not %v", op.Route, lenient.faults, strict.faults)
		}
		if len(strict.faults) > 0 {
			return
		}
		if !reflect.DeepEqual(input, inLenient) {
			t.Fatalf("%s: %+v, and of a lenient client %+v", op.Route, input, inLenient)
		}
		checkTexts(t, op.Route, reflect.ValueOf(input))
		if again := op.read(&form{body: trimmed(body)}); !reflect.DeepEqual(input, again) {
			t.Fatalf("%s: blanks around matter: %+v, and %+v", op.Route, input, again)
		}
		if op.Bodyless() {
			if again := op.read(&form{query: body}); !reflect.DeepEqual(input, again) {
				t.Fatalf("%s: by query %+v, and %+v", op.Route, input, again)
			}
		}
	})
}

// checkTexts looks at every string that an input holds, as it is to be stored.
func checkTexts(t *testing.T, route string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			checkTexts(t, route, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			checkTexts(t, route, v.Field(i))
		}
	case reflect.String:
		s := v.String()
		control := strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' })
		if !utf8.ValidString(s) || control || s != strings.TrimSpace(s) || utf8.RuneCountInString(s) > maxLines {
			t.Fatalf("%s keeps %q", route, s)
		}
	}
}

// trimmed is v without blanks around its strings.
func trimmed(v wire.Value) wire.Value {
	switch v.Kind() {
	case wire.String:
		return wire.NewString(strings.TrimSpace(v.Text()))
	case wire.Array:
		var items []wire.Value
		for i := range v.Len() {
			items = append(items, trimmed(v.At(i)))
		}
		return wire.NewArray(items...)
	case wire.Object:
		var members []wire.Member
		for key, value := range v.Members() {
			members = append(members, wire.Member{Key: key, Value: trimmed(value)})
		}
		return wire.NewObject(members...)
	}
	return v
}

// FuzzReplies writes the replies that write their JSON themselves, as encoding/json does it.
func FuzzReplies(f *testing.F) {
	f.Add("Sample Name", "help@instantpay.in", "Business Name", []byte("twelve bytes"), int64(1700000000000))
	f.Add("q\"uo\\te", "a/b<c>&'d", "\u2028\u2029\x7f\x00\xff😀", []byte{}, int64(-1))
	f.Fuzz(func(t *testing.T, a, b, c string, id []byte, n int64) {
		var at wire.ID
		copy(at[:], id)
		when := dates{wire.Millis(n % (1 << 47)), wire.Millis(n % (1 << 40))}
		body := contactBody{n, a, b, c, b, a}
		item := contactItem{at, body, tagIDs{at}, []tagDoc{{at, tagBody{n, c, a}, when}}}
		for _, v := range []wire.Appender{contactAdded{body, dated{when.Updated, when.Created, at}, tagIDs{at, at}}, contactItems{item, item}} {
			if got, want := string(v.AppendJSON(nil)), plainJSON(t, v); got != want {
				t.Fatalf("%T:\n%s\nwant\n%s", v, got, want)
			}
		}
	})
}

// FuzzCursor goes on after cursors: none works but what was sealed for this book, to the byte.
func FuzzCursor(f *testing.F) {
	db, err := store.Open(f.Context(), store.Options{
		URL: "sqlite:" + filepath.Join(f.TempDir(), "book.db"), Pepper: store.PepperSource{Value: store.Secret(strings.Repeat("p", 32))},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	mine, other := db.Book(2), db.Book(4)
	tag := wire.ID{1, 2, 3}
	f.Add(uint16(0), byte(0), "", false)
	f.Add(uint16(3), byte(1), "=", true)
	f.Add(uint16(70), byte(255), "\n", true)
	f.Add(uint16(1000), byte(0), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false)
	f.Fuzz(func(t *testing.T, at uint16, change byte, more string, filtered bool) {
		text := append([]byte(nil), lastID[:]...)
		if filtered {
			text = append(text, tag[:]...)
		}
		sealed := mine.Seal(text)
		cursor := []byte(base64.RawURLEncoding.EncodeToString(sealed))
		if int(at) < len(cursor) {
			cursor[at] ^= change
		}
		sent := string(cursor) + more
		if at == 1000 {
			sent = more
		}
		decoded, err := base64.RawURLEncoding.DecodeString(sent)
		want := err == nil && string(decoded) == string(sealed)
		for _, b := range []*store.Book{mine, other} {
			w := contactWalk{call: &Call{Book: b}}
			if got := w.resume(sent); got != (want && b == mine) {
				t.Fatalf("the cursor %q is accepted: %v", sent, got)
			}
			if want && b == mine && (w.before != lastID || (w.tag != nil) != filtered) {
				t.Fatalf("the cursor %q leads to %v, %v", sent, w.before, w.tag)
			}
		}
	})
}
