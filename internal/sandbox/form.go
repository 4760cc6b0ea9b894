package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"contactbook/internal/book"
	"contactbook/internal/wire"
)

// form reads the fields of a sandbox op in their documented order, by the rules
// and in the words of the Contact Book API.
type form struct {
	body, query wire.Value
	faults      []wire.Fault
	seen        *[]book.Field // set: only describe the fields
}

const (
	must     = true
	optional = false

	maxText = 255 // characters
)

func (f *form) fault(path, rule, message string) {
	f.faults = append(f.faults, wire.NewFault(path, rule, message))
}

// get finds a field; Missing for one that is null, blank or an empty array. A
// field that is there and of another type than want is a fault and Missing. What
// the query string says is text, so a number or a boolean may be one there.
func (f *form) get(name, kind string, needed bool, want wire.Kind) wire.Value {
	if f.seen != nil {
		*f.seen = append(*f.seen, book.Field{Name: name, Kind: kind, Must: needed})
	}
	v, fromQuery := f.body.Get(name), false
	if v.Kind() == wire.Missing {
		v, fromQuery = f.query.Get(name), true
	}
	empty := v.Kind() == wire.Missing || v.Kind() == wire.Null || v.Kind() == wire.String && strings.TrimSpace(v.Text()) == "" ||
		v.Kind() == wire.Array && v.Len() == 0
	if empty {
		if needed {
			f.fault(name, "required", "The %s field is required.")
		}
		return wire.Value{}
	}
	if v.Kind() == want || fromQuery && v.Kind() == wire.String {
		return v
	}
	switch want {
	case wire.String:
		f.fault(name, "string", "The %s must be a string.")
	case wire.Array:
		f.fault(name, "array", "The %s must be an array.")
	case wire.Bool:
		f.fault(name, "boolean", "The %s field must be true or false.")
	default:
		f.fault(name, kind, "The %s must be a "+kind+".")
	}
	return wire.Value{}
}

// text is a string on one line, of at most maxText characters.
func (f *form) text(name string, needed bool) string { return f.words("text", name, needed) }

func (f *form) words(kind, name string, needed bool) string {
	s := strings.TrimSpace(f.get(name, kind, needed, wire.String).Text())
	switch {
	case strings.ContainsFunc(s, unicode.IsControl):
		f.fault(name, "format", "The %s format is invalid.")
	case utf8.RuneCountInString(s) > maxText:
		f.fault(name, "max", fmt.Sprintf("The %%s may not be greater than %d characters.", maxText))
	default:
		return s
	}
	return ""
}

// integer is a whole number from low to high; none when it was not sent.
func (f *form) integer(name string, low, high, none int) int {
	v := f.get(name, "integer", optional, wire.Number)
	if v.Kind() == wire.Missing {
		return none
	}
	n, err := strconv.Atoi(strings.TrimSpace(v.Text()))
	switch {
	case err != nil && strings.Trim(v.Text(), "-0123456789") != "":
		f.fault(name, "integer", "The %s must be an integer.")
	case err != nil || n < low || n > high:
		f.fault(name, "between", fmt.Sprintf("The %%s must be between %d and %d.", low, high))
	default:
		return n
	}
	return none
}
