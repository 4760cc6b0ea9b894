package wire

import (
	"hash/maphash"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a request body, from section 6 of the wire contract ("body is not JSON, or has ..."). They bound what one
// body may cost: see Decode.
const (
	MaxDepth    = 16   // levels of arrays and objects; the outermost one is level 1
	MaxElements = 1000 // elements of one array
	MaxKeys     = 200  // keys of one object
)

// Kind is the JSON type of a Value.
type Kind uint8

// The kinds. Missing, that of the zero Value, stands for a value that is not there: it is not the same as a null.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"missing", "null", "bool", "number", "string", "array", "object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Value is one decoded JSON value (RFC 8259, section 3). It never changes, so goroutines may share it. Numbers are kept
// as their text, never rounded.
//
// The texts and keys of a decoded Value are slices of one copy of the body, so each of them keeps that whole copy in
// memory: whoever stores one for longer than the request (a cache) should strings.Clone it.
type Value struct {
	kind  Kind
	truth bool
	text  string
	list  []Member // elements of an Array (with empty keys) or members of an Object
}

// Member is one key of an Object with its value.
type Member struct {
	Key   string
	Value Value
}

// NewObject makes an Object of members, in their order, for fields that come from a query string. The limits and the
// refusal of duplicate keys are Decode's alone: here Get finds the first of them.
func NewObject(members ...Member) Value {
	return Value{kind: Object, list: slices.Clone(members)}
}

// NewString makes a String.
func NewString(s string) Value {
	return Value{kind: String, text: s}
}

// NewArray makes an Array of items. MaxElements is not applied.
func NewArray(items ...Value) Value {
	list := make([]Member, len(items))
	for i, item := range items {
		list[i].Value = item
	}
	return Value{kind: Array, list: list}
}

// Kind returns the type of v.
func (v Value) Kind() Kind { return v.kind }

// Text returns a String's decoded content or a Number's text as it was written; "" for all other kinds. The content may
// hold any character, NUL included.
func (v Value) Text() string { return v.text }

// Bool tells whether v is true; false for all other kinds.
func (v Value) Bool() bool { return v.truth }

// Len returns the number of elements of an Array or of members of an Object; 0 for all other kinds.
func (v Value) Len() int { return len(v.list) }

// At returns element i of an Array, counted from 0; Missing outside of it and for all other kinds.
func (v Value) At(i int) Value {
	if v.kind != Array || i < 0 || i >= len(v.list) {
		return Value{}
	}
	return v.list[i].Value
}

// Get returns the member of an Object that has exactly this key (letter case counts); Missing when there is none and for
// all other kinds.
func (v Value) Get(key string) Value {
	if v.kind == Object {
		for i := range v.list {
			if v.list[i].Key == key {
				return v.list[i].Value
			}
		}
	}
	return Value{}
}

// Members yields the members of an Object in the document's order; nothing for all other kinds.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.kind != Object {
			return
		}
		for i := range v.list {
			if !yield(v.list[i].Key, v.list[i].Value) {
				return
			}
		}
	}
}

// SyntaxError says what is wrong with a body and where. Reason is one of a fixed set of phrases: nothing of the body,
// which holds personal data, is ever repeated in it.
type SyntaxError struct {
	Offset int // of the first offending byte, counted from 0; the body's length when it ends too early
	Reason string
}

func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// Decode reads exactly one JSON value surrounded by optional white space: the grammar of RFC 8259 to the letter, and
// stricter where that leaves a choice (its sections 4, 8.1, 8.2 and 9). Duplicate keys (compared after unescaping), bytes
// that are not UTF-8, \u escapes of a lone surrogate and anything over MaxDepth, MaxElements or MaxKeys are refused. An
// escaped NUL is legal and kept.
//
// The time and memory that it takes are proportional to len(body), which the caller has to limit. The body is copied:
// its buffer may be reused at once. An error is always a *SyntaxError and comes with the zero Value.
func Decode(body []byte) (Value, error) {
	d := decoder{text: string(body)}
	// Checked for the whole body, so that nothing below has to look at a byte above 0x7F.
	if !utf8.ValidString(d.text) {
		return Value{}, d.fail(firstInvalid(d.text), "invalid UTF-8")
	}
	var room [16]Member
	stack, err := d.value(0, room[:1])
	if err != nil {
		return Value{}, err
	}
	if d.space(); d.pos < len(d.text) {
		return Value{}, d.fail(d.pos, "content after the value")
	}
	return stack[0].Value, nil
}

