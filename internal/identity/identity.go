// Package identity holds the rules of the identifiers that a contact may carry:
// Indian business ids (PAN, GSTIN, CIN, TAN, Udyam), bank and UPI details,
// phone numbers, e-mail addresses and places. It decides and normalises; it
// never asks anyone whether an identifier was really issued.
//
// Values come trimmed. A function that returns a string and a bool returns the
// value as it is to be stored and true, or its argument untouched and false.
package identity

// upper folds ASCII letters only. strings.ToUpper would turn 'ı' and 'ſ' into I
// and S, and so make an identifier out of a look-alike.
func upper(s string) string {
	for i := range len(s) {
		if 'a' <= s[i] && s[i] <= 'z' {
			return fold(s, 'a', 'z')
		}
	}
	return s
}

// lower is upper's mirror, for the Kelvin sign (U+212A) and its like.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return fold(s, 'A', 'Z')
		}
	}
	return s
}

func fold(s string, from, to byte) string {
	b := []byte(s)
	for i, c := range b {
		if from <= c && c <= to {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// fits reports whether s has a form, byte by byte: l a capital letter, d a
// digit, x either, n either but zero; anything else in the form is itself.
func fits(s, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i := range len(form) {
		c, ok := s[i], false
		switch form[i] {
		case 'l':
			ok = isCapital(c)
		case 'd':
			ok = isDigit(c)
		case 'x':
			ok = isCapital(c) || isDigit(c)
		case 'n':
			ok = isCapital(c) || isDigit(c) && c != '0'
		default:
			ok = c == form[i]
		}
		if !ok {
			return false
		}
	}
	return true
}

func isCapital(c byte) bool { return c-'A' < 26 }
func isLetter(c byte) bool  { return c|0x20-'a' < 26 }
func isDigit(c byte) bool   { return c-'0' < 10 }
func isAlnum(c byte) bool   { return isLetter(c) || isDigit(c) }
