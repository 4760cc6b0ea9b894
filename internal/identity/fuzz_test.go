package identity

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// deciders are all that decide over one string; TestDeciders knows when one is missing.
var deciders = map[string]stored{
	"PAN": PAN, "TAN": TAN, "CIN": CIN, "Udyam": Udyam, "GSTIN": GSTIN, "IFSC": IFSC, "CallingCode": CallingCode,
	"VPA": check(VPA), "AccountNumber": check(AccountNumber), "Color": check(Color), "Pincode": check(Pincode), "Country": check(Country), "Email": check(Email),
}

// notDeciders are exported functions of another shape, which have targets of their own.
var notDeciders = []string{"ParsePhone", "VPAKey", "NameMatch"}

func TestDeciders(t *testing.T) {
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.IsExported() {
				names = append(names, fn.Name.Name)
			}
		}
	}
	want := append(slices.Collect(maps.Keys(deciders)), notDeciders...)
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("the package has %v, fuzzed are %v", names, want)
	}
}

// FuzzDeciders gives every rule every string: what is accepted is accepted again as it is stored, and then unchanged; it
// differs from what was sent in the case of ASCII letters and a plus alone; and nobody stores what cannot be seen.
func FuzzDeciders(f *testing.F) {
	for _, s := range []string{
		"AAOCS6028B", "aaocs6028b", "DELA12345B", "U72200MH2009PTC123456", "UDYAM-MH-18-0001234", "27AAPFU0939F1ZV", "HDFC0001234", "HDFCO001234", "+91", "44",
		"valid@ybl", "000123456789", "#FF1934", "110044", "IN", "help@instantpay.in", "संपर्क@उदाहरण.भारत", "a@xn--mnchen-3ya.de", "a\u200d@b", "\u212a", "ı", "ſ",
		"12345\x00", "a@b\r\nc", "١٢٣٤٥٦", "１１００４４", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, rule := range deciders {
			v, ok := rule(s)
			if !ok {
				if v != s {
					t.Fatalf("%s: bad value %q was changed to %q", name, s, v)
				}
				continue
			}
			if again, ok := rule(v); !ok || again != v {
				t.Fatalf("%s: %q is stored as %q, and that as %q, %v", name, s, v, again, ok)
			}
			if v == "" || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) || v != strings.TrimSpace(v) {
				t.Fatalf("%s: %q is stored as %q", name, s, v)
			}
			if upper(s) != upper(v) && strings.TrimPrefix(s, "+") != v {
				t.Fatalf("%s: %q is stored as %q", name, s, v)
			}
		}
	})
}