// firstInvalid returns the offset of the first byte of s that is not part of a UTF-8 sequence.
func firstInvalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return i
		}
	}
	return len(s)
}

type decoder struct {
	text string   // the only copy of the body; valid UTF-8
	pos  int      // of the next byte to read
	buf  []byte   // for unescaping
	free []Member // room for keep
}

const unexpectedEnd = "unexpected end"

// fail makes the error for the byte at pos. That a body ends too early is told here, once for all callers.
func (d *decoder) fail(pos int, reason string) error {
	if pos >= len(d.text) {
		reason = unexpectedEnd
	}
	return &SyntaxError{Offset: pos, Reason: reason}
}

// at returns the byte at pos, or 0 at the end: no token has a 0 byte in it, so it needs no second result.
func (d *decoder) at(pos int) byte {
	if pos < len(d.text) {
		return d.text[pos]
	}
	return 0
}

// space skips white space and returns the byte after it, without consuming that.
func (d *decoder) space() byte {
	for d.pos < len(d.text) {
		c := d.text[d.pos]
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
		d.pos++
	}
	return 0
}

// value reads a value that lies inside depth levels into the last entry of stack, and returns the stack, which an append
// may have moved. Elements and members are collected on top of it, for how many there are is known only at the end.
//
// One function for all kinds, and a stack that is no field of d: only so can escape analysis leave it to Decode's frame.
func (d *decoder) value(depth int, stack []Member) (_ []Member, err error) {
	var kind Kind
	var end byte
	var limit int
	base := len(stack)
	v := &stack[base-1].Value
	switch d.space() {
	case '{':
		kind, end, limit = Object, '}', MaxKeys
	case '[':
		kind, end, limit = Array, ']', MaxElements
	case '"':
		v.kind = String
		v.text, err = d.quoted()
		return stack, err
	case 't':
		v.kind, v.truth = Bool, true
		return stack, d.literal("true")
	case 'f':
		v.kind = Bool
		return stack, d.literal("false")
	case 'n':
		v.kind = Null
		return stack, d.literal("null")
	default:
		v.kind = Number
		v.text, err = d.number()
		return stack, err
	}
	if depth == MaxDepth {
		return nil, d.fail(d.pos, "too many levels")
	}
	d.pos++
	if d.space() == end {
		d.pos++
		v.kind = kind
		return stack, nil
	}
	var seen filter
	for {
		if d.space(); len(stack)-base == limit {
			return nil, d.fail(d.pos, "too many elements or keys")
		}
		var key string
		if kind == Object {
			if key, err = d.key(&seen, stack[base:]); err != nil {
				return nil, err
			}
		}
		stack = append(stack, Member{Key: key})
		if stack, err = d.value(depth+1, stack); err != nil {
			return nil, err
		}
		switch d.space() {
		case ',':
			d.pos++
		case end:
			d.pos++
			stack[base-1].Value = Value{kind: kind, list: d.keep(stack[base:])}
			return stack[:base], nil
		default:
			return nil, d.fail(d.pos, "expected a comma or the end of the array or object")
		}
	}
}

// key reads a key and its colon. Members are the object's earlier ones.
func (d *decoder) key(seen *filter, members []Member) (string, error) {
	start := d.pos
	if d.at(start) != '"' {
		return "", d.fail(start, "expected a key in double quotes")
	}
	key, err := d.quoted()
	if err != nil {
		return "", err
	}
	if seen.add(key, members) {
		return "", d.fail(start, "duplicate key")
	}
	if d.space() != ':' {
		return "", d.fail(d.pos, "expected a colon")
	}
	d.pos++
	return key, nil
}

// keep copies the finished children of one array or object out of the scratch space. Small lists share an allocation. A
// chunk is given up only for a list that is longer than what is left of it, so at most half of the memory is wasted.
func (d *decoder) keep(list []Member) []Member {
	if len(list) > cap(d.free)-len(d.free) {
		// The documented bodies have 25 to 35 bytes a member: one chunk does for them.
		chunk := min(len(d.text)/24+1, 16)
		d.free = make([]Member, 0, max(len(list), chunk))
	}
	start := len(d.free)
	d.free = append(d.free, list...)
	return d.free[start:]
}

// filter tells most keys of an object apart from its earlier ones without comparing them (a Bloom filter with one hash;
// at MaxKeys about one key of six is compared). BenchmarkDecodeHostile: up to 3.5 times as fast as comparing always and no
// slower for eight keys, without a map's allocations.
type filter [16]uint64

