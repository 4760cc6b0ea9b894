package identity

import "strings"

// gstinForms are the forms that GSTN issues, by who registers. The state code
// and the check character are tested apart.
var gstinForms = []struct {
	form string
	pan  bool // characters 3 to 12 are a PAN
}{
	{"ddlllllddddlnxx", true},  // taxpayer; the 14th character is tested apart
	{"ddlllldddddlnDx", false}, // deductor of tax at source, by its TAN
	{"ddlllldddddldZd", false}, // government department, by its TAN
	{"ddddllldddddUNx", false}, // UN body
	{"ddddllldddddONx", false}, // UN body, other notified person
	{"ddddllldddddNRx", false}, // non-resident
	{"99ddllldddddOSx", false}, // online services from abroad (OIDAR)
}

// gstinKinds are the 14th characters of a number that is built on a PAN: Z and
// those beside it for taxpayers, D for deductors, C for collectors at source.
const gstinKinds = "Z123456789ABDEFGHIJC"

// GSTIN is a Goods and Services Tax Identification Number, 15 characters, in any
// of the forms that GSTN issues: regular, deductor and collector at source,
// government department, UN body, non-resident, OIDAR. The state code is 01 to
// 38, 97 or 99, and the last character is GSTN's check of the others. Where the
// number is built on a PAN, that has a PAN's form.
func GSTIN(s string) (string, bool) {
	v := upper(s)
	for _, f := range gstinForms {
		if fits(v, f.form) {
			ok := isGSTState(v[:2]) && v[14] == gstinCheck(v[:14])
			if f.pan {
				ok = ok && isPAN(v[2:12]) && strings.IndexByte(gstinKinds, v[13]) >= 0
			}
			if ok {
				return v, true
			}
			return s, false
		}
	}
	return s, false
}

func isGSTState(code string) bool {
	return "01" <= code && code <= "38" || code == "97" || code == "99"
}

// gstinCheck is GSTN's check character: a Luhn sum in base 36 over capitals and
// digits, weights 1 and 2 from the left. It catches every single substitution.
func gstinCheck(v string) byte {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	sum := 0
	for i := range len(v) {
		p := strings.IndexByte(digits, v[i]) * (1 + i%2)
		sum += p/36 + p%36
	}
	return digits[(36-sum%36)%36]
}
