package identity

import (
	"strings"
	"testing"
)

func TestPincode(t *testing.T) {
	run(t, check(Pincode), []testCase{
		{"documented", "110044", "110044"},
		{"army post", "900099", "900099"},
		{"leading zero", "010044", ""},
		{"blank inside", "110 044", ""},
		{"five", "11004", ""},
		{"seven", "1100440", ""},
		{"letter", "11004A", ""},
		{"Devanagari digits", "११००४४", ""},
		{"trailing newline", "110044\n", ""},
		{"newline in place", "11004\n", ""},
		{"empty", "", ""},
	})
}

func TestCountry(t *testing.T) {
	run(t, check(Country), []testCase{
		{"India", "IN", "IN"},
		{"first", "AD", "AD"},
		{"last", "ZW", "ZW"},
		{"newest", "SS", "SS"},
		{"lower case", "in", ""},
		{"alpha-3", "IND", ""},
		{"numeric", "356", ""},
		{"reserved", "UK", ""},
		{"user-assigned", "XK", ""},
		{"withdrawn", "AN", ""},
		{"none", "ZZ", ""},
		{"across two codes", "D ", ""},
		{"blank", " ", ""},
		{"trailing newline", "IN\n", ""},
		{"empty", "", ""},
	})
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if Country(string(a) + string(b)) {
				n++
			}
		}
	}
	if n != 249 || len(strings.Fields(countries)) != 249 {
		t.Errorf("%d codes are accepted of %d listed, want 249", n, len(strings.Fields(countries)))
	}
}
