package identity

import "strings"

// The bands of a NameMatch score, for someone about to pay.
const (
	NameSame     = 90 // from here up: one name, written in two ways
	NameLikely   = 70 // nothing contradicts, but a lesser part is missing, added or misspelled
	NameDoubtful = 40 // too little is left to tell the payee from others; below: another name
)

type band int

const (
	different band = iota
	doubtful
	likely
	same
)

// scores are the lowest and highest score of each band.
var scores = [...][2]int{{0, NameDoubtful - 1}, {NameDoubtful, NameLikely - 1}, {NameLikely, NameSame - 1}, {NameSame, 100}}

// NameMatch scores from 0 to 100 whether the name that a user gave is the one
// that the bank has. The band says what a payer may do; within it the score
// rises with the letters that agree. It judges from the two names alone.
func NameMatch(given, bank string) int {
	g, b := newNaming(given), newNaming(bank)
	if g.empty() || b.empty() {
		return 0
	}
	if g.plain() == b.plain() {
		return 100
	}
	is := matchNamings(g, b)
	low, high := scores[is][0], scores[is][1]
	if high == 100 {
		high = 99
	}
	return low + int(float64(high-low)*alike(g.plain(), b.plain())+0.5)
}

// alike is Dice's coefficient of the letters in pairs, 0 to 1.
func alike(a, b string) float64 {
	pairs := func(s string) map[string]int {
		m := map[string]int{}
		for i := 0; i+2 <= len(s); i++ {
			m[s[i:i+2]]++
		}
		return m
	}
	p, q := pairs(a), pairs(b)
	both, all := 0, 0
	for k, n := range p {
		both += min(n, q[k])
		all += n
	}
	for _, n := range q {
		all += n
	}
	if all == 0 {
		return 0
	}
	return 2 * float64(both) / float64(all)
}

// naming is a name as somebody wrote it, taken apart.
type naming struct {
	holders [][]string // one, or those of a joint account
	kin     string     // how the other is related, as S/O; empty for none
	other   []string   // the one whom the holder is named by
	length  int        // characters as written, for a bank's cut
	tamil   bool       // written in Tamil letters
	firm    bool
}

func (n *naming) plain() string {
	var all []string
	for _, h := range n.holders {
		all = append(all, strings.Join(h, " "))
	}
	text := strings.Join(all, " & ")
	if n.kin != "" {
		text += " " + n.kin + " of " + strings.Join(n.other, " ")
	}
	return text
}

func (n *naming) empty() bool {
	letters := 0
	for _, h := range n.holders {
		for _, w := range h {
			if !isJunk(w) {
				letters += len(w)
			}
		}
	}
	return letters < 2
}

// isJunk tells a word of one letter repeated.
func isJunk(w string) bool { return len(w) > 3 && strings.Trim(w, w[:1]) == "" }

func newNaming(s string) *naming {
	text, isTamil := latin(s)
	n := &naming{length: len([]rune(strings.TrimSpace(s))), tamil: isTamil}
	all := tokens(text)
	for _, w := range all {
		if legal[w] != "" || trade[w] != "" && w != "co" && w != "ent" && w != "sons" && w != "ind" {
			n.firm = true
		}
	}
	n.split(all)
	for i, h := range n.holders {
		n.holders[i] = n.clean(h)
	}
	n.holders = nonEmpty(n.holders)
	n.other = n.clean(n.other)
	return n
}

func nonEmpty(all [][]string) [][]string {
	var kept [][]string
	for _, h := range all {
		if len(h) > 0 {
			kept = append(kept, h)
		}
	}
	return kept
}

// separators set apart what is written without blanks, and join what a blank parts.
var separators = strings.NewReplacer("'", "", "’", "", "`", "", "(p)", " pvt ", "m/s.", " m/s ", "e or s", " eors ", "&", " & ", "@", " @ ", " / ", " & ",
	"s/o.", " s/o ", "d/o.", " d/o ", "w/o.", " w/o ")

// tokens are the words of a name; s/o and its like, & and @ stay as they are.
func tokens(text string) []string {
	var all []string
	for _, f := range strings.Fields(separators.Replace(" " + text + " ")) {
		f = strings.Trim(f, "./-,:;_*#\"+()")
		if f == "&" || f == "@" || kin[f] != "" || f == "m/s" || f == "a/c" {
			all = append(all, f)
			continue
		}
		all = append(all, strings.FieldsFunc(f, func(r rune) bool { return !isAlnum(byte(min(r, 127))) })...)
	}
	// d o, letters on their own before a whole word, are d/o.
	out := all[:0]
	for i := 0; i < len(all); i++ {
		w := all[i]
		if i > 0 && i+2 < len(all) && all[i+1] == "o" && kin[w+"/o"] != "" && len(all[i+2]) > 1 {
			w += "/o"
			i++
		}
		out = append(out, w)
	}
	return out[:min(len(out), maxWords)] // every word is compared with every other
}

const maxWords = 24

// split parts joint holders, and the holder from whom they are named by.
func (n *naming) split(all []string) {
	var now []string
	for i, w := range all {
		k := kin[w]
		if (w == "so" || w == "do" || w == "wo" || w == "co" || w == "ug") && (i < 1 || i+1 == len(all) || n.firm) {
			k = ""
		}
		switch {
		case n.kin != "":
			n.other = append(n.other, w)
			continue
		case k != "" && i > 0:
			n.kin = k
			continue
		case !n.firm && i > 0 && (w == "&" || w == "and" || w == "jt"):
			n.holders = append(n.holders, now)
			now = nil
			continue
		}
		now = append(now, w)
	}
	n.holders = append(n.holders, now)
}

// clean leaves the words that name somebody.
func (n *naming) clean(all []string) []string {
	var kept []string
	for i, w := range all {
		digits := strings.Trim(w, "0123456789") == ""
		switch {
		case digits, w == "&":
			continue
		case n.firm:
			if !filling[w] || w == "india" {
				kept = append(kept, w)
			}
			continue
		case w == "m/s", w == "a/c", noise[w] && len(w) > 1, w == "e" && len(all) > 3 && i > 2:
			continue
		}
		if courtesy[w] && n.isTitle(all, i) {
			continue
		}
		kept = append(kept, strings.Trim(w, "0123456789"))
	}
	return kept
}

// isTitle tells a courtesy from a name or initial that looks like it.
func (n *naming) isTitle(all []string, i int) bool {
	w := all[i]
	words := 0
	for _, other := range all {
		if len(other) > 1 {
			words++
		}
	}
	switch w {
	case "s": // Sardar, before a Singh
		return i == 0 && len(all) > 2 && all[len(all)-1] == "singh" && words == len(all)-1
	case "kumari", "selvi", "shree", "sri", "sree", "pandit", "swami", "master", "sardar", "late", "miss", "ca", "cs", "er":
		return i == 0 && len(all) > 1
	case "ji", "jee", "garu", "saheb", "sahab":
		return i > 0
	}
	return true
}