// keySeed is this process's own, so that no client can choose keys that collide.
var keySeed = maphash.MakeSeed()

// add notes key and tells whether it is one of members.
func (f *filter) add(key string, members []Member) bool {
	h := maphash.String(keySeed, key)
	word, bit := &f[h%uint64(len(f))], uint64(1)<<(h>>58)
	if *word&bit == 0 {
		*word |= bit
		return false
	}
	return slices.ContainsFunc(members, func(m Member) bool { return m.Key == key })
}

func (d *decoder) literal(word string) error {
	for i := range len(word) {
		if d.at(d.pos+i) != word[i] {
			return d.fail(d.pos+i, "expected a value")
		}
	}
	d.pos += len(word)
	return nil
}

// number checks a number's grammar (RFC 8259, section 6). What follows it is its caller's to check, so that the second
// digit of 01 is refused there.
func (d *decoder) number() (string, error) {
	end := d.pos
	if d.at(end) == '-' {
		end++
	}
	first := end
	if end = d.digits(end); end == first {
		return "", d.fail(end, "expected a value")
	}
	if d.text[first] == '0' {
		end = first + 1
	}
	if d.at(end) == '.' {
		fraction := end + 1
		if end = d.digits(fraction); end == fraction {
			return "", d.fail(end, "expected a digit")
		}
	}
	if c := d.at(end); c == 'e' || c == 'E' {
		end++
		if c := d.at(end); c == '+' || c == '-' {
			end++
		}
		exponent := end
		if end = d.digits(exponent); end == exponent {
			return "", d.fail(end, "expected a digit")
		}
	}
	text := d.text[d.pos:end]
	d.pos = end
	return text, nil
}

// digits returns the offset behind the digits at pos.
func (d *decoder) digits(pos int) int {
	for '0' <= d.at(pos) && d.at(pos) <= '9' {
		pos++
	}
	return pos
}

// quoted reads a string from its opening quote on.
func (d *decoder) quoted() (string, error) {
	start := d.pos + 1
	for i := start; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			d.pos = i + 1
			return d.text[start:i], nil
		case c == '\\':
			return d.unescape(start, i)
		case c < ' ':
			return "", d.fail(i, "unescaped control character")
		}
	}
	return "", d.fail(len(d.text), unexpectedEnd)
}

// unescape reads the string whose content begins at start and whose first backslash is at pos.
func (d *decoder) unescape(start, pos int) (string, error) {
	d.buf = append(d.buf[:0], d.text[start:pos]...)
	for pos < len(d.text) {
		switch c := d.text[pos]; {
		case c == '"':
			d.pos = pos + 1
			return string(d.buf), nil
		case c < ' ':
			return "", d.fail(pos, "unescaped control character")
		case c != '\\':
			d.buf = append(d.buf, c)
			pos++
		case d.at(pos+1) == 'u':
			r, size, err := d.unicode(pos)
			if err != nil {
				return "", err
			}
			d.buf = utf8.AppendRune(d.buf, r)
			pos += size
		default:
			const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
			i := strings.IndexByte(letters, d.at(pos+1))
			if i < 0 {
				return "", d.fail(pos+1, "unknown escape")
			}
			d.buf = append(d.buf, meanings[i])
			pos += 2
		}
	}
	return "", d.fail(pos, unexpectedEnd)
}

// unicode reads the \u escape at pos, or the two of a surrogate pair, and returns its length too.
func (d *decoder) unicode(pos int) (r rune, size int, err error) {
	r, err = d.hex(pos + 2)
	if err != nil || !utf16.IsSurrogate(r) {
		return r, 6, err
	}
	if d.at(pos+6) == '\\' && d.at(pos+7) == 'u' {
		low, err := d.hex(pos + 8)
		if err != nil {
			return 0, 0, err
		}
		// The replacement character stands for "no pair": no pair encodes it.
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, 12, nil
		}
	}
	return 0, 0, d.fail(pos, "unpaired surrogate")
}

// hex reads the four digits of a \u escape.
func (d *decoder) hex(pos int) (rune, error) {
	var r rune
	for i := pos; i < pos+4; i++ {
		c := d.at(i)
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, d.fail(i, "expected a hexadecimal digit")
		}
		r = r<<4 | rune(c)
	}
	return r, nil
}
