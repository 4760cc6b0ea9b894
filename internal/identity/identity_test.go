package identity

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// stored is a rule that also normalises; check turns one that does not into it.
type stored func(string) (string, bool)

func check(f func(string) bool) stored {
	return func(s string) (string, bool) { return s, f(s) }
}

type testCase struct {
	name, in, want string // want is empty for a bad value
}

func run(t *testing.T, f stored, cases []testCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := f(c.in)
			if ok != (c.want != "") {
				t.Fatalf("%q: ok is %v", c.in, ok)
			}
			if ok && got != c.want {
				t.Errorf("%q is stored as %q, want %q", c.in, got, c.want)
			}
			if !ok && got != c.in {
				t.Errorf("bad value %q was changed to %q", c.in, got)
			}
		})
	}
}

// rules pairs every hand-written scan with the expression that the contract
// gives for it. A rule that asks for more than its expression has extra.
var rules = []struct {
	name  string
	rule  stored
	expr  string
	extra func(string) bool
	fold  bool // accepted in lower case
	good  string
}{
	{"PAN", PAN, `^[A-Z]{3}[ABCFGHJLPTK][A-Z][0-9]{4}[A-Z]$`, func(s string) bool { return s[5:9] != "0000" }, true, "AAOCS6028B"},
	{"TAN", TAN, `^[A-Z]{4}[0-9]{5}[A-Z]$`, nil, true, "DELA00123B"},
	{"CIN", CIN, `^[LU][0-9]{5}[A-Z]{2}[0-9]{4}[A-Z]{3}[0-9]{6}$`, func(s string) bool {
		return regexp.MustCompile(`PLC|PTC|OPC|NPL|GOI|SGC|FLC|FTC|ULL|ULT|GAP|GAT`).MatchString(s[12:15])
	}, true, "L17110MH1973PLC019786"},
	{"Udyam", Udyam, `^UDYAM-[A-Z]{2}-[0-9]{2}-[0-9]{7}$`, nil, true, "UDYAM-DL-01-0012345"},
	{"IFSC", IFSC, `^[A-Z]{4}0[A-Z0-9]{6}$`, nil, true, "HDFC0001234"},
	{"GSTIN", GSTIN, `^(?:[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z][Z1-9ABD-J][0-9A-Z]` +
		`|[0-9]{2}[A-Z]{4}[0-9]{5}[A-Z][0-9]Z[0-9]` +
		`|[0-9]{2}[A-Z]{4}[A-Z0-9][0-9]{4}[A-Z][1-9A-Z]D[0-9A-Z]` +
		`|[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]C[0-9A-Z]` +
		`|[0-9]{4}[A-Z]{3}[0-9]{5}[UO]N[A-Z0-9]` +
		`|[0-9]{4}[A-Z]{3}[0-9]{5}NR[0-9A-Z]` +
		`|99[0-9]{2}[A-Z]{3}[0-9]{5}OS[0-9A-Z])$`, gstinExtra, true, "27AAPFU0939F1ZV"},
	{"VPA", check(VPA), `^[A-Za-z0-9.\-_]{2,256}@[A-Za-z][A-Za-z0-9.]{1,63}$`, nil, false, "7428585742@ybl"},
	{"AccountNumber", check(AccountNumber), `^[0-9A-Za-z]{6,18}$`, nil, false, "00012345678"},
	{"Pincode", check(Pincode), `^[1-9][0-9]{5}$`, nil, false, "110044"},
	{"Color", check(Color), `^#[0-9A-Fa-f]{6}$`, nil, false, "#FF1934"},
}

// hostile are strings that fold, look or end like ASCII ones without being so.
var hostile = []string{"ı", "ſ", "\u212a", "Ａ", "０", "٣", "०", "\u0391", "\u0410", "\u200b", "\u00a0", "\n", "\r", "\t", "\x00", "\x7f", "\xff", " ", "-", "é"}

