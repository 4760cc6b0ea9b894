package identity

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a valid telephone number in the two parts in which it is stored.
type Phone struct {
	National    string // national significant number: digits, with leading zeros where the country has them
	CallingCode string // E.164 country calling code: one to three digits, no plus
}

// India's calling code, and the region whose habits a number without a calling
// code is read by.
const (
	indiaCode   = "91"
	indiaRegion = "IN"
)

// longestNumber bounds the digits of a number as written: 17 of a national
// number, 3 of a calling code, and what people dial before them.
const longestNumber = 24

// ParsePhone reads a number as people write it. Ten digits that begin with 6 to 9
// are Indian whatever block they are of (the Department of Telecommunications
// opens new ones faster than tables follow); any other number must be valid in the numbering plan of its country,
// in any of its regions where several share the code, fixed lines included.
//
// callingCode is empty or as CallingCode accepts it. When given, a number without
// a plus is national in that country, and one with a plus must agree with it.
// Blanks, hyphens, dots and round brackets (ASCII ones) may separate digits;
// letters, extensions and anything else are refused.
func ParsePhone(number, callingCode string) (Phone, bool) {
	indian := callingCode == "" || callingCode == indiaCode || callingCode == "+"+indiaCode
	if indian {
		if n := indianMobile(number); n != "" {
			return Phone{n, indiaCode}, true
		}
	}
	written, ok := unpunctuate(number)
	if !ok {
		return Phone{}, false
	}
	if indian {
		if n := indianMobile(written); n != "" {
			return Phone{n, indiaCode}, true
		}
	}
	return parseByPlan(written, callingCode)
}

// indianMobile is the ten digits of an Indian mobile number written bare, or
// with +91, 91 or 0 before them; else empty. Nearly every number is one of
// these, and this costs a thousandth of asking the numbering plans.
func indianMobile(s string) string {
	if len(s) < 10 {
		return ""
	}
	switch s[:len(s)-10] {
	case "", "0", "91", "+91":
	default:
		return ""
	}
	s = s[len(s)-10:]
	if s[0] < '6' {
		return ""
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return ""
		}
	}
	return s
}

// unpunctuate leaves the digits, and a plus before the first. It is here, rather
// than left to the library, because that also reads letters as keys, extensions,
// RFC 3966 parameters and digits of other scripts.
func unpunctuate(s string) (string, bool) {
	var buf [1 + longestNumber]byte
	b, bracket, separated := buf[:0], false, true
	for i := range len(s) {
		c := s[i]
		switch {
		case isDigit(c), c == '+' && len(b) == 0:
			if len(b) == cap(b) {
				return "", false
			}
			b, separated = append(b, c), false
		case c == '(' && !bracket:
			bracket = true
		case c == ')' && bracket && len(b) > 0:
			bracket = false
		case (c == ' ' || c == '-' || c == '.') && len(b) > 0:
			separated = true
		default:
			return "", false
		}
	}
	digits := string(b)
	// No calling code begins with zero; the library would mend it.
	return digits, !bracket && !separated && !strings.HasPrefix(digits, "+0")
}

// parseByPlan asks the numbering plans of the world. The first number of a
// country costs up to a millisecond, as the library compiles its patterns.
func parseByPlan(written, callingCode string) (Phone, bool) {
	want := ""
	if callingCode != "" {
		var ok bool
		if want, ok = CallingCode(callingCode); !ok {
			return Phone{}, false
		}
		if written[0] != '+' && want != indiaCode {
			written = "+" + want + written
		}
	}
	n, err := phonenumbers.Parse(written, indiaRegion)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return Phone{}, false
	}
	p := Phone{phonenumbers.GetNationalSignificantNumber(n), strconv.Itoa(int(n.GetCountryCode()))}
	if want != "" && p.CallingCode != want {
		return Phone{}, false
	}
	return p, true
}

// CallingCode is the digits of an E.164 country calling code that is in use,
// written with or without its plus: "91" for "+91".
func CallingCode(s string) (string, bool) {
	digits := strings.TrimPrefix(s, "+")
	if digits == indiaCode {
		return digits, true
	}
	if len(digits) < 1 || len(digits) > 3 || digits[0] == '0' {
		return s, false
	}
	code := 0
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return s, false
		}
		code = code*10 + int(digits[i]-'0')
	}
	if !phonenumbers.GetSupportedCallingCodes()[code] {
		return s, false
	}
	return digits, true
}
