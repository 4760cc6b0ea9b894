package identity

import (
	"strings"
	"testing"
)

func TestPAN(t *testing.T) {
	cases := []testCase{
		{"documented", "AAOCS6028B", "AAOCS6028B"},
		{"lower case", "aaocs6028b", "AAOCS6028B"},
		{"mixed case", "AaOcS6028b", "AAOCS6028B"},
		{"digits from 0001", "AAOCS0001B", "AAOCS0001B"},
		{"digits 0000", "AAOCS0000B", ""},
		{"holder letter unused", "AAODS6028B", ""},
		{"holder letter E, once an LLP", "AAOES6028B", ""},
		{"too short", "AAOCS6028", ""},
		{"too long", "AAOCS6028BB", ""},
		{"blank inside", "AAOCS 6028B", ""},
		{"hyphen inside", "AAOCS-6028-B", ""},
		{"digit for a letter", "AA0CS6028B", ""},
		{"letter for a digit", "AAOCS6O28B", ""},
		{"trailing newline", "AAOCS6028B\n", ""},
		{"newline in place", "AAOCS6028\n", ""},
		{"NUL", "AAOCS6028\x00", ""},
		{"long s", "AAOCſ6028B", ""},
		{"empty", "", ""},
	}
	for _, holder := range panHolders {
		v := "AAA" + string(holder) + "S6028B"
		cases = append(cases, testCase{"holder " + string(holder), v, v})
	}
	run(t, PAN, cases)
}

func TestTAN(t *testing.T) {
	run(t, TAN, []testCase{
		{"good", "DELA00123B", "DELA00123B"},
		{"lower case", "dela00123b", "DELA00123B"},
		{"a PAN", "AAOCS6028B", ""},
		{"too short", "DELA0012B", ""},
		{"too long", "DELA001234B", ""},
		{"blank inside", "DELA 00123B", ""},
		{"trailing newline", "DELA00123B\n", ""},
		{"empty", "", ""},
	})
}

func TestCIN(t *testing.T) {
	cases := []testCase{
		{"documented", "L17110MH1973PLC019786", "L17110MH1973PLC019786"},
		{"lower case", "u72200dl2008ptc123456", "U72200DL2008PTC123456"},
		{"the sample reply's, a digit short", "L1710MH1973PLC019786", ""},
		{"neither listed nor unlisted", "A17110MH1973PLC019786", ""},
		{"class unknown", "L17110MH1973LLP019786", ""},
		{"class across two others", "L17110MH1973LCP019786", ""},
		{"hyphen inside", "L17110-MH1973PLC019786", ""},
		{"blank inside", "L17110 MH 1973 PLC 019786", ""},
		{"too long", "L17110MH1973PLC0197860", ""},
		{"trailing newline", "L17110MH1973PLC019786\n", ""},
		{"NUL", "L17110MH1973PLC01978\x00", ""},
		{"empty", "", ""},
	}
	for class := range strings.FieldsSeq("PLC PTC OPC NPL GOI SGC FLC FTC ULL ULT GAP GAT") {
		v := "U72200DL2008" + class + "123456"
		cases = append(cases, testCase{class, v, v})
	}
	run(t, CIN, cases)
}

func TestUdyam(t *testing.T) {
	run(t, Udyam, []testCase{
		{"good", "UDYAM-DL-01-0012345", "UDYAM-DL-01-0012345"},
		{"lower case", "udyam-dl-01-0012345", "UDYAM-DL-01-0012345"},
		{"no hyphens", "UDYAMDL010012345", ""},
		{"blanks for hyphens", "UDYAM DL 01 0012345", ""},
		{"non-breaking hyphen", "UDYAM\u2011DL-01-0012345", ""},
		{"no prefix", "DL-01-0012345", ""},
		{"too short", "UDYAM-DL-01-001234", ""},
		{"too long", "UDYAM-DL-01-00123456", ""},
		{"trailing newline", "UDYAM-DL-01-0012345\n", ""},
		{"empty", "", ""},
	})
}
