package identity

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The scripts of India stand in Unicode as ISCII had them: blocks of 128 in
// which a place means the same sound, so one table reads them all.
const (
	devanagari = 0x0900
	bengali    = 0x0980
	tamil      = 0x0B80
	telugu     = 0x0C00
	kannada    = 0x0C80
	malayalam  = 0x0D00
)

// consonants are those of a block from its place 0x15 to 0x39.
var consonants = strings.Fields("k kh g gh n ch chh j jh ny t th d dh n t th d dh n n p ph b bh m y r r l l zh v sh sh s h")

// vowels are those of a block that stand alone, from 0x05, and signs those that
// follow a consonant, from 0x3E.
var (
	vowels = strings.Fields("a a i i u u ri l e e e ai o o o au")
	signs  = strings.Fields("a i i u u ri ri e e e ai o o o au")
)

// singular are letters outside the common places: the dotted ones of the north,
// and Malayalam's consonants without a vowel.
var singular = map[rune]string{
	0x0958: "k", 0x0959: "kh", 0x095A: "g", 0x095B: "z", 0x095C: "r", 0x095D: "rh", 0x095E: "f", 0x095F: "y",
	0x09CE: "t", 0x09DC: "r", 0x09DD: "rh", 0x09DF: "y", 0x09F0: "r", 0x09F1: "v",
	0x0D7A: "n", 0x0D7B: "n", 0x0D7C: "r", 0x0D7D: "l", 0x0D7E: "l", 0x0D7F: "k",
}

// latin writes a name in the letters a to z, lower case, as it is commonly
// spelled; other characters stay. isTamil tells that Tamil letters were read,
// which do not tell k from g, t from d or p from b.
func latin(s string) (text string, isTamil bool) {
	var out strings.Builder
	word := make([]rune, 0, len(s))
	flush := func() {
		if len(word) == 0 {
			return
		}
		out.WriteString(romanise(word))
		word = word[:0]
	}
	for _, r := range norm.NFC.String(s) {
		if r >= devanagari && r < 0x0D80 && r != 0x0964 && r != 0x0965 {
			isTamil = isTamil || r&^0x7F == tamil
			word = append(word, r)
			continue
		}
		if r == 0x200C || r == 0x200D { // joiners shape letters and sound like nothing
			continue
		}
		flush()
		for _, d := range norm.NFKD.String(string(r)) {
			switch {
			case unicode.Is(unicode.Mn, d):
			case d == 'ß':
				out.WriteString("ss")
			default:
				out.WriteRune(unicode.ToLower(d))
			}
		}
	}
	flush()
	return out.String(), isTamil
}

// romanise writes one word of an Indian script in Latin letters.
func romanise(word []rune) string {
	var out strings.Builder
	pending := false // a consonant that still has its own a
	for i, r := range word {
		block, place := int(r&^0x7F), int(r&0x7F)
		if pending && !(place >= 0x3E && place <= 0x4D) && place != 0x3C {
			out.WriteByte('a')
			pending = false
		}
		switch {
		case singular[r] != "":
			out.WriteString(singular[r])
			pending = block != malayalam && r != 0x09CE
		case place == 0x2F && block == bengali: // ya after a consonant is read with it
			out.WriteString("y")
			pending = true
		case place == 0x35 && block == bengali, place == 0x2C && block == bengali:
			out.WriteString("b")
			pending = true
		case place >= 0x15 && place <= 0x39:
			out.WriteString(consonants[place-0x15])
			pending = true
		case place >= 0x05 && place <= 0x14:
			out.WriteString(vowels[place-0x05])
		case place >= 0x3E && place <= 0x4C:
			out.WriteString(signs[place-0x3E])
			pending = false
		case place == 0x4D:
			pending = false
		case place == 0x01 || place == 0x02 || r == 0x0A70:
			out.WriteString(nasal(word, i))
		case place == 0x03:
			out.WriteByte('h')
		}
	}
	// The last a is silent in the north and spoken in the south.
	if block := int(word[0] &^ 0x7F); pending && (block == telugu || block == kannada || block == malayalam) {
		out.WriteByte('a')
	}
	return out.String()
}

// nasal is the anusvara: m before the letters of the lips, else n.
func nasal(word []rune, i int) string {
	if i+1 < len(word) {
		if place := int(word[i+1] & 0x7F); place >= 0x2A && place <= 0x2E {
			return "m"
		}
	} else if b := word[i] &^ 0x7F; b == telugu || b == kannada || b == malayalam {
		return "m"
	}
	return "n"
}
