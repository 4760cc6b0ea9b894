package book

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"contactbook/internal/identity"
	"contactbook/internal/wire"
)

// Field describes one input field of an op.
type Field struct {
	Name string // as on the wire; tagDetails.*.tagId stands for every element's
	Kind string // id, text, lines, email, phone, boolean, integer, or an identifier's name
	Must bool   // mandatory whatever the other fields say
}

// form reads an op's fields in their documented order and collects every rule
// that fails. Its methods return the value as it is stored, or a zero value.
type form struct {
	body, query wire.Value
	lenient     bool
	faults      []wire.Fault
	seen        *[]Field // set: only describe the fields
}

// need says whether a field is mandatory.
type need bool

const (
	must     need = true
	optional need = false
)

const (
	maxText  = 255 // characters, where no other limit is documented
	maxLines = 4000
	maxEmail = 254
	maxTag   = 100
)

const (
	required      = "The %s field is required."
	mustBeString  = "The %s must be a string."
	mustBeArray   = "The %s must be an array."
	mustBeInteger = "The %s must be an integer."
	mustBeBoolean = "The %s field must be true or false."
	badFormat     = "The %s format is invalid."
	badChoice     = "The selected %s is invalid."
	badEmail      = "The %s must be a valid email address."
)

func (f *form) fault(path, rule, message string) {
	f.faults = append(f.faults, wire.NewFault(path, rule, message))
}

// get finds a field by its name or an alias, and the name it was found by.
func (f *form) get(kind string, n need, names ...string) (string, wire.Value) {
	if f.seen != nil {
		*f.seen = append(*f.seen, Field{names[0], kind, bool(n)})
	}
	for _, from := range []wire.Value{f.body, f.query} {
		for _, name := range names {
			if v := from.Get(name); v.Kind() != wire.Missing {
				return name, v
			}
		}
	}
	return names[0], wire.Value{}
}

// check reads a string by the rules that all strings share; false when there is
// nothing further to check.
func (f *form) check(path string, v wire.Value, n need, limit int, newlines bool) (string, bool) {
	s := strings.TrimSpace(v.Text())
	switch {
	case isEmpty(v):
		if n {
			f.fault(path, "required", required)
		}
		return "", false
	case v.Kind() != wire.String:
		f.fault(path, "string", mustBeString)
		return "", false
	case hasControl(s, newlines):
		f.fault(path, "format", badFormat)
		return "", false
	case len(s) > limit && utf8.RuneCountInString(s) > limit:
		f.fault(path, "max", "The %s may not be greater than "+strconv.Itoa(limit)+" characters.")
		return "", false
	}
	return s, true
}

// isEmpty tells what counts as missing: no value, null, a blank string, an empty array.
func isEmpty(v wire.Value) bool {
	switch v.Kind() {
	case wire.Missing, wire.Null:
		return true
	case wire.String:
		return strings.TrimSpace(v.Text()) == ""
	case wire.Array:
		return v.Len() == 0
	}
	return false
}

// hasControl tells whether s has a control character other than, where newlines
// may stand, tab and newline, of which CR LF is one way to write it.
func hasControl(s string, newlines bool) bool {
	for i, r := range s {
		if !unicode.IsControl(r) {
			continue
		}
		if newlines && (r == '\t' || r == '\n' || r == '\r' && strings.HasPrefix(s[i+1:], "\n")) {
			continue
		}
		return true
	}
	return false
}

// text is a string on one line, of at most limit characters.
func (f *form) text(name string, n need, limit int) string {
	path, v := f.get("text", n, name)
	s, _ := f.check(path, v, n, limit, false)
	return s
}

// lines is a string that may have tabs and newlines.
func (f *form) lines(name string, n need) string {
	path, v := f.get("lines", n, name)
	s, _ := f.check(path, v, n, maxLines, true)
	return s
}

// edit is text of an update: nil when it was not sent and so keeps its value.
func (f *form) edit(name string, limit int) *string {
	path, v := f.get("text", optional, name)
	s, _ := f.check(path, v, optional, limit, false)
	return sent(v, s)
}

// sent is nil for a field that was not sent.
func sent(v wire.Value, s string) *string {
	if v.Kind() != wire.String {
		return nil
	}
	return &s
}

// id is a record's id.
func (f *form) id(names ...string) wire.ID {
	path, v := f.get("id", must, names...)
	return f.checkID(path, v, must)
}

// maybeID is an optional id; nil when it was not sent, because every ID, zero
// too, is one that a client may send.
func (f *form) maybeID(name string) *wire.ID {
	path, v := f.get("id", optional, name)
	id := f.checkID(path, v, optional)
	if isEmpty(v) {
		return nil
	}
	return &id
}

func (f *form) checkID(path string, v wire.Value, n need) wire.ID {
	if v.Kind() == wire.String && !isEmpty(v) {
		id, ok := wire.ParseID(strings.TrimSpace(v.Text()))
		if !ok {
			f.fault(path, "id", badChoice)
		}
		return id
	}
	f.check(path, v, n, maxText, false)
	return wire.ID{}
}

