package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"contactbook/internal/book"
	"contactbook/internal/wire"
)

// nearMiss says how far a field was from being right, without its value.
type nearMiss struct {
	Field   string `json:"field"` // dotted; "" for the body itself
	Rule    string `json:"rule"`
	Message string `json:"message"` // what was answered of it
	Why     string `json:"why"`
}

// nearMisses explains why the request failed; none for one that did not fail by
// its fields.
func (e *Entry) nearMisses() []nearMiss {
	list := []nearMiss{}
	if len(e.failed) == 0 {
		return list
	}
	body, err := wire.Decode(e.request)
	known := err == nil
	i := slices.IndexFunc(book.Ops, func(op book.Op) bool { return op.Route == e.Route })
	var fields []book.Field
	if i >= 0 {
		fields = book.Ops[i].Fields()
	}
	for _, f := range e.failed {
		n := nearMiss{Field: strings.ReplaceAll(strings.TrimPrefix(f.Pointer, "/"), "/", "."), Rule: f.Rule, Message: f.Message, Why: f.Message}
		if known && n.Field != "" {
			n.Why = explain(n.Field, f.Rule, body, fields)
		}
		list = append(list, n)
	}
	return list
}

// explain compares a value with what its field takes.
func explain(name, rule string, body wire.Value, fields []book.Field) string {
	v := at(body, name)
	s := strings.TrimSpace(v.Text())
	kind := ""
	for _, f := range fields {
		if f.Name == name || strings.Contains(f.Name, ".*.") && sameField(f.Name, name) {
			kind = f.Kind
		}
	}
	count := utf8.RuneCountInString(s)
	switch rule {
	case "required":
		return missing(name, v, body, fields)
	case "string", "array", "boolean", "integer", "object", "number":
		return fmt.Sprintf("%s is %s; it must be %s", name, article(v.Kind().String()), article(rule))
	case "max":
		return fmt.Sprintf("%s has %d characters, which is too many", name, count)
	case "exists":
		return name + " has the form of an id, and there is no such record in this book; every book has its own, SANDBOX and LIVE too"
	}
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		return fmt.Sprintf("%s has a control character, such as a newline, at place %d", name, utf8.RuneCountInString(s[:i])+1)
	}
	if why := differs(kind, s); why != "" {
		return name + " " + why
	}
	return fmt.Sprintf("%s has %d characters, and is not of its field's form", name, count)
}

// at is the value at a dotted path.
func at(v wire.Value, path string) wire.Value {
	for step := range strings.SplitSeq(path, ".") {
		if n, err := strconv.Atoi(step); err == nil && v.Kind() == wire.Array {
			if n >= v.Len() {
				return wire.Value{}
			}
			v = v.At(n)
			continue
		}
		v = v.Get(step)
	}
	return v
}

// sameField tells whether a path is of a field such as tagDetails.*.tagId.
func sameField(field, path string) bool {
	want, have := strings.Split(field, "."), strings.Split(path, ".")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != have[i] {
			return false
		}
	}
	return true
}

func article(kind string) string {
	kind = strings.ToLower(kind)
	switch {
	case kind == "null" || kind == "missing":
		return kind
	case strings.ContainsAny(kind[:1], "aeio"):
		return "an " + kind
	}
	return "a " + kind
}

// missing looks for the field under a name that is nearly right.
func missing(name string, v, body wire.Value, fields []book.Field) string {
	switch v.Kind() {
	case wire.String:
		return name + " is there, and blank"
	case wire.Null:
		return name + " is there, and null"
	case wire.Array:
		return name + " is there, and has no element"
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	holder := body
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		holder = at(body, name[:i])
	}
	if holder.Kind() != wire.Object {
		return name + " is not there: what it stands in is " + article(holder.Kind().String())
	}
	best, least := "", 3
	for key := range holder.Members() {
		taken := slices.ContainsFunc(fields, func(f book.Field) bool { return f.Name == key })
		if d := distance(strings.ToLower(key), strings.ToLower(last)); !taken && isName(key) && d < least {
			best, least = key, d
		}
	}
	switch {
	case best == "":
		return name + " is not there"
	case strings.EqualFold(best, last):
		return fmt.Sprintf("%s is not there, and %s is: capitals count", name, best)
	}
	return fmt.Sprintf("%s is not there, and %s is: is that what it should be?", name, best)
}

