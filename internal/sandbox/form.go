package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
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

// choice is one of a few words; "" when it was not sent.
func (f *form) choice(name string, of ...string) string {
	s := f.words("choice", name, optional)
	for _, w := range of {
		if strings.EqualFold(w, s) {
			return w
		}
	}
	if s != "" {
		f.fault(name, "choice", "The selected %s is invalid.")
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

// share is a number above 0 and up to 1; 1 when it was not sent.
func (f *form) share(name string) float64 {
	v := f.get(name, "number", optional, wire.Number)
	if v.Kind() == wire.Missing {
		return 1
	}
	n, err := strconv.ParseFloat(v.Text(), 64)
	if err != nil || !(n > 0 && n <= 1) {
		f.fault(name, "between", "The %s must be above 0 and at most 1.")
		return 1
	}
	return n
}

// boolean is false when it was not sent.
func (f *form) boolean(name string) bool {
	v := f.get(name, "boolean", optional, wire.Bool)
	if v.Kind() != wire.String {
		return v.Bool()
	}
	if v.Text() != "true" && v.Text() != "false" { // of the query string
		f.fault(name, "boolean", "The %s field must be true or false.")
	}
	return v.Text() == "true"
}

// flag is boolean, and nil when it was not sent.
func (f *form) flag(name string) *bool {
	before := len(f.faults)
	b := f.boolean(name)
	v := f.body.Get(name)
	if v.Kind() == wire.Missing {
		v = f.query.Get(name)
	}
	if v.Kind() == wire.Missing || v.Kind() == wire.Null || len(f.faults) > before {
		return nil
	}
	return &b
}

// Times that ids and dates can hold.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// moment is a time of RFC 3339; nil when it was not sent.
func (f *form) moment(name string) *time.Time {
	s := f.words("time", name, optional)
	if s == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Before(earliest) || !t.Before(latest) {
		f.fault(name, "format", "The %s must be a time such as 2026-01-31T09:30:00Z.")
		return nil
	}
	return &t
}

// span is a duration such as 36h or 90s; 0 when it was not sent.
func (f *form) span(name string) time.Duration {
	s := f.words("duration", name, optional)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		f.fault(name, "format", "The %s must be a duration such as 36h or 90s.")
		return 0
	}
	return d
}

// list is an array; Missing when it was not sent.
func (f *form) list(name string) wire.Value { return f.get(name, "array", optional, wire.Array) }