func TestRulesAgreeWithTheContract(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			expr := regexp.MustCompile(r.expr)
			if v, ok := r.rule(r.good); !ok || v != r.good {
				t.Fatalf("%q is refused", r.good)
			}
			rapid.Check(t, func(t *rapid.T) {
				s := rapid.OneOf(rapid.StringMatching(r.expr), rapid.Just(r.good)).Draw(t, "s")
				b := []byte(s)
				for range rapid.IntRange(0, 2).Draw(t, "edits") {
					i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
					b[i] = rapid.ByteRange(0, 255).Draw(t, "byte")
				}
				s = string(b)
				if rapid.Bool().Draw(t, "lower") {
					s = lower(s)
				}
				v := s
				if r.fold {
					v = upper(s)
				}
				want := expr.MatchString(v) && (r.extra == nil || r.extra(v))
				got, ok := r.rule(s)
				if ok != want {
					t.Fatalf("%q: got %v, the contract says %v", s, ok, want)
				}
				if ok && got != v {
					t.Fatalf("%q is stored as %q", s, got)
				}
			})
		})
	}
}

func TestHostileCharacters(t *testing.T) {
	for _, r := range rules {
		for _, h := range hostile {
			for i := 0; i <= len(r.good); i++ {
				inserted := r.good[:i] + h + r.good[i:]
				if _, ok := r.rule(inserted); ok && (r.name != "VPA" || h != "-") {
					t.Errorf("%s accepts %q", r.name, inserted)
				}
				if i == len(r.good) || h == "-" {
					continue
				}
				if replaced := r.good[:i] + h + r.good[i+1:]; accepted(r.rule, replaced) {
					t.Errorf("%s accepts %q", r.name, replaced)
				}
			}
		}
	}
}

func accepted(f stored, s string) bool { _, ok := f(s); return ok }

// The folds that strings.ToUpper and ToLower would make, on letters that the
// identifiers do hold.
func TestLookAlikesDoNotFold(t *testing.T) {
	for _, c := range []struct {
		name string
		rule stored
		in   string
	}{
		{"dotless i in a TAN", TAN, "DEıA00123B"},
		{"long s in a PAN", PAN, "AAOCſ6028B"},
		{"long s in an IFSC", IFSC, "ſBIN0001234"},
		{"Kelvin sign in an IFSC", IFSC, "\u212aKBK0001234"},
		{"full-width letter in a PAN", PAN, "ＡAOCS6028B"},
		{"Devanagari digit in a PIN code", check(Pincode), "11004४"},
		{"Kelvin sign in a VPA", check(VPA), "ab\u212a@ybl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if accepted(c.rule, c.in) {
				t.Errorf("%q is accepted", c.in)
			}
		})
	}
	if VPAKey("\u212a@YBL") != "\u212a@ybl" {
		t.Error("VPAKey folds the Kelvin sign")
	}
}

// Every value in the documented sample requests that this package judges.
func TestDocumentedSamples(t *testing.T) {
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"pan", accepted(PAN, "AAOCS6028B")},
		{"upiId", VPA("7428585742@ybl")},
		{"email", Email("help@instantpay.in")},
		{"pincode", Pincode("110044")},
		{"countryCode", Country("IN")},
		{"hexColorCode", Color("#FF1934") && Color("#FF1931")},
	} {
		if !c.ok {
			t.Errorf("the sample's %s is refused", c.name)
		}
	}
	if p, ok := ParsePhone("7428585742", ""); !ok || p != (Phone{"7428585742", "91"}) {
		t.Errorf("the sample's mobile is %v, %v", p, ok)
	}
}

func TestASCIIFolding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		up, low := upper(s), lower(s)
		if upper(up) != up || lower(low) != low || len(up) != len(s) || !strings.EqualFold(up, low) {
			t.Fatalf("%q folds to %q and %q", s, up, low)
		}
		if utf8.ValidString(s) != utf8.ValidString(up) {
			t.Fatalf("%q became %q", s, up)
		}
	})
}

// Known values cost nothing to accept.
func TestNoAllocation(t *testing.T) {
	for _, r := range rules {
		if n := testing.AllocsPerRun(100, func() { r.rule(r.good) }); n != 0 {
			t.Errorf("%s: %v allocations", r.name, n)
		}
	}
	for name, f := range map[string]func(){
		"Email":      func() { Email("help@instantpay.in") },
		"UTF-8":      func() { Email(`"a b"@instantpay.in`) },
		"Country":    func() { Country("IN") },
		"ParsePhone": func() { ParsePhone("+917428585742", "91") },
		"VPAKey":     func() { VPAKey("7428585742@ybl") },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func shuffled(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
