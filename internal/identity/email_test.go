package identity

import (
	"net/mail"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// asSent makes a case of a good address; bad, of a bad one.
func asSent(name, in string) testCase { return testCase{name, in, in} }
func bad(name, in string) testCase    { return testCase{name, in, ""} }

func TestEmail(t *testing.T) {
	local64, label63 := strings.Repeat("l", 64), strings.Repeat("d", 63)
	label48 := strings.Repeat("भ", 48)
	run(t, check(Email), []testCase{
		asSent("documented", "help@instantpay.in"),
		bad("masked in the source document", "[email protected]"),
		asSent("capitals", "Help@InstantPay.IN"),
		asSent("domain without a dot", "root@localhost"),
		asSent("tag", "help+shop@instantpay.in"),
		asSent("every atext", "!#$%&'*+-/=?^_`{|}~09azAZ@instantpay.in"),
		asSent("dots", "a.b.c@instantpay.in"),
		bad("leading dot", ".a@instantpay.in"),
		bad("trailing dot", "a.@instantpay.in"),
		bad("two dots", "a..b@instantpay.in"),
		bad("only a dot", ".@instantpay.in"),
		bad("no local part", "@instantpay.in"),
		bad("no domain", "help@"),
		bad("no at", "help.instantpay.in"),
		bad("at alone", "@"),
		bad("two ats", "a@b@instantpay.in"),
		bad("blank inside", "he lp@instantpay.in"),
		bad("blank before", " help@instantpay.in"),
		bad("blank after", "help@instantpay.in "),
		bad("blank in the domain", "help@instant pay.in"),
		bad("comma", "help@instantpay,in"),
		bad("two addresses", "a@instantpay.in,b@instantpay.in"),
		bad("display name", "Help <help@instantpay.in>"),
		bad("angle brackets", "<help@instantpay.in>"),
		bad("comment", "help(desk)@instantpay.in"),
		bad("comment in the domain", "help@instantpay.in(desk)"),
		bad("mailto", "mailto:help@instantpay.in"),
		bad("source route", "@a.in:help@instantpay.in"),
		bad("trailing newline", "help@instantpay.in\n"),
		bad("header injection", "help@instantpay.in\r\nBcc: x@y.in"),
		bad("newline inside", "he\nlp@instantpay.in"),
		bad("NUL", "he\x00lp@instantpay.in"),
		bad("NUL in the domain", "help@instantpay\x00.in"),
		bad("DEL", "he\x7flp@instantpay.in"),
		bad("empty", ""),

		asSent("quoted", `"he lp"@instantpay.in`),
		asSent("quoted at", `"a@b"@instantpay.in`),
		asSent("quoted pair", `"a\"b\\c\ d"@instantpay.in`),
		asSent("quoted empty", `""@instantpay.in`),
		asSent("quoted dots", `".a..b."@instantpay.in`),
		bad("quote open", `"ab@instantpay.in`),
		bad("quote closed early", `"a"b@instantpay.in`),
		bad("quote within an atom", `a"b"@instantpay.in`),
		bad("quoted and dotted", `"a".b@instantpay.in`),
		bad("backslash unquoted", `a\@b@instantpay.in`),
		bad("tab quoted", "\"a\tb\"@instantpay.in"),
		bad("newline in a quoted pair", "\"a\\\n\"@instantpay.in"),
		bad("backslash at the end", `"a\`),
		bad("quote alone", `"`),
		bad("quotes alone", `""`),

		asSent("local part of 64", local64+"@instantpay.in"),
		bad("local part of 65", local64+"l@instantpay.in"),
		asSent("quoted local part of 64", `"`+local64[:62]+`"@instantpay.in`),
		bad("quoted local part of 65", `"`+local64[:63]+`"@instantpay.in`),
		asSent("label of 63", "a@"+label63+".in"),
		bad("label of 64", "a@d"+label63+".in"),
		asSent("254 in all", local64+"@"+label63+"."+label63+"."+label63[:61]),
		bad("255 in all", local64+"@"+label63+"."+label63+"."+label63[:62]),
		asSent("UTF-8 local part of 64 octets", strings.Repeat("é", 32)+"@instantpay.in"),
		bad("UTF-8 local part of 66 octets", strings.Repeat("é", 33)+"@instantpay.in"),
		bad("very long", strings.Repeat("a", 1<<20)),

		bad("domain begins with a dot", "a@.in"),
		bad("domain ends with a dot", "a@instantpay.in."),
		bad("domain with two dots", "a@instantpay..in"),
		bad("label begins with a hyphen", "a@-instantpay.in"),
		bad("label ends with a hyphen", "a@instantpay-.in"),
		bad("domain ends with a hyphen", "a@instantpay.in-"),
		bad("hyphen alone", "a@-"),
		bad("underscore in the domain", "a@instant_pay.in"),
		asSent("hyphen inside", "a@instant-pay.in"),
		asSent("hyphens in places 3 and 4", "a@r3---sn.instantpay.in"),
		asSent("digits only, as the grammar has it", "a@123.456"),

		asSent("Hindi domain", "help@उदाहरण.भारत"),
		asSent("Hindi local part", "संपर्क@उदाहरण.भारत"),
		asSent("joiner in a word", "क्\u200dष@instantpay.in"),
		asSent("German domain", "a@münchen.de"),
		asSent("German domain in capitals", "a@MÜNCHEN.de"),
		asSent("the same as an A-label", "a@xn--mnchen-3ya.de"),
		asSent("A-label in capitals", "a@XN--MNCHEN-3YA.de"),
		asSent("Arabic domain", "a@مثال.إختبار"),
		asSent("UTF-8 quoted", `"é è"@instantpay.in`),
		asSent("hyphens in places 3 and 4 beside a U-label", "a@ab--cd.भारत"),
		bad("A-label of nothing", "a@xn--.in"),
		bad("A-label that does not decode", "a@xn--a.in"),
		bad("A-label of ASCII", "a@xn--abc-.in"),
		bad("both directions in a label", "a@aمثال.in"),
		bad("mark first in a label", "a@\u0301a.in"),
		bad("empty label beside a U-label", "a@भारत..in"),
		bad("dot after a U-label", "a@भारत."),
		bad("ideographic dot at the end", "a@भारत。"),
		bad("underscore beside a U-label", "a@a_b.भारत"),
		bad("slash in a compatibility character", "a@\u2100.in"),
		asSent("U-labels", "a@"+strings.Repeat(label48+".", 3)+"in"),
		bad("U-labels too long together as A-labels", "a@"+strings.Repeat(label48+".", 4)+label48),
		bad("U-label too long as an A-label", "a@"+strings.Repeat("भ", 63)+".in"),
		bad("not UTF-8", "a\xff@instantpay.in"),
		bad("not UTF-8 in the domain", "a@\xffinstantpay.in"),
		bad("not UTF-8, quoted", "\"a\xff\"@instantpay.in"),
		bad("overlong UTF-8", "a\xc0\x80@instantpay.in"),
		bad("replacement character", "a\ufffd@instantpay.in"),
		bad("C1 control", "a\u0085@instantpay.in"),
		bad("no-break space", "a\u00a0b@instantpay.in"),
		bad("zero-width space", "a\u200b@instantpay.in"),
		bad("soft hyphen in the domain", "a@instant\u00adpay.in"),
		bad("right-to-left override", "a\u202eb@instantpay.in"),
		bad("byte order mark", "\ufeffa@instantpay.in"),
		bad("line separator, quoted", "\"a\u2028b\"@instantpay.in"),
		bad("full-width at", "help＠instantpay.in"),

		asSent("IPv4 literal", "a@[192.0.2.1]"),
		asSent("IPv4 with leading zeros", "a@[192.000.002.001]"),
		bad("IPv4 out of range", "a@[192.0.2.256]"),
		bad("IPv4 of three parts", "a@[192.0.2]"),
		bad("IPv4 of five parts", "a@[192.0.2.1.1]"),
		bad("IPv4 with an empty part", "a@[192.0..1]"),
		bad("IPv4 with four digits", "a@[192.0.2.0001]"),
		asSent("IPv6 literal", "a@[IPv6:2001:db8::1]"),
		asSent("IPv6 in full", "a@[IPv6:2001:DB8:0:0:0:0:0:1]"),
		asSent("IPv6 tag in lower case", "a@[ipv6:::1]"),
		asSent("IPv6 unspecified", "a@[IPv6:::]"),
		asSent("IPv6 with IPv4", "a@[IPv6:::ffff:192.0.2.1]"),
		asSent("IPv6 with six groups", "a@[IPv6:1:2:3::4:5:6]"),
		bad("IPv6 with seven groups", "a@[IPv6:1:2:3:4::5:6:7]"),
		asSent("IPv6 with four groups and IPv4", "a@[IPv6:1:2::3:4:192.0.2.1]"),
		bad("IPv6 with five groups and IPv4", "a@[IPv6:1:2::3:4:5:192.0.2.1]"),
		bad("IPv6 without its tag", "a@[2001:db8::1]"),
		bad("IPv4 with the tag", "a@[IPv6:192.0.2.1]"),
		bad("IPv6 tag alone", "a@[IPv6:]"),
		bad("IPv6 with a zone", "a@[IPv6:fe80::1%eth0]"),
		bad("unregistered tag", "a@[X400:abc]"),
		bad("empty literal", "a@[]"),
		bad("literal open", "a@[192.0.2.1"),
		bad("bracket alone", "a@["),
		bad("text after a literal", "a@[192.0.2.1].in"),
		bad("blank in a literal", "a@[ 192.0.2.1 ]"),
	})
}

// Addresses built from the grammar are accepted, whatever they are built of.
func TestEmailByGrammar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.OneOf(
			rapid.StringMatching("[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,15}([.][A-Za-z0-9é-]{1,10}){0,3}"),
			rapid.StringMatching(`"([ !#-\[\]-~]|\\[ -~]){0,20}"`),
		).Draw(t, "local")
		domain := rapid.StringMatching(`[A-WYZa-wyz0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?([.][a-wyz0-9]([a-z0-9-]{0,9}[a-z0-9])?){0,4}`).Draw(t, "domain")
		if !Email(local + "@" + domain) {
			t.Fatalf("%q is refused", local+"@"+domain)
		}
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"help@instantpay.in", "[email protected]", `"a\"b"@c.in`, "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "संपर्क@उदाहरण.भारत", "a@xn--mnchen-3ya.de", "a@भारत。", "a@b\n", "<a@b>", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !Email(s) {
			return
		}
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 254 || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsAny(s[strings.LastIndexByte(s, '@'):], " <>()\"\\,;") {
			t.Fatalf("%q is accepted", s)
		}
		if !strings.HasPrefix(s, `"`) && strings.Count(s, "@") != 1 {
			t.Fatalf("%q is accepted", s)
		}
		if at := strings.LastIndexByte(s, '@'); at > 64 || !Email(s[:at+1]+lower(s[at+1:])) {
			t.Fatalf("%q: the case of the domain matters", s)
		}
		// A second opinion. net/mail knows no empty quotation, and reads an
		// address literal in its own way.
		if s[0] == '"' || strings.HasSuffix(s, "]") {
			return
		}
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s || a.Name != "" {
			t.Fatalf("%q is to net/mail %v, %v", s, a, err)
		}
	})
}

func BenchmarkEmail(b *testing.B) {
	for name, s := range map[string]string{
		"plain":  "help@instantpay.in",
		"long":   "firstname.middlename.lastname+shop@payments.bengaluru.example.co.in",
		"quoted": `"he lp"@instantpay.in`,
		"intl":   "संपर्क@उदाहरण.भारत",
		"bad":    "[email protected]",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Email(s)
			}
		})
	}
}
