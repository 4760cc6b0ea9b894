package identity

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const base36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// withCheck completes 14 characters, by a second writing of GSTN's sum.
func withCheck(v string) string {
	sum := 0
	for i, c := range v {
		p := strings.IndexRune(base36, c)
		if i%2 == 1 {
			p *= 2
		}
		if p >= 36 {
			p -= 35
		}
		sum += p
	}
	return v + string(base36[(36*14-sum)%36])
}

// gstinExtra is what the contract asks of a GSTIN beyond its expression.
func gstinExtra(v string) bool {
	state := v[:2]
	if (state < "01" || state > "38") && state != "97" && state != "99" {
		return false
	}
	if isCapital(v[2]) && isCapital(v[6]) && !accepted(PAN, v[2:12]) {
		return false
	}
	return withCheck(v[:14]) == v
}

func TestGSTIN(t *testing.T) {
	cases := []testCase{
		{"good 1", "27AAPFU0939F1ZV", "27AAPFU0939F1ZV"},
		{"good 2", "27AAACR5055K1Z7", "27AAACR5055K1Z7"},
		{"good 3", "29AAGCB7383J1Z4", "29AAGCB7383J1Z4"},
		{"good 4", "24AAACC1206D1ZM", "24AAACC1206D1ZM"},
		{"real UN body", "0717UNO00157UNO", "0717UNO00157UNO"},
		{"lower case", "27aapfu0939f1zv", "27AAPFU0939F1ZV"},
		{"the usual dummy", "22AAAAA0000A1Z5", ""},
		{"dummy with its check right, PAN digits 0000", "22AAAAA0000A1ZC", ""},
		{"the sample reply's", "29AAOCS6028B9Z9", ""},
		{"wrong check character", "27AAPFU0939F1ZW", ""},
		{"neighbours swapped", "72AAPFU0939F1ZV", ""},
		{"blank inside", "27 AAPFU0939F 1ZV", ""},
		{"hyphen inside", "27-AAPFU0939F1ZV", ""},
		{"too short", "27AAPFU0939F1Z", ""},
		{"too long", "27AAPFU0939F1ZVV", ""},
		{"trailing newline", "27AAPFU0939F1ZV\n", ""},
		{"newline for the check", "27AAPFU0939F1Z\n", ""},
		{"NUL", "27AAPFU0939F1Z\x00", ""},
		{"Arabic digit", "٢7AAPFU0939F1Z", ""},
		{"a PAN", "AAPFU0939F", ""},
		{"empty", "", ""},
	}
	for _, c := range []struct {
		name, body string
		ok         bool
	}{
		{"regular", "27AAPFU0939F1Z", true},
		{"regular, second registration", "27AAPFU0939F2Z", true},
		{"regular, lettered registration", "27AAPFU0939FAZ", true},
		{"regular, registration 0", "27AAPFU0939F0Z", false},
		{"regular, kind 1", "27AAPFU0939F11", true},
		{"regular, kind J", "27AAPFU0939F1J", true},
		{"regular, kind K", "27AAPFU0939F1K", false},
		{"regular, kind 0", "27AAPFU0939F10", false},
		{"regular, no PAN inside", "27AAPDU0939F1Z", false},
		{"collector (TCS)", "27AABCU9603R1C", true},
		{"collector, no PAN inside", "27AABDU9603R1C", false},
		{"deductor (TDS) by TAN", "07DELA00123B1D", true},
		{"deductor by PAN", "07AAAGM0289C1D", true},
		{"deductor, no PAN inside", "07AAAEM0289C1D", false},
		{"deductor by TAN, registration 0", "07DELA00123B0D", false},
		{"government department", "07DELA00049B1Z", true}, // its check is a digit
		{"government department, check a letter", "07DELA00123B1Z", false},
		{"UN body", "2717USA00013UN", true},
		{"other notified person", "1917ABC00001ON", true},
		{"neither U nor O", "1917ABC00001AN", false},
		{"non-resident", "0717NRI00001NR", true},
		{"OIDAR", "9917SGP29001OS", true},
		{"OIDAR of a state", "0717SGP29001OS", false},
		{"state 00", "00AAPFU0939F1Z", false},
		{"state 01", "01AAPFU0939F1Z", true},
		{"state 38", "38AAPFU0939F1Z", true},
		{"state 39", "39AAPFU0939F1Z", false},
		{"state 96", "96AAPFU0939F1Z", false},
		{"state 97", "97AAPFU0939F1Z", true},
		{"state 98", "98AAPFU0939F1Z", false},
		{"state 99", "99AAPFU0939F1Z", true},
		{"UN body of state 39", "3917USA00013UN", false},
	} {
		v := withCheck(c.body)
		want := ""
		if c.ok {
			want = v
		}
		cases = append(cases, testCase{c.name, v, want})
	}
	run(t, GSTIN, cases)
}

// regularGSTIN draws a taxpayer's number with its check character.
func regularGSTIN(t *rapid.T) string {
	state := rapid.StringMatching(`0[1-9]|[12][0-9]|3[0-8]|97|99`).Draw(t, "state")
	pan := rapid.StringMatching(`[A-Z]{3}[ABCFGHJLPTK][A-Z][0-9]{3}[1-9][A-Z]`).Draw(t, "pan")
	return withCheck(state + pan + rapid.StringMatching(`[1-9A-Z][Z1-9ABD-J]`).Draw(t, "registration"))
}

func TestGSTINCatchesEverySubstitution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := regularGSTIN(t)
		if got, ok := GSTIN(v); !ok || got != v {
			t.Fatalf("%q is refused", v)
		}
		if got, ok := GSTIN(strings.ToLower(v)); !ok || got != v {
			t.Fatalf("%q in lower case is %q, %v", v, got, ok)
		}
		for i := range len(v) {
			for _, c := range []byte(base36) {
				wrong := v[:i] + string(c) + v[i+1:]
				if c == v[i] {
					continue
				}
				if _, ok := GSTIN(wrong); ok {
					t.Fatalf("%q passes for %q", wrong, v)
				}
				if i < 14 && gstinCheck(wrong[:14]) == v[14] {
					t.Fatalf("%q has the check character of %q", wrong, v)
				}
			}
		}
	})
}

func FuzzGSTIN(f *testing.F) {
	for _, s := range []string{"27AAPFU0939F1ZV", "27aapfu0939f1zv", "22AAAAA0000A1Z5", "0717UNO00157UNO", "07DELA00049B1Z9", "9917SGP29001OST", "27AAPFU0939F1Zſ", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := GSTIN(s)
		if !ok {
			if v != s {
				t.Fatalf("bad value %q was changed to %q", s, v)
			}
			return
		}
		if again, ok := GSTIN(v); !ok || again != v {
			t.Fatalf("%q is stored as %q, and that as %q, %v", s, v, again, ok)
		}
		if !gstinExtra(v) || !strings.EqualFold(s, v) {
			t.Fatalf("%q is accepted as %q", s, v)
		}
	})
}
