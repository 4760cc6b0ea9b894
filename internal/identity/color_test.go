package identity

import "testing"

func TestColor(t *testing.T) {
	run(t, check(Color), []testCase{
		{"documented", "#FF1934", "#FF1934"},
		{"lower case, as sent", "#abcdef", "#abcdef"},
		{"no hash", "FF1934", ""},
		{"short form", "#FFF", ""},
		{"with alpha", "#FF1934FF", ""},
		{"G", "#FF193G", ""},
		{"grave, next to a", "#FF193`", ""},
		{"at, next to A", "#FF193@", ""},
		{"hash alone", "#", ""},
		{"trailing newline", "#FF1934\n", ""},
		{"newline in place", "#FF193\n", ""},
		{"empty", "", ""},
	})
}
