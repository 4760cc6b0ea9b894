package identity

import "strings"

// PAN is an income tax Permanent Account Number: ten characters, of which the
// fourth says what kind of person holds it and the digits run from 0001. Its
// last letter is a check letter, but the Income Tax Department has not published
// how it is made, so any letter passes.
func PAN(s string) (string, bool) {
	v := upper(s)
	if !isPAN(v) {
		return s, false
	}
	return v, true
}

// panHolders are the fourth letters in use: association, body of individuals,
// company, firm, government, Hindu undivided family, artificial juridical
// person, local authority, person, trust, Krish trust.
const panHolders = "ABCFGHJLPTK"

func isPAN(v string) bool {
	return fits(v, "lllllddddl") && strings.IndexByte(panHolders, v[3]) >= 0 && v[5:9] != "0000"
}

// TAN is an income tax Deduction and Collection Account Number: four letters,
// five digits, a letter. There is no published check letter.
func TAN(s string) (string, bool) {
	v := upper(s)
	if !fits(v, "lllldddddl") {
		return s, false
	}
	return v, true
}

// cinClasses are the company classes of the Ministry of Corporate Affairs.
const cinClasses = "PLC PTC OPC NPL GOI SGC FLC FTC ULL ULT GAP GAT"

// CIN is a Corporate Identity Number of the Ministry of Corporate Affairs, 21
// characters: listed or unlisted, industry, state, year, class of company,
// registration number. It has no check character; industry, state and year are
// not compared with any list, for all three have grown over the years.
func CIN(s string) (string, bool) {
	v := upper(s)
	if !fits(v, "ldddddllddddllldddddd") || v[0] != 'L' && v[0] != 'U' || !strings.Contains(cinClasses, v[12:15]) {
		return s, false
	}
	return v, true
}

// Udyam is a registration number of the Ministry of Micro, Small and Medium
// Enterprises: UDYAM, state, district and seven digits, with its own hyphens.
func Udyam(s string) (string, bool) {
	v := upper(s)
	if !fits(v, "UDYAM-ll-dd-ddddddd") {
		return s, false
	}
	return v, true
}
