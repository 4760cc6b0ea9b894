package identity

import "strings"

// soundRules turn the customary spellings of a sound into one; they are applied
// in their order, each everywhere.
var soundRules = strings.NewReplacer(
	"ksh", "ks", "tch", "ks", "x", "ks", "zh", "l", "chh", "ch", "sch", "s", "sh", "s", "th", "t", "tth", "t", "kh", "k",
	"ph", "f", "ck", "k", "q", "k", "w", "v", "ee", "i", "oo", "u", "aa", "a", "ii", "i", "uu", "u",
	"ou", "o", "au", "o", "ow", "o", "ei", "ai", "ey", "ai", "iya", "ia", "aiy", "ai",
)

// endings are spoken or not by region at the end of a name.
var endings = []struct{ long, short string }{
	{"esa", "es"}, {"raja", "raj"}, {"stava", "stav"}, {"esvara", "esvar"}, {"nata", "nat"}, {"narayana", "narayan"},
	{"ananda", "anand"}, {"endra", "endr"}, {"prakasa", "prakas"}, {"anta", "ant"}, {"ah", "a"}, {"ez", "es"},
}

// sound is the key in which customary spellings of one name in a to z agree.
func sound(word string) string {
	s := soundRules.Replace(spelled(word))
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == 'c' && (i+1 == len(s) || s[i+1] != 'h'):
			c = 'k'
		case c == 'y' && i > 0 && (i+1 == len(s) || !isVowel(s[i+1])):
			c = 'i'
		}
		if len(b) > 0 && b[len(b)-1] == c {
			continue
		}
		b = append(b, c)
	}
	s = string(b)
	for _, e := range endings {
		if stem, ok := strings.CutSuffix(s, e.long); ok && len(stem) > 1 {
			s = stem + e.short
			break
		}
	}
	return shortA(s)
}

// shortA leaves out an a between single consonants that vowels stand around, as
// it is often not spoken: Vimala and Vimla, Aravind and Arvind.
func shortA(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] == 'a' && len(b) >= 2 && !isVowel(s[i-1]) && isVowel(s[i-2]) && isVowel(b[len(b)-2]) && opens(s[i+1:]) {
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// opens tells whether a syllable of one consonant, or of one and r, begins s.
func opens(s string) bool {
	if len(s) < 2 || isVowel(s[0]) {
		return false
	}
	return isVowel(s[1]) || len(s) > 2 && s[1] == 'r' && isVowel(s[2])
}

// eastSound is the key in which the eastern form of a name and the Hindi one
// agree: Bijoy and Vijay, Jogendra and Yogendra.
func eastSound(word string) string {
	if s, ok := twins[word]; ok {
		return s
	}
	s := sound(word)
	switch {
	case strings.HasPrefix(s, "v"):
		s = "b" + s[1:]
	case strings.HasPrefix(s, "j"):
		s = "y" + s[1:]
	}
	return s
}

// tamilSound is the key of a name that one side wrote in Tamil letters.
func tamilSound(word string) string {
	return tamilRules.Replace(sound(word))
}

var tamilRules = strings.NewReplacer("ch", "s", "k", "g", "t", "d", "p", "b", "c", "s", "h", "")

func isVowel(c byte) bool { return strings.IndexByte("aeiou", c) >= 0 }
