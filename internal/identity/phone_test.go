package identity

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

func TestParsePhone(t *testing.T) {
	in := func(n string) Phone { return Phone{n, "91"} }
	for _, c := range []struct {
		name, number, code string
		want               Phone // zero for a bad value
	}{
		{"documented", "7428585742", "", in("7428585742")},
		{"with the code given", "7428585742", "91", in("7428585742")},
		{"with the code and a plus given", "7428585742", "+91", in("7428585742")},
		{"plus 91", "+917428585742", "", in("7428585742")},
		{"91", "917428585742", "", in("7428585742")},
		{"trunk zero", "07428585742", "", in("7428585742")},
		{"plus 91, code agrees", "+917428585742", "91", in("7428585742")},
		{"91, code given too", "917428585742", "91", in("7428585742")},
		{"begins with 6", "6000000000", "", in("6000000000")},
		{"begins with 9", "9999999999", "", in("9999999999")},
		{"begins with 5", "5428585742", "", Phone{}},
		{"blanks", "+91 74285 85742", "", in("7428585742")},
		{"hyphens", "74285-85742", "", in("7428585742")},
		{"dots", "742.858.5742", "", in("7428585742")},
		{"brackets", "(+91) 74285 85742", "", in("7428585742")},
		{"trunk zero in brackets", "+91 (0) 74285-85742", "", in("7428585742")},
		{"dialled from abroad", "00917428585742", "", in("7428585742")},
		{"Delhi landline", "(011) 2654-3210", "", in("1126543210")},
		{"Delhi landline, plus 91", "+91 11 2654 3210", "", in("1126543210")},
		{"Delhi landline, code given", "1126543210", "91", in("1126543210")},
		{"Bengaluru landline, as a mobile", "080 2654 3210", "", in("8026543210")},
		{"toll-free", "1800 180 1234", "", in("18001801234")},

		{"Britain", "+44 20 7946 0958", "", Phone{"2079460958", "44"}},
		{"Britain, code given", "020 7946 0958", "44", Phone{"2079460958", "44"}},
		{"Britain, code given with a plus", "2079460958", "+44", Phone{"2079460958", "44"}},
		{"Britain, code agrees", "+44 20 7946 0958", "44", Phone{"2079460958", "44"}},
		{"Guernsey shares 44", "7781 123456", "44", Phone{"7781123456", "44"}},
		{"United States", "+1 212 555 0123", "", Phone{"2125550123", "1"}},
		{"Bahamas share 1", "242 365 1234", "1", Phone{"2423651234", "1"}},
		{"Kazakhstan shares 7", "701 234 5678", "7", Phone{"7012345678", "7"}},
		{"Russia, trunk 8", "8 (912) 345-67-89", "7", Phone{"9123456789", "7"}},
		{"Italy keeps its zero", "+39 06 6982 1234", "", Phone{"0669821234", "39"}},
		{"Italy, code given", "06 6982 1234", "39", Phone{"0669821234", "39"}},
		{"Emirates", "+971 50 123 4567", "", Phone{"501234567", "971"}},
		{"no country's", "+800 1234 5678", "", Phone{"12345678", "800"}},
		{"dialled from India", "00 44 20 7946 0958", "", Phone{"2079460958", "44"}},

		{"codes disagree", "+917428585742", "44", Phone{}},
		{"codes disagree, India given", "+442079460958", "91", Phone{}},
		{"codes disagree after 00", "00442079460958", "91", Phone{}},
		{"Indian mobile, another code", "9999999999", "1", Phone{}},
		{"national with its code twice", "442079460958", "44", Phone{}},
		{"no such code", "7428585742", "999", Phone{}},
		{"code with letters", "7428585742", "IN", Phone{}},
		{"code with a blank", "7428585742", "91 ", Phone{}},
		{"no such code in the number", "+999 7428585742", "", Phone{}},
		{"code begins with zero", "+07428585742", "", Phone{}},
		{"00 after the plus", "+00917428585742", "", Phone{}},

		{"nine digits", "742858574", "", Phone{}},
		{"eleven digits", "74285857421", "", Phone{}},
		{"no Indian number", "0000000000", "", Phone{}},
		{"emergency", "112", "", Phone{}},
		{"United States, exchange wrong", "+1 212 055 0123", "", Phone{}},
		{"far too long", strings.Repeat("7", 40), "", Phone{}},
		{"longer", strings.Repeat("7", 1<<20), "", Phone{}},
		{"letters", "1800 FLOWERS", "", Phone{}},
		{"letters at the end", "7428585742abc", "", Phone{}},
		{"extension", "011 2654 3210 x12", "", Phone{}},
		{"RFC 3966", "tel:+917428585742", "", Phone{}},
		{"RFC 3966 extension", "+911126543210;ext=12", "", Phone{}},
		{"phone-context", "7428585742;phone-context=+44", "", Phone{}},
		{"hash", "7428585742#", "", Phone{}},
		{"star", "*99#", "", Phone{}},
		{"slash", "74285/85742", "", Phone{}},
		{"comma", "74285,85742", "", Phone{}},
		{"two numbers", "7428585742 7428585743", "", Phone{}},
		{"plus inside", "91+7428585742", "", Phone{}},
		{"two pluses", "++917428585742", "", Phone{}},
		{"full-width plus", "＋917428585742", "", Phone{}},
		{"full-width digits", "７４２８５８５７４２", "", Phone{}},
		{"Devanagari digits", "७४२८५८५७४२", "", Phone{}},
		{"one Devanagari digit", "742858574२", "", Phone{}},
		{"no-break space", "74285\u00a085742", "", Phone{}},
		{"en dash", "74285–85742", "", Phone{}},
		{"embedded newline", "74285\n85742", "", Phone{}},
		{"trailing newline", "7428585742\n", "", Phone{}},
		{"NUL", "7428585742\x00", "", Phone{}},
		{"tab", "74285\t85742", "", Phone{}},
		{"leading hyphen", "-7428585742", "", Phone{}},
		{"trailing hyphen", "7428585742-", "", Phone{}},
		{"bracket open", "(7428585742", "", Phone{}},
		{"bracket closed only", "742)8585742", "", Phone{}},
		{"brackets in brackets", "((742))8585742", "", Phone{}},
		{"plus alone", "+", "", Phone{}},
		{"plus alone, code given", "+", "44", Phone{}},
		{"brackets alone", "()", "", Phone{}},
		{"empty", "", "", Phone{}},
		{"empty, code given", "", "44", Phone{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := ParsePhone(c.number, c.code)
			if got != c.want || ok != (c.want != Phone{}) {
				t.Errorf("%q, %q is %+v, %v; want %+v", c.number, c.code, got, ok, c.want)
			}
		})
	}
}

