package sandbox

import (
	"regexp"
	"strings"
	"unicode"
)

// mask hides the values of a JSON text, which may be broken or cut: of texts and
// of longer numbers only their shape is left, a digit as 9 and a letter as x.
// What is an id, a date, a colour or a word of the API stays; of an envelope, what
// the server says itself stays too. Keys stay as far as they are names.
func mask(text []byte, envelope bool) string {
	var b strings.Builder
	depth, key := 0, "" // key: the last that was read, where its value is next
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			end, content := stringAt(text, i)
			_, next := blanks(text, end)
			b.WriteByte('"')
			switch {
			case next == ':':
				if key = content; !isName(content) {
					content = shape(content)
				}
			case envelope && depth == 1 && ownWords[key], harmless(content):
				key = ""
			default:
				content, key = shape(content), ""
			}
			b.WriteString(content)
			if end > i+1 && text[end-1] == '"' {
				b.WriteByte('"')
			}
			i = end
		case c == '{' || c == '[' || c == '}' || c == ']':
			if depth++; c == '}' || c == ']' {
				depth -= 2
			}
			b.WriteByte(c)
			i++
		case c == ':' || c == ',' || c == ' ' || c == '\n' || c == '\t' || c == '\r':
			b.WriteByte(c)
			i++
		default:
			end := i
			for end < len(text) && !strings.ContainsRune("\"{}[]:, \n\t\r", rune(text[end])) {
				end++
			}
			word := string(text[i:end])
			if word != "true" && word != "false" && word != "null" && !shortNumber.MatchString(word) {
				word = shape(word)
			}
			b.WriteString(word)
			i = end
		}
	}
	return b.String()
}

// ownWords are the keys of an envelope whose values are the server's own words.
var ownWords = map[string]bool{"statuscode": true, "status": true, "timestamp": true, "ipay_uuid": true, "environment": true}

var (
	shortNumber = regexp.MustCompile(`^-?[0-9]{1,4}$`)
	plainName   = regexp.MustCompile(`^[A-Za-z_]{1,40}(\.[A-Za-z_]{1,40})?$`)
	plainValue  = regexp.MustCompile(`^([0-9a-fA-F]{24}|#[0-9a-fA-F]{6}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?|VPA|ACCOUNT|WALLET|\+?91|[A-Z]{2}|)$`)
)

func harmless(s string) bool { return plainValue.MatchString(s) }

func isName(s string) bool { return plainName.MatchString(s) }

// stringAt is the end of the string that begins at i, and what is in it.
func stringAt(text []byte, i int) (end int, content string) {
	for end = i + 1; end < len(text); end++ {
		switch text[end] {
		case '\\':
			end++
		case '"':
			return end + 1, string(text[i+1 : end])
		}
	}
	return len(text), string(text[min(i+1, len(text)):])
}

// blanks skips white space from i.
func blanks(text []byte, i int) (at int, next byte) {
	for ; i < len(text); i++ {
		if c := text[i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return i, c
		}
	}
	return i, 0
}

var escape = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// shape leaves of a text how it looks.
func shape(s string) string {
	s = escape.ReplaceAllString(strings.ToValidUTF8(s, "?"), "x")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '9'
		case r < 0x80 && !unicode.IsLetter(r) && !unicode.IsControl(r) && r != '\\':
			return r
		}
		return 'x'
	}, s)
}
