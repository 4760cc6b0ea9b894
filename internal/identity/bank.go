package identity

// IFSC is an Indian Financial System Code of the Reserve Bank of India: four
// letters for the bank, the digit zero, six characters for the branch. The
// letter O in the zero's place is a bad value, not mended.
func IFSC(s string) (string, bool) {
	v := upper(s)
	if !fits(v, "llll0xxxxxx") {
		return s, false
	}
	return v, true
}

// VPA reports whether s is a UPI Virtual Payment Address as NPCI has them: a
// name of 2 to 256 letters, digits, dots, hyphens and underscores, and the
// handle of a payment service, 2 to 64 letters, digits and dots that begin with
// a letter. It is stored exactly as sent and compared by VPAKey.
func VPA(s string) bool {
	i := 0
	for i < len(s) && (isAlnum(s[i]) || s[i] == '.' || s[i] == '-' || s[i] == '_') {
		i++
	}
	if i < 2 || i > 256 || i == len(s) || s[i] != '@' {
		return false
	}
	handle := s[i+1:]
	if len(handle) < 2 || len(handle) > 64 || !isLetter(handle[0]) {
		return false
	}
	for j := range len(handle) {
		if !isAlnum(handle[j]) && handle[j] != '.' {
			return false
		}
	}
	return true
}

// VPAKey is the form in which two VPAs are compared: NPCI tells none apart by
// case. Only ASCII letters fold, so that where a client is allowed free text a
// look-alike is still a different value.
func VPAKey(s string) string { return lower(s) }

// AccountNumber reports whether s may be a bank account number in India: 6 to 18
// digits or letters. It is text: leading zeros and the case of letters matter.
func AccountNumber(s string) bool {
	if len(s) < 6 || len(s) > 18 {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) {
			return false
		}
	}
	return true
}
