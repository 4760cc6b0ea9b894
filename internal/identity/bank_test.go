package identity

import (
	"strings"
	"testing"
)

func TestIFSC(t *testing.T) {
	run(t, IFSC, []testCase{
		{"good", "HDFC0001234", "HDFC0001234"},
		{"lettered branch", "SBIN0RRMEGB", "SBIN0RRMEGB"},
		{"lower case", "hdfc0001234", "HDFC0001234"},
		{"letter O for the zero", "HDFCO001234", ""},
		{"fifth not zero", "HDFC1001234", ""},
		{"digit in the bank", "HDF10001234", ""},
		{"blank inside", "HDFC 0001234", ""},
		{"hyphen inside", "HDFC-0001234", ""},
		{"too short", "HDFC000123", ""},
		{"too long", "HDFC00012345", ""},
		{"trailing newline", "HDFC0001234\n", ""},
		{"empty", "", ""},
	})
}

func TestVPA(t *testing.T) {
	run(t, check(VPA), []testCase{
		{"documented", "7428585742@ybl", "7428585742@ybl"},
		{"every kind of character", "A.b-c_9@ok.HDFC1", "A.b-c_9@ok.HDFC1"},
		{"shortest", "ab@cd", "ab@cd"},
		{"name of one", "a@ybl", ""},
		{"name of 256", strings.Repeat("a", 256) + "@ybl", strings.Repeat("a", 256) + "@ybl"},
		{"name of 257", strings.Repeat("a", 257) + "@ybl", ""},
		{"handle of one", "ab@c", ""},
		{"handle of 64", "ab@" + strings.Repeat("c", 64), "ab@" + strings.Repeat("c", 64)},
		{"handle of 65", "ab@" + strings.Repeat("c", 65), ""},
		{"handle begins with a digit", "ab@1bl", ""},
		{"handle begins with a dot", "ab@.bl", ""},
		{"hyphen in the handle", "ab@y-bl", ""},
		{"no handle", "ab@", ""},
		{"no name", "@ybl", ""},
		{"no at", "7428585742", ""},
		{"two ats", "ab@ybl@ybl", ""},
		{"blank inside", "74285 85742@ybl", ""},
		{"plus", "a+b@ybl", ""},
		{"full-width at", "ab＠ybl", ""},
		{"Cyrillic letter", "аb@ybl", ""},
		{"trailing newline", "ab@ybl\n", ""},
		{"NUL", "ab\x00@ybl", ""},
		{"empty", "", ""},
	})
	if VPAKey("Shop.9@YBL") != VPAKey("shop.9@ybl") || VPAKey("a.b@ybl") == VPAKey("ab@ybl") {
		t.Error("VPAKey is not the lower case and nothing more")
	}
}

func FuzzVPA(f *testing.F) {
	for _, s := range []string{"7428585742@ybl", "Shop.9@YBL", "a@b", "ab@ybl@ybl", "\u212a@ybl", "ab@ybl\n", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := VPAKey(s)
		if VPAKey(key) != key {
			t.Fatalf("%q has the key %q, and that has %q", s, key, VPAKey(key))
		}
		if VPA(s) != VPA(key) {
			t.Fatalf("%q and its key differ in validity", s)
		}
		if VPA(s) && key != strings.ToLower(s) {
			t.Fatalf("%q has the key %q", s, key)
		}
	})
}

func TestAccountNumber(t *testing.T) {
	run(t, check(AccountNumber), []testCase{
		{"leading zeros", "000012345678", "000012345678"},
		{"letters, as sent", "DEma123456", "DEma123456"},
		{"six", "123456", "123456"},
		{"five", "12345", ""},
		{"eighteen", "123456789012345678", "123456789012345678"},
		{"nineteen", "1234567890123456789", ""},
		{"blank inside", "1234 5678", ""},
		{"hyphen inside", "1234-5678", ""},
		{"a number", "1.23E+15", ""},
		{"Devanagari digits", "१२३४५६", ""},
		{"trailing newline", "123456\n", ""},
		{"NUL", "12345\x006", ""},
		{"empty", "", ""},
	})
}
