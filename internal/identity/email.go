package identity

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The limits of RFC 5321, 4.5.3.1: a path is 256 octets with its angle brackets,
// which leaves 254, counted in characters here as everywhere in the API. The
// other two are octets; a domain in its ASCII form.
const (
	longestEmail  = 254
	longestLocal  = 64
	longestDomain = 253 // of the 255, DNS itself takes two
	longestLabel  = 63
)

// Email reports whether s is one address as SMTP carries it: a Mailbox of
// RFC 5321, 4.1.2, with the letters of all scripts that RFC 6531 adds. No display
// name, comment or angle brackets. A domain may be a single label, an
// internationalised name, or an IPv4 or IPv6 address in square brackets.
// It is at most 254 characters, its local part at most 64 octets.
func Email(s string) bool {
	if len(s) > longestEmail && utf8.RuneCountInString(s) > longestEmail {
		return false
	}
	at := localPart(s)
	if at < 1 || at > longestLocal || at+1 >= len(s) || s[at] != '@' {
		return false
	}
	domain := s[at+1:]
	if domain[0] == '[' {
		return isAddressLiteral(domain)
	}
	return isDomain(domain)
}

// localPart is the length of the local part that s begins with, or 0.
func localPart(s string) int {
	if s != "" && s[0] == '"' {
		return quotedString(s)
	}
	return dotString(s)
}

func dotString(s string) int {
	dot := true // a dot may not come next
	for i := 0; i < len(s); {
		size := 1
		switch c := s[i]; {
		case c == '.':
			if dot {
				return 0
			}
		case c >= utf8.RuneSelf:
			if size = visible(s[i:]); size == 0 {
				return 0
			}
		case !isAtext(c):
			if dot {
				return 0
			}
			return i
		}
		dot = s[i] == '.'
		i += size
	}
	return 0
}

func quotedString(s string) int {
	for i := 1; i < len(s); {
		size := 1
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			size = 2
			if i+1 == len(s) || s[i+1] < ' ' || s[i+1] > '~' {
				return 0
			}
		case c >= utf8.RuneSelf:
			if size = visible(s[i:]); size == 0 {
				return 0
			}
		case c < ' ' || c > '~':
			return 0
		}
		i += size
	}
	return 0
}

// isAtext is atext of RFC 5322, 3.2.3, within ASCII.
func isAtext(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '/', '=', '?', '^', '_', '`', '{', '|', '}', '~':
		return true
	}
	return isAlnum(c)
}

// visible is the size of the character that s begins with, or 0 when that is not
// UTF-8, was not before it came here, or cannot be seen: RFC 6531 allows any character, but controls, odd
// blanks and marks that turn the direction of writing serve only to deceive. The
// two joiners stay, for Indian and Persian words are spelt with them.
func visible(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	if r != utf8.RuneError && unicode.IsPrint(r) || r == '\u200c' || r == '\u200d' {
		return size
	}
	return 0
}

// internationalised reads a domain as a resolver would (UTS 46), except that it
// leaves ASCII labels with hyphens in places 3 and 4 alone: such exist.
var internationalised = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(false))

func isDomain(s string) bool {
	if isPlain(s) {
		return isHostname(s)
	}
	for i := 0; i < len(s); {
		size := 1
		if s[i] >= utf8.RuneSelf {
			if size = visible(s[i:]); size == 0 {
				return false
			}
		}
		i += size
	}
	a, err := internationalised.ToASCII(s)
	return err == nil && isHostname(a)
}

// isPlain reports whether no label of the domain is an internationalised one, in
// either of its spellings.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
		if s[i]|0x20 == 'x' && (i == 0 || s[i-1] == '.') && len(s)-i >= 4 && strings.EqualFold(s[i:i+4], "xn--") {
			return false
		}
	}
	return true
}

// isHostname is Domain of RFC 5321, 4.1.2: labels of letters, digits and inner
// hyphens.
func isHostname(s string) bool {
	if len(s) > longestDomain {
		return false
	}
	label := 0 // where it begins
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if i == label || i-label > longestLabel || s[label] == '-' || s[i-1] == '-' {
				return false
			}
			label = i + 1
		} else if !isAlnum(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

// isAddressLiteral is address-literal of RFC 5321, 4.1.3. Of the tags that it
// leaves room for only IPv6 has ever been registered.
func isAddressLiteral(s string) bool {
	if len(s) < 2 || s[len(s)-1] != ']' {
		return false
	}
	s = s[1 : len(s)-1]
	const tag = "IPv6:"
	if len(s) > len(tag) && strings.EqualFold(s[:len(tag)], tag) {
		return isIPv6(s[len(tag):])
	}
	return isIPv4(s)
}

// isIPv4 is by hand because the RFC allows leading zeros and netip does not.
func isIPv4(s string) bool {
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		n := 0
		for i := range len(part) {
			if !isDigit(part[i]) {
				return false
			}
			n = n*10 + int(part[i]-'0')
		}
		if len(part) < 1 || len(part) > 3 || n > 255 {
			return false
		}
		parts++
	}
	return parts == 4
}

func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return false
	}
	if !strings.Contains(s, "::") {
		return true
	}
	// The RFC has "::" stand for two groups of zeros or more.
	groups := 0
	for group := range strings.SplitSeq(s, ":") {
		if group != "" {
			groups++
		}
	}
	if strings.Contains(s, ".") {
		groups++
	}
	return groups <= 6
}
