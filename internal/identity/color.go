package identity

// Color reports whether s is a colour as a tag has it: # and six hexadecimal
// digits in either case. It is stored exactly as sent.
func Color(s string) bool {
	if len(s) != 7 || s[0] != '#' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) && s[i]|0x20-'a' >= 6 {
			return false
		}
	}
	return true
}