// distance is how many letters must change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			swap := last
			if a[i] != b[j] {
				swap++
			}
			last = row[j+1]
			row[j+1] = min(swap, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// patterns are forms of fixed length: A for a letter, 9 for a digit, H for a hex
// digit, X for either of both, and anything else for itself.
var patterns = map[string]struct{ called, form string }{
	"pan":         {"a PAN", "AAAAA9999A"},
	"tan":         {"a TAN", "AAAA99999A"},
	"cin":         {"a CIN", "A99999AA9999AAA999999"},
	"gstin":       {"a GSTIN", "99XXXXXXXXXXXXX"},
	"udyam":       {"an Udyam number", "UDYAM-AA-99-9999999"},
	"accountIfsc": {"an IFSC", "AAAA0XXXXXX"},
	"pincode":     {"an Indian PIN code", "999999"},
	"color":       {"a colour", "#HHHHHH"},
	"id":          {"an id", "HHHHHHHHHHHHHHHHHHHHHHHH"},
	"country":     {"a country's code", "AA"},
}

// differs says how a text differs from a kind's form; "" for nothing to say.
func differs(kind, s string) string {
	n := utf8.RuneCountInString(s)
	switch kind {
	case "phone":
		return phone(s)
	case "email":
		return email(s)
	case "upiId":
		if c := strings.Count(s, "@"); c != 1 {
			return fmt.Sprintf("has %d @; a VPA is a name, one @ and a handle", c)
		}
		return "is not of a VPA's form: a name of letters, digits, dots, hyphens and underscores, one @, and a handle that begins with a letter"
	case "accountNumber":
		if n < 6 || n > 18 {
			return fmt.Sprintf("has %d characters; an account number has 6 to 18", n)
		}
		return "has a character that is neither a letter nor a digit"
	}
	p, ok := patterns[kind]
	if !ok {
		return ""
	}
	if n != len(p.form) {
		return fmt.Sprintf("has %s; %s has %d", count(n, "character"), p.called, len(p.form))
	}
	i := 0
	for _, r := range s {
		if want := unlike(p.form[i], r); want != "" {
			if kind == "accountIfsc" && i == 4 && (r == 'O' || r == 'o') {
				want += ", not the letter O"
			}
			return fmt.Sprintf("has a wrong character at place %d, where %s has %s", i+1, p.called, want)
		}
		i++
	}
	switch kind {
	case "pan":
		return "has a PAN's shape, but its fourth letter tells no kind of holder, or its digits are all zero"
	case "gstin":
		return "has a GSTIN's length, but its state code, the PAN in it or its check character is wrong"
	case "pincode":
		return "begins with 0, as no Indian PIN code does"
	case "cin":
		return "has a CIN's shape, but begins with neither L nor U"
	case "country":
		return "has two letters, but not in capitals or of no country in ISO 3166-1"
	}
	return ""
}

// unlike is what a place of a pattern wants; "" where r is that.
func unlike(want byte, r rune) string {
	letter := r < 0x80 && unicode.IsLetter(r)
	digit := r >= '0' && r <= '9'
	switch want {
	case 'A':
		if !letter {
			return "a letter"
		}
	case '9':
		if !digit {
			return "a digit"
		}
	case 'H':
		if !digit && !(letter && unicode.ToLower(r) <= 'f') {
			return "a hex digit"
		}
	case 'X':
		if !digit && !letter {
			return "a letter or a digit"
		}
	default:
		if unicode.ToUpper(r) != rune(want) {
			return "the sign " + string(rune(want))
		}
	}
	return ""
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func phone(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if i := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789+-. ()", r) }); i >= 0 {
		return fmt.Sprintf("has a character that is no digit at place %d", utf8.RuneCountInString(s[:i])+1)
	}
	has := "has " + count(len(digits), "digit")
	switch {
	case strings.HasPrefix(s, "+") && !strings.HasPrefix(s, "+91"):
		return has + ", which is no number of that country"
	case len(digits) != 10 && !(len(digits) == 11 && digits[0] == '0') && !(len(digits) == 12 && strings.HasPrefix(digits, "91")):
		return has + "; an Indian mobile has 10, and other countries' begin with + and their code"
	}
	national := digits[len(digits)-10:]
	if national[0] < '6' {
		return fmt.Sprintf("begins with %c; an Indian mobile begins with 6 to 9", national[0])
	}
	return has + ", and is no valid number"
}

func email(s string) string {
	switch at := strings.Count(s, "@"); {
	case at == 0:
		return "has no @"
	case strings.ContainsAny(s, "<>"):
		return "has a display name; one address alone is taken"
	case strings.ContainsAny(s, ",;"):
		return "has a comma or semicolon; one address alone is taken"
	case at > 1:
		return fmt.Sprintf("has %d @", at)
	case strings.ContainsAny(s, " \t"):
		return "has a blank in it"
	case strings.HasPrefix(s, "@"):
		return "has nothing before its @"
	case strings.HasSuffix(s, "@"):
		return "has nothing after its @"
	case strings.Contains(s, ".."):
		return "has two dots in a row"
	}
	return "is no address that a mail server takes: look at dots and hyphens at the ends of its parts"
}