func TestCallingCode(t *testing.T) {
	run(t, CallingCode, []testCase{
		{"India", "91", "91"},
		{"with a plus", "+91", "91"},
		{"one digit", "+1", "1"},
		{"three digits", "971", "971"},
		{"no country's", "+800", "800"},
		{"not in use", "999", ""},
		{"zero", "0", ""},
		{"leading zero", "091", ""},
		{"leading zeros", "+0091", ""},
		{"four digits", "1242", ""},
		{"two pluses", "++91", ""},
		{"plus alone", "+", ""},
		{"minus", "-91", ""},
		{"blank", "+ 91", ""},
		{"trailing newline", "91\n", ""},
		{"region", "IN", ""},
		{"Devanagari digits", "९१", ""},
		{"empty", "", ""},
	})
}

func reparses(t interface{ Fatalf(string, ...any) }, number, code string) bool {
	p, ok := ParsePhone(number, code)
	if !ok {
		if p != (Phone{}) {
			t.Fatalf("%q, %q is bad and yet %+v", number, code, p)
		}
		return false
	}
	if again, ok := ParsePhone(p.National, p.CallingCode); !ok || again != p {
		t.Fatalf("%q, %q is %+v, and that is %+v, %v", number, code, p, again, ok)
	}
	if again, ok := ParsePhone("+"+p.CallingCode+p.National, ""); !ok || again != p {
		t.Fatalf("%q, %q is %+v, and that with its plus %+v, %v", number, code, p, again, ok)
	}
	if cc, ok := CallingCode(p.CallingCode); !ok || cc != p.CallingCode {
		t.Fatalf("%q, %q has the calling code %q", number, code, p.CallingCode)
	}
	return true
}