// tagIDs reads tagDetails: at least one, each named once.
func (f *form) tagIDs() tagIDs {
	const name = "tagDetails"
	_, v := f.get("array", must, name)
	if f.seen != nil {
		*f.seen = append(*f.seen, Field{name + ".*.tagId", "id", true})
	}
	switch {
	case isEmpty(v):
		f.fault(name, "required", required)
	case v.Kind() != wire.Array:
		f.fault(name, "array", mustBeArray)
		return nil // an object's members are no tags
	}
	var ids tagIDs
	for i := range v.Len() {
		id := f.checkID(tagPath(i), v.At(i).Get("tagId"), must)
		ids = append(ids, id)
	}
	return ids
}

// tagPath is the path of the i-th tag in a contact's input.
func tagPath(i int) string { return fmt.Sprintf("tagDetails.%d.tagId", i) }

func (f *form) email(name string) string {
	path, v := f.get("email", must, name)
	s, ok := f.check(path, v, must, maxEmail, false)
	if ok && !identity.Email(s) {
		f.fault(path, "email", badEmail)
	}
	return s
}

// phone reads a number and, beside it, an optional callingCode.
func (f *form) phone(name string, n need) identity.Phone {
	path, v := f.get("phone", n, name)
	number, ok := f.check(path, v, n, maxText, false)
	codePath, v := f.get("callingCode", optional, "callingCode")
	code, given := f.check(codePath, v, optional, maxText, false)
	if given {
		if _, known := identity.CallingCode(code); !known {
			f.fault(codePath, "choice", badChoice)
			code = ""
		}
	}
	if !ok {
		return identity.Phone{}
	}
	p, ok := identity.ParsePhone(number, code)
	if !ok {
		f.fault(path, "format", badFormat)
	}
	return p
}

// identifier reads a string by a form rule that a lenient client skips; rule
// returns the value as it is stored.
func (f *form) identifier(kind string, n need, rule func(string) (string, bool), names ...string) string {
	path, v := f.get(kind, n, names...)
	s, ok := f.check(path, v, n, maxText, false)
	return f.judge(path, s, ok, rule)
}

// identifierEdit is identifier of an update; see edit.
func (f *form) identifierEdit(kind string, rule func(string) (string, bool), names ...string) *string {
	path, v := f.get(kind, optional, names...)
	s, ok := f.check(path, v, optional, maxText, false)
	return sent(v, f.judge(path, s, ok, rule))
}

func (f *form) judge(path, s string, ok bool, rule func(string) (string, bool)) string {
	if !ok || rule == nil {
		return s
	}
	kept, good := rule(s)
	if good {
		return kept
	}
	if !f.lenient {
		f.fault(path, "format", badFormat)
	}
	return s
}

// asSent makes a rule of one whose values are stored as they were sent.
func asSent(rule func(string) bool) func(string) (string, bool) {
	return func(s string) (string, bool) { return s, rule(s) }
}

// choice is one of a few words, read without case and returned as listed.
func (f *form) choice(name string, of ...string) string { return f.oneOf(must, name, of) }

// maybeChoice is choice; "" when it was not sent.
func (f *form) maybeChoice(name string, of ...string) string { return f.oneOf(optional, name, of) }

func (f *form) oneOf(n need, name string, of []string) string {
	path, v := f.get("choice", n, name)
	s, ok := f.check(path, v, n, maxText, false)
	if !ok {
		return ""
	}
	i := slices.IndexFunc(of, func(w string) bool { return strings.EqualFold(w, s) })
	if i < 0 {
		f.fault(path, "choice", badChoice)
		return ""
	}
	return of[i]
}

// boolean is true or false; false when it was not sent.
func (f *form) boolean(name string) bool {
	path, v := f.get("boolean", optional, name)
	if v.Kind() != wire.Bool && !isEmpty(v) {
		f.fault(path, "boolean", mustBeBoolean)
	}
	return v.Bool()
}

// integer is a JSON integer, or digits in the query; 0 when it was not sent.
func (f *form) integer(name string, low, high int) int {
	path, v := f.get("integer", optional, name)
	fromQuery := f.body.Get(name).Kind() == wire.Missing
	switch {
	case isEmpty(v):
		return 0
	case v.Kind() != wire.Number && !(fromQuery && v.Kind() == wire.String):
		f.fault(path, "integer", mustBeInteger)
		return 0
	}
	n, err := strconv.Atoi(v.Text())
	switch {
	case err != nil && !isDigits(v.Text()):
		f.fault(path, "integer", mustBeInteger)
		return 0
	case err != nil || n < low || n > high:
		f.fault(path, "between", fmt.Sprintf("The %%s must be between %d and %d.", low, high))
		return 0
	}
	return n
}

// isDigits tells a number that is merely too large from what is no integer.
func isDigits(s string) bool {
	return strings.Trim(strings.TrimPrefix(s, "-"), "0123456789") == ""
}
