package identity

import (
	"slices"
	"strings"
)

// slip judges two words that no spelling joins: an error of typing, a short
// form, or two names. x and y are their sounds.
func slip(a, b, x, y string) tie {
	if len(a) > len(b) {
		a, b, x, y = b, a, y, x
	}
	if commonNames[a] && commonNames[b] {
		return none
	}
	noH := func(s string) string { return strings.ReplaceAll(s, "h", "") }
	switch {
	case noH(x) == noH(y) && len(x) > 3:
		return variant // an h moved, missing or too many
	case b == a+"s" && len(a) > 4, suffixed(x, y, "lal"):
		return variant
	case swappedSuffix(x, y):
		return near
	case b == a+"a" && len(a) > 4:
		return near
	case strings.HasPrefix(b, a):
		return shortForm(a, b)
	case strings.HasPrefix(y, x):
		return shortForm(x, y)
	}
	switch at, kind := oneEdit(a, b); kind {
	case 't': // exchanged
		if unspeakable(a) || unspeakable(b) {
			return variant
		}
	case 's':
		switch {
		case unspeakable(a) != unspeakable(b):
			return variant
		case at == 0 || at == len(a)-1:
			return none
		case isVowel(a[at]) && isVowel(b[at]) && len(a) >= 5:
			return near
		case len(a) >= 7 && commonNames[a] != commonNames[b] && neighbours(a[at], b[at]):
			return variant
		}
	case 'i':
		switch {
		case unspeakable(b) && !unspeakable(a):
			return variant
		case len(a) >= 7 && at > 0 && at < len(b)-1 && !isVowel(b[at]):
			return near
		}
	}
	return none
}

func suffixed(x, y, end string) bool { return y == x+end }

// swappedSuffix tells Dilipbhai from Dilipsinh: one name, and two endings of men.
func swappedSuffix(x, y string) bool {
	ends := []string{"bai", "sinh", "singh", "lal", "kumar", "rao", "das", "rai", "bhai"}
	for _, e := range ends {
		if p, ok := strings.CutSuffix(x, e); ok && len(p) > 3 {
			for _, f := range ends {
				if q, ok := strings.CutSuffix(y, f); ok && p == q && e != f {
					return true
				}
			}
		}
	}
	return false
}

// shortForm judges a word that another begins with.
func shortForm(x, y string) tie {
	rest := y[len(x):]
	switch {
	case len(x) < 3:
		return none
	case rest == "i" || rest == "ka" || rest == "ia": // a woman's name of a man's
		return none
	case rest == "a" && len(x) == 5 && isVowel(x[len(x)-2]):
		return near
	case len(rest) == 1 && rest != "n":
		return none
	case slices.Contains([]string{"kar", "ni", "na", "kumari", "bai", "ben", "devi", "vati"}, rest):
		return none
	}
	return near
}

// oneEdit finds the one step from a to b, of which b is not the shorter: 't' two
// letters exchanged, 's' one for another, 'i' one more; 0 when it takes more.
func oneEdit(a, b string) (at int, kind byte) {
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch {
	case len(a) == len(b) && i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]:
		return i, 't'
	case len(a) == len(b) && i < len(a) && a[i+1:] == b[i+1:]:
		return i, 's'
	case len(b) == len(a)+1 && a[i:] == b[i+1:]:
		return i, 'i'
	}
	return 0, 0
}

// unspeakable tells a spelling that no name has, and an error therefore.
func unspeakable(w string) bool {
	for i := range len(w) {
		if w[i] == 'q' && i+1 < len(w) && strings.IndexByte("uabeior", w[i+1]) < 0 {
			return true
		}
	}
	if len(w) > 3 && w[1] == 'h' && !isVowel(w[0]) && strings.IndexByte("aeiouyrvwl", w[2]) < 0 {
		return true
	}
	if len(w) > 2 && !isVowel(w[0]) && !isVowel(w[1]) && w[0] != w[1] {
		return strings.IndexByte("hry", w[1]) < 0 && !strings.HasPrefix(w, "s") && !strings.HasPrefix(w, "dn") && !strings.HasPrefix(w, "gn") &&
			!strings.HasPrefix(w, "jn") && !strings.HasPrefix(w, "kl") && !strings.HasPrefix(w, "gl") && !strings.HasPrefix(w, "fl") &&
			!strings.HasPrefix(w, "bl") && !strings.HasPrefix(w, "pl") && !strings.HasPrefix(w, "dw") && !strings.HasPrefix(w, "dv") &&
			!strings.HasPrefix(w, "gw") && !strings.HasPrefix(w, "ks") && !strings.HasPrefix(w, "tw") && !strings.HasPrefix(w, "vl") ||
			w[1] == 'r' && strings.IndexByte("jlmnr", w[0]) >= 0
	}
	run := 0
	for i := range len(w) {
		if isVowel(w[i]) || w[i] == 'y' {
			run = 0
			continue
		}
		if run++; run > 4 {
			return true
		}
	}
	return false
}

var keyRows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm"}

// neighbours tells letters whose keys touch in a row.
func neighbours(a, b byte) bool {
	for _, r := range keyRows {
		i, j := strings.IndexByte(r, a), strings.IndexByte(r, b)
		if i >= 0 && j >= 0 && (i-j == 1 || j-i == 1) {
			return true
		}
	}
	return false
}