// Every country's example numbers, as they are and mutated, with prefixes that
// are dialled somewhere: what is stored must be read back as itself, and a
// number written two ways must be one number.
func TestEveryCountryReadsBack(t *testing.T) {
	r, valid := shuffled(t), 0
	for code := range phonenumbers.GetSupportedCallingCodes() {
		cc := strconv.Itoa(code)
		var examples []string
		add := func(n *phonenumbers.PhoneNumber) {
			if n != nil {
				examples = append(examples, phonenumbers.GetNationalSignificantNumber(n))
			}
		}
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			for kind := phonenumbers.FIXED_LINE; kind < phonenumbers.UNKNOWN; kind++ {
				add(phonenumbers.GetExampleNumberForType(region, kind))
			}
		}
		add(phonenumbers.GetExampleNumberForNonGeoEntity(code))
		if len(examples) == 0 {
			t.Fatalf("no example for +%s", cc)
		}
		for _, s := range examples {
			p, ok := ParsePhone("+"+cc+s, "")
			q, ok2 := ParsePhone(s, cc)
			if !ok || !ok2 || p != (Phone{s, cc}) || q != p {
				t.Errorf("+%s %s is %+v, %v and by its code %+v, %v", cc, s, p, ok, q, ok2)
			}
		}
		for range 60 {
			b := []byte(examples[r.IntN(len(examples))])
			for range r.IntN(4) {
				b[r.IntN(len(b))] = byte('0' + r.IntN(10))
			}
			s := []string{"", "", "0", "1", "8", strconv.Itoa(r.IntN(1000))}[r.IntN(6)] + string(b)
			if reparses(t, "+"+cc+s, "") {
				valid++
			}
			if reparses(t, s, cc) {
				valid++
			}
		}
	}
	if valid < 1000 {
		t.Errorf("only %d numbers were valid", valid)
	}
}

func TestSeparatorsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]string{"7428585742", "+917428585742", "01126543210", "+442079460958", "+390669821234"}).Draw(t, "number")
		want, ok := ParsePhone(s, "")
		if !ok {
			t.Fatalf("%q is refused", s)
		}
		var b strings.Builder
		for i := range len(s) {
			if i > 0 {
				b.WriteString(rapid.StringMatching(`[ .-]{0,2}`).Draw(t, "between"))
			}
			b.WriteByte(s[i])
		}
		if got, ok := ParsePhone(b.String(), ""); !ok || got != want {
			t.Fatalf("%q is %+v, %v; want %+v", b.String(), got, ok, want)
		}
	})
}

// The library keeps a cache of compiled patterns; the race detector looks on.
func TestParsePhoneConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, s := range []string{"+442079460958", "01126543210", "+12125550123", "+81312345678", "7428585742"} {
				if _, ok := ParsePhone(s, ""); !ok {
					t.Errorf("%q is refused", s)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range [][2]string{
		{"7428585742", ""}, {"+917428585742", "91"}, {"(011) 2654-3210", "+91"}, {"020 7946 0958", "44"}, {"+39 06 6982 1234", ""},
		{"8 912 345-67-89", "7"}, {"0008001001234", ""}, {"00 44 20 7946 0958", ""}, {"+1 242 365 1234", "1"}, {"11 15 2345 6789", "54"},
		{"7428585742;phone-context=+44", ""}, {"+", "44"}, {"12345678", "800"}, {"", ""},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, number, code string) {
		if reparses(t, number, code) && strings.Trim(number, "+0123456789 ().-") != "" {
			t.Fatalf("%q is accepted", number)
		}
	})
}

func BenchmarkParsePhone(b *testing.B) {
	for name, s := range map[string]string{
		"mobile":    "7428585742",
		"plus":      "+917428585742",
		"separated": "+91 74285 85742",
		"landline":  "01126543210",
		"abroad":    "+442079460958",
		"bad":       "742858574x",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ParsePhone(s, "")
			}
		})
	}
}
